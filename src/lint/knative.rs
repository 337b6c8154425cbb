//! Knative's own objects (K01, K03, K04, K07).

use super::set::{KNATIVE, Object, Set};
use super::value::{entries, items};
use super::{Check, Found, order};
use crate::knative::example_checksum;
use crate::pointer;
use crate::validate;

pub(super) const CHECKS: &[Check] = &[
    Check::of("example-checksum", example_is_changed),
    Check::of("hpa-needs-metrics-server", hpa_needs_metrics_server),
    Check::of("autoscaler-hpa-unused", autoscaler_hpa_unused),
    Check::of("webhook-certificates-written", webhook_certificates_written),
];

const CHECKSUM: &str = "knative.dev/example-checksum";

fn example_is_changed(set: &Set<'_>, found: &mut Found) {
    // What Knative reads no more, its webhook does not look at.
    let is_read =
        |config: &&Object<'_>| config.name() != "config-tracing" || validate::is_before_known_knative(config.placed());
    for config in set.all("", "ConfigMap").filter(is_read) {
        let example = config.value["data"]["_example"].as_str();
        if let (Some(example), Some(told)) = (example, config.annotation(CHECKSUM)) {
            let sum = example_checksum(example);
            if sum != told {
                let what = format!("_example has the checksum {sum}, and the annotation says {told}");
                found.at(config, "/data/_example", what);
            }
        }
    }
}

/// Whether the cluster gets a metrics-server from this set, as far as can be seen.
fn has_metrics_server(set: &Set<'_>) -> bool {
    let serves = set.objects().any(|o| {
        o.kind() == "APIService"
            && o.name().ends_with(".metrics.k8s.io")
            && !o.name().contains("custom")
            && !o.name().contains("external")
    });
    let runs = set.templates().any(|pod| {
        pod.object.name() == "metrics-server"
            || pod.containers.iter().any(|c| c.value["image"].as_str().is_some_and(|i| i.contains("/metrics-server")))
    });
    // eksctl installs it unless it is told not to.
    let installed = set.all("eksctl.io", "ClusterConfig").any(|cluster| {
        items(&cluster.value["addons"]).any(|addon| addon["name"] == "metrics-server")
            || cluster.value["addonsConfig"]["disableDefaultAddons"] != true
    });
    serves || runs || installed
}

fn hpa_needs_metrics_server(set: &Set<'_>, found: &mut Found) {
    if has_metrics_server(set) {
        return;
    }
    for hpa in set.all("autoscaling", "HorizontalPodAutoscaler") {
        let metrics = &hpa.value["spec"]["metrics"];
        // Without metrics it goes by CPU.
        let by_resource = items(metrics).next().is_none()
            || items(metrics).any(|metric| metric["type"] == "Resource" || metric["type"] == "ContainerResource");
        if by_resource {
            found.at(
                hpa,
                "/spec/metrics",
                "it scales by CPU or memory, which metrics-server measures, and none is in sight",
            );
        }
    }
}

fn autoscaler_hpa_unused(set: &Set<'_>, found: &mut Found) {
    const CLASS: &str = "hpa.autoscaling.knative.dev";
    let by_default = set
        .config("config-autoscaler")
        .and_then(|config| config.get(&["pod-autoscaler-class"]))
        .is_some_and(|(class, _)| class.trim() == CLASS);
    let asked = |object: &Object<'_>| {
        let metadata = [&object.value["metadata"], &object.value["spec"]["template"]["metadata"]];
        metadata.iter().any(|m| m["annotations"]["autoscaling.knative.dev/class"] == CLASS)
    };
    if by_default || set.objects().filter(|object| object.group() == KNATIVE).any(asked) {
        return;
    }
    if let Some(deployment) = set.find("apps", "Deployment", "knative-serving", "autoscaler-hpa") {
        found.at(deployment, "/metadata/name", "a pod runs for an autoscaler class that nothing here asks for");
    }
}

/// What tells Argo CD to put an object in place of the one that is there, or to remove it.
const ARGO: &str = "argocd.argoproj.io/sync-options";

fn webhook_certificates_written(set: &Set<'_>, found: &mut Found) {
    if let Some(secret) = set.find("", "Secret", "knative-serving", "webhook-certs") {
        for key in ["data", "stringData"] {
            if entries(&secret.value[key]).next().is_some() {
                found.at(secret, format!("/{key}"), "the Secret is written by Knative, and applying this undoes that");
            }
        }
        if let Some(options) = secret.annotation(ARGO).filter(|options| options.contains("Replace=true")) {
            let field = pointer::below("/metadata/annotations", ARGO);
            found.at(secret, field, format!("with {options}, every sync empties what Knative has written"));
        }
    }
    for configuration in order::webhook_configurations(set) {
        for (i, webhook) in items(&configuration.value["webhooks"]).enumerate() {
            let client = &webhook["clientConfig"];
            let knatives =
                client["service"]["namespace"] == "knative-serving" && client["service"]["name"] == "webhook";
            if knatives && client["caBundle"].as_str().is_some_and(|bundle| !bundle.is_empty()) {
                let what = "the CA is filled in by Knative, and applying this undoes that";
                found.at(configuration, format!("/webhooks/{i}/clientConfig/caBundle"), what);
            }
        }
    }
}
