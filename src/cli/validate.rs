//! `knrender validate`: manifests of any origin, held against what an API server takes.

use std::fmt::Write as _;
use std::mem;

use super::judge::{self, Asked, Judged, crds};
use super::{LintFormat, ValidateArgs, inputs, print, say};
use crate::error::Error;
use crate::findings::page::Book;
use crate::findings::{Finding, Place};
use crate::kubernetes::eks::Calendar;
use crate::manifest::collection::{Broken, Is, KeyTwice};
use crate::shown::wrap;
use crate::validate::coverage::Coverage;
use crate::validate::{Validation, model};

pub(super) fn run(args: &ValidateArgs) -> Result<(), Error> {
    judge::run(&args.judge, Book::Validate, |asked| judge(args, asked))?;
    if args.judge.list { coverage(args.judge.format) } else { Ok(()) }
}

fn judge(args: &ValidateArgs, asked: &mut Asked<'_>) -> Result<Judged, Error> {
    let newest = Calendar::embedded().map_err(Error::Input)?.newest().unwrap_or(model::KNOWN.1);
    let target = args.kubernetes.or(asked.config.ask.kubernetes).unwrap_or(newest);
    let (malformed, broken) = mem::take(&mut asked.collection.broken).into_iter().partition(|b| b.is != Is::Unreadable);
    asked.collection.broken = broken;
    if target < model::KNOWN.0 || target > model::KNOWN.1 {
        say(&format!(
            "warning: knrender knows the fields of Kubernetes {} to {}; {target} is held against the nearest",
            model::KNOWN.0,
            model::KNOWN.1
        ));
    }
    let named = if args.crds.is_empty() { &asked.config.crds } else { &args.crds };
    let crds = crds::read(named, &asked.collection.objects)?;
    // CRDs from elsewhere are there to be referred to, and are not judged themselves.
    let objects = &mut asked.collection.objects;
    let own = objects.len();
    objects.extend(crds);
    let due: Vec<bool> = (0..objects.len()).map(|i| i < own).collect();
    let validation = Validation {
        target,
        objects,
        complete: matches!(asked.paths, [folder] if inputs::is_render(folder)),
        only: Some(&due),
    };
    let findings = validation.run(asked.allowances).map_err(Error::Input);
    objects.truncate(own);
    let mut findings = findings?;
    findings.extend(malformed.into_iter().map(refused_by_kubectl));
    findings.extend(mem::take(&mut asked.collection.twice).into_iter().map(key_twice));
    Ok(Judged { findings, after: Some(format!("for Kubernetes {target}")) })
}

/// What kubectl refuses before it asks a server.
fn refused_by_kubectl(broken: Broken) -> Finding {
    let (code, field) = if broken.is == Is::Headless { ("wrong-type", "/metadata") } else { ("no-object", "") };
    let place = Place { file: broken.file, line: broken.line, field: field.into(), ..Place::default() };
    Finding { code, place: Some(place), what: broken.why, allowed: None }
}

/// A key that stands twice in one mapping.
fn key_twice(twice: KeyTwice) -> Finding {
    let (first, last) = twice.lines;
    let what = format!("`{}` stands in lines {first} and {last} of one mapping: kubectl takes the last", twice.key);
    let place = Place { file: twice.file, line: last, ..Place::default() };
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
