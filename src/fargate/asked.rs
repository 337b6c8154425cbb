//! What pods asked for before a rule filled their Fargate size: read back from the ledger of a render, so that a plan can say
//! what of a size is spare.

use std::collections::BTreeMap;

use crate::value::{Value, unescaped};

use super::pod::Pod;
use super::size::Requests;
use crate::ledger::{Deed, Entry};

/// Requests of upstream's own, by object, as `Kind[.group]/[namespace/]name`.
#[derive(Clone, Debug, Default)]
pub struct Asked(BTreeMap<String, Requests>);

impl Asked {
    /// The requests that changes of a ledger replaced in these objects.
    pub fn before<'v>(entries: &[Entry], objects: impl Iterator<Item = (String, &'v Value)>) -> Asked {
        let mut changes: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for entry in entries {
            if let Deed::Changed { fields } = &entry.deed {
                let resources = fields.iter().filter(|change| change.path.contains("/resources"));
                changes.entry(entry.object.as_str()).or_default().extend(resources);
            }
        }
        changes.retain(|_, fields| !fields.is_empty());
        let before = |(name, value): (String, &Value)| {
            let mut value = value.clone();
            for change in changes.get(name.as_str())?.iter().rev() {
                undo(&mut value, &change.path, change.before.as_ref());
            }
            let requests = Requests::of(&Pod::of(&value)?).ok()?;
            Some((name, requests))
        };
        Asked(objects.filter_map(before).collect())
    }

    /// What the pods of an object asked for, where a rule changed it.
    pub fn of(&self, object: &str) -> Option<Requests> {
        self.0.get(object).copied()
    }
}

/// Puts back what stood at a pointer.
fn undo(value: &mut Value, path: &str, before: Option<&Value>) {
    match (value.pointer_mut(path), before) {
        (Some(place), Some(before)) => *place = before.clone(),
        (Some(place), None) => *place = Value::Null,
        (None, Some(before)) => {
            let Some((parent, key)) = path.rsplit_once('/') else { return };
            if let Some(Value::Object(map)) = value.pointer_mut(parent) {
                map.insert(unescaped(key), before.clone());
            }
        }
        (None, None) => {}
    }
}
