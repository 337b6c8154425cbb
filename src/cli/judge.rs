//! The way into `lint` and `validate`, which differ in what they judge by and in nothing else: what is read, what counts, and
//! how it is said.

use std::mem;
use std::path::PathBuf;

use clap::Args;

use super::findings::{self, Report};
use super::fleet::Many;
use super::{LintFormat, fleet, inputs, say};
use crate::config::Config;
use crate::error::Error;
use crate::findings::Finding;
use crate::findings::allow::Allowance;
use crate::findings::page::{Book, Pages};
use crate::manifest::collection::Collection;

mod build;
mod changed;
pub(super) mod crds;
pub(super) mod known;

/// What `lint` and `validate` are asked in the same way.
#[derive(Args, Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "flags")]
pub(super) struct JudgeArgs {
    /// Files and folders, all read as one set; - is standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) build: build::Build,
    /// Of the clusters in knrender.yaml, this one alone; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) only: Vec<String>,
    /// Warnings fail too
    #[arg(long)]
    pub(super) strict: bool,
    /// Accept a finding, of one object or of all; may be repeated (knrender.yaml: `allow`, with the reason)
    #[arg(long, value_name = "CODE[=OBJECT]")]
    pub(super) allow: Vec<String>,
    /// Accept what was found before: a report of `--format json`, or what --write-baseline wrote. Only what is new counts
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Accept all that is found now, by writing it to a file for --baseline
    #[arg(long, value_name = "FILE")]
    pub(super) write_baseline: Option<PathBuf>,
    /// Only what is found in files that changed in git since a revision counts; all are read
    #[arg(long, value_name = "REVISION")]
    pub(super) changed_since: Option<String>,
    /// Say how often each thing was found and what was not judged, in place of the findings
    #[arg(long)]
    pub(super) summary: bool,
    /// Print the page of one thing that can be found
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "list"])]
    pub(super) explain: Option<String>,
    /// List what can be found
    #[arg(long, conflicts_with = "paths")]
    pub(super) list: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub(super) format: LintFormat,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The report alone, without what is said beside it, such as for which Kubernetes
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// All that a judge is given.
pub(super) struct Asked<'a> {
    pub(super) config: &'a Config,
    pub(super) allowances: &'a [Allowance],
    /// Where the objects come from.
    pub(super) paths: &'a [PathBuf],
    pub(super) collection: &'a mut Collection,
}

/// What a judge finds.
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// What is said to people after the report.
    pub(super) after: Option<String>,
}

/// Reads what there is to judge, and reports what `judge` finds.
pub(super) fn run(
    args: &JudgeArgs,
    book: Book,
    judge: impl Fn(&mut Asked<'_>) -> Result<Judged, Error>,
) -> Result<(), Error> {
    let pages = Pages::embedded(book).map_err(Error::Input)?;
    if args.list {
        return findings::list(&pages, args.format);
    }
    if let Some(code) = &args.explain {
        let page = pages.of(code).ok_or_else(|| Error::Usage(pages.unknown(code)))?;
        return findings::explain(page, args.format);
    }
    if args.summary && !matches!(args.format, LintFormat::Text | LintFormat::Json) {
        return Err(Error::Usage("--summary reports as text or json".to_owned()));
    }
    let config = Config::read(args.config.as_deref())?;
    let allowances = findings::allowances(&args.allow, args.config.as_deref(), &config, &pages)?;
    let before = args.baseline.as_deref().map(known::read).transpose()?;
    args.write_baseline.as_deref().map(known::may_write).transpose()?;
    let session = Session { args, pages, config, allowances, before, judge };
    let is_built = !args.build.is_empty();
    if config_has_clusters(&session.config, args, is_built)? {
        let how = match args.format {
            LintFormat::Text => Many::Text,
            LintFormat::Github => Many::Lines,
            LintFormat::Json => Many::Json,
            LintFormat::Sarif => Many::Sarif,
            LintFormat::Junit => Many::Junit,
        };
        return fleet::each(&session.config, &args.only, how, |cluster, folder| {
            session.of(&session.config.of_cluster(cluster), &[folder])
        });
    }
    let paths =
        if is_built && args.paths.is_empty() { Vec::new() } else { inputs::or_rendered(&args.paths, &session.config)? };
    session.of(&session.config, &paths)
}

/// Whether the folders of all clusters are asked for.
fn config_has_clusters(config: &Config, args: &JudgeArgs, is_built: bool) -> Result<bool, Error> {
    if config.clusters.is_empty() {
        return fleet::none(&args.only).map(|()| false);
    }
    if is_built || !args.paths.is_empty() {
        return match args.only.first() {
            None => Ok(false),
            Some(name) => {
                Err(Error::Usage(format!("--only {name} is about the folders of clusters; leave out the paths")))
            }
        };
    }
    if args.write_baseline.is_some() && fleet::chosen(config, &args.only)?.len() > 1 {
        return Err(Error::Usage(
            "--write-baseline is of one cluster: name it with --only NAME, or name the folder".to_owned(),
        ));
    }
    Ok(true)
}

struct Session<'a, J> {
    args: &'a JudgeArgs,
    pages: Pages,
    config: Config,
    allowances: Vec<Allowance>,
    before: Option<known::Before>,
    judge: J,
}

impl<J: Fn(&mut Asked<'_>) -> Result<Judged, Error>> Session<'_, J> {
    /// Judges what is at some paths, as one set.
    fn of(&self, config: &Config, paths: &[PathBuf]) -> Result<(), Error> {
        let Session { args, pages, allowances, before, judge, .. } = self;
        let changed = args.changed_since.as_deref().map(|revision| changed::since(revision, paths)).transpose()?;
        let mut collection = build::collection(&args.build, paths, pages.command())?;
        let mut asked = Asked { config, allowances, paths, collection: &mut collection };
        let Judged { mut findings, after } = judge(&mut asked)?;
        if let Some(changed) = changed {
            changed.mark(&mut findings);
        }
        let gone = before.as_ref().map(|before| before.mark(&mut findings)).unwrap_or_default();
        if let Some(file) = &args.write_baseline {
            known::write(file, &mut findings, args.baseline.as_deref())?;
        }
        let lines = findings::Lines::of(&mut findings, &collection);
        let report = Report { pages, findings: &findings, collection: &collection, lines: &lines, gone: &gone };
        let said = report.print(args.format, args.strict, args.summary);
        if let Some(after) = after.filter(|_| args.format == LintFormat::Text && !args.quiet) {
            say(&after);
        }
        if self.config.clusters.is_empty() {
            // Nothing comes after this, and to take all of it apart would take longer than many a check.
            mem::forget((collection, findings, lines));
        }
        said
    }
}
