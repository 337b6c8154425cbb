//! Manifests of any origin, read as one set of objects: what `lint`, `plan` and `validate` look at.

use serde_json::Value;

use super::object::{Head, Identity};
use super::{lenient, recognise, split};
use crate::parallel;
use crate::yaml;

/// So many documents are read by one thread rather than by several.
const PARALLEL: usize = 64;

/// One object and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The file, as people named it.
    pub file: String,
    /// The 1-based line on which its document starts.
    pub line: usize,
    /// JSON pointer to it in its document; empty but for items of a `List`.
    pub within: String,
    /// Which object it is.
    pub identity: Identity,
    /// Kind, API version, metadata.
    pub head: Head,
    /// The object.
    pub value: Value,
}

/// A document or file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: String,
    /// 1-based line.
    pub line: usize,
    /// What is wrong.
    pub why: String,
    /// Whether it is an object of some kind all the same, with a `metadata` that is none.
    pub is_object: bool,
}

/// A set of objects.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// The objects, in the order in which they were read.
    pub objects: Vec<Placed>,
    /// How many documents are no Kubernetes objects and were passed over.
    pub skipped: usize,
    /// What could not be read.
    pub broken: Vec<Broken>,
    /// Keys that stand twice in one mapping, of which kubectl takes the last.
    pub twice: Vec<KeyTwice>,
    /// JSON patches, which are among what was passed over: file and line of each.
    pub patches: Vec<(String, usize)>,
    /// Texts that cannot be read a second time, such as standard input, by the name that their objects have as file.
    pub kept: Vec<(String, String)>,
}

/// A key that stands twice in one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTwice {
    /// The file.
    pub file: String,
    /// The key.
    pub key: String,
    /// The 1-based lines: that of the first, and that of the last, which counts.
    pub lines: (usize, usize),
}

impl Collection {
    /// Adds the objects of a text. A document that is not YAML is remembered as broken, and the others are still read.
    pub fn add(&mut self, file: &str, text: &str) {
        let chunks = match split::split(file, text) {
            Ok(chunks) => chunks,
            Err(error) => {
                self.broken.push(Broken { file: file.to_owned(), line: 1, why: error.to_string(), is_object: false });
                return;
            }
        };
        let chunks: Vec<_> = chunks.into_iter().filter(|c| split::has_content(&text[c.start..c.end])).collect();
        let parsed = parallel::over(
            &chunks,
            PARALLEL,
            || (),
            |(), chunks| chunks.iter().map(|chunk| yaml::parse(&text[chunk.start..chunk.end])).collect::<Vec<_>>(),
        );
        for (chunk, parsed) in chunks.iter().zip(parsed.into_iter().flatten()) {
            match parsed {
                Ok(value) => self.add_value(file, chunk.line, "", value),
                Err(e) => {
                    let document = &text[chunk.start..chunk.end];
                    if let Some(read) = lenient::read(document, &e) {
                        for (line, value) in read.values {
                            self.add_value(file, chunk.line + line, "", value);
                        }
                        let last = |line: usize| chunk.line + line.saturating_sub(1);
                        self.twice.extend(read.twice.into_iter().map(|twice| KeyTwice {
                            file: file.to_owned(),
                            lines: (last(twice.first), last(twice.again)),
                            key: twice.key,
                        }));
                        continue;
                    }
                    let line = chunk.line + e.line.saturating_sub(1);
                    self.broken.push(Broken { file: file.to_owned(), line, why: e.message, is_object: false });
                }
            }
        }
    }

    /// Adds an object, or the items of a `List`. `within` leads to it in its document.
    fn add_value(&mut self, file: &str, line: usize, within: &str, mut value: Value) {
        let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
        if is_list && let Some(Value::Array(items)) = value.get_mut("items") {
            for (i, item) in std::mem::take(items).into_iter().enumerate() {
                self.add_value(file, line, &format!("{within}/items/{i}"), item);
            }
            return;
        }
        let has = |key: &str| value.get(key).and_then(Value::as_str).is_some_and(|v| !v.is_empty());
        if !(has("apiVersion") && has("kind")) {
            self.skipped += usize::from(!value.is_null());
            if recognise::is_json_patch(&value) {
                self.patches.push((file.to_owned(), line));
            }
            return;
        }
        match Head::of(&value) {
            Ok(head) => {
                let identity = head.identity();
                let (file, within) = (file.to_owned(), within.to_owned());
                self.objects.push(Placed { file, line, within, identity, head, value });
            }
            Err(why) => self.broken.push(Broken { file: file.to_owned(), line, why, is_object: true }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_with_their_place_and_lists_are_opened() {
        let mut collection = Collection::default();
        collection.add("a.yaml", "# c\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\nx: 1\n");
        collection.add(
            "b.yaml",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n",
        );
        let found: Vec<_> =
            collection.objects.iter().map(|o| format!("{}:{} {}", o.file, o.line, o.identity)).collect();
        assert_eq!(found, ["a.yaml:3 Secret/a", "b.yaml:1 Secret/b"]);
        assert_eq!(collection.skipped, 1);
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let mut collection = Collection::default();
        collection.add("a.yaml", "a: [\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\nkind: A\n b: 1\n");
        assert_eq!(collection.objects.len(), 1);
        assert_eq!(collection.broken.len(), 2);
        assert!(collection.broken[1].line >= 7, "{:?}", collection.broken);
    }
}
