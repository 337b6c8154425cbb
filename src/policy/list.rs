//! Which lints the cluster can judge, which it cannot, and why.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Policies, Words};
use crate::findings::page::Severity;
use crate::value::{Value, json};

/// A lint, and what a policy sees of it.
#[derive(Clone, Debug, Serialize)]
pub struct Row<'p> {
    /// The code.
    pub code: &'p str,
    /// How bad a finding is.
    pub severity: Severity,
    /// Whether it has a policy.
    pub policy: bool,
    /// What the policy does not see, or why there is none.
    pub beyond: Vec<&'p str>,
}

/// What of `knrender validate` has a policy.
pub fn checks<'p>(policies: &'p Policies, words: &'p Words) -> Vec<&'p str> {
    policies.all().iter().map(|policy| policy.code.as_str()).filter(|code| words.lint.of(code).is_none()).collect()
}

/// All lints, in their order.
pub fn rows<'p>(policies: &'p Policies, words: &'p Words) -> Vec<Row<'p>> {
    let row = |page: &'p crate::findings::page::Page| {
        let policy = policies.of(&page.code);
        let beyond = match policy {
            Some(policy) => policy.beyond.values().map(String::as_str).collect(),
            None => policies.beyond().get(&page.code).map(String::as_str).into_iter().collect(),
        };
        Row { code: &page.code, severity: page.severity, policy: policy.is_some(), beyond }
    };
    words.lint.all().iter().map(row).collect()
}

/// How many lints of a severity, or of all, have a policy, and how many there are.
fn share(rows: &[Row<'_>], severity: Option<Severity>) -> (usize, usize) {
    let of = rows.iter().filter(|row| severity.is_none_or(|severity| row.severity == severity));
    of.fold((0, 0), |(covered, all), row| (covered + usize::from(row.policy), all + 1))
}

/// For people.
pub fn text(rows: &[Row<'_>], checks: &[&str]) -> String {
    let mut out = String::new();
    let width = rows.iter().map(|row| row.code.len()).max().unwrap_or(0);
    for row in rows {
        let what = match (row.policy, row.beyond.is_empty()) {
            (true, true) => "policy".to_owned(),
            (true, false) => format!("policy; beyond it: {}", row.beyond.join("; ")),
            (false, _) => format!("-       {}", row.beyond.join("; ")),
        };
        let _ = writeln!(out, "{:<width$}  {:<7}  {}", row.code, row.severity, what.trim_end());
    }
    for code in checks {
        let _ = writeln!(out, "{code:<width$}  check    policy, for what Knative's webhook says without its settings");
    }
    let (covered, all) = share(rows, None);
    let of = |severity: Severity| {
        let (covered, all) = share(rows, Some(severity));
        format!("{covered} of {all} {severity}s")
    };
    let each = [Severity::Error, Severity::Warning, Severity::Note].map(of).join(", ");
    let percent = covered * 100 / all.max(1);
    let _ = writeln!(out, "{covered} of {all} lints have a policy ({percent} %): {each}");
    out
}

/// For programs.
pub fn json(rows: &[Row<'_>], checks: &[&str]) -> Value {
    let of = |severity| {
        let (covered, all) = share(rows, severity);
        json!({"policies": covered, "lints": all})
    };
    json!({
        "lints": rows,
        "checks": checks,
        "covered": {
            "all": of(None), "error": of(Some(Severity::Error)), "warning": of(Some(Severity::Warning)),
            "note": of(Some(Severity::Note)),
        },
    })
}
