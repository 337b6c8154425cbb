//! `cluster/`: the cluster that the render runs on, as eksctl makes it and in words for those who make it otherwise.

pub mod profiles;

use std::collections::BTreeSet;

use crate::value::{Value, json};

use super::{Delivery, Files, add, words};
use crate::fargate::logging;
use crate::fargate::pod::{Pod, Workload};
use crate::fargate::profile::{Profile, ProfileSelector};
use crate::manifest::ManifestError;
use crate::report::Step;
use crate::rewrite::rule::RuleSet;
use crate::stack::{Stack, called_in_cluster};
use profiles::TooMany;

/// Why there is no description of the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// More Fargate profiles than EKS takes.
    #[error(transparent)]
    Profiles(#[from] TooMany),
    /// A rule of the user's own made something of the log router's configuration that EKS does not read.
    #[error(
        "ConfigMap/aws-observability/aws-logging: EKS would start pods without logs:{0}\nwhat --logging writes was changed by a \
         rule; change the rule"
    )]
    Logging(String),
    /// An object that cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file in the binary.
    #[error("{0}; this is a fault of knrender")]
    Fault(String),
}

/// The files, where cluster and region were named.
///
/// # Errors
/// More namespaces than Fargate profiles can take, or a fault in the binary.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, ClusterError> {
    let stack = delivery.stack;
    let mut files = Files::new();
    if stack.cluster.is_none() {
        return Ok(files);
    }
    check_logging(delivery)?;
    let mut system = vec!["kube-system"];
    if stack.facts.holds("internal-tls", &json!(true)).map_err(ClusterError::Fault)? {
        system.push("cert-manager");
    }
    system.extend(super::gitops::namespace_here(&stack.facts));
    let profiles = profiles::pack(&system, &namespaces_with_pods(delivery)?, &stack.apps)?;
    profiles.iter().try_for_each(words::hold_profile).map_err(ClusterError::Fault)?;
    let mut context = delivery.context();
    context["profiles"] = profiles.iter().map(profile).collect();
    let classic = stack.rule_set == RuleSet::Seed;
    context["classic"] = classic.into();
    let zones = stack.facts.text("zones").ok().and_then(|zones| zones.parse::<u32>().ok());
    context["zone_count"] = zones.unwrap_or(2).max(2).into();
    context["nat_in_each_zone"] = zones.is_some_and(|zones| zones > 1).to_string().into();
    context["service_account"] = called_in_cluster(stack.rule_set).into();
    context["eksctl"] = has_eksctl(stack).into();
    context["statements"] = delivery
        .policy
        .and_then(|policy| serde_json::from_str::<Value>(policy).ok())
        .map_or(Value::Null, |mut policy| policy["Statement"].take());
    let mut render = |file: &str| add(&mut files, &format!("cluster/{file}"), &format!("cluster/{file}"), &context);
    render("README.md").map_err(ClusterError::Fault)?;
    if has_eksctl(stack) {
        render("eksctl.yaml").map_err(ClusterError::Fault)?;
    }
    if context["logging"] == true {
        render("logging-policy.json").map_err(ClusterError::Fault)?;
    }
    if !classic {
        for file in TERRAFORM {
            render(&format!("terraform/{file}")).map_err(ClusterError::Fault)?;
        }
    }
    Ok(files)
}

/// The same cluster for `OpenTofu` and Terraform. Not for Knative 0.10, whose Kubernetes EKS does not offer.
const TERRAFORM: [&str; 8] =
    ["README.md", "cluster.tf", "fargate.tf", "irsa.tf", "outputs.tf", "variables.tf", "versions.tf", "vpc.tf"];

/// Whether eksctl can make the cluster: in a VPC that exists it has to be told the subnets.
/// Source: <https://eksctl.io/usage/vpc-configuration/#use-existing-vpc-other-custom-configuration>
pub fn has_eksctl(stack: &Stack) -> bool {
    let is = |fact: &str| stack.facts.holds(fact, &json!(true)).unwrap_or(false);
    stack.cluster.is_some() && (!is("vpc-id") || is("subnets"))
}

/// Holds the log router's configuration, where the render has one, against what EKS reads.
fn check_logging(delivery: &Delivery<'_>) -> Result<(), ClusterError> {
    for document in &delivery.batches.first {
        let identity = document.identity();
        let here = identity.kind == "ConfigMap" && identity.namespace.as_deref() == Some(logging::NAMESPACE);
        if here && identity.name == logging::NAME {
            let problems = logging::problems(&document.value()?["data"]);
            if !problems.is_empty() {
                let lines = problems
                    .iter()
                    .map(|(key, what)| format!("\n  {key}{}{what}", if key.is_empty() { "" } else { ": " }));
                return Err(ClusterError::Logging(lines.collect()));
            }
        }
    }
    Ok(())
}

/// What the summary says about the cluster.
pub fn step(stack: &Stack) -> Option<Step> {
    stack.cluster.as_ref()?;
    let logs = stack.facts.holds("logging", &json!(true)).unwrap_or(false);
    let (what, command) = if stack.rule_set == RuleSet::Seed {
        (
            "OUT/cluster/ describes the cluster for reference: no Kubernetes version that EKS offers runs this stack.",
            None,
        )
    } else if !has_eksctl(stack) {
        (
            "Make the cluster as OUT/cluster/README.md says. eksctl could, if it were told the private subnets of the VPC: --subnets.",
            None,
        )
    } else if logs {
        ("Make the cluster, and let its pods write logs, as OUT/cluster/README.md says under Logs.", Some(CREATE))
    } else {
        (
            "Make the cluster. For one that is there already, for the AWS CLI and for Terraform: OUT/cluster/README.md.",
            Some(CREATE),
        )
    };
    Some(Step { what: what.to_owned(), commands: command.map(str::to_owned).into_iter().collect() })
}

const CREATE: &str = "eksctl create cluster -f OUT/cluster/eksctl.yaml";

/// The namespaces in which the render starts pods.
fn namespaces_with_pods(delivery: &Delivery<'_>) -> Result<BTreeSet<String>, ManifestError> {
    let mut namespaces = BTreeSet::new();
    for document in delivery.batches.all() {
        if Pod::is_in(document.head().group(), &document.head().kind)
            && Pod::of(document.value()?).is_some_and(|pod| pod.workload != Workload::Template)
        {
            namespaces.insert(
                document.identity().namespace.map_or_else(|| "default".to_owned(), |namespace| namespace.to_string()),
            );
        }
    }
    Ok(namespaces)
}

/// Labels as HCL writes a map. They are held to what EKS takes, which has no quote and no `${`.
fn hcl(labels: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("\"{key}\" = \"{value}\"")).collect();
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

/// A profile as the templates see it: with its selectors in the form of the AWS CLI, too.
fn profile(profile: &Profile) -> Value {
    let selector = |selector: &ProfileSelector| {
        let ProfileSelector { namespace, labels } = selector;
        let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labelled = if pairs.is_empty() { String::new() } else { format!(",labels={{{}}}", pairs.join(",")) };
        json!({
            "namespace": namespace,
            "labels": if labels.is_empty() { Value::Null } else { json!(labels) },
            "hcl": hcl(labels),
            "shown": format!("{namespace}{}{}", if pairs.is_empty() { "" } else { ":" }, pairs.join(",")),
            "cli": format!("'namespace={namespace}{labelled}'"),
        })
    };
    json!({"name": profile.name, "selectors": profile.selectors.iter().map(selector).collect::<Vec<_>>()})
}
