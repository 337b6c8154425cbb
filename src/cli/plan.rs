//! `knrender plan`: what each pod becomes on Fargate, and the whole bill.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::fleet::Many;
use super::{fleet, inputs, print_json, print_text, revision, say};
use crate::bill::compare::Comparison;
use crate::bill::surroundings::Surroundings;
use crate::bill::traffic::Traffic;
use crate::bill::{Assumptions, Bill};
use crate::config::Config;
use crate::error::Error;
use crate::fargate::asked::Asked;
use crate::fargate::cost::Prices;
use crate::fargate::quantity::Quantity;
use crate::images::pull;
use crate::manifest::collection::{Collection, Placed};
use crate::report::Provenance;
use crate::upstream::lock::Lock;

#[derive(Args, Clone, Debug)]
#[command(after_help = PLAN_HELP)]
pub(super) struct PlanArgs {
    /// Folders, files, or - for standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// Of the clusters in knrender.yaml, this one alone; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// AWS region, for the prices [default: the render's, else `region` of knrender.yaml, else us-east-1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Requests to the load balancer, on average, and the bytes of one with its answer, such as 10rps,20KB
    #[arg(long, value_name = "RPS,SIZE")]
    traffic: Option<String>,
    /// What a Compute Savings Plan takes off Fargate's part, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    savings_plan: Option<u32>,
    /// Reckon the control plane at the price of extended support
    #[arg(long)]
    extended_support: bool,
    /// End with 1 when the whole bill of a month is above so many dollars
    #[arg(long, value_name = "DOLLARS")]
    max_month: Option<String>,
    /// Say what has changed in money since another folder, or since a git revision of the same folder
    #[arg(long, value_name = "REF|DIR")]
    compare: Option<String>,
    /// Price list of your own, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    format: PlanFormat,
}

const PLAN_HELP: &str = "\
The bill has what the inputs bring: pods, load balancers of Ingresses and, from a render with a cluster or from an eksctl
ClusterConfig, the control plane, CoreDNS, metrics-server, the load balancer controller and NAT.
Exit codes: 0 fine; 1 above --max-month; 2 usage, and a region without prices; 3 something could not be read.";

/// How a plan is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a comment on a pull request
    Markdown,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    if args.paths.is_empty() && !config.clusters.is_empty() {
        let how = match args.format {
            PlanFormat::Text => Many::Text,
            PlanFormat::Json => Many::Json,
            PlanFormat::Markdown => Many::Markdown,
        };
        return fleet::each(&config, &args.only, how, |_, folder| {
            run(&PlanArgs { paths: vec![folder], ..args.clone() })
        });
    }
    let limit = args.max_month.as_deref().map(dollars).transpose()?;
    let paths = inputs::or_rendered(&args.paths, &config)?;
    let prices = prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    let traffic = args.traffic.as_deref().map(Traffic::parse).transpose();
    let assumed = Assumptions {
        region: args.region.clone(),
        traffic: traffic.map_err(|why| Error::Usage(format!("--traffic: {why}")))?,
        savings_plan: args.savings_plan,
        extended_support: args.extended_support,
    };
    let read = Read::paths(&paths, true)?;
    let bill = read.bill(&prices, &assumed, &config)?;
    let compared = args.compare.as_deref().map(|with| compare(with, &paths, &bill, &prices, &assumed, &config));
    let compared = compared.transpose()?;
    let lock = Lock::read(config.lock_folder())?;
    let pulls = pull::of(&read.collection.objects, &lock);
    match args.format {
        PlanFormat::Text => {
            let more = compared.as_ref().map(Comparison::to_text).unwrap_or_default();
            print_text(&(bill.to_text() + &pull::table(&pulls) + &more))?;
        }
        PlanFormat::Json => {
            let mut report = crate::value::json!(bill);
            if !pulls.is_empty() {
                report["pulls"] = crate::value::json!(pulls);
            }
            if let Some(compared) = &compared {
                report["compared"] = crate::value::json!(compared);
            }
            print_json(&report)?;
        }
        PlanFormat::Markdown => {
            let more = compared.as_ref().map(Comparison::to_markdown).unwrap_or_default();
            print_text(&(bill.to_markdown() + &more))?;
        }
    }
    if read.collection.skipped > 0 {
        say(&format!("{} and passed over", inputs::passed_over(read.collection.skipped)));
    }
    inputs::broken(&read.collection)?;
    match limit {
        Some((limit, text)) if bill.bill.total.month.nano() > limit => Err(Error::Findings(format!(
            "{} a month is above the {text} of --max-month; `knrender plan` says what each pod would save",
            bill.bill.total.month
        ))),
        _ => Ok(()),
    }
}

/// Nano dollars, and how they were written.
fn dollars(text: &str) -> Result<(i128, String), Error> {
    let number = text.trim().trim_start_matches('$');
    let amount = Quantity::parse(number).ok().filter(|amount| !amount.is_negative());
    let wrong = || Error::Usage(format!("--max-month {text}: write dollars, such as 200 or 199.50"));
    Ok((amount.ok_or_else(wrong)?.nano(), format!("${number}")))
}

/// What has changed since another folder, or since a git revision of the same one.
fn compare(
    with: &str,
    paths: &[PathBuf],
    bill: &Bill,
    prices: &Prices,
    assumed: &Assumptions,
    config: &Config,
) -> Result<Comparison, Error> {
    let before = if Path::new(with).exists() {
        Read::paths(&[with.into()], false)?.bill(prices, assumed, config)?
    } else {
        let [folder] = paths else {
            return Err(Error::Usage("--compare takes a git revision of one folder; name one PATH".to_owned()));
        };
        let place = revision::folder(with, folder)?;
        Read::paths(&[place.path().to_owned()], false)?.bill(prices, assumed, config)?
    };
    Ok(Comparison::of(with, &before, bill))
}

/// What was read of some paths.
pub(super) struct Read {
    pub(super) collection: Collection,
    /// That of the render among them.
    pub(super) provenance: Option<Provenance>,
}

impl Read {
    pub(super) fn paths(paths: &[PathBuf], tell: bool) -> Result<Read, Error> {
        let mut collection = inputs::read(paths)?;
        leave_out_demos(&mut collection, paths, tell);
        let render = paths.iter().find(|path| inputs::is_render(path));
        let provenance = render.map(|folder| {
            let file = folder.join("about/provenance.json");
            let text = fs::read(&file).map_err(|e| Error::Input(format!("{}: {e}", crate::shown::path(&file))))?;
            serde_json::from_slice(&text).map_err(|e| {
                let file = crate::shown::path(&file);
                Error::Input(format!("{file}: no provenance of a render: {e}; render again, or remove the file"))
            })
        });
        Ok(Read { collection, provenance: provenance.transpose()? })
    }

    pub(super) fn bill(&self, prices: &Prices, assumed: &Assumptions, config: &Config) -> Result<Bill, Error> {
        bill(&self.collection.objects, self.provenance.as_ref(), prices, assumed, config)
    }
}

/// The bill of some objects, and of what a render says about itself where they are one.
pub(super) fn bill(
    objects: &[Placed],
    provenance: Option<&Provenance>,
    prices: &Prices,
    assumed: &Assumptions,
    config: &Config,
) -> Result<Bill, Error> {
    let objects: Vec<_> = objects.iter().map(|o| (o.identity.to_string(), &o.value)).collect();
    let around = Surroundings::of(objects.iter().map(|(_, value)| *value));
    let (around, asked) = match provenance {
        Some(provenance) => (
            around.with_facts(&provenance.stack),
            Asked::before(&provenance.ledger, objects.iter().map(|(name, value)| (name.clone(), *value))),
        ),
        None => (around, Asked::default()),
    };
    let render = provenance.and_then(|p| p.stack["region"].as_str());
    let region = assumed.region.as_deref().or(around.region.as_deref()).or(render);
    let region = region.or(config.ask.region.as_deref()).map(str::to_owned);
    let assumed = Assumptions { region, ..assumed.clone() };
    Bill::of(&objects, &asked, &around, prices, &assumed).map_err(|why| Error::Usage(why.to_string()))
}

/// The demos in a render are no part of the stack; whoever asks about their folder is told about them.
fn leave_out_demos(collection: &mut Collection, paths: &[PathBuf], tell: bool) {
    for render in paths.iter().filter(|path| inputs::is_render(path)) {
        let demos = render.strip_prefix(".").unwrap_or(render).join("apps");
        let before = collection.objects.len();
        collection.objects.retain(|object| !Path::new(object.file.as_str()).starts_with(&demos));
        if tell && collection.objects.len() < before {
            say(&format!("without the demos: `knrender plan {}` is about them", crate::shown::path(&demos)));
        }
    }
}

/// The user's price list, or the one in the binary.
pub(super) fn prices(file: Option<&Path>) -> Result<Prices, Error> {
    let Some(file) = file else {
        return Prices::embedded().map_err(Error::Input);
    };
    let shown = crate::shown::path(file);
    let text = crate::regular::read_text(file).map_err(|e| Error::Usage(format!("--prices {shown}: {e}")))?;
    Prices::parse(&text).map_err(|e| Error::Usage(format!("--prices {shown}: {e}")))
}
