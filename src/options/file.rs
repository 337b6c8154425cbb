//! `knrender.yaml` as `knrender init` writes it: every key, commented out where nothing was said about it.

use std::fmt::Write as _;

use crate::value::{Map, Value};

use super::Section;
use crate::shown::wrap;
use crate::yaml;

const HEADING: &str = "\
# yaml-language-server: $schema=https://raw.githubusercontent.com/knrender/knrender/main/docs/schemas/config.json
# What knrender renders, and from where. Flags of the same names win over what stands here.
# Behind `#key:` stands an example; without the `#` it counts. `docs/options.md` of knrender is about every key.
";

/// The file with these values.
pub fn write(sections: &[Section], values: &Map) -> String {
    let mut text = HEADING.to_owned();
    for section in sections {
        let _ = write!(text, "\n## {}\n", section.title);
        for key in &section.keys {
            text.push('\n');
            let mut about = format!("{}.", key.about.trim_end_matches('.'));
            if !key.words.is_empty() {
                let words: Vec<_> = key.words.iter().map(|(word, _)| word.as_str()).collect();
                let _ = write!(about, " One of: {}.", words.join(", "));
            }
            if let Some(default) = &key.default {
                let _ = write!(about, " Default: {default}.");
            }
            let _ = writeln!(text, "# {}", wrap(&about, 2).replace("\n  ", "\n# "));
            match values.get(&key.name) {
                Some(value) => {
                    let entry = Map::from_iter([(key.name.clone(), value.clone())]);
                    text.push_str(&yaml::emit(&Value::Object(entry), yaml::Style { compact_lists: true }));
                }
                None => {
                    for line in example(&key.name, &key.example).lines() {
                        let _ = writeln!(text, "#{line}");
                    }
                }
            }
        }
    }
    text
}

/// The key with its example, as it would stand in the file.
pub fn example(key: &str, example: &str) -> String {
    let space = if example.starts_with('\n') { "" } else { " " };
    format!("{key}:{space}{example}\n")
}
