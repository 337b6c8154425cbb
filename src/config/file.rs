//! `knrender.yaml`: its keys, which are flags and some more, and how it is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::place;
use super::time::{Lasting, Seconds};
use super::{Ask, EcrTags, EngineAt, Layout, Part, Scaling, Scheme, Supply};
use crate::alb::Alb;
use crate::aws;
use crate::fargate::profile::Profile;
use crate::fargate::sizing::{Scale, Wanted};
use crate::kubernetes;
use crate::rewrite::rule::RuleSet;
use crate::yaml::{self, Placed};

/// The folder beside those of clusters that says to an engine which clusters there are.
pub const HUB: &str = "gitops";

/// The name of the configuration file.
pub const FILE: &str = "knrender.yaml";

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
    /// The registries that images may come from; any where it is empty.
    pub registries: Vec<String>,
    /// Files and folders with CRDs that custom resources are held against.
    pub crds: Vec<PathBuf>,
    /// Findings of `knrender lint` that are accepted.
    pub allow: Vec<Allow>,
    /// The cluster's Fargate profiles.
    pub fargate_profiles: Option<Vec<Profile>>,
    /// A folder with versions that the catalog in the binary does not have.
    pub catalog: Option<PathBuf>,
    /// The clusters of a fleet, each with what differs from all of the above.
    pub clusters: Vec<Cluster>,
}

/// One cluster of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name, and that of its folder.
    pub name: String,
    /// What is rendered for it.
    pub ask: Ask,
    /// Images to be replaced, beside those of all clusters.
    pub images: BTreeMap<String, String>,
    /// Its Fargate profiles, in place of those of all clusters.
    pub fargate_profiles: Option<Vec<Profile>>,
}

/// A finding of `knrender lint` that is accepted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The lint's code.
    pub lint: Placed<String>,
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
        pub const KEYS: &[&str] = &[$(stringify!($field),)* "clusters"];
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct File {
            $(#[serde(default)] $field: Option<$type>,)*
            #[serde(default)]
            clusters: Vec<ClusterFile>,
        }
        /// A cluster of the list: the keys of the file, and its name.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct ClusterFile { name: Placed<String>, $(#[serde(default)] $field: Option<$type>,)* }
        impl ClusterFile {
            fn into_config(self) -> (Placed<String>, Config) {
                let mut config = Config::default();
                $(if let Some(value) = self.$field { config.$($target).+ = value.into(); })*
                (self.name, config)
            }
        }
        impl File {
            fn into_config(self) -> Config {
                let mut config = Config::default();
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
    controller: String => ask.controller;
    allow_unsupported: bool => ask.allow_unsupported;
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
    ecr_tags: EcrTags => ask.ecr_tags;
    ecr_repositories: Vec<String> => ask.ecr_repositories;
    logging: bool => ask.logging;
    log_retention_days: u32 => ask.log_retention_days;
    alb: Alb => ask.alb;
    layout: Layout => ask.layout;
    gitops_repo: String => ask.gitops_repo;
    gitops_engine: EngineAt => ask.gitops_engine;
    gitops_revision: String => ask.gitops_revision;
    gitops_path: String => ask.gitops_path;
    zones: u32 => ask.zones;
    ha: bool => ask.ha;
    hpa: Scaling => ask.hpa;
    scale: Scale => ask.scale;
    sizes: BTreeMap<String, Wanted> => ask.sizes;
    cold_start: Seconds => ask.cold_start;
    scale_to_zero_retention: Lasting => ask.scale_to_zero_retention;
    queue_proxy_cpu: String => ask.queue_proxy_cpu;
    queue_proxy_memory: String => ask.queue_proxy_memory;
    keep_descriptions: bool => ask.keep_descriptions;
    rules: Vec<PathBuf> => ask.rules;
    images: BTreeMap<String, String> => images;
    registries: Vec<String> => registries;
    crds: Vec<PathBuf> => crds;
    mirror: String => supply.mirror;
    offline: bool => supply.offline;
    locked: bool => supply.locked;
    trust_root: PathBuf => supply.trust_root;
    out: PathBuf => out;
    prices: PathBuf => prices;
    catalog: PathBuf => catalog;
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
    /// The list of clusters.
    #[error("{path}, line {line}: `clusters`: {why}")]
    Clusters {
        /// The file.
        path: String,
        /// 1-based line of the cluster.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A path with nothing in it, which would be the folder of the file.
    #[error("{path}, line {line}: `{key}`: an empty path; name a file or folder, or leave the key out")]
    NoPath {
        /// The file.
        path: String,
        /// 1-based line of the key.
        line: usize,
        /// The key.
        key: &'static str,
    },
    /// A registry that no image can come from.
    #[error(
        "{path}, line {line}: `registries`: `{registry}` is not a registry: its host, or host and path, without https:// and wildcards, such as \
         123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    )]
    Registry {
        /// The file.
        path: String,
        /// 1-based line of the key.
        line: usize,
        /// What stands there.
        registry: String,
    },
    /// A Fargate profile that takes no pod.
    #[error(
        "{path}, line {line}: `fargate-profiles`: {profile} has no selectors; EKS wants one to five, each with a namespace"
    )]
    Profile {
        /// The file.
        path: String,
        /// 1-based line of the key.
        line: usize,
        /// Its name.
        profile: String,
    },
    /// It asks for two things at once.
    #[error("{path}, line {line}: `gloo` beside `kourier`; a stack has one ingress: keep one of them")]
    TwoIngresses {
        /// The file.
        path: String,
        /// 1-based line of the key.
        line: usize,
    },
}

impl Config {
    /// The configuration: the file that `--config` names, else `knrender.yaml` of the current folder, else none.
    pub fn read(named: Option<&Path>) -> Result<Config, ConfigError> {
        let path = named.unwrap_or(Path::new(FILE));
        let shown = || crate::shown::path(path);
        let text = match crate::regular::read_text(path) {
            Ok(text) => text,
            Err(why) if named.is_none() && why.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(why) => return Err(ConfigError::Unreadable { path: shown(), why }),
        };
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        // A file of comments alone is an empty configuration, as `init` users expect.
        let file: Option<File> =
            yaml::parse_as(&text).map_err(|why| ConfigError::Format { path: shown(), why: with_key(why, &text) })?;
        let mut file = file;
        let listed = file.as_mut().map(|file| std::mem::take(&mut file.clusters)).unwrap_or_default();
        let mut config = file.map_or_else(Config::default, File::into_config);
        config.clusters = clusters(listed, config.ask.layout, &folder, &shown())?;
        if config.ask.kourier.is_some() && config.ask.gloo.is_some() {
            return Err(ConfigError::TwoIngresses { path: shown(), line: place::line_of(&text, "gloo") });
        }
        if let Some(registry) = config.registries.iter().find(|registry| !is_registry(registry)) {
            let registry = crate::shown::line(registry).into_owned();
            return Err(ConfigError::Registry { path: shown(), line: place::line_of(&text, "registries"), registry });
        }
        let profiles = config.clusters.iter().filter_map(|cluster| cluster.fargate_profiles.as_ref());
        let without = |profile: &&Profile| profile.selectors.is_empty();
        if let Some(profile) = profiles.chain(&config.fargate_profiles).flatten().find(without) {
            return Err(ConfigError::Profile {
                path: shown(),
                line: place::line_of(
                    &text,
                    if config.fargate_profiles.is_some() { "fargate-profiles" } else { "clusters" },
                ),
                profile: crate::shown::line(&profile.name).into_owned(),
            });
        }
        let no_path = |key| ConfigError::NoPath { path: shown(), line: place::line_of(&text, key), key };
        config.start_from(&folder).map_err(no_path)?;
        Ok(config)
    }

    /// The configuration with what differs for one cluster of the list.
    #[must_use]
    pub fn of_cluster(&self, cluster: &Cluster) -> Config {
        let mut config = self.clone();
        config.ask = cluster.ask.clone().over(config.ask);
        config.images.extend(cluster.images.clone());
        if cluster.fargate_profiles.is_some() {
            config.fargate_profiles.clone_from(&cluster.fargate_profiles);
        }
        config
    }

    /// Every path in it, with its key. A mirror that is a URL is none.
    fn paths(&mut self, visit: &mut dyn FnMut(&'static str, &mut PathBuf)) {
        self.ask.rules.iter_mut().for_each(|path| visit("rules", path));
        self.crds.iter_mut().for_each(|path| visit("crds", path));
        for (key, path) in [
            ("gloo-manifest", &mut self.ask.gloo_manifest),
            ("out", &mut self.out),
            ("catalog", &mut self.catalog),
            ("trust-root", &mut self.supply.trust_root),
            ("prices", &mut self.prices),
        ] {
            if let Some(path) = path {
                visit(key, path);
            }
        }
        if let Some(mirror) = self.supply.mirror.as_mut().filter(|mirror| !mirror.contains("://")) {
            let mut path = PathBuf::from(&*mirror);
            visit("mirror", &mut path);
            *mirror = path.display().to_string();
        }
    }

    /// Lets all paths start from the folder of the file.
    ///
    /// # Errors
    /// The key of a path that has nothing in it.
    fn start_from(&mut self, folder: &Path) -> Result<(), &'static str> {
        let mut empty = None;
        self.paths(&mut |key, path| {
            if path.as_os_str().is_empty() {
                empty.get_or_insert(key);
            } else {
                *path = folder.join(&*path);
            }
        });
        folder.clone_into(&mut self.folder);
        empty.map_or(Ok(()), Err)
    }

    /// The folder that the lock is in.
    pub fn lock_folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
    }
}

/// What is wrong with the text, and with which key.
fn with_key(mut error: yaml::YamlError, text: &str) -> yaml::YamlError {
    if let Some(twice) = error.message.strip_prefix("the key `").and_then(|rest| rest.split_once("` is given twice")) {
        let first = place::line_of(text, twice.0);
        if first < error.line {
            error.message = format!("the key `{}` is given twice, on line {first} before: put both into one", twice.0);
        }
    }
    let keys: String =
        place::keys(text, error.line, error.column).into_iter().map(|key| format!("`{key}`: ")).collect();
    error.message.insert_str(0, &crate::shown::line(&keys));
    error
}

/// Whether images can come from a registry of this name: a host, or a host and a path.
fn is_registry(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.contains("//") && name.chars().all(is_word)
}

/// The clusters of a list, each once.
fn clusters(
    listed: Vec<ClusterFile>,
    layout: Option<Layout>,
    folder: &Path,
    path: &str,
) -> Result<Vec<Cluster>, ConfigError> {
    let mut found: Vec<Cluster> = Vec::new();
    for cluster in listed {
        let (name, mut config) = cluster.into_config();
        let line = name.line;
        let is_hub = config.ask.layout.or(layout).is_some();
        let wrong = |why: String| ConfigError::Clusters { path: path.to_owned(), line, why };
        let name = name.value;
        if !aws::is_cluster_name(&name) {
            return Err(wrong(format!(
                "`{name}` is not an EKS cluster name: 1 to 100 letters, digits, dashes and underscores, the first a letter or digit"
            )));
        }
        if name == HUB && is_hub {
            return Err(wrong(format!(
                "`{name}` is the folder of what the engine of a layout reads; take another name"
            )));
        }
        // Folders whose names differ in case alone are one on some systems.
        if let Some(first) = found.iter().find(|other| other.name.eq_ignore_ascii_case(&name)) {
            return Err(wrong(format!(
                "`{name}` is in the list twice (`{}` before); each cluster has one folder",
                first.name
            )));
        }
        let alone = Config { ask: Ask::default(), images: BTreeMap::new(), fargate_profiles: None, ..config.clone() };
        if alone != Config::default() {
            return Err(wrong(format!(
                "`{name}` has a key that is about the whole run, not about one cluster: out, prices, mirror, offline, locked, trust-root, registries, crds, \
                 catalog and allow stand at the top of the file"
            )));
        }
        if config.ask.kourier.is_some() && config.ask.gloo.is_some() {
            return Err(wrong(format!("`{name}` asks for both `kourier` and `gloo`; a stack has one ingress")));
        }
        config.start_from(folder).map_err(|key| {
            wrong(format!("`{name}`: `{key}`: an empty path; name a file or folder, or leave the key out"))
        })?;
        config.ask.cluster_name.get_or_insert_with(|| name.clone());
        found.push(Cluster { name, ask: config.ask, images: config.images, fargate_profiles: config.fargate_profiles });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{Args as _, CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::cli::Cli;
    use crate::value::Value;

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

    /// The flags that say what an example says.
    fn flags(flag: &str, example: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match example {
            Value::Array(items) => items.iter().map(|item| format!("--{flag}={}", text(item))).collect(),
            one => vec![format!("--{flag}={}", text(one))],
        }
    }

    #[test]
    fn every_option_has_its_key_which_is_read_as_the_flag_is() {
        let mut cli = Cli::command();
        let examples: BTreeMap<_, _> = crate::options::sections(&cli)
            .unwrap()
            .into_iter()
            .flat_map(|section| section.keys)
            .map(|key| (key.name, key.example))
            .collect();
        let shared = Supply::augment_args(Ask::augment_args(clap::Command::new("knrender")));
        let headings: Vec<_> = shared.get_arguments().filter_map(clap::Arg::get_help_heading).collect();
        let mut options: Vec<clap::Arg> = shared.get_arguments().cloned().collect();
        cli.build();
        for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
            let is_shared = |arg: &&clap::Arg| arg.get_help_heading().is_some_and(|own| headings.contains(&own));
            options.extend(command.get_arguments().filter(is_shared).cloned());
        }
        for option in &options {
            let id = option.get_id().as_str();
            assert!(KEYS.contains(&id), "`{id}` is an option, and no key of {FILE}: give it a line in `file!`");
            let key = id.replace('_', "-");
            let file = crate::options::file::example(&key, &examples[&key]);
            let file = yaml::parse_as::<Option<File>>(&file).unwrap().unwrap();
            let config = file.into_config();
            let example = yaml::parse(examples[&key].trim_end()).unwrap();
            let words = std::iter::once("knrender".to_owned()).chain(flags(option.get_long().unwrap(), &example));
            let said = shared.clone().try_get_matches_from(words).unwrap_or_else(|e| panic!("{key}: {e}"));
            let (ask, supply) =
                (Ask::from_arg_matches(&said).unwrap_or_default(), Supply::from_arg_matches(&said).unwrap_or_default());
            assert_eq!((&config.ask, &config.supply), (&ask, &supply), "the flag and the key `{key}`");
            assert_ne!((&ask, &supply), (&Ask::default(), &Supply::default()), "`{key}` is read, and forgotten");
            assert_eq!(ask.clone().over(Ask::default()), Ask::default().over(ask.clone()), "`{key}` over the file");
            assert_eq!((ask.clone().over(Ask::default()), supply.clone().over(Supply::default())), (ask, supply));
        }
    }

    #[test]
    fn paths_start_from_the_folder_of_the_file_and_are_never_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let all = "out: a\nprices: a\ncatalog: a\ncrds: [a]\nmirror: a\ntrust-root: a\nrules: [a]\ngloo-manifest: a\n";
        fs::write(&path, all).unwrap();
        let mut config = Config::read(Some(&path)).unwrap();
        let mut keys = Vec::new();
        config.paths(&mut |key, path| {
            assert_eq!(*path, folder.path().join("a"), "{key}");
            keys.push(key);
        });
        assert_eq!(keys.len(), all.lines().count());
        for key in keys {
            let empty = if ["crds", "rules"].contains(&key) { "['']" } else { "''" };
            assert!(read(&format!("{key}: {empty}\n")).unwrap_err().contains(&format!("`{key}`: an empty path")));
        }
        let url = "https://m.example/x";
        assert_eq!(read(&format!("mirror: {url}\n")).unwrap().supply.mirror.as_deref(), Some(url));
        fs::write(&path, "clusters:\n- {name: a, rules: [b]}\n").unwrap();
        assert_eq!(Config::read(Some(&path)).unwrap().clusters[0].ask.rules, [folder.path().join("b")]);
        assert!(read("clusters:\n- {name: a, rules: ['']}\n").unwrap_err().contains("`rules`: an empty path"));
    }

    #[test]
    fn clusters_are_read_with_what_differs_and_each_stands_once() {
        let config = read(
            "domain: a.example\nclusters:\n- {name: prod, region: eu-west-1, account-id: 123456789012}\n- name: test\n",
        )
        .unwrap();
        let names: Vec<_> = config.clusters.iter().map(|c| (c.name.as_str(), c.ask.region.as_deref())).collect();
        assert_eq!(names, [("prod", Some("eu-west-1")), ("test", None)]);
        assert_eq!(config.clusters[0].ask.account_id.as_deref(), Some("123456789012"));
        let twice = read("clusters:\n- name: prod\n- name: prod\n").unwrap_err();
        assert!(twice.starts_with(", line 3: `clusters`: `prod` is in the list twice"), "{twice}");
        assert!(read("clusters:\n- {name: ../a}\n").unwrap_err().contains("is not an EKS cluster name"));
        assert!(read("clusters:\n- {name: a, out: b}\n").unwrap_err().contains("about the whole run"));
        assert!(read("clusters:\n- {name: a, domian: b}\n").unwrap_err().contains("domian"));
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
    fn two_ingresses_in_the_file_are_refused() {
        assert!(read("gloo: v1.3.9\nkourier: v1.23.0\n").unwrap_err().contains("a stack has one ingress"));
    }
}
