//! `CustomResourceDefinition`s as the API server reads them: whether their schemas are structural ([`structural`]), and whether
//! objects are what they say ([`instance`], and [`cel`] for rules).

pub mod admission;
pub mod cel;
mod declaration;
pub mod instance;
mod path;
pub mod structural;

/// Something that the API server refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing it is.
    pub kind: ProblemKind,
    /// JSON pointer to the field.
    pub field: String,
    /// What, in a sentence without its full stop.
    pub what: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A field that the schema does not name.
    Unknown,
    /// A value of another type.
    Type,
    /// A field that has to be there.
    Missing,
    /// Anything else.
    Value,
}

fn text<'v>(value: &'v crate::value::Value, key: &str) -> &'v str {
    value.get(key).and_then(crate::value::Value::as_str).unwrap_or_default()
}
