//! Kinds of which a field or two has another name or meaning in the new API.

use crate::value::{Map, Value};

use super::{Said, child, rename};

/// policy/v1beta1 to policy/v1: an empty selector meant no pods, and means all of them in v1, where none means no pods.
pub(super) fn disruption_budget(budget: &mut Map, said: &mut Said) -> Result<(), String> {
    let spec = child(budget, "spec")?;
    if spec.get("selector").and_then(Value::as_object).is_some_and(Map::is_empty) {
        spec.shift_remove("selector");
        said.add("The empty selector chose no pods; in v1 it would choose all of them, and no selector chooses none.");
    }
    Ok(())
}

/// discovery.k8s.io/v1beta1 to v1: `topology` became `nodeName`, `zone` and `deprecatedTopology`.
#[allow(clippy::unnecessary_wraps)] // a `Change` as the others are
pub(super) fn endpoint_slice(slice: &mut Map, said: &mut Said) -> Result<(), String> {
    let endpoints = slice.get_mut("endpoints").and_then(Value::as_array_mut);
    for endpoint in endpoints.into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(Value::Object(mut topology)) = endpoint.shift_remove("topology") else { continue };
        said.add("What `topology` said of an endpoint stands in `nodeName`, `zone` and `deprecatedTopology`.");
        for (label, field) in [("kubernetes.io/hostname", "nodeName"), ("topology.kubernetes.io/zone", "zone")] {
            if let Some(value) = topology.shift_remove(label) {
                endpoint.entry(field).or_insert(value);
            }
        }
        if !topology.is_empty() {
            endpoint.insert("deprecatedTopology".to_owned(), Value::Object(topology));
        }
    }
    Ok(())
}

/// certificates.k8s.io/v1beta1 to v1: the signer has to be named, and the one that v1beta1 defaulted to is not taken.
pub(super) fn signing_request(request: &mut Map, _: &mut Said) -> Result<(), String> {
    let spec = child(request, "spec")?;
    match spec.get("signerName").and_then(Value::as_str) {
        None | Some("kubernetes.io/legacy-unknown") => {
            Err("/spec/signerName names no signer that v1 takes; name one".to_owned())
        }
        Some(_) if spec.get("usages").and_then(Value::as_array).is_none_or(Vec::is_empty) => {
            Err("/spec/usages is empty, and v1 demands one usage or more".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// flowcontrol v1beta1 and v1beta2 to v1: the shares have another name.
pub(super) fn priority_level(level: &mut Map, _: &mut Said) -> Result<(), String> {
    if let Some(limited) = child(level, "spec")?.get_mut("limited").and_then(Value::as_object_mut) {
        rename(limited, "assuredConcurrencyShares", "nominalConcurrencyShares");
        zero_means_thirty(limited);
    }
    Ok(())
}

/// flowcontrol v1beta3 to v1: 0 shares meant 30 unless an annotation said otherwise.
pub(super) fn priority_level_v1beta3(level: &mut Map, said: &mut Said) -> Result<(), String> {
    const KEEP_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
    let annotations = level.get_mut("metadata").and_then(|m| m.get_mut("annotations")).and_then(Value::as_object_mut);
    let keep = annotations.and_then(|a| a.shift_remove(KEEP_ZERO)).is_some();
    if let Some(limited) = child(level, "spec")?.get_mut("limited").and_then(Value::as_object_mut)
        && !keep
        && zero_means_thirty(limited)
    {
        said.add("0 shares meant 30 there, and mean 0 in v1.");
    }
    Ok(())
}

fn zero_means_thirty(limited: &mut Map) -> bool {
    let zero = limited.get("nominalConcurrencyShares").and_then(Value::as_i64) == Some(0);
    if zero {
        limited.insert("nominalConcurrencyShares".to_owned(), Value::from(30));
    }
    zero
}

/// rbac.authorization.k8s.io/v1alpha1 to v1: a subject names a group, not an `apiVersion`.
pub(super) fn rbac_v1alpha1(binding: &mut Map, said: &mut Said) -> Result<(), String> {
    let subjects = binding.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten().filter_map(Value::as_object_mut) {
        if subject.get("kind").and_then(Value::as_str) == Some("User")
            && subject.get("name").and_then(Value::as_str) == Some("*")
        {
            return Err("/subjects has the user `*`, which meant everybody in v1alpha1 and is a name in v1".to_owned());
        }
        if let Some(api) = subject.shift_remove("apiVersion") {
            let group = api.as_str().and_then(|api| api.split_once('/')).map_or("", |(group, _)| group);
            subject.insert("apiGroup".to_owned(), Value::from(group));
            said.add("A subject's `apiVersion` became its `apiGroup`.");
        }
    }
    Ok(())
}
