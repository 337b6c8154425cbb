//! The book of causes (`data/causes.yaml`): what the cluster says, what that means, and what to do.

use serde::Deserialize;

use crate::{embedded, yaml};

/// What says something in its events and conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// A pod, or what would have made it.
    Pod,
    /// A Deployment that can make no pods.
    Deployment,
    /// An Ingress.
    Ingress,
    /// A Knative Service.
    Service,
    /// A `HorizontalPodAutoscaler`.
    Hpa,
}

/// A cause.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// How the code calls it.
    pub name: String,
    /// Of what it is the cause.
    pub of: Vec<Of>,
    /// Texts by which it is known, without case.
    pub seen: Vec<String>,
    /// The scheduler of a pod that does not start, by which it is known as well.
    #[serde(default)]
    pub scheduler: Option<String>,
    /// What it means.
    pub cause: String,
    /// What to do.
    pub next: String,
    /// Where that is stated.
    pub see: String,
}

impl Cause {
    /// Cause and what to do, for an object of a namespace.
    pub fn advice(&self, namespace: &str) -> String {
        let controller = "aws-load-balancer-controller";
        format!("{}: {}", self.cause, self.next).replace("{namespace}", namespace).replace("{controller}", controller)
    }
}

/// The causes in the binary.
///
/// # Errors
/// In words, why the file is no book; a test keeps that from happening.
pub fn book() -> Result<Vec<Cause>, String> {
    let path = "data/causes.yaml";
    yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))
}

/// The cause of what the cluster says of something, if it is known.
pub fn of(what: Of, said: &str) -> Option<Cause> {
    let said = said.to_lowercase();
    let seen = |cause: &Cause| cause.seen.iter().any(|text| said.contains(&text.to_lowercase()));
    book().ok()?.into_iter().find(|cause| cause.of.contains(&what) && seen(cause))
}

/// The cause why a pod has no node, by its scheduler.
pub fn of_scheduler(name: &str) -> Option<Cause> {
    book().ok()?.into_iter().find(|cause| cause.scheduler.as_deref() == Some(name))
}

/// A cause by its name.
pub fn named(name: &str) -> Option<Cause> {
    book().ok()?.into_iter().find(|cause| cause.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_own_texts() {
        for cause in book().unwrap() {
            assert!(!cause.of.is_empty() && !cause.seen.is_empty(), "{}", cause.name);
            for (what, text) in cause.of.iter().flat_map(|what| cause.seen.iter().map(move |text| (*what, text))) {
                let found = of(what, text).unwrap();
                assert_eq!(found.name, cause.name, "{text} is of another cause");
            }
        }
    }

    #[test]
    fn every_cause_has_a_name_of_its_own_and_a_source() {
        let book = book().unwrap();
        for (i, cause) in book.iter().enumerate() {
            assert!(cause.see.starts_with("https://"), "{}", cause.name);
            assert!(book[i + 1..].iter().all(|other| other.name != cause.name), "{} is there twice", cause.name);
        }
    }

    #[test]
    fn a_refused_login_of_a_pod_is_another_cause_than_that_of_the_digest_of_a_tag() {
        let said = "unexpected status code 401 Unauthorized";
        assert_eq!(of(Of::Pod, said).unwrap().name, "registry-login");
        assert_eq!(of(Of::Service, said).unwrap().name, "tag-not-resolved-login");
    }
}
