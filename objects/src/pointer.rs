//! JSON pointers (RFC 6901) with one addition: `[key=value]` stands for the index of the one list item whose `key` is
//! `value`, so that no rule hangs on the position of a container or a variable. `key` may be a path with dots:
//! `[address.socket_address.port_value=8081]`.

use std::borrow::Cow;

use crate::value::{Value, unescaped};

/// Whether a pointer leads to `above`, or to something below it.
pub fn is_below(pointer: &str, above: &str) -> bool {
    pointer.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The segments of a pointer: `/a/[x=b/c]/d` has three. Escapes (`~0`, `~1`) stay as they are.
///
/// # Errors
/// In words, what is wrong with the pointer.
pub fn segments(pointer: &str) -> Result<Vec<&str>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    if !pointer.starts_with('/') {
        return Err(format!("the path `{pointer}` does not start with `/`"));
    }
    let mut segments = Vec::new();
    let mut start = 1;
    let mut inside = false;
    for (i, c) in pointer.char_indices().skip(1) {
        match c {
            '[' if i == start => inside = true,
            ']' => inside = false,
            '/' if !inside => {
                segments.push(&pointer[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    segments.push(&pointer[start..]);
    Ok(segments)
}

/// `pointer` with every `[key=value]` replaced by the index that it stands for in `value`.
///
/// # Errors
/// In words, which segment leads nowhere, and what is there instead.
pub fn resolve(value: &Value, pointer: &str) -> Result<String, String> {
    let mut here = Some(value);
    let mut resolved = String::new();
    for segment in segments(pointer)? {
        resolved.push('/');
        if let Some(condition) = segment.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
            let (key, wanted) =
                condition.split_once('=').ok_or_else(|| format!("`{segment}` in `{pointer}` is not `[key=value]`"))?;
            let items = here
                .and_then(Value::as_array)
                .ok_or_else(|| format!("there is no list at `{}`", resolved.trim_end_matches('/')))?;
            let found: Vec<_> =
                (0..items.len()).filter(|i| text_at(&items[*i], key).as_deref() == Some(wanted)).collect();
            let &[index] = found.as_slice() else {
                let there: Vec<_> = items.iter().filter_map(|i| text_at(i, key)).collect();
                return Err(format!(
                    "{} of the list at `{}` have {key}={wanted}; there are: {}",
                    if found.is_empty() { "no item".to_owned() } else { format!("{} items", found.len()) },
                    resolved.trim_end_matches('/'),
                    if there.is_empty() { "none with that key".to_owned() } else { there.join(", ") }
                ));
            };
            resolved.push_str(&index.to_string());
            here = items.get(index);
        } else {
            resolved.push_str(segment);
            let key = unescaped(segment);
            here = here.and_then(|v| match v {
                Value::Array(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
                other => other.get(&*key),
            });
        }
    }
    Ok(resolved)
}

/// What stands at `pointer`, if anything does.
pub fn get<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(&resolve(value, pointer).ok()?)
}

/// A key as a pointer segment.
pub fn escape(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// The pointer to what stands below a key of what `pointer` leads to.
pub fn below(pointer: &str, key: &str) -> String {
    let segment = escape(key);
    let mut below = String::with_capacity(pointer.len() + 1 + segment.len());
    below.push_str(pointer);
    below.push('/');
    below.push_str(&segment);
    below
}

fn text_at(value: &Value, path: &str) -> Option<String> {
    match path.split('.').try_fold(value, |v, key| v.get(key))? {
        Value::String(text) => Some(text.to_string()),
        Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_list_item_is_found_by_one_of_its_fields() {
        let pod = json!({"containers": [{"name": "a"}, {"name": "b", "env": [{"name": "X", "at": {"port": 8081}}]}]});
        assert_eq!(resolve(&pod, "/containers/[name=b]/env/[name=X]/value").unwrap(), "/containers/1/env/0/value");
        assert_eq!(resolve(&pod, "/containers/[name=b]/env/[at.port=8081]").unwrap(), "/containers/1/env/0");
        assert_eq!(get(&pod, "/containers/[name=a]/name"), Some(&json!("a")));
        assert_eq!(get(&pod, "/containers/[name=z]"), None);
    }

    #[test]
    fn a_value_with_slashes_stays_one_segment() {
        assert_eq!(segments("/a/[x=b/c]/d~1e").unwrap(), ["a", "[x=b/c]", "d~1e"]);
        assert_eq!(resolve(&json!({}), "/metadata/annotations/a.b~1c").unwrap(), "/metadata/annotations/a.b~1c");
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let pod = json!({"c": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(
            resolve(&pod, "/c/[name=z]").unwrap_err(),
            "no item of the list at `/c` have name=z; there are: a, b"
        );
        assert_eq!(resolve(&pod, "/d/[name=z]").unwrap_err(), "there is no list at `/d`");
    }
}
