//! Manifests: bytes on one side, Kubernetes objects on the other.
//!
//! [`split`] cuts a stream into documents without changing a byte, [`document`] reads as much of a document as is
//! needed, [`object`] says which object it is, and [`edit`] puts a changed object back into its text.

pub mod collection;
pub mod document;
pub mod edit;
mod glance;
mod lenient;
mod list;
pub mod object;
pub mod recognise;
pub mod secret;
pub mod split;

use crate::yaml::YamlError;

/// What is wrong with a manifest. Every message names the source, the line and, where there is one, the object.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is not YAML as Kubernetes reads it.
    #[error("{source_name}, line {line}: this is not YAML that Kubernetes can read: {message} (column {column})")]
    Yaml {
        /// The asset or file.
        source_name: String,
        /// 1-based line in the source.
        line: usize,
        /// 1-based column.
        column: usize,
        /// What the parser found.
        message: String,
    },
    /// The bytes are not UTF-8, or not a manifest at all.
    #[error("{source_name}: {why}")]
    NotManifest {
        /// The asset or file.
        source_name: String,
        /// What it is instead.
        why: String,
    },
    /// A document that is YAML, but not a Kubernetes object.
    #[error("{source_name}, line {line}: this document is not a Kubernetes object: {why}")]
    NotObject {
        /// The asset or file.
        source_name: String,
        /// 1-based line in the source where the document starts.
        line: usize,
        /// What is missing.
        why: String,
    },
    /// A line that kubectl takes for a separator of documents, or for an error.
    #[error("{source_name}, line {line}: {why}")]
    Separator {
        /// The asset or file.
        source_name: String,
        /// 1-based line in the source.
        line: usize,
        /// What kubectl does with it.
        why: &'static str,
    },
    /// A change that nests deeper than anything that is read.
    #[error("{object} ({at}) would nest more than {} levels deep, and nothing reads that", crate::yaml::MAX_DEPTH)]
    TooDeep {
        /// The object.
        object: String,
        /// Where it stands.
        at: String,
    },
    /// Two documents claim to be the same object and differ.
    #[error(
        "{object} is defined twice, and the two differ: {first} and {second}. A cluster would keep the one applied last; \
         leave one of them out with a rule (`drop: true`)"
    )]
    Conflict {
        /// The object.
        object: String,
        /// Where the first stands.
        first: String,
        /// Where the second stands.
        second: String,
    },
    /// An object that `kubectl apply` cannot address.
    #[error(
        "{object} ({at}) has no metadata.name (generateName does not work with `kubectl apply`); give it a name with a rule, \
         or leave it out"
    )]
    NoName {
        /// The object.
        object: String,
        /// Where it stands.
        at: String,
    },
}

impl ManifestError {
    /// A YAML error inside a document that starts at `first_line` (1-based) of `source_name`.
    pub fn yaml(source_name: &str, first_line: usize, error: YamlError) -> Self {
        ManifestError::Yaml {
            source_name: source_name.to_owned(),
            line: first_line + error.line.saturating_sub(1),
            column: error.column,
            message: error.message,
        }
    }
}
