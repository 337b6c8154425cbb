//! Values in Knative's configuration that do not go with Fargate (sections 4 and 7).

use super::set::{KNATIVE, Set};
use super::value::{items, number};
use super::{Check, Found};
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of("pending-pod-fails-revision", pending_pod_fails_revision),
    Check::of("target-burst-capacity", target_burst_capacity),
    Check::of("ingress-class-mismatch", ingress_class_mismatch),
    Check::of("gloo-knative-version", gloo_knative_version),
];

/// The first Knative that knows `pod-is-always-schedulable`.
const SINCE: (u32, u32) = (1, 21);

fn pending_pod_fails_revision(set: &Set<'_>, found: &mut Found) {
    let Some(config) = set.config("config-deployment") else { return };
    let given = config.get(&["pod-is-always-schedulable"]);
    let known = config.version().is_some_and(|version| version >= SINCE);
    match given {
        Some((value, _)) if value.trim().eq_ignore_ascii_case("true") => {}
        Some((_, at)) => found.at(config.object, at, "a pod that waits for its Fargate node fails its revision"),
        None if known => found.at(config.object, "/data", "a pod that waits for its Fargate node fails its revision"),
        None => {}
    }
}

/// Knative's default from 0.10 on; today it is 211.
const USUAL_BURST: f64 = 200.0;

fn target_burst_capacity(set: &Set<'_>, found: &mut Found) {
    let small = |text: &str| text.trim().parse::<f64>().is_ok_and(|burst| (0.0..USUAL_BURST).contains(&burst));
    let what =
        |text: &str| format!("with a target burst capacity of {text}, requests go to pods past the activator's queue");
    if let Some(config) = set.config("config-autoscaler")
        && let Some((text, at)) = config.get(&["target-burst-capacity"]).filter(|(text, _)| small(text))
    {
        found.at(config.object, at, what(text));
    }
    for pod in set.pods().filter(|pod| pod.object.group() == KNATIVE) {
        for key in ["autoscaling.knative.dev/target-burst-capacity", "autoscaling.knative.dev/targetBurstCapacity"] {
            let value = &pod.metadata["annotations"][key];
            let text = value.as_str().map(str::to_owned).or_else(|| number(value).map(|n| n.to_string()));
            if let Some(text) = text.filter(|text| small(text)) {
                let at = format!("{}/metadata/annotations/{}", pod.at, pointer::escape(key));
                found.at(pod.object, at, what(&text));
            }
        }
    }
}

/// The networking layers that can be seen in a set: a Deployment, the class it takes, and whether it takes Ingresses of no
/// class or of another one too.
const LAYERS: [(&str, &str, &str, bool); 3] = [
    ("knative-serving", "net-kourier-controller", "kourier.ingress.networking.knative.dev", false),
    ("knative-serving", "net-contour-controller", "contour.ingress.networking.knative.dev", false),
    ("gloo-system", "ingress", "gloo.ingress.networking.knative.dev", true),
];

fn ingress_class_mismatch(set: &Set<'_>, found: &mut Found) {
    let Some(config) = set.config("config-network") else { return };
    let layers: Vec<_> =
        LAYERS.iter().filter(|(ns, name, ..)| set.find("apps", "Deployment", ns, name).is_some()).collect();
    let given = config.get(&["ingress-class", "ingress.class"]);
    match (&given, layers.as_slice()) {
        (_, []) => {}
        (Some((class, _)), layers) if layers.iter().any(|(_, _, takes, _)| *takes == class.trim()) => {}
        (None, [(.., true)]) => {}
        (_, [(_, name, takes, _), ..]) => {
            let is = given.as_ref().map_or("Istio's, the default", |(class, _)| *class);
            let at = given.as_ref().map_or_else(|| "/data".to_owned(), |(_, at)| at.clone());
            let what = format!("the ingress class is {is}, and {name} takes {takes}");
            found.at(config.object, at, what);
        }
    }
}

fn gloo_knative_version(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers().filter(|(pod, _)| pod.object.namespace() == "gloo-system") {
        for (i, variable) in items(&container.value["env"]).enumerate() {
            let value = variable["value"].as_str().unwrap_or_default();
            if variable["name"] == "KNATIVE_VERSION" && value.starts_with('v') {
                let what = format!("KNATIVE_VERSION is {value}, which Gloo cannot read");
                found.at(pod.object, container.field(&format!("/env/{i}/value")), what);
            }
        }
    }
}
