//! `knrender lint`: manifests of any origin, held against the rule book.

use super::LintArgs;
use super::judge::{self, Judged};
use crate::error::Error;
use crate::fargate::profile::Profiles;
use crate::findings::page::Book;
use crate::images::readable;
use crate::lint;
use crate::lint::set::{self, Set};

pub(super) fn run(args: &LintArgs) -> Result<(), Error> {
    judge::run(&args.judge, Book::Lint, |asked| {
        asked.collection.pass_over_strangers();
        let objects = set::objects(&asked.collection.objects);
        let profiles = asked.config.fargate_profiles.clone().map(Profiles);
        let mut set = Set::new(&objects, profiles).in_region(asked.config.ask.region.as_deref());
        set.registries.clone_from(&asked.config.registries);
        set.readable = readable::of_configuration(&asked.config.ask);
        Ok(Judged { findings: lint::run(&set, asked.allowances), after: None })
    })
}
