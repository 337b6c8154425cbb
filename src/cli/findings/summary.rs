//! `--summary`: how often each thing was found, in which kinds, and what was not judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::value::{Value, json};

use super::{Report, counted, text};
use crate::findings::Finding;
use crate::findings::page::{Page, Severity};

const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

/// What counts of a report.
struct Counts<'r> {
    /// How often each thing was found, the worst first.
    codes: Vec<(&'r Page, usize)>,
    /// How much was found in each kind, by severity.
    kinds: BTreeMap<&'r str, BTreeMap<Severity, usize>>,
    /// What was not judged, and why.
    not_judged: Vec<String>,
}

impl<'r> Counts<'r> {
    fn of(report: &'r Report<'_>) -> Counts<'r> {
        let counted_in: Vec<&Finding> = report.findings.iter().filter(|f| f.allowed.is_none()).collect();
        let mut codes: Vec<_> = report.pages.all().iter().collect();
        codes.sort_by_key(|page| page.severity);
        let count = |page: &'r Page| (page, counted_in.iter().filter(|f| f.code == page.code).count());
        let mut kinds: BTreeMap<&str, BTreeMap<Severity, usize>> = BTreeMap::new();
        for finding in &counted_in {
            let object = finding.place.as_ref().and_then(|place| place.object.as_deref());
            let (Some(page), Some(object)) = (report.page(finding), object) else { continue };
            let kind = object.split('/').next().unwrap_or_default();
            *kinds.entry(kind).or_default().entry(page.severity).or_default() += 1;
        }
        let not_checked = report.findings.iter().filter(|f| f.code == "not-checked").map(|f| f.what.clone());
        let unread = report.collection.broken.iter().map(ToString::to_string);
        let mut not_judged: Vec<String> = not_checked.chain(unread).collect();
        if report.collection.skipped > 0 {
            let what = counted(report.collection.skipped, "document");
            not_judged.push(format!("{what} without apiVersion and kind: passed over, being no objects"));
        }
        let codes = codes.into_iter().map(count).filter(|(_, count)| *count > 0).collect();
        Counts { codes, kinds, not_judged }
    }
}

pub(super) fn text(report: &Report<'_>) -> String {
    let counts = Counts::of(report);
    let mut out = String::new();
    let width = counts.codes.iter().map(|(page, _)| page.code.len()).max().unwrap_or(0);
    for (page, count) in &counts.codes {
        let _ = writeln!(out, "{count:>7}  {:<7}  {:<width$}  {}", page.severity, page.code, page.title);
    }
    if !counts.kinds.is_empty() {
        out.push_str("\nBy kind\n");
    }
    let width = counts.kinds.keys().map(|kind| kind.len()).max().unwrap_or(0);
    for (kind, of) in &counts.kinds {
        let found: Vec<_> =
            SEVERITIES.iter().filter_map(|severity| Some(counted(*of.get(severity)?, severity.name()))).collect();
        let _ = writeln!(out, "  {kind:<width$}  {}", found.join(", "));
    }
    if !counts.not_judged.is_empty() {
        out.push_str("\nNot judged\n");
    }
    for what in &counts.not_judged {
        let _ = writeln!(out, "  {}", crate::shown::wrap(what, 4));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", text::summary(report));
    out
}

/// The counts, beside the sums that every report has.
pub(super) fn json(report: &Report<'_>) -> String {
    let counts = Counts::of(report);
    let codes: Vec<Value> = counts
        .codes
        .iter()
        .map(|(page, count)| json!({"code": page.code, "severity": page.severity, "count": count}))
        .collect();
    let kinds: Vec<Value> = counts
        .kinds
        .iter()
        .map(|(kind, of)| {
            let of = |severity| of.get(&severity).copied().unwrap_or(0);
            let (errors, warnings, notes) = (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
            json!({"kind": kind, "errors": errors, "warnings": warnings, "notes": notes})
        })
        .collect();
    let mut summary = super::json::summary(report);
    summary["codes"] = codes.into();
    summary["kinds"] = kinds.into();
    summary["notJudged"] = json!(counts.not_judged);
    format!("{:#}\n", json!({"summary": summary}))
}
