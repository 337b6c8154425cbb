//! Manifests held against the rule book of Knative on Fargate: each lint is one thing that must be true.
//!
//! What is said about a lint (its rule, severity, reason, cure, source) is data, `lints/lints.yaml`, read by [`page`]. What
//! it looks for is one function, in the module of its subject. All of them see the same [`set`]: every object of every
//! input at once, since an Ingress is only right or wrong together with its Service and the configuration behind it.

use std::collections::BTreeMap;

use serde::Serialize;

use allow::{Allowance, Allowed};
use page::{Pages, Severity};
use set::{Object, Set};

mod alb;
pub mod allow;
mod budgets;
mod certificates;
mod gateway;
mod health;
mod images;
mod jobs;
mod knative;
mod labels;
mod network;
mod order;
pub mod page;
mod pods;
mod ports;
pub mod profiles;
mod scheduling;
pub mod set;
mod settings;
mod sizes;
mod storage;
#[cfg(test)]
mod tests;
mod timeouts;

/// A lint's function and the code that its findings carry.
struct Check {
    code: &'static str,
    run: fn(&Set<'_>, &mut Found),
}

/// All checks, by subject.
const SUBJECTS: &[&[Check]] = &[
    pods::CHECKS,
    ports::CHECKS,
    scheduling::CHECKS,
    storage::CHECKS,
    sizes::CHECKS,
    images::CHECKS,
    jobs::CHECKS,
    budgets::CHECKS,
    network::CHECKS,
    gateway::CHECKS,
    health::CHECKS,
    certificates::CHECKS,
    timeouts::CHECKS,
    knative::CHECKS,
    order::CHECKS,
    settings::CHECKS,
    profiles::CHECKS,
];

/// What one check found so far.
#[derive(Default)]
struct Found(Vec<(Option<Place>, String)>);

impl Found {
    /// Something at a field of an object. `field` is a JSON pointer, `what` a sentence without its full stop.
    fn at(&mut self, object: &Object<'_>, field: impl Into<String>, what: impl Into<String>) {
        self.0.push((Some(object.place(field.into())), what.into()));
    }

    /// Something about the whole set.
    fn overall(&mut self, what: impl Into<String>) {
        self.0.push((None, what.into()));
    }
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The 1-based line on which the object's document starts.
    pub line: usize,
    /// The object, as `Kind[.group]/[namespace/]name`; `None` for what is no object, such as a line of `knrender.yaml`.
    pub object: Option<String>,
    /// JSON pointer into the object; empty for the object as a whole.
    pub field: String,
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The lint's code.
    pub code: &'static str,
    /// Where; `None` for what is said about the whole set.
    pub place: Option<Place>,
    /// What, in a sentence without its full stop.
    pub what: String,
    /// The allowance that covers it.
    pub allowed: Option<Allowed>,
}

/// The code of an allowance that matched nothing.
pub const ALLOWANCE_UNUSED: &str = "allowance-unused";

/// Runs every check over the set. The findings are in the order of file, line, code and field; those that an allowance
/// covers are marked, and an allowance that covers none is a finding itself.
pub fn run(set: &Set<'_>, allowances: &[Allowance]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in SUBJECTS.iter().copied().flatten() {
        let mut found = Found::default();
        (check.run)(set, &mut found);
        let named = found.0.into_iter().map(|(place, what)| Finding { code: check.code, place, what, allowed: None });
        findings.extend(named);
    }
    let unused = allow::apply(&mut findings, allowances);
    findings.extend(unused);
    findings.sort_by(|a, b| (&a.place, a.code, &a.what).cmp(&(&b.place, b.code, &b.what)));
    findings
}

/// The codes of all checks, in no particular order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    SUBJECTS.iter().copied().flatten().map(|check| check.code).chain([ALLOWANCE_UNUSED])
}

/// How many findings of each severity nobody allowed.
pub fn count(findings: &[Finding], pages: &Pages) -> BTreeMap<Severity, usize> {
    let mut count = BTreeMap::new();
    for page in findings.iter().filter(|f| f.allowed.is_none()).filter_map(|f| pages.of(f.code)) {
        *count.entry(page.severity).or_insert(0) += 1;
    }
    count
}
