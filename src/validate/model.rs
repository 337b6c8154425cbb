//! Kubernetes' own kinds and their fields, version by version (`data/kubernetes/model.txt`, which a script derives), and what the
//! API server demands of single fields (`data/kubernetes/rules.txt`). Both are parsed only as far as somebody asks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::embedded;
use crate::kubernetes::Version;

/// The model of one Kubernetes version.
#[derive(Debug)]
pub struct Model {
    minor: u16,
    lines: Vec<Line>,
    kinds: BTreeMap<&'static str, Vec<(&'static str, Kind)>>,
    rules: BTreeMap<&'static str, Vec<Rule>>,
    types: RefCell<BTreeMap<&'static str, Option<Rc<Type>>>>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    kind: &'static str,
    name: &'static str,
    rest: &'static str,
}

/// A kind that Kubernetes serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name of its type.
    pub type_name: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// A type with fields.
#[derive(Debug)]
pub struct Type {
    /// Its name, such as `core.v1.Container`.
    pub name: &'static str,
    /// Its fields, by name.
    pub fields: BTreeMap<&'static str, Field>,
    /// Those that Kubernetes calls required, in the order of their names.
    pub required: Vec<&'static str>,
}

/// One field of a type.
#[derive(Debug)]
pub struct Field {
    /// What it holds.
    pub shape: Shape,
    /// Whether Kubernetes calls it required.
    pub required: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Long,
    /// A number.
    Number,
    /// A time (RFC 3339).
    Time,
    /// Base64.
    Bytes,
    /// A quantity.
    Quantity,
    /// An integer or a string.
    IntOrText,
    /// Anything.
    Any,
    /// A list.
    List(Box<Shape>),
    /// A mapping with keys of any name.
    Map(Box<Shape>),
    /// A type of the model.
    Of(&'static str),
}

/// What the API server demands of a field beyond its shape.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The field; `-` for the object as a whole.
    pub field: &'static str,
    /// The rule's name.
    pub rule: &'static str,
    /// Its arguments.
    pub arguments: Vec<&'static str>,
}

/// The versions that the model knows, oldest and newest.
pub const KNOWN: (Version, Version) = (Version::one(31), Version::one(37));

impl Model {
    /// The model of the version nearest to `version` that is known.
    pub fn of(version: Version) -> Model {
        let minor = version.clamp(KNOWN.0, KNOWN.1).minor;
        let text = embedded::text("data/kubernetes/model.txt").unwrap_or_default();
        let lines: Vec<Line> = text
            .lines()
            .filter_map(|line| {
                let mut parts = line.splitn(4, ' ');
                let (range, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
                let (from, to) = range.split_once('-')?;
                let holds = from.parse::<u16>().ok()? <= minor && minor <= to.parse().ok()?;
                holds.then(|| Line { kind, name, rest: parts.next().unwrap_or_default() })
            })
            .collect();
        let mut rules: BTreeMap<&str, Vec<Rule>> = BTreeMap::new();
        for line in embedded::text("data/kubernetes/rules.txt").unwrap_or_default().lines() {
            // A line may start with the minor versions in which it is so.
            let (range, rest) = line.split_once(' ').unwrap_or_default();
            let line = match range.split_once('-').map(|(from, to)| (from.parse::<u16>(), to.parse::<u16>())) {
                Some((Ok(from), Ok(to))) if (from..=to).contains(&minor) => rest,
                Some((Ok(_), Ok(_))) => continue,
                _ => line,
            };
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            if let (Some(name), Some(field), Some(rule)) = (words.next(), words.next(), words.next())
                && !name.starts_with('#')
            {
                rules.entry(name).or_default().push(Rule { field, rule, arguments: words.collect() });
            }
        }
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.kind == "kind") {
            let mut words = line.rest.split(' ');
            if let (Some(kind), Some(scope), Some(type_name)) = (words.next(), words.next(), words.next()) {
                kinds.entry(line.name).or_default().push((kind, Kind { type_name, namespaced: scope == "namespaced" }));
            }
        }
        Model { minor, lines, kinds, rules, types: RefCell::default() }
    }

    /// The version that it models.
    pub fn version(&self) -> Version {
        Version::one(self.minor)
    }

    /// The kind, if this version has it.
    pub fn kind(&self, api: &str, kind: &str) -> Option<Kind> {
        self.kinds(api).find(|(name, _)| *name == kind).map(|(_, kind)| kind)
    }

    /// All kinds of an API.
    pub fn kinds(&self, api: &str) -> impl Iterator<Item = (&'static str, Kind)> {
        self.kinds.get(api).into_iter().flatten().copied()
    }

    /// The names of all kinds.
    pub fn kind_names(&self) -> Vec<&'static str> {
        let kinds = self.lines.iter().filter(|line| line.kind == "kind");
        kinds.filter_map(|line| line.rest.split(' ').next()).collect()
    }

    /// Whether some kind is in this group.
    pub fn has_group(&self, group: &str) -> bool {
        let of = |api: &str| api.split_once('/').map_or("", |(group, _)| group) == group;
        self.lines.iter().any(|line| line.kind == "kind" && of(line.name))
    }

    /// The APIs that have a kind of this name.
    pub fn apis(&self, kind: &str) -> Vec<&'static str> {
        let has = |line: &&Line| line.kind == "kind" && line.rest.split(' ').next() == Some(kind);
        self.lines.iter().filter(has).map(|line| line.name).collect()
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<Rc<Type>> {
        if let Some(known) = self.types.borrow().get(name) {
            return known.clone();
        }
        let line = self.lines.iter().find(|line| line.kind == "type" && line.name == name)?;
        let parsed = Rc::new(parse(line.name, line.rest));
        self.types.borrow_mut().insert(line.name, Some(Rc::clone(&parsed)));
        Some(parsed)
    }

    /// What the API server demands of the fields of a type.
    pub fn rules(&self, name: &str) -> &[Rule] {
        self.rules.get(name).map_or(&[], Vec::as_slice)
    }
}

fn parse(name: &'static str, rest: &'static str) -> Type {
    let fields = rest.split(' ').filter_map(|field| {
        let (field, shape) = field.split_once(':')?;
        let (shape, required) = shape.strip_suffix('!').map_or((shape, false), |shape| (shape, true));
        Some((field, Field { shape: shape_of(shape), required }))
    });
    let fields: BTreeMap<_, _> = fields.collect();
    let required = fields.iter().filter(|(_, field)| field.required).map(|(name, _)| *name).collect();
    Type { name, fields, required }
}

fn shape_of(text: &'static str) -> Shape {
    if let Some(rest) = text.strip_prefix('[') {
        let end = rest.rfind(']').unwrap_or(rest.len());
        return Shape::List(Box::new(shape_of(&rest[..end])));
    }
    if let Some(rest) = text.strip_prefix('{') {
        return Shape::Map(Box::new(shape_of(rest.strip_suffix('}').unwrap_or(rest))));
    }
    match text {
        "s" => Shape::Text,
        "b" => Shape::Bool,
        "i" => Shape::Int,
        "l" => Shape::Long,
        "n" => Shape::Number,
        "t" => Shape::Time,
        "y" => Shape::Bytes,
        "q" => Shape::Quantity,
        "x" => Shape::IntOrText,
        "*" => Shape::Any,
        name => Shape::Of(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::names;

    #[test]
    fn a_kind_is_known_in_its_versions_only() {
        let model = Model::of(Version::one(36));
        let deployment = model.kind("apps/v1", "Deployment").unwrap();
        assert_eq!(deployment, Kind { type_name: "apps.v1.Deployment", namespaced: true });
        assert!(!model.kind("v1", "Namespace").unwrap().namespaced);
        assert_eq!(model.kind("extensions/v1beta1", "Ingress"), None);
        assert_eq!(model.apis("Ingress"), ["networking.k8s.io/v1"]);
    }

    #[test]
    fn a_type_has_its_fields() {
        let container = Model::of(Version::one(36)).get("core.v1.Container").unwrap();
        assert_eq!(container.fields["args"].shape, Shape::List(Box::new(Shape::Text)));
        assert!(container.fields["name"].required && !container.fields["image"].required);
        assert_eq!(container.fields["ports"].shape, Shape::List(Box::new(Shape::Of("core.v1.ContainerPort"))));
    }

    #[test]
    fn every_rule_is_about_a_field_that_exists() {
        let newest = Model::of(KNOWN.1);
        for (name, rules) in &newest.rules {
            let of = newest.get(name).unwrap_or_else(|| panic!("{name}"));
            for rule in rules {
                let fields = if rule.field == "-" { rule.arguments.clone() } else { vec![rule.field] };
                if matches!(rule.rule, "name" | "named" | "each") {
                    assert_ne!(names::words(rule.arguments[0]), names::words("no such form"), "{rule:?}");
                }
                assert!(fields.iter().all(|f| of.fields.contains_key(f)), "{name} {rule:?}");
                let known = [
                    "in",
                    "is",
                    "name",
                    "named",
                    "each",
                    "filled",
                    "needed",
                    "range",
                    "unique",
                    "number-or-percent",
                    "port",
                    "quantity",
                    "most",
                    "one-of",
                    "most-one",
                ];
                assert!(known.contains(&rule.rule), "{rule:?}");
            }
        }
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        for minor in KNOWN.0.minor..=KNOWN.1.minor {
            let model = Model::of(Version::one(minor));
            let names: Vec<_> = model.lines.iter().filter(|l| l.kind == "type").map(|l| l.name).collect();
            for name in names {
                for (field, is) in &model.get(name).unwrap().fields {
                    let mut shape = &is.shape;
                    while let Shape::List(inner) | Shape::Map(inner) = shape {
                        shape = inner;
                    }
                    if let Shape::Of(of) = shape {
                        assert!(
                            of.starts_with("apiextensions.v1.JSONSchemaPropsOr") || model.get(of).is_some(),
                            "{name}.{field}: {of}"
                        );
                    }
                }
            }
        }
    }
}
