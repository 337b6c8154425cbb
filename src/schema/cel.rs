//! Rules in CEL (`x-kubernetes-validations`) of a CRD, evaluated for an object that is made. A rule about `oldSelf` is about
//! changes, and is passed over, as the API server does it when an object is made.
//!
//! What cannot be evaluated is returned in words, and is held against nobody: rules that use functions of Kubernetes' own
//! beyond those of `functions`.
//! Source: <https://kubernetes.io/docs/reference/using-api/cel/>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::objects::{Key, Map as CelMap};
use cel::{Context, Env, ExecutionError, Program, Value as Cel, extensions};
use serde_json::{Map, Value};

use super::{Problem, ProblemKind, instance};
use crate::pointer;

mod functions;
#[cfg(test)]
mod tests;

const RULES: &str = "x-kubernetes-validations";

/// What the rules say of an object.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Rules that do not hold.
    pub problems: Vec<Problem>,
    /// Rules that could not be evaluated.
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

/// Evaluates the rules of a root schema for an object that has no other fault.
pub fn check(schema: &Value, object: &Value, status_is_dropped: bool) -> Verdict {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut().filter(|_| status_is_dropped) {
        map.shift_remove("status");
    }
    let Some(schema) = schema.as_object() else { return Verdict::default() };
    instance::fill(schema, &mut object);
    let mut walk = Walk { env: environment(), programs: BTreeMap::new(), verdict: Verdict::default() };
    walk.node(schema, &object, "", true);
    walk.verdict
}

/// The language, with the extensions that Kubernetes has as well.
fn environment() -> Arc<Env> {
    let mut env = Env::stdlib();
    for extension in [extensions::strings, extensions::lists, extensions::math] {
        // An extension that clashes would be a fault of the library; rules that need it are then not evaluated.
        let _ = env.add_extension(extension);
    }
    Arc::new(env)
}

struct Walk {
    env: Arc<Env>,
    /// Compiled rules by their text; `None` where a rule is not read.
    programs: BTreeMap<String, Option<Arc<Program>>>,
    verdict: Verdict,
}

impl Walk {
    fn node(&mut self, schema: &Map<String, Value>, value: &Value, path: &str, is_root: bool) {
        if value.is_null() {
            return;
        }
        for rule in schema.get(RULES).and_then(Value::as_array).into_iter().flatten() {
            self.rule(rule, schema, value, path, is_root);
        }
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    if let Some(of) = schema_of(schema, name) {
                        self.node(of, value, &format!("{path}/{}", pointer::escape(name)), false);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(of) = schema.get("items").and_then(Value::as_object) {
                    for (i, item) in items.iter().enumerate() {
                        self.node(of, item, &format!("{path}/{i}"), false);
                    }
                }
            }
            _ => {}
        }
    }

    fn rule(&mut self, rule: &Value, schema: &Map<String, Value>, value: &Value, path: &str, is_root: bool) {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some(program) = self.program(text("rule")) else {
            self.verdict.unchecked.insert(text("rule").to_owned());
            return;
        };
        if program.references().has_variable("oldSelf") {
            return;
        }
        let itself = convert(schema, value, is_root);
        let said = match self.evaluate(&program, &itself) {
            Ok(Cel::Bool(true)) => return,
            Ok(Cel::Bool(false)) => self.message(rule, &itself),
            Err(ExecutionError::NoSuchKey(key)) => format!("its rule `{}` fails, as there is no `{key}`", text("rule")),
            Ok(_) | Err(_) => {
                self.verdict.unchecked.insert(text("rule").to_owned());
                return;
            }
        };
        let kind = if text("reason") == "FieldValueRequired" { ProblemKind::Missing } else { ProblemKind::Value };
        let field = format!("{path}{}", field_of(text("fieldPath")));
        self.verdict.problems.push(Problem { kind, field, what: format!("the CRD says: {said}") });
    }

    /// What the rule says where it does not hold.
    fn message(&mut self, rule: &Value, itself: &Cel) -> String {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let made = text("messageExpression").and_then(|expression| {
            let program = self.program(expression)?;
            match self.evaluate(&program, itself) {
                Ok(Cel::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
                _ => None,
            }
        });
        made.or(text("message").map(|text| text.trim().to_owned()))
            .unwrap_or_else(|| format!("failed rule: {}", text("rule").unwrap_or_default().trim()))
    }

    fn program(&mut self, source: &str) -> Option<Arc<Program>> {
        if let Some(known) = self.programs.get(source) {
            return known.clone();
        }
        let program = self.env.compile(source).ok().map(Arc::new);
        self.programs.insert(source.to_owned(), program.clone());
        program
    }

    fn evaluate(&self, program: &Program, itself: &Cel) -> Result<Cel, ExecutionError> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        functions::add(&mut context);
        context.add_variable_from_value("self", itself.clone());
        program.execute(&context)
    }
}

/// The schema of a field.
fn schema_of<'s>(schema: &'s Map<String, Value>, name: &str) -> Option<&'s Map<String, Value>> {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    property.or(schema.get("additionalProperties")).and_then(Value::as_object)
}

/// A value as rules see it: fields by their escaped names, and numbers by the type that the schema says.
fn convert(schema: &Map<String, Value>, value: &Value, is_root: bool) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(is) => Cel::Bool(*is),
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Number(number) => {
            let whole = number.as_i64().filter(|_| schema.get("type").is_none_or(|kind| kind != "number"));
            whole.map_or_else(|| Cel::Float(number.as_f64().unwrap_or_default()), Cel::Int)
        }
        Value::Array(items) => {
            let nothing = Map::new();
            let of = schema.get("items").and_then(Value::as_object).unwrap_or(&nothing);
            Cel::List(Arc::new(items.iter().map(|item| convert(of, item, false)).collect()))
        }
        Value::Object(map) => {
            let nothing = Map::new();
            let named = schema.get("properties").and_then(Value::as_object);
            let entries = map.iter().filter_map(|(name, value)| {
                let of = schema_of(schema, name).unwrap_or(&nothing);
                let is_field = named.is_some_and(|named| named.contains_key(name));
                let whole = is_root || schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true));
                match name.as_str() {
                    "apiVersion" | "kind" if whole => Some((name.clone(), convert(&nothing, value, false))),
                    "metadata" if whole => Some((name.clone(), metadata(value))),
                    // Fields that no schema names cannot be seen by rules.
                    _ if named.is_some() && !is_field => None,
                    _ if is_field => Some((escaped(name), convert(of, value, false))),
                    _ => Some((name.clone(), convert(of, value, false))),
                }
            });
            let map = entries.map(|(name, value)| (Key::String(Arc::new(name)), value)).collect();
            Cel::Map(CelMap { map: Arc::new(map) })
        }
    }
}

/// Of metadata, rules see the name only.
fn metadata(value: &Value) -> Cel {
    let named = ["name", "generateName"].into_iter().filter_map(|key| Some((key, value.get(key)?.as_str()?)));
    let map = named.map(|(key, text)| (Key::from(key), Cel::String(Arc::new(text.to_owned())))).collect();
    Cel::Map(CelMap { map: Arc::new(map) })
}

/// A field's name as rules write it.
fn escaped(name: &str) -> String {
    const WORDS: [&str; 20] = [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
    ];
    if WORDS.contains(&name) || name == "while" {
        return format!("__{name}__");
    }
    let name = name.replace("__", "__underscores__").replace('.', "__dot__");
    name.replace('-', "__dash__").replace('/', "__slash__")
}

/// A `fieldPath`, such as `.a['b.c']`, as a JSON pointer.
fn field_of(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix("['") {
            quoted.split_once("']").unwrap_or((quoted, ""))
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            plain.split_at(plain.find(['.', '[']).filter(|at| *at > 0).unwrap_or(plain.len()))
        };
        out.push('/');
        out.push_str(&pointer::escape(name));
        rest = after;
    }
    out
}
