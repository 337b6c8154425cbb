//! Types, as the checker knows them, and declarations: types with the sizes that a schema allows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::embedded;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Not known before it is evaluated.
    Dyn,
    /// The type of null.
    Null,
    /// A boolean.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A number.
    Double,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// A duration.
    Duration,
    /// A point in time.
    Timestamp,
    /// A list.
    List(Box<Type>),
    /// A mapping.
    Map(Box<Type>, Box<Type>),
    /// An object with named fields.
    Object(Arc<ObjectType>),
    /// An object that a mutation makes, by its name: `Object.spec`, `JSONPatch`.
    Made(String),
    /// A type of Kubernetes' own without fields.
    Opaque(&'static str),
    /// A value that may not be there.
    Optional(Box<Type>),
    /// The type of a type.
    Type(Box<Type>),
    /// Any type, of a function's declaration.
    Parameter(char),
    /// A type that is still to be found.
    Variable(usize),
}

/// An object's type.
#[derive(Debug)]
pub struct ObjectType {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: BTreeMap<String, Type>,
}

impl PartialEq for ObjectType {
    fn eq(&self, other: &ObjectType) -> bool {
        self.name == other.name
    }
}

impl Type {
    /// An object's type.
    pub fn object<N: Into<String>>(name: &str, fields: impl IntoIterator<Item = (N, Type)>) -> Type {
        let fields = fields.into_iter().map(|(name, of)| (name.into(), of)).collect();
        Type::Object(Arc::new(ObjectType { name: name.to_owned(), fields }))
    }

    /// A list's type.
    pub fn list(of: Type) -> Type {
        Type::List(Box::new(of))
    }

    /// A mapping's type, with texts as keys.
    pub fn map(of: Type) -> Type {
        Type::Map(Box::new(Type::Text), Box::new(of))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn | Type::Variable(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::Text => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("duration"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::List(of) => write!(f, "list({of})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Object(object) => f.write_str(&object.name),
            Type::Made(name) => f.write_str(name),
            Type::Opaque(name) => f.write_str(name),
            Type::Optional(of) => write!(f, "optional({of})"),
            Type::Type(of) => write!(f, "type({of})"),
            Type::Parameter(name) => write!(f, "{name}"),
        }
    }
}

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Overload {
    pub id: &'static str,
    /// The first Kubernetes 1.N whose rules may use it.
    pub since: u16,
    pub member: bool,
    /// With the receiver, if it has one.
    pub params: Vec<Type>,
    pub result: Type,
}

/// All functions by their names.
pub(super) fn functions() -> &'static BTreeMap<&'static str, Vec<Overload>> {
    static FUNCTIONS: OnceLock<BTreeMap<&'static str, Vec<Overload>>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let mut functions: BTreeMap<&str, Vec<Overload>> = BTreeMap::new();
        for line in embedded::text("data/cel/functions.txt").unwrap_or_default().lines() {
            if let Some((name, overload)) = declaration(line) {
                functions.entry(name).or_default().push(overload);
            }
        }
        functions
    })
}

/// Lines that are none are passed over; a test sees to it that each is one.
pub(super) fn declaration(line: &'static str) -> Option<(&'static str, Overload)> {
    let (since, rest) = line.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let (receiver, rest) = if let Some(rest) = rest.strip_prefix("- ") {
        (None, rest)
    } else {
        let (receiver, rest) = rest.strip_prefix('[')?.split_once("] ")?;
        (Some(receiver), rest)
    };
    let (name, rest) = rest.split_once('(')?;
    let end = closing(rest)?;
    let mut params: Vec<Type> = receiver.map(named).into_iter().collect::<Option<_>>()?;
    for part in parts(&rest[..end]) {
        params.push(named(part)?);
    }
    let result = named(rest[end + 1..].trim())?;
    Some((name, Overload { id, since: since.parse().ok()?, member: receiver.is_some(), params, result }))
}

/// Where the bracket that is open ends.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    text.char_indices().find_map(|(at, sign)| {
        open = match sign {
            '(' => open + 1,
            ')' => open - 1,
            _ => open,
        };
        (open == 0).then_some(at)
    })
}

fn parts(text: &'static str) -> Vec<&'static str> {
    let (mut out, mut open, mut start) = (Vec::new(), 0, 0);
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => open += 1,
            ')' => open -= 1,
            ',' if open == 0 => {
                out.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    out.extend((!last.is_empty()).then_some(last));
    out
}

/// The type that a text names.
pub(super) fn named(text: &'static str) -> Option<Type> {
    if let Some((name, rest)) = text.split_once('(') {
        let inner = parts(rest.strip_suffix(')')?);
        let first = Box::new(named(inner.first()?)?);
        return match name {
            "list" => Some(Type::List(first)),
            "optional" => Some(Type::Optional(first)),
            "type" => Some(Type::Type(first)),
            "map" => Some(Type::Map(first, Box::new(named(inner.get(1)?)?))),
            _ => None,
        };
    }
    Some(match text {
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "A" => Type::Parameter('A'),
        "B" => Type::Parameter('B'),
        other if other.contains('.') => Type::Opaque(other),
        _ => return None,
    })
}

/// A type with the sizes that a schema allows.
#[derive(Clone, Debug)]
pub struct Decl {
    /// What it holds.
    pub kind: DeclKind,
    /// How many items, entries or bytes it may have.
    pub most: u64,
    /// The fewest bytes that it takes in a request.
    pub least_size: u64,
}

/// What a declaration holds.
#[derive(Clone, Debug)]
pub enum DeclKind {
    /// One of the types without parts.
    Plain(Type),
    /// A list.
    List(Arc<Decl>),
    /// A mapping.
    Map(Arc<Decl>),
    /// Fields by their names as rules write them.
    Object(BTreeMap<String, Arc<Decl>>),
}

impl Decl {
    /// The type; objects are called by the path that leads to them.
    pub fn to_type(&self, name: &str) -> Type {
        match &self.kind {
            DeclKind::Plain(of) => of.clone(),
            DeclKind::List(of) => Type::list(of.to_type(&format!("{name}.@idx"))),
            DeclKind::Map(of) => Type::map(of.to_type(&format!("{name}.@elem"))),
            DeclKind::Object(fields) => Type::object(
                name,
                fields.iter().map(|(field, of)| (field.clone(), of.to_type(&format!("{name}.{field}")))),
            ),
        }
    }
}
