//! Findings of `lint` and `validate`, reported in the same ways: for people, as JSON, as SARIF, and as what GitHub and
//! `JUnit`'s readers show.

use std::fmt::Write as _;
use std::path::Path;

use super::judge::known::Gone;
use super::{LintFormat, print, print_json, print_text, say};
use crate::config::{self, Config};
use crate::error::Error;
use crate::findings::allow::Allowance;
use crate::findings::page::{Page, Pages, Severity};
use crate::findings::{self, Finding, Place};
use crate::manifest::collection::Collection;
use crate::shown::{self, wrap};
pub(super) use source::Lines;

mod github;
mod json;
mod junit;
mod sarif;
mod source;
mod summary;
mod text;

/// All that a report says.
pub(super) struct Report<'r> {
    pub(super) pages: &'r Pages,
    pub(super) findings: &'r [Finding],
    pub(super) collection: &'r Collection,
    /// The lines that findings are about.
    pub(super) lines: &'r Lines,
    /// What a baseline has and nobody finds any more.
    pub(super) gone: &'r Gone,
}

impl Report<'_> {
    /// Prints the report, and fails where it has to.
    pub(super) fn print(&self, format: LintFormat, strict: bool, summary: bool) -> Result<(), Error> {
        match format {
            LintFormat::Text if summary => print_text(&summary::text(self))?,
            LintFormat::Text => text::report(self, &text::Look::of_terminal(), &mut |part| print(part.as_bytes()))?,
            LintFormat::Json if summary => print(shown::json(&summary::json(self)).as_bytes())?,
            LintFormat::Json => print(shown::json(&json::report(self)).as_bytes())?,
            LintFormat::Github => print_text(&github::report(self))?,
            LintFormat::Junit => print_text(&junit::report(self))?,
            LintFormat::Sarif => print(shown::json(&sarif::report(self)).as_bytes())?,
        }
        self.verdict(strict)
    }

    fn page(&self, finding: &Finding) -> Option<&Page> {
        self.pages.of(finding.code)
    }

    /// How many findings of each severity nobody allowed.
    fn counts(&self) -> impl Fn(Severity) -> usize {
        let counts = findings::count(self.findings, self.pages);
        move |severity| counts.get(&severity).copied().unwrap_or(0)
    }

    fn allowed(&self) -> usize {
        self.findings.iter().filter(|finding| finding.allowed.is_some()).count()
    }

    /// Whether it is a file, and not what came from standard input or from another tool.
    fn is_file(&self, name: &str) -> bool {
        self.collection.kept.iter().all(|(kept, _)| kept != name)
    }

    /// How many files the objects came from.
    fn files(&self) -> usize {
        let mut files: Vec<_> = self.collection.objects.iter().map(|object| &object.file).collect();
        files.sort_unstable();
        files.dedup();
        files.len()
    }

    fn verdict(&self, strict: bool) -> Result<(), Error> {
        if !self.gone.findings.is_empty() {
            let (count, file) = (counted(self.gone.findings.len(), "finding"), &self.gone.file);
            say(&format!("{file} has {count} that there is no more; --write-baseline writes it anew"));
        }
        let broken = &self.collection.broken;
        if !broken.is_empty() {
            for broken in broken {
                say(&broken.to_string());
            }
            return Err(Error::Input(format!("{} could not be read", counted(broken.len(), "document"))));
        }
        let count = self.counts();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        match (errors, warnings) {
            (0, _) if !strict => Ok(()),
            (0, 0) => Ok(()),
            (0, _) => Err(Error::Findings(format!("{}, and --strict", counted(warnings, "warning")))),
            _ => Err(Error::Findings(counted(errors, "error"))),
        }
    }
}

/// `1 error`, `2 errors`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The allowances of `--allow` and of the configuration, each for a lint that exists.
pub(super) fn allowances(
    flags: &[String],
    named: Option<&Path>,
    config: &Config,
    pages: &Pages,
) -> Result<Vec<Allowance>, Error> {
    let mut allowances = Vec::new();
    for text in flags {
        let (lint, object) = text.split_once('=').map_or((text.as_str(), None), |(lint, object)| (lint, Some(object)));
        if pages.of(lint).is_none() {
            return Err(Error::Usage(format!("--allow {text}: {}", pages.unknown(lint))));
        }
        allowances.push(Allowance {
            lint: lint.to_owned(),
            object: object.map(str::to_owned),
            reason: "--allow on the command line".to_owned(),
            place: None,
        });
    }
    let file = named.unwrap_or(Path::new(config::FILE)).display().to_string();
    for (i, allow) in config.allow.iter().enumerate() {
        let line = allow.lint.line;
        let code = &allow.lint.value;
        let column = allow.lint.column;
        let columns = (column > 0).then(|| (column, column + code.chars().count()));
        if pages.of(code).is_none() && pages.other().map_err(Error::Input)?.of(code).is_some() {
            continue;
        }
        if pages.of(code).is_none() {
            return Err(Error::Usage(format!("{file}, line {line}: {}", pages.unknown(code))));
        }
        if allow.reason.trim().is_empty() {
            let why = "the reason is empty; an allowance says why the finding is accepted";
            return Err(Error::Usage(format!("{file}, line {line}: {why}")));
        }
        allowances.push(Allowance {
            lint: code.clone(),
            object: allow.object.clone(),
            reason: allow.reason.trim().to_owned(),
            place: Some(Place {
                file: file.as_str().into(),
                line,
                columns,
                field: format!("/allow/{i}").into(),
                ..Place::default()
            }),
        });
    }
    Ok(allowances)
}

/// All codes, with what they are about.
pub(super) fn list(pages: &Pages, format: LintFormat) -> Result<(), Error> {
    match format {
        LintFormat::Text => {
            let mut text = String::new();
            let width = pages.all().iter().map(|page| page.code.len()).max().unwrap_or(0);
            for page in pages.all() {
                let (code, severity, rule) = (&page.code, page.severity, &page.rule);
                let _ = writeln!(text, "{code:<width$}  {severity:<7}  {rule:<16}  {}", page.title);
            }
            print_text(&text)
        }
        LintFormat::Json => print_json(&crate::value::json!(pages.all())),
        _ => Err(Error::Usage("--list reports as text or json".to_owned())),
    }
}

/// One page.
pub(super) fn explain(page: &Page, format: LintFormat) -> Result<(), Error> {
    match format {
        LintFormat::Text => {
            let mut text = format!("{}: {}\n", page.code, page.title);
            let _ = writeln!(text, "  severity    {}", page.severity);
            let _ = writeln!(text, "  rule        {}", page.rule);
            let _ = writeln!(text, "  confidence  {}", page.confidence.words());
            let _ = writeln!(text, "  why         {}", wrap(&page.why, 14));
            let _ = writeln!(text, "  fix         {}", wrap(&page.fix, 14));
            for see in &page.see {
                let _ = writeln!(text, "  see         {see}");
            }
            print_text(&text)
        }
        LintFormat::Json => print_json(&crate::value::json!(page)),
        _ => Err(Error::Usage("--explain reports as text or json".to_owned())),
    }
}
