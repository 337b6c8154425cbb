//! Manifests of any origin, read as one set of objects: what `lint`, `plan` and `validate` look at.

use std::fmt;
use std::sync::OnceLock;

use crate::value::{Pool, Text, Value};

use super::object::{Head, Identity};
use super::{lenient, list, recognise, split};
use crate::yaml;
use crate::{parallel, shown};

/// So many documents are read by one thread rather than by several.
const PARALLEL: usize = 64;

/// One object and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The file, as people named it.
    pub file: Text,
    /// The 1-based line on which its document starts.
    pub line: usize,
    /// JSON pointer to it in its document; empty but for items of a `List`.
    pub within: Text,
    /// Which object it is.
    pub identity: Identity,
    /// Kind, API version, metadata.
    pub head: Head,
    /// The object.
    pub value: Value,
    /// What it is called, once somebody asked.
    called: OnceLock<Text>,
}

impl Placed {
    /// An object of a text.
    pub fn new(file: Text, line: usize, within: Text, head: Head, value: Value) -> Placed {
        Placed { file, line, within, identity: head.identity(), head, value, called: OnceLock::new() }
    }

    /// Which object it is, as [`Identity`] writes it: one text for all that is said of it.
    pub fn called(&self) -> Text {
        self.called.get_or_init(|| self.identity.to_string().into()).clone()
    }
}

/// A document or file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: Text,
    /// 1-based line; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub why: String,
    /// What it is all the same.
    pub is: Is,
}

/// `a.yaml, line 3: why`.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.why),
            line => write!(f, "{}, line {line}: {}", self.file, self.why),
        }
    }
}

/// What a document is that is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Nothing that kubectl reads.
    Unreadable,
    /// An object with a `metadata` that is none.
    Headless,
    /// YAML with the marks of an object, and none.
    NoObject,
    /// YAML that is meant for others, beside objects, where kubectl refuses it.
    Stranger,
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
    pub patches: Vec<(Text, usize)>,
    /// Texts that cannot be read a second time, such as standard input, by the name that their objects have as file.
    pub kept: Vec<(String, String)>,
}

/// A key that stands twice in one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTwice {
    /// The file.
    pub file: Text,
    /// The key.
    pub key: String,
    /// The 1-based lines: that of the first, and that of the last, which counts.
    pub lines: (usize, usize),
}

/// A file that is being added, part after part, so that its whole text need not be held.
#[derive(Debug)]
pub struct Adding {
    file: Text,
    /// How many lines the parts before had.
    lines: usize,
    /// How much there was of each before the file: objects, broken documents, keys, patches, documents that were passed over.
    before: [usize; 5],
    others: Vec<Other>,
    pool: Pool,
}

impl Collection {
    /// Adds the objects of a text. A document that is not YAML is remembered as broken, and the others are still read.
    pub fn add(&mut self, file: &str, text: &str) {
        let mut adding = self.begin(file);
        self.add_part(&mut adding, text);
        self.end(adding);
    }

    /// Begins to add a file.
    #[must_use]
    pub fn begin(&self, file: &str) -> Adding {
        let before = [self.objects.len(), self.broken.len(), self.twice.len(), self.patches.len(), self.skipped];
        Adding { file: file.into(), lines: 0, before, others: Vec::new(), pool: Pool::small() }
    }

    /// Adds a part of a file. Each part but the first starts with a separator, a line of `---`.
    pub fn add_part(&mut self, adding: &mut Adding, text: &str) {
        let mut chunks = split::split(text);
        chunks.retain(|c| split::has_content(&text[c.start..c.end]));
        let parsed = parallel::over(&chunks, PARALLEL, Pool::large, |pool, chunks| {
            chunks.iter().map(|chunk| yaml::parse_into(&text[chunk.start..chunk.end], pool)).collect::<Vec<_>>()
        });
        for (chunk, parsed) in chunks.iter().zip(parsed.into_iter().flatten()) {
            if let Some((flaw, line)) = chunk.flaw {
                self.broken(adding, line, flaw.why().to_owned(), Is::Unreadable);
                continue;
            }
            match parsed {
                Ok(value) => self.add_value(adding, chunk.line, "", value),
                Err(e) => {
                    let document = &text[chunk.start..chunk.end];
                    if let Some(read) = lenient::read(document, &e) {
                        for (line, value) in read.values {
                            self.add_value(adding, chunk.line + line, "", value);
                        }
                        let last = |line: usize| adding.lines + chunk.line + line.saturating_sub(1);
                        self.twice.extend(read.twice.into_iter().map(|twice| KeyTwice {
                            file: adding.file.clone(),
                            lines: (last(twice.first), last(twice.again)),
                            key: twice.key,
                        }));
                        continue;
                    }
                    self.broken(adding, chunk.line + e.line.saturating_sub(1), e.message, Is::Unreadable);
                }
            }
        }
        adding.lines += memchr::memchr_iter(b'\n', text.as_bytes()).count();
    }

    /// Ends what [`Collection::begin`] began.
    pub fn end(&mut self, mut adding: Adding) {
        // What stands beside objects is meant for kubectl, which refuses it.
        let beside = self.objects.len() > adding.before[0];
        for Other { line, why, is_marked } in std::mem::take(&mut adding.others) {
            if beside || is_marked {
                let is = if is_marked { Is::NoObject } else { Is::Stranger };
                self.broken.push(Broken { file: adding.file.clone(), line, why, is });
            } else {
                self.skipped += 1;
            }
        }
    }

    /// Takes back all that was added of a file, which turned out to be none.
    pub fn take_back(&mut self, adding: Adding, why: &str) {
        let Adding { file, before: [objects, broken, twice, patches, skipped], .. } = adding;
        self.objects.truncate(objects);
        self.broken.truncate(broken);
        self.twice.truncate(twice);
        self.patches.truncate(patches);
        self.skipped = skipped;
        self.unreadable(file, why.to_owned());
    }

    /// Remembers a file that could not be read at all.
    pub fn unreadable(&mut self, file: impl Into<Text>, why: String) {
        self.broken.push(Broken { file: file.into(), line: 0, why, is: Is::Unreadable });
    }

    /// Remembers what could not be read; `line` is that in the part.
    fn broken(&mut self, adding: &Adding, line: usize, why: String, is: Is) {
        self.broken.push(Broken { file: adding.file.clone(), line: adding.lines + line, why, is });
    }

    /// Passes over documents that are meant for others, also beside objects, where kubectl refuses them: that is for `validate` to say.
    pub fn pass_over_strangers(&mut self) {
        let before = self.broken.len();
        self.broken.retain(|broken| broken.is != Is::Stranger);
        self.skipped += before - self.broken.len();
    }

    /// Adds an object, or the items of a `List`, and to the others of the file what is none. `line` is that in the part, and
    /// `within` leads to it in its document.
    fn add_value(&mut self, adding: &mut Adding, line: usize, within: &str, mut value: Value) {
        if let Some(items) = list::open(&mut value) {
            for (i, item) in items.into_iter().enumerate() {
                self.add_value(adding, line, &format!("{within}/items/{i}"), item);
            }
            return;
        }
        if value.is_null() && within.is_empty() {
            return;
        }
        let whole_line = adding.lines + line;
        if let Some(why) = no_object(&value) {
            if recognise::is_json_patch(&value) {
                self.patches.push((adding.file.clone(), whole_line));
                self.skipped += 1;
                return;
            }
            let is_marked = !within.is_empty() || has_marks(&value);
            let why = if within.is_empty() { why } else { format!("`{within}` of this list: {why}") };
            adding.others.push(Other { line: whole_line, why, is_marked });
            return;
        }
        match Head::of(&value) {
            Ok(head) => {
                let mut placed = Placed::new(adding.file.clone(), whole_line, within.into(), head, value);
                placed.identity.group = adding.pool.text(&placed.identity.group);
                self.objects.push(placed);
            }
            Err(why) => self.broken(adding, line, why, Is::Headless),
        }
    }
}

/// A document that is no object.
#[derive(Debug)]
struct Other {
    line: usize,
    why: String,
    is_marked: bool,
}

/// Why kubectl takes a document for no object: `apiVersion` and `kind` are not both there, as texts.
fn no_object(value: &Value) -> Option<String> {
    let Value::Object(map) = value else {
        let what = match value {
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            Value::Null => "nothing",
            _ => "a number or a boolean",
        };
        return Some(format!("this is {what}, and not an object with `apiVersion` and `kind`"));
    };
    let faults = ["apiVersion", "kind"].into_iter().filter_map(|key| match map.get(key) {
        Some(Value::String(text)) if !text.is_empty() => None,
        Some(Value::String(_) | Value::Null) => Some(format!("`{key}` is empty")),
        Some(_) => Some(format!("`{key}` is not a text")),
        None => Some(match map.keys().find(|other| other.eq_ignore_ascii_case(key)) {
            Some(other) => format!("there is no `{key}`, but `{}`; write `{key}`", shown::line(other)),
            None => format!("there is no `{key}`"),
        }),
    });
    let faults: Vec<String> = faults.collect();
    (!faults.is_empty()).then(|| format!("kubectl takes this for no object: {}", faults.join(", and ")))
}

/// Whether a mapping is meant as an object: it has `metadata`, and `apiVersion` or `kind`, be it with other capitals.
fn has_marks(value: &Value) -> bool {
    let has = |key: &str| value.as_object().is_some_and(|map| map.keys().any(|other| other.eq_ignore_ascii_case(key)));
    value.get("metadata").is_some_and(Value::is_object) && (has("apiVersion") || has("kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_with_their_place_and_lists_are_opened() {
        let mut collection = Collection::default();
        collection.add("a.yaml", "# c\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n# d\n");
        collection.add("values.yaml", "x: 1\n");
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

    fn broken(text: &str) -> Vec<String> {
        let mut collection = Collection::default();
        collection.add("a.yaml", text);
        collection.broken.iter().map(|broken| format!("{}: {}", broken.line, broken.why)).collect()
    }

    const GOOD: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n";

    #[test]
    fn what_stands_beside_objects_and_is_none_is_told() {
        let no = "kubectl takes this for no object: there is no";
        for (text, why) in [
            ("apiVersion: v1\nKind: Secret\n", format!("{no} `kind`, but `Kind`; write `kind`")),
            ("apiversion: v1\nkind: Secret\n", format!("{no} `apiVersion`, but `apiversion`; write `apiVersion`")),
            ("a: 1\n", format!("{no} `apiVersion`, and there is no `kind`")),
            ("apiVersion: v1\nkind: 1\n", "kubectl takes this for no object: `kind` is not a text".to_owned()),
            ("some text\n", "this is a text, and not an object with `apiVersion` and `kind`".to_owned()),
            ("- a\n", "this is a list, and not an object with `apiVersion` and `kind`".to_owned()),
        ] {
            assert_eq!(broken(&format!("{GOOD}{text}")), [format!("5: {why}")], "{text}");
        }
        assert_eq!(broken(&format!("{GOOD}# nothing\n---\n\n---\nnull\n")), [""; 0]);
    }

    #[test]
    fn what_stands_alone_is_told_if_it_is_meant_as_an_object() {
        assert_eq!(broken("apiVersion: v1\nKind: Secret\nmetadata: {name: a}\n").len(), 1);
        for other in
            ["a: 1\n", "text\n", "apiVersion: v2\nname: chart\n", "- {op: remove, path: /a}\n", "metadata: {a: b}\n"]
        {
            assert_eq!(broken(other), [""; 0], "{other}");
        }
    }

    #[test]
    fn items_of_lists_are_objects() {
        let list = |kind: &str, item: &str| format!("apiVersion: v1\nkind: {kind}\nitems:\n- {item}\n");
        assert_eq!(broken(&list("SecretList", "{metadata: {name: a}}")), [""; 0]);
        let told = broken(&list("List", "{metadata: {name: a}}"));
        let no = "kubectl takes this for no object: there is no `apiVersion`, and there is no `kind`";
        assert_eq!(told, [format!("1: `/items/0` of this list: {no}")]);
        assert_eq!(broken(&list("SecretList", "{kind: Secret, metadata: {name: a}}")).len(), 1);
        assert_eq!(broken(&list("List", "null")).len(), 1);
    }

    #[test]
    fn streams_are_cut_as_kubectl_cuts_them() {
        assert_eq!(broken(&format!("%YAML 1.1\n---\n{GOOD}")).len(), 1);
        let mut collection = Collection::default();
        collection.add("a.yaml", &format!("{GOOD}%YAML 1.1\n---\n{GOOD}a: [\n"));
        assert_eq!((collection.objects.len(), collection.broken.len()), (2, 2), "the others are still read");
        assert!(broken(&format!("{GOOD}x: 1\n...\ny: 1\n"))[0].contains("between `...` and the next `---`"));
        assert!(
            broken("--- {apiVersion: v1, kind: Secret}\n")[0].starts_with("1: kubectl reads nothing but a comment")
        );
    }
}
