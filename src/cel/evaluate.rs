//! Evaluates an expression within a budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{self, Checked};
use super::functions;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind};
use super::types::Type;
use super::value::{Key, Value};

/// Steps of one evaluation: a part of the expression is one, and so is each item or ten bytes of a value that is made. The
/// API server has as many.
const STEPS: u64 = 1_000_000;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It fails, as it does in the API server.
    Failed(String),
    /// It fails, as a field or key is not there.
    NoSuchKey(String),
    /// It takes more than the budget allows.
    Budget,
    /// It uses what cannot be evaluated here.
    Unsupported(String),
}

impl Halt {
    pub(super) fn failed(why: impl Into<String>) -> Halt {
        Halt::Failed(why.into())
    }

    /// Whether the API server would say so, too.
    fn is_failure(&self) -> bool {
        matches!(self, Halt::Failed(_) | Halt::NoSuchKey(_))
    }
}

pub(super) type Answer = Result<Value, Halt>;

pub(super) fn evaluate(root: &Expr, checked: &Checked, variables: &BTreeMap<&str, Value>, budget: &mut u64) -> Answer {
    let most = STEPS.min(*budget);
    let mut evaluator = Evaluator { checked, variables, locals: Vec::new(), steps: 0, most };
    let found = evaluator.expr(root);
    *budget = budget.saturating_sub(evaluator.steps);
    found
}

struct Evaluator<'e> {
    checked: &'e Checked,
    variables: &'e BTreeMap<&'e str, Value>,
    locals: Vec<(&'e str, Value)>,
    steps: u64,
    most: u64,
}

impl<'e> Evaluator<'e> {
    fn step(&mut self, count: u64) -> Result<(), Halt> {
        self.steps = self.steps.saturating_add(count);
        if self.steps > self.most { Err(Halt::Budget) } else { Ok(()) }
    }

    fn expr(&mut self, expr: &'e Expr) -> Answer {
        self.step(1)?;
        match &expr.kind {
            Kind::Literal(literal) => Ok(literal_value(literal)),
            Kind::Ident(name) => self.variable(name),
            Kind::Select { of, field, test } => {
                if let Some(name) = self.checked.qualified.get(&expr.id) {
                    return self.variable(name);
                }
                let value = self.expr(of)?;
                if *test {
                    return has(&value, field);
                }
                select(&value, field)
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (item, optional) in items {
                    match (self.expr(item)?, optional) {
                        (Value::Optional(value), true) => out.extend(value.map(|value| (*value).clone())),
                        (value, _) => out.push(value),
                    }
                }
                Ok(Value::list(out))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Object(_, fields) => {
                let mut out = BTreeMap::new();
                for (field, value, optional) in fields {
                    match (self.expr(value)?, optional) {
                        (Value::Optional(None), true) => {}
                        (Value::Optional(Some(value)), true) => {
                            out.insert(Key::text(field), (*value).clone());
                        }
                        (value, _) => {
                            out.insert(Key::text(field), value);
                        }
                    }
                }
                Ok(Value::map(out))
            }
            Kind::Macro(made) => self.expand(made),
        }
    }

    fn variable(&self, name: &str) -> Answer {
        let local = self.locals.iter().rev().find(|(local, _)| *local == name).map(|(_, value)| value);
        if let Some(value) = local.or_else(|| self.variables.get(name)) {
            return Ok(value.clone());
        }
        match check::type_name(name) {
            Some(of) => Ok(Value::Type(Arc::from(type_text(&of)))),
            None => Err(Halt::Unsupported(format!("the variable {name}"))),
        }
    }

    fn map(&mut self, entries: &'e [(Expr, Expr, bool)]) -> Answer {
        let mut out = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = self.expr(key)?;
            let key = Key::of(&key).ok_or_else(|| Halt::failed("unsupported key type"))?;
            let value = match (self.expr(value)?, optional) {
                (Value::Optional(None), true) => continue,
                (Value::Optional(Some(value)), true) => (*value).clone(),
                (value, _) => value,
            };
            if out.insert(key, value).is_some() {
                return Err(Halt::failed("Failed with repeated key"));
            }
        }
        Ok(Value::map(out))
    }

    fn call(&mut self, expr: &'e Expr, function: &'e str, target: Option<&'e Expr>, args: &'e [Expr]) -> Answer {
        match (function, args) {
            ("_&&_", [left, right]) => return self.junction(left, right, false),
            ("_||_", [left, right]) => return self.junction(left, right, true),
            ("_?_:_", [condition, yes, no]) => {
                return match self.expr(condition)? {
                    Value::Bool(true) => self.expr(yes),
                    Value::Bool(false) => self.expr(no),
                    _ => Err(Halt::failed("no such overload")),
                };
            }
            ("_?._", [of, name]) => {
                let of = self.expr(of)?;
                let name = self.expr(name)?;
                return optional_index(&of, &name);
            }
            ("_[?_]", [of, index]) => {
                let of = self.expr(of)?;
                let index = self.expr(index)?;
                return optional_index(&of, &index);
            }
            ("or" | "orValue", [other]) => {
                if let Some(target) = target {
                    return match self.expr(target)? {
                        found @ Value::Optional(Some(_)) if function == "or" => Ok(found),
                        Value::Optional(Some(value)) => Ok((*value).clone()),
                        Value::Optional(None) => self.expr(other),
                        _ => Err(Halt::failed("no such overload")),
                    };
                }
            }
            _ => {}
        }
        let long = self.checked.functions.get(&expr.id);
        let mut values = Vec::with_capacity(args.len() + 1);
        if let (Some(target), None) = (target, long) {
            values.push(self.expr(target)?);
        }
        for arg in args {
            values.push(self.expr(arg)?);
        }
        let spent = functions::weight(function, &values);
        self.step(spent)?;
        let made = functions::call(long.map_or(function, String::as_str), long.is_none() && target.is_some(), &values)?;
        self.step(made.weight())?;
        Ok(made)
    }

    /// `&&` and `||`, in which one side may fail if the other decides.
    fn junction(&mut self, left: &'e Expr, right: &'e Expr, decides: bool) -> Answer {
        let left = self.expr(left);
        match &left {
            Ok(Value::Bool(is)) if *is == decides => return left,
            Err(halt) if !halt.is_failure() => return left,
            _ => {}
        }
        let right = self.expr(right);
        match (&left, &right) {
            (_, Ok(Value::Bool(is))) if *is == decides => right,
            (_, Err(halt)) if !halt.is_failure() => right,
            (Err(_), _) => left,
            (_, Err(_)) => right,
            (Ok(Value::Bool(_)), Ok(Value::Bool(_))) => right,
            _ => Err(Halt::failed("no such overload")),
        }
    }

    /// What a macro goes over: keys or indices, and values.
    fn range(&mut self, made: &'e Macro) -> Result<(Vec<(Value, Value)>, bool), Halt> {
        let range = self.expr(&made.range)?;
        self.step(range.weight())?;
        match range {
            Value::List(items) => {
                let index = |at: usize| Value::Int(i64::try_from(at).unwrap_or(i64::MAX));
                Ok((items.iter().enumerate().map(|(at, item)| (index(at), item.clone())).collect(), true))
            }
            Value::Map(entries) => {
                Ok((entries.iter().map(|(key, value)| (key.value(), value.clone())).collect(), false))
            }
            _ => Err(Halt::failed("no such overload")),
        }
    }

    fn expand(&mut self, made: &'e Macro) -> Answer {
        if matches!(made.kind, MacroKind::OptMap | MacroKind::OptFlatMap) {
            return self.optional_map(made);
        }
        let (range, is_list) = self.range(made)?;
        let depth = self.locals.len();
        let mut fold = Fold { failure: None, count: 0, items: Vec::new(), entries: BTreeMap::new() };
        for (key, value) in range {
            self.step(1)?;
            let single = if is_list { value.clone() } else { key.clone() };
            match made.variables.as_slice() {
                [one] => self.locals.push((one, single.clone())),
                [one, other] => {
                    self.locals.push((one, key.clone()));
                    self.locals.push((other, value));
                }
                _ => {}
            }
            let done = self.item(made, &mut fold, &key, single);
            self.locals.truncate(depth);
            if let Some(decided) = done? {
                return Ok(decided);
            }
        }
        if let Some(failure) = fold.failure {
            return Err(failure);
        }
        Ok(match made.kind {
            MacroKind::All => Value::Bool(true),
            MacroKind::Exists => Value::Bool(false),
            MacroKind::ExistsOne => Value::Bool(fold.count == 1),
            MacroKind::TransformMap | MacroKind::TransformMapEntry => Value::map(fold.entries),
            MacroKind::SortBy => {
                let (items, keys): (Vec<_>, Vec<_>) = fold.items.into_iter().filter_map(pair).unzip();
                let spent = (items.len() as u64).saturating_mul(20);
                self.step(spent)?;
                return functions::sorted(&items, &keys);
            }
            _ => Value::list(fold.items),
        })
    }

    /// One item of a macro's range; what the macro comes to, if that is decided.
    fn item(&mut self, made: &'e Macro, fold: &mut Fold, key: &Value, single: Value) -> Result<Option<Value>, Halt> {
        if let Some(filter) = &made.filter {
            match self.expr(filter)? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(None),
                _ => return Err(Halt::failed("no such overload")),
            }
        }
        let body = self.expr(&made.body);
        match made.kind {
            MacroKind::All | MacroKind::Exists => match body {
                Ok(Value::Bool(is)) if is == (made.kind == MacroKind::Exists) => return Ok(Some(Value::Bool(is))),
                Ok(Value::Bool(_)) => {}
                Ok(_) => fold.failure = Some(Halt::failed("no such overload")),
                Err(halt) if halt.is_failure() => fold.failure = Some(halt),
                Err(halt) => return Err(halt),
            },
            MacroKind::ExistsOne => match body? {
                Value::Bool(is) => fold.count += usize::from(is),
                _ => return Err(Halt::failed("no such overload")),
            },
            MacroKind::TransformMap => {
                let body = body?;
                let key = Key::of(key).ok_or_else(|| Halt::failed("unsupported key type"))?;
                fold.entries.insert(key, body);
            }
            MacroKind::TransformMapEntry => match body? {
                Value::Map(entries) => {
                    for (key, value) in entries.iter() {
                        if fold.entries.insert(key.clone(), value.clone()).is_some() {
                            return Err(Halt::failed("insert failed: key already exists"));
                        }
                    }
                }
                _ => return Err(Halt::failed("no such overload")),
            },
            MacroKind::SortBy => fold.items.push(Value::list(vec![single, body?])),
            _ => fold.items.push(body?),
        }
        Ok(None)
    }

    fn optional_map(&mut self, made: &'e Macro) -> Answer {
        let value = match self.expr(&made.range)? {
            Value::Optional(Some(value)) => (*value).clone(),
            Value::Optional(None) => return Ok(Value::Optional(None)),
            _ => return Err(Halt::failed("no such overload")),
        };
        let depth = self.locals.len();
        self.locals.extend(made.variables.iter().map(|name| (name.as_str(), value.clone())));
        let body = self.expr(&made.body);
        self.locals.truncate(depth);
        let body = body?;
        Ok(if made.kind == MacroKind::OptMap { Value::Optional(Some(Arc::new(body))) } else { body })
    }
}

/// What a macro has gathered.
struct Fold {
    failure: Option<Halt>,
    count: usize,
    items: Vec<Value>,
    entries: BTreeMap<Key, Value>,
}

fn pair(value: Value) -> Option<(Value, Value)> {
    let Value::List(both) = value else { return None };
    Some((both.first()?.clone(), both.get(1)?.clone()))
}

pub(super) fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(is) => Value::Bool(*is),
        Literal::Int(number) => Value::Int(*number),
        Literal::Uint(number) => Value::Uint(*number),
        Literal::Double(number) => Value::Double(*number),
        Literal::Text(text) => Value::text(text),
        Literal::Bytes(bytes) => Value::Bytes(Arc::from(bytes.as_slice())),
    }
}

fn type_text(of: &Type) -> String {
    match of {
        Type::List(_) => "list".to_owned(),
        Type::Map(..) => "map".to_owned(),
        Type::Null => "null_type".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::Optional(_) => "optional_type".to_owned(),
        Type::Type(_) => "type".to_owned(),
        other => other.to_string(),
    }
}

fn has(value: &Value, field: &str) -> Answer {
    match value {
        Value::Map(entries) => Ok(Value::Bool(entries.contains_key(&Key::text(field)))),
        Value::Optional(None) => Ok(Value::Bool(false)),
        Value::Optional(Some(value)) => has(value, field),
        _ => Err(Halt::failed(format!("no such overload: has(.{field}) of a value of type {}", value.type_name()))),
    }
}

fn select(value: &Value, field: &str) -> Answer {
    match value {
        Value::Map(entries) => entries.get(&Key::text(field)).cloned().ok_or_else(|| Halt::NoSuchKey(field.to_owned())),
        Value::Optional(_) => optional_index(value, &Value::text(field)),
        _ => Err(Halt::failed(format!("no such overload: .{field} of a value of type {}", value.type_name()))),
    }
}

/// `a[?b]`: the value, if it is there.
fn optional_index(of: &Value, index: &Value) -> Answer {
    let found = match of {
        Value::Optional(None) => return Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => return optional_index(inner, index),
        Value::Map(entries) => Key::of(index).and_then(|key| entries.get(&key).cloned()),
        Value::List(items) => match index {
            Value::Int(at) => usize::try_from(*at).ok().and_then(|at| items.get(at).cloned()),
            _ => return Err(Halt::failed("unsupported index type")),
        },
        _ => return Err(Halt::failed("no such overload")),
    };
    Ok(Value::Optional(found.map(Arc::new)))
}
