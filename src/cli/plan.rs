//! `knrender plan`: what each pod becomes on Fargate, and what it costs.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Format, PlanArgs, inputs, print, say};
use crate::config::Config;
use crate::error::Error;
use crate::fargate::cost::Prices;
use crate::fargate::plan::Plan;
use crate::manifest::collection::Collection;

pub(super) fn run(args: &PlanArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    let paths = inputs::or_rendered(&args.paths, &config)?;
    let mut collection = inputs::read(&paths)?;
    leave_out_demos(&mut collection, &paths);
    let prices = prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    let objects: Vec<_> = collection.objects.iter().map(|o| (o.identity.to_string(), &o.value)).collect();
    let region = args.region.as_deref().or(config.ask.region.as_deref());
    let plan = Plan::of(&objects, &prices, region).map_err(Error::Input)?;
    match args.format {
        Format::Text => print(plan.to_text().as_bytes())?,
        Format::Json => print(format!("{:#}\n", serde_json::json!(plan)).as_bytes())?,
    }
    if collection.skipped > 0 {
        say(&format!("{} and passed over", inputs::passed_over(collection.skipped)));
    }
    inputs::broken(&collection)
}

/// The demos in a render are no part of the stack; whoever asks about their folder is told about them.
fn leave_out_demos(collection: &mut Collection, paths: &[PathBuf]) {
    for render in paths.iter().filter(|path| inputs::is_render(path)) {
        let demos = render.strip_prefix(".").unwrap_or(render).join("apps");
        let before = collection.objects.len();
        collection.objects.retain(|object| !Path::new(&object.file).starts_with(&demos));
        if collection.objects.len() < before {
            say(&format!("without the demos: `knrender plan {}` is about them", demos.display()));
        }
    }
}

/// The user's price list, or the one in the binary.
pub(super) fn prices(file: Option<&Path>) -> Result<Prices, Error> {
    let Some(file) = file else {
        return Prices::embedded().map_err(Error::Input);
    };
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|e| Error::Usage(format!("--prices {shown}: {e}")))?;
    Prices::parse(&text).map_err(|e| Error::Usage(format!("--prices {shown}: {e}")))
}
