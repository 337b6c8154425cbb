//! Rules: what one means. A rule is data; the README shows the form, [`parse`] reads it, and `patches/` has the built-in
//! rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ledger::Reason;
use crate::value::Value;

mod file;

pub use file::{parse, parse_own};

/// A rule set: what the original authors did by hand, or what it takes to run well today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RuleSet {
    /// What the ancestor, mreferre/knative-on-fargate, did by hand in 2020.
    Seed,
    /// What it takes to run well on clusters that EKS sells today.
    Fargate,
}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RuleSet::Seed => "seed",
            RuleSet::Fargate => "fargate",
        })
    }
}

/// One rule, ready to be applied.
#[derive(Debug)]
pub struct Rule {
    /// Name, place, reason and sources.
    pub reason: Arc<Reason>,
    /// The rule sets it belongs to; empty for all.
    pub sets: Vec<RuleSet>,
    /// The component whose objects it sees; `None` for all.
    pub component: Option<String>,
    /// Conditions on the stack, all of which must hold.
    pub when: BTreeMap<String, Value>,
    /// Which objects it is for: those that one of these selects.
    pub selectors: Vec<Selector>,
    /// How many objects that has to be.
    pub expect: Expect,
    /// A YAML text inside the object that the action is for.
    pub within: Option<String>,
    /// What it does.
    pub action: Action,
}

/// What a rule does.
#[derive(Debug)]
pub enum Action {
    /// RFC 6902.
    Patch(Vec<Operation>),
    /// RFC 7386.
    Merge(Value),
    /// Fits pods, and what scales them, to what Fargate gives.
    Fit(Fit),
    /// Leaves the object out.
    Drop,
    /// Adds the objects of a template.
    Add {
        /// The template's path.
        template: String,
        /// Its text.
        text: String,
    },
}

/// What is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Requests and limits of pods to the size that Fargate gives them.
    FargateSize,
    /// The thresholds of an HPA to the requests of the pods that it scales.
    HpaThreshold,
}

/// How many objects a rule has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Exactly so many.
    Exactly(usize),
    /// One or more.
    Some,
    /// Any number, none included.
    Any,
}

impl Expect {
    /// Whether `matched` is what is expected.
    pub fn allows(self, matched: usize) -> bool {
        match self {
            Expect::Exactly(n) => matched == n,
            Expect::Some => matched > 0,
            Expect::Any => true,
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expect::Exactly(1) => f.write_str("1 object"),
            Expect::Exactly(n) => write!(f, "{n} objects"),
            Expect::Some => f.write_str("1 object or more"),
            Expect::Any => f.write_str("any number of objects"),
        }
    }
}

/// One operation of RFC 6902.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Which operation.
    pub op: Op,
    /// Where.
    pub path: String,
    /// From where, for `move` and `copy`.
    #[serde(default)]
    pub from: Option<String>,
    /// The value, for `add`, `replace` and `test`.
    #[serde(default, deserialize_with = "crate::ledger::present")]
    pub value: Option<Value>,
}

/// The operations of RFC 6902.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

impl Op {
    /// The name as RFC 6902 writes it.
    pub fn name(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Remove => "remove",
            Op::Replace => "replace",
            Op::Move => "move",
            Op::Copy => "copy",
            Op::Test => "test",
        }
    }
}

/// Which objects a rule is for. All that is given must hold; `*` in a text stands for any characters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// API group.
    pub group: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Labels, each with its value or `*`.
    pub labels: BTreeMap<String, String>,
    /// Annotations, each with its value or `*`.
    pub annotations: BTreeMap<String, String>,
    /// Pointers that must lead somewhere.
    pub has: Vec<String>,
    /// Pointers that must lead nowhere.
    pub lacks: Vec<String>,
    /// Pointers and what must stand there.
    #[serde(rename = "where")]
    pub equals: BTreeMap<String, Value>,
}

impl Selector {
    /// Whether nothing is asked at all.
    fn is_empty(&self) -> bool {
        self.head_fields().iter().all(|(_, wanted)| wanted.is_none())
            && self.labels.is_empty()
            && self.annotations.is_empty()
            && self.fields().is_empty()
    }

    /// The four texts that every object has, with their names.
    pub fn head_fields(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("group", self.group.as_deref()),
            ("kind", self.kind.as_deref()),
            ("namespace", self.namespace.as_deref()),
            ("name", self.name.as_deref()),
        ]
    }

    /// Every pointer into the object that the selector asks about.
    pub fn fields(&self) -> Vec<&str> {
        self.has.iter().chain(&self.lacks).chain(self.equals.keys()).map(String::as_str).collect()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> =
            self.head_fields().iter().filter_map(|(name, wanted)| wanted.map(|w| format!("{name} {w}"))).collect();
        parts.extend(self.labels.iter().map(|(k, v)| format!("label {k}={v}")));
        parts.extend(self.annotations.iter().map(|(k, v)| format!("annotation {k}={v}")));
        parts.extend(self.has.iter().map(|p| format!("with {p}")));
        parts.extend(self.lacks.iter().map(|p| format!("without {p}")));
        parts.extend(self.equals.iter().map(|(p, v)| format!("{p} = {v}")));
        f.write_str(&parts.join(", "))
    }
}
