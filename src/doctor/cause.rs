//! The book of causes (`data/causes.yaml`): what the cluster says, what that means, and what to do.

use serde::Deserialize;

use crate::{embedded, yaml};

/// A cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Texts by which it is known, without case.
    pub seen: Vec<String>,
    /// What it means.
    pub cause: String,
    /// What to do.
    pub next: String,
}

/// The causes in the binary.
///
/// # Errors
/// In words, why the file is no book; a test keeps that from happening.
pub fn book() -> Result<Vec<Cause>, String> {
    let path = "data/causes.yaml";
    yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))
}

/// The cause of what the cluster says, if it is known.
pub fn of(said: &str) -> Option<Cause> {
    let said = said.to_lowercase();
    book().ok()?.into_iter().find(|cause| cause.seen.iter().any(|text| said.contains(&text.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_own_texts() {
        for cause in book().unwrap() {
            for text in &cause.seen {
                assert!(of(text).is_some_and(|found| found.cause == cause.cause), "{text} is of another cause");
            }
        }
    }
}
