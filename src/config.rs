//! What the user asks for: flags, and `knrender.yaml` in the same words. Flags win.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::alb::Alb;
use crate::fargate::sizing::{Scale, Wanted};
use crate::kubernetes;
use crate::rewrite::rule::RuleSet;
use time::{Lasting, Seconds};

mod file;
mod place;
pub mod time;

pub use file::{Allow, Cluster, Config, ConfigError, FILE, HUB, KEYS};

/// What a stack is made of. Every field is a flag and a key of `knrender.yaml`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "What to render")]
pub struct Ask {
    /// Knative Serving version, such as v1.23.0 [default: the newest in the catalog]
    #[arg(long, value_name = "VERSION")]
    pub knative: Option<String>,
    /// Kourier version [default: the one released with this Knative]
    #[arg(long, value_name = "VERSION", conflicts_with = "gloo")]
    pub kourier: Option<String>,
    /// Gloo instead of Kourier: any version from v1.0 to v1.14; a newer one with --gloo-manifest
    #[arg(long, value_name = "VERSION")]
    pub gloo: Option<String>,
    /// Gloo's manifest from a file, such as its Helm chart rendered elsewhere; held to knrender.lock
    #[arg(long, value_name = "FILE")]
    pub gloo_manifest: Option<PathBuf>,
    /// What to make of upstream: `fargate`, what it takes to run well today, or `seed`, what
    /// mreferre/knative-on-fargate did by hand in 2020 (only with --gloo) [default: fargate]
    #[arg(long, value_enum, value_name = "SET", hide_possible_values = true)]
    pub rule_set: Option<RuleSet>,
    /// The cluster's Kubernetes version [default: the newest of EKS that all parts support]
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<kubernetes::Version>,
    #[allow(clippy::doc_markdown)] // help text
    /// Version of the AWS Load Balancer Controller, such as 3.5.0 [default: the newest in the catalog]
    #[arg(long, value_name = "VERSION")]
    pub controller: Option<String>,
    /// Render what ends itself at start on the cluster's Kubernetes all the same [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub allow_unsupported: Option<bool>,
    /// Add a part that is left out by default; may be repeated
    #[arg(long, value_enum, value_name = "PART")]
    pub with: Vec<Part>,
    /// The domain that Knative names Services below, such as apps.example.com
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// ACM certificate (several with commas) for HTTPS on the ALB, with a redirect from HTTP
    #[arg(long, value_name = "ARN")]
    pub certificate_arn: Option<String>,
    /// Where the ALB can be reached from [default: internet-facing]
    #[arg(long, value_enum, value_name = "SCHEME")]
    pub scheme: Option<Scheme>,
    /// TLS between Knative's own parts; brings out/internal-tls/, which installs the cert-manager it needs [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub internal_tls: Option<bool>,
    /// EKS cluster name; with --region, brings out/cluster/ and out/alb-controller/
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// AWS region of the cluster
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// VPC of the cluster [default: found by the tag that eksctl gives it]
    #[arg(long, value_name = "ID")]
    pub vpc_id: Option<String>,
    /// Private subnets of the VPC, for Fargate pods; may be repeated or separated by commas (with --vpc-id)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub subnets: Vec<String>,
    /// AWS account, where an ARN has to be written out
    #[arg(long, value_name = "ID")]
    pub account_id: Option<String>,
    /// Join the ALB that this name is shared by (`group.name`) instead of having one alone
    #[arg(long, value_name = "NAME")]
    pub alb_group: Option<String>,
    /// Namespace of your apps, with `*` and `?` for several, and the labels of pods where not all of them run on Fargate:
    /// NAMESPACE[:KEY=VALUE,...]; may be repeated [default: default]
    #[arg(long = "app-namespace", value_name = "NAMESPACE")]
    pub app_namespaces: Vec<String>,
    /// How Knative's controller gets by with tags in ECR: by an IAM role that may read them, `skip`: nobody looks up their
    /// digests, or `digest`: there are none [default: role]
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    pub ecr_tags: Option<EcrTags>,
    /// Repository in ECR that this role may read, with `*` for several, and with ACCOUNT.dkr.ecr.REGION.amazonaws.com/ before it
    /// where it is of another account or region; may be repeated [default: all of the account in the region]
    #[arg(long = "ecr-repository", value_name = "REPOSITORY", value_delimiter = ',')]
    pub ecr_repositories: Vec<String>,
    #[allow(clippy::doc_markdown)] // help text
    /// Logs of all pods to CloudWatch, by Fargate's own log router [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub logging: Option<bool>,
    #[allow(clippy::doc_markdown)] // help text
    /// How many days CloudWatch keeps these logs [default: 60]
    #[arg(long, value_name = "DAYS")]
    pub log_retention_days: Option<u32>,
    /// Options of the ALB, which are keys of `alb` in the file alone.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub alb: Alb,
    /// Also write out/gitops/, for Argo CD or Flux
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub layout: Option<Layout>,
    /// Where that engine runs [default: here]
    #[arg(long, value_enum, value_name = "WHERE")]
    pub gitops_engine: Option<EngineAt>,
    /// Git repository that out/ is committed to, for --layout
    #[arg(long, value_name = "URL")]
    pub gitops_repo: Option<String>,
    /// Branch, tag or commit of it [default: main]
    #[arg(long, value_name = "REVISION")]
    pub gitops_revision: Option<String>,
    /// Where gitops/ is in it [default: gitops/ below --out]
    #[arg(long, value_name = "PATH")]
    pub gitops_path: Option<String>,
    /// Two of each pod on the traffic path [default: true]; --ha=false runs one
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub ha: Option<bool>,
    /// Zones that have to go on starting pods while one of them is away: a NAT gateway in each, for a VPC that eksctl or
    /// Terraform makes; 2 or 3, and 1 for one NAT gateway alone [default: 1]
    #[arg(long, value_name = "ZONES")]
    pub zones: Option<u32>,
    /// Horizontal pod autoscalers: kept, or fixed numbers of pods where there is no metrics-server [default: keep]
    #[arg(long, value_enum, value_name = "HOW")]
    pub hpa: Option<Scaling>,
    /// How much Knative's own pods can bear: small, medium or large, each a Fargate size for each of them [default: small]
    #[arg(long, value_enum, value_name = "LOAD", hide_possible_values = true)]
    pub scale: Option<Scale>,
    /// Fargate sizes of single components, which are keys of `sizes` in the file alone.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub sizes: BTreeMap<String, Wanted>,
    /// How long a pod takes to start on Fargate, such as 90, 90s or 2m; moves every time-out that has to outlive it, and how long a
    /// gateway or activator pod takes to leave; up to 300 they are 600 seconds [default: 90]
    #[arg(long, value_name = "TIME")]
    pub cold_start: Option<Seconds>,
    /// How long the last pod of a Service stays when there is no traffic, such as 10m [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub scale_to_zero_retention: Option<Lasting>,
    /// CPU that queue-proxy asks for beside every Service [default: Knative's own, 25m]
    #[arg(long, value_name = "QUANTITY")]
    pub queue_proxy_cpu: Option<String>,
    /// Memory that queue-proxy asks for [default: Knative's own, none]
    #[arg(long, value_name = "QUANTITY")]
    pub queue_proxy_memory: Option<String>,
    /// Keep the descriptions of CRDs that are too large for client-side `kubectl apply` [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub keep_descriptions: Option<bool>,
    /// Folder with rules of your own, applied after the built-in ones; may be repeated
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// Where bytes may come from. Every field is a flag and a key of `knrender.yaml`.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "Where bytes come from")]
pub struct Supply {
    #[allow(clippy::doc_markdown)] // help text
    /// Folder or https URL laid out as HOST/PATH of the public URLs, tried before the network [env: KNRENDER_MIRROR]
    #[arg(long, value_name = "DIR|URL")]
    pub mirror: Option<String>,
    /// No network, and no mirror that is a URL [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub offline: Option<bool>,
    /// Fail rather than add a digest to knrender.lock [default: false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub locked: Option<bool>,
    #[allow(clippy::doc_markdown)] // help text
    /// Certificates of the CA behind the publishers' signatures: Sigstore's trusted_root.json, or PEM; what goes into
    /// knrender.lock, and `upstream verify`, then need the signature [default: digests are compared, signatures are not checked]
    #[arg(long, value_name = "FILE")]
    pub trust_root: Option<PathBuf>,
}

/// Parts that a render has only when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The autoscaler class that scales Services with a horizontal pod autoscaler (HPA)
    AutoscalerHpa,
    /// The Jobs that upstream runs after an upgrade
    UpgradeJobs,
    /// Admission policies: the cluster itself refuses what Fargate cannot run, as `knrender policy` writes them
    Policies,
}

impl Part {
    /// The name as `--with` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Part::AutoscalerHpa => "autoscaler-hpa",
            Part::UpgradeJobs => "upgrade-jobs",
            Part::Policies => "policies",
        }
    }
}

/// What becomes of horizontal pod autoscalers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// They stay; they need metrics-server
    Keep,
    /// They are left out, and the number of pods is fixed
    Fixed,
}

/// An engine that applies what is in a Git repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Argo CD: Applications with sync waves
    Argocd,
    /// Flux: Kustomizations that depend on each other
    Flux,
}

/// Where the engine of a layout runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EngineAt {
    /// On this cluster, whose Fargate profiles then take its pods
    #[default]
    Here,
    /// AWS runs it for this cluster (EKS Capability for Argo CD): no pods, no profile
    Managed,
    /// On another cluster, which knows this one by its name
    Elsewhere,
}

impl EngineAt {
    /// The name as `--gitops-engine` takes it.
    pub fn name(self) -> &'static str {
        match self {
            EngineAt::Here => "here",
            EngineAt::Managed => "managed",
            EngineAt::Elsewhere => "elsewhere",
        }
    }
}

impl Layout {
    /// The name as `--layout` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Argocd => "argocd",
            Layout::Flux => "flux",
        }
    }
}

/// How Knative's controller gets by with images in ECR by tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EcrTags {
    /// It reads them with an IAM role of its service account
    #[default]
    Role,
    /// It leaves them as they are: the account's registry is in `registries-skipping-tag-resolving`
    Skip,
    /// There are none: images are named by digest
    Digest,
}

impl EcrTags {
    /// The name as `--ecr-tags` takes it.
    pub fn name(self) -> &'static str {
        match self {
            EcrTags::Role => "role",
            EcrTags::Skip => "skip",
            EcrTags::Digest => "digest",
        }
    }
}

/// Where an ALB can be reached from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// From the internet.
    #[default]
    InternetFacing,
    /// From the VPC and what is connected to it.
    Internal,
}

impl Scheme {
    /// The name as the annotation takes it.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::InternetFacing => "internet-facing",
            Scheme::Internal => "internal",
        }
    }
}

impl Ask {
    /// These flags over what `file` asks for. `--kourier` overrides a `gloo` in the file, and the other way round.
    #[must_use]
    pub fn over(self, file: Ask) -> Ask {
        let file = if self.kourier.is_some() { Ask { gloo: None, gloo_manifest: None, ..file } } else { file };
        let file = if self.gloo.is_some() { Ask { kourier: None, ..file } } else { file };
        Ask {
            knative: self.knative.or(file.knative),
            kourier: self.kourier.or(file.kourier),
            gloo: self.gloo.or(file.gloo),
            gloo_manifest: self.gloo_manifest.or(file.gloo_manifest),
            rule_set: self.rule_set.or(file.rule_set),
            kubernetes: self.kubernetes.or(file.kubernetes),
            controller: self.controller.or(file.controller),
            allow_unsupported: self.allow_unsupported.or(file.allow_unsupported),
            with: if self.with.is_empty() { file.with } else { self.with },
            domain: self.domain.or(file.domain),
            certificate_arn: self.certificate_arn.or(file.certificate_arn),
            scheme: self.scheme.or(file.scheme),
            internal_tls: self.internal_tls.or(file.internal_tls),
            cluster_name: self.cluster_name.or(file.cluster_name),
            region: self.region.or(file.region),
            vpc_id: self.vpc_id.or(file.vpc_id),
            subnets: if self.subnets.is_empty() { file.subnets } else { self.subnets },
            account_id: self.account_id.or(file.account_id),
            alb_group: self.alb_group.or(file.alb_group),
            app_namespaces: if self.app_namespaces.is_empty() { file.app_namespaces } else { self.app_namespaces },
            ecr_tags: self.ecr_tags.or(file.ecr_tags),
            ecr_repositories: if self.ecr_repositories.is_empty() {
                file.ecr_repositories
            } else {
                self.ecr_repositories
            },
            logging: self.logging.or(file.logging),
            log_retention_days: self.log_retention_days.or(file.log_retention_days),
            alb: if self.alb == Alb::default() { file.alb } else { self.alb },
            layout: self.layout.or(file.layout),
            gitops_engine: self.gitops_engine.or(file.gitops_engine),
            gitops_repo: self.gitops_repo.or(file.gitops_repo),
            gitops_revision: self.gitops_revision.or(file.gitops_revision),
            gitops_path: self.gitops_path.or(file.gitops_path),
            zones: self.zones.or(file.zones),
            ha: self.ha.or(file.ha),
            hpa: self.hpa.or(file.hpa),
            scale: self.scale.or(file.scale),
            sizes: if self.sizes.is_empty() { file.sizes } else { self.sizes },
            cold_start: self.cold_start.or(file.cold_start),
            scale_to_zero_retention: self.scale_to_zero_retention.or(file.scale_to_zero_retention),
            queue_proxy_cpu: self.queue_proxy_cpu.or(file.queue_proxy_cpu),
            queue_proxy_memory: self.queue_proxy_memory.or(file.queue_proxy_memory),
            keep_descriptions: self.keep_descriptions.or(file.keep_descriptions),
            rules: if self.rules.is_empty() { file.rules } else { self.rules },
        }
    }
}

impl Supply {
    /// These flags over what `file` says.
    #[must_use]
    pub fn over(self, file: Supply) -> Supply {
        Supply {
            mirror: self.mirror.or(file.mirror),
            offline: self.offline.or(file.offline),
            locked: self.locked.or(file.locked),
            trust_root: self.trust_root.or(file.trust_root),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let file = Ask { gloo: Some("v1.3.9".into()), domain: Some("file".into()), ..Ask::default() };
        let flags = Ask { kourier: Some("v1.23.0".into()), domain: Some("flag".into()), ..Ask::default() };
        let ask = flags.over(file);
        assert_eq!((ask.gloo, ask.kourier.as_deref(), ask.domain.as_deref()), (None, Some("v1.23.0"), Some("flag")));
    }
}
