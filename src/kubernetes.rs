//! What Kubernetes itself serves: APIs that are gone, as data (`upstream/kubernetes.yaml`).

use serde::Deserialize;

use crate::manifest::object::Head;
use crate::{embedded, yaml};

pub mod eks;
pub mod target;
pub mod version;

pub use version::Version;

/// The table of removed APIs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemovedApis {
    /// Where it is stated.
    pub see: String,
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
    /// The first Kubernetes without it, as `1.22`.
    #[serde(rename = "in")]
    pub removed_in: String,
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

    /// The entry for an object whose API is gone.
    pub fn of(&self, head: &Head) -> Option<&Removed> {
        self.removed.iter().find(|r| r.api == head.api_version && r.kinds.contains(&head.kind))
    }

    /// What to tell about the objects of a render that no Kubernetes on offer takes: a line for each API.
    pub fn warnings<'h>(&self, heads: impl Iterator<Item = &'h Head>) -> Vec<String> {
        let mut found: Vec<(&Removed, &str, Vec<&str>)> = Vec::new();
        for head in heads {
            if let Some(removed) = self.of(head) {
                let name = head.meta("name").unwrap_or_default();
                match found.iter_mut().find(|(r, kind, _)| r.api == removed.api && *kind == head.kind) {
                    Some((_, _, names)) => names.push(name),
                    None => found.push((removed, &head.kind, vec![name])),
                }
            }
        }
        found
            .into_iter()
            .map(|(removed, kind, names)| {
                format!(
                    "{} in {}, which Kubernetes serves no longer since {}: {} ({})",
                    if names.len() == 1 { kind.to_owned() } else { format!("{} {kind}s", names.len()) },
                    removed.api,
                    removed.removed_in,
                    names.join(", "),
                    self.see
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_in_apis_that_are_gone_are_named_by_api() {
        let head = |api: &str, kind: &str, name: &str| {
            Head::of(&json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}})).unwrap()
        };
        let heads = [
            head("extensions/v1beta1", "Ingress", "a"),
            head("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "b"),
            head("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "c"),
            head("networking.k8s.io/v1", "Ingress", "d"),
        ];
        let warnings = RemovedApis::embedded().unwrap().warnings(heads.iter());
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings[0].starts_with("Ingress in extensions/v1beta1, which Kubernetes serves no longer since 1.22: a")
        );
        assert!(
            warnings[1].starts_with("2 CustomResourceDefinitions in apiextensions.k8s.io/v1beta1"),
            "{}",
            warnings[1]
        );
    }
}
