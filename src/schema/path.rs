//! Paths to fields, such as `.spec.names['a.b']`, as `fieldPath` and `selectableFields` have them.

use crate::value::{Map, Value};

use crate::pointer;

/// The steps of a path; `None` where it is none.
fn steps(path: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("['") {
            let mut name = String::new();
            let mut signs = inner.char_indices();
            let end = loop {
                match signs.next()? {
                    (_, '\\') => name.push(signs.next()?.1),
                    (at, '\'') => break at,
                    (_, sign) => name.push(sign),
                }
            };
            rest = inner[end + 1..].strip_prefix(']')?;
            out.push(name);
        } else {
            let inner = rest.strip_prefix('.')?;
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let name = &inner[..end];
            let good = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/'));
            if name.is_empty() || !good {
                return None;
            }
            out.push(name.to_owned());
            rest = &inner[end..];
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A path as a JSON pointer; nothing where it is none.
pub(super) fn pointer(path: &str) -> String {
    steps(path.trim()).into_iter().flatten().map(|step| format!("/{}", pointer::escape(&step))).collect()
}

/// The schema that a path leads to.
pub(super) fn target<'s>(path: &str, schema: &'s Map) -> Option<&'s Map> {
    steps(path)?.iter().try_fold(schema, |of, step| {
        let found = match of.get("properties").and_then(Value::as_object) {
            Some(properties) => properties.get(step),
            None => of.get("additionalProperties"),
        };
        found.and_then(Value::as_object)
    })
}
