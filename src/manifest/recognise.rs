//! What manifests are made from, and what is no manifest itself: a kustomization, a patch, a template, a chart.

use std::path::{Path, PathBuf};

use memchr::memmem;

use crate::value::Value;

use super::collection::Placed;

/// The names by which kustomize knows its file.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a document is, if it is what objects are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The file that tells kustomize what to build.
    Kustomization,
    /// A patch that is merged into an object.
    MergePatch,
    /// A list of changes to an object (RFC 6902).
    JsonPatch,
    /// A file with the directives of Go's templates in it, as Helm's charts have them.
    Template,
}

impl Source {
    /// What an object really is; `None` for an object.
    pub fn of(object: &Placed) -> Option<Source> {
        if object.identity.group == "kustomize.config.k8s.io" {
            return Some(Source::Kustomization);
        }
        let is_templated = |key: &str| object.head.meta(key).is_some_and(|text| text.contains("{{"));
        if ["name", "namespace", "generateName"].into_iter().any(is_templated) {
            return Some(Source::Template);
        }
        let is_patch = has_directive(&object.value) || is_part_of_workload(&object.value);
        is_patch.then_some(Source::MergePatch)
    }
}

/// Whether an object is the file of a tool and never reaches an API server: eksctl's, whose names are AWS's and not Kubernetes'.
pub fn is_for_a_tool(object: &Placed) -> bool {
    object.identity.group == "eksctl.io"
}

/// Whether a document that is no object is a JSON patch: a list of operations, each at a path.
pub fn is_json_patch(value: &Value) -> bool {
    const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];
    let is_operation = |item: &Value| {
        item.get("op").and_then(Value::as_str).is_some_and(|op| OPERATIONS.contains(&op))
            && item.get("path").and_then(Value::as_str).is_some_and(|path| path.is_empty() || path.starts_with('/'))
    };
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_operation))
}

/// Whether a text that is no YAML is a template: a directive stands where YAML has no quotes around it.
pub fn is_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = memmem::find(&bytes[from..], b"{{") {
        let at = from + found;
        let start = memchr::memrchr(b'\n', &bytes[from..at]).map_or(from, |end| from + end + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        if is_template_line(&text[start..end]) {
            return true;
        }
        from = end;
    }
    false
}

fn is_template_line(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ");
    let Some((before, rest)) = line.split_once("{{") else { return false };
    let before = before.trim_end();
    rest.contains("}}") && (before.is_empty() || !before.contains(['"', '\'']) && !before.starts_with('#'))
}

/// Directives of strategic merge patches, which no object has.
fn has_directive(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            key == "$patch" || key == "$retainKeys" || key.starts_with("$setElementOrder/") || has_directive(value)
        }),
        Value::Array(items) => items.iter().any(has_directive),
        _ => false,
    }
}

/// Whether this is what changes a workload and not a workload: it selects no pods, and none of its containers has an image.
fn is_part_of_workload(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_workload = matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        && value.get("apiVersion").and_then(Value::as_str).is_some_and(|api| api.starts_with("apps/"));
    let Some(spec) = value.get("spec").and_then(Value::as_object).filter(|spec| is_workload && !spec.is_empty()) else {
        return false;
    };
    let known = ["replicas", "template", "strategy", "updateStrategy", "minReadySeconds", "revisionHistoryLimit"];
    let containers = spec.get("template").and_then(|t| t.pointer("/spec/containers")).and_then(Value::as_array);
    !spec.contains_key("selector")
        && spec.keys().all(|key| known.contains(&key.as_str()))
        && containers.is_none_or(|all| all.iter().all(|c| c.get("name").is_some() && c.get("image").is_none()))
}

/// The file that makes kustomize build a folder.
pub fn kustomization(folder: &Path) -> Option<PathBuf> {
    KUSTOMIZATIONS.iter().map(|name| folder.join(name)).find(|file| file.is_file())
}

/// The file that makes a folder a chart of Helm.
pub fn chart(folder: &Path) -> Option<PathBuf> {
    Some(folder.join("Chart.yaml")).filter(|file| file.is_file() && folder.join("templates").is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::collection::Collection;

    fn source(text: &str) -> Option<Source> {
        let mut collection = Collection::default();
        collection.add("a.yaml", text);
        Source::of(&collection.objects[0])
    }

    const WORKLOAD: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n";

    #[test]
    fn a_kustomization_is_none_of_its_objects() {
        let text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n";
        assert_eq!(source(text), Some(Source::Kustomization));
    }

    #[test]
    fn a_part_of_a_workload_is_a_patch_and_a_workload_with_a_mistake_is_not() {
        let template = |container: &str| {
            format!("{WORKLOAD}spec: {{template: {{spec: {{containers: [{{name: a, {container}}}]}}}}}}\n")
        };
        assert_eq!(source(&template("resources: {}")), Some(Source::MergePatch));
        assert_eq!(source(&template("image: a")), None);
        assert_eq!(source(&format!("{WORKLOAD}spec: {{replicas: 3}}\n")), Some(Source::MergePatch));
        assert_eq!(source(&format!("{WORKLOAD}spec: {{replicas: 3, selector: {{}}}}\n")), None);
        assert_eq!(source(&format!("{WORKLOAD}specs: {{replicas: 3}}\n")), None);
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n$patch: delete\n";
        assert_eq!(source(service), Some(Source::MergePatch));
    }

    #[test]
    fn a_json_patch_is_a_list_of_operations() {
        let is = |text: &str| is_json_patch(&crate::yaml::parse(text).unwrap());
        assert!(is("- {op: replace, path: /spec/replicas, value: 3}\n"));
        assert!(!is("- {op: invent, path: /a}\n") && !is("[]\n") && !is("- {path: /a}\n") && !is("op: add\n"));
    }

    #[test]
    fn a_template_has_directives_outside_of_quotes() {
        assert!(is_template("metadata:\n  name: {{ .Release.Name }}\n"));
        assert!(is_template("{{- if .Values.on }}\na: 1\n{{- end }}\n"));
        assert!(is_template("# {{ a }}\na: '{{ b }}'\r\n- {{ c }}"));
        assert!(!is_template("a: \"{{.Name}}\"\nb: [\n") && !is_template("# {{ a }}\na: [\n"));
        let named = "apiVersion: v1\nkind: Secret\nmetadata: {name: '{{ .Release.Name }}-a'}\n";
        assert_eq!(source(named), Some(Source::Template));
        let argo = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {domain: '{{.Name}}.{{.Domain}}'}\n";
        assert_eq!(source(argo), None);
    }
}
