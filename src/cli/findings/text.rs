//! Findings for people: the worst first, those of one lint together, and what is said about the lint once.

use std::fmt::Write as _;

use super::{Report, counted};
use crate::findings::Finding;
use crate::findings::page::{Page, Severity};
use crate::report::wrap;

pub(super) fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        for page in report.pages.all().iter().filter(|page| page.severity == severity) {
            let of_page = |f: &&Finding| f.code == page.code && f.allowed.is_none();
            let findings: Vec<_> = report.findings.iter().filter(of_page).collect();
            if !findings.is_empty() {
                section(&mut text, page, &findings);
            }
        }
    }
    let _ = writeln!(text, "{}", summary(report));
    text
}

fn section(text: &mut String, page: &Page, findings: &[&Finding]) {
    let _ = writeln!(text, "{}: {} [{}, {}]", page.severity, page.title, page.code, page.rule);
    for finding in findings {
        match &finding.place {
            Some(place) => {
                let _ = writeln!(text, "  {}:{}", place.file, place.line);
                if let Some(object) = &place.object {
                    let _ = writeln!(text, "      {object} {}", place.field);
                }
                let _ = writeln!(text, "      {}", wrap(&finding.what, 6));
            }
            None => {
                let _ = writeln!(text, "  {}", wrap(&finding.what, 6));
            }
        }
    }
    let _ = writeln!(text, "  why: {}", wrap(&page.why, 7));
    let _ = writeln!(text, "  fix: {}", wrap(&page.fix, 7));
    for see in &page.see {
        let _ = writeln!(text, "  see: {see}");
    }
    let _ = writeln!(text, "  how sure: {}\n", page.confidence.words());
}

fn summary(report: &Report<'_>) -> String {
    let of = |severity, what| counted(report.count(severity), what);
    let mut line = format!(
        "{}, {}, {} in {} of {}",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Note, "note"),
        counted(report.collection.objects.len(), "object"),
        counted(report.files(), "file"),
    );
    if report.allowed() > 0 {
        let _ = write!(line, "; {} allowed", report.allowed());
    }
    if report.collection.skipped > 0 {
        let _ = write!(line, "; {} passed over, being no objects", counted(report.collection.skipped, "document"));
    }
    line
}
