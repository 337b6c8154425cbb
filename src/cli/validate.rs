//! `knrender validate`: manifests of any origin, held against what an API server takes.

use std::fmt::Write as _;

use super::findings::{self, Report};
use super::{LintFormat, ValidateArgs, fleet, inputs, print, say};
use crate::config::Config;
use crate::error::Error;
use crate::findings::page::{Book, Pages};
use crate::findings::{Finding, Place};
use crate::kubernetes::eks::Calendar;
use crate::manifest::collection::{Broken, KeyTwice};
use crate::report::wrap;
use crate::validate::coverage::Coverage;
use crate::validate::{Validation, model};

pub(super) fn run(args: &ValidateArgs) -> Result<(), Error> {
    let pages = Pages::embedded(Book::Validate).map_err(Error::Input)?;
    if args.list {
        findings::list(&pages, args.format)?;
        return coverage(args.format);
    }
    if let Some(code) = &args.explain {
        let page = pages.of(code).ok_or_else(|| Error::Usage(pages.unknown(code)))?;
        return findings::explain(page, args.format);
    }
    let config = Config::read(args.config.as_deref())?;
    if args.paths.is_empty() && !config.clusters.is_empty() {
        return fleet::each(&config, &args.only, args.format == LintFormat::Text, |folder| {
            run(&ValidateArgs { paths: vec![folder], ..args.clone() })
        });
    }
    let allowances = findings::allowances(&args.allow, args.config.as_deref(), &config, &pages)?;
    let newest = Calendar::embedded().map_err(Error::Input)?.newest().unwrap_or(model::KNOWN.1);
    let target = args.kubernetes.or(config.ask.kubernetes).unwrap_or(newest);
    let paths = inputs::or_rendered(&args.paths, &config)?;
    let mut collection = inputs::read(&paths)?;
    let (malformed, broken) = std::mem::take(&mut collection.broken).into_iter().partition(|b| b.is_object);
    collection.broken = broken;
    if target < model::KNOWN.0 || target > model::KNOWN.1 {
        say(&format!(
            "warning: knrender knows the fields of Kubernetes {} to {}; {target} is held against the nearest",
            model::KNOWN.0,
            model::KNOWN.1
        ));
    }
    let validation = Validation {
        target,
        objects: &collection.objects,
        complete: matches!(paths.as_slice(), [folder] if inputs::is_render(folder)),
        only: None,
    };
    let mut findings = validation.run(&allowances).map_err(Error::Input)?;
    findings.extend(malformed.into_iter().map(malformed_metadata));
    findings.extend(std::mem::take(&mut collection.twice).into_iter().map(key_twice));
    let said = Report { pages: &pages, findings: &findings, collection: &collection }.print(args.format, args.strict);
    if args.format == LintFormat::Text && !args.quiet {
        say(&format!("for Kubernetes {target}"));
    }
    said
}

/// An object whose `metadata` is none.
fn malformed_metadata(broken: Broken) -> Finding {
    let place = Place { file: broken.file, line: broken.line, object: None, field: "/metadata".to_owned() };
    Finding { code: "wrong-type", place: Some(place), what: broken.why, allowed: None }
}

/// A key that stands twice in one mapping.
fn key_twice(twice: KeyTwice) -> Finding {
    let (first, last) = twice.lines;
    let what = format!("`{}` stands in lines {first} and {last} of one mapping: kubectl takes the last", twice.key);
    let place = Place { file: twice.file, line: last, object: None, field: String::new() };
    Finding { code: "key-twice", place: Some(place), what, allowed: None }
}

/// What is judged, kind by kind: for people, after the list of checks.
fn coverage(format: LintFormat) -> Result<(), Error> {
    if format != LintFormat::Text {
        return Ok(());
    }
    let mut text = "\nOf each kind of Kubernetes' own, beyond its fields and their types:\n".to_owned();
    for of in Coverage::embedded().map_err(Error::Input)? {
        let not = of.not.map_or(String::new(), |not| format!("; not {not}"));
        let _ =
            write!(text, "\n  {}\n      {}\n", wrap(&of.kinds.join(", "), 2), wrap(&format!("{}{not}", of.judged), 6));
    }
    print(text.as_bytes())
}
