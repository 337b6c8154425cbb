//! What rules and templates can ask about a stack, with the defaults of what was not asked for.

use std::collections::BTreeMap;

use semver::Version;

use super::{Ingress, timeouts};
use crate::aws;
use crate::aws::iam;
use crate::config::time::Lasting;
use crate::config::{Ask, EcrTags, Scaling, Scheme};
use crate::fargate::COLD_START;
use crate::fargate::profile::ProfileSelector;
use crate::kubernetes;
use crate::rewrite::facts::{Fact, Facts};
use crate::rewrite::rule::RuleSet;

/// The facts of a stack.
pub(super) fn of(
    ask: &Ask,
    rule_set: RuleSet,
    ingress: Ingress,
    kubernetes: kubernetes::Version,
    mut versions: BTreeMap<&'static str, Version>,
    with: Vec<String>,
    apps: &[ProfileSelector],
) -> Facts {
    let text = |value: &Option<String>| value.clone().map_or(Fact::Absent, Fact::Text);
    let mut version = |name| versions.remove(name).map_or(Fact::Absent, Fact::Version);
    Facts(BTreeMap::from([
        ("rule-set", Fact::Text(rule_set.to_string())),
        ("ingress", Fact::Text(ingress.name().to_owned())),
        ("kubernetes", Fact::Version(Version::new(kubernetes.major.into(), kubernetes.minor.into(), 0))),
        ("knative", version("knative")),
        ("kourier", version("kourier")),
        ("gloo", version("gloo")),
        ("controller", version("controller")),
        ("with", Fact::Names(with)),
        ("domain", text(&ask.domain)),
        ("certificate-arn", text(&ask.certificate_arn)),
        ("scheme", Fact::Text(ask.scheme.unwrap_or(Scheme::InternetFacing).name().to_owned())),
        ("internal-tls", Fact::Flag(ask.internal_tls.unwrap_or(false))),
        ("cluster-name", text(&ask.cluster_name)),
        ("region", text(&ask.region)),
        ("vpc-id", text(&ask.vpc_id)),
        ("subnets", Fact::Names(ask.subnets.clone())),
        ("account-id", text(&ask.account_id)),
        ("alb-group", text(&ask.alb_group)),
        ("alb-annotations", Fact::Pairs(ask.alb.annotations(ask.alb_group.as_deref(), ask.certificate_arn.as_deref()))),
        ("alb-attributes", Fact::Pairs(ask.alb.attributes())),
        ("alb-grpc", Fact::Flag(ask.alb.grpc.unwrap_or(false))),
        ("alb-readiness-gates", Fact::Flag(ask.alb.readiness_gates.unwrap_or(false))),
        ("app-namespaces", Fact::Names(apps.iter().map(|selector| selector.namespace.clone()).collect())),
        ("ecr-tags", Fact::Text(ask.ecr_tags.unwrap_or_default().name().to_owned())),
        ("knative-controller-role", controller_role(ask, rule_set).map_or(Fact::Absent, Fact::Text)),
        ("ecr-registry", text(&ecr_registry(ask))),
        ("logging", Fact::Flag(ask.logging.unwrap_or(false))),
        ("log-retention-days", Fact::Text(ask.log_retention_days.unwrap_or(60).to_string())),
        ("layout", ask.layout.map_or(Fact::Absent, |layout| Fact::Text(layout.name().to_owned()))),
        ("gitops-engine", ask.gitops_engine.map_or(Fact::Absent, |at| Fact::Text(at.name().to_owned()))),
        ("gitops-repo", text(&ask.gitops_repo)),
        ("gitops-revision", Fact::Text(ask.gitops_revision.clone().unwrap_or_else(|| "main".to_owned()))),
        ("gitops-path", Fact::Text(ask.gitops_path.clone().unwrap_or_else(|| "out/gitops".to_owned()))),
        ("zones", Fact::Text(ask.zones.unwrap_or(1).to_string())),
        ("ha", Fact::Flag(ask.ha.unwrap_or(true))),
        ("hpa", Fact::Text(if ask.hpa == Some(Scaling::Fixed) { "fixed" } else { "keep" }.to_owned())),
        ("cold-start", Fact::Text(ask.cold_start.map_or(COLD_START, |time| time.0).to_string())),
        ("timeout", Fact::Text(timeouts::request(ask).to_string())),
        ("alb-idle-timeout", Fact::Text(timeouts::alb_idle(ask).to_string())),
        ("gateway-drain", Fact::Text(timeouts::gateway_drain(ask).to_string())),
        ("gateway-grace", Fact::Text(timeouts::gateway_grace(ask).to_string())),
        ("deregistration-delay", Fact::Text(timeouts::deregistration_delay(ask).to_string())),
        (
            "scale-to-zero-retention",
            Fact::Text(ask.scale_to_zero_retention.as_ref().map_or_else(|| "5m".to_owned(), Lasting::to_string)),
        ),
        ("scale", Fact::Text(ask.scale.unwrap_or_default().name().to_owned())),
        ("sizes", Fact::Pairs(ask.sizes.iter().map(|(name, wanted)| (name.clone(), wanted.to_string())).collect())),
        ("queue-proxy-cpu", text(&ask.queue_proxy_cpu)),
        ("queue-proxy-memory", text(&ask.queue_proxy_memory)),
    ]))
}

/// The ARN of the role with which Knative's controller reads from ECR, where it can be written out.
fn controller_role(ask: &Ask, rule_set: RuleSet) -> Option<String> {
    let (cluster, region, account) = (ask.cluster_name.as_ref()?, ask.region.as_ref()?, ask.account_id.as_ref()?);
    let wanted = rule_set == RuleSet::Fargate && ask.ecr_tags.unwrap_or_default() == EcrTags::Role;
    let (partition, role) = (aws::partition_of(region), iam::knative_role(cluster));
    wanted.then(|| format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// The ECR registry of the account in the region.
fn ecr_registry(ask: &Ask) -> Option<String> {
    Some(aws::ecr_registry(ask.account_id.as_ref()?, ask.region.as_ref()?))
}
