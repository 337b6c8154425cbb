//! The clusters of `knrender.yaml`: one run over all of them, and one table at the end.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::value::Value;

use super::session::Session;
use super::{Format, General, RenderArgs, keeping, out_folder, plan, print, print_json, render, say, warn};
use crate::config::{Ask, Cluster, Config, HUB, Supply};
use crate::delivery::gitops::hub;
use crate::error::Error;
use crate::fargate::cost::Prices;
use crate::output::check as folder;
use crate::output::left_behind::LeftBehind;
use crate::output::{self, Files};
use crate::parallel;
use crate::rewrite::library;
use crate::upstream::catalog::Asset;
use crate::upstream::supply::{self, Input};

/// The clusters that `--only` names, or all of them.
pub(super) fn chosen<'c>(config: &'c Config, only: &[String]) -> Result<Vec<&'c Cluster>, Error> {
    if let Some(unknown) = only.iter().find(|name| !config.clusters.iter().any(|cluster| cluster.name == **name)) {
        let known: Vec<_> = config.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        return Err(Error::Usage(format!(
            "--only {unknown}: there is no such cluster in `clusters`; there are: {}",
            known.join(", ")
        )));
    }
    Ok(config.clusters.iter().filter(|cluster| only.is_empty() || only.contains(&cluster.name)).collect())
}

/// The folders of all clusters, as they are typed.
pub(super) fn folders(config: &Config) -> Vec<String> {
    let out = out_folder(None, config).unwrap_or_else(|| "out".into());
    let folder = |cluster: &Cluster| crate::shown::word(&crate::shown::path(&out.join(&cluster.name))).into_owned();
    config.clusters.iter().map(folder).collect()
}

/// That `--only` is said without clusters.
pub(super) fn none(only: &[String]) -> Result<(), Error> {
    match only.first() {
        None => Ok(()),
        Some(name) => {
            Err(Error::Usage(format!("--only {name} is about `clusters` in knrender.yaml, and there are none")))
        }
    }
}

/// The surroundings of one cluster: flags win over what the list says of it, and that over the rest of the file.
pub(super) fn session(
    cluster: &Cluster,
    config: &Config,
    flags: &Ask,
    supply: &Supply,
    general: &General,
    out: Option<&Path>,
) -> Result<Session, Error> {
    let ask = flags.clone().over(cluster.ask.clone());
    let ask = render::located(ask, &config.ask, out);
    let mut config = config.clone();
    config.images.extend(cluster.images.clone());
    Session::of(config, ask, supply.clone(), general)
}

/// What became of each cluster.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<(String, Result<String, Error>)>,
}

impl Table {
    /// Adds a cluster.
    pub(super) fn row(&mut self, name: &str, became: Result<String, Error>) {
        self.rows.push((name.to_owned(), became));
    }

    /// The reports by cluster; of one without a report, why there is none.
    fn to_json(&self, reports: &[(&str, String)]) -> Value {
        let mut all = crate::value::Map::new();
        for (name, became) in &self.rows {
            let report = reports.iter().find(|(of, _)| of == name);
            let report = report.and_then(|(_, report)| serde_json::from_str::<Value>(report).ok());
            let why = || became.as_ref().err().map(ToString::to_string).unwrap_or_default();
            all.insert(name.clone(), report.unwrap_or_else(|| crate::value::json!({"error": why()})));
        }
        crate::value::json!({"clusters": all})
    }

    /// Prints the table for people, and ends with the exit code of the worst. Several lines are cut to their first, except where
    /// a cluster failed.
    pub(super) fn end(self, findings: &str) -> Result<(), Error> {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, became) in &self.rows {
            let what = match became {
                Ok(what) => what.clone(),
                Err(error) => error.to_string().replace('\n', "\n    "),
            };
            let _ = writeln!(text, "  {name:<width$}  {what}");
        }
        say(&text);
        let all = self.rows.len();
        let failed: Vec<Error> = self.rows.into_iter().filter_map(|(_, became)| became.err()).collect();
        let count = failed.len();
        let Some(worst) = failed.into_iter().max_by_key(Error::exit_code) else { return Ok(()) };
        let said = format!("{count} of {all} clusters");
        Err(match worst {
            Error::Findings(_) => Error::Findings(format!("{said} {findings}")),
            other => match other.exit_code() {
                2 => Error::Usage(format!("{said} failed")),
                4 => Error::Write(format!("{said} failed")),
                _ => Error::Input(format!("{said} failed")),
            },
        })
    }
}

/// How the reports of many clusters become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    /// For people: one after the other, each below its folder.
    Text,
    /// Lines that stand for themselves.
    Lines,
    /// For a pull request: each below a heading.
    Markdown,
    /// `clusters`, by name.
    Json,
    /// A run for each cluster.
    Sarif,
    /// The suites of all.
    Junit,
}

/// Runs a command for the folder of each cluster: one report of all, and the table.
pub(super) fn each(
    config: &Config,
    only: &[String],
    how: Many,
    run: impl Fn(&Cluster, PathBuf) -> Result<(), Error>,
) -> Result<(), Error> {
    let out = out_folder(None, config).unwrap_or_else(|| "out".into());
    let mut table = Table::default();
    let mut reports: Vec<(&str, String)> = Vec::new();
    for cluster in chosen(config, only)? {
        let folder = out.join(&cluster.name);
        let shown = crate::shown::path(&folder);
        match how {
            Many::Text => print(format!("{shown}\n").as_bytes())?,
            Many::Markdown => print(format!("## {shown}\n\n").as_bytes())?,
            _ => {}
        }
        let mut one = || {
            if !folder.is_dir() {
                return Err(Error::Input(format!("{shown}: there is no such folder; `knrender` renders into it")));
            }
            if matches!(how, Many::Text | Many::Markdown | Many::Lines) {
                return run(cluster, folder.clone());
            }
            let (became, report) = keeping(|| run(cluster, folder.clone()));
            reports.push((cluster.name.as_str(), String::from_utf8_lossy(&report).into_owned()));
            became
        };
        table.row(&cluster.name, one().map(|()| "fine".to_owned()));
    }
    match how {
        Many::Text | Many::Markdown | Many::Lines => {}
        Many::Json => print_json(&table.to_json(&reports))?,
        Many::Sarif => print_json(&sarif(&reports))?,
        Many::Junit => print(junit(&reports).as_bytes())?,
    }
    table.end("have findings")
}

/// The logs of all clusters in one, each a run that bears its cluster's name.
fn sarif(reports: &[(&str, String)]) -> Value {
    let mut all = crate::value::json!({"version": "2.1.0", "runs": []});
    for (name, report) in reports {
        let Ok(mut log) = serde_json::from_str::<Value>(report) else { continue };
        all["$schema"] = log["$schema"].take();
        let Value::Array(runs) = log["runs"].take() else { continue };
        for mut run in runs {
            run["automationDetails"] = crate::value::json!({"id": format!("knrender/{name}/")});
            if let Value::Array(all) = &mut all["runs"] {
                all.push(run);
            }
        }
    }
    all
}

/// The suites of all clusters in one file.
fn junit(reports: &[(&str, String)]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (name, report) in reports {
        let suites = report.split_once("<testsuites>\n").and_then(|(_, rest)| rest.split_once("</testsuites>"));
        let Some((suites, _)) = suites else { continue };
        text.push_str(&suites.replace("<testsuite name=\"knrender ", &format!("<testsuite name=\"{name}: knrender ")));
    }
    text.push_str("</testsuites>\n");
    text
}

/// What rendering one cluster led to.
struct Done {
    name: String,
    became: Result<String, Error>,
    warnings: Vec<String>,
}

/// Renders all clusters. The bytes are had once, before anything is rendered; each cluster is then written whole or not at all.
pub(super) fn render(args: &RenderArgs, config: &Config) -> Result<(), Error> {
    let Some(out) = out_folder(args.out.clone(), config) else {
        return Err(Error::Usage(
            "clusters are rendered to folders: name the folder that they are in with --out, or `out` in knrender.yaml"
                .to_owned(),
        ));
    };
    let clusters = chosen(config, &args.only)?;
    let prices = plan::prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    let quiet = General { config: args.general.config.clone(), quiet: true };
    let open =
        |cluster: &&Cluster| session(cluster, config, &args.ask, &args.supply, &quiet, Some(&out.join(&cluster.name)));
    let mut sessions = Vec::new();
    for cluster in &clusters {
        let session = open(cluster).map_err(|error| naming(&cluster.name, error))?;
        session.ask.rules.iter().try_for_each(|dir| library::is_there(dir))?;
        sessions.push((*cluster, session));
    }
    let inputs = inputs(&mut sessions, args)?;
    let done = parallel::each(&sessions, |(cluster, session)| {
        one(args, cluster, session, &inputs, &prices, &out.join(&cluster.name))
    });
    if done.iter().all(|one| one.became.is_ok()) {
        hub(args, config, &sessions, &out)?;
    }
    report(args, config, &out, done)
}

/// What one engine on another cluster reads, beside the folders: of all clusters of the list, also where `--only` names some.
fn hub(args: &RenderArgs, config: &Config, sessions: &[(&Cluster, Session)], out: &Path) -> Result<(), Error> {
    let folder_of_it = out.join(HUB);
    if sessions.len() < config.clusters.len() {
        return Ok(());
    }
    let facts = sessions.iter().map(|(cluster, session)| (cluster.name.as_str(), &session.stack.facts));
    let files = hub::files(facts).map_err(Error::Usage)?;
    if files.is_empty() {
        return Ok(());
    }
    let files = Files::from(files);
    if !args.check {
        output::write(&folder_of_it, &files)?;
    } else if let Some(stale) = folder::check(&folder_of_it, &files)?.first() {
        let shown = crate::shown::path(&folder_of_it);
        return Err(Error::Findings(format!("{shown}: {} is not as rendered", stale.path)));
    }
    Ok(())
}

/// An error with the cluster that it is about, of the same exit code.
fn naming(name: &str, error: Error) -> Error {
    match error {
        Error::Stack(error) => Error::Usage(format!("cluster {name}: {error}")),
        other => other,
    }
}

/// The bytes of all clusters together, each asset once.
fn inputs(sessions: &mut [(&Cluster, Session)], args: &RenderArgs) -> Result<Vec<Input>, Error> {
    let mut assets: Vec<Asset> = Vec::new();
    for asset in sessions.iter().flat_map(|(_, session)| session.stack.assets()) {
        if !assets.contains(asset) {
            assets.push(asset.clone());
        }
    }
    let Some((_, first)) = sessions.first_mut() else { return Ok(Vec::new()) };
    let mut lock = std::mem::take(&mut first.lock);
    let mut warnings = Vec::new();
    let sources = first.sources()?;
    let locked_only = first.locked_only || args.check;
    let inputs = supply::supply(assets.iter(), &mut lock, &sources, &first.publishers(), locked_only, &mut warnings)?;
    warn(&warnings);
    if !args.check {
        for entry in render::commit(lock)? {
            say(&entry);
        }
    }
    Ok(inputs)
}

fn one(args: &RenderArgs, cluster: &Cluster, session: &Session, inputs: &[Input], prices: &Prices, out: &Path) -> Done {
    let mut warnings = Vec::new();
    let mut run = || -> Result<String, Error> {
        let sources = session.sources()?;
        let own =
            session.stack.assets().filter_map(|asset| inputs.iter().find(|i| i.asset == *asset)).cloned().collect();
        let render = render::of_inputs(session, own, prices, &sources)?;
        warnings.clone_from(&render.summary.warnings);
        let title = render.summary.title.clone();
        let left = LeftBehind::of(out, &render.provenance);
        if !left.is_empty() {
            warnings.push(left.to_line());
        }
        let files = Files::from(render.files);
        if args.check {
            let stale = folder::check(out, &files)?;
            return if stale.is_empty() {
                Ok("as rendered".to_owned())
            } else {
                let names: Vec<_> = stale.iter().take(3).map(|s| s.path.as_str()).collect();
                let more = if stale.len() > 3 { ", ..." } else { "" };
                let are = if stale.len() == 1 { "file is" } else { "files are" };
                Err(Error::Findings(format!("{} {are} not as rendered: {}{more}", stale.len(), names.join(", "))))
            };
        }
        let written = output::write(out, &files)?;
        let what = match (written.replaced.len(), written.removed.len()) {
            (0, 0) => "unchanged".to_owned(),
            (replaced, 0) => format!("{replaced} files written"),
            (replaced, removed) => format!("{replaced} files written, {removed} removed"),
        };
        Ok(format!("{what}; {title}"))
    };
    let became = run();
    Done { name: cluster.name.clone(), became, warnings }
}

fn report(args: &RenderArgs, config: &Config, out: &Path, done: Vec<Done>) -> Result<(), Error> {
    let shown = out.display().to_string();
    let shown = shown.trim_end_matches('/');
    // What many clusters are told is told once.
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for one in &done {
        for warning in &one.warnings {
            match told.iter_mut().find(|(said, _)| said == warning) {
                Some((_, names)) => names.push(one.name.clone()),
                None => told.push((warning.clone(), vec![one.name.clone()])),
            }
        }
    }
    for (warning, names) in &told {
        let whose = if names.len() == done.len() && names.len() > 1 {
            "all".to_owned()
        } else if names.len() > 5 {
            format!("{} clusters", names.len())
        } else {
            names.join(", ")
        };
        say(&format!("warning: {whose}: {warning}"));
    }
    for left in left_over(config, out) {
        say(&format!(
            "warning: {shown}/{left}/ is a render, and no cluster of that name is in the list; it stays until you delete it"
        ));
    }
    if args.format == Format::Json {
        let rows: Vec<_> = done
            .iter()
            .map(|one| {
                let (ok, what) = match &one.became {
                    Ok(what) => (true, what.clone()),
                    Err(error) => (false, error.to_string()),
                };
                crate::value::json!({"name": one.name, "out": format!("{shown}/{}", one.name), "ok": ok, "result": what, "warnings": one.warnings})
            })
            .collect();
        print(format!("{:#}\n", crate::value::json!({"out": shown, "clusters": rows})).as_bytes())?;
    }
    let mut table = Table::default();
    let quiet = args.general.quiet && done.iter().all(|one| one.became.is_ok());
    if quiet {
        return Ok(());
    }
    for one in done {
        table.row(&one.name, one.became);
    }
    table.end("are not as rendered")
}

/// Renders below the folder whose cluster is no longer in the list.
fn left_over(config: &Config, out: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(out) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_left = |name: &String| {
        name != HUB
            && !config.clusters.iter().any(|cluster| cluster.name == *name)
            && out.join(name).join("about/files.txt").is_file()
    };
    let mut left: Vec<String> = names.filter(is_left).collect();
    left.sort();
    left
}
