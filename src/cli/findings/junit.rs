//! Findings as `JUnit`'s XML, which `GitLab` and others show beside tests: a case for each object that was looked at, and for each
//! file that could not be.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Report;
use crate::findings::page::Severity;

pub(super) fn report(report: &Report<'_>) -> String {
    let mut cases: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for object in &report.collection.objects {
        cases.entry((&object.file, object.identity.to_string())).or_default();
    }
    for finding in report.findings.iter().filter(|finding| finding.allowed.is_none()) {
        let Some(page) = report.page(finding).filter(|page| page.severity != Severity::Note) else { continue };
        let (file, object) = finding.place.as_ref().map_or(("", "the whole set".to_owned()), |place| {
            (place.file.as_str(), place.object.as_deref().unwrap_or("the file").to_owned())
        });
        let (line, field) = finding.place.as_ref().map_or((String::new(), ""), |place| {
            let column = place.columns.map(|(from, _)| format!(":{from}")).unwrap_or_default();
            (format!("{}{column}", place.line), place.field.as_str())
        });
        let said = format!("{file}:{line} {field}: {}\n{}\n{}", finding.what, page.why, page.fix);
        let failure = format!(
            "      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
            escaped(page.severity.name()),
            escaped(&format!("{}: {}", page.code, finding.what)),
            escaped(said.trim())
        );
        cases.entry((file, object)).or_default().push(failure);
    }
    let failed = cases.values().filter(|failures| !failures.is_empty()).count();
    for broken in &report.collection.broken {
        let error = format!(
            "      <error type=\"not read\" message=\"{}\">{}</error>\n",
            escaped(&broken.why),
            escaped(&broken.to_string())
        );
        cases.entry((&broken.file, "the file".to_owned())).or_default().push(error);
    }
    let errors = report.collection.broken.len();
    let command = report.pages.command();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let _ = writeln!(
        text,
        "  <testsuite name=\"knrender {command}\" tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\">",
        cases.len()
    );
    for ((file, object), failures) in &cases {
        let (file, object) = (escaped(file), escaped(object));
        if failures.is_empty() {
            let _ = writeln!(text, "    <testcase classname=\"{file}\" name=\"{object}\"/>");
        } else {
            let _ = writeln!(text, "    <testcase classname=\"{file}\" name=\"{object}\">");
            text.push_str(&failures.concat());
            text.push_str("    </testcase>\n");
        }
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// A text that stands in XML; what XML 1.0 cannot hold becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
