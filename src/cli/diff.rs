//! `knrender diff`: two sets of objects, by object and field, and what the differences mean.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, ValueEnum};

use super::render::{self, Made};
use super::session::Session;
use super::{General, fleet, inputs, out_folder, plan, print, revision, warn};
use crate::bill::Assumptions;
use crate::bill::compare::Comparison;
use crate::config::{Ask, Config, Supply};
use crate::diff::{Diff, DiffError, Side};
use crate::error::Error;
use crate::fargate::cost::Prices;
use crate::manifest::collection::Collection;
use crate::report::Provenance;

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct DiffArgs {
    /// What there is: a folder, a file, - for standard input, REVISION:FOLDER of git, or a stack to render, such as
    /// "--knative 1.22" [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "A", allow_hyphen_values = true)]
    before: Option<String>,
    /// What there would be, in the same ways [default: the stack of the flags and of knrender.yaml]
    #[arg(value_name = "B", allow_hyphen_values = true)]
    after: Option<String>,
    /// Of the clusters in knrender.yaml, this one alone; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    format: DiffFormat,
    /// Price list of your own, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
}

const HELP: &str = "\
knrender diff out --knative 1.22         what the upgrade changes
knrender diff HEAD~1:out out             what the last commit changed
knrender diff \"--knative 1.21\" \"--knative 1.22\"      a stack is one word, with spaces in it
Flags of \"What to render\" and knrender.yaml are the base of every stack that is rendered; nothing is written.
Exit codes: 0 the same; 1 different; 2 usage or configuration; 3 something could not be read.";

/// How a diff is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a comment on a pull request
    Markdown,
}

/// The flags of a stack that stands in the place of a folder.
#[derive(Debug, Parser)]
#[command(name = "knrender diff", no_binary_name = true, disable_help_flag = true)]
struct StackSide {
    #[command(flatten)]
    ask: Ask,
}

/// The arguments, with a stack that is one word and begins with `--flag=value` as one that begins with `--flag value`: clap would
/// take the rest of it for a part of the value.
pub(super) fn with_stacks(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_none_or(|command| command != "diff") {
        return arguments;
    }
    for argument in arguments.iter_mut().skip(2) {
        let stack = argument.to_str().filter(|text| text.starts_with("--") && text.contains(" --"));
        let is_joined = |(flag, _): &(&str, &str)| !flag.contains(' ');
        if let Some((flag, rest)) = stack.and_then(|text| text.split_once('=')).filter(is_joined) {
            *argument = format!("{flag} {rest}").into();
        }
    }
    arguments
}

pub(super) fn run(args: &DiffArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let prices = plan::prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    if !config.clusters.is_empty() && args.before.is_none() {
        return fleet(args, &config, &prices);
    }
    fleet::none(&args.only)?;
    let sides = Sides { config: &config, prices: &prices, args };
    let out = out_folder(None, &config).unwrap_or_else(|| "out".into()).display().to_string();
    let before = sides.read(args.before.as_deref().unwrap_or(&out))?;
    let after = match &args.after {
        Some(after) => sides.read(after)?,
        None => sides.rendered("the stack of the flags", Ask::default())?,
    };
    let diff = sides.diff(&before, &after)?;
    print(report(&diff, args.format).as_bytes())?;
    if diff.same {
        return Ok(());
    }
    let refused = if diff.is_refused() { "; not all of it can be applied as it is" } else { "" };
    Err(Error::Findings(format!("{} and {} differ: {}{refused}", diff.before, diff.after, counted(&diff))))
}

/// Every cluster of a fleet: its folder, and what would be rendered.
fn fleet(args: &DiffArgs, config: &Config, prices: &Prices) -> Result<(), Error> {
    let out = out_folder(None, config).unwrap_or_else(|| "out".into());
    let mut all = crate::value::Map::new();
    let mut text = String::new();
    let mut table = fleet::Table::default();
    for cluster in fleet::chosen(config, &args.only)? {
        let folder_of_it = out.join(&cluster.name);
        let shown = folder_of_it.display().to_string();
        let one = || -> Result<Diff, Error> {
            let general = General { config: args.general.config.clone(), quiet: true };
            let mut session = fleet::session(cluster, config, &args.ask, &args.supply, &general, Some(&folder_of_it))?;
            let Made { render, .. } = render::make(&mut session, prices, false)?;
            let after = side("rendered", inputs::of_render("rendered", &render.files), Some(render.provenance));
            with_money(&folder(&folder_of_it, &shown)?, &after, prices, config)
        };
        match one() {
            Ok(diff) => {
                let what = if diff.same { "the same".to_owned() } else { counted(&diff) };
                table.row(&cluster.name, if diff.same { Ok(what) } else { Err(Error::Findings(what)) });
                match args.format {
                    DiffFormat::Json => drop(all.insert(cluster.name.clone(), crate::value::json!(diff))),
                    _ if diff.same => {}
                    _ => text.push_str(&report(&diff, args.format)),
                }
            }
            Err(error) => table.row(&cluster.name, Err(error)),
        }
    }
    if args.format == DiffFormat::Json {
        text = format!("{:#}\n", crate::value::json!({"clusters": all}));
    }
    print(text.as_bytes())?;
    table.end("differ from what would be rendered")
}

/// `1 added, 10 changed`.
fn counted(diff: &Diff) -> String {
    let counts = [(diff.added.len(), "added"), (diff.removed.len(), "removed"), (diff.changed.len(), "changed")];
    let mut counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if !diff.folded.is_empty() {
        counts.push(format!("{} in labels with a version alone", diff.folded.len()));
    }
    counts.join(", ")
}

/// A diff as it is printed.
pub(super) fn report(diff: &Diff, format: DiffFormat) -> String {
    match format {
        DiffFormat::Text => diff.to_text(),
        DiffFormat::Json => format!("{:#}\n", crate::value::json!(diff)),
        DiffFormat::Markdown => diff.to_markdown(),
    }
}

impl From<DiffError> for Error {
    fn from(error: DiffError) -> Self {
        Error::Input(error.to_string())
    }
}

/// How sides come to be.
struct Sides<'a> {
    config: &'a Config,
    prices: &'a Prices,
    args: &'a DiffArgs,
}

impl Sides<'_> {
    fn read(&self, named: &str) -> Result<Side, Error> {
        if named != "-" && named.starts_with('-') {
            let words = named.split_whitespace();
            let stack = StackSide::try_parse_from(words).map_err(|e| {
                Error::Usage(format!("`{named}` is no stack to render: {}", first_line(&e.to_string())))
            })?;
            return self.rendered(named, stack.ask);
        }
        if named == "-" || Path::new(named).exists() {
            return folder(Path::new(named), named);
        }
        let Some((revision, path)) =
            named.split_once(':').filter(|(revision, path)| !revision.is_empty() && !path.is_empty())
        else {
            return Err(Error::Input(format!(
                "{named}: there is no such folder or file; it may also be REVISION:FOLDER of git, or a stack such as \
                 \"--knative 1.22\""
            )));
        };
        let place = revision::folder(revision, Path::new(path))?;
        folder(place.path(), named)
    }

    fn rendered(&self, name: &str, ask: Ask) -> Result<Side, Error> {
        let ask = ask.over(self.args.ask.clone());
        rendered(name, ask, &self.args.supply, &self.args.general, self.prices)
    }

    fn diff(&self, before: &Side, after: &Side) -> Result<Diff, Error> {
        with_money(before, after, self.prices, self.config)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("error: ")
}

/// What is in a folder, a file or on standard input, under the name that people gave it.
pub(super) fn folder(path: &Path, name: &str) -> Result<Side, Error> {
    let mut collection = inputs::read(&[path.to_owned()])?;
    let prefix = path.display().to_string();
    if prefix != name {
        for file in
            collection.objects.iter_mut().map(|o| &mut o.file).chain(collection.broken.iter_mut().map(|b| &mut b.file))
        {
            *file = file.replacen(&prefix, name, 1).into();
        }
    }
    inputs::broken(&collection)?;
    let provenance = if inputs::is_render(path) { Some(provenance(path, name)?) } else { None };
    Ok(side(name, collection, provenance))
}

/// What a render says about itself.
pub(super) fn provenance(folder: &Path, name: &str) -> Result<Provenance, Error> {
    let file = format!("{}/about/provenance.json", name.trim_end_matches('/'));
    let text = std::fs::read(folder.join("about/provenance.json")).map_err(|e| Error::Input(format!("{file}: {e}")))?;
    serde_json::from_slice(&text)
        .map_err(|e| Error::Input(format!("{file}: no provenance of a render: {e}; render again, or remove the file")))
}

/// A stack, rendered and not written.
pub(super) fn rendered(
    name: &str,
    ask: Ask,
    supply: &Supply,
    general: &General,
    prices: &Prices,
) -> Result<Side, Error> {
    let general = General { config: general.config.clone(), quiet: true };
    let mut session = Session::open(ask, supply.clone(), &general)?;
    let Made { render, warnings, .. } = render::make(&mut session, prices, false)?;
    warn(&warnings);
    Ok(side(name, inputs::of_render(name, &render.files), Some(render.provenance)))
}

fn side(name: &str, collection: Collection, provenance: Option<Provenance>) -> Side {
    Side { name: name.trim_end_matches('/').to_owned(), objects: collection.objects, provenance }
}

/// The difference, with what it means in money where the price list has the region. The demos in a render are no part of it.
pub(super) fn with_money(before: &Side, after: &Side, prices: &Prices, config: &Config) -> Result<Diff, Error> {
    let mut diff = Diff::of(before, after)?;
    let bill = |side: &Side| {
        let is_demo = |group: &str| side.provenance.is_some() && group == "serving.knative.dev";
        let objects: Vec<_> = side.objects.iter().filter(|o| !is_demo(&o.identity.group)).cloned().collect();
        plan::bill(&objects, side.provenance.as_ref(), prices, &Assumptions::default(), config)
    };
    if let (false, Ok(was), Ok(is)) = (diff.same, bill(before), bill(after)) {
        diff.money = Some(Comparison::of(&before.name, &was, &is));
    }
    Ok(diff)
}
