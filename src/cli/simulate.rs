//! `knrender simulate`: what a Service will feel like and cost under some traffic.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Format, inputs, plan, print, say, write_file};
use crate::config::Config;
use crate::error::Error;
use crate::images::pull;
use crate::manifest::collection::Collection;
use crate::page::Simulation;
use crate::simulate::chart;
use crate::simulate::knobs::check_setting;
use crate::simulate::log::{Notes, Reader};
use crate::simulate::phases::{Phases, Plan};
use crate::simulate::random::Spread;
use crate::simulate::report::Report;
use crate::simulate::service::{Price, Service};
use crate::simulate::sweep::{Goal, Grid, Sweep};
use crate::simulate::traffic::Held;
use crate::simulate::{Conditions, Engine, Knobs, Outcome, Source, Start};
use crate::upstream::lock::Lock;

#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// The Knative Service, and `ConfigMap`s beside it; - is standard input [default: Knative's defaults]
    #[arg(value_name = "SERVICE.yaml")]
    paths: Vec<PathBuf>,
    /// Phases joined by commas, as rate:10:60,pause:300,spike:100; or a CSV, an ALB access log (also gzip), a folder of them
    #[arg(long, value_name = "FILE|PHASES", help_heading = "Traffic")]
    traffic: String,
    /// How long the app works on a request, in seconds: 0.3, 0.1-0.5, or p50=0.2,p95=1 [default: what the file says, else 0.1]
    #[arg(long, value_name = "SECONDS", help_heading = "Traffic")]
    service_time: Option<Spread>,
    /// Only requests for this host, of an ALB access log
    #[arg(long, value_name = "HOST", help_heading = "Traffic")]
    host: Option<String>,
    /// Where chance starts: the same seed gives the same run
    #[arg(long, value_name = "NUMBER", default_value_t = 1, help_heading = "Traffic")]
    seed: u64,
    /// From a pod's creation to the start of its processes, in seconds: 60, 30-90, or p50=50,p95=80 [default: 60, of the 30 to
    /// 90 that Fargate takes]
    #[arg(long, value_name = "SECONDS", help_heading = "Pods")]
    cold_start: Option<Spread>,
    /// From the start of its processes until the app listens, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", help_heading = "Pods")]
    app_start: Spread,
    /// Adds the time to pull an image of this size, as 800Mi, at 50 MB a second
    #[arg(long, value_name = "SIZE", help_heading = "Pods")]
    image_size: Option<String>,
    /// What was before: a Service that stands ready without requests, or one that is deployed at this moment
    #[arg(long, value_enum, default_value_t = From::Idle, help_heading = "Pods")]
    from: From,
    /// Which Service, where there are several
    #[arg(long, value_name = "NAME", help_heading = "Scaling")]
    service: Option<String>,
    /// Annotation of the revision over what the Service has, as target=10 or min-scale=1; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Scaling")]
    annotation: Vec<String>,
    /// How many requests a pod takes at a time (containerConcurrency), over what the Service has
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=1000), help_heading = "Scaling")]
    concurrency: Option<u32>,
    /// How many activators there are [default: those of the render, else 2]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Scaling")]
    activators: Option<u16>,
    /// Tries many settings, and shows those that are worth their price. Annotations with values, as
    /// --sweep=min-scale=0/1/2,target=10/20 [default: min-scale, retention and utilisation]
    #[arg(long, value_name = "GRID", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Advice")]
    sweep: Option<Grid>,
    /// What is to be met at the least price, as p99<2s, max<90s, cold<1% or failed<0.1% (with --sweep)
    #[arg(long, value_name = "GOAL", help_heading = "Advice")]
    goal: Option<Goal>,
    /// Draws requests, pods and latency over time, as SVG; with --sweep, price against latency
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    svg: Option<PathBuf>,
    /// AWS region, for the prices [default: `region` of knrender.yaml]
    #[arg(long, value_name = "REGION", help_heading = "Output")]
    region: Option<String>,
    /// Price list of your own, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    prices: Option<PathBuf>,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    config: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
}

/// What was before the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// A Service that stands ready without requests
    Idle,
    /// One that is deployed at this moment
    Deployed,
}

/// Typical of what was heard of Fargate (F27: 30 to 45 s for the node, and the pull of the image).
const COLD_START: f64 = 60.0;
/// The largest image: a Fargate pod has 200 GB of disk at most.
const MOST_PULLED: i128 = 1 << 40;
/// What an app takes where nobody says, in seconds.
const SERVICE_TIME: f64 = 0.1;

/// A simulation, and what it was made of.
pub(super) struct Run {
    service: String,
    traffic: String,
    cold_start: String,
    service_time: String,
    knobs: Knobs,
    outcome: Outcome,
    price: Price,
    notes: Vec<String>,
    sweep: Option<Sweep>,
}

impl Run {
    pub(super) fn of(args: &SimulateArgs) -> Result<Run, Error> {
        if args.goal.is_some() && args.sweep.is_none() {
            return Err(Error::Usage("--goal is what --sweep looks for: add --sweep".to_owned()));
        }
        let config = Config::read(args.config.as_deref())?;
        let mut service = service(args, &config)?;
        let as_it_stands = service.knobs().is_ok();
        flags(args, &mut service)?;
        let prices = plan::prices(args.prices.as_deref().or(config.prices.as_deref()))?;
        let region = args.region.as_deref().or(config.ask.region.as_deref());
        prices.tariff(region).map_err(|e| Error::Usage(e.to_string()))?;
        let price = service.price(&prices, region).map_err(Error::Input)?;
        let knobs = service.knobs().map_err(if as_it_stands { Error::Usage } else { Error::Input })?;
        let traffic = Traffic::of(args)?;
        let mut conditions = conditions(args)?;
        let pulled = add_pull(args, &config, &service, &mut conditions)?;
        let (outcome, seen, says_durations) = traffic.run(&knobs, &conditions)?;
        let sweep = match &args.sweep {
            None => None,
            Some(grid) => {
                let goal = args.goal.unwrap_or_default();
                Some(Sweep::run(&service, &price, &traffic.hold()?, &conditions, grid, goal).map_err(Error::Input)?)
            }
        };
        let mut notes = std::mem::take(&mut service.notes);
        notes.extend(seen.to_lines());
        notes.extend(pulled);
        if args.cold_start.is_none() {
            notes.push(format!(
                "a pod is taken to start in {COLD_START} s, of the 30 to 90 that are heard of Fargate (medium confidence); measure \
                 yours and give it with --cold-start"
            ));
        }
        let service_time =
            if says_durations { "as the file says".to_owned() } else { conditions.service_time.to_string() };
        Ok(Run {
            service: service.name,
            traffic: args.traffic.clone(),
            cold_start: conditions.cold_start.to_string(),
            service_time,
            knobs,
            outcome,
            price,
            notes,
            sweep,
        })
    }

    fn report(&self) -> Report<'_> {
        Report {
            service: &self.service,
            traffic: &self.traffic,
            cold_start: self.cold_start.clone(),
            service_time: self.service_time.clone(),
            knobs: &self.knobs,
            outcome: &self.outcome,
            price: &self.price,
            notes: self.notes.clone(),
        }
    }

    fn curves(&self) -> String {
        chart::svg(&self.outcome, &format!("{} under {}", self.service, self.traffic), "run")
    }

    fn frontier(&self) -> Option<String> {
        let sweep = self.sweep.as_ref()?;
        Some(chart::frontier(sweep, &format!("{}: price and latency", self.service), "frontier"))
    }

    fn text(&self, blocks: bool) -> String {
        let mut text = self.report().to_text();
        if blocks {
            text = text + "\n" + &chart::blocks(&self.outcome);
        }
        text + &self.sweep.as_ref().map(Sweep::to_text).unwrap_or_default()
    }

    /// What a page shows of it.
    pub(super) fn for_page(&self) -> Simulation {
        Simulation { text: self.text(false), curves: self.curves(), frontier: self.frontier() }
    }
}

pub(super) fn run(args: &SimulateArgs) -> Result<(), Error> {
    let run = Run::of(args)?;
    if let Some(file) = &args.svg {
        let drawn = run.frontier().unwrap_or_else(|| run.curves());
        write_file("--svg", file, drawn.as_bytes())?;
    }
    match args.format {
        Format::Text => print(run.text(true).as_bytes())?,
        Format::Json => {
            let mut value = run.report().to_json();
            if let Some(sweep) = &run.sweep {
                value["sweep"] = sweep.to_json();
            }
            print(format!("{value}\n").as_bytes())?;
        }
    }
    if run.sweep.as_ref().is_some_and(Sweep::misses) {
        return Err(Error::Findings("no setting meets the goal; try more of them with --sweep=GRID".to_owned()));
    }
    Ok(())
}

impl SimulateArgs {
    /// What `report` asks for; the rest as it is by default.
    pub(super) fn for_report(traffic: &str, app: Option<PathBuf>, region: Option<String>) -> SimulateArgs {
        SimulateArgs {
            paths: app.into_iter().collect(),
            traffic: traffic.to_owned(),
            service_time: None,
            host: None,
            seed: 1,
            cold_start: None,
            app_start: Spread::Always(0.0),
            image_size: None,
            from: From::Idle,
            service: None,
            annotation: Vec::new(),
            concurrency: None,
            activators: None,
            sweep: None,
            goal: None,
            svg: None,
            region,
            prices: None,
            config: None,
            format: Format::Text,
        }
    }

    pub(super) fn with_times(self, cold_start: Option<Spread>, service_time: Option<Spread>) -> SimulateArgs {
        SimulateArgs { service_time, cold_start, ..self }
    }

    pub(super) fn with_sweep(self, sweep: Option<Grid>, goal: Option<Goal>) -> SimulateArgs {
        SimulateArgs { sweep, goal, ..self }
    }

    pub(super) fn with_files(self, prices: Option<PathBuf>, config: Option<PathBuf>) -> SimulateArgs {
        SimulateArgs { prices, config, ..self }
    }
}

/// The Service.
fn service(args: &SimulateArgs, config: &Config) -> Result<Service, Error> {
    if let Some(name) = args.service.as_ref().filter(|_| args.paths.is_empty()) {
        return Err(Error::Usage(format!(
            "--service {name} chooses among the Services of manifests: name a file or folder"
        )));
    }
    let objects = if args.paths.is_empty() { Collection::default() } else { inputs::read(&args.paths)? };
    inputs::broken(&objects)?;
    let out = super::out_folder(None, config).unwrap_or_else(|| "out".into());
    let around = if inputs::is_render(&out) { inputs::read(&[out])? } else { Collection::default() };
    let asked = !args.paths.is_empty();
    let service = Service::among(&objects, asked, args.service.as_deref(), &around).map_err(Error::Input)?;
    if !around.objects.is_empty() {
        say("with the ConfigMaps, the activators and the ALB of the render");
    }
    Ok(service)
}

/// What flags say about the Service.
fn flags(args: &SimulateArgs, service: &mut Service) -> Result<(), Error> {
    for annotation in &args.annotation {
        let (key, value) = annotation
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("--annotation {annotation}: this is no KEY=VALUE, as target=10")))?;
        check_setting(key.trim()).map_err(|why| Error::Usage(format!("--annotation {annotation}: {why}")))?;
        service.annotate(key.trim(), value.trim());
    }
    if let Some(concurrency) = args.concurrency {
        service.set_concurrency(concurrency);
    }
    if let Some(activators) = args.activators {
        service.set_activators(activators.into());
    }
    Ok(())
}

/// Where requests come from.
enum Traffic {
    Phases(Plan),
    File { path: PathBuf, host: Option<String>, with_durations: bool },
}

impl Traffic {
    fn of(args: &SimulateArgs) -> Result<Traffic, Error> {
        let traffic = Traffic::named(args)?;
        if let (Traffic::Phases(_), Some(host)) = (&traffic, &args.host) {
            return Err(Error::Usage(format!(
                "--host {host} is about the requests of an ALB access log, and --traffic gives phases"
            )));
        }
        Ok(traffic)
    }

    fn named(args: &SimulateArgs) -> Result<Traffic, Error> {
        let path = Path::new(&args.traffic);
        if args.traffic != "-" && !path.exists() {
            let is_file =
                !Plan::is_meant(&args.traffic) && (args.traffic.contains(['/', '.']) || !args.traffic.contains(':'));
            if is_file {
                return Err(Error::Input(format!(
                    "--traffic {}: there is no such file, and these are no phases",
                    args.traffic
                )));
            }
            return Plan::parse(&args.traffic).map(Traffic::Phases).map_err(Error::Usage);
        }
        if Plan::is_meant(&args.traffic) {
            return Plan::parse(&args.traffic).map(Traffic::Phases).map_err(Error::Usage);
        }
        Ok(Traffic::File {
            path: path.to_owned(),
            host: args.host.clone(),
            with_durations: args.service_time.is_none(),
        })
    }

    fn open(path: &Path, host: Option<&str>, with_durations: bool) -> Result<Reader, Error> {
        let mut reader = Reader::open(path, host).map_err(Error::Input)?;
        reader.with_durations = with_durations;
        Ok(reader)
    }

    /// Simulates it once; what comes from a file is read as it is needed. Also whether the file said how long requests took.
    fn run(&self, knobs: &Knobs, conditions: &Conditions) -> Result<(Outcome, Notes, bool), Error> {
        match self {
            Traffic::Phases(plan) => {
                let at_a_time = f64::from(knobs.container_concurrency) * f64::from(knobs.max_scale);
                let at_a_time = if at_a_time > 0.0 { at_a_time } else { f64::INFINITY };
                plan.within(conditions.service_time.usual(), at_a_time).map_err(Error::Usage)?;
                let outcome = Engine::new(knobs, conditions, Phases::new(plan, conditions.seed)).run();
                Ok((outcome.map_err(Error::Input)?, Notes::default(), false))
            }
            Traffic::File { path, host, with_durations } => {
                let mut reader = Traffic::open(path, host.as_deref(), *with_durations)?;
                let outcome = Engine::new(knobs, conditions, &mut reader).run().map_err(Error::Input)?;
                let said = *with_durations && reader.has_durations();
                Ok((outcome, reader.notes, said))
            }
        }
    }

    /// Makes it ready to be simulated often.
    fn hold(&self) -> Result<Source, Error> {
        match self {
            Traffic::Phases(plan) => Ok(Source::Phases(plan.clone())),
            Traffic::File { path, host, with_durations } => {
                let reader = Traffic::open(path, host.as_deref(), *with_durations)?;
                Held::read(reader).map(Source::Held).map_err(Error::Input)
            }
        }
    }
}

/// Adds the time to pull the Service's images, where the lock knows their sizes and no flag says how long a start takes; says so.
fn add_pull(
    args: &SimulateArgs,
    config: &Config,
    service: &Service,
    conditions: &mut Conditions,
) -> Result<Option<String>, Error> {
    if args.cold_start.is_some() || args.image_size.is_some() {
        return Ok(None);
    }
    let lock = Lock::read(config.lock_folder())?;
    let Some(pull) = pull::of_object(&service.name, service.object(), service.queue_proxy(), &lock) else {
        return Ok(None);
    };
    conditions.cold_start = conditions.cold_start.clone().plus(pull.seconds);
    Ok(Some(format!(
        "its images are pulled at each start: {} at {} MB a second (a guess), by the sizes in knrender.lock; they are added to the time to \
         start",
        pull::told(&pull),
        pull::RATE / 1_000_000
    )))
}

#[allow(clippy::cast_precision_loss, reason = "a size in bytes, of which nobody knows the last digits")]
fn conditions(args: &SimulateArgs) -> Result<Conditions, Error> {
    let mut cold_start = args.cold_start.clone().unwrap_or(Spread::Always(COLD_START));
    if let Some(size) = &args.image_size {
        let bytes = crate::fargate::quantity::Quantity::parse(size)
            .ok()
            .filter(|q| !q.is_negative() && q.units() <= MOST_PULLED)
            .ok_or_else(|| Error::Usage(format!("--image-size {size}: this is no size up to 1Ti, as 800Mi")))?;
        cold_start = cold_start.plus(bytes.units() as f64 / f64::from(pull::RATE));
    }
    Ok(Conditions {
        cold_start,
        app_start: args.app_start.clone(),
        service_time: args.service_time.clone().unwrap_or(Spread::Always(SERVICE_TIME)),
        seed: args.seed,
        start: if args.from == From::Idle { Start::Idle } else { Start::Deployed },
    })
}
