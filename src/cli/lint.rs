//! `knrender lint`: manifests of any origin, held against the rule book.

use super::findings::{self, Report};
use super::{LintArgs, LintFormat, fleet, inputs};
use crate::config::Config;
use crate::error::Error;
use crate::fargate::profile::Profiles;
use crate::findings::page::{Book, Pages};
use crate::lint;
use crate::lint::set::{self, Set};

pub(super) fn run(args: &LintArgs) -> Result<(), Error> {
    let pages = Pages::embedded(Book::Lint).map_err(Error::Input)?;
    if args.list {
        return findings::list(&pages, args.format);
    }
    if let Some(code) = &args.explain {
        let page = pages.of(code).ok_or_else(|| Error::Usage(pages.unknown(code)))?;
        return findings::explain(page, args.format);
    }
    let config = Config::read(args.config.as_deref())?;
    if args.paths.is_empty() && !config.clusters.is_empty() {
        return fleet::each(&config, &args.only, args.format == LintFormat::Text, |folder| {
            run(&LintArgs { paths: vec![folder], ..args.clone() })
        });
    }
    let allowances = findings::allowances(&args.allow, args.config.as_deref(), &config, &pages)?;
    let collection = inputs::read(&inputs::or_rendered(&args.paths, &config)?)?;
    let objects = set::objects(&collection.objects);
    let mut set = Set::new(&objects, config.fargate_profiles.map(Profiles)).in_region(config.ask.region.as_deref());
    set.registries = config.registries;
    let findings = lint::run(&set, &allowances);
    Report { pages: &pages, findings: &findings, collection: &collection }.print(args.format, args.strict)
}
