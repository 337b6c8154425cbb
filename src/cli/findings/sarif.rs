//! Findings as SARIF 2.1.0, which code scanning services read.
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::env;
use std::fmt::Write as _;
use std::path::Path;

use crate::value::{Value, json};

use super::Report;
use crate::findings::page::{Book, Page};
use crate::findings::{Finding, Place};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn report(report: &Report<'_>) -> String {
    // Only the rules that something was found by, in the order of their pages.
    let pages: Vec<&Page> =
        report.pages.all().iter().filter(|p| report.findings.iter().any(|f| f.code == p.code)).collect();
    let results: Vec<_> = report.findings.iter().filter_map(|finding| result(finding, &pages)).collect();
    let broken: Vec<_> = report
        .collection
        .broken
        .iter()
        .map(|broken| {
            json!({
                "level": "error",
                "message": {"text": broken.why},
                "locations": [{"physicalLocation": physical(&broken.file, broken.line)}],
            })
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "knrender",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": pages.iter().map(|page| rule(page, report.pages.book())).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": broken.is_empty(),
                "toolExecutionNotifications": broken,
            }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(page: &Page, book: Book) -> Value {
    let tags = match book {
        Book::Lint => json!(["fargate", "knative"]),
        Book::Validate => json!(["kubernetes"]),
    };
    json!({
        "id": page.code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.why},
        "help": {"text": format!("{}\n\n{}\n\n{}", page.why, page.fix, page.see.join("\n"))},
        "helpUri": page.see.first(),
        "defaultConfiguration": {"level": page.severity.name()},
        "properties": {"rule": page.rule, "confidence": page.confidence, "tags": tags},
    })
}

fn result(finding: &Finding, pages: &[&Page]) -> Option<Value> {
    let index = pages.iter().position(|page| page.code == finding.code)?;
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": pages[index].severity.name(),
        "message": {"text": finding.what},
        "locations": finding.place.iter().map(location).collect::<Vec<_>>(),
    });
    if let Some(allowed) = &finding.allowed {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": allowed.reason,
        }]);
    }
    Some(result)
}

fn location(place: &Place) -> Value {
    let mut physical = physical(&place.file, place.line);
    if let Some((from, to)) = place.columns {
        physical["region"]["startColumn"] = from.into();
        physical["region"]["endColumn"] = to.into();
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(object) = &place.object {
        let name = format!("{object}{}{}", if place.field.is_empty() { "" } else { "#" }, place.field);
        location["logicalLocations"] = json!([{"name": object, "fullyQualifiedName": name, "kind": "resource"}]);
    }
    location
}

fn physical(file: &str, line: usize) -> Value {
    json!({"artifactLocation": {"uri": uri(file)}, "region": {"startLine": line.max(1)}})
}

/// A file's name as a URI: relative to where the command runs, for a file below that folder and as it was named otherwise.
fn uri(file: &str) -> String {
    let here = env::current_dir().ok();
    let below = here.and_then(|here| Some(Path::new(file).strip_prefix(here).ok()?.display().to_string()));
    let path = below.unwrap_or_else(|| file.to_owned());
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}
