//! `knrender doctor`: the cluster beside the render.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::{Format, General, inputs, out_folder, print, say};
use crate::config::Config;
use crate::doctor::kubectl::Kubectl;
use crate::doctor::{Facts, examine};
use crate::error::Error;

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct DoctorArgs {
    /// The folder that was rendered, and applied [default: `out` of knrender.yaml, else out]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Context of kubectl's configuration [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
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
It only reads, by kubectl alone, and lists the requests that it made. Compared are the fields that were rendered.
Exit codes: 0 all is as rendered; 1 something is missing, differs, is left over or unhealthy; 2 usage; 3 the cluster, or a
part of it, cannot be read.";

pub(super) fn run(args: &DoctorArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let out = out_folder(args.out.clone(), &config).unwrap_or_else(|| "out".into());
    let manifests = manifests(&out)?;
    let collection = inputs::read(&manifests)?;
    inputs::broken(&collection)?;
    let stack = stack(&out)?;
    let mut kubectl = Kubectl::default();
    let context = match &args.context {
        Some(context) => context.clone(),
        None => kubectl.text(&["config", "current-context"]).map_err(|refusal| {
            Error::Input(format!("there is no cluster to look at: {}; --context names one", refusal.words()))
        })?,
    };
    kubectl.context = Some(context.trim().to_owned());
    let version = kubectl.json(&["version"]).map_err(|refusal| {
        let context = context.trim();
        Error::Input(format!("the cluster of context {context} cannot be read: {}", refusal.words()))
    })?;
    let Some(server) = version.pointer("/serverVersion/gitVersion").and_then(Value::as_str) else {
        return Err(Error::Input(format!("the cluster of context {} does not say its version", context.trim())));
    };
    let facts = Facts {
        sets_domain: stack.get("domain").is_none_or(Value::is_null),
        kubernetes: stack.get("kubernetes").and_then(Value::as_str).and_then(|text| text.parse().ok()),
    };
    let report = examine(kubectl, server, &collection.objects, &facts);
    match args.format {
        Format::Text if args.general.quiet => {}
        Format::Text => print(report.to_text().as_bytes())?,
        Format::Json => print(format!("{:#}\n", serde_json::json!(report)).as_bytes())?,
    }
    if let Some(file) = &args.bundle {
        let shown = file.display();
        let written = fs::write(file, format!("{:#}\n", report.bundle()));
        written.map_err(|e| Error::Write(format!("{shown}: {e}")))?;
        say(&format!("{shown}: the report and what the cluster has; no value of a Secret is in it"));
    }
    if !report.findings.is_empty() {
        return Err(Error::Findings(report.sum()));
    }
    match report.unread.first() {
        None => Ok(()),
        Some(unread) => Err(Error::Input(format!("{} cannot be read: {}", unread.what, unread.why))),
    }
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
fn stack(out: &Path) -> Result<Value, Error> {
    let file = out.join("about/provenance.json");
    let Ok(text) = fs::read(&file) else { return Ok(Value::Null) };
    let whole: Value = serde_json::from_slice(&text)
        .map_err(|e| Error::Input(format!("{}: no provenance of a render: {e}; render again", file.display())))?;
    Ok(whole.get("stack").cloned().unwrap_or_default())
}
