//! `knrender prices`: the price list made anew from AWS's own.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;

use super::{General, print, progress, say};
use crate::bill::offers::{self, OFFERS, Offer};
use crate::error::Error;
use crate::fargate::cost::{Everywhere, Prices, Rates};
use crate::upstream::fetch::{Limits, Sources};
use crate::yaml;

#[derive(Args, Debug)]
#[command(after_help = "\
The files are those of AWS's price list: offers/v1.0/aws/OFFER/current/REGION/index.json of AmazonEKS, AWSELB, AmazonVPC and
AmazonEC2. The last one has some hundred megabytes; what it would say of NAT is left out with --without AmazonEC2.
Exit codes: 0 fine; 2 usage; 3 an offer could not be fetched or read.")]
pub(super) struct PricesArgs {
    /// Region; may be repeated [default: all of the list in the binary]
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Where AWS's price list is, or a folder laid out like it
    #[arg(long, value_name = "URL|DIR", default_value = "https://pricing.us-east-1.amazonaws.com")]
    from: String,
    /// Leave an offer out; may be repeated
    #[arg(long, value_name = "OFFER")]
    without: Vec<String>,
    #[command(flatten)]
    general: General,
}

/// How large an offer file may be.
const MAX_BYTES: u64 = 1 << 30;

pub(super) fn run(args: &PricesArgs) -> Result<(), Error> {
    if let Some(unknown) = args.without.iter().find(|name| !OFFERS.contains(&name.as_str())) {
        return Err(Error::Usage(format!("--without {unknown}: the offers are {}", OFFERS.join(", "))));
    }
    let listed = Prices::embedded().map_err(Error::Input)?;
    let regions = if args.region.is_empty() { listed.regions.keys().cloned().collect() } else { args.region.clone() };
    let (mut found, mut published) = (BTreeMap::new(), Vec::new());
    for region in regions {
        if !crate::aws::is_region(&region) {
            return Err(Error::Usage(format!("--region {region}: a region is written like eu-west-1")));
        }
        let mut rates = Rates::default();
        for offer in OFFERS.iter().filter(|offer| !args.without.iter().any(|left_out| left_out == *offer)) {
            let read = read(args, offer, &region)?;
            read.fill(&mut rates);
            published.extend(read.published);
        }
        if let Some(lacking) = offers::lacking(&rates) {
            return Err(Error::Input(format!(
                "{}: there is no {lacking} for {region}; is EKS Fargate sold there?",
                offers::path("AmazonEKS", &region)
            )));
        }
        if rates.storage_gb_hour.is_empty() {
            "0".clone_into(&mut rates.storage_gb_hour);
            say(&format!("warning: {region} has no price of ephemeral storage beyond 20 GB; it counts as nothing"));
        }
        found.insert(region, rates);
    }
    published.sort_unstable();
    let date = published.first().map(|date| date.chars().take(10).collect()).unwrap_or_default();
    let prices = Prices {
        date,
        see: vec![
            "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html"
                .into(),
        ],
        confidence: "High. AWS's own price list.".to_owned(),
        everywhere: Everywhere::default(),
        regions: found,
        not_included: listed.not_included,
    };
    let value = crate::value::to_value(&prices).map_err(|e| Error::Input(e.to_string()))?;
    print(yaml::emit(&value, yaml::Style { compact_lists: true }).as_bytes())
}

fn read(args: &PricesArgs, offer: &str, region: &str) -> Result<Offer, Error> {
    let path = offers::path(offer, region);
    if !args.from.contains("://") {
        let file = Path::new(&args.from).join(&path);
        let shown = crate::shown::path(&file);
        let open = crate::regular::open(&file).map_err(|e| Error::Input(format!("{shown}: {e}")))?;
        return Offer::read(offer, open).map_err(|why| Error::Input(format!("{shown}: {why}")));
    }
    let url = format!("{}/{path}", args.from.trim_end_matches('/'));
    let progress = progress::stderr(args.general.quiet);
    let mut sources = Sources::new(progress.as_ref());
    sources.limits = Limits { max_bytes: MAX_BYTES, ..Limits::default() };
    let bytes = sources.download(&url).map_err(Error::Input)?;
    Offer::read(offer, bytes.as_slice()).map_err(|why| Error::Input(format!("{url}: {why}")))
}
