//! Manifests held against the rule book of Knative on Fargate: each lint is one thing that must be true.
//!
//! What is said about a lint (its rule, severity, reason, cure, source) is data, `data/lints/lints.yaml`. What
//! it looks for is one function, in the module of its subject. All of them see the same [`set`]: every object of every
//! input at once, since an Ingress is only right or wrong together with its Service and the configuration behind it.

use crate::findings::allow::{self, Allowance};
use crate::findings::{ALLOWANCE_UNUSED, Finding, Place};
use crate::parallel;
use load_balancer::Alb;
use set::{Object, Set};

mod annotations;
mod budgets;
mod certificates;
mod drain;
mod elb;
mod gateway;
mod groups;
mod headroom;
mod health;
mod images;
mod ingress;
mod jobs;
mod knative;
mod labels;
mod load_balancer;
mod logs;
mod network;
mod node;
mod order;
mod pods;
mod ports;
mod profiles;
mod registries;
mod scheduling;
pub mod set;
mod settings;
mod sizes;
mod storage;
mod timeouts;
mod together;
mod value;

/// A lint's function and the code that its findings carry.
struct Check {
    code: &'static str,
    run: Run,
}

/// What a lint looks at.
#[derive(Clone, Copy)]
enum Run {
    /// The set alone.
    Set(fn(&Set<'_>, &mut Found)),
    /// The load balancers that the Ingresses of the set become as well.
    Albs(fn(&Set<'_>, &[Alb<'_>], &mut Found)),
}

impl Check {
    /// A lint of the set.
    const fn of(code: &'static str, run: fn(&Set<'_>, &mut Found)) -> Check {
        Check { code, run: Run::Set(run) }
    }

    /// A lint of the load balancers.
    const fn of_albs(code: &'static str, run: fn(&Set<'_>, &[Alb<'_>], &mut Found)) -> Check {
        Check { code, run: Run::Albs(run) }
    }
}

/// All checks, by subject.
const SUBJECTS: &[&[Check]] = &[
    pods::CHECKS,
    ports::CHECKS,
    scheduling::CHECKS,
    storage::CHECKS,
    sizes::CHECKS,
    headroom::CHECKS,
    images::CHECKS,
    registries::CHECKS,
    jobs::CHECKS,
    budgets::CHECKS,
    network::CHECKS,
    ingress::CHECKS,
    annotations::CHECKS,
    elb::CHECKS,
    groups::CHECKS,
    gateway::CHECKS,
    health::CHECKS,
    certificates::CHECKS,
    timeouts::CHECKS,
    drain::CHECKS,
    knative::CHECKS,
    order::CHECKS,
    settings::CHECKS,
    profiles::CHECKS,
    logs::CHECKS,
];

/// What one check found so far.
#[derive(Default)]
struct Found(Vec<(Option<Place>, String)>);

impl Found {
    /// Something at a field of an object. `field` is a JSON pointer, `what` a sentence without its full stop.
    fn at(&mut self, object: &Object<'_>, field: impl Into<String>, what: impl Into<String>) {
        self.0.push((Some(object.place(&field.into())), what.into()));
    }

    /// Something about the whole set.
    fn overall(&mut self, what: impl Into<String>) {
        self.0.push((None, what.into()));
    }
}

/// Runs every check over the set. The findings are in the order of file, line, code and field; those that an allowance
/// covers are marked, and an allowance that covers none is a finding itself.
pub fn run(set: &Set<'_>, allowances: &[Allowance]) -> Vec<Finding> {
    let albs = load_balancer::of(set);
    let checks: Vec<&Check> = SUBJECTS.iter().copied().flatten().collect();
    let found = parallel::over(
        &checks,
        1,
        || (),
        |(), checks| {
            let mut findings = Vec::new();
            for check in checks {
                let mut found = Found::default();
                match check.run {
                    Run::Set(run) => run(set, &mut found),
                    Run::Albs(run) => run(set, &albs, &mut found),
                }
                let finding = |(place, what)| Finding { code: check.code, place, what, allowed: None };
                findings.extend(found.0.into_iter().map(finding));
            }
            findings
        },
    );
    let findings = found.into_iter().flatten().collect();
    allow::settle(findings, allowances)
}

/// The codes of all checks, in no particular order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    SUBJECTS.iter().copied().flatten().map(|check| check.code).chain([ALLOWANCE_UNUSED])
}
