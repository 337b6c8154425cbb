//! The ledger: what was done to which object, by which rule, and why, in the order in which it was done.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::pointer;
use crate::value::Value;

/// All that was done in a render.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In order.
    pub entries: Vec<Entry>,
}

/// One thing that was done to one object.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Entry {
    /// The object, as `Kind[.group]/[namespace/]name`.
    pub object: String,
    /// Where it stood: source and line, or template.
    pub at: String,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// Rule, reason and sources.
    #[serde(flatten)]
    pub reason: Arc<Reason>,
}

/// Why something was done: what the ledger keeps of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Reason {
    /// The rule's name.
    pub rule: String,
    /// File and line of the rule.
    #[serde(rename = "rule_at")]
    pub at: String,
    /// Why it does what it does.
    pub why: String,
    /// Public sources.
    pub see: Vec<String>,
}

/// What can be done to an object.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", tag = "done")]
pub enum Deed {
    /// Some of its fields were changed.
    Changed {
        /// The fields.
        fields: Vec<FieldChange>,
    },
    /// It was added; upstream does not have it.
    Added,
    /// It was left out.
    LeftOut,
}

impl Deed {
    /// As a heading, for people.
    pub fn heading(&self) -> &'static str {
        match self {
            Deed::Changed { .. } => "Changed",
            Deed::Added => "Added",
            Deed::LeftOut => "Left out",
        }
    }
}

/// One field before and after a change.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct FieldChange {
    /// Pointer to the field.
    pub path: String,
    /// Pointer inside the YAML text that stands at `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// What stood there; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// What stands there now; absent when nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub after: Option<Value>,
}

/// A value that is there, be it null.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The fields in which `after` differs from `before`, outermost first, each as far down as it differs.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(before, after, &mut String::new(), &mut found);
    found
}

fn compare(before: &Value, after: &Value, path: &mut String, found: &mut Vec<FieldChange>) {
    let mut at = |segment: &str, b: Option<&Value>, a: Option<&Value>| {
        let length = path.len();
        path.push('/');
        path.push_str(segment);
        match (b, a) {
            (Some(b), Some(a)) => compare(b, a, path, found),
            (b, a) => {
                found.push(FieldChange { path: path.clone(), within: None, before: b.cloned(), after: a.cloned() });
            }
        }
        path.truncate(length);
    };
    match (before, after) {
        _ if before == after => {}
        (Value::Object(b), Value::Object(a)) => {
            for (key, value) in b {
                at(&pointer::escape(key), Some(value), a.get(key));
            }
            for (key, value) in a.iter().filter(|(key, _)| !b.contains_key(key)) {
                at(&pointer::escape(key), None, Some(value));
            }
        }
        (Value::Array(b), Value::Array(a)) => {
            let head = b.iter().zip(a).take_while(|(b, a)| b == a).count();
            let longest = b.len().min(a.len()) - head;
            let tail = b.iter().rev().zip(a.iter().rev()).take(longest).take_while(|(b, a)| b == a).count();
            let (b, a) = (&b[head..b.len() - tail], &a[head..a.len() - tail]);
            for i in 0..b.len().max(a.len()) {
                at(&(head + i).to_string(), b.get(i), a.get(i));
            }
        }
        (b, a) => found.push(FieldChange {
            path: path.clone(),
            within: None,
            before: Some(b.clone()),
            after: Some(a.clone()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        differences(before, after).into_iter().map(|c| c.path).collect()
    }

    #[test]
    fn a_difference_is_named_as_deep_as_it_goes() {
        let before = json!({"spec": {"type": "A", "x": 1}, "m": {"a/b": "c"}});
        let after = json!({"spec": {"type": "B"}, "m": {"a/b": "c", "n": 1}});
        assert_eq!(paths(&before, &after), ["/spec/type", "/spec/x", "/m/n"]);
    }

    #[test]
    fn an_item_put_into_a_list_is_one_difference() {
        assert_eq!(paths(&json!(["a", "c"]), &json!(["a", "b", "c"])), ["/1"]);
        assert_eq!(paths(&json!(["a", "b", "c"]), &json!(["a", "c"])), ["/1"]);
        assert_eq!(paths(&json!([{"a": 1}]), &json!([{"a": 2}])), ["/0/a"]);
        assert_eq!(paths(&json!(["a", "a"]), &json!(["a"])), ["/1"]);
    }
}
