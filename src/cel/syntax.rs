//! The tree of an expression.

/// Identifiers that CEL keeps for itself.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a name is one of those, or a word of the language.
pub(crate) fn is_word(name: &str) -> bool {
    RESERVED.contains(&name) || matches!(name, "true" | "false" | "null" | "in")
}

/// A part of an expression.
#[derive(Debug)]
pub(super) struct Expr {
    /// Its number, below that of the whole.
    pub id: usize,
    /// Where it stands in the text, in bytes.
    pub at: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Literal),
    Ident(String),
    /// A field; with `test`, whether it is there: `has(a.b)`.
    Select {
        of: Box<Expr>,
        field: String,
        test: bool,
    },
    /// A call of a function or an operator.
    Call {
        function: String,
        target: Option<Box<Expr>>,
        args: Vec<Expr>,
    },
    /// Items, and whether each is optional.
    List(Vec<(Expr, bool)>),
    Map(Vec<(Expr, Expr, bool)>),
    Object(String, Vec<(String, Expr, bool)>),
    Macro(Box<Macro>),
}

#[derive(Clone, Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A macro that binds variables.
#[derive(Debug)]
pub(super) struct Macro {
    pub kind: MacroKind,
    pub range: Expr,
    /// One variable, or two.
    pub variables: Vec<String>,
    pub filter: Option<Expr>,
    pub body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MacroKind {
    All,
    Exists,
    ExistsOne,
    /// `map`, `filter` (its body is the variable) and `transformList`.
    List,
    TransformMap,
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}
