//! Pods that no Fargate profile takes, and profiles that EKS refuses.

use crate::value::Value;

use super::set::{KNATIVE, Object, Set, Template};
use super::value::{entries, items};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check::of("namespace-without-profile", namespace_without_profile),
    Check::of("fargate-profiles-unknown", fargate_profiles_unknown),
    Check::of("fargate-profile-refused", fargate_profile_refused),
];

/// The labels of a template's pods, with those that Knative and Jobs give them.
fn labels<'t>(pod: &'t Template<'_>) -> Vec<(&'t str, &'t str)> {
    let text = |(key, value): (&'t str, &'t Value)| Some((key, value.as_str()?));
    let mut labels: Vec<_> = entries(pod.labels()).filter_map(text).collect();
    if pod.object.group() == KNATIVE {
        let name = pod.object.name();
        labels.extend([("serving.knative.dev/service", name), ("serving.knative.dev/configuration", name)]);
    }
    labels
}

fn namespace_without_profile(set: &Set<'_>, found: &mut Found) {
    let Some(profiles) = &set.profiles else { return };
    // What no profile takes runs on nodes, where there are any.
    let has_nodes = |cluster: &Object<'_>| {
        ["nodeGroups", "managedNodeGroups"].iter().any(|key| items(&cluster.value[*key]).next().is_some())
    };
    if set.all("eksctl.io", "ClusterConfig").any(has_nodes) {
        return;
    }
    for pod in set.pods().filter(|pod| !is_part_of_another(pod)) {
        if !profiles.take(pod.object.namespace(), &labels(pod)) {
            let what = format!("no Fargate profile takes these pods of the namespace {}", pod.object.namespace());
            found.at(pod.object, "/metadata/namespace", what);
        }
    }
}

/// Whether a template makes no pods by itself.
fn is_part_of_another(pod: &Template<'_>) -> bool {
    pod.object.is("", "PodTemplate")
}

fn fargate_profiles_unknown(set: &Set<'_>, found: &mut Found) {
    if set.profiles.is_none() && set.pods().next().is_some() {
        let mut namespaces: Vec<_> = set.pods().map(|pod| pod.object.namespace()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        found.overall(format!("no Fargate profiles are told of; they have to cover {}", namespaces.join(", ")));
    }
}

/// How many selectors a profile has at the most.
const SELECTORS: usize = 5;

fn fargate_profile_refused(set: &Set<'_>, found: &mut Found) {
    for cluster in set.all("eksctl.io", "ClusterConfig") {
        for (i, profile) in items(&cluster.value["fargateProfiles"]).enumerate() {
            let name = profile["name"].as_str().unwrap_or_default();
            let selectors = &profile["selectors"];
            let at = format!("/fargateProfiles/{i}");
            if name.is_empty() {
                found.at(cluster, at, "a Fargate profile has no name");
            } else if name.starts_with("eks-") {
                found.at(
                    cluster,
                    format!("{at}/name"),
                    format!("the Fargate profile {name} has a name that EKS keeps for itself"),
                );
            } else if items(selectors).next().is_none() {
                found.at(cluster, at, format!("the Fargate profile {name} has no selectors"));
            } else if items(selectors).count() > SELECTORS {
                let count = items(selectors).count();
                let what = format!("the Fargate profile {name} has {count} selectors, and {SELECTORS} are the limit");
                found.at(cluster, format!("{at}/selectors"), what);
            } else if items(selectors).any(|s| s["namespace"].as_str().is_none_or(str::is_empty)) {
                found.at(
                    cluster,
                    format!("{at}/selectors"),
                    format!("a selector of the Fargate profile {name} has no namespace"),
                );
            }
        }
    }
}
