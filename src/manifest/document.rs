//! A document: its bytes, as little of its object as anybody asks for, and what a rule made of it.
//!
//! CRDs are most of the bytes of a render and are almost never touched, so a document of bytes that were checked before
//! is not parsed: `glance` reads the lines of `apiVersion`, `kind` and `metadata`, and nothing else. Bytes that
//! nobody vouches for are parsed whole, once ([`read()`] with `checked: false`).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::edit::{self, Edited, keep_order};
use super::object::{Head, Identity};
use super::{ManifestError, glance, list, split};
use crate::value::Value;
use crate::yaml;

/// A text that documents are read from: one upstream file, or one template.
#[derive(Debug)]
pub struct Source {
    /// The component it belongs to, for example `net-kourier`.
    pub component: String,
    /// How people know it, for example `net-kourier 1.23.0 kourier.yaml`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// One document and the object in it.
#[derive(Debug)]
pub struct Document {
    source: Arc<Source>,
    line: usize,
    text: Text,
    head: Head,
    original: OnceCell<Value>,
    current: Option<Value>,
}

/// What became of a document's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bytes {
    /// They are as they came.
    Kept,
    /// They are knrender's, or those of a rule: a template made the document.
    Added,
    /// A change was made in them; every other line is as it came.
    Edited,
    /// The text, or a collection in it, could not be changed in place and was written anew: comments inside are gone.
    Rewritten,
}

#[derive(Debug)]
enum Text {
    Kept { start: usize, end: usize },
    Own(String),
}

impl Document {
    /// A document from bytes of its own, such as a rendered template or an item of a `List`. `line` is where it stands in
    /// `source`.
    pub fn from_value(source: Arc<Source>, line: usize, value: Value, text: String) -> Result<Document, ManifestError> {
        let head = Head::of(&value).map_err(|why| not_object(&source, line, why))?;
        Ok(Document { source, line, text: Text::Own(text), head, original: OnceCell::from(value), current: None })
    }

    /// The component whose file this document came from.
    pub fn component(&self) -> &str {
        &self.source.component
    }

    /// Where the document stands, for people: source and 1-based line.
    pub fn at(&self) -> String {
        format!("{}, line {}", self.source.name, self.line)
    }

    /// How people know the file it came from.
    pub fn source_name(&self) -> &str {
        &self.source.name
    }

    /// The 1-based line of the source on which the document starts.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Kind, API version and metadata as they stand now.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Which object this is now.
    pub fn identity(&self) -> Identity {
        self.head.identity()
    }

    /// Whether a rule added it.
    pub fn is_added(&self) -> bool {
        self.source.name.starts_with("template ")
    }

    /// Whether something was changed in it.
    pub fn is_changed(&self) -> bool {
        self.current.is_some()
    }

    /// The document's bytes as they came.
    pub fn source_text(&self) -> &str {
        match &self.text {
            Text::Kept { start, end } => &self.source.text[*start..*end],
            Text::Own(text) => text,
        }
    }

    /// The object as it stands now.
    pub fn value(&self) -> Result<&Value, ManifestError> {
        if let Some(value) = &self.current {
            return Ok(value);
        }
        if let Some(value) = self.original.get() {
            return Ok(value);
        }
        let value =
            yaml::parse(self.source_text()).map_err(|e| ManifestError::yaml(&self.source.name, self.line, e))?;
        Ok(self.original.get_or_init(|| value))
    }

    /// The part of the object below a path of mapping keys; null where there is none. Where the text allows it, only the
    /// lines of that part are parsed.
    pub fn block(&self, path: &[&str]) -> Result<Value, ManifestError> {
        let unparsed = self.current.is_none() && self.original.get().is_none();
        if unparsed && let Some(found) = glance::block(self.source_text(), path) {
            return Ok(found);
        }
        let mut here = self.value()?;
        for key in path {
            here = here.get(key).unwrap_or(&Value::Null);
        }
        Ok(here.clone())
    }

    /// Puts a changed object in place of the one that is there. Keys stay in the order that they had.
    pub fn set_value(&mut self, new: Value) -> Result<(), ManifestError> {
        if yaml::is_too_deep(&new) {
            return Err(ManifestError::TooDeep { object: self.identity().to_string(), at: self.at() });
        }
        let new = keep_order(self.value()?, new);
        self.head = Head::of(&new).map_err(|why| not_object(&self.source, self.line, why))?;
        self.current = Some(new);
        Ok(())
    }

    /// The text to write, which ends with a line break: the bytes that came, or, for a changed object, those bytes with
    /// the change made in them; and which of these it is.
    pub fn rendered(&self) -> (Cow<'_, str>, Bytes) {
        self.rendered_by(edit::edit)
    }

    /// The same, but a change is not read back: for a caller that knows the right text and compares.
    pub fn rendered_unread(&self) -> (Cow<'_, str>, Bytes) {
        self.rendered_by(edit::edit_unread)
    }

    fn rendered_by(&self, edit: fn(&str, &Value, &Value) -> Edited) -> (Cow<'_, str>, Bytes) {
        let (text, bytes) = match (&self.current, self.original.get()) {
            (Some(new), Some(old)) => {
                let edited = edit(self.source_text(), old, new);
                (Cow::Owned(edited.text), if edited.preserved { Bytes::Edited } else { Bytes::Rewritten })
            }
            _ => (Cow::Borrowed(self.source_text()), Bytes::Kept),
        };
        let bytes = if self.is_added() { Bytes::Added } else { bytes };
        (if text.ends_with('\n') { text } else { Cow::Owned(text.into_owned() + "\n") }, bytes)
    }
}

/// What [`read`] found in one source.
#[derive(Debug, Default)]
pub struct Documents {
    /// The documents, in their order.
    pub documents: Vec<Document>,
    /// How many documents held nothing but comments and blank lines.
    pub empty: usize,
}

/// All objects of a source. `List` objects are opened into their items. With `checked`, the caller knows the bytes to be
/// good YAML, and only the heads are read; otherwise every document is parsed.
pub fn read(source: &Arc<Source>, checked: bool) -> Result<Documents, ManifestError> {
    let mut found = Documents::default();
    for chunk in split::split(&source.text) {
        let text = &source.text[chunk.start..chunk.end];
        if !split::has_content(text) {
            found.empty += 1;
            continue;
        }
        if let Some((split::Flaw::Dashes, line)) = chunk.flaw {
            let why = split::Flaw::Dashes.why();
            return Err(ManifestError::Separator { source_name: source.name.clone(), line, why });
        }
        let original = OnceCell::new();
        let quick = if checked { glance::head(text) } else { None };
        let head = if let Some(head) = quick {
            head
        } else {
            let value = yaml::parse(text).map_err(|e| ManifestError::yaml(&source.name, chunk.line, e))?;
            if value.is_null() {
                found.empty += 1;
                continue;
            }
            let head = Head::of(&value).map_err(|why| not_object(source, chunk.line, why))?;
            original.get_or_init(|| value);
            head
        };
        let document = Document {
            source: Arc::clone(source),
            line: chunk.line,
            text: Text::Kept { start: chunk.start, end: chunk.end },
            head,
            original,
            current: None,
        };
        if document.head.kind.ends_with("List") && document.value()?.get("items").is_some_and(Value::is_array) {
            open_list(&document, &mut found.documents)?;
        } else {
            found.documents.push(document);
        }
    }
    Ok(found)
}

/// The items of a `List`, as `kubectl` opens it.
fn open_list(document: &Document, into: &mut Vec<Document>) -> Result<(), ManifestError> {
    let style = yaml::detect_style(document.source_text());
    for item in list::open(&mut document.value()?.clone()).unwrap_or_default() {
        let text = yaml::emit(&item, style);
        into.push(Document::from_value(Arc::clone(&document.source), document.line, item, text)?);
    }
    Ok(())
}

fn not_object(source: &Source, line: usize, why: String) -> ManifestError {
    ManifestError::NotObject { source_name: source.name.clone(), line, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source { component: "test".into(), name: "test.yaml".into(), text: text.into() })
    }

    const SERVICE: &str = "# a comment\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  # why\n  namespace: shop\n\
                           spec:\n  type: LoadBalancer # classic\n";

    #[test]
    fn a_document_that_nothing_touches_keeps_its_bytes() {
        let read = read(&source(&format!("---\n{SERVICE}\n\n---\n# nothing\n---\n{SERVICE}")), true).unwrap();
        assert_eq!(read.documents[0].rendered().0, format!("{SERVICE}\n\n"));
        assert_eq!((read.documents.len(), read.empty), (2, 2));
    }

    #[test]
    fn a_list_is_opened_into_its_items() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n\
                    - apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n";
        let names: Vec<_> =
            read(&source(text), true).unwrap().documents.iter().map(|d| d.identity().to_string()).collect();
        assert_eq!(names, ["Secret/a", "Secret/b"]);
    }

    #[test]
    fn what_cannot_be_read_back_is_not_made() {
        let mut document = read(&source(SERVICE), true).unwrap().documents.remove(0);
        let deep = |levels: usize| (0..levels).fold(crate::value::json!(1), |below, _| crate::value::json!([below]));
        let with = |levels: usize| {
            let mut value = yaml::parse(SERVICE).unwrap();
            value["spec"] = deep(levels);
            value
        };
        document.set_value(with(yaml::MAX_DEPTH - 1)).unwrap();
        assert!(yaml::parse(&document.rendered().0).is_ok());
        let error = document.set_value(with(yaml::MAX_DEPTH)).unwrap_err().to_string();
        assert_eq!(
            error,
            "Service/shop/web (test.yaml, line 1) would nest more than 256 levels deep, and nothing reads that"
        );
    }

    #[test]
    fn bad_yaml_is_named_with_its_line_in_the_source() {
        let error = read(&source("a: 1\n---\nkind: A\n\tb: 1\n"), false).unwrap_err().to_string();
        assert!(error.starts_with("test.yaml, line 1: this document is not a Kubernetes object"), "{error}");
        let error = read(&source("# c\n---\napiVersion: v1\nkind: [A\n"), false).unwrap_err().to_string();
        assert!(error.starts_with("test.yaml, line"), "{error}");
    }
}
