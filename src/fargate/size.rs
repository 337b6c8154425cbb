//! The size that AWS gives a pod: the larger of what the init containers and what the containers ask for, 256 MB of memory
//! on top, rounded up to the next size there is.
//! Source: <https://docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html>
//!
//! GB is taken as GiB and MB as MiB, as AWS's own task sizes do (medium confidence). Native sidecars are counted in the sum,
//! about which AWS says nothing (a conservative reading).

use std::fmt;

use crate::value::Value;

use super::pod::{Pod, Workload, is_sidecar};
use super::quantity::{Quantity, QuantityError};

/// One MiB, in bytes.
pub const MIB: i128 = 1 << 20;
/// What kubelet, kube-proxy and containerd take of a pod's memory, in bytes.
pub const OVERHEAD: i128 = 256 * MIB;
/// The ephemeral storage that every pod has, in bytes.
pub const STORAGE_INCLUDED: i128 = 20 * 1024 * MIB;
/// The most ephemeral storage that a pod can ask for, in bytes.
pub const STORAGE_MAX: i128 = 175 * 1024 * MIB;
/// The CPU that Knative's queue-proxy asks for, in thousandths, where nothing else is said.
const QUEUE_PROXY_MILLI: i128 = 25;

/// vCPU in thousandths; smallest, largest and step of memory in MiB. The smallest size is the one exception to the steps.
const SIZES: [(i128, i128, i128, i128); 7] = [
    (250, 512, 2048, 1024),
    (500, 1024, 4096, 1024),
    (1000, 2048, 8192, 1024),
    (2000, 4096, 16384, 1024),
    (4000, 8192, 30720, 1024),
    (8000, 16384, 61440, 4096),
    (16000, 32768, 122_880, 8192),
];

/// What a pod asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// CPU.
    pub cpu: Quantity,
    /// Memory, without AWS's overhead.
    pub memory: Quantity,
    /// Ephemeral storage.
    pub storage: Quantity,
}

/// A size that Fargate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// vCPU, in thousandths.
    pub milli: i128,
    /// Memory, in MiB.
    pub mib: i128,
    /// Ephemeral storage, in bytes: 20 GiB, or what was asked for beyond.
    pub storage: i128,
}

/// Why a pod has no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// A quantity that is none.
    #[error("{field}: {why}")]
    Quantity {
        /// Pointer from the object.
        field: String,
        /// What is wrong.
        why: QuantityError,
    },
    /// A request below zero, or something that is neither text nor number.
    #[error("{field}: {what}")]
    Invalid {
        /// Pointer from the object.
        field: String,
        /// What is wrong.
        what: &'static str,
    },
    /// More than the largest size.
    #[error("{0}")]
    DoesNotFit(String),
}

impl Size {
    /// The size of a pod that asks for `requests`.
    pub fn of(requests: &Requests) -> Result<Size, SizeError> {
        let (cpu, bytes) = (requests.cpu.milli(), requests.memory.units() + OVERHEAD);
        let storage = requests.storage.units();
        if storage > STORAGE_MAX {
            let asked = super::quantity::Memory(requests.storage);
            return Err(SizeError::DoesNotFit(format!(
                "it asks for {asked} of ephemeral storage; Fargate has 175Gi at the most"
            )));
        }
        let storage = storage.max(STORAGE_INCLUDED);
        for size in sizes() {
            if size.milli >= cpu && size.mib * MIB >= bytes {
                return Ok(Size { storage, ..size });
            }
        }
        Err(SizeError::DoesNotFit(format!(
            "it asks for {} CPU and {} of memory; Fargate has 16 vCPU and 120 GB at the most, 256 MB of which are its own",
            super::quantity::Cpu(requests.cpu),
            super::quantity::Memory(requests.memory)
        )))
    }

    /// The memory that the pod's containers can use, in bytes.
    pub fn usable(&self) -> i128 {
        self.mib * MIB - OVERHEAD
    }
}

impl fmt::Display for Size {
    /// As AWS writes it: `0.25 vCPU / 0.5 GB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = |thousandths: i128| {
            let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        write!(f, "{} vCPU / {} GB", decimal(self.milli), decimal(self.mib * 1000 / 1024))
    }
}

/// All sizes, smallest first.
pub fn sizes() -> impl Iterator<Item = Size> {
    SIZES.into_iter().flat_map(|(milli, least, most, step)| {
        let steps =
            std::iter::once(least).chain((1..).map(move |i| (least / step + i) * step).take_while(move |m| *m <= most));
        steps.map(move |mib| Size { milli, mib, storage: STORAGE_INCLUDED })
    })
}

impl Requests {
    /// What a pod asks for, queue-proxy's share counted in where Knative adds one.
    pub fn of(pod: &Pod<'_>) -> Result<Requests, SizeError> {
        let mut main = Requests::default();
        for (path, container) in pod.containers(false) {
            main = main.plus(&of_container(&path, container)?);
        }
        if pod.workload == Workload::Knative {
            main = main.plus(&queue_proxy(pod)?);
        }
        let (mut first, mut beside) = (Requests::default(), Requests::default());
        for (path, container) in pod.containers(true) {
            let one = of_container(&path, container)?;
            if is_sidecar(container) {
                beside = beside.plus(&one);
                first = first.max(&beside);
            } else {
                first = first.max(&beside.plus(&one));
            }
        }
        let overhead = resources(pod.spec.get("overhead"), &format!("{}/overhead", pod.path))?;
        // Requests of the pod as a whole are never less than those of its containers, or the API server refuses them. That
        // Fargate counts them is not said anywhere that was read; the larger of both cannot be too small.
        let whole = of_container(pod.path, pod.spec)?;
        Ok(main.plus(&beside).max(&first).max(&whole).plus(&overhead))
    }

    fn plus(&self, other: &Requests) -> Requests {
        Requests {
            cpu: self.cpu.plus(other.cpu),
            memory: self.memory.plus(other.memory),
            storage: self.storage.plus(other.storage),
        }
    }

    fn max(&self, other: &Requests) -> Requests {
        Requests {
            cpu: self.cpu.max(other.cpu),
            memory: self.memory.max(other.memory),
            storage: self.storage.max(other.storage),
        }
    }
}

/// What one container asks for; where it only has limits, Kubernetes takes these for its requests.
fn of_container(path: &str, container: &Value) -> Result<Requests, SizeError> {
    let of =
        |what: &str| resources(container.pointer(&format!("/resources/{what}")), &format!("{path}/resources/{what}"));
    let (requests, limits) = (of("requests")?, of("limits")?);
    let asks = |key: &str| container.pointer(&format!("/resources/requests/{key}")).is_some_and(|v| !v.is_null());
    Ok(Requests {
        cpu: if asks("cpu") { requests.cpu } else { limits.cpu },
        memory: if asks("memory") { requests.memory } else { limits.memory },
        storage: if asks("ephemeral-storage") { requests.storage } else { limits.storage },
    })
}

fn resources(map: Option<&Value>, path: &str) -> Result<Requests, SizeError> {
    let of = |key: &str| quantity(map.and_then(|m| m.get(key)), &format!("{path}/{key}"));
    Ok(Requests { cpu: of("cpu")?, memory: of("memory")?, storage: of("ephemeral-storage")? })
}

/// A quantity as a manifest may write it: text or a number. Nothing is nothing.
pub fn quantity(value: Option<&Value>, field: &str) -> Result<Quantity, SizeError> {
    let text = match value {
        None | Some(Value::Null) => return Ok(Quantity::ZERO),
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => {
            return Err(SizeError::Invalid { field: field.to_owned(), what: "it is neither a text nor a number" });
        }
    };
    let quantity = Quantity::parse(&text).map_err(|why| SizeError::Quantity { field: field.to_owned(), why })?;
    if quantity.is_negative() {
        return Err(SizeError::Invalid { field: field.to_owned(), what: "it is below zero" });
    }
    Ok(quantity)
}

/// What queue-proxy asks for: 25m CPU, or what the annotations say.
/// Source: <https://knative.dev/docs/serving/services/configure-requests-limits-services/#configure-queue-proxy-resources>
fn queue_proxy(pod: &Pod<'_>) -> Result<Requests, SizeError> {
    let of = |key: &str| {
        let name = format!("queue.sidecar.serving.knative.dev/{key}-resource-request");
        let field = format!("{}/metadata/annotations/{}", pod.path.trim_end_matches("/spec"), name.replace('/', "~1"));
        pod.annotation(&name).map(|text| quantity(Some(&Value::from(text)), &field)).transpose()
    };
    Ok(Requests {
        cpu: of("cpu")?.unwrap_or(Quantity::from_milli(QUEUE_PROXY_MILLI)),
        memory: of("memory")?.unwrap_or_default(),
        storage: of("ephemeral-storage")?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::json;

    fn size(spec: &Value) -> Result<String, String> {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec});
        let requests = Requests::of(&Pod::of(&object).unwrap()).map_err(|e| e.to_string())?;
        Size::of(&requests).map(|s| s.to_string()).map_err(|e| e.to_string())
    }

    fn container(cpu: &str, memory: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu, "memory": memory}}})
    }

    #[test]
    fn the_examples_of_aws_come_out_to_the_digit() {
        for (cpu, memory, expected) in [
            ("1", "8Gi", "2 vCPU / 9 GB"),
            ("1", "512Mi", "1 vCPU / 2 GB"),
            ("300m", "60Mi", "0.5 vCPU / 1 GB"),
            ("100m", "100Mi", "0.25 vCPU / 0.5 GB"),
            ("200m", "200Mi", "0.25 vCPU / 0.5 GB"),
            ("500m", "256Mi", "0.5 vCPU / 1 GB"),
            ("250m", "256Mi", "0.25 vCPU / 0.5 GB"),
            ("250m", "257Mi", "0.25 vCPU / 1 GB"),
            ("250m", "768Mi", "0.25 vCPU / 1 GB"),
            ("250m", "1792Mi", "0.25 vCPU / 2 GB"),
            ("16", "119Gi", "16 vCPU / 120 GB"),
        ] {
            assert_eq!(size(&json!({"containers": [container(cpu, memory)]})).unwrap(), expected, "{cpu} {memory}");
        }
        assert_eq!(size(&json!({"containers": [{}]})).unwrap(), "0.25 vCPU / 0.5 GB");
    }

    #[test]
    fn a_knative_service_counts_its_queue_proxy() {
        let service = |resources: Value| {
            let object = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service",
                "spec": {"template": {"spec": {"containers": [{"resources": resources}]}}}});
            Size::of(&Requests::of(&Pod::of(&object).unwrap()).unwrap()).unwrap().to_string()
        };
        assert_eq!(service(json!({})), "0.25 vCPU / 0.5 GB");
        assert_eq!(service(json!({"requests": {"cpu": "1", "memory": "2Gi"}})), "2 vCPU / 4 GB");
        assert_eq!(service(json!({"requests": {"cpu": "975m", "memory": "1792Mi"}})), "1 vCPU / 2 GB");
    }

    #[test]
    fn init_containers_count_when_they_ask_for_more_and_sidecars_always() {
        let main = container("200m", "100Mi");
        let spec = |init: Value| json!({"containers": [main], "initContainers": [init]});
        assert_eq!(size(&spec(container("1", "1Gi"))).unwrap(), "1 vCPU / 2 GB");
        assert_eq!(size(&spec(container("100m", "100Mi"))).unwrap(), "0.25 vCPU / 0.5 GB");
        let mut sidecar = container("100m", "100Mi");
        sidecar["restartPolicy"] = "Always".into();
        assert_eq!(size(&spec(sidecar)).unwrap(), "0.5 vCPU / 1 GB");
    }

    #[test]
    fn limits_stand_in_for_requests_and_overhead_is_added() {
        assert_eq!(size(&json!({"containers": [{"resources": {"limits": {"cpu": 1}}}]})).unwrap(), "1 vCPU / 2 GB");
        let spec = json!({"containers": [container("200m", "1Mi")], "overhead": {"cpu": "100m"}});
        assert_eq!(size(&spec).unwrap(), "0.5 vCPU / 1 GB");
    }

    #[test]
    fn requests_of_the_pod_as_a_whole_count() {
        let spec = json!({"containers": [container("100m", "100Mi")], "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}});
        assert_eq!(size(&spec).unwrap(), "1 vCPU / 2 GB");
        let limits = json!({"containers": [{}], "resources": {"limits": {"cpu": "500m"}}});
        assert_eq!(size(&limits).unwrap(), "0.5 vCPU / 1 GB");
    }

    #[test]
    fn what_does_not_fit_or_is_no_quantity_is_said() {
        let of = |cpu: &str, memory: &str| size(&json!({"containers": [container(cpu, memory)]})).unwrap_err();
        assert!(of("17", "1Gi").contains("Fargate has 16 vCPU and 120 GB"));
        assert!(of("1", "120Gi").contains("120Gi of memory"));
        assert_eq!(of("-1", "1"), "/spec/containers/0/resources/requests/cpu: it is below zero");
        assert!(of("1e", "1").contains("`1e` is not a quantity"));
        let storage = json!({"containers": [{"resources": {"requests": {"ephemeral-storage": "176Gi"}}}]});
        assert!(size(&storage).unwrap_err().contains("175Gi at the most"));
        let list = json!({"containers": [{"resources": {"requests": {"cpu": []}}}]});
        assert!(size(&list).unwrap_err().contains("neither a text nor a number"));
    }

    /// The same, formulated otherwise: of all sizes that are large enough, the one with the least vCPU and then memory.
    fn second_opinion(milli: i128, mib: i128) -> Option<(i128, i128)> {
        let mut all = vec![(250, 512), (250, 1024), (250, 2048)];
        all.extend((1..=4).map(|g| (500, g * 1024)));
        all.extend((2..=8).map(|g| (1000, g * 1024)));
        all.extend((4..=16).map(|g| (2000, g * 1024)));
        all.extend((8..=30).map(|g| (4000, g * 1024)));
        all.extend((16..=60).step_by(4).map(|g| (8000, g * 1024)));
        all.extend((32..=120).step_by(8).map(|g| (16000, g * 1024)));
        all.into_iter().filter(|(c, m)| *c >= milli && *m >= mib + 256).min()
    }

    proptest! {
        #[test]
        fn a_second_formulation_agrees(milli in 0..17_000_i128, mib in 0..125_000_i128) {
            let requests = Requests {
                cpu: Quantity::from_milli(milli), memory: Quantity::from_units(mib * MIB), storage: Quantity::ZERO,
            };
            prop_assert_eq!(Size::of(&requests).ok().map(|s| (s.milli, s.mib)), second_opinion(milli, mib));
        }
    }
}
