//! Pod templates, wherever they sit in an object.

use crate::value::Value;

/// A pod template in an object.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'v> {
    /// What runs it.
    pub workload: Workload,
    /// Pointer from the object to the pod's spec.
    pub path: &'static str,
    /// The pod's spec.
    pub spec: &'v Value,
    /// The metadata that the pods get; null where there is none.
    pub metadata: &'v Value,
    /// The whole object.
    pub object: &'v Value,
}

/// What runs a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// The object is the pod, or runs a number of it.
    Replicated,
    /// One on every node, of which Fargate has none.
    DaemonSet,
    /// Runs to its end.
    Job,
    /// Knative runs as many as there is traffic for, each with a queue-proxy beside it.
    Knative,
    /// Nothing by itself.
    Template,
}

/// Group, kind, pointer to the spec, pointer to the metadata, workload.
const PLACES: [(&str, &str, &str, &str, Workload); 13] = [
    ("", "Pod", "/spec", "/metadata", Workload::Replicated),
    ("", "PodTemplate", "/template/spec", "/template/metadata", Workload::Template),
    ("", "ReplicationController", "/spec/template/spec", "/spec/template/metadata", Workload::Replicated),
    ("apps", "Deployment", "/spec/template/spec", "/spec/template/metadata", Workload::Replicated),
    ("apps", "StatefulSet", "/spec/template/spec", "/spec/template/metadata", Workload::Replicated),
    ("apps", "ReplicaSet", "/spec/template/spec", "/spec/template/metadata", Workload::Replicated),
    ("apps", "DaemonSet", "/spec/template/spec", "/spec/template/metadata", Workload::DaemonSet),
    ("extensions", "DaemonSet", "/spec/template/spec", "/spec/template/metadata", Workload::DaemonSet),
    ("extensions", "Deployment", "/spec/template/spec", "/spec/template/metadata", Workload::Replicated),
    ("batch", "Job", "/spec/template/spec", "/spec/template/metadata", Workload::Job),
    (
        "batch",
        "CronJob",
        "/spec/jobTemplate/spec/template/spec",
        "/spec/jobTemplate/spec/template/metadata",
        Workload::Job,
    ),
    ("serving.knative.dev", "Service", "/spec/template/spec", "/spec/template/metadata", Workload::Knative),
    ("serving.knative.dev", "Configuration", "/spec/template/spec", "/spec/template/metadata", Workload::Knative),
];

impl Pod<'_> {
    /// The pod template of an object, if it has one.
    pub fn of(object: &Value) -> Option<Pod<'_>> {
        let api = object.get("apiVersion")?.as_str()?;
        let kind = object.get("kind")?.as_str()?;
        let group = api.rsplit_once('/').map_or("", |(group, _)| group);
        let (_, _, path, metadata, workload) = PLACES.iter().find(|(g, k, ..)| *g == group && *k == kind)?;
        let spec = object.pointer(path).filter(|spec| spec.is_object())?;
        let metadata = object.pointer(metadata).unwrap_or(&Value::Null);
        Some(Pod { workload: *workload, path, spec, metadata, object })
    }

    /// Whether objects of a group and kind have a pod template.
    pub fn is_in(group: &str, kind: &str) -> bool {
        PLACES.iter().any(|(g, k, ..)| *g == group && *k == kind)
    }

    /// An annotation that the pods get.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.get("annotations")?.get(key)?.as_str()
    }

    /// The containers, each with its pointer from the object. With `init`, those that run before.
    pub fn containers(&self, init: bool) -> impl Iterator<Item = (String, &Value)> {
        let key = if init { "initContainers" } else { "containers" };
        let items = self.spec.get(key).and_then(Value::as_array).into_iter().flatten();
        items.enumerate().map(move |(i, container)| (format!("{}/{key}/{i}", self.path), container))
    }

    /// How many of the pod run, as the object says: `spec.replicas`, 1 where it says nothing.
    pub fn replicas(&self) -> u64 {
        self.object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
    }
}

/// Whether an init container goes on running beside the others (a native sidecar).
pub fn is_sidecar(container: &Value) -> bool {
    container.get("restartPolicy").and_then(Value::as_str) == Some("Always")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_pod_template_is_found_wherever_it_sits() {
        for (group, kind, path, ..) in PLACES {
            let api = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
            let mut object = json!({"containers": [{"name": "a"}]});
            for key in path.split('/').skip(1).collect::<Vec<_>>().into_iter().rev() {
                object = json!({ key: object });
            }
            object["apiVersion"] = api.into();
            object["kind"] = kind.into();
            let pod = Pod::of(&object).unwrap();
            assert_eq!(pod.containers(false).next().unwrap().0, format!("{path}/containers/0"));
        }
    }

    #[test]
    fn other_objects_and_empty_templates_have_no_pod() {
        for object in [
            json!({"apiVersion": "v1", "kind": "Service", "spec": {"template": {"spec": {}}}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": null}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": []}}}),
            json!([]),
        ] {
            assert!(Pod::of(&object).is_none(), "{object}");
        }
        let odd = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": {"name": "a"}}});
        assert_eq!(Pod::of(&odd).unwrap().containers(false).count(), 0);
    }
}
