//! What a render says about the sizes of its pods: how much each may use, and where that is less than upstream allowed.

use std::collections::BTreeMap;

use crate::value::Value;

use super::pod::Pod;
use super::quantity::{Cpu, Memory};
use super::size::{Requests, quantity};
use super::sizing::{Scale, Sizing};
use crate::ledger::{Deed, Entry};

/// The lines of the summary, a heading first; nothing where no rule filled a size. `objects` are those with pods, by name.
pub fn lines<'v>(scale: Scale, entries: &[Entry], objects: impl Iterator<Item = (String, &'v Value)>) -> Vec<String> {
    let mut gets: BTreeMap<(Cpu, Memory), Vec<String>> = BTreeMap::new();
    let mut less: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (name, object) in objects {
        let changes: Vec<_> = entries
            .iter()
            .filter(|entry| entry.object == name)
            .filter_map(|entry| match &entry.deed {
                Deed::Changed { fields } => Some(fields.iter().filter(|change| change.path.contains("/resources"))),
                _ => None,
            })
            .flatten()
            .collect();
        let Some(pod) = Pod::of(object).filter(|_| !changes.is_empty()) else { continue };
        let Ok(requests) = Requests::of(&pod) else { continue };
        let short = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        gets.entry((Cpu(requests.cpu), Memory(requests.memory))).or_default().push(short.clone());
        for change in changes.iter().filter(|change| change.path.ends_with("/limits/memory")) {
            let read = |value: &Option<Value>| quantity(value.as_ref(), "").ok().filter(|q| q.nano() > 0);
            if let (Some(before), Some(after)) = (read(&change.before), read(&change.after))
                && after < before
            {
                let key = (Memory(after).to_string(), Memory(before).to_string());
                less.entry(key).or_default().push(short.clone());
            }
        }
    }
    if gets.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("Sizes, for --scale {}: {}", scale.name(), Sizing::good_for(scale))];
    let each =
        gets.iter().map(|((cpu, memory), names)| format!("{cpu} CPU and {memory} of memory: {}", names.join(", ")));
    lines.extend(each);
    for ((after, before), names) in &less {
        lines.push(format!("{after} is less memory than the {before} that upstream lets {} use", names.join(", ")));
    }
    if !less.is_empty() {
        lines.push(
            "more: --scale medium or large, or `sizes` of knrender.yaml; knrender plan says what it costs".to_owned(),
        );
    }
    lines
}
