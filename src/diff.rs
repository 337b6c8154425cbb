//! Two sets of objects compared: by object and field, and what the differences mean for a cluster that has the first and gets
//! the second.

mod fields;
mod markdown;
mod meaning;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bill::compare::Comparison;
use crate::ledger::{Deed, Entry};
use crate::manifest::collection::Placed;
use crate::manifest::object::Identity;
use crate::manifest::secret;
use crate::pointer;
use crate::report::Provenance;
use crate::value::Value;

pub use fields::Field;
pub use meaning::{Meaning, Severity, Topic};

/// One of the two.
#[derive(Debug)]
pub struct Side {
    /// As people named it.
    pub name: String,
    /// The objects.
    pub objects: Vec<Placed>,
    /// What a render says about itself, where it is one.
    pub provenance: Option<Provenance>,
}

/// What is different.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The first side.
    pub before: String,
    /// The second side.
    pub after: String,
    /// Whether nothing is different.
    pub same: bool,
    /// Objects that only the second has.
    pub added: Vec<Whole>,
    /// Objects that only the first has.
    pub removed: Vec<Whole>,
    /// Objects that differ in more than labels with a version.
    pub changed: Vec<Changed>,
    /// Objects that differ in labels with a version and in examples alone.
    pub folded: Vec<Changed>,
    /// What it means, errors first.
    pub meaning: Vec<Meaning>,
    /// What it means in money; absent where there is no price for the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Comparison>,
}

/// An object that one side has.
#[derive(Clone, Debug, Serialize)]
pub struct Whole {
    /// The object.
    pub object: String,
    /// The rule that added it, or left it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// An object that is not the same.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    /// The object.
    pub object: String,
    /// Its fields that differ.
    pub fields: Vec<Field>,
}

/// Why two sets cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One set says two things about one object.
    #[error(
        "{side} has two different {object}: in {first} and in {second}; a set of objects that is applied has one of each"
    )]
    Twice {
        /// The set.
        side: String,
        /// The object.
        object: String,
        /// Where the first stands.
        first: String,
        /// Where the second stands.
        second: String,
    },
    /// A file in the binary.
    #[error("{0}; this is a fault of knrender")]
    Fault(String),
}

impl Diff {
    /// What is different between `before` and `after`.
    ///
    /// # Errors
    /// A side has an object twice.
    pub fn of(before: &Side, after: &Side) -> Result<Diff, DiffError> {
        let (old, new) = (by_identity(before)?, by_identity(after)?);
        let (mut added, mut removed, mut changed, mut folded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut pairs = Vec::new();
        for (identity, placed) in &new {
            let object = identity.to_string();
            match old.get(identity) {
                None => {
                    let rule = whole_rule(after, &object, &Deed::Added);
                    added.push(Whole { object, rule });
                    pairs.push((*identity, None, Some(&placed.value)));
                }
                Some(was) if was.value == placed.value => {}
                Some(was) => {
                    let mut fields = fields::differences(&was.value, &placed.value);
                    for field in &mut fields {
                        if secret::is_secret(&was.value) {
                            secret::mask_field(&field.pointer, [&mut field.before, &mut field.after]);
                        }
                        field.rule = rule(after, &object, field).or_else(|| rule(before, &object, field));
                    }
                    let is_noise = fields.iter().all(|field| field.noise);
                    let one = Changed { object, fields };
                    if is_noise {
                        folded.push(one);
                    } else {
                        changed.push(one);
                    }
                    pairs.push((*identity, Some(&was.value), Some(&placed.value)));
                }
            }
        }
        for (identity, placed) in old.iter().filter(|(identity, _)| !new.contains_key(*identity)) {
            let object = identity.to_string();
            let rule = whole_rule(after, &object, &Deed::LeftOut);
            removed.push(Whole { object, rule });
            pairs.push((*identity, Some(&placed.value), None));
        }
        let meaning = meaning::of(&pairs, &changed, &before.objects, &after.objects).map_err(DiffError::Fault)?;
        let same = added.is_empty() && removed.is_empty() && changed.is_empty() && folded.is_empty();
        Ok(Diff {
            before: before.name.clone(),
            after: after.name.clone(),
            same,
            added,
            removed,
            changed,
            folded,
            meaning,
            money: None,
        })
    }

    /// Whether `kubectl apply` of the second would be refused somewhere.
    pub fn is_refused(&self) -> bool {
        self.meaning.iter().any(|meaning| meaning.severity == Severity::Error)
    }
}

/// The objects of a side by identity; the namespace `default` is what an object without one gets.
fn by_identity(side: &Side) -> Result<BTreeMap<&Identity, &Placed>, DiffError> {
    let mut found: BTreeMap<&Identity, &Placed> = BTreeMap::new();
    for placed in side.objects.iter().filter(|placed| !placed.identity.name.is_empty()) {
        if let Some(first) = found.insert(&placed.identity, placed)
            && first.value != placed.value
        {
            let at = |placed: &Placed| format!("{}, line {}", placed.file, placed.line);
            return Err(DiffError::Twice {
                side: side.name.clone(),
                object: placed.identity.to_string(),
                first: at(first),
                second: at(placed),
            });
        }
    }
    Ok(found)
}

fn entries<'s>(side: &'s Side, object: &'s str) -> impl Iterator<Item = &'s Entry> {
    side.provenance.iter().flat_map(|p| &p.ledger).filter(move |entry| entry.object == object)
}

fn whole_rule(side: &Side, object: &str, deed: &Deed) -> Option<String> {
    entries(side, object).find(|entry| entry.deed == *deed).map(|entry| entry.reason.rule.clone())
}

/// The last rule that made a field what it is.
fn rule(side: &Side, object: &str, field: &Field) -> Option<String> {
    let touches = |entry: &&Entry| match &entry.deed {
        Deed::Changed { fields } => fields
            .iter()
            .any(|f| pointer::is_below(&f.path, &field.pointer) || pointer::is_below(&field.pointer, &f.path)),
        Deed::Added => true,
        Deed::LeftOut => false,
    };
    entries(side, object).filter(touches).last().map(|entry| entry.reason.rule.clone())
}

/// A value as people read it in one line.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(nothing)".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => text.to_string(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
