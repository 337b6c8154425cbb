//! What `kubectl apply` would make of an object, by the server's own account: a server-side dry run, which stores nothing.

use crate::value::{Map, Value, json};

use super::compare::{Difference, Owned, compare};
use super::kubectl::{Kubectl, Refusal, items};
use crate::manifest::collection::Placed;
use crate::manifest::object::Head;
use crate::manifest::secret::REPEATED;

/// So many objects are asked for one by one.
const ONE_BY_ONE: usize = 12;

/// An object that may not be as rendered.
pub(super) struct Suspect<'s> {
    /// As it was rendered.
    pub(super) object: &'s Placed,
    /// As it is.
    pub(super) live: &'s Value,
    /// What others own of it.
    pub(super) owned: Owned,
    /// In what it differs: by its fields, until the server has said it.
    pub(super) fields: Vec<Difference>,
    /// Why the server refuses to apply it.
    pub(super) refused: Option<String>,
    /// Whether all that differs is beyond the render, so that an apply leaves it.
    pub(super) is_beyond: bool,
}

/// Takes what the server says for what differs. Where it makes no dry run, the fields stay as they were, and the reason comes
/// back.
pub(super) fn confirm(suspects: &mut [Suspect<'_>], kubectl: &mut Kubectl) -> Option<String> {
    for by_server in [false, true] {
        let mut all: Vec<&mut Suspect<'_>> =
            suspects.iter_mut().filter(|s| is_server_side(s.live) == by_server).collect();
        if all.is_empty() {
            continue;
        }
        match ask(&mut all, by_server, kubectl) {
            Ok(()) => continue,
            Err(Refusal::Failed(_)) => {}
            Err(refusal) => return Some(refusal.words()),
        }
        // One that is refused fails the others of its request.
        if all.len() > ONE_BY_ONE {
            return Some(format!("one of {} objects is refused", all.len()));
        }
        for one in all.chunks_mut(1) {
            match (ask(one, by_server, kubectl), one) {
                (Err(Refusal::Failed(why)), [one]) => one.refused = Some(why),
                (Err(refusal), _) => return Some(refusal.words()),
                (Ok(()), _) => {}
            }
        }
    }
    None
}

fn is_server_side(live: &Value) -> bool {
    Head::of(live).is_ok_and(|head| head.annotation(REPEATED).is_none())
}

fn ask(suspects: &mut [&mut Suspect<'_>], by_server: bool, kubectl: &mut Kubectl) -> Result<(), Refusal> {
    let rendered: Vec<&Value> = suspects.iter().map(|s| &s.object.value).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": rendered}).to_string();
    let mut arguments = vec!["apply", "--dry-run=server"];
    if by_server {
        arguments.extend(["--server-side", "--force-conflicts"]);
    }
    arguments.extend(["-o", "json", "-f", "-"]);
    let answers = items(kubectl.json_with_input(&arguments, Some(&list))?);
    for suspect in suspects {
        let is_it = |answer: &&Value| {
            let of = |value: &Value, key: &str| value.pointer(key).cloned();
            ["/kind", "/metadata/namespace", "/metadata/name"]
                .iter()
                .all(|key| of(answer, key) == of(suspect.live, key))
        };
        if let Some(would) = answers.iter().find(is_it) {
            (suspect.fields, suspect.is_beyond) = differences(&suspect.fields, would, suspect.live, suspect.owned);
        }
    }
    Ok(())
}

/// What an apply would change; and settings beyond the render, which no apply takes away: whether they are all that there is.
fn differences(by_fields: &[Difference], would: &Value, live: &Value, owned: Owned) -> (Vec<Difference>, bool) {
    let mut found = compare(would, live, owned);
    let gone = compare(live, would, owned).into_iter().filter(|d| d.live.is_none());
    let mut more: Vec<Difference> =
        gone.map(|d| Difference { field: d.field, rendered: None, live: d.rendered }).collect();
    let is_beyond = found.is_empty() && more.is_empty();
    more.extend(by_fields.iter().filter(|d| d.rendered.is_none()).cloned());
    for field in more {
        if !found.iter().any(|d| d.field == field.field) {
            found.push(field);
        }
    }
    (found, is_beyond)
}

/// Whether an apply brought fields that are no longer rendered.
pub(super) fn has_more(rendered: &Value, live: &Value) -> bool {
    let last = Head::of(live).ok().and_then(|head| head.annotation(REPEATED).map(str::to_owned));
    if let Some(last) = last {
        let Ok(last) = serde_json::from_str::<Value>(&last) else { return false };
        return compare(&last, rendered, Owned::default()).iter().any(|d| d.live.is_none());
    }
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let by_kubectl = entries.filter(|entry| {
        let is = |key: &str, text: &str| entry.get(key).and_then(Value::as_str) == Some(text);
        is("manager", "kubectl") && is("operation", "Apply") && entry.get("subresource").is_none()
    });
    by_kubectl.filter_map(|entry| entry.get("fieldsV1")?.as_object()).any(|fields| is_beyond(fields, rendered))
}

/// Whether a set of fields, in the form of `managedFields`, names one that a value does not have.
fn is_beyond(fields: &Map, value: &Value) -> bool {
    fields.iter().any(|(key, below)| {
        let item = if let Some(name) = key.strip_prefix("f:") {
            value.get(name)
        } else if let Some(keys) = key.strip_prefix("k:") {
            let Ok(Value::Object(keys)) = serde_json::from_str::<Value>(keys) else { return false };
            // A key that was defaulted is in no manifest.
            let has = |item: &&Value| keys.iter().all(|(k, v)| item.get(k).is_none_or(|own| own == v));
            value.as_array().and_then(|list| list.iter().find(has))
        } else {
            return false;
        };
        match (item, below.as_object()) {
            (None, _) => true,
            (Some(item), Some(below)) => is_beyond(below, item),
            (Some(_), None) => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_apply_brought_and_that_is_rendered_no_longer_is_seen() {
        let live = json!({"metadata": {"managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1":
            {"f:spec": {"f:paused": {}, "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}}}]}});
        assert!(!has_more(&json!({"spec": {"paused": true, "ports": [{"port": 80}]}}), &live));
        assert!(has_more(&json!({"spec": {"ports": [{"port": 80}]}}), &live));
        assert!(has_more(&json!({"spec": {"paused": true, "ports": [{"port": 81}]}}), &live));
    }

    #[test]
    fn the_same_of_what_client_side_apply_keeps() {
        let last = json!({"metadata": {"labels": {"a": "1"}}}).to_string();
        let live =
            json!({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "a", "annotations": {REPEATED: last}}});
        assert!(has_more(&json!({"metadata": {"labels": {}}}), &live));
        assert!(!has_more(&json!({"metadata": {"labels": {"a": "2"}}}), &live));
    }
}
