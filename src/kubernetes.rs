//! What Kubernetes itself serves: APIs that are gone, as data (`upstream/kubernetes.yaml`), its versions,
//! the forms of its names, and EKS's calendar.

use serde::Deserialize;

use crate::manifest::object::Head;
use crate::{embedded, yaml};

pub mod addresses;
pub mod eks;
pub(crate) mod format;
pub mod names;
pub mod target;
pub mod time_zones;
pub mod version;

pub use version::Version;

/// The table of removed APIs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemovedApis {
    /// Where it is stated.
    pub see: String,
    /// The newest Kubernetes that the table knows.
    pub known_to: Version,
    /// The APIs.
    pub removed: Vec<Removed>,
}

/// An API that is no longer served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// `apiVersion`.
    pub api: String,
    /// The kinds it served.
    pub kinds: Vec<String>,
    /// The first Kubernetes without it.
    #[serde(rename = "in")]
    pub removed_in: Version,
    /// The `apiVersion` that serves the kinds instead; none where nothing does.
    #[serde(default)]
    pub to: Option<String>,
    /// The first Kubernetes that serves `to`.
    #[serde(default)]
    pub since: Option<Version>,
}

impl RemovedApis {
    /// The table in the binary.
    ///
    /// # Errors
    /// In words, why the file is no such table; a test keeps that from happening.
    pub fn embedded() -> Result<RemovedApis, String> {
        let path = "upstream/kubernetes.yaml";
        yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))
    }

    /// The entry for an object whose API some Kubernetes no longer serves.
    pub fn of(&self, head: &Head) -> Option<&Removed> {
        self.removed.iter().find(|r| r.api == head.api_version && r.kinds.iter().any(|kind| *kind == head.kind))
    }

    /// The entry for an object whose API `version` no longer serves.
    pub fn gone(&self, head: &Head, version: Version) -> Option<&Removed> {
        self.of(head).filter(|removed| removed.removed_in <= version)
    }

    /// The first Kubernetes that serves an object's API, where that is later than `version`.
    pub fn not_yet(&self, head: &Head, version: Version) -> Option<Version> {
        let successor =
            |r: &&Removed| r.to.as_deref() == Some(&head.api_version) && r.kinds.iter().any(|kind| *kind == head.kind);
        self.removed.iter().find(successor).and_then(|r| r.since).filter(|since| *since > version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn head(api: &str, kind: &str) -> Head {
        Head::of(&json!({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}})).unwrap()
    }

    #[test]
    fn an_api_is_gone_from_its_removal_on() {
        let table = RemovedApis::embedded().unwrap();
        let ingress = head("extensions/v1beta1", "Ingress");
        assert!(table.gone(&ingress, Version::one(21)).is_none());
        assert!(table.gone(&ingress, Version::one(22)).is_some());
        assert!(table.gone(&head("networking.k8s.io/v1", "Ingress"), Version::one(36)).is_none());
    }

    #[test]
    fn a_successor_is_not_served_before_its_time() {
        let table = RemovedApis::embedded().unwrap();
        let scaler = head("autoscaling/v2", "HorizontalPodAutoscaler");
        assert_eq!(table.not_yet(&scaler, Version::one(20)), Some(Version::one(23)));
        assert_eq!(table.not_yet(&scaler, Version::one(23)), None);
        assert_eq!(table.not_yet(&head("v1", "Service"), Version::one(20)), None);
    }

    #[test]
    fn every_successor_has_a_first_version_that_is_not_after_the_table() {
        let table = RemovedApis::embedded().unwrap();
        for removed in &table.removed {
            assert_eq!(removed.to.is_some(), removed.since.is_some(), "{}", removed.api);
            assert!(removed.removed_in <= table.known_to, "{}", removed.api);
        }
    }
}
