//! `knrender doctor`: the cluster beside the render.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Format, General, inputs, one_folder, print_json, print_text, say, write_file};
use crate::config::Config;
use crate::doctor::inventory::name_of;
use crate::doctor::kubectl::{self, Kubectl};
use crate::doctor::place::Place;
use crate::doctor::{Facts, Subject, examine};
use crate::error::Error;
use crate::manifest::collection::{Collection, Placed};
use crate::manifest::object::Identity;
use crate::value::Value;

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct DoctorArgs {
    /// The folder that was rendered, and applied [default: `out` of knrender.yaml, else out]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Context of kubectl's configuration [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Seconds that the server may take for one request; after two without an answer, nothing more is asked
    #[arg(long, value_name = "SECONDS", default_value_t = kubectl::REQUEST, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// The last lines of the logs of what is unhealthy, too
    #[arg(long)]
    logs: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the report and the live objects into a file, for a support ticket; Secrets without their values
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    general: General,
}

const HELP: &str = "\
It only reads, by kubectl alone, and lists the requests that it made. Compared are the fields that were rendered; what differs
is held against a server-side dry run, which stores nothing. Logs may hold secrets of your apps: --logs asks for them.
Exit codes: 0 all is as rendered; 1 something is missing, differs, is unhealthy or left over; 2 usage; 3 the cluster, or a part
of it, cannot be read.";

pub(super) fn run(args: &DoctorArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let out = one_folder(args.out.clone(), &config)?;
    let manifests = manifests(&out)?;
    let collection = inputs::read(&manifests)?;
    inputs::broken(&collection)?;
    once(&collection)?;
    let facts = facts(&out)?;
    let mut kubectl = Kubectl::new(args.timeout);
    let context = match &args.context {
        Some(context) => context.clone(),
        None => kubectl.text(&["config", "current-context"]).map_err(|refusal| {
            Error::Input(format!("there is no cluster to look at: {}; --context names one", refusal.words()))
        })?,
    };
    let context = context.trim();
    if context.is_empty() {
        return Err(Error::Input(
            "there is no cluster to look at: kubectl has no current context; --context names one".into(),
        ));
    }
    kubectl.context = Some(context.to_owned());
    // A kubectl that does not say it is one whose cluster is not known.
    let config = kubectl.json(&["config", "view", "--minify"]).unwrap_or_default();
    let place = Place::of(&config);
    if let Some(other) = place.other_than(facts.cluster.as_deref(), facts.region.as_deref())
        && args.context.is_none()
    {
        return Err(Error::Input(format!(
            "the current context {context} is another cluster's: {other}. --context names the right one; naming this one looks at it \
             all the same"
        )));
    }
    let version = kubectl.json(&["version"]).map_err(|refusal| {
        Error::Input(format!("the cluster of context {context} cannot be read: {}", refusal.words()))
    })?;
    let Some(server) = version.pointer("/serverVersion/gitVersion").and_then(Value::as_str) else {
        return Err(Error::Input(format!("the cluster of context {context} does not say its version")));
    };
    let subject = Subject { server, place: &place, objects: &collection.objects, facts: &facts, logs: args.logs };
    let report = examine(kubectl, &subject);
    match args.format {
        Format::Text if args.general.quiet => {}
        Format::Text => print_text(&report.to_text())?,
        Format::Json => print_json(&crate::value::json!(report))?,
    }
    if let Some(file) = &args.bundle {
        write_file("--bundle", file, format!("{:#}\n", report.bundle()).as_bytes())?;
        say(&format!(
            "{}: the report and what the cluster has; no value of a Secret is in it",
            crate::shown::path(file)
        ));
    }
    if !report.findings.is_empty() {
        return Err(Error::Findings(report.sum()));
    }
    match report.unread.first() {
        None => Ok(()),
        Some(unread) => Err(Error::Input(format!("{} cannot be read: {}", unread.what, unread.why))),
    }
}

/// That no object is there twice: two renders in one folder, of which the cluster has one.
fn once(collection: &Collection) -> Result<(), Error> {
    let mut seen: BTreeMap<&Identity, &Placed> = BTreeMap::new();
    for object in collection.objects.iter().filter(|o| !o.identity.name.is_empty()) {
        if let Some(first) = seen.insert(&object.identity, object) {
            return Err(Error::Input(format!(
                "{} is there twice: in {}, line {} and in {}, line {}; a folder that is applied has one render",
                object.identity, first.file, first.line, object.file, object.line
            )));
        }
    }
    Ok(())
}

/// The files that `kubectl apply -f DIR` takes.
fn manifests(out: &Path) -> Result<Vec<PathBuf>, Error> {
    let shown = out.display();
    let entries = fs::read_dir(out).map_err(|e| {
        Error::Input(format!("{shown}: {e}; `knrender --out {shown}` renders into it, and --out names another folder"))
    })?;
    let is_manifest =
        |path: &PathBuf| path.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| entry.ok().map(|e| e.path())).filter(is_manifest).collect();
    files.sort();
    if files.is_empty() {
        return Err(Error::Input(format!(
            "{shown}: there is no manifest in it; `knrender --out {shown}` renders into it"
        )));
    }
    Ok(files)
}

/// What the render says about itself; nothing where it is none of ours.
fn facts(out: &Path) -> Result<Facts, Error> {
    let file = out.join("about/provenance.json");
    let inventory =
        fs::canonicalize(out).ok().and_then(|whole| Some(whole.file_name()?.to_string_lossy().into_owned()));
    let inventory = name_of(&inventory.unwrap_or_default());
    let folder = crate::shown::path(out);
    let Ok(text) = fs::read(&file) else { return Ok(Facts { folder, inventory, ..Facts::default() }) };
    let whole: Value = serde_json::from_slice(&text)
        .map_err(|e| Error::Input(format!("{}: no provenance of a render: {e}; render again", file.display())))?;
    let text = |key: &str| whole.pointer(&format!("/stack/{key}")).and_then(Value::as_str).map(str::to_owned);
    Ok(Facts {
        known: true,
        sets_domain: text("domain").is_none(),
        kubernetes: text("kubernetes").and_then(|text| minor(&text).parse().ok()),
        cluster: text("cluster_name"),
        region: text("region"),
        controller: text("controller"),
        folder,
        inventory,
    })
}

/// `1.36` of `1.36.0`.
fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}
