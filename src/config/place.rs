//! Where in `knrender.yaml` something stands, for errors: by the key that people know, beside line and column.

/// The keys that what stands at a line and column belongs to, the outermost first. A key that starts right there is not among
/// them. Only what is written in lines of its own counts: of `alb: {tags: 1}`, that is `alb`.
pub(super) fn keys(text: &str, line: usize, column: usize) -> Vec<&str> {
    let mut found = Vec::new();
    let mut limit = usize::MAX;
    let lines: Vec<&str> = text.lines().take(line).collect();
    for (i, text) in lines.iter().enumerate().rev() {
        let content = text.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = text.len() - content.len();
        let is_last = i + 1 == line;
        match key(text) {
            Some((at, key)) if at < limit && (!is_last || at + 1 < column) => {
                found.push(key);
                limit = at;
            }
            Some((at, _)) if is_last => limit = at,
            // An item may stand right below its key.
            None if is_last => limit = indent + usize::from(content.starts_with('-')),
            _ => {}
        }
        if limit == 0 {
            break;
        }
    }
    found.reverse();
    found
}

/// The line on which a key of the file itself stands first; 1 where it is not to be seen.
pub(super) fn line_of(text: &str, name: &str) -> usize {
    let is_it = |line: &str| key(line).is_some_and(|(at, key)| at == 0 && key == name);
    text.lines().position(is_it).map_or(1, |at| at + 1)
}

/// The key of a line and the number of bytes before it.
fn key(line: &str) -> Option<(usize, &str)> {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    let end = rest.find(": ").or_else(|| rest.trim_end().strip_suffix(':').map(str::len))?;
    let key = rest[..end].trim_matches(['"', '\'']);
    let is_key = !key.is_empty() && key.len() < 64 && !key.contains([' ', '{', '[', '#', '"', '\'']);
    is_key.then_some((line.len() - rest.len(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_somewhere_belongs_to_the_keys_above_it() {
        let text = "# a: b\nha: maybe\nalb:\n  tags: [a]\nsubnets:\n- [a]\nclusters:\n- name: a\n\n  zones: many\n  alb:\n    a: b\n";
        for (line, column, expected) in [
            (2, 5, &["ha"][..]),
            (2, 1, &[]),
            (4, 9, &["alb", "tags"]),
            (4, 3, &["alb"]),
            (6, 3, &["subnets"]),
            (8, 9, &["clusters", "name"]),
            (10, 10, &["clusters", "zones"]),
            (10, 3, &["clusters"]),
            (12, 8, &["clusters", "alb", "a"]),
            (99, 1, &["clusters", "alb", "a"]),
        ] {
            assert_eq!(keys(text, line, column), expected, "{line}:{column}");
        }
        assert_eq!((line_of(text, "subnets"), line_of(text, "zones")), (5, 1));
    }
}
