//! The container images that a render makes a cluster pull, for those who relocate or scan them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::manifest::ManifestError;
use crate::manifest::document::Document;

/// All images of `documents`: those of pod templates, and queue-proxy's, which Knative reads from a `ConfigMap`.
pub fn list<'d>(documents: impl Iterator<Item = &'d Document>) -> Result<BTreeSet<String>, ManifestError> {
    let mut images = BTreeSet::new();
    for document in documents {
        match document.head().kind.as_str() {
            "Pod"
            | "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job"
            | "CronJob"
            | "PodTemplate"
            | "Image" => collect(document.value()?, "image", &mut images),
            "ConfigMap" if document.source_text().contains(SIDECAR) => {
                if let Some(data) = document.value()?.get("data") {
                    collect(data, SIDECAR, &mut images);
                }
            }
            _ => {}
        }
    }
    Ok(images)
}

/// The key of `config-deployment` that names the image of the container beside every Knative Service's own.
const SIDECAR: &str = "queue-sidecar-image";

fn collect(value: &Value, key: &str, images: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(image) if name == key => {
                        images.insert(image.clone());
                    }
                    other => collect(other, key, images),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, images)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::document::{Source, read};

    #[test]
    fn images_are_found_in_pod_templates_and_in_knatives_configuration() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      \
                    containers: [{name: a, image: x/b:1}]\n      initContainers: [{name: i, image: x/a:1}]\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {queue-sidecar-image: x/q:1, image: no}\n---\n\
                    apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimage: no\n";
        let source = Source { component: "a".into(), name: "t".into(), text: text.into() };
        let documents = read(&Arc::new(source), true).unwrap().documents;
        assert_eq!(list(documents.iter()).unwrap().into_iter().collect::<Vec<_>>(), ["x/a:1", "x/b:1", "x/q:1"]);
    }
}
