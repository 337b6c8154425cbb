//! What has to be built before it can be judged: kustomizations and charts, and their parts among the inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use super::super::inputs::{self, Reading};
use crate::error::Error;
use crate::manifest::collection::{Broken, Collection, Is};
use crate::manifest::recognise::{self, Source};
use crate::shown;
use crate::value::Text;

/// What is built by other tools, which have to be installed.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Build {
    /// Judge what `kubectl kustomize` makes of a folder; may be repeated
    #[arg(long, value_name = "DIR")]
    kustomize: Vec<PathBuf>,
    /// Judge what `helm template` makes of a chart, with its own values; may be repeated
    #[arg(long, value_name = "CHART")]
    helm: Vec<PathBuf>,
}

impl Build {
    pub(super) fn is_empty(&self) -> bool {
        self.kustomize.is_empty() && self.helm.is_empty()
    }
}

/// Reads what there is to judge. Parts of kustomizations and charts are named among what could not be read, with the command
/// that builds them for `knrender COMMAND`.
pub(super) fn collection(build: &Build, paths: &[PathBuf], command: &str) -> Result<Collection, Error> {
    let mut reading = Reading { leave_sources: true, ..Reading::default() };
    for folder in &build.kustomize {
        let name = format!("kubectl kustomize {}", shown::word(&shown::path(folder)));
        let text = run(Command::new("kubectl").arg("kustomize").arg(folder), &name, "--kustomize")?;
        reading.text(&name, text);
    }
    for chart in &build.helm {
        let name = format!("helm template {}", shown::word(&shown::path(chart)));
        let text = run(Command::new("helm").arg("template").arg(chart), &name, "--helm")?;
        reading.text(&name, text);
    }
    reading.paths(paths)?;
    let sources = std::mem::take(&mut reading.sources);
    let mut collection = reading.collection;
    recognise(&mut collection, command);
    collection.broken.extend(roots(&sources).into_iter().map(|file| folder_of(&file, command)));
    inputs::not_empty(&collection, paths)?;
    Ok(collection)
}

/// What a command prints.
fn run(command: &mut Command, name: &str, flag: &str) -> Result<Vec<u8>, Error> {
    let output = command.env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.map_err(|e| Error::Input(format!("{flag}: `{name}` does not run: {e}; is it installed?")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Input(format!("{flag}: `{name}` failed: {}", said.trim().trim_start_matches("error: "))))
}

/// Takes out what is no object but a part of what makes some.
fn recognise(collection: &mut Collection, command: &str) {
    let mut parts = Vec::new();
    collection.objects.retain(|object| match Source::of(object) {
        Some(source) => {
            parts.push((object.file.clone(), object.line, source));
            false
        }
        None => true,
    });
    let patches = std::mem::take(&mut collection.patches);
    collection.skipped -= patches.len();
    parts.extend(patches.into_iter().map(|(file, line)| (file, line, Source::JsonPatch)));
    // A file is read once, however many of its documents are broken; one that could not be read is not read again.
    let mut templates: BTreeMap<Text, bool> = BTreeMap::new();
    for broken in collection.broken.iter_mut().filter(|broken| broken.line > 0) {
        let is_template = templates.entry(broken.file.clone()).or_insert_with(|| {
            let mut is_template = false;
            inputs::text_of(&collection.kept, &broken.file, |text, _| is_template |= recognise::is_template(text));
            is_template
        });
        if *is_template {
            broken.why = format!("{} ({})", words(Source::Template, &broken.file, command), broken.why);
        }
    }
    collection.broken.extend(parts.into_iter().map(|(file, line, source)| {
        let why = words(source, &file, command);
        Broken { file, line, why, is: Is::Unreadable }
    }));
    collection.broken.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
}

/// What a part is, and what to do instead.
fn words(source: Source, file: &str, command: &str) -> String {
    let file = Path::new(file);
    let (what, build) = match source {
        Source::Kustomization => ("a kustomization", kustomize(file.parent())),
        Source::MergePatch => {
            ("a patch (a part of an object, to be merged into it)", kustomize(nearest(file, recognise::kustomization)))
        }
        Source::JsonPatch => ("a patch (JSON 6902)", kustomize(nearest(file, recognise::kustomization))),
        Source::Template => ("a template of Helm", helm(nearest(file, recognise::chart))),
    };
    format!("this is {what} and no object; build it first: `{build} | knrender {command} -`")
}

/// The nearest folder above a file in which something is.
fn nearest(file: &Path, is: fn(&Path) -> Option<PathBuf>) -> Option<&Path> {
    file.ancestors()
        .skip(1)
        .find(|folder| is(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).is_some())
}

fn kustomize(folder: Option<&Path>) -> String {
    format!("kubectl kustomize {}", named(folder))
}

fn helm(folder: Option<&Path>) -> String {
    format!("helm template {}", named(folder))
}

fn named(folder: Option<&Path>) -> String {
    match folder {
        None => "DIR".to_owned(),
        Some(folder) if folder.as_os_str().is_empty() => ".".to_owned(),
        Some(folder) => shown::word(&shown::path(folder)).into_owned(),
    }
}

/// The kustomizations that no other one is made from, and the charts.
fn roots(sources: &[PathBuf]) -> Vec<PathBuf> {
    let used: BTreeSet<PathBuf> = sources.iter().flat_map(|file| folders_in(file)).collect();
    let is_used = |file: &PathBuf| {
        file.parent().and_then(|folder| fs::canonicalize(folder).ok()).is_some_and(|folder| used.contains(&folder))
    };
    sources.iter().filter(|file| !is_used(file)).cloned().collect()
}

/// The folders that a kustomization takes something from.
fn folders_in(file: &Path) -> Vec<PathBuf> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let text = fs::read_to_string(file).unwrap_or_default();
    let Ok(read) = crate::yaml::parse(&text) else { return Vec::new() };
    let lists = ["resources", "bases", "components"].into_iter().filter_map(|key| read.get(key)?.as_array());
    let paths = lists.flatten().filter_map(crate::value::Value::as_str);
    paths.filter_map(|path| fs::canonicalize(folder.join(path)).ok()).filter(|path| path.is_dir()).collect()
}

/// A folder that is not looked into.
fn folder_of(file: &Path, command: &str) -> Broken {
    let folder = file.parent();
    let is_chart = file.file_name().is_some_and(|name| name == "Chart.yaml");
    let (by, build) = if is_chart { ("Helm", helm(folder)) } else { ("kustomize", kustomize(folder)) };
    let name = shown::path(file.strip_prefix(".").unwrap_or(file));
    let why = format!("{by} builds this folder, so it is not judged file by file: `{build} | knrender {command} -`");
    Broken { file: name.into(), line: 1, why, is: Is::Unreadable }
}
