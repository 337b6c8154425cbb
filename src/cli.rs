//! The command line: flags in, exit code out. Manifests and JSON go to standard output, everything said to people to
//! standard error.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::config::{Ask, Config, Supply};
use crate::error::Error;
use crate::kubernetes::Version;
use crate::{regular, shown};

mod app;
mod cache;
mod check;
mod diff;
mod doctor;
mod explain;
mod findings;
mod fleet;
mod images;
mod init;
mod inputs;
mod judge;
mod lint;
mod man;
mod newer;
mod plan;
mod policy;
mod prices;
mod progress;
mod render;
mod report;
mod revision;
mod schema;
mod session;
mod simulate;
mod topics;
mod upgrade;
mod upstream;
mod validate;
mod verify;
mod version;

/// Renders Knative for AWS EKS Fargate from pinned upstream releases.
///
/// Without a command it renders: to --out, a folder that `kubectl apply -f` takes, or else to standard output.
#[derive(Debug, Parser)]
#[command(name = "knrender", version, long_version = version::long(), args_conflicts_with_subcommands = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    render: RenderArgs,
}

const EXIT_CODES: &str = "\
Flags of \"What to render\" and \"Where bytes come from\" are also keys of knrender.yaml; flags win.
Environment: KNRENDER_MIRROR, KNRENDER_CACHE (the cache folder), HTTPS_PROXY, NO_PROXY.
Topics: knrender help first-render, knrender help ci, knrender help own-rules.
Exit codes: 0 fine; 1 findings; 2 usage or configuration; 3 input or fetch; 4 output not written.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Render a stack (the default)
    Render(RenderArgs),
    /// What each pod becomes on Fargate, and the whole bill
    Plan(Box<plan::PlanArgs>),
    /// Make a price list from AWS's own, for --prices
    Prices(prices::PricesArgs),
    /// What is different between two renders, folders or revisions, and what it means
    Diff(Box<diff::DiffArgs>),
    /// The steps from what is rendered to a newer Knative, each with what it changes
    Upgrade(Box<upgrade::UpgradeArgs>),
    /// The cluster beside the render: what is missing, differs, is left over or unhealthy
    Doctor(Box<doctor::DoctorArgs>),
    /// Say what was done to an object of the last render, by which rule, why, with the source
    Explain(ExplainArgs),
    /// Hold manifests against what Fargate and Knative behind an ALB need
    Lint(Box<LintArgs>),
    /// Hold manifests against what a Kubernetes API server takes, without one
    Validate(Box<ValidateArgs>),
    /// Every container image of manifests: where it is used, whether it moves, who resolves its tag
    Images(images::ImagesArgs),
    /// One HTML page: the way of a request, the objects and what was done to them, the bill, findings
    Report(Box<report::ReportArgs>),
    /// What a Service will feel like and cost under some traffic, before it is deployed
    Simulate(Box<simulate::SimulateArgs>),
    /// The lints as admission policies, for the cluster itself to judge by
    Policy(policy::PolicyArgs),
    /// What exists upstream, and which bytes renders are held to
    #[command(subcommand)]
    Upstream(UpstreamCommand),
    /// Write a commented knrender.yaml, from flags and a few questions
    Init(Box<init::InitArgs>),
    /// Write a Knative Service that fits Fargate, and say what becomes of it
    App(Box<app::AppArgs>),
    /// Print the JSON Schema of knrender.yaml, of rules, of price lists, or of a report
    Schema(schema::SchemaArgs),
    /// Write man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        dir: PathBuf,
    },
    #[command(flatten)]
    Topic(topics::Topic),
    /// Say what the cache of upstream files holds, and clear it
    Cache(CacheArgs),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `knrender` and `knrender render`.
#[derive(Args, Debug)]
struct RenderArgs {
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
    /// Folder to write [default: the manifests go to standard output]
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Write nothing; say in which way the folder is not what would be written, and end with 1 when it is not
    #[arg(long, help_heading = "Output")]
    check: bool,
    /// Of the clusters in knrender.yaml, this one alone; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    only: Vec<String>,
    /// Price list of your own for about/plan.txt, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    prices: Option<PathBuf>,
    /// How to report: json puts provenance and summary on standard output
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true, help_heading = "Output")]
    format: Format,
}

/// What every command takes.
#[derive(Args, Debug)]
struct General {
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    config: Option<PathBuf>,
    /// Say nothing but warnings and errors
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Args, Debug)]
struct ExplainArgs {
    /// `Kind[.group]/[NAMESPACE/]NAME`; all that was touched when left out
    object: Option<String>,
    /// The folder that was rendered [default: `out` of knrender.yaml, else out]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = LINT_CODES)]
struct LintArgs {
    #[command(flatten)]
    judge: judge::JudgeArgs,
}

const LINT_CODES: &str = "\
Fargate profiles come from an eksctl ClusterConfig among the inputs, or from `fargate-profiles` in knrender.yaml.
Exit codes: 0 no error; 1 errors, and warnings with --strict; 2 usage or configuration;
3 something could not be read, and the rest was judged; 4 the baseline is not written.";

#[derive(Args, Clone, Debug)]
#[command(after_help = VALIDATE_EXIT)]
struct ValidateArgs {
    #[command(flatten)]
    judge: judge::JudgeArgs,
    /// The Kubernetes version [default: `kubernetes` of knrender.yaml, else the newest of EKS]
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<Version>,
    /// File or folder with CRDs that are not among the inputs; may be repeated [default: `crds` of knrender.yaml]
    #[arg(long, value_name = "DIR|FILE")]
    crds: Vec<PathBuf>,
}

const VALIDATE_EXIT: &str = "\
An error is what `kubectl apply --dry-run=server` refuses. Custom resources are held against the CRDs among the inputs and in --crds.
In a folder that is a render, a reference to what is not in it is an error; elsewhere it is a note.
Exit codes: 0 no error; 1 errors, and warnings with --strict; 2 usage or configuration;
3 something could not be read, and the rest was judged; 4 the baseline is not written.";

#[derive(Args, Debug)]
struct CacheArgs {
    /// Remove what the cache holds; the next render fetches again
    #[arg(long)]
    clear: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How to report findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
    #[allow(clippy::doc_markdown)] // help text
    /// JUnit's XML, as GitLab shows it
    Junit,
}

#[derive(Debug, Subcommand)]
enum UpstreamCommand {
    /// List components, versions and assets of the catalog
    List {
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Configuration file, which may name a catalog of your own [default: knrender.yaml, where there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Put the digests of the stack's versions that the catalog does not list into knrender.lock
    Lock(StackArgs),
    /// Compare the stack's digests with the lists that publishers sign
    Verify(StackArgs),
    /// What is newer than the catalog, from the publishers' feeds of releases
    Outdated(newer::OutdatedArgs),
    /// Put a version with its digests into a catalog of your own
    Add(newer::AddArgs),
    /// Fetch the stack's assets into the cache
    Fetch(StackArgs),
    /// Fill a folder that --mirror takes, for machines without a network
    Mirror {
        /// The folder
        dir: PathBuf,
        /// Everything the catalog knows, not only this stack
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        stack: StackArgs,
    },
}

/// A stack, for the commands that fetch.
#[derive(Args, Debug)]
struct StackArgs {
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
}

impl Cli {
    /// Reads the command line; help, and what is wrong with it, is said here.
    ///
    /// # Errors
    /// With the exit code, when there is nothing left to run.
    pub fn read() -> Result<Cli, u8> {
        let arguments: Vec<OsString> = diff::with_stacks(std::env::args_os().collect());
        if let Some(version) = version::asked(&arguments) {
            return Err(print(version.as_bytes()).err().map_or(0, |error| error.exit_code()));
        }
        Cli::try_parse_from(arguments).map_err(|mut error| {
            topics::suggest(&mut error);
            let plain = error.render().to_string();
            let said = shown::spelt(&plain, std::env::args_os());
            if shown::text(&said) != plain {
                say(&said);
            } else if error.print().is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe) {
                return Error::Write(String::new()).exit_code();
            }
            u8::try_from(error.exit_code()).unwrap_or(2)
        })
    }

    /// Runs the command.
    pub fn run(self) -> Result<(), Error> {
        match self.command {
            None => render::run(self.render),
            Some(Command::Render(args)) => render::run(args),
            Some(Command::Plan(args)) => plan::run(&args),
            Some(Command::Policy(args)) => policy::run(&args),
            Some(Command::Prices(args)) => prices::run(&args),
            Some(Command::Diff(args)) => diff::run(&args),
            Some(Command::Upgrade(args)) => upgrade::run(&args),
            Some(Command::Doctor(args)) => doctor::run(&args),
            Some(Command::Explain(args)) => explain::run(&args),
            Some(Command::Lint(args)) => lint::run(&args),
            Some(Command::Validate(args)) => validate::run(&args),
            Some(Command::Images(args)) => images::run(args),
            Some(Command::Report(args)) => report::run(&args),
            Some(Command::Simulate(args)) => simulate::run(&args),
            Some(Command::Upstream(command)) => upstream::run(command),
            Some(Command::Schema(args)) => schema::run(&args),
            Some(Command::Man { dir }) => man::run(&dir),
            Some(Command::Topic(topic)) => topics::run(topic),
            Some(Command::Init(args)) => init::run(&args),
            Some(Command::App(args)) => app::run(*args),
            Some(Command::Cache(args)) => cache::run(&args),
            Some(Command::Completions { shell }) => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "knrender", &mut script);
                print(&script)
            }
        }
    }
}

thread_local! {
    /// What is kept instead of being written to standard output.
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Does something, and keeps what it would have written to standard output: one report of several.
fn keeping<T>(work: impl FnOnce() -> T) -> (T, Vec<u8>) {
    KEPT.with(|kept| kept.replace(Some(Vec::new())));
    let done = work();
    (done, KEPT.with(RefCell::take).unwrap_or_default())
}

/// Writes to standard output. A reader that went away (`| head`) is no error.
fn print(bytes: &[u8]) -> Result<(), Error> {
    let is_kept = KEPT.with(|kept| kept.borrow_mut().as_mut().map(|kept| kept.extend_from_slice(bytes)).is_some());
    if is_kept {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write(format!("standard output cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a report for people to standard output.
fn print_text(text: &str) -> Result<(), Error> {
    print(shown::text(text).as_bytes())
}

/// Writes a report for programs to standard output.
fn print_json(report: &crate::value::Value) -> Result<(), Error> {
    print(shown::json(&format!("{report:#}\n")).as_bytes())
}

/// Writes a file that a flag names, whole or not at all.
fn write_file(flag: &str, file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unwritable = |why| Error::Write(format!("{flag} {}: cannot be written: {why}", shown::path(file)));
    regular::write_whole(file, bytes).map_err(unwritable)
}

/// Writes lines for people to standard error.
fn say(text: &str) {
    // There is nobody left to tell when this fails.
    let _ = writeln!(io::stderr().lock(), "{}", shown::text(text.trim_end()));
}

/// Writes warnings, a line each, to standard error.
fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&shown::line(&format!("warning: {warning}")));
    }
}

/// The folder that `--out` or the configuration names.
fn out_folder(flag: Option<PathBuf>, config: &Config) -> Option<PathBuf> {
    flag.or_else(|| config.out.clone())
}

/// The folder of a render, for what looks at one alone; of a fleet, that of the cluster that `--out` names.
fn one_folder(flag: Option<PathBuf>, config: &Config) -> Result<PathBuf, Error> {
    let named = flag.is_some();
    let out = out_folder(flag, config).unwrap_or_else(|| "out".into());
    if named || config.clusters.is_empty() {
        return Ok(out);
    }
    let folder = |name: &str| crate::shown::word(&crate::shown::path(&out.join(name))).into_owned();
    let folders: Vec<String> =
        config.clusters.iter().map(|cluster| format!("--out {}", folder(&cluster.name))).collect();
    Err(Error::Usage(format!(
        "knrender.yaml names {} clusters; look at one of them: {}",
        folders.len(),
        folders.join(", ")
    )))
}
