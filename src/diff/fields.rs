//! The fields in which two versions of one object differ. Items of lists are known by their name where they have one, so that
//! one that is put in front moves nothing.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::pointer;
use crate::value::Value;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// As people read it, such as `spec.template.spec.containers[controller].image`.
    pub path: String,
    /// Pointer to it: in the second object, or in the first where the second has nothing there.
    pub pointer: String,
    /// What stood there; absent when nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there now; absent when nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The rule that made it so, where a render says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether it is a label with a version, or an example: it changes with every release and means nothing.
    pub noise: bool,
}

/// The keys that name an item of a list, best first.
const KEYS: [&str; 4] = ["name", "containerPort", "port", "mountPath"];

/// What `after` has in another way than `before`.
pub(super) fn differences(before: &Value, after: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    compare(before, after, &Place::default(), &mut found);
    found
}

/// Where in the object one is.
#[derive(Clone, Default)]
struct Place {
    path: String,
    before: String,
    after: String,
}

impl Place {
    fn key(&self, key: &str) -> Place {
        let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '$');
        let path = match (self.path.is_empty(), plain) {
            (true, _) => key.to_owned(),
            (false, true) => format!("{}.{key}", self.path),
            (false, false) => format!("{}[{key}]", self.path),
        };
        let key = pointer::escape(key);
        Place { path, before: format!("{}/{key}", self.before), after: format!("{}/{key}", self.after) }
    }

    fn item(&self, name: &str, before: usize, after: usize) -> Place {
        Place {
            path: format!("{}[{name}]", self.path),
            before: format!("{}/{before}", self.before),
            after: format!("{}/{after}", self.after),
        }
    }
}

fn compare(before: &Value, after: &Value, place: &Place, found: &mut Vec<Field>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(b), Value::Object(a)) => {
            for (key, was) in b {
                match a.get(key) {
                    Some(is) => compare(was, is, &place.key(key), found),
                    None => report(Some(was), None, &place.key(key), found),
                }
            }
            for (key, is) in a.iter().filter(|(key, _)| !b.contains_key(key)) {
                report(None, Some(is), &place.key(key), found);
            }
        }
        (Value::Array(b), Value::Array(a)) => match key_of(b, a) {
            Some(key) => named(b, a, key, place, found),
            None => unnamed(b, a, place, found),
        },
        _ => report(Some(before), Some(after), place, found),
    }
}

/// A key that every item has, each with another value.
fn key_of(before: &[Value], after: &[Value]) -> Option<&'static str> {
    KEYS.into_iter().find(|key| {
        [before, after].into_iter().all(|list| {
            let names: BTreeSet<String> = list.iter().filter_map(|item| name(item, key)).collect();
            names.len() == list.len()
        })
    })
}

fn name(item: &Value, key: &str) -> Option<String> {
    match item.get(key)? {
        Value::String(name) => Some(name.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn named(before: &[Value], after: &[Value], key: &str, place: &Place, found: &mut Vec<Field>) {
    let length = found.len();
    let at = |list: &[Value], wanted: &Value| list.iter().position(|item| item.get(key) == wanted.get(key));
    for (i, was) in before.iter().enumerate() {
        let name = name(was, key).unwrap_or_default();
        match at(after, was) {
            Some(j) => compare(was, &after[j], &place.item(&name, i, j), found),
            None => report(Some(was), None, &place.item(&name, i, i), found),
        }
    }
    for (j, is) in after.iter().enumerate().filter(|(_, is)| at(before, is).is_none()) {
        report(None, Some(is), &place.item(&name(is, key).unwrap_or_default(), j, j), found);
    }
    if found.len() == length {
        moved(before, after, place, found);
    }
}

/// Items without a name: those that are on both sides are left out of sight; as many here as there are compared one by one.
fn unnamed(before: &[Value], after: &[Value], place: &Place, found: &mut Vec<Field>) {
    let mut rest: Vec<(usize, &Value)> = after.iter().enumerate().collect();
    let mut gone = Vec::new();
    for (i, was) in before.iter().enumerate() {
        match rest.iter().position(|(_, is)| *is == was) {
            Some(at) => drop(rest.remove(at)),
            None => gone.push((i, was)),
        }
    }
    if gone.is_empty() && rest.is_empty() {
        moved(before, after, place, found);
    } else if gone.len() == rest.len() {
        for ((i, was), (j, is)) in gone.into_iter().zip(rest) {
            compare(was, is, &place.item(&j.to_string(), i, j), found);
        }
    } else {
        for (i, was) in gone {
            report(Some(was), None, &place.item(&i.to_string(), i, i), found);
        }
        for (j, is) in rest {
            report(None, Some(is), &place.item(&j.to_string(), j, j), found);
        }
    }
}

/// The same items in another order.
fn moved(before: &[Value], after: &[Value], place: &Place, found: &mut Vec<Field>) {
    report(Some(&before.to_vec().into()), Some(&after.to_vec().into()), place, found);
}

fn report(before: Option<&Value>, after: Option<&Value>, place: &Place, found: &mut Vec<Field>) {
    let pointer = if after.is_some() { place.after.clone() } else { place.before.clone() };
    let noise = is_noise(&pointer, before, after);
    found.push(Field {
        path: place.path.clone(),
        pointer,
        before: before.cloned(),
        after: after.cloned(),
        rule: None,
        noise,
    });
}

fn is_noise(pointer: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    if pointer == "/data/_example" || key == "knative.dev~1example-checksum" {
        return true;
    }
    let version = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(is_version);
    parent.ends_with("/metadata/labels") && version(before) && version(after)
}

/// Whether a label's value is a version such as `v1.23.0`, alone or at its end.
fn is_version(text: &str) -> bool {
    let tail = text.rsplit_once("-v").map_or(text, |(_, tail)| tail);
    let plain = tail.strip_prefix('v').unwrap_or(tail);
    plain.contains('.') && semver::Version::parse(plain).is_ok()
}
