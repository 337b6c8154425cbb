//! What an expression costs at most, as the API server estimates it before it takes a rule.
//! Sources: cel-go's checker/cost.go and extensions, k8s.io/apiserver/pkg/cel/library/cost.go.

use std::collections::BTreeMap;

use super::check::Checked;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind};
use super::types::{Decl, DeclKind, Type};

/// Between what and what a cost or a size is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

const TEXT: f64 = 0.1;
const REGEX: f64 = 0.25;
const LIST: u64 = 10;
const MAP: u64 = 30;
const OBJECT: u64 = 40;
/// The longest pattern of a named format.
const FORMAT: f64 = 128.0;
const UNKNOWN: Estimate = Estimate { min: 0, max: u64::MAX };

impl Estimate {
    const fn fixed(cost: u64) -> Estimate {
        Estimate { min: cost, max: cost }
    }

    fn add(self, other: Estimate) -> Estimate {
        Estimate { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    fn multiply(self, other: Estimate) -> Estimate {
        Estimate { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    fn times(self, factor: f64) -> Estimate {
        Estimate { min: times(self.min, factor), max: times(self.max, factor) }
    }

    fn union(self, other: Estimate) -> Estimate {
        Estimate { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // as the server does it
fn times(count: u64, factor: f64) -> u64 {
    let product = (count as f64 * factor).ceil();
    if product >= 18_446_744_073_709_551_616.0 { u64::MAX } else { product as u64 }
}

/// What an expression costs; `root` says how large its first variable may be.
pub(super) fn estimate(expr: &Expr, checked: &Checked, root: Option<&Decl>, only: Option<&str>) -> Estimate {
    let mut coster = Coster {
        checked,
        root,
        only,
        paths: BTreeMap::new(),
        sizes: BTreeMap::new(),
        entries: BTreeMap::new(),
        locals: Vec::new(),
    };
    coster.cost(expr)
}

/// How large keys and values of a list or a mapping are.
#[derive(Clone, Copy)]
struct Entries {
    is_list: bool,
    key: Estimate,
    value: Estimate,
}

impl Entries {
    fn union(self, other: Entries) -> Entries {
        Entries { is_list: self.is_list, key: self.key.union(other.key), value: self.value.union(other.value) }
    }
}

struct Local {
    name: String,
    path: Vec<String>,
    size: Option<Estimate>,
    entries: Option<Entries>,
}

struct Coster<'c> {
    checked: &'c Checked,
    root: Option<&'c Decl>,
    /// The one name that stands for the root; `None`: any does, as where the API server does not look at names.
    only: Option<&'c str>,
    paths: BTreeMap<usize, Vec<String>>,
    sizes: BTreeMap<usize, Estimate>,
    entries: BTreeMap<usize, Entries>,
    locals: Vec<Local>,
}

impl Coster<'_> {
    fn cost(&mut self, expr: &Expr) -> Estimate {
        match &expr.kind {
            Kind::Literal(_) => Estimate::fixed(0),
            Kind::Ident(name) => {
                let path = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(expr.id, path);
                Estimate::fixed(1)
            }
            Kind::Select { of, field, test } => {
                if let Some(name) = self.checked.qualified.get(&expr.id) {
                    self.paths.insert(expr.id, vec![name.clone()]);
                    return Estimate::fixed(1);
                }
                let sum = self.cost(of);
                if *test {
                    return sum;
                }
                let mut path = self.path(of);
                path.push(field.clone());
                self.paths.insert(expr.id, path);
                match self.checked.type_of(of) {
                    Type::Map(..) | Type::Object(_) | Type::Made(_) => sum.add(Estimate::fixed(1)),
                    _ => sum,
                }
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(items) => {
                let mut sum = Estimate::fixed(LIST);
                let mut value = Estimate { min: if items.is_empty() { 0 } else { u64::MAX }, max: 0 };
                for (item, _) in items {
                    sum = sum.add(self.cost(item));
                    value = value.union(self.size_or_unknown(item));
                }
                self.entries.insert(expr.id, Entries { is_list: true, key: Estimate::fixed(1), value });
                sum
            }
            Kind::Map(entries) => {
                let mut sum = Estimate::fixed(MAP);
                let start = Estimate { min: if entries.is_empty() { 0 } else { u64::MAX }, max: 0 };
                let (mut keys, mut values) = (start, start);
                for (key, value, _) in entries {
                    sum = sum.add(self.cost(key)).add(self.cost(value));
                    keys = keys.union(self.size_or_unknown(key));
                    values = values.union(self.size_or_unknown(value));
                }
                self.entries.insert(expr.id, Entries { is_list: false, key: keys, value: values });
                sum
            }
            Kind::Object(_, fields) => {
                fields.iter().fold(Estimate::fixed(OBJECT), |sum, (_, value, _)| sum.add(self.cost(value)))
            }
            Kind::Macro(made) => self.expand(expr, made),
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> Vec<String> {
        if let Kind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_default()
    }

    /// How large the value at a path may be, by its declaration.
    fn declared(&self, path: &[String]) -> Option<Estimate> {
        let is_root = path.first().is_some_and(|name| self.only.is_none_or(|only| name == only));
        let mut of = self.root.filter(|_| is_root)?;
        for name in &path[1..] {
            of = match (&of.kind, name.as_str()) {
                (DeclKind::List(of), "@items") | (DeclKind::Map(of), "@values") => of,
                // Of keys, the server knows no length, and takes none.
                (DeclKind::Map(_), "@keys") => return Some(Estimate::fixed(0)),
                // Of an attribute of a device, it knows the size whatever it is called.
                (DeclKind::Map(of), _) if matches!(of.kind, DeclKind::Plain(Type::Dyn)) => of,
                (DeclKind::Object(fields), name) => fields.get(name)?,
                _ => return None,
            };
        }
        Some(Estimate { min: 0, max: of.most })
    }

    fn size(&mut self, expr: &Expr) -> Option<Estimate> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        let own = match &expr.kind {
            Kind::Literal(Literal::Text(text)) => Some(text.chars().count()),
            Kind::Literal(Literal::Bytes(bytes)) => Some(bytes.len()),
            Kind::Literal(_) => Some(1),
            Kind::List(items) => Some(items.len()),
            Kind::Map(entries) => Some(entries.len()),
            _ => None,
        };
        if let Some(own) = own {
            return Some(Estimate::fixed(own as u64));
        }
        if let Some(size) = self.declared(&self.path(expr)) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if scalar(self.checked.type_of(expr)) {
            return Some(Estimate::fixed(1));
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> Estimate {
        self.size(expr).unwrap_or(UNKNOWN)
    }

    fn entries(&self, expr: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&expr.id) {
            return Some(*entries);
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        }
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> Estimate {
        if function == "dyn" && target.is_none() {
            let Some(arg) = args.first() else { return Estimate::fixed(0) };
            let cost = self.cost(arg).add(Estimate::fixed(1));
            if let Some(size) = self.size(arg) {
                self.sizes.insert(expr.id, size);
            }
            if let Some(entries) = self.entries(arg) {
                self.entries.insert(expr.id, entries);
            }
            return cost;
        }
        let costs: Vec<Estimate> = args.iter().map(|arg| self.cost(arg)).collect();
        let long = self.checked.functions.get(&expr.id);
        let function = long.map_or(function, String::as_str);
        let target = target.filter(|_| long.is_none());
        let base = target.map_or(Estimate::fixed(0), |target| self.cost(target));
        let mut cost = Estimate { min: u64::MAX, max: 0 };
        let mut result: Option<Estimate> = None;
        let ids = self.checked.overloads_of(expr);
        for id in ids {
            let (one, size) = self.overload(expr, function, id, target, args, &costs);
            cost = cost.union(one);
            if let Some(size) = size {
                result = Some(result.map_or(size, |known| known.union(size)));
            }
            if let (Some(of), Some(step)) = (args.first(), index_step(id)) {
                result = self.entries(of).map(|entries| entries.value);
                let mut path = self.path(of);
                path.push(step.to_owned());
                self.paths.insert(expr.id, path);
            }
            if result.is_none() {
                result = self.size(expr);
            }
        }
        if ids.is_empty() {
            return costs.iter().fold(base, |sum, cost| sum.add(*cost)).add(Estimate::fixed(1));
        }
        if let Some(size) = result {
            self.sizes.insert(expr.id, size);
        }
        base.add(cost)
    }

    fn overload(
        &mut self,
        expr: &Expr,
        function: &str,
        id: &str,
        target: Option<&Expr>,
        args: &[Expr],
        costs: &[Estimate],
    ) -> (Estimate, Option<Estimate>) {
        let sum = costs.iter().fold(Estimate::fixed(0), |sum, cost| sum.add(*cost));
        if let Some((cost, size)) = self.extension(function, id, target, args) {
            return (cost.add(sum), size);
        }
        match (id, args) {
            ("string_to_bytes", [of]) => {
                let size = self.size_or_unknown(of);
                let result = Estimate { min: size.min, max: size.max.saturating_mul(4) };
                (size.times(TEXT).add(sum), Some(result))
            }
            ("bytes_to_string", [of]) => {
                let size = self.size_or_unknown(of);
                (size.times(TEXT).add(sum), Some(Estimate { min: size.min / 4, max: size.max }))
            }
            ("starts_with_string" | "ends_with_string", [of]) => (self.size_or_unknown(of).times(TEXT).add(sum), None),
            ("in_list", [_, of]) => (self.size_or_unknown(of).add(sum), None),
            ("matches_string", [pattern]) => {
                let Some(target) = target else { return (sum, None) };
                let text = self.size_or_unknown(target).add(Estimate::fixed(1)).times(TEXT);
                let regex = self.size_or_unknown(pattern).times(REGEX);
                (text.multiply(regex).add(sum), None)
            }
            ("contains_string", [of]) => {
                let Some(target) = target else { return (sum, None) };
                let text = self.size_or_unknown(target).times(TEXT);
                let part = self.size_or_unknown(of).times(TEXT);
                (text.multiply(part).add(sum), None)
            }
            ("string_format", _) => {
                let Some(target) = target else { return (sum, None) };
                (self.size_or_unknown(target).times(TEXT).add(sum), None)
            }
            ("logical_or" | "logical_and", _) => {
                let [left, right] = costs else { return (sum, None) };
                (Estimate { min: left.min, max: left.add(*right).max }, None)
            }
            ("conditional", [_, yes, no]) => {
                let size = self.size_or_unknown(yes).union(self.size_or_unknown(no));
                if let (Some(one), Some(other)) = (self.entries(yes), self.entries(no)) {
                    self.entries.insert(expr.id, one.union(other));
                }
                let [condition, yes, no] = costs else { return (sum, None) };
                (condition.add(yes.union(*no)), Some(size))
            }
            ("add_string" | "add_bytes" | "add_list", [left, right]) => {
                let size = self.size_or_unknown(left).add(self.size_or_unknown(right));
                if let (Some(one), Some(other)) = (self.entries(left), self.entries(right)) {
                    self.entries.insert(expr.id, one.union(other));
                }
                let cost = if id == "add_list" { Estimate::fixed(1) } else { size.times(TEXT) };
                (cost.add(sum), Some(size))
            }
            (
                "less_string"
                | "greater_string"
                | "less_equals_string"
                | "greater_equals_string"
                | "less_bytes"
                | "greater_bytes"
                | "less_equals_bytes"
                | "greater_equals_bytes"
                | "equals"
                | "not_equals",
                [left, right],
            ) => {
                let most = self.size_or_unknown(left).max.min(self.size_or_unknown(right).max);
                (Estimate { min: u64::from(most > 0), max: most }.times(TEXT).add(sum), None)
            }
            _ => (sum.add(Estimate::fixed(1)), None),
        }
    }

    /// Functions of Kubernetes' own and of the extensions.
    #[allow(clippy::too_many_lines)] // one table
    fn extension(
        &mut self,
        function: &str,
        id: &str,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Option<(Estimate, Option<Estimate>)> {
        let one = Some((Estimate::fixed(1), None));
        match (function, id) {
            (_, "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list") => {
                let [left, right] = args else { return None };
                let factor = if id == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
                let sizes = self.size_or_unknown(left).multiply(self.size_or_unknown(right));
                return Some((sizes.times(factor).add(Estimate::fixed(1)), None));
            }
            ("slice", _) => {
                let most = self.size_or_unknown(target?).max;
                let (from, to) = (int(args.first()?, 0), int(args.get(1)?, most));
                return Some(list_call(1.0, Estimate::fixed(to.wrapping_sub(from))));
            }
            ("lists.range", _) => return Some(list_call(1.0, Estimate::fixed(int(args.first()?, u64::MAX)))),
            ("reverse", "list_reverse") => return Some(list_call(1.0, self.size_or_unknown(target?))),
            ("flatten", _) => {
                let depth = args.first().map_or(1, |depth| int(depth, u64::MAX));
                #[allow(clippy::cast_precision_loss)] // a factor
                return Some(list_call(depth as f64, self.size_or_unknown(target?)));
            }
            ("distinct", _) => {
                let size = self.size_or_unknown(target?);
                return Some(list_call(2.0, size.multiply(size)));
            }
            ("sort", _) => {
                let size = self.size_or_unknown(target?);
                return Some(list_call(sort_factor(id), size.multiply(size)));
            }
            _ => {}
        }
        let text = |size: Estimate| size.times(TEXT);
        Some(match function {
            "check" => (Estimate::fixed(350_000), None),
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let target = target?;
                let size = self.size_or_unknown(target);
                let Type::List(of) = self.checked.type_of(target) else { return Some((text(size), None)) };
                let mut each = Estimate::fixed(1);
                if matches!(**of, Type::Text | Type::Bytes) {
                    let mut path = self.path(target);
                    let known = if path.is_empty() {
                        None
                    } else {
                        path.push("@items".to_owned());
                        self.declared(&path)
                    };
                    each = each.add(known.unwrap_or(UNKNOWN).times(TEXT));
                }
                (size.multiply(each), None)
            }
            "url" => {
                let size = self.size_or_unknown(args.first()?);
                (text(size), Some(size))
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = self.size_or_unknown(target?);
                (text(size), Some(size))
            }
            "replace" => {
                let size = self.size_or_unknown(target?);
                let (from, to) = (self.size_or_unknown(args.first()?), self.size_or_unknown(args.get(1)?));
                (size.times(2.0 * TEXT), Some(replaced(size, from, to)))
            }
            "split" => {
                let size = self.size_or_unknown(target?);
                let most = args.get(1).map_or(size.max, |limit| int(limit, size.max));
                (size.times(2.0 * TEXT), Some(Estimate { min: 0, max: most }))
            }
            "join" => {
                let target = target?;
                let count = self.size_or_unknown(target);
                let mut path = self.path(target);
                let each = if path.is_empty() {
                    UNKNOWN
                } else {
                    path.push("@items".to_owned());
                    self.declared(&path).unwrap_or(UNKNOWN)
                };
                let mut size = count.multiply(each);
                if let Some(separator) = args.first() {
                    let between = Estimate { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
                    size = size.add(self.size_or_unknown(separator).multiply(between));
                }
                (text(size), Some(size))
            }
            "find" | "findAll" => {
                let size = self.size_or_unknown(target?);
                let regex = self.size_or_unknown(args.first()?).times(REGEX);
                let cost = text(size.add(Estimate::fixed(1))).multiply(regex);
                (cost, Some(Estimate { min: 0, max: size.max }))
            }
            "ip" if id == "cidr_ip" => return one,
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                (text(self.size_or_unknown(args.first()?)), None)
            }
            "ip.isCanonical" => (self.size_or_unknown(args.first()?).times(2.0 * TEXT), None),
            "containsIP" | "containsCIDR" => {
                let address = Estimate { min: 4, max: 16 };
                let mut cost = address.add(address).times(TEXT);
                if function == "containsCIDR" {
                    cost = cost.add(address.times(TEXT)).add(Estimate::fixed(1));
                }
                if matches!(id, "cidr_contains_ip_string" | "cidr_contains_cidr_string") {
                    cost = cost.add(text(self.size_or_unknown(args.first()?)));
                }
                (cost, None)
            }
            "validate" => (text(self.size_or_unknown(args.first()?)).times(FORMAT * REGEX), None),
            "_==_" => {
                let [left, right] = args else { return None };
                let (left, right) = (self.checked.type_of(left), self.checked.type_of(right));
                match left {
                    Type::Opaque(_) if left == right => return one,
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    fn push(&mut self, name: &str, range: &Expr, step: &str, size: Option<Estimate>) {
        let mut path = self.path(range);
        path.push(step.to_owned());
        self.locals.push(Local { name: name.to_owned(), path, size, entries: None });
    }

    fn expand(&mut self, expr: &Expr, made: &Macro) -> Estimate {
        if matches!(made.kind, MacroKind::OptMap | MacroKind::OptFlatMap) {
            return self.optional_map(expr, made);
        }
        let range = self.cost(&made.range);
        let entries = self.entries(&made.range);
        let is_list = entries
            .map_or_else(|| matches!(self.checked.type_of(&made.range), Type::List(_)), |entries| entries.is_list);
        let (key, value) = (entries.map(|e| e.key), entries.map(|e| e.value));
        let depth = self.locals.len();
        let (first, second) = if is_list { ("@indices", "@items") } else { ("@keys", "@values") };
        match made.variables.as_slice() {
            [one] if is_list => self.push(one, &made.range, "@items", value),
            [one] => self.push(one, &made.range, "@keys", key),
            [one, other] => {
                self.push(one, &made.range, first, key);
                self.push(other, &made.range, second, value);
            }
            _ => {}
        }
        let filter = made.filter.as_ref().map(|filter| self.cost(filter));
        let body = self.cost(&made.body);
        let body_size = self.size(&made.body);
        self.locals.truncate(depth);
        let fixed = Estimate::fixed;
        let count = self.size_or_unknown(&made.range);
        // What is done for each item, and around the loop.
        let (each, around) = match made.kind {
            MacroKind::All => (fixed(2).add(Estimate { min: 1, max: body.max.saturating_add(1) }), 1),
            MacroKind::Exists => (fixed(3).add(Estimate { min: 1, max: body.max.saturating_add(1) }), 1),
            MacroKind::ExistsOne => (body.add(Estimate { min: 1, max: 2 }), 2),
            MacroKind::List | MacroKind::SortBy => (kept(filter, body.add(fixed(LIST + 2))), LIST + 1),
            MacroKind::TransformMap => (kept(filter, body.add(fixed(3))), MAP + 1),
            MacroKind::TransformMapEntry => (kept(filter, body.add(fixed(2))), MAP + 1),
            MacroKind::OptMap | MacroKind::OptFlatMap => (body, 1),
        };
        if matches!(made.kind, MacroKind::List | MacroKind::TransformMap | MacroKind::TransformMapEntry) {
            self.sizes.insert(expr.id, count);
            if made.kind == MacroKind::List {
                let value = body_size.unwrap_or(UNKNOWN);
                self.entries.insert(expr.id, Entries { is_list: true, key: fixed(1), value });
            }
        }
        let mut cost = range.add(fixed(around)).add(count.multiply(each));
        if made.kind == MacroKind::SortBy {
            let ids = self.checked.overloads_of(expr);
            let factor = ids.iter().map(|id| sort_factor(id)).fold(2.0, f64::max);
            cost = cost.add(list_call(factor, count.multiply(count)).0).add(fixed(1));
            self.sizes.insert(expr.id, count);
        }
        cost
    }

    fn optional_map(&mut self, expr: &Expr, made: &Macro) -> Estimate {
        let range = self.cost(&made.range);
        let (path, size) = (self.path(&made.range), self.size(&made.range));
        let depth = self.locals.len();
        for name in &made.variables {
            self.locals.push(Local { name: name.clone(), path: path.clone(), size, entries: None });
        }
        let body = self.cost(&made.body);
        if let Some(size) = self.size(&made.body) {
            self.sizes.insert(expr.id, size);
        }
        self.locals.truncate(depth);
        // hasValue(), value(), and optional.of() or optional.none().
        let wrap = Estimate::fixed(u64::from(made.kind == MacroKind::OptMap));
        let yes = range.add(Estimate::fixed(1 + LIST)).add(body).add(wrap);
        range.add(Estimate::fixed(1)).add(yes.union(Estimate::fixed(1)))
    }
}

/// A step of a loop that may be skipped.
fn kept(filter: Option<Estimate>, step: Estimate) -> Estimate {
    filter.map_or(step, |filter| filter.add(step.union(Estimate::fixed(1))))
}

fn list_call(factor: f64, size: Estimate) -> (Estimate, Option<Estimate>) {
    (size.times(factor).add(Estimate::fixed(1 + LIST)), Some(size))
}

fn sort_factor(id: &str) -> f64 {
    if id.starts_with("list_string") || id.starts_with("list_bytes") { 2.0 + TEXT } else { 2.0 }
}

fn index_step(id: &str) -> Option<&'static str> {
    match id {
        "index_list" => Some("@items"),
        "index_map" => Some("@values"),
        _ => None,
    }
}

fn int(expr: &Expr, otherwise: u64) -> u64 {
    match &expr.kind {
        Kind::Literal(Literal::Int(number)) => u64::try_from(*number).unwrap_or(0),
        _ => otherwise,
    }
}

/// How large a text is after parts of it are replaced.
fn replaced(size: Estimate, from: Estimate, to: Estimate) -> Estimate {
    let (mut count, mut rest) = (Estimate::fixed(0), Estimate::fixed(0));
    if from.min == 0 {
        (count.max, rest.max) = (size.max.saturating_add(1), size.max);
    } else if to.max <= from.min {
        rest.max = size.max;
    } else {
        count.max = size.max.div_ceil(from.min);
    }
    if from.max == 0 {
        (count.min, rest.min) = (size.min.saturating_add(1), size.min);
    } else if from.max <= to.min {
        rest.min = size.min;
    } else {
        count.min = size.min.div_ceil(from.max);
    }
    count.multiply(to).add(rest)
}

fn scalar(of: &Type) -> bool {
    match of {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Optional(of) => scalar(of),
        _ => false,
    }
}
