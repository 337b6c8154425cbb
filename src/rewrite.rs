//! Rewrites: rules are data ([`rule`]), one engine applies them ([`engine`]), and everything they do goes into the ledger.

pub mod engine;
pub mod facts;
mod fitting;
pub mod library;
pub mod migrate;
pub mod rule;
pub mod size;
pub mod template;
pub mod values;

use crate::manifest::ManifestError;

/// What is wrong with a rule, or with what it met.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A rule file that cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// The file or folder, as the user gave it.
        path: String,
        /// The reason.
        why: String,
    },
    /// A rule file that is not in the rule format.
    #[error("{path}, line {line}: {why}")]
    Format {
        /// The rule file.
        path: String,
        /// 1-based line.
        line: usize,
        /// What is wrong and what would be right.
        why: String,
    },
    /// Two rules of one name.
    #[error(
        "rule `{rule}` ({at}): there is one of this name already ({first}); give it another, since `explain` and the ledger tell rules apart \
         by their names"
    )]
    Twice {
        /// The name.
        rule: String,
        /// File and line of the second.
        at: String,
        /// File and line of the first.
        first: String,
    },
    /// A rule that matched another number of objects than it expects.
    #[error("rule `{rule}` ({at}) expects {expected} and matched {matched}: {selector}.{near}")]
    Unexpected {
        /// The rule.
        rule: String,
        /// File and line of the rule.
        at: String,
        /// What it expects, in words.
        expected: String,
        /// How many it matched.
        matched: usize,
        /// The selector in words.
        selector: String,
        /// Objects that nearly match, in words; empty when there are none.
        near: String,
    },
    /// A rule that matched an object and cannot be applied to it.
    #[error("rule `{rule}` ({at}) cannot be applied to {object} ({object_at}): {why}")]
    Inapplicable {
        /// The rule.
        rule: String,
        /// File and line of the rule.
        at: String,
        /// The object.
        object: String,
        /// Where the object stands.
        object_at: String,
        /// Operation, field and reason.
        why: String,
    },
    /// `images` of `knrender.yaml` names images that stand nowhere.
    #[error(
        "`images` of knrender.yaml names {}, which stands nowhere in this render; about/images.txt lists what does",
        images.join(", ")
    )]
    NoSuchImage {
        /// The images.
        images: Vec<String>,
    },
    /// A template that cannot be rendered.
    #[error("template {template} of rule `{rule}`: {why}")]
    Template {
        /// The template.
        template: String,
        /// The rule.
        rule: String,
        /// The reason, with the line in the template.
        why: String,
    },
    /// A manifest that could not be read while a rule was applied.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}
