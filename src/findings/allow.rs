//! Allowances: findings that somebody looked at and accepts, with the reason.

use serde::Serialize;

use super::{ALLOWANCE_UNUSED, Finding, Place};
use crate::manifest::object;

/// An accepted finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The code of the lint or check.
    pub lint: String,
    /// The object, as `Kind[.group]/[NAMESPACE/]NAME`; any object where it is left out.
    pub object: Option<String>,
    /// Why the finding is accepted.
    pub reason: String,
    /// Where the allowance is written; `None` for a flag.
    pub place: Option<Place>,
}

/// What covers a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// Why it is accepted.
    pub reason: String,
    /// Where that is written: file and line, or `--allow`.
    pub by: String,
}

impl Allowance {
    fn covers(&self, finding: &Finding) -> bool {
        let found = finding.place.as_ref().and_then(|place| place.object.as_deref());
        self.lint == finding.code
            && self.object.as_ref().is_none_or(|asked| found.is_some_and(|found| object::answers_to(found, asked)))
    }

    fn allowed(&self) -> Allowed {
        Allowed { reason: self.reason.clone(), by: self.by() }
    }

    /// Where it is written.
    pub fn by(&self) -> String {
        self.place.as_ref().map_or_else(|| "--allow".to_owned(), |place| format!("{}, line {}", place.file, place.line))
    }
}

/// All findings in the order of file, line, code and field, with those marked that an allowance covers, and with a finding
/// for each allowance that covers none.
pub fn settle(mut findings: Vec<Finding>, allowances: &[Allowance]) -> Vec<Finding> {
    let unused = apply(&mut findings, allowances);
    findings.extend(unused);
    super::sort(&mut findings);
    findings
}

/// Marks the findings that an allowance covers, and returns a finding for each allowance that covers none.
fn apply(findings: &mut [Finding], allowances: &[Allowance]) -> Vec<Finding> {
    let mut unused = Vec::new();
    for allowance in allowances {
        let mut used = false;
        for finding in findings.iter_mut().filter(|finding| allowance.covers(finding)) {
            used = true;
            finding.allowed.get_or_insert_with(|| Box::new(allowance.allowed()));
        }
        if !used {
            let object = allowance.object.as_ref().map(|object| format!(" for {object}")).unwrap_or_default();
            let what = format!("{} allows {}{object}, and there is no such finding", allowance.by(), allowance.lint);
            unused.push(Finding { code: ALLOWANCE_UNUSED, place: allowance.place.clone(), what, allowed: None });
        }
    }
    unused
}
