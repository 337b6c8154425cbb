//! Registries, and who may read from them: ECR by Knative's controller, Docker Hub without an account, private ones without a
//! secret, and those that the user does not want.

use super::set::{KNATIVE, Object, Set, Template};
use super::value::items;
use super::{Check, Found};
use crate::aws::Arn;
use crate::images::inventory::{self, skip_list};
use crate::images::readable;
use crate::images::reference::{DOCKER_HUB, Reference};

pub(super) const CHECKS: &[Check] = &[
    Check::of("ecr-tag-unreadable", ecr_tag_unreadable),
    Check::of("ecr-tag-unknown", ecr_tag_unknown),
    Check::of("ecr-repository-not-covered", ecr_repository_not_covered),
    Check::of("docker-hub-anonymous", docker_hub_anonymous),
    Check::of("private-registry", private_registry),
    Check::of("registry-elsewhere", registry_elsewhere),
    Check::of("role-arn-refused", role_arn_refused),
];

/// The annotation by which a service account gets an IAM role.
const ROLE: &str = "eks.amazonaws.com/role-arn";
/// Namespace and name of the service account of Knative's controller.
const CONTROLLER: (&str, &str) = ("knative-serving", "controller");

/// Whether Knative's controller can read from ECR.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// With a role.
    Role,
    /// It is among the inputs, without a role.
    Nobody,
    /// It is not among the inputs.
    Unknown,
}

impl Reader {
    fn of(set: &Set<'_>) -> Reader {
        let (namespace, name) = CONTROLLER;
        let account = set.find("", "ServiceAccount", namespace, name);
        let by_annotation =
            account.and_then(|account| account.annotation(ROLE)).is_some_and(|arn| Arn::of_role(arn).is_some());
        let by_eksctl = set.all("eksctl.io", "ClusterConfig").any(|cluster| {
            items(&cluster.value["iam"]["serviceAccounts"])
                .any(|a| a["metadata"]["name"] == name && a["metadata"]["namespace"] == namespace)
        });
        let in_sight = account.is_some()
            || set.find("apps", "Deployment", namespace, name).is_some()
            || set.find("", "ConfigMap", namespace, "config-deployment").is_some();
        match (by_annotation || by_eksctl, in_sight) {
            (true, _) => Reader::Role,
            (false, true) => Reader::Nobody,
            (false, false) => Reader::Unknown,
        }
    }
}

/// Images in ECR by tag that Knative's controller has to look up, and that are meant.
fn ecr_tags(set: &Set<'_>, found: &mut Found, is_meant: impl Fn(&Reference) -> bool, why: &str) {
    let said = set
        .config("config-deployment")
        .and_then(|config| config.get(&["registries-skipping-tag-resolving", "registriesSkippingTagResolving"]));
    let skipped = skip_list(said.map(|(value, _)| value));
    for (pod, container) in set.containers().filter(|(pod, _)| pod.object.group() == KNATIVE) {
        let Some(image) = container.value["image"].as_str() else { continue };
        let Some(parts) = Reference::parse(image).filter(|parts| parts.digest.is_none()) else { continue };
        if parts.ecr().is_some() && !skipped.contains(&parts.registry) && is_meant(&parts) {
            found.at(
                pod.object,
                container.field("/image"),
                format!("container `{}` has an image in ECR by tag, {image}, {why}", container.name),
            );
        }
    }
}

fn ecr_tag_unreadable(set: &Set<'_>, found: &mut Found) {
    let why =
        "and ServiceAccount/knative-serving/controller has no role to read it with: the Service never becomes ready";
    if Reader::of(set) == Reader::Nobody {
        ecr_tags(set, found, |_| true, why);
    }
}

fn ecr_tag_unknown(set: &Set<'_>, found: &mut Found) {
    if Reader::of(set) == Reader::Unknown {
        ecr_tags(set, found, |_| true, "and nothing among the inputs says that Knative's controller may read it");
    }
}

/// What the policy of the controller's role lets it read, where all of that policy is in sight: in eksctl's `ClusterConfig`, else in
/// the configuration.
fn readable(set: &Set<'_>) -> Vec<String> {
    let (namespace, name) = CONTROLLER;
    let mut of_eksctl = set.all("eksctl.io", "ClusterConfig").flat_map(|cluster| {
        items(&cluster.value["iam"]["serviceAccounts"])
            .filter(|a| a["metadata"]["name"] == name && a["metadata"]["namespace"] == namespace)
    });
    match of_eksctl.next() {
        None => set.readable.clone(),
        Some(account) => {
            let more = ["attachPolicyARNs", "attachRoleARN", "wellKnownPolicies"];
            let in_sight = account["attachPolicy"].is_object() && more.iter().all(|key| account[*key].is_null());
            if in_sight { readable::of_policy(&account["attachPolicy"]) } else { Vec::new() }
        }
    }
}

fn ecr_repository_not_covered(set: &Set<'_>, found: &mut Found) {
    let resources = readable(set);
    if !resources.is_empty() {
        let why = format!("and the policy of Knative's controller covers {} alone", resources.join(", "));
        ecr_tags(set, found, |image| !readable::covers(&resources, image), &why);
    }
}

/// Whether the pods bring credentials for a registry: in their template, or by their service account.
fn has_secret(set: &Set<'_>, pod: &Template<'_>) -> bool {
    let account = pod.spec["serviceAccountName"].as_str().unwrap_or("default");
    let account = set.find("", "ServiceAccount", pod.object.namespace(), account);
    items(&pod.spec["imagePullSecrets"]).next().is_some()
        || account.is_some_and(|account| items(&account.value["imagePullSecrets"]).next().is_some())
}

fn docker_hub_anonymous(set: &Set<'_>, found: &mut Found) {
    without_secret(
        set,
        found,
        |registry| registry == DOCKER_HUB,
        |name, image| format!("container `{name}` has an image from Docker Hub, pulled without an account, {image}"),
    );
}

fn private_registry(set: &Set<'_>, found: &mut Found) {
    without_secret(set, found, seems_private, |name, image| {
        format!("container `{name}` has an image from a registry that wants a login, and nothing brings one, {image}")
    });
}

fn without_secret(set: &Set<'_>, found: &mut Found, is_meant: fn(&str) -> bool, what: fn(&str, &str) -> String) {
    for (pod, container) in set.containers() {
        let Some(image) = container.value["image"].as_str() else { continue };
        if Reference::parse(image).is_some_and(|parts| is_meant(&parts.registry)) && !has_secret(set, pod) {
            found.at(pod.object, container.field("/image"), what(container.name, image));
        }
    }
}

/// Registries that serve accounts: by their services' names, and by names that resolve inside a company alone.
fn seems_private(registry: &str) -> bool {
    const ENDS: [&str; 12] = [
        ".azurecr.io",
        "-docker.pkg.dev",
        ".jfrog.io",
        ".cr.cloud.ru",
        ".scw.cloud",
        ".ocir.io",
        ".icr.io",
        "registry.digitalocean.com",
        ".internal",
        ".local",
        ".corp",
        ".lan",
    ];
    let host = registry.split(':').next().unwrap_or_default();
    // Knative's own names of images that no registry has.
    let of_knative = ["kind.local", "ko.local", "dev.local"].contains(&host);
    !of_knative && ENDS.iter().any(|end| host.ends_with(end))
}

/// Whether an image comes from one of these registries, each a host, or a host and a path.
fn is_from(parts: &Reference, registries: &[String]) -> bool {
    let name = parts.name();
    registries
        .iter()
        .map(|registry| registry.trim_end_matches('/'))
        .any(|registry| name.strip_prefix(registry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn registry_elsewhere(set: &Set<'_>, found: &mut Found) {
    if set.registries.is_empty() {
        return;
    }
    for object in set.objects() {
        for (field, image) in inventory::in_object(object.value) {
            if Reference::parse(&image).is_some_and(|parts| !is_from(&parts, &set.registries)) {
                found.at(object, field, format!("{image} comes from none of {}", set.registries.join(", ")));
            }
        }
    }
}

fn role_arn_refused(set: &Set<'_>, found: &mut Found) {
    for account in set.all("", "ServiceAccount") {
        check_role(account, found);
    }
}

fn check_role(account: &Object<'_>, found: &mut Found) {
    if let Some(arn) =
        account.annotation(ROLE).filter(|arn| Arn::of_role(arn).is_none() && !arn.contains(['$', '{', '<']))
    {
        let field = "/metadata/annotations/eks.amazonaws.com~1role-arn";
        found.at(account, field, format!("`{arn}` is not the ARN of an IAM role"));
    }
}
