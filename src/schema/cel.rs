//! Rules in CEL (`x-kubernetes-validations`) of a CRD: whether the API server takes them (they compile, and cost less than it
//! allows), and what they say of an object that is made. A rule about `oldSelf` is about changes, and is passed over, as the
//! API server does it when an object is made, unless `optionalOldSelf` says otherwise.
//!
//! What cannot be evaluated is returned in words, and is held against nobody.
//! Sources: <https://kubernetes.io/docs/reference/using-api/cel/>, apiextensions-apiserver's validation and schema/cel.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Map, Value};

use super::declaration::{self, declared};
use super::{Problem, ProblemKind, instance, path, text};
use crate::cel::types::{Decl, Type};
use crate::cel::value::Value as Cel;
use crate::cel::{Environment, Fault, Halt, Program};
use crate::pointer;

#[cfg(test)]
mod tests;

/// Where rules stand.
pub(super) const RULES: &str = "x-kubernetes-validations";
/// What a rule may cost, and all rules of a version together.
const RULE_COST: u64 = 10_000_000;
const ALL_COST: u64 = 100_000_000;
/// The largest request, in bytes.
const REQUEST: u64 = 3 * 1024 * 1024;
/// Steps for all rules of one object.
const BUDGET: u64 = 10_000_000;
/// Rules that are stored are read with all functions that there are.
const STORED: u16 = u16::MAX;

/// What the rules say of an object.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Rules that do not hold.
    pub problems: Vec<Problem>,
    /// Rules that could not be evaluated, and why.
    pub unchecked: BTreeSet<String>,
}

/// Whether a schema has rules anywhere.
pub fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(RULES) || map.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

/// What a rule may name where `self` is of this type.
fn environment(of: &Decl, rule: &Value, minor: u16) -> Environment {
    let itself = of.to_type("self");
    let optional = rule.get("optionalOldSelf") == Some(&Value::Bool(true));
    let old = if optional { Type::Optional(Box::new(itself.clone())) } else { itself.clone() };
    let variables = BTreeMap::from([("self".to_owned(), itself), ("oldSelf".to_owned(), old)]);
    Environment { variables, minor, objects: false }
}

/// The rules of a version's schema, compiled.
#[derive(Debug, Default)]
pub struct Rules {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    rules: Vec<Rule>,
    properties: BTreeMap<String, Node>,
    items: Option<Box<Node>>,
    values: Option<Box<Node>>,
}

#[derive(Debug)]
struct Rule {
    source: Value,
    program: Result<Program, Fault>,
    message: Option<Program>,
}

impl Rules {
    /// Compiles the rules of a root schema.
    pub fn of(schema: &Value) -> Rules {
        Rules { root: schema.as_object().map(|schema| Node::of(schema, true)).unwrap_or_default() }
    }

    /// Evaluates the rules for an object that has no other fault.
    pub fn check(&self, schema: &Value, object: &Value, status_is_dropped: bool) -> Verdict {
        let mut object = object.clone();
        if let Some(map) = object.as_object_mut().filter(|_| status_is_dropped) {
            map.shift_remove("status");
        }
        let Some(schema) = schema.as_object() else { return Verdict::default() };
        instance::fill(schema, &mut object);
        let mut walk = Walk { budget: BUDGET, verdict: Verdict::default() };
        walk.node(&self.root, schema, &object, "", true);
        walk.verdict
    }
}

impl Node {
    fn of(schema: &Map, is_root: bool) -> Node {
        let mut node = Node::default();
        let rules = schema.get(RULES).and_then(Value::as_array).filter(|rules| !rules.is_empty());
        if let Some((rules, of)) = rules.zip(declared(schema, is_root || declaration::is_embedded(schema))) {
            for rule in rules {
                let environment = environment(&of, rule, STORED);
                let message = environment.compile(text(rule, "messageExpression")).ok();
                node.rules.push(Rule {
                    source: rule.clone(),
                    program: environment.compile(text(rule, "rule")),
                    message,
                });
            }
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(property) = property.as_object().map(|property| Node::of(property, false)).filter(Node::matters)
            {
                node.properties.insert(name.to_string(), property);
            }
        }
        let below = |key: &str| {
            let of = schema.get(key).and_then(Value::as_object)?;
            Some(Box::new(Node::of(of, false))).filter(|node| node.matters())
        };
        node.items = below("items");
        node.values = below("additionalProperties");
        node
    }

    fn matters(&self) -> bool {
        !self.rules.is_empty() || !self.properties.is_empty() || self.items.is_some() || self.values.is_some()
    }
}

struct Walk {
    budget: u64,
    verdict: Verdict,
}

impl Walk {
    fn node(&mut self, node: &Node, schema: &Map, value: &Value, at: &str, is_root: bool) {
        if value.is_null() {
            return;
        }
        if !node.rules.is_empty() {
            let itself = declaration::convert(schema, value, is_root);
            for rule in &node.rules {
                self.rule(rule, &itself, at);
            }
        }
        let below = |key: &str| schema.get(key).and_then(Value::as_object);
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let property = below("properties").and_then(|p| p.get(name)).and_then(Value::as_object);
                    let found = match property {
                        Some(of) => node.properties.get(name.as_str()).map(|node| (node, of)),
                        None => node.values.as_deref().zip(below("additionalProperties")),
                    };
                    if let Some((node, of)) = found {
                        self.node(node, of, value, &pointer::below(at, name), false);
                    }
                }
            }
            Value::Array(items) => {
                if let Some((node, of)) = node.items.as_deref().zip(below("items")) {
                    for (i, item) in items.iter().enumerate() {
                        self.node(node, of, item, &format!("{at}/{i}"), false);
                    }
                }
            }
            _ => {}
        }
    }

    fn rule(&mut self, rule: &Rule, itself: &Cel, at: &str) {
        let source = text(&rule.source, "rule").trim();
        let program = match &rule.program {
            Ok(program) => program,
            Err(fault) => {
                self.unchecked(source, &fault.what);
                return;
            }
        };
        let optional = rule.source.get("optionalOldSelf") == Some(&Value::Bool(true));
        if program.uses("oldSelf") && !optional {
            return;
        }
        let said = match self.evaluate(program, itself) {
            Ok(Cel::Bool(true)) => return,
            Ok(_) => self.message(rule, itself),
            Err(Halt::NoSuchKey(key)) => format!("its rule `{source}` fails, as there is no `{key}`"),
            Err(Halt::Failed(why)) => format!("its rule `{source}` fails: {why}"),
            Err(Halt::Budget) => {
                self.unchecked(source, "it takes more steps than are spent on a rule");
                return;
            }
            Err(Halt::Unsupported(what)) => {
                self.unchecked(source, &format!("{what} cannot be asked here"));
                return;
            }
        };
        let missing = text(&rule.source, "reason") == "FieldValueRequired";
        let kind = if missing { ProblemKind::Missing } else { ProblemKind::Value };
        let field = format!("{at}{}", path::pointer(text(&rule.source, "fieldPath")));
        self.verdict.problems.push(Problem { kind, field, what: format!("the CRD says: {said}") });
    }

    fn unchecked(&mut self, source: &str, why: &str) {
        self.verdict.unchecked.insert(format!("`{source}` ({why})"));
    }

    /// What the rule says where it does not hold.
    fn message(&mut self, rule: &Rule, itself: &Cel) -> String {
        let plain = text(&rule.source, "message").trim();
        let made = rule.message.as_ref().and_then(|program| match self.evaluate(program, itself) {
            Ok(Cel::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => None,
        });
        made.or_else(|| (!plain.is_empty()).then(|| plain.to_owned()))
            .unwrap_or_else(|| format!("failed rule: {}", text(&rule.source, "rule").trim()))
    }

    fn evaluate(&mut self, program: &Program, itself: &Cel) -> Result<Cel, Halt> {
        let variables = BTreeMap::from([("self", itself.clone()), ("oldSelf", Cel::Optional(None))]);
        program.evaluate(&variables, &mut self.budget)
    }
}

/// What the API server of Kubernetes 1.`minor` has against the rules of a root schema that is structural.
pub(super) fn faults(schema: &Map, minor: u16) -> Vec<Problem> {
    let mut judge = Judge { minor: minor.saturating_sub(1), total: 0, found: Vec::new() };
    judge.node(schema, "", Place { cardinality: Some(1), uncorrelated: false, is_root: true });
    if judge.total > ALL_COST {
        let what = format!("{} {}", over("all rules together", judge.total, ALL_COST), ADVICE);
        judge.found.push(Problem { kind: ProblemKind::Value, field: String::new(), what });
    }
    judge.found
}

const ADVICE: &str =
    "(maxItems, maxProperties and maxLength where lists, mappings and texts are declared make it less)";

fn over(what: &str, cost: u64, limit: u64) -> String {
    let times = cost / limit;
    let times =
        if times >= 100 { "more than 100".to_owned() } else { format!("{}.{}", times, cost % limit * 10 / limit) };
    format!("{what} may cost {times} times as much as the API server allows")
}

/// Where in a schema a rule stands.
#[derive(Clone, Copy)]
struct Place {
    /// How often the value may be there; `None`: as often as a request has room for.
    cardinality: Option<u64>,
    /// Whether the value before a change cannot be told.
    uncorrelated: bool,
    is_root: bool,
}

struct Judge {
    minor: u16,
    total: u64,
    found: Vec<Problem>,
}

impl Judge {
    fn say(&mut self, field: String, what: impl Into<String>) {
        self.found.push(Problem { kind: ProblemKind::Value, field, what: what.into() });
    }

    fn node(&mut self, schema: &Map, at: &str, place: Place) {
        let rules = schema.get(RULES).and_then(Value::as_array).filter(|rules| !rules.is_empty());
        if let Some(rules) = rules {
            match declared(schema, place.is_root || declaration::is_embedded(schema)) {
                Some(of) => {
                    for (i, rule) in rules.iter().enumerate() {
                        self.rule(rule, &of, &format!("{at}/{RULES}/{i}"), place);
                    }
                }
                None => self.say(format!("{at}/{RULES}"), "rules cannot see a value without a type"),
            }
        }
        let most = most_elements(schema);
        let cardinality = place.cardinality.zip(most).map(|(one, other)| one.saturating_mul(other));
        let inner = Place { cardinality, is_root: false, ..place };
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(property) = property.as_object() {
                self.node(property, &format!("{at}/properties/{}", pointer::escape(name)), inner);
            }
        }
        if let Some(items) = schema.get("items").and_then(Value::as_object) {
            let keyed = schema.get("x-kubernetes-list-type").and_then(Value::as_str) == Some("map");
            let place = Place { uncorrelated: place.uncorrelated || !keyed, ..inner };
            self.node(items, &format!("{at}/items"), place);
        }
        if let Some(values) = schema.get("additionalProperties").and_then(Value::as_object) {
            self.node(values, &format!("{at}/additionalProperties"), inner);
        }
    }

    fn rule(&mut self, rule: &Value, of: &Decl, at: &str, place: Place) {
        let environment = environment(of, rule, self.minor);
        let count = place.cardinality.unwrap_or(REQUEST / (of.least_size + 1));
        let source = text(rule, "rule");
        let mut uses_old = false;
        if !source.trim().is_empty() {
            match environment.compile(source) {
                Err(fault) if fault.unknown => uses_old = true,
                Err(fault) => {
                    self.say(format!("{at}/rule"), format!("it does not compile: {fault}"));
                    return;
                }
                Ok(program) => {
                    uses_old = program.uses("oldSelf");
                    if *program.result() != Type::Bool {
                        self.say(format!("{at}/rule"), format!("it is no bool but {}", program.result()));
                        return;
                    }
                    let cost = program.cost(Some(of)).max.saturating_mul(count);
                    self.cost(&format!("{at}/rule"), "it", cost);
                }
            }
        }
        let message = text(rule, "messageExpression");
        if !message.is_empty() {
            match environment.compile(message) {
                Err(fault) if fault.unknown => {}
                Err(fault) => self.say(format!("{at}/messageExpression"), format!("it does not compile: {fault}")),
                Ok(program) if *program.result() != Type::Text => {
                    self.say(format!("{at}/messageExpression"), format!("it is no text but {}", program.result()));
                }
                Ok(program) => {
                    let cost = program.cost(Some(of)).max;
                    self.cost(&format!("{at}/messageExpression"), "it", cost);
                }
            }
        }
        if uses_old && place.uncorrelated {
            self.say(format!("{at}/rule"), "oldSelf cannot be told within a list that has no keys");
        } else if !uses_old && rule.get("optionalOldSelf").is_some_and(|is| !is.is_null()) {
            self.say(format!("{at}/optionalOldSelf"), "the rule does not use oldSelf");
        }
    }

    fn cost(&mut self, at: &str, what: &str, cost: u64) {
        self.total = self.total.saturating_add(cost);
        if cost > RULE_COST {
            self.say(at.to_owned(), format!("{} {ADVICE}", over(what, cost, RULE_COST)));
        }
    }
}

fn most_elements(schema: &Map) -> Option<u64> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64).map(|bound| u64::try_from(bound).unwrap_or(0));
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if schema.get("additionalProperties").is_some_and(|more| !more.is_null()) => {
            bound("maxProperties")
        }
        Some("array") => bound("maxItems"),
        _ => Some(1),
    }
}
