//! Findings for programs: each with all that is known about it.

use crate::value::{Value, json};

use super::Report;
use crate::findings::page::Severity;

pub(super) fn report(report: &Report<'_>) -> String {
    let findings: Vec<_> = report
        .findings
        .iter()
        .filter_map(|finding| {
            let page = report.page(finding)?;
            let place = finding.place.as_ref();
            Some(json!({
                "code": page.code,
                "rule": page.rule,
                "severity": page.severity,
                "confidence": page.confidence,
                "what": finding.what,
                "file": place.map(|p| &p.file),
                "line": place.map(|p| p.line),
                "column": place.and_then(|p| p.columns).map(|(from, _)| from),
                "endColumn": place.and_then(|p| p.columns).map(|(_, to)| to),
                "object": place.and_then(|p| p.object.as_ref()),
                "field": place.map(|p| &p.field),
                "why": page.why,
                "fix": page.fix,
                "see": page.see,
                "allowed": finding.allowed,
            }))
        })
        .collect();
    let broken: Vec<_> =
        report.collection.broken.iter().map(|b| json!({"file": b.file, "line": b.line.max(1), "why": b.why})).collect();
    let report = json!({
        "findings": findings,
        "unread": broken,
        "summary": summary(report),
    });
    format!("{report:#}\n")
}

/// The sums of a report.
pub(super) fn summary(report: &Report<'_>) -> Value {
    let count = report.counts();
    let mut summary = json!({
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
        "allowed": report.allowed(),
        "objects": report.collection.objects.len(),
        "files": report.files(),
        "skipped": report.collection.skipped,
    });
    if !report.gone.findings.is_empty() {
        summary["gone"] = json!(report.gone.findings);
    }
    summary
}
