//! API migration: an object in an API that the target Kubernetes no longer serves is rewritten to the one that it does,
//! with what the old API defaulted written out. What has no successor is left out; what cannot be said truthfully in the
//! new API is refused.
//!
//! One file for each kind of object: `crd`, `webhooks`, `autoscaling`, `networking`, `workloads`, and `small`
//! for those that change a field or two.

use std::sync::Arc;

use crate::value::{Map, Value};

use crate::kubernetes::{Removed, RemovedApis, Version};
use crate::ledger::{Deed, Entry, FieldChange, Ledger, Reason, differences};
use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::manifest::object::{Head, is_kubernetes_group};

mod autoscaling;
mod crd;
mod networking;
mod small;
mod structural;
mod webhooks;
mod workloads;

/// Why an object cannot be brought to the target Kubernetes.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The object does not say in the new API what it says in the old one.
    #[error("{object} ({at}) is in {api}, which Kubernetes {version} does not serve, and cannot become {to}: {why}")]
    Untruthful {
        /// The object.
        object: String,
        /// Where it stands.
        at: String,
        /// Its API.
        api: String,
        /// The target.
        version: Version,
        /// The successor.
        to: String,
        /// The field, and what is wrong with it.
        why: String,
    },
    /// The target is older than the object's API.
    #[error(
        "{object} ({at}) is in {api}, which Kubernetes serves since {since}; Kubernetes {version} refuses it. Take --kubernetes \
         {since} or newer, or an older version of the component"
    )]
    TooNew {
        /// The object.
        object: String,
        /// Where it stands.
        at: String,
        /// Its API.
        api: String,
        /// The first Kubernetes that serves it.
        since: Version,
        /// The target.
        version: Version,
    },
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The table in the binary is no table.
    #[error("{0}; this is a fault of knrender")]
    Fault(String),
}

/// From this Kubernetes on, every successor that the table names is served.
const ALL_SERVED: Version = Version::one(29);

/// Brings `documents` to the APIs that `version` serves, and writes down what it does.
pub fn apply(version: Version, documents: Vec<Document>, ledger: &mut Ledger) -> Result<Vec<Document>, MigrateError> {
    if version >= ALL_SERVED && !documents.iter().any(|d| is_beta(d.head())) {
        return Ok(documents);
    }
    let table = RemovedApis::embedded().map_err(MigrateError::Fault)?;
    let mut kept = Vec::with_capacity(documents.len());
    for mut document in documents {
        if let Some(since) = table.not_yet(document.head(), version) {
            return Err(MigrateError::TooNew {
                object: document.identity().to_string(),
                at: document.at(),
                api: document.head().api_version.to_string(),
                since,
                version,
            });
        }
        if let Some(removed) = table.gone(document.head(), version) {
            let Some(to) = removed.to.as_deref() else {
                ledger.entries.push(left_out(&document, removed, &table.see));
                continue;
            };
            migrate(&mut document, removed, to, version, &table.see, ledger)?;
        }
        kept.push(document);
    }
    Ok(kept)
}

fn is_beta(head: &Head) -> bool {
    let version = head.api_version.rsplit('/').next().unwrap_or_default();
    (version.contains("beta") || version.contains("alpha")) && is_kubernetes_group(head.group())
}

fn left_out(document: &Document, removed: &Removed, see: &str) -> Entry {
    Entry {
        object: document.identity().to_string(),
        at: document.at(),
        deed: Deed::LeftOut,
        reason: Arc::new(Reason {
            rule: "api-without-successor".into(),
            at: "built in".into(),
            why: format!("Kubernetes dropped {} in {} and put nothing in its place.", removed.api, removed.removed_in),
            see: vec![see.to_owned()],
        }),
    }
}

fn migrate(
    document: &mut Document,
    removed: &Removed,
    to: &str,
    version: Version,
    see: &str,
    ledger: &mut Ledger,
) -> Result<(), MigrateError> {
    let refused = |document: &Document, why: String| MigrateError::Untruthful {
        object: document.identity().to_string(),
        at: document.at(),
        api: removed.api.clone(),
        version,
        to: to.to_owned(),
        why,
    };
    if removed.since.is_some_and(|since| since > version) {
        return Err(refused(document, format!("Kubernetes {version} does not serve that yet")));
    }
    let before = document.value()?.clone();
    let mut after = before.clone();
    let mut said = Said::default();
    if let Some(object) = after.as_object_mut() {
        object.insert("apiVersion".to_owned(), Value::from(to));
        let change = change_for(document.head());
        change(object, &mut said).map_err(|why| refused(document, why))?;
    }
    let fields = differences(&before, &after).into_iter().map(shortened).collect();
    let object = document.identity().to_string();
    document.set_value(after)?;
    ledger.entries.push(Entry {
        object,
        at: document.at(),
        deed: Deed::Changed { fields },
        reason: Arc::new(Reason {
            rule: format!("migrate-{}", name_of(document.head())),
            at: "built in".into(),
            why: format!("Kubernetes dropped {} in {}; {to} takes its place.{said}", removed.api, removed.removed_in),
            see: vec![see.to_owned()],
        }),
    });
    Ok(())
}

/// The rule's name: `migrate-crd`, `migrate-ingress`.
fn name_of(head: &Head) -> String {
    match head.kind.as_str() {
        "CustomResourceDefinition" => "crd".to_owned(),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => "webhooks".to_owned(),
        "HorizontalPodAutoscaler" => "hpa".to_owned(),
        "PodDisruptionBudget" => "pdb".to_owned(),
        kind => kind.to_ascii_lowercase(),
    }
}

/// What a migration writes out or leaves away, in sentences for the ledger.
#[derive(Debug, Default)]
struct Said(Vec<String>);

impl Said {
    /// Adds a sentence, once.
    fn add(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|sentence| write!(f, " {sentence}"))
    }
}

/// Changes an object, whose `apiVersion` is the new one already, to what that API calls things. An error names the field.
type Change = fn(&mut Map, &mut Said) -> Result<(), String>;

fn change_for(head: &Head) -> Change {
    match (head.api_version.as_str(), head.kind.as_str()) {
        (_, "CustomResourceDefinition") => crd::to_v1,
        (_, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => webhooks::to_v1,
        ("autoscaling/v2beta1", _) => autoscaling::from_v2beta1,
        (_, "Ingress") => networking::ingress,
        (
            "extensions/v1beta1" | "apps/v1beta1" | "apps/v1beta2",
            "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet",
        ) => match head.api_version.as_str() {
            "extensions/v1beta1" => workloads::from_extensions,
            "apps/v1beta1" => workloads::from_apps_v1beta1,
            _ => workloads::from_apps_v1beta2,
        },
        (_, "PodDisruptionBudget") => small::disruption_budget,
        (_, "EndpointSlice") => small::endpoint_slice,
        (_, "CertificateSigningRequest") => small::signing_request,
        ("flowcontrol.apiserver.k8s.io/v1beta3", "PriorityLevelConfiguration") => small::priority_level_v1beta3,
        (_, "PriorityLevelConfiguration") => small::priority_level,
        ("rbac.authorization.k8s.io/v1alpha1", _) => small::rbac_v1alpha1,
        // The two APIs have the same fields and defaults.
        _ => |_, _| Ok(()),
    }
}

/// More bytes of JSON than this are counted in the ledger, not repeated.
const SHOWN: usize = 1000;

/// A change whose values are short enough to be read.
fn shortened(change: FieldChange) -> FieldChange {
    let short = |value: Option<Value>| {
        value.map(|value| match value.to_string().len() {
            length if length > SHOWN => Value::from(format!("({length} bytes of JSON)")),
            _ => value,
        })
    };
    FieldChange { before: short(change.before), after: short(change.after), ..change }
}

/// The mapping at `key`; an empty one where there is none.
///
/// # Errors
/// In words, that there is something else.
fn child<'m>(map: &'m mut Map, key: &str) -> Result<&'m mut Map, String> {
    map.entry(key)
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(|| format!("`{key}` is not a mapping"))
}

/// Writes out a default.
fn default(map: &mut Map, key: &str, value: impl Into<Value>) -> bool {
    let absent = map.get(key).is_none_or(Value::is_null);
    if absent {
        map.insert(key.to_owned(), value.into());
    }
    absent
}

/// Gives a key another name, in the same place.
fn rename(map: &mut Map, from: &str, to: &str) {
    if map.contains_key(from) {
        let renamed = std::mem::take(map).into_iter().map(|(k, v)| if k == from { (to.into(), v) } else { (k, v) });
        *map = renamed.collect();
    }
}

#[cfg(test)]
mod tests;
