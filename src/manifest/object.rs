//! Which object a document is: its identity, and the little of it that every stage asks for.

use std::fmt;

use serde::Serialize;

use crate::shown;
use crate::value::{Text, Value};

/// One object in a render: group, kind, namespace and name. The version is no part of it, since Kubernetes serves one
/// object under several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// API group, empty for the core group.
    pub group: Text,
    /// Kind, for example `Service`.
    pub kind: Text,
    /// Namespace as written; `None` for cluster-scoped objects and where the manifest leaves it out.
    pub namespace: Option<Text>,
    /// Name; empty while a `generateName` has not been given a name.
    pub name: Text,
}

/// Whether `group` belongs to Kubernetes itself: the core group, those without a dot, and `*.k8s.io` less the groups
/// that projects of the Kubernetes organisation define by CRD.
pub fn is_kubernetes_group(group: &str) -> bool {
    const BY_CRD: [&str; 3] = ["elbv2.k8s.aws", "gateway.networking.k8s.io", "snapshot.storage.k8s.io"];
    (!group.contains('.') || group.ends_with(".k8s.io")) && !BY_CRD.contains(&group)
}

impl Identity {
    /// `Kind`, followed by the group where that is not one of Kubernetes' own.
    pub fn kind_and_group(&self) -> String {
        if is_kubernetes_group(&self.group) { self.kind.to_string() } else { format!("{}.{}", self.kind, self.group) }
    }
}

impl fmt::Display for Identity {
    /// `Kind[.group]/[namespace/]name`, as `knrender explain` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", shown::line(&self.kind_and_group()))?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{}/", shown::line(namespace))?;
        }
        f.write_str(if self.name.is_empty() { "(no name)".into() } else { shown::line(&self.name) }.as_ref())
    }
}

impl Serialize for Identity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether an object, written as [`Identity`] writes it, is one that `Kind[.group]/[NAMESPACE/]NAME` names. Kinds are
/// compared without case, and what is left out of the middle may be anything.
pub fn answers_to(object: &str, asked: &str) -> bool {
    let (kind, place) = asked.split_once('/').unwrap_or((asked, ""));
    let (its_kind, its_place) = object.split_once('/').unwrap_or((object, ""));
    let kind_is =
        its_kind.eq_ignore_ascii_case(kind) || its_kind.split('.').next().is_some_and(|k| k.eq_ignore_ascii_case(kind));
    kind_is && (its_place == place || its_place.split('/').next_back() == Some(place))
}

/// The head of an object: all that selects it, orders it and names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// `apiVersion` as written.
    pub api_version: Text,
    /// `kind` as written.
    pub kind: Text,
    /// `metadata`, an object or null.
    pub metadata: Value,
}

impl Head {
    /// The head of a whole object.
    ///
    /// # Errors
    /// In words, what makes the value no Kubernetes object.
    pub fn of(value: &Value) -> Result<Head, String> {
        let Some(map) = value.as_object() else {
            return Err("it is not a mapping".to_owned());
        };
        let text = |key: &str| match map.get(key) {
            Some(Value::String(s)) if !s.is_empty() => Ok(s.clone()),
            Some(_) => Err(format!("`{key}` is not a string, or empty")),
            None => Err(format!("it has no `{key}`")),
        };
        let (api_version, kind) = (text("apiVersion")?, text("kind")?);
        let metadata = map.get("metadata").cloned().unwrap_or(Value::Null);
        for key in ["name", "namespace", "generateName"] {
            if metadata.get(key).is_some_and(|v| !v.is_string() && !v.is_null()) {
                let kind = shown::line(&kind);
                return Err(format!("`metadata.{key}` of this {kind} is not a string; put it in quotes"));
            }
        }
        if !(metadata.is_object() || metadata.is_null()) {
            return Err(format!("`metadata` of this {} is not a mapping", shown::line(&kind)));
        }
        Ok(Head { api_version, kind, metadata })
    }

    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The identity that this head gives.
    pub fn identity(&self) -> Identity {
        Identity {
            group: self.group().into(),
            kind: self.kind.clone(),
            namespace: self.text("namespace").filter(|n| !n.is_empty()).cloned(),
            name: self.text("name").cloned().unwrap_or_default(),
        }
    }

    fn text(&self, key: &str) -> Option<&Text> {
        if let Some(Value::String(text)) = self.metadata.get(key) { Some(text) } else { None }
    }

    /// A string of `metadata`.
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.text(key).map(Text::as_str)
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata.get("labels").and_then(|l| l.get(key)).and_then(Value::as_str)
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.get("annotations").and_then(|a| a.get(key)).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn an_identity_names_the_group_only_where_it_is_not_of_kubernetes() {
        let id = |v: Value| Head::of(&v).unwrap().identity().to_string();
        assert_eq!(
            id(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}})),
            "Service/b/a"
        );
        assert_eq!(
            id(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}})),
            "ClusterRole/a"
        );
        assert_eq!(
            id(json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "a"}})),
            "Service.serving.knative.dev/a"
        );
    }

    #[test]
    fn what_is_no_object_is_said_in_words() {
        assert_eq!(Head::of(&json!([1])).unwrap_err(), "it is not a mapping");
        assert_eq!(Head::of(&json!({"kind": "A"})).unwrap_err(), "it has no `apiVersion`");
        let number = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": 12}});
        assert_eq!(Head::of(&number).unwrap_err(), "`metadata.name` of this A is not a string; put it in quotes");
    }
}
