//! `knrender policy`: the lints as admission policies.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::findings::allowances;
use super::{Format, General, inputs, print, print_json, print_text, say};
use crate::config::{Ask, Config};
use crate::error::Error;
use crate::fargate::profile::Profiles;
use crate::findings::{ALLOWANCE_UNUSED, allow};
use crate::kubernetes::Version;
use crate::lint;
use crate::lint::set::{self, Set};
use crate::manifest::collection::Collection;
use crate::output::{self, Files};
use crate::policy::{self, Engine, Exceptions, Policies, Scope, Wanted, Words, list};
use crate::yaml::{self, Style};

#[derive(Args, Debug)]
#[command(after_help = "\
Errors of lint are refused, warnings are warned about, notes are recorded in the audit log. Where `fargate-profiles` of
knrender.yaml or eksctl's file tells the profiles, policies judge what they take; otherwise all namespaces. Never
kube-system, kube-public and kube-node-lease. `allow` of knrender.yaml makes exceptions.
Exit codes: 0 fine; 2 usage or configuration; 3 input; 4 output not written.")]
pub(super) struct PolicyArgs {
    /// Manifests, or - for standard input, that the exceptions are held against; eksctl's file tells the profiles
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// Who judges
    #[arg(long, value_enum, default_value_t = Engine::Vap)]
    engine: Engine,
    /// Folder for the policies, which `kubectl apply -f` takes; without it all goes to standard output
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Refuse nothing and warn of nothing: record only
    #[arg(long)]
    audit_only: bool,
    /// The cluster's Kubernetes version [default: `kubernetes` of knrender.yaml]
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<Version>,
    /// Say which lints have a policy, and why others have none
    #[arg(long, conflicts_with_all = ["out", "audit_only", "kubernetes", "paths"])]
    list: bool,
    /// How to list
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "list")]
    format: Format,
    #[command(flatten)]
    general: General,
}

pub(super) fn run(args: &PolicyArgs) -> Result<(), Error> {
    let policies = Policies::embedded().map_err(Error::Input)?;
    let words = Words::embedded().map_err(Error::Input)?;
    if args.list {
        let (rows, checks) = (list::rows(&policies, &words), list::checks(&policies, &words));
        return match args.format {
            Format::Text => print_text(&list::text(&rows, &checks)),
            Format::Json => print_json(&list::json(&rows, &checks)),
        };
    }
    let named = args.general.config.as_deref();
    let config = Config::read(named)?;
    policy::served(args.engine, args.kubernetes.or(config.ask.kubernetes)).map_err(Error::Usage)?;
    let read = if args.paths.is_empty() { Collection::default() } else { inputs::read(&args.paths)? };
    inputs::broken(&read)?;
    let objects = set::objects(&read.objects);
    let set = Set::new(&objects, config.fargate_profiles.clone().map(Profiles));
    let mut wanted = wanted(&policies, &words, named, &config, set.profiles.as_ref())?;
    wanted.audit_only = args.audit_only;
    let written = policies.written(&words, &wanted, args.engine);
    for told in &written.told {
        say(&format!("warning: {told}"));
    }
    if !args.paths.is_empty() {
        against(&policies, &words, named, &config, &set, &wanted)?;
    }
    let text = |objects: &Vec<crate::value::Value>| {
        objects.iter().map(|object| yaml::emit(object, Style::default())).collect::<Vec<_>>().join("---\n")
    };
    let files: BTreeMap<String, String> = written.files.iter().map(|(path, o)| (path.clone(), text(o))).collect();
    let Some(dir) = &args.out else {
        return print(files.into_values().collect::<Vec<_>>().join("---\n").as_bytes());
    };
    let count = written.policies;
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    output::write(dir, &Files::from(files))?;
    if !args.general.quiet {
        say(&format!("{count} policies in {}", crate::shown::path(dir)));
    }
    Ok(())
}

/// What a render wants of its policies.
pub(super) fn of_render(named: Option<&Path>, config: &Config, ask: &Ask) -> Result<Wanted, Error> {
    let policies = Policies::embedded().map_err(Error::Input)?;
    let words = Words::embedded().map_err(Error::Input)?;
    let config = Config { ask: ask.clone(), ..config.clone() };
    wanted(&policies, &words, named, &config, config.fargate_profiles.clone().map(Profiles).as_ref())
}

/// What `knrender.yaml` wants of the policies.
fn wanted(
    policies: &Policies,
    words: &Words,
    named: Option<&Path>,
    config: &Config,
    profiles: Option<&Profiles>,
) -> Result<Wanted, Error> {
    let wrong = |why: String| Error::Usage(format!("policies: {why}"));
    let scope = Scope::of(profiles).map_err(wrong)?;
    let namespaces = config.ask.app_namespaces.iter().map(|app| app.split(':').next().unwrap_or_default());
    scope.hold(namespaces).map_err(wrong)?;
    let mut all = allowances(&[], named, config, &words.lint)?;
    all.extend(allowances(&[], named, config, &words.validate)?);
    let exceptions = Exceptions::from(policies, &all, &scope);
    Ok(Wanted { audit_only: false, scope, exceptions })
}

/// Holds exceptions and scope against manifests: what matches nothing there, and what no profile takes, is told.
fn against(
    policies: &Policies,
    words: &Words,
    named: Option<&Path>,
    config: &Config,
    set: &Set<'_>,
    wanted: &Wanted,
) -> Result<(), Error> {
    let mut about = allowances(&[], named, config, &words.lint)?;
    about.retain(|allowance| policies.of(&allowance.lint).is_some());
    for finding in allow::settle(lint::run(set, &[]), &about) {
        if finding.code == ALLOWANCE_UNUSED {
            say(&format!("warning: {}", finding.what));
        }
    }
    let outside: Vec<String> = set
        .pods()
        .filter(|pod| !wanted.scope.takes(pod.object.namespace()))
        .map(|pod| pod.object.identity().to_string())
        .collect();
    if !outside.is_empty() {
        say(&format!(
            "warning: no Fargate profile takes {}: its pods would wait for nodes, and no policy judges them",
            outside.join(", ")
        ));
    }
    Ok(())
}
