//! Findings as GitHub's workflow commands, which annotate the lines of a pull request.
//! Source: <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write as _;

use super::Report;
use crate::findings::page::Severity;

pub(super) fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().filter(|finding| finding.allowed.is_none()) {
        let Some(page) = report.page(finding) else { continue };
        let command = match page.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        let mut from = String::new();
        if let Some(place) = &finding.place {
            if report.is_file(&place.file) {
                properties.push(format!("file={}", property(&place.file)));
                properties.push(format!("line={}", place.line));
                // What GitHub calls the end column is the last one.
                properties.extend(place.columns.map(|(from, to)| format!("col={from},endColumn={}", to - 1)));
            } else {
                from = format!("{}, line {}: ", place.file, place.line);
            }
        }
        properties.push(format!("title={}", property(&format!("{} ({})", page.title, page.code))));
        let object = finding.place.as_ref().and_then(|place| place.object.as_deref()).unwrap_or_default();
        let field = finding.place.as_ref().map_or("", |place| place.field.as_str());
        let what = format!("{object} {field}: {}. {}", finding.what, page.fix);
        let what = from + what.trim_start_matches([' ', ':']);
        let _ = writeln!(text, "::{command} {}::{}", properties.join(","), message(&what));
    }
    for broken in &report.collection.broken {
        let _ = if report.is_file(&broken.file) {
            let (file, line) = (property(&broken.file), broken.line.max(1));
            writeln!(text, "::error file={file},line={line},title=not read::{}", message(&broken.why))
        } else {
            writeln!(text, "::error title=not read::{}", message(&broken.to_string()))
        };
    }
    text
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
