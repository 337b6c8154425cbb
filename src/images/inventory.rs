//! Every image of manifests, with the places that name it.
//!
//! An image stands under the key `image`, in a `ConfigMap` (`queue-sidecar-image`), in an annotation, or among arguments and
//! environment of a container that starts others. There a text counts when it names a registry and a tag or digest, or when its
//! key says that it is an image.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::reference::{Hold, Reference, hold, is_host, is_reference};
use crate::manifest::collection::{Collection, Placed};
use crate::manifest::secret::REPEATED;
use crate::pointer::escape;
use crate::value::Value;

/// The registries whose tags Knative's controller leaves as they are, where `config-deployment` says nothing.
/// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/deployment/config.go>
const NOT_RESOLVED: &str = "kind.local,ko.local,dev.local";

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The whole reference, as it stands in the manifests.
    pub image: String,
    /// The registry; `None` where the text is no reference.
    pub registry: Option<String>,
    /// The repository.
    pub repository: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<String>,
    /// Whether another image may stand behind it tomorrow: no digest, and a tag that moves by custom.
    pub moves: bool,
    /// Whether Knative's controller asks the registry for the digest behind its tag.
    pub resolved_by_controller: bool,
    /// Where it is used.
    pub used: Vec<Use>,
}

/// A place that names an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Use {
    /// The object.
    pub object: String,
    /// Its file.
    pub file: String,
    /// The line on which it starts.
    pub line: usize,
    /// JSON pointer to the text.
    pub field: String,
}

/// The images of a set of objects, in the order of their references.
pub fn of(collection: &Collection) -> Vec<Image> {
    let skipped = skipped(&collection.objects);
    let mut images: BTreeMap<String, (BTreeSet<Use>, bool)> = BTreeMap::new();
    for placed in &collection.objects {
        for (field, image) in in_object(&placed.value) {
            let entry = images.entry(image.clone()).or_default();
            entry.1 |= is_resolved(placed, &field, &image, &skipped);
            let object = placed.identity.to_string();
            entry.0.insert(Use { object, file: placed.file.to_string(), line: placed.line, field });
        }
    }
    images.into_iter().map(|(image, (used, resolved))| Image::of(image, used, resolved)).collect()
}

impl Image {
    fn of(image: String, used: BTreeSet<Use>, resolved_by_controller: bool) -> Image {
        let parts = Reference::parse(&image);
        Image {
            moves: hold(&image) != Hold::Firm,
            registry: parts.as_ref().map(|p| p.registry.clone()),
            repository: parts.as_ref().map(|p| p.repository.clone()),
            tag: parts.as_ref().and_then(|p| p.tag.clone()),
            digest: parts.and_then(|p| p.digest),
            resolved_by_controller,
            used: used.into_iter().collect(),
            image,
        }
    }
}

/// The registries that `config-deployment` of a set of objects excepts from the resolving of tags.
fn skipped(objects: &[Placed]) -> Vec<String> {
    let config = objects.iter().rfind(|o| o.identity.kind == "ConfigMap" && o.identity.name == "config-deployment");
    let data = config.map_or(&Value::Null, |config| &config.value["data"]);
    let said =
        ["registries-skipping-tag-resolving", "registriesSkippingTagResolving"].iter().find_map(|k| data[k].as_str());
    skip_list(said)
}

/// The registries in a value of `registries-skipping-tag-resolving`; those of Knative where it says nothing.
pub fn skip_list(said: Option<&str>) -> Vec<String> {
    said.unwrap_or(NOT_RESOLVED).split(',').map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()).collect()
}

/// The host of a registry, as Knative's controller compares it with the list.
pub fn as_controller_names(registry: &str) -> &str {
    if registry == super::reference::DOCKER_HUB { "index.docker.io" } else { registry }
}

fn is_resolved(placed: &Placed, field: &str, image: &str, skipped: &[String]) -> bool {
    let knative = placed.identity.group == "serving.knative.dev"
        && matches!(placed.identity.kind.as_str(), "Service" | "Configuration" | "Revision");
    let Some(parts) = Reference::parse(image) else { return false };
    let host = as_controller_names(&parts.registry);
    knative && field.ends_with("/image") && parts.digest.is_none() && !skipped.iter().any(|skip| skip == host)
}

/// The images that an object names, each with a JSON pointer to it.
pub fn in_object(object: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let kind = object["kind"].as_str().unwrap_or_default();
    // A CRD describes fields, and an eksctl ClusterConfig what AWS runs; a Secret is nobody's business.
    if matches!(kind, "CustomResourceDefinition" | "ClusterConfig" | "Secret") {
        return found;
    }
    if kind == "ConfigMap" {
        texts(&object["data"], "/data", &mut found);
    } else {
        walk(object, "", &mut found);
    }
    texts(&object["metadata"]["annotations"], "/metadata/annotations", &mut found);
    found
}

fn walk(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let here = format!("{at}/{}", escape(key));
                match inner {
                    Value::String(image) if key == "image" && !image.trim().is_empty() => {
                        found.push((here, image.to_string()));
                    }
                    Value::Array(words) if matches!(key.as_str(), "args" | "command") => {
                        words.iter().enumerate().for_each(|(i, word)| word_of(words, i, word, &here, found));
                    }
                    Value::Array(variables) if key == "env" => {
                        for (i, variable) in variables.iter().enumerate() {
                            let name = variable["name"].as_str().unwrap_or_default();
                            text(name, &variable["value"], &format!("{here}/{i}/value"), found);
                        }
                    }
                    // The pods' own annotations; those of the object are read for every kind.
                    Value::Object(_) if key == "annotations" && at.ends_with("/metadata") => {
                        if at != "/metadata" {
                            texts(inner, &here, found);
                        }
                    }
                    other => walk(other, &here, found),
                }
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

/// A word of a command line: `--image=REF`, or a text of its own after a flag whose name says what it is.
fn word_of(words: &[Value], i: usize, word: &Value, at: &str, found: &mut Vec<(String, String)>) {
    let Some(given) = word.as_str() else { return };
    let before = i.checked_sub(1).and_then(|i| words[i].as_str()).filter(|w| w.starts_with('-'));
    let (key, value) = given.split_once('=').unwrap_or((before.unwrap_or_default(), given));
    text(key, &Value::from(value), &format!("{at}/{i}"), found);
}

/// Texts under keys of their own: data of a `ConfigMap`, annotations.
fn texts(map: &Value, at: &str, found: &mut Vec<(String, String)>) {
    for (key, value) in map.as_object().into_iter().flatten() {
        // An example is read by nobody, and what kubectl remembers of an object is the object again.
        if !matches!(key.as_str(), "_example" | REPEATED) {
            text(key, value, &format!("{at}/{}", escape(key)), found);
        }
    }
}

fn text(key: &str, value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    let Some(value) = value.as_str() else { return };
    if !value.contains('\n') {
        if names_image(key, value.trim()) {
            found.push((at.to_owned(), value.trim().to_owned()));
        }
        return;
    }
    // A file in a ConfigMap.
    for line in value.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.trim_start_matches("- ").split_once(": ") else { continue };
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'', ',']);
        if names_image(key.trim_matches(['"', '\'']), value) {
            found.push((at.to_owned(), value.to_owned()));
        }
    }
}

/// Whether a text is an image: one with a registry and a tag or digest; or any that is called an image and has more than a name.
fn names_image(key: &str, value: &str) -> bool {
    if !is_reference(value) {
        return false;
    }
    let host = value.split_once('/').is_some_and(|(first, rest)| is_host(first) && !rest.is_empty());
    let holds = value.contains("@sha256:") || value.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let called = key.to_ascii_lowercase().ends_with("image");
    // `example.com:80/path` and `10.0.0.1/8` are no images.
    let is_address =
        value.split('/').next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_digit() || b".:".contains(&b)));
    if called { host || holds } else { host && holds && !is_address }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str) -> Vec<Image> {
        let mut collection = Collection::default();
        collection.add("a.yaml", text);
        assert_eq!(collection.broken, []);
        of(&collection)
    }

    fn names(text: &str) -> Vec<String> {
        images(text).into_iter().map(|image| image.image).collect()
    }

    #[test]
    fn images_stand_in_pods_config_maps_annotations_arguments_and_environment() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {sidecar/proxyImage: x.example/s:1}}\n\
                    spec:\n  template:\n    metadata: {annotations: {inject/image: x.example/i:1}}\n    spec:\n      containers:\n\
                    \x20     - {name: a, image: a, args: [--acme-image=x.example/f:1, --other, x.example/o:1, --port=80],\n\
                    \x20        env: [{name: WORKER_IMAGE, value: org/w:1}, {name: URL, value: 'http://x.example/a:1'}]}\n---\n\
                    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  queue-sidecar-image: x.example/q:1\n  image: no\n\
                    \x20 _example: 'image: x.example/no:1'\n  file.yaml: |\n    # image: x.example/no:1\n    image: x.example/d:1 # c\n";
        let found = names(text);
        assert_eq!(
            found,
            [
                "a",
                "org/w:1",
                "x.example/d:1",
                "x.example/f:1",
                "x.example/i:1",
                "x.example/o:1",
                "x.example/q:1",
                "x.example/s:1"
            ]
        );
    }

    #[test]
    fn what_is_no_image_is_not_taken_for_one() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: kourier.example.com:80\n  b: 10.0.0.0/8\n\
                    \x20 c: gcr.io/knative\n  pull-image: 'true'\n  d: 10.0.0.1/a:1\n---\n\
                    apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimage: x.example/a:1\n";
        assert_eq!(names(text), [""; 0]);
    }

    #[test]
    fn the_controller_resolves_tags_of_services_but_for_registries_that_are_excepted() {
        let service = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      \
                       containers: [{image: x.example/a:1}]\n";
        assert!(images(service)[0].resolved_by_controller);
        let config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-deployment}\n\
                      data: {registries-skipping-tag-resolving: 'ko.local, x.example'}\n";
        assert!(!images(&format!("{service}{config}"))[0].resolved_by_controller);
        assert!(!images(&service.replace(":1", &format!("@sha256:{}", "0".repeat(64))))[0].resolved_by_controller);
    }
}
