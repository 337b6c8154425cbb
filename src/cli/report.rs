//! `knrender report`: one HTML page about a render or any manifests.

use std::path::PathBuf;

use clap::Args;

use super::simulate::{Run, SimulateArgs};
use super::{inputs, plan, print_text, write_file};
use crate::bill::Assumptions;
use crate::config::Config;
use crate::error::Error;
use crate::fargate::profile::Profiles;
use crate::findings::page::{Book, Pages};
use crate::images::readable;
use crate::lint;
use crate::lint::set::{self, Set};
use crate::page::Page;
use crate::simulate::random::Spread;
use crate::simulate::sweep::{Goal, Grid};

#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Folders, files, or - for standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// AWS region, for the prices [default: the render's, else `region` of knrender.yaml]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Price list of your own, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Simulates a Service under this traffic, as `knrender simulate` does, and shows its curves
    #[arg(long, value_name = "FILE|PHASES", help_heading = "Simulation")]
    traffic: Option<String>,
    /// The Knative Service to simulate [default: one with Knative's defaults]
    #[arg(long, value_name = "SERVICE.yaml", requires = "traffic", help_heading = "Simulation")]
    app: Option<PathBuf>,
    /// From a pod's creation to the start of its processes, as for `simulate`
    #[arg(long, value_name = "SECONDS", requires = "traffic", help_heading = "Simulation")]
    cold_start: Option<Spread>,
    /// How long the app works on a request, as for `simulate`
    #[arg(long, value_name = "SECONDS", requires = "traffic", help_heading = "Simulation")]
    service_time: Option<Spread>,
    /// Tries many settings, as for `simulate`, and shows price against latency
    #[arg(long, value_name = "GRID", num_args = 0..=1, require_equals = true, default_missing_value = "", requires = "traffic", help_heading = "Simulation")]
    sweep: Option<Grid>,
    /// What is to be met at the least price, as for `simulate`
    #[arg(long, value_name = "GOAL", requires = "sweep", help_heading = "Simulation")]
    goal: Option<Goal>,
}

pub(super) fn run(args: &ReportArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    if args.paths.is_empty() && !config.clusters.is_empty() {
        // A page, and the bill in it, is of one cluster and one region.
        return Err(Error::Usage(format!(
            "knrender.yaml names {} clusters; name the folder of one of them: {}",
            config.clusters.len(),
            super::fleet::folders(&config).join(", ")
        )));
    }
    let paths = inputs::or_rendered(&args.paths, &config)?;
    let read = plan::Read::paths(&paths, false)?;
    inputs::broken(&read.collection)?;
    let prices = plan::prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    let assumed = Assumptions { region: args.region.clone(), ..Assumptions::default() };
    let bill = read.bill(&prices, &assumed, &config)?;
    let pages = Pages::embedded(Book::Lint).map_err(Error::Input)?;
    let allowances = super::findings::allowances(&[], args.config.as_deref(), &config, &pages)?;
    let objects = set::objects(&read.collection.objects);
    let profiles = config.fargate_profiles.clone().map(Profiles);
    let mut set = Set::new(&objects, profiles).in_region(config.ask.region.as_deref());
    set.registries.clone_from(&config.registries);
    set.readable = readable::of_configuration(&config.ask);
    let findings = lint::run(&set, &allowances);
    let mut page = Page::of(&read.collection, read.provenance.as_ref(), &bill, &findings, &pages);
    if let Some(traffic) = &args.traffic {
        let simulate = SimulateArgs::for_report(traffic, args.app.clone(), args.region.clone())
            .with_times(args.cold_start.clone(), args.service_time.clone())
            .with_sweep(args.sweep.clone(), args.goal)
            .with_files(args.prices.clone(), args.config.clone());
        page.simulation = Some(Run::of(&simulate)?.for_page());
    }
    let html = page.to_html().map_err(Error::Input)?;
    match &args.out {
        None => print_text(&html),
        Some(file) => write_file("--out", file, html.as_bytes()),
    }
}
