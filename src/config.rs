//! What the user asks for: flags, and `knrender.yaml` in the same words. Flags win.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::alb::Alb;
use crate::fargate::profile::Profile;
use crate::kubernetes;
use crate::rewrite::rule::RuleSet;
use crate::yaml;

/// The name of the configuration file.
pub const FILE: &str = "knrender.yaml";

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
    /// Add a part of upstream that is left out by default; may be repeated
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
    /// TLS between Knative's own parts; needs cert-manager [default: false]
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
    /// Git repository that out/ is committed to, for --layout
    #[arg(long, value_name = "URL")]
    pub gitops_repo: Option<String>,
    /// Branch, tag or commit of it [default: main]
    #[arg(long, value_name = "REVISION")]
    pub gitops_revision: Option<String>,
    /// Where out/gitops/ is in it [default: out/gitops]
    #[arg(long, value_name = "PATH")]
    pub gitops_path: Option<String>,
    /// Two of each pod on the traffic path [default: true]; --ha=false runs one
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub ha: Option<bool>,
    /// Horizontal pod autoscalers: kept, or fixed numbers of pods where there is no metrics-server [default: keep]
    #[arg(long, value_enum, value_name = "HOW")]
    pub hpa: Option<Scaling>,
    /// How long a pod takes to start on Fargate, in seconds; moves every time-out that has to outlive it [default: 90]
    #[arg(long, value_name = "SECONDS")]
    pub cold_start: Option<u32>,
    /// How long the last pod of a Service stays when there is no traffic, such as 10m [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub scale_to_zero_retention: Option<String>,
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
}

/// Parts of upstream that a render has only when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The autoscaler class that scales Services with a horizontal pod autoscaler (HPA)
    AutoscalerHpa,
    /// The Jobs that upstream runs after an upgrade
    UpgradeJobs,
}

impl Part {
    /// The name as `--with` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Part::AutoscalerHpa => "autoscaler-hpa",
            Part::UpgradeJobs => "upgrade-jobs",
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

impl Layout {
    /// The name as `--layout` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Argocd => "argocd",
            Layout::Flux => "flux",
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

/// A `knrender.yaml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The folder it is in, which paths in it start from and the lock is in.
    pub folder: PathBuf,
    /// What to render.
    pub ask: Ask,
    /// Where bytes may come from.
    pub supply: Supply,
    /// Where to write.
    pub out: Option<PathBuf>,
    /// A price list of the user's own.
    pub prices: Option<PathBuf>,
    /// Images to be replaced, each with what it is replaced by: pins, or a registry of the user's own.
    pub images: BTreeMap<String, String>,
    /// Findings of `knrender lint` that are accepted.
    pub allow: Vec<Allow>,
    /// The cluster's Fargate profiles.
    pub fargate_profiles: Option<Vec<Profile>>,
}

/// A finding of `knrender lint` that is accepted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The lint's code.
    pub lint: Spanned<String>,
    /// The object, as `Kind[.group]/[NAMESPACE/]NAME`; any where it is left out.
    #[serde(default)]
    pub object: Option<String>,
    /// Why it is accepted.
    pub reason: String,
}

/// `serde(flatten)` would lose the place of an unknown key, so that the file is one flat struct.
macro_rules! file {
    ($($field:ident: $type:ty => $($target:ident).+;)*) => {
        /// The keys of the file, each with `_` for `-`.
        pub const KEYS: &[&str] = &[$(stringify!($field)),*];
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct File { $(#[serde(default)] $field: Option<$type>,)* }
        impl File {
            fn into_config(self, folder: PathBuf) -> Config {
                let mut config = Config { folder, ..Config::default() };
                $(if let Some(value) = self.$field { config.$($target).+ = value.into(); })*
                config
            }
        }
    };
}

file! {
    knative: String => ask.knative;
    kourier: String => ask.kourier;
    gloo: String => ask.gloo;
    gloo_manifest: PathBuf => ask.gloo_manifest;
    rule_set: RuleSet => ask.rule_set;
    kubernetes: kubernetes::Version => ask.kubernetes;
    with: Vec<Part> => ask.with;
    domain: String => ask.domain;
    certificate_arn: String => ask.certificate_arn;
    scheme: Scheme => ask.scheme;
    internal_tls: bool => ask.internal_tls;
    cluster_name: String => ask.cluster_name;
    region: String => ask.region;
    vpc_id: String => ask.vpc_id;
    subnets: Vec<String> => ask.subnets;
    account_id: String => ask.account_id;
    alb_group: String => ask.alb_group;
    app_namespaces: Vec<String> => ask.app_namespaces;
    logging: bool => ask.logging;
    log_retention_days: u32 => ask.log_retention_days;
    alb: Alb => ask.alb;
    layout: Layout => ask.layout;
    gitops_repo: String => ask.gitops_repo;
    gitops_revision: String => ask.gitops_revision;
    gitops_path: String => ask.gitops_path;
    ha: bool => ask.ha;
    hpa: Scaling => ask.hpa;
    cold_start: u32 => ask.cold_start;
    scale_to_zero_retention: String => ask.scale_to_zero_retention;
    queue_proxy_cpu: String => ask.queue_proxy_cpu;
    queue_proxy_memory: String => ask.queue_proxy_memory;
    keep_descriptions: bool => ask.keep_descriptions;
    rules: Vec<PathBuf> => ask.rules;
    images: BTreeMap<String, String> => images;
    mirror: String => supply.mirror;
    offline: bool => supply.offline;
    locked: bool => supply.locked;
    out: PathBuf => out;
    prices: PathBuf => prices;
    allow: Vec<Allow> => allow;
    fargate_profiles: Vec<Profile> => fargate_profiles;
}

/// What is wrong with `knrender.yaml`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// The reason.
        why: std::io::Error,
    },
    /// It is not a configuration.
    #[error("{path}, {why}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        why: yaml::YamlError,
    },
    /// It asks for two things at once.
    #[error("{path} asks for both `kourier` and `gloo`; a stack has one ingress")]
    TwoIngresses {
        /// The file.
        path: String,
    },
}

impl Config {
    /// The configuration: the file that `--config` names, else `knrender.yaml` of the current folder, else none.
    pub fn read(named: Option<&Path>) -> Result<Config, ConfigError> {
        let path = named.unwrap_or(Path::new(FILE));
        let shown = || path.display().to_string();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) if named.is_none() && why.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(why) => return Err(ConfigError::Unreadable { path: shown(), why }),
        };
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        // A file of comments alone is an empty configuration, as `init` users expect.
        let file: Option<File> = yaml::parse_as(&text).map_err(|why| ConfigError::Format { path: shown(), why })?;
        let mut config = file.map_or_else(Config::default, |file| file.into_config(folder.clone()));
        if config.ask.kourier.is_some() && config.ask.gloo.is_some() {
            return Err(ConfigError::TwoIngresses { path: shown() });
        }
        config.folder.clone_from(&folder);
        config.ask.rules.iter_mut().for_each(|dir| *dir = folder.join(&dir));
        config.ask.gloo_manifest = config.ask.gloo_manifest.map(|file| folder.join(file));
        config.out = config.out.map(|out| folder.join(out));
        config.prices = config.prices.map(|prices| folder.join(prices));
        if let Some(mirror) = config.supply.mirror.as_mut().filter(|m| !m.contains("://")) {
            *mirror = folder.join(&mirror).display().to_string();
        }
        Ok(config)
    }

    /// The folder that the lock is in.
    pub fn lock_folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
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
            logging: self.logging.or(file.logging),
            log_retention_days: self.log_retention_days.or(file.log_retention_days),
            alb: if self.alb == Alb::default() { file.alb } else { self.alb },
            layout: self.layout.or(file.layout),
            gitops_repo: self.gitops_repo.or(file.gitops_repo),
            gitops_revision: self.gitops_revision.or(file.gitops_revision),
            gitops_path: self.gitops_path.or(file.gitops_path),
            ha: self.ha.or(file.ha),
            hpa: self.hpa.or(file.hpa),
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, text).unwrap();
        Config::read(Some(&path))
            .map(|config| Config {
                out: config.out.map(|o| o.strip_prefix(folder.path()).unwrap().to_owned()),
                folder: PathBuf::new(),
                ..config
            })
            .map_err(|e| e.to_string().split("knrender.yaml").last().unwrap_or_default().to_owned())
    }

    #[test]
    fn every_option_has_its_key() {
        let config = read(
            "knative: v1.22.1\nkourier: v1.22.1\nrule-set: fargate\nkubernetes: '1.35'\nwith: [upgrade-jobs]\ndomain: a.example\n\
             certificate-arn: arn\nscheme: internal\ninternal-tls: true\ncluster-name: c\nregion: r\nvpc-id: v\n\
             mirror: https://m.example/x\noffline: true\nlocked: true\nout: out\n\
             ha: false\nhpa: fixed\ncold-start: 120\nscale-to-zero-retention: 10m\nqueue-proxy-cpu: 50m\n\
             queue-proxy-memory: 64Mi\nsubnets: [subnet-1]\naccount-id: '1'\nalb-group: g\napp-namespaces: [a]\nlogging: true\n\
             log-retention-days: 30\nalb: {readiness-gates: true}\n\
             layout: flux\ngitops-repo: https://a.example/b\ngitops-revision: main\ngitops-path: p\nprices: p.yaml\nimages: {a:1: b@sha256:c}\n",
        )
        .unwrap();
        assert_eq!(config.ask.with, [Part::UpgradeJobs]);
        assert_eq!(config.ask.scheme, Some(Scheme::Internal));
        assert_eq!(config.supply.mirror.as_deref(), Some("https://m.example/x"));
        assert_eq!((config.ask.ha, config.ask.hpa), (Some(false), Some(Scaling::Fixed)));
        assert_eq!(config.images["a:1"], "b@sha256:c");
        assert_eq!(config.out, Some("out".into()));
    }

    #[test]
    fn an_unknown_key_is_refused_with_line_and_column() {
        let error = read("domain: a.example\ndomian: b\n").unwrap_err();
        assert!(error.starts_with(", line 2, column 1: ") && error.contains("domian"), "{error}");
    }

    #[test]
    fn a_file_of_comments_asks_for_nothing() {
        assert_eq!(read("# nothing yet\n").unwrap(), Config::default());
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = Ask { gloo: Some("v1.3.9".into()), domain: Some("file".into()), ..Ask::default() };
        let flags = Ask { kourier: Some("v1.23.0".into()), domain: Some("flag".into()), ..Ask::default() };
        let ask = flags.over(file);
        assert_eq!((ask.gloo, ask.kourier.as_deref(), ask.domain.as_deref()), (None, Some("v1.23.0"), Some("flag")));
    }

    #[test]
    fn two_ingresses_in_the_file_are_refused() {
        assert!(read("gloo: v1.3.9\nkourier: v1.23.0\n").unwrap_err().contains("a stack has one ingress"));
    }
}
