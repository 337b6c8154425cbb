//! Fits requests and limits of pods to the size that Fargate gives them.
//!
//! A pod of a component is *filled* ([`fill`]): its containers ask for all that the size has, shared out by what they asked for
//! before, and their limits are their requests. What is left over in a size is paid for and helps nobody: Kubernetes, dashboards
//! and HPAs count in requests. Limits above the size could never be honoured, and a container without one takes the kubelet's
//! memory as well before it is stopped; with requests equal to limits the pod is of the class Guaranteed, as AWS wants it.
//! Source: <https://docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html>
//!
//! A Knative Service is fitted ([`to_size`]) otherwise, since queue-proxy runs beside it and has no limits: requests stay, a
//! container that asks for nothing gets what is left, and limits become what the size has.

use crate::value::{Map, Value, json};

use super::pod::{Pod, is_sidecar};
use super::quantity::{Cpu, Memory, Quantity};
use super::size::{MIB, Requests, Size, quantity};
use super::sizing::Wanted;

/// Fits the containers of an object's pods. An object without pods stays as it is.
///
/// # Errors
/// In words, why the pod has no size.
pub fn to_size(object: &mut Value) -> Result<(), String> {
    let Some(pod) = Pod::of(object) else {
        return Ok(());
    };
    let asked = Requests::of(&pod).map_err(|e| e.to_string())?;
    let size = Size::of(&asked).map_err(|e| e.to_string())?;
    let containers: Vec<_> = pod.containers(false).map(|(path, container)| (path, Share::of(container))).collect();
    let idle = i128::try_from(containers.iter().filter(|(_, s)| s.cpu == 0).count()).unwrap_or(0).max(1);
    let count = i128::try_from(containers.len()).unwrap_or(0).max(1);
    let more_memory = (size.usable() - asked.memory.units()) / count / MIB * MIB;
    let more_cpu = (size.milli - asked.cpu.milli()) / idle;
    for (path, share) in containers {
        let most = share.memory + more_memory;
        let memory = if share.memory == 0 { most } else { share.memory };
        let cpu = if share.cpu == 0 { more_cpu } else { share.cpu };
        if let Some(container) = object.pointer_mut(&path).and_then(Value::as_object_mut) {
            let resources = mapping(container, "resources");
            set(mapping(resources, "requests"), cpu, memory);
            set(mapping(resources, "limits"), size.milli, most);
        }
    }
    Ok(())
}

/// Fills the size of an object's pods: the one that is wanted, or the smallest that their requests fit. An object without pods
/// stays as it is.
///
/// # Errors
/// In words, why the pod has no size, or does not fit the one that is wanted.
pub fn fill(object: &mut Value, wanted: Option<&Wanted>) -> Result<(), String> {
    if let Some([cpu, memory]) = wanted.and_then(|wanted| wanted.requests) {
        ask(object, cpu, memory)?;
    }
    let Some(pod) = Pod::of(object) else {
        return Ok(());
    };
    let asked = Requests::of(&pod).map_err(|e| e.to_string())?;
    let size = match wanted.and_then(|wanted| wanted.size) {
        Some(size) if size.milli < asked.cpu.milli() || size.usable() < asked.memory.units() => {
            let (cpu, memory) = (Cpu(asked.cpu), Memory(asked.memory));
            return Err(format!(
                "the pod asks for {cpu} CPU and {memory} of memory, which {size} does not have (256 MB are Fargate's own); take a \
                 larger size, or give it requests of its own, such as {{cpu: {}, memory: {}}}",
                Cpu(Quantity::from_milli(size.milli)),
                Memory(Quantity::from_units(size.usable()))
            ));
        }
        Some(size) => size,
        None => Size::of(&asked).map_err(|e| e.to_string())?,
    };
    let containers: Vec<_> = pod.containers(false).map(|(path, container)| (path, Share::of(container))).collect();
    let beside = pod.containers(true).filter(|(_, container)| is_sidecar(container)).map(|(_, c)| Share::of(c));
    let (cpu_beside, memory_beside) = beside.fold((0, 0), |sum, share| (sum.0 + share.cpu, sum.1 + share.memory));
    let overhead = Share::of_list(pod.spec.get("overhead"));
    let cpu = shared(containers.iter().map(|(_, s)| s.cpu), size.milli - cpu_beside - overhead.cpu, 1);
    let memory = shared(containers.iter().map(|(_, s)| s.memory), size.usable() - memory_beside - overhead.memory, MIB);
    for (((path, _), cpu), memory) in containers.into_iter().zip(cpu).zip(memory) {
        if let Some(container) = object.pointer_mut(&path).and_then(Value::as_object_mut) {
            let resources = mapping(container, "resources");
            set(mapping(resources, "requests"), cpu, memory);
            set(mapping(resources, "limits"), cpu, memory);
        }
    }
    Ok(())
}

/// Gives the one container of a pod requests in place of its own.
fn ask(object: &mut Value, cpu: Quantity, memory: Quantity) -> Result<(), String> {
    let paths: Vec<String> = Pod::of(object)
        .into_iter()
        .flat_map(|p| p.containers(false).map(|(path, _)| path).collect::<Vec<_>>())
        .collect();
    let [path] = paths.as_slice() else {
        return Err(format!("the pod has {} containers; give it a `size`, which they share", paths.len()));
    };
    if let Some(container) = object.pointer_mut(path).and_then(Value::as_object_mut) {
        let resources = mapping(container, "resources");
        set(mapping(resources, "requests"), cpu.milli(), memory.units());
    }
    Ok(())
}

/// An amount shared out: each keeps what it has, and gets its part of the rest by that; who has nothing counts as the average.
/// Parts are whole multiples of `unit` beyond what was there.
fn shared(has: impl Iterator<Item = i128> + Clone, all: i128, unit: i128) -> Vec<i128> {
    let some: Vec<i128> = has.clone().filter(|amount| *amount > 0).collect();
    let average = if some.is_empty() { 1 } else { (some.iter().sum::<i128>() / some.len() as i128).max(1) };
    let weight = |amount: i128| if amount > 0 { amount } else { average };
    let weights: i128 = has.clone().map(weight).sum::<i128>().max(1);
    let rest = (all - has.clone().sum::<i128>()).max(0);
    has.map(|amount| amount + rest * weight(amount) / weights / unit * unit).collect()
}

/// What one container asks for, in thousandths and bytes.
struct Share {
    cpu: i128,
    memory: i128,
}

impl Share {
    fn of(container: &Value) -> Share {
        let asks = |key: &str| {
            let at = |what| container.pointer(&format!("/resources/{what}/{key}")).filter(|v| !v.is_null());
            quantity(at("requests").or_else(|| at("limits")), key).unwrap_or_default()
        };
        Share { cpu: asks("cpu").milli(), memory: asks("memory").units() }
    }

    fn of_list(list: Option<&Value>) -> Share {
        let asks = |key: &str| quantity(list.and_then(|list| list.get(key)), key).unwrap_or_default();
        Share { cpu: asks("cpu").milli(), memory: asks("memory").units() }
    }
}

/// The mapping at a key, made where there is none.
fn mapping<'m>(map: &'m mut Map, key: &str) -> &'m mut Map {
    let value = map.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was just made a mapping"),
    }
}

/// Writes CPU and memory where they are other amounts than what stands there.
fn set(map: &mut Map, milli: i128, bytes: i128) {
    let (cpu, memory) = (Quantity::from_milli(milli), Quantity::from_units(bytes));
    for (key, amount, text) in [("cpu", cpu, Cpu(cpu).to_string()), ("memory", memory, Memory(memory).to_string())] {
        if !map.contains_key(key) || quantity(map.get(key), key).ok() != Some(amount) {
            map.insert(key.to_owned(), text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(containers: &Value) -> Vec<Value> {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": containers}});
        to_size(&mut object).unwrap();
        object["spec"]["containers"].as_array().unwrap().iter().map(|c| c["resources"].clone()).collect()
    }

    fn resources(cpu: &str, memory: &str, limit: &str) -> Value {
        json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": "1", "memory": limit}})
    }

    #[test]
    fn requests_stay_and_limits_become_the_size() {
        assert_eq!(
            fitted(&json!([{"resources": resources("300m", "60Mi", "600Mi")}])),
            [json!({"requests": {"cpu": "300m", "memory": "60Mi"}, "limits": {"cpu": "500m", "memory": "768Mi"}})]
        );
    }

    #[test]
    fn a_pod_that_asks_for_nothing_gets_the_smallest_size() {
        assert_eq!(
            fitted(&json!([{}])),
            [json!({"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "250m", "memory": "256Mi"}})]
        );
    }

    #[test]
    fn several_containers_share_what_is_left() {
        let all = fitted(&json!([{"resources": resources("100m", "100Mi", "1Gi")}, {}]));
        assert_eq!(
            all[0],
            json!({"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "250m", "memory": "178Mi"}})
        );
        assert_eq!(all[1]["requests"], json!({"cpu": "150m", "memory": "78Mi"}));
    }

    #[test]
    fn the_size_is_the_same_after_it_is_fitted() {
        for (cpu, memory) in [("300m", "60Mi"), ("1", "2Gi"), ("200m", "200Mi"), ("3", "1Gi"), ("10m", "5Gi")] {
            let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {
                "initContainers": [{"restartPolicy": "Always", "resources": resources("10m", "16Mi", "1Gi")}],
                "containers": [{"resources": resources(cpu, memory, "64Gi")}, {}],
            }}}});
            let size = |object: &Value| Size::of(&Requests::of(&Pod::of(object).unwrap()).unwrap()).unwrap();
            let before = size(&object);
            to_size(&mut object).unwrap();
            assert_eq!(size(&object), before, "{cpu} {memory}: {object:#}");
            for container in object["spec"]["template"]["spec"]["containers"].as_array().unwrap() {
                let of = |what: &str| quantity(container["resources"][what].get("memory"), "").unwrap();
                assert!(of("requests") <= of("limits"), "{container:#}");
            }
        }
    }

    fn filled(containers: &Value, wanted: Option<&str>) -> Result<Vec<Value>, String> {
        let wanted = wanted.map(|text| crate::yaml::parse_as::<Wanted>(text).unwrap());
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": containers}});
        fill(&mut object, wanted.as_ref())?;
        Ok(object["spec"]["containers"].as_array().unwrap().iter().map(|c| c["resources"].clone()).collect())
    }

    #[test]
    fn a_pod_asks_for_all_that_its_size_has_and_limits_are_requests() {
        let whole = |cpu: &str, memory: &str| {
            let amounts = json!({"cpu": cpu, "memory": memory});
            json!({"requests": amounts, "limits": amounts})
        };
        let one = json!([{"resources": resources("300m", "60Mi", "600Mi")}]);
        assert_eq!(filled(&one, None).unwrap(), [whole("500m", "768Mi")]);
        assert_eq!(filled(&one, Some("1 vCPU / 2 GB")).unwrap(), [whole("1", "1792Mi")]);
        assert_eq!(filled(&one, Some("{cpu: 250m, memory: 60Mi}")).unwrap(), [whole("250m", "256Mi")]);
        let said = filled(&one, Some("0.25 vCPU / 0.5 GB")).unwrap_err();
        assert!(said.contains("asks for 300m CPU") && said.contains("{cpu: 250m, memory: 256Mi}"), "{said}");
    }

    #[test]
    fn containers_share_the_rest_by_what_they_asked_for() {
        let two =
            json!([{"resources": resources("100m", "100Mi", "1Gi")}, {"resources": resources("50m", "50Mi", "1Gi")}]);
        let all = filled(&two, None).unwrap();
        // 100m to spare: two thirds and one third.
        assert_eq!(all[0]["requests"], json!({"cpu": "166m", "memory": "170Mi"}));
        assert_eq!(all[1]["requests"], json!({"cpu": "83m", "memory": "85Mi"}));
        assert!(filled(&two, Some("{cpu: 1, memory: 1Gi}")).unwrap_err().contains("has 2 containers"));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"resources": {"requests": {"cpu": "17"}}}]}});
        assert!(to_size(&mut object).unwrap_err().contains("Fargate has 16 vCPU"));
    }
}
