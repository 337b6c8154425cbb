//! What is judged of each kind, and what is not (`data/validate/coverage.yaml`).

use serde::Deserialize;

use crate::{embedded, yaml};

/// Kinds of which the same is judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The kinds.
    pub kinds: Vec<String>,
    /// What is judged beyond fields and their types.
    pub judged: String,
    /// What is not.
    #[serde(default)]
    pub not: Option<String>,
}

impl Coverage {
    /// All kinds.
    ///
    /// # Errors
    /// In words, that the list in the binary is none; a test keeps that from happening.
    pub fn embedded() -> Result<Vec<Coverage>, String> {
        let text = embedded::text("data/validate/coverage.yaml").unwrap_or_default();
        yaml::parse_own(text).map_err(|error| format!("data/validate/coverage.yaml: {}", error.message))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kubernetes::Version;
    use crate::validate::model::{KNOWN, Model};

    #[test]
    fn every_kind_that_kubernetes_has_is_told_about_once() {
        let told: Vec<String> = Coverage::embedded().unwrap().into_iter().flat_map(|c| c.kinds).collect();
        let once: BTreeSet<&String> = told.iter().collect();
        assert_eq!(once.len(), told.len());
        let all: BTreeSet<&str> =
            (KNOWN.0.minor..=KNOWN.1.minor).flat_map(|minor| Model::of(Version::one(minor)).kind_names()).collect();
        assert_eq!(once.into_iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
    }
}
