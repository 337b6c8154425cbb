//! CEL as Kubernetes speaks it: read (`parse`), checked for types (`check`), its cost estimated as the API server does
//! before it takes a rule (`cost`), and evaluated within a budget of steps, depth and memory (`evaluate`).
//!
//! The language is small, and what is needed of it (types, costs, a budget, Kubernetes' functions by version) is what crates
//! for CEL do not have.
//! Sources: <https://github.com/google/cel-spec>, <https://github.com/google/cel-go> and k8s.io/apiserver/pkg/cel.

mod check;
pub mod cost;
mod evaluate;
mod functions;
mod network;
mod parse;
pub(crate) mod syntax;
mod text;
pub(crate) mod time;
pub mod types;
pub mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub use evaluate::Halt;
use syntax::Expr;
use types::Type;
use value::Value;

/// What an expression may name.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The variables.
    pub variables: BTreeMap<String, Type>,
    /// Functions of Kubernetes 1.N and older may be used. The API server takes those of the version before its own.
    pub minor: u16,
    /// Whether objects may be made, as in a `MutatingAdmissionPolicy`.
    pub objects: bool,
}

/// An expression that compiles.
#[derive(Debug)]
pub struct Program {
    root: Expr,
    checked: check::Checked,
}

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in its text, in bytes.
    pub at: usize,
    /// What, in a sentence without its full stop.
    pub what: String,
    /// Whether this is a limit of our own, so that the API server may take it.
    pub unknown: bool,
}

impl Fault {
    fn new(at: usize, what: impl Into<String>) -> Fault {
        Fault { at, what: what.into(), unknown: false }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Whether a text is a URI, as Go reads requests.
pub(crate) fn uri(text: &str) -> bool {
    network::url(text).is_some()
}

impl Environment {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Why it does not compile.
    pub fn compile(&self, source: &str) -> Result<Program, Fault> {
        let root = parse::parse(source)?;
        let checked = check::check(&root, self)?;
        Ok(Program { root, checked })
    }
}

impl Program {
    /// The type of what it evaluates to.
    pub fn result(&self) -> &Type {
        self.checked.type_of(&self.root)
    }

    /// Whether it names a variable.
    pub fn uses(&self, variable: &str) -> bool {
        self.checked.names.contains(variable)
    }

    /// What it costs at most, by the sizes that `root` says the variables have.
    pub fn cost(&self, root: Option<&types::Decl>) -> cost::Estimate {
        cost::estimate(&self.root, &self.checked, root, None)
    }

    /// What it may cost, where this one variable is declared and no other.
    pub fn cost_of(&self, variable: &str, declared: &types::Decl) -> cost::Estimate {
        cost::estimate(&self.root, &self.checked, Some(declared), Some(variable))
    }

    /// Evaluates it, and takes its steps from a budget.
    ///
    /// # Errors
    /// That it fails, or that it is beyond the budget.
    pub fn evaluate(&self, variables: &BTreeMap<&str, Value>, budget: &mut u64) -> Result<Value, Halt> {
        evaluate::evaluate(&self.root, &self.checked, variables, budget)
    }
}
