//! The types of an expression, as cel-go's checker finds them.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::literal_value;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind};
use super::types::{self, Type};
use super::{Environment, Fault, functions, parse, text};
use crate::regexp::{self, Pattern};

/// What the checker found out.
#[derive(Debug, Default)]
pub(super) struct Checked {
    types: BTreeMap<usize, Type>,
    /// The declarations that a call may mean.
    pub overloads: BTreeMap<usize, Vec<&'static str>>,
    /// Calls whose receiver is no value but part of a function's name, such as `sets.contains`.
    pub functions: BTreeMap<usize, String>,
    /// Names of variables with a dot.
    pub qualified: BTreeMap<usize, String>,
    /// Variables that are named.
    pub names: BTreeSet<String>,
}

impl Checked {
    pub(super) fn type_of(&self, expr: &Expr) -> &Type {
        self.types.get(&expr.id).unwrap_or(&Type::Dyn)
    }

    pub(super) fn overloads_of(&self, expr: &Expr) -> &[&'static str] {
        self.overloads.get(&expr.id).map_or(&[], Vec::as_slice)
    }
}

/// Names that stand for types.
pub(super) fn type_name(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::Text,
        "null_type" => Type::Null,
        "list" => Type::list(Type::Dyn),
        "map" => Type::Map(Box::new(Type::Dyn), Box::new(Type::Dyn)),
        "type" => Type::Type(Box::new(Type::Dyn)),
        "optional_type" => Type::Optional(Box::new(Type::Dyn)),
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        "net.IP" => Type::Opaque("net.IP"),
        "net.CIDR" => Type::Opaque("net.CIDR"),
        "kubernetes.URL" => Type::Opaque("kubernetes.URL"),
        "kubernetes.Quantity" => Type::Opaque("kubernetes.Quantity"),
        "kubernetes.Semver" => Type::Opaque("kubernetes.Semver"),
        "kubernetes.NamedFormat" => Type::Opaque("kubernetes.NamedFormat"),
        _ => return None,
    })
}

pub(super) fn check(root: &Expr, environment: &Environment) -> Result<Checked, Fault> {
    let mut checker = Checker {
        environment,
        checked: Checked::default(),
        scopes: Vec::new(),
        bound: Vec::new(),
        alike: Vec::new(),
        in_format: 0,
    };
    checker.expr(root)?;
    let Checker { mut checked, bound, alike, .. } = checker;
    for found in checked.types.values_mut() {
        *found = settled(&bound, found);
    }
    if environment.minor >= ALIKE_SINCE {
        alike.iter().try_for_each(|items| are_alike(&checked, items))?;
    }
    Ok(checked)
}

/// Since when the items of a literal have to be of exactly one type, so that `dyn` does not stand beside `string`: its validator
/// is part of the environment of Kubernetes 1.29.
const ALIKE_SINCE: u16 = 29;

/// An item of a literal: the expression, where it stands, and whether it is optional.
type Item = (usize, usize, bool);

fn are_alike(checked: &Checked, items: &[Item]) -> Result<(), Fault> {
    let of = |(id, _, optional): &Item| match checked.types.get(id) {
        Some(Type::Optional(inner)) if *optional => (**inner).clone(),
        Some(other) => other.clone(),
        None => Type::Dyn,
    };
    let Some((first, rest)) = items.split_first() else { return Ok(()) };
    let wanted = of(first);
    match rest.iter().find(|item| of(item) != wanted) {
        Some(item) => Err(Fault::new(item.1, format!("expected type '{wanted}' but found '{}'", of(item)))),
        None => Ok(()),
    }
}

/// A type without variables: what was not found out may be anything.
fn settled(bound: &[Option<Type>], of: &Type) -> Type {
    let inner = |of: &Type| Box::new(settled(bound, of));
    match of {
        Type::Variable(at) => bound.get(*at).and_then(Option::as_ref).map_or(Type::Dyn, |of| settled(bound, of)),
        Type::List(of) => Type::List(inner(of)),
        Type::Map(key, value) => Type::Map(inner(key), inner(value)),
        Type::Optional(of) => Type::Optional(inner(of)),
        Type::Type(of) => Type::Type(inner(of)),
        other => other.clone(),
    }
}

struct Checker<'e> {
    environment: &'e Environment,
    checked: Checked,
    scopes: Vec<(String, Type)>,
    bound: Vec<Option<Type>>,
    /// The items, keys and values of literals, which are of one type each.
    alike: Vec<Vec<Item>>,
    /// How many calls of `format` are around, whose list may hold anything.
    in_format: usize,
}

type Found = Result<Type, Fault>;

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Found {
        let found = match &expr.kind {
            Kind::Literal(literal) => match literal {
                Literal::Null => Type::Null,
                Literal::Bool(_) => Type::Bool,
                Literal::Int(_) => Type::Int,
                Literal::Uint(_) => Type::Uint,
                Literal::Double(_) => Type::Double,
                Literal::Text(_) => Type::Text,
                Literal::Bytes(_) => Type::Bytes,
            },
            Kind::Ident(name) => self
                .variable(name)
                .ok_or_else(|| Fault::new(expr.at, format!("undeclared reference to '{name}' (in container '')")))?,
            Kind::Select { of, field, test } => self.select(expr, of, field, *test)?,
            Kind::Call { function, target, args } => {
                let is_format = usize::from(function == "format");
                self.in_format += is_format;
                let found = self.call(expr, function, target.as_deref(), args)?;
                self.in_format -= is_format;
                found
            }
            Kind::List(items) => {
                self.alike(items.iter().map(|(item, optional)| (item.id, item.at, *optional)));
                let mut joined = None;
                for (item, optional) in items {
                    let found = self.expr(item)?;
                    let found = if *optional { self.unwrapped(item, &found)? } else { found };
                    joined = Some(self.join(item, joined, found)?);
                }
                let of = joined.unwrap_or_else(|| self.fresh());
                Type::list(of)
            }
            Kind::Map(entries) => {
                self.alike(entries.iter().map(|(key, ..)| (key.id, key.at, false)));
                self.alike(entries.iter().map(|(_, value, optional)| (value.id, value.at, *optional)));
                let (mut keys, mut values) = (None, None);
                for (key, value, optional) in entries {
                    let found = self.expr(key)?;
                    keys = Some(self.join(key, keys, found)?);
                    let found = self.expr(value)?;
                    let found = if *optional { self.unwrapped(value, &found)? } else { found };
                    values = Some(self.join(value, values, found)?);
                }
                let key = keys.unwrap_or_else(|| self.fresh());
                let value = values.unwrap_or_else(|| self.fresh());
                Type::Map(Box::new(key), Box::new(value))
            }
            Kind::Object(name, fields) => self.object(expr, name, fields)?,
            Kind::Macro(made) => self.expand(expr, made)?,
        };
        self.checked.types.insert(expr.id, found.clone());
        Ok(found)
    }

    fn alike(&mut self, items: impl Iterator<Item = Item>) {
        if self.in_format == 0 {
            self.alike.push(items.collect());
        }
    }

    fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Variable(self.bound.len() - 1)
    }

    fn variable(&mut self, name: &str) -> Option<Type> {
        if let Some((_, of)) = self.scopes.iter().rev().find(|(scoped, _)| scoped == name) {
            return Some(of.clone());
        }
        if let Some(of) = self.environment.variables.get(name) {
            self.checked.names.insert(name.to_owned());
            return Some(of.clone());
        }
        type_name(name).map(|of| Type::Type(Box::new(of)))
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|(scoped, _)| scoped == name)
    }

    fn resolve(&self, of: &Type) -> Type {
        match of {
            Type::Variable(at) => match self.bound.get(*at).and_then(Option::as_ref) {
                Some(bound) => self.resolve(bound),
                None => of.clone(),
            },
            other => other.clone(),
        }
    }

    fn show(&self, of: &Type) -> Type {
        settled(&self.bound, of)
    }

    fn select(&mut self, expr: &Expr, of: &Expr, field: &str, test: bool) -> Found {
        if !test
            && let Some(name) = parse::qualified(expr)
            && !self.is_local(name.split('.').next().unwrap_or_default())
            && let Some(found) = self.variable(&name)
        {
            self.checked.qualified.insert(expr.id, name);
            return Ok(found);
        }
        let found = self.expr(of)?;
        let found = self.field(of, &found, field)?;
        Ok(if test { Type::Bool } else { found })
    }

    /// The type of a field of a value of this type.
    fn field(&mut self, of: &Expr, found: &Type, field: &str) -> Found {
        match self.resolve(found) {
            Type::Dyn | Type::Variable(_) => Ok(Type::Dyn),
            Type::Map(_, value) => Ok(*value),
            Type::Made(_) => Ok(Type::Dyn),
            Type::Object(object) => {
                let found = object.fields.get(field).cloned();
                found.ok_or_else(|| Fault::new(of.at, format!("undefined field '{field}'")))
            }
            Type::Optional(inner) => match self.field(of, &inner, field)? {
                already @ Type::Optional(_) => Ok(already),
                found => Ok(Type::Optional(Box::new(found))),
            },
            other => {
                let what = format!("type '{}' does not support field selection", self.show(&other));
                Err(Fault::new(of.at, what))
            }
        }
    }

    fn unwrapped(&mut self, expr: &Expr, found: &Type) -> Found {
        match self.resolve(found) {
            Type::Optional(of) => Ok(*of),
            Type::Dyn => Ok(Type::Dyn),
            other => {
                let what = format!("expected type 'optional_type' but found '{}'", self.show(&other));
                Err(Fault::new(expr.at, what))
            }
        }
    }

    /// Items of one literal are of one type.
    fn join(&mut self, expr: &Expr, joined: Option<Type>, found: Type) -> Found {
        let Some(joined) = joined else { return Ok(found) };
        if self.unify(&joined, &found) {
            return Ok(if matches!(self.resolve(&found), Type::Dyn) { Type::Dyn } else { joined });
        }
        let what = format!("expected type '{}' but found '{}'", self.show(&joined), self.show(&found));
        Err(Fault::new(expr.at, what))
    }

    fn unify(&mut self, one: &Type, other: &Type) -> bool {
        let (one, other) = (self.resolve_variable(one), self.resolve_variable(other));
        match (&one, &other) {
            (Type::Variable(a), Type::Variable(b)) if a == b => true,
            (Type::Variable(at), of) | (of, Type::Variable(at)) => self.bind(*at, of),
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, of) | (of, Type::Null) => matches!(
                of,
                Type::Null
                    | Type::Object(_)
                    | Type::Made(_)
                    | Type::Opaque(_)
                    | Type::Optional(_)
                    | Type::Duration
                    | Type::Timestamp
            ),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.unify(a, b),
            (Type::Map(a, b), Type::Map(c, d)) => self.unify(a, c) && self.unify(b, d),
            (Type::Type(_), Type::Type(_)) => true,
            (a, b) => a == b,
        }
    }

    /// The last variable that a type leads to, or what that is bound to.
    fn resolve_variable(&self, of: &Type) -> Type {
        match of {
            Type::Variable(at) => match self.bound.get(*at).and_then(Option::as_ref) {
                Some(inner @ Type::Variable(_)) => self.resolve_variable(inner),
                Some(_) | None => of.clone(),
            },
            other => other.clone(),
        }
    }

    fn bind(&mut self, at: usize, of: &Type) -> bool {
        let Some(bound) = self.bound.get(at).cloned().flatten() else {
            if occurs(&self.bound, at, of) {
                return false;
            }
            self.bound[at] = Some(of.clone());
            return true;
        };
        let of = self.resolve(of);
        if !self.unify(&bound, &of) {
            return false;
        }
        // The more general of the two stays.
        if matches!(of, Type::Dyn) || (matches!(bound, Type::Null) && !matches!(of, Type::Variable(_))) {
            self.bound[at] = Some(of);
        }
        true
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> Found {
        if function == "_?._" && target.is_none() {
            return self.optional_field(expr, args);
        }
        let mut name = function.to_owned();
        let mut member = target.is_some();
        let mut given = Vec::with_capacity(args.len() + 1);
        if let Some(target) = target {
            let long = parse::qualified(target).map(|prefix| format!("{prefix}.{function}"));
            match long.filter(|long| types::functions().contains_key(long.as_str()) || long == "jsonpatch.escapeKey") {
                Some(long) => {
                    self.checked.functions.insert(expr.id, long.clone());
                    name = long;
                    member = false;
                }
                None => given.push(self.expr(target)?),
            }
        }
        for arg in args {
            given.push(self.expr(arg)?);
        }
        if name == "jsonpatch.escapeKey" && self.environment.objects {
            return Ok(Type::Text);
        }
        self.literals(&name, args, member)?;
        let found = self.overload(expr, &name, member, &given)?;
        conversion(&name, args, member)?;
        if name == "type" {
            return Ok(Type::Type(Box::new(given.pop().unwrap_or(Type::Dyn))));
        }
        Ok(found)
    }

    fn overload(&mut self, expr: &Expr, name: &str, member: bool, given: &[Type]) -> Found {
        let Some(all) =
            types::functions().get(name).filter(|all| all.iter().any(|o| o.since <= self.environment.minor))
        else {
            return Err(Fault::new(expr.at, format!("undeclared reference to '{name}' (in container '')")));
        };
        let mut result: Option<Type> = None;
        let mut ids = Vec::new();
        for overload in all {
            let fits = overload.member == member
                && overload.params.len() == given.len()
                && overload.since <= self.environment.minor;
            if !fits {
                continue;
            }
            let before = self.bound.clone();
            let mut parameters = BTreeMap::new();
            let params: Vec<Type> = overload.params.iter().map(|param| self.instance(param, &mut parameters)).collect();
            if params.iter().zip(given).all(|(param, arg)| self.unify(param, arg)) {
                ids.push(overload.id);
                let found = self.instance(&overload.result, &mut parameters);
                let found = self.resolved(&found);
                result = Some(match result {
                    Some(known) if known != found => Type::Dyn,
                    _ => found,
                });
            } else {
                self.bound = before;
            }
        }
        self.checked.overloads.insert(expr.id, ids);
        result.ok_or_else(|| {
            let shown: Vec<_> = given.iter().map(|of| self.show(of).to_string()).collect();
            let (receiver, shown) = if member { shown.split_at(1) } else { (&[][..], &shown[..]) };
            let receiver = receiver.first().map(|of| format!("{of}.")).unwrap_or_default();
            let what = format!("found no matching overload for '{name}' applied to '{receiver}({})'", shown.join(", "));
            Fault::new(expr.at, what)
        })
    }

    /// A type with what its variables are bound to.
    fn resolved(&self, of: &Type) -> Type {
        let inner = |of: &Type| Box::new(self.resolved(of));
        match self.resolve(of) {
            Type::List(of) => Type::List(inner(&of)),
            Type::Map(key, value) => Type::Map(inner(&key), inner(&value)),
            Type::Optional(of) => Type::Optional(inner(&of)),
            other => other,
        }
    }

    /// A declared type with variables for its parameters.
    fn instance(&mut self, of: &Type, parameters: &mut BTreeMap<char, Type>) -> Type {
        match of {
            Type::Parameter(name) => {
                if !parameters.contains_key(name) {
                    let fresh = self.fresh();
                    parameters.insert(*name, fresh);
                }
                parameters.get(name).cloned().unwrap_or(Type::Dyn)
            }
            Type::List(of) => Type::List(Box::new(self.instance(of, parameters))),
            Type::Optional(of) => Type::Optional(Box::new(self.instance(of, parameters))),
            Type::Type(of) => Type::Type(Box::new(self.instance(of, parameters))),
            Type::Map(key, value) => {
                Type::Map(Box::new(self.instance(key, parameters)), Box::new(self.instance(value, parameters)))
            }
            other => other.clone(),
        }
    }

    fn optional_field(&mut self, expr: &Expr, args: &[Expr]) -> Found {
        let [of, name] = args else { return Ok(Type::Dyn) };
        let found = self.expr(of)?;
        self.expr(name)?;
        let Kind::Literal(Literal::Text(field)) = &name.kind else { return Ok(Type::Dyn) };
        self.checked.overloads.insert(expr.id, vec!["select_optional_field"]);
        if self.environment.minor < 28 {
            return Err(Fault::new(expr.at, "unsupported syntax '.?'"));
        }
        Ok(match self.field(of, &found, field)? {
            already @ Type::Optional(_) => already,
            found => Type::Optional(Box::new(found)),
        })
    }

    /// Durations, times and patterns that are written out are read at once.
    fn literals(&self, name: &str, args: &[Expr], member: bool) -> Result<(), Fault> {
        let literal = |at: usize| match args.get(at).map(|arg| (&arg.kind, arg.at)) {
            Some((Kind::Literal(Literal::Text(text)), at)) => Some((text, at)),
            _ => None,
        };
        if self.environment.minor < 29 {
            return Ok(());
        }
        let wrong = match (name, args.len()) {
            ("duration", 1) => literal(0).filter(|(text, _)| crate::go::duration(text).is_none()),
            ("timestamp", 1) => literal(0).filter(|(text, _)| crate::time::rfc3339(text).is_none()),
            ("matches", 1 | 2) => {
                literal(usize::from(!member)).filter(|(text, _)| matches!(regexp::read(text), Pattern::Invalid(_)))
            }
            ("find" | "findAll", 1 | 2) if member => {
                literal(0).filter(|(text, _)| matches!(regexp::read(text), Pattern::Invalid(_)))
            }
            _ => None,
        };
        match wrong {
            Some((text, at)) => Err(Fault::new(at, format!("invalid {name} argument: `{}`", text::short(text)))),
            None => Ok(()),
        }
    }

    fn object(&mut self, expr: &Expr, name: &str, fields: &[(String, Expr, bool)]) -> Found {
        let known =
            self.environment.objects && (name == "Object" || name.starts_with("Object.") || name == "JSONPatch");
        if !known {
            return Err(Fault::new(expr.at, format!("undeclared reference to '{name}' (in container '')")));
        }
        for (field, value, optional) in fields {
            let found = self.expr(value)?;
            let found = if *optional { self.unwrapped(value, &found)? } else { found };
            if name == "JSONPatch" {
                let wanted = match field.as_str() {
                    "op" | "path" | "from" => Type::Text,
                    "value" => Type::Dyn,
                    _ => return Err(Fault::new(value.at, format!("undefined field '{field}'"))),
                };
                if !self.unify(&wanted, &found) {
                    let what = format!(
                        "expected type of field '{field}' is '{wanted}' but provided type is '{}'",
                        self.show(&found)
                    );
                    return Err(Fault::new(value.at, what));
                }
            } else if let Type::Made(inner) = &found
                && *inner != format!("{name}.{field}")
            {
                let what = format!("unexpected type {inner} of field '{field}', expected {name}.{field}");
                return Err(Fault::new(value.at, what));
            }
        }
        Ok(Type::Made(name.to_owned()))
    }

    fn expand(&mut self, expr: &Expr, made: &Macro) -> Found {
        let range = self.expr(&made.range)?;
        let range = self.resolve(&range);
        if matches!(made.kind, MacroKind::OptMap | MacroKind::OptFlatMap) {
            return self.optional_map(expr, made, &range);
        }
        let (single, first, second) = match &range {
            Type::List(of) => ((**of).clone(), Type::Int, (**of).clone()),
            Type::Map(key, value) => ((**key).clone(), (**key).clone(), (**value).clone()),
            Type::Dyn | Type::Variable(_) => (Type::Dyn, Type::Dyn, Type::Dyn),
            other => {
                let what = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    self.show(other)
                );
                return Err(Fault::new(made.range.at, what));
            }
        };
        if made.variables.len() == 2 && self.environment.minor < 32 {
            return Err(Fault::new(expr.at, "comprehensions of two variables are not known to this version"));
        }
        let variables = if made.variables.len() == 2 { vec![first.clone(), second] } else { vec![single.clone()] };
        let depth = self.scopes.len();
        self.scopes.extend(made.variables.iter().cloned().zip(variables));
        if let Some(filter) = &made.filter {
            self.boolean(filter)?;
        }
        let body = self.expr(&made.body)?;
        let found = match made.kind {
            MacroKind::All | MacroKind::Exists | MacroKind::ExistsOne => {
                self.want_boolean(&made.body, &body)?;
                Type::Bool
            }
            MacroKind::List => Type::list(body),
            MacroKind::TransformMap => Type::Map(Box::new(first), Box::new(body)),
            MacroKind::TransformMapEntry => match self.resolve(&body) {
                of @ (Type::Map(..) | Type::Dyn) => of,
                other => {
                    let what = format!("expected type 'map' but found '{}'", self.show(&other));
                    return Err(Fault::new(made.body.at, what));
                }
            },
            MacroKind::SortBy => {
                let keys = Type::list(body);
                let whole = if matches!(range, Type::List(_)) { range.clone() } else { Type::list(single) };
                self.overload(expr, "@sortBy", false, &[whole, keys])?
            }
            MacroKind::OptMap | MacroKind::OptFlatMap => Type::Dyn,
        };
        self.scopes.truncate(depth);
        Ok(found)
    }

    fn optional_map(&mut self, expr: &Expr, made: &Macro, range: &Type) -> Found {
        let of = match range {
            Type::Optional(of) => (**of).clone(),
            Type::Dyn | Type::Variable(_) => Type::Dyn,
            other => {
                let what = format!("found no matching overload for 'hasValue' applied to '{}.()'", self.show(other));
                return Err(Fault::new(expr.at, what));
            }
        };
        let depth = self.scopes.len();
        self.scopes.extend(made.variables.iter().cloned().zip([of]));
        let body = self.expr(&made.body)?;
        self.scopes.truncate(depth);
        Ok(match (made.kind, self.resolve(&body)) {
            (MacroKind::OptMap, _) => Type::Optional(Box::new(body)),
            (_, found @ (Type::Optional(_) | Type::Dyn)) => found,
            (_, other) => {
                let what = format!("expected type 'optional_type' but found '{}'", self.show(&other));
                return Err(Fault::new(made.body.at, what));
            }
        })
    }

    fn boolean(&mut self, expr: &Expr) -> Result<(), Fault> {
        let found = self.expr(expr)?;
        self.want_boolean(expr, &found)
    }

    fn want_boolean(&mut self, expr: &Expr, found: &Type) -> Result<(), Fault> {
        if self.unify(&Type::Bool, found) {
            return Ok(());
        }
        Err(Fault::new(expr.at, format!("expected type 'bool' but found '{}'", self.show(found))))
    }
}

fn occurs(bound: &[Option<Type>], at: usize, of: &Type) -> bool {
    match of {
        Type::Variable(other) => {
            *other == at || bound.get(*other).and_then(Option::as_ref).is_some_and(|of| occurs(bound, at, of))
        }
        Type::List(of) | Type::Optional(of) | Type::Type(of) => occurs(bound, at, of),
        Type::Map(key, value) => occurs(bound, at, key) || occurs(bound, at, value),
        _ => false,
    }
}

/// A literal that is converted is converted when the program is made, so that what cannot be is told at once.
fn conversion(name: &str, args: &[Expr], member: bool) -> Result<(), Fault> {
    const TO: [&str; 8] = ["bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"];
    let [arg @ Expr { kind: Kind::Literal(literal), .. }] = args else { return Ok(()) };
    if member || !TO.contains(&name) {
        return Ok(());
    }
    match functions::call(name, false, &[literal_value(literal)]) {
        Ok(_) => Ok(()),
        Err(_) => Err(Fault::new(arg.at, format!("it cannot be converted: {name} does not take this value"))),
    }
}
