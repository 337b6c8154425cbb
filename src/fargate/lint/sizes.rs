//! What a pod asks for, against what Fargate sells (F21).

use serde_json::Value;

use super::set::{Set, items};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[Check { code: "ephemeral-storage", run: ephemeral_storage }];

/// The most ephemeral storage that a pod may ask for, in bytes.
const MOST: f64 = 175.0 * 1024.0 * 1024.0 * 1024.0;

fn ephemeral_storage(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        let asked = |list: &str| items(&pod.spec[list]).map(storage).collect::<Vec<f64>>();
        let most = asked("initContainers").into_iter().fold(asked("containers").iter().sum(), f64::max);
        if most > MOST {
            let what = format!("the pod asks for {:.0} GiB of ephemeral storage", most / 1024.0 / 1024.0 / 1024.0);
            found.at(pod.object, pod.spec_field("/containers"), what);
        }
    }
}

/// What a container asks for; what it is limited to where it asks for nothing, as the API server has it.
fn storage(container: &Value) -> f64 {
    let resources = &container["resources"];
    let of = |list: &str| quantity(&resources[list]["ephemeral-storage"]);
    of("requests").or_else(|| of("limits")).unwrap_or(0.0)
}

fn quantity(value: &Value) -> Option<f64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "" => 1.0,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    Some(number * factor)
}
