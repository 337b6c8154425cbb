//! The container images that a render makes a cluster pull: listed for those who relocate or scan them, and replaced as
//! `images:` of `knrender.yaml` says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::value::Value;

use crate::ledger::{Deed, Entry, Ledger, Reason, differences};
use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::rewrite::RuleError;

pub mod inventory;
pub mod pull;
pub mod readable;
pub mod reference;
pub mod relocate;

/// The key of `config-deployment` that names the image of the container beside every Knative Service's own.
const SIDECAR: &str = "queue-sidecar-image";

/// All images of `documents`: those of pod templates, and queue-proxy's, which Knative reads from a `ConfigMap`.
pub fn list<'d>(documents: impl Iterator<Item = &'d Document>) -> Result<BTreeSet<String>, ManifestError> {
    let mut images = BTreeSet::new();
    for document in documents {
        if let Some(key) = key_of(document) {
            collect(document.value()?, key, &mut images);
        }
    }
    Ok(images)
}

/// Replaces images, each named by the whole text that stands in the manifests. One that stands neither there nor `elsewhere`
/// is an error.
pub fn replace(
    documents: &mut [Document],
    replacements: &BTreeMap<String, String>,
    elsewhere: &[&str],
    ledger: &mut Ledger,
) -> Result<(), RuleError> {
    let why = ("images", "knrender.yaml", "`images` of knrender.yaml names another image.");
    let mut unused = put_all(documents, replacements, why, ledger)?;
    unused.retain(|image| !elsewhere.contains(&image.as_str()));
    if unused.is_empty() {
        return Ok(());
    }
    Err(RuleError::NoSuchImage { images: unused.into_iter().cloned().collect() })
}

/// Names the digests that the lock has of tags.
pub fn pin(
    documents: &mut [Document],
    digests: &BTreeMap<String, String>,
    ledger: &mut Ledger,
) -> Result<(), RuleError> {
    let why = ("images-locked", "knrender.lock", "--locked: knrender.lock holds the tag to this digest.");
    put_all(documents, digests, why, ledger).map(drop)
}

/// Replaces images for one reason (rule, place, why), and tells which stand nowhere.
fn put_all<'r>(
    documents: &mut [Document],
    replacements: &'r BTreeMap<String, String>,
    (rule, at, why): (&str, &str, &str),
    ledger: &mut Ledger,
) -> Result<BTreeSet<&'r String>, RuleError> {
    let mut unused: BTreeSet<&String> = replacements.keys().collect();
    for document in documents {
        let Some(key) = key_of(document) else { continue };
        if !replacements.keys().any(|image| document.source_text().contains(image)) {
            continue;
        }
        let before = document.value()?.clone();
        let mut after = before.clone();
        put(&mut after, key, replacements, &mut unused);
        let fields = differences(&before, &after);
        if !fields.is_empty() {
            document.set_value(after)?;
            ledger.entries.push(Entry {
                object: document.identity().to_string(),
                at: document.at(),
                deed: Deed::Changed { fields },
                reason: Arc::new(Reason { rule: rule.into(), at: at.into(), why: why.into(), see: Vec::new() }),
            });
        }
    }
    Ok(unused)
}

/// The key under which a document names images, if it names any.
fn key_of(document: &Document) -> Option<&'static str> {
    const WITH_IMAGES: [&str; 10] = [
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Image",
        "Job",
        "Pod",
        "PodTemplate",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    ];
    match document.head().kind.as_str() {
        "ConfigMap" if document.source_text().contains(SIDECAR) => Some(SIDECAR),
        kind if WITH_IMAGES.contains(&kind) => Some("image"),
        _ => None,
    }
}

fn collect(value: &Value, key: &str, images: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(image) if name == key => {
                        images.insert(image.to_string());
                    }
                    other => collect(other, key, images),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, images)),
        _ => {}
    }
}

fn put<'r>(
    value: &mut Value,
    key: &str,
    replacements: &'r BTreeMap<String, String>,
    unused: &mut BTreeSet<&'r String>,
) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(image) if name == key => {
                        if let Some((from, to)) = replacements.get_key_value(image.as_str()) {
                            unused.remove(from);
                            *image = to.into();
                        }
                    }
                    other => put(other, key, replacements, unused),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, key, replacements, unused)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::{Source, read};

    fn documents(text: &str) -> Vec<Document> {
        let source = Source { component: "a".into(), name: "t".into(), text: text.into() };
        read(&Arc::new(source), true).unwrap().documents
    }

    #[test]
    fn images_are_found_in_pod_templates_and_in_knatives_configuration() {
        let documents = documents(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      \
             containers: [{name: a, image: x/b:1}]\n      initContainers: [{name: i, image: x/a:1}]\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {queue-sidecar-image: x/q:1, image: no}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimage: no\n",
        );
        assert_eq!(list(documents.iter()).unwrap().into_iter().collect::<Vec<_>>(), ["x/a:1", "x/b:1", "x/q:1"]);
    }

    #[test]
    fn an_image_is_replaced_wherever_it_stands_and_one_that_stands_nowhere_is_an_error() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: x/a:1   # c\n    name: x/a:1\n";
        let mut documents = documents(text);
        let mut ledger = Ledger::default();
        replace(&mut documents, &BTreeMap::from([("x/a:1".into(), "y/a@sha256:0".into())]), &[], &mut ledger).unwrap();
        assert_eq!(documents[0].rendered().0, text.replacen("x/a:1", "y/a@sha256:0", 1));
        assert_eq!(ledger.entries.len(), 1);
        let error =
            replace(&mut documents, &BTreeMap::from([("x/b".into(), "y".into())]), &[], &mut ledger).unwrap_err();
        assert!(error.to_string().contains("x/b"), "{error}");
    }
}
