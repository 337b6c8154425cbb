//! What stands in a Secret is not for reports: there, a digest stands for it, by which two values can still be told apart.

use std::borrow::Cow;

use crate::value::Value;

use super::split;
use crate::digest::Sha256Hex;
use crate::ledger::{Deed, Entry};
use crate::yaml;

/// The fields of a Secret that hold its content.
pub const CONTENT: [&str; 2] = ["data", "stringData"];
/// The annotation in which client-side apply repeats it.
pub const REPEATED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A value with a digest in place of every text, number and truth in it.
#[must_use]
pub fn digested(value: &Value) -> Value {
    let digest = |text: &str| Value::from(format!("sha256:{}", Sha256Hex::of(text.as_bytes())));
    match value {
        Value::Null => Value::Null,
        Value::String(text) => digest(text),
        Value::Array(items) => items.iter().map(digested).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), digested(value))).collect(),
        other => digest(&other.to_string()),
    }
}

/// Whether a value is a Secret.
pub fn is_secret(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str) == Some("Secret")
}

/// An object as reports may show it: with the content of a Secret, and of Secrets in a list, digested.
#[must_use]
pub fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    mask(&mut value);
    value
}

fn mask(value: &mut Value) {
    if is_secret(value) {
        for field in CONTENT {
            if let Some(content) = value.get_mut(field) {
                *content = digested(content);
            }
        }
        if let Some(repeated) = value.pointer_mut("/metadata/annotations").and_then(|a| a.get_mut(REPEATED)) {
            *repeated = digested(repeated);
        }
    }
    if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(mask);
    }
}

/// Digests what an entry of the ledger tells of the content of a Secret.
pub fn mask_entry(entry: &mut Entry) {
    let Deed::Changed { fields } = &mut entry.deed else { return };
    if !entry.object.starts_with("Secret/") {
        return;
    }
    for field in fields {
        mask_field(&field.path, [&mut field.before, &mut field.after]);
    }
}

/// Whether what stands at a field of a Secret is some of its content.
pub fn is_content(pointer: &str) -> bool {
    let top = pointer.split('/').nth(1).unwrap_or_default();
    let is_told = matches!(top, "apiVersion" | "kind" | "metadata" | "type" | "immutable");
    !is_told || pointer.contains("last-applied-configuration")
}

/// Digests what stood and stands at a field of a Secret, if that is some of its content.
pub fn mask_field(pointer: &str, values: [&mut Option<Value>; 2]) {
    for value in values.into_iter().flatten() {
        let is_annotations = pointer == "/metadata/annotations" && !value.is_object();
        if is_content(pointer) || is_annotations {
            *value = digested(value);
        } else if let Some(repeated) = value.pointer_mut(below(pointer)).and_then(|a| a.get_mut(REPEATED)) {
            *repeated = digested(repeated);
        }
    }
}

/// Where the annotations are in what stands at a field, if anywhere.
fn below(pointer: &str) -> &'static str {
    if pointer == "/metadata" { "/annotations" } else { "" }
}

/// A YAML stream as reports may show it: documents with a Secret in them are written anew, with its content digested; one that
/// cannot be read is named by its digest.
#[must_use]
pub fn masked_text(text: &str) -> Cow<'_, str> {
    if !text.contains("Secret") {
        return Cow::Borrowed(text);
    }
    let unread = |text: &str| {
        format!("# This cannot be read and may hold a Secret: sha256:{}\n", Sha256Hex::of(text.as_bytes()))
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for chunk in split::split(text) {
        let document = &text[chunk.start..chunk.end];
        out.push_str(&text[at..chunk.start]);
        at = chunk.end;
        if !document.contains("Secret") {
            out.push_str(document);
            continue;
        }
        match yaml::parse(document) {
            Ok(value) => {
                let masked = masked(&value);
                if masked == value {
                    out.push_str(document);
                } else {
                    out.push_str(&yaml::emit(&masked, yaml::detect_style(document)));
                }
            }
            Err(_) => out.push_str(&unread(document)),
        }
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_report_never_shows_the_content_of_a_secret() {
        let text = "a: 1\n---\n# c\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: hunter2}\n---\nkind: Secret\n  x: hunter2\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  data: {p: [hunter2]}\n---\nb: Secret # kept\n";
        let masked = masked_text(text);
        assert!(
            !masked.contains("hunter2") && masked.contains("sha256:") && masked.contains("b: Secret # kept\n"),
            "{masked}"
        );
        assert!(masked.starts_with("a: 1\n---\n"));
        assert!(!masked_text("kind: Secret\n%x\nhunter2").contains("hunter2"));
    }

    #[test]
    fn digests_tell_values_apart() {
        let secret = |p: &str| masked(&json!({"kind": "Secret", "data": {"p": p}}));
        assert_ne!(secret("a"), secret("b"));
        assert_eq!(secret("a"), secret("a"));
        let other = json!({"kind": "ConfigMap", "data": {"p": "a"}});
        assert_eq!(masked(&other), other);
    }
}
