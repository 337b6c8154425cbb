//! What has changed in money between two bills, by pod and row.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Bill;
use crate::fargate::cost::Dollars;

/// The difference between two bills.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What the other bill is of.
    pub with: String,
    /// What changed, most expensive first.
    pub changes: Vec<Change>,
    /// What all of it cost in a month.
    pub before: Dollars,
    /// What all of it costs in a month.
    pub after: Dollars,
    /// The difference.
    pub difference: Dollars,
}

/// One thing that costs more or less than before.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// A pod's object, or what else is paid for.
    pub name: String,
    /// Size and number before; empty where it was not there.
    pub was: String,
    /// Size and number now; empty where it is gone.
    pub is: String,
    /// Dollars a month more, below zero for less.
    pub month: Dollars,
}

impl Comparison {
    /// What has changed from `before` to `after`.
    pub fn of(with: &str, before: &Bill, after: &Bill) -> Comparison {
        let (old, new) = (lines(before), lines(after));
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let nothing = (String::new(), Dollars::default());
        let mut changes = Vec::new();
        for name in names {
            let (was, before) = old.get(name).unwrap_or(&nothing);
            let (is, after) = new.get(name).unwrap_or(&nothing);
            if was != is || before != after {
                let month = *after - *before;
                changes.push(Change { name: name.clone(), was: was.clone(), is: is.clone(), month });
            }
        }
        changes.sort_by(|a, b| b.month.cmp(&a.month).then_with(|| a.name.cmp(&b.name)));
        let (before, after) = (before.bill.total.month, after.bill.total.month);
        Comparison { with: with.to_owned(), changes, before, after, difference: after - before }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("\nCompared with {}\n", self.with);
        if self.changes.is_empty() {
            text.push_str("  nothing costs more or less\n");
        }
        let width = self.changes.iter().map(|change| change.name.chars().count()).max().unwrap_or(0);
        for change in &self.changes {
            let Change { name, was, is, month } = change;
            let _ = writeln!(text, "  {name:<width$}  {:>10}  {}", signed(*month), moved(was, is));
        }
        let Comparison { before, after, difference, .. } = self;
        let _ = writeln!(text, "  all of it: {before} a month before, {after} now ({})", signed(*difference));
        text
    }

    /// As a table that fits a comment on a pull request.
    pub fn to_markdown(&self) -> String {
        let Comparison { before, after, difference, with, .. } = self;
        let mut text =
            format!("\n**{} a month** compared with `{with}`: {before} before, {after} now.\n", signed(*difference));
        if !self.changes.is_empty() {
            text.push_str("\n| what | a month | change |\n| --- | ---: | --- |\n");
        }
        for Change { name, was, is, month } in &self.changes {
            let _ = writeln!(text, "| `{name}` | {} | {} |", signed(*month), moved(was, is));
        }
        text
    }
}

/// `+$9.01`, `-$9.01`.
fn signed(amount: Dollars) -> String {
    let text = amount.to_string();
    match text.strip_prefix("$-") {
        Some(less) => format!("-${less}"),
        None => format!("+{text}"),
    }
}

fn moved(was: &str, is: &str) -> String {
    match (was, is) {
        ("", is) => format!("new: {is}"),
        (was, "") => format!("gone: {was}"),
        (was, is) if was == is => is.to_owned(),
        (was, is) => format!("{was} -> {is}"),
    }
}

/// What is paid for, by name: size and number, and dollars a month.
fn lines(bill: &Bill) -> BTreeMap<String, (String, Dollars)> {
    let pods = bill.plan.pods.iter().map(|pod| {
        let [object, _, size, runs, ..] = pod.cells();
        (object, (format!("{runs} of {size}"), pod.always_month()))
    });
    let rest = bill.bill.rows.iter().filter(|row| row.name != "pods");
    pods.chain(rest.map(|row| (row.name.clone(), (row.what.clone(), row.price.month)))).collect()
}
