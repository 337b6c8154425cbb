//! Fits requests and limits of a pod to the size that Fargate gives it.
//!
//! - Requests stay: they decide the size, and HPAs count in percent of them (a request of the whole size could never be
//!   passed). A container that asks for nothing gets its share of what is left, since Kubernetes would otherwise take its
//!   limits for its requests.
//! - Limits become what the size has: more could never be honoured, and less would leave unused what is paid for.

use serde_json::{Map, Value, json};

use super::pod::Pod;
use super::quantity::{Cpu, Memory, Quantity};
use super::size::{MIB, Requests, Size, quantity};

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
}

/// The mapping at a key, made where there is none.
fn mapping<'m>(map: &'m mut Map<String, Value>, key: &str) -> &'m mut Map<String, Value> {
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
fn set(map: &mut Map<String, Value>, milli: i128, bytes: i128) {
    let (cpu, memory) = (Quantity::from_milli(milli), Quantity::from_units(bytes));
    for (key, amount, text) in [("cpu", cpu, Cpu(cpu).to_string()), ("memory", memory, Memory(memory).to_string())] {
        if !map.contains_key(key) || quantity(map.get(key), key).ok() != Some(amount) {
            map.insert(key.to_owned(), Value::String(text));
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

    #[test]
    fn what_does_not_fit_is_said() {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"resources": {"requests": {"cpu": "17"}}}]}});
        assert!(to_size(&mut object).unwrap_err().contains("Fargate has 16 vCPU"));
    }
}
