//! What Knative's webhook refuses, of the Knative versions of the catalog: its validation, after its defaults, with what its
//! `ConfigMap`s say where they are among the objects and with its own defaults where they are not.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/cmd/webhook/main.go>

use crate::value::Value;

use super::at::At;
use super::model::Model;
use super::{Found, names};
use crate::manifest::collection::Placed;

mod annotations;
mod configs;
mod containers;
mod go;
mod internal;
mod revision;
mod status;
mod template;
#[cfg(test)]
mod tests;
mod traffic;
mod volumes;

const CODE: &str = "knative-refused";

/// The namespace of Knative's own parts and their settings.
const NAMESPACE: &str = "knative-serving";

/// The first version whose webhook this is, as minor version of Knative 1; older ones are left alone.
const OLDEST: u32 = 21;
/// The newest version that is known.
const NEWEST: u32 = 23;

/// How a feature is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    Enabled,
    Allowed,
    Disabled,
    /// Of `secure-pod-defaults` only.
    RootBounded,
}

/// Knative's webhook together with what it is configured with.
pub(super) struct Webhook<'o> {
    minor: u32,
    defaults: Option<&'o Value>,
    features: Option<&'o Value>,
    autoscaler: Option<&'o Value>,
}

impl<'o> Webhook<'o> {
    /// The webhook of a set of objects: of the version that Knative's own parts among them tell, and else of the newest.
    pub(super) fn of(objects: &'o [Placed]) -> Webhook<'o> {
        let own = |object: &&Placed| {
            let identity = &object.identity;
            identity.kind == "ConfigMap" && identity.namespace.as_deref().is_none_or(|n| n == NAMESPACE)
        };
        let mut webhook = Webhook { minor: NEWEST, defaults: None, features: None, autoscaler: None };
        for object in objects.iter().filter(own) {
            let data = match object.identity.name.as_str() {
                "config-defaults" => &mut webhook.defaults,
                "config-features" => &mut webhook.features,
                "config-autoscaler" => &mut webhook.autoscaler,
                _ => continue,
            };
            *data = object.value.get("data");
        }
        let told = objects.iter().filter(|o| o.head.label("app.kubernetes.io/name") == Some(NAMESPACE) || is_old(o));
        if let Some(minor) = told.filter_map(version).next_back() {
            webhook.minor = minor;
        }
        webhook
    }

    fn setting(data: Option<&'o Value>, key: &str) -> Option<&'o str> {
        data?.get(key)?.as_str()
    }

    /// A feature flag, as config-features has it or as it is where nothing is said.
    fn feature(&self, key: &str) -> Flag {
        let secure = key == "secure-pod-defaults";
        let text = Webhook::setting(self.features, key).unwrap_or_default();
        match text.to_ascii_lowercase().as_str() {
            "enabled" => Flag::Enabled,
            "allowed" if !secure => Flag::Allowed,
            "disabled" => Flag::Disabled,
            "allowrootbounded" if secure => Flag::RootBounded,
            _ if matches!(key, "multi-container" | "kubernetes.podspec-volumes-emptydir") => Flag::Enabled,
            _ => Flag::Disabled,
        }
    }

    fn is_on(&self, key: &str) -> bool {
        self.feature(key) == Flag::Enabled
    }

    fn is_off(&self, key: &str) -> bool {
        self.feature(key) == Flag::Disabled
    }

    /// Whether pods are secured by default, so that what such pods have may be written.
    fn secures(&self) -> bool {
        matches!(self.feature("secure-pod-defaults"), Flag::Enabled | Flag::RootBounded)
    }

    /// A whole number of config-defaults.
    fn number(&self, key: &str, otherwise: i64) -> i64 {
        Webhook::setting(self.defaults, key).and_then(|text| go::integer(text, 64)).unwrap_or(otherwise)
    }

    /// A truth value of config-defaults.
    fn boolean(&self, key: &str, otherwise: bool) -> bool {
        Webhook::setting(self.defaults, key).and_then(go::boolean).unwrap_or(otherwise)
    }

    /// A text of config-autoscaler.
    fn autoscaling(&self, key: &str) -> Option<&'o str> {
        Webhook::setting(self.autoscaler, key)
    }
}

/// Whether an object carries the label by which older versions told theirs.
fn is_old(object: &Placed) -> bool {
    object.head.label("serving.knative.dev/release").is_some()
}

/// The minor version of Knative that an object's labels tell; 0 for what is no Knative 1.
fn version(object: &Placed) -> Option<u32> {
    let labels = ["app.kubernetes.io/version", "serving.knative.dev/release"];
    let text = labels.iter().find_map(|label| object.head.label(label))?;
    let (major, rest) = text.trim_start_matches('v').split_once('.')?;
    let minor = rest.split('.').next()?.parse().ok()?;
    Some(if major == "1" { minor } else { 0 })
}

/// Whether an object is of a version before those whose webhook is known.
pub(super) fn is_before_known(object: &Placed) -> bool {
    version(object).is_some_and(|minor| minor < OLDEST)
}

/// Looks into a `ConfigMap` of Knative's, wherever it is.
pub(super) fn settings(found: &mut Found<'_>) {
    configs::settings(found);
}

/// The kinds of Knative Serving's groups, and the version that each is served in.
const KINDS: [(&str, &str, &str); 11] = [
    ("serving.knative.dev", "v1", "Configuration"),
    ("serving.knative.dev", "v1beta1", "DomainMapping"),
    ("serving.knative.dev", "v1", "Revision"),
    ("serving.knative.dev", "v1", "Route"),
    ("serving.knative.dev", "v1", "Service"),
    ("autoscaling.internal.knative.dev", "v1alpha1", "Metric"),
    ("autoscaling.internal.knative.dev", "v1alpha1", "PodAutoscaler"),
    ("networking.internal.knative.dev", "v1alpha1", "Certificate"),
    ("networking.internal.knative.dev", "v1alpha1", "ClusterDomainClaim"),
    ("networking.internal.knative.dev", "v1alpha1", "Ingress"),
    ("networking.internal.knative.dev", "v1alpha1", "ServerlessService"),
];

/// A kind or a version that Knative does not have.
fn is_unknown(found: &mut Found<'_>) -> bool {
    let (identity, api) = (&found.object.identity, found.object.head.api_version.as_str());
    let of_group: Vec<_> = KINDS.iter().filter(|(group, ..)| *group == identity.group).collect();
    let of_kind = of_group.iter().find(|(.., kind)| *kind == identity.kind);
    let what = match of_kind {
        _ if of_group.is_empty() => return false,
        Some((group, version, _)) if api == format!("{group}/{version}") => return false,
        Some((group, version, kind)) => format!("Knative has no {kind} in {api}; there it is in {group}/{version}"),
        None => format!("Knative has no {} in {api}", identity.kind),
    };
    found.at("api-unknown", "/apiVersion", what);
    true
}

/// Whether the webhook fills in fields of an object before the API server looks at the CRD: Go writes those that have no
/// `omitempty` empty, so that nothing that the schema requires is missing, and the webhook says itself what it needs.
pub(super) fn fills(webhook: &Webhook<'_>, object: &Placed) -> bool {
    webhook.minor >= OLDEST
        && KINDS.iter().any(|(group, _, kind)| {
            *group == object.identity.group && *kind == object.identity.kind && *kind != "ClusterDomainClaim"
        })
}

/// Checks an object, if the webhook looks at such objects. `has_crd`: its CRD says what fields there are.
pub(super) fn check(found: &mut Found<'_>, webhook: &Webhook<'_>, model: &Model, has_crd: bool) {
    if webhook.minor < OLDEST {
        return;
    }
    if is_unknown(found) {
        return;
    }
    let object = found.object;
    let identity = &object.identity;
    let root = At::root(&object.value);
    if fills(webhook, object) {
        status::check(found);
    }
    match (identity.group.as_str(), identity.kind.as_str()) {
        ("", "ConfigMap") if identity.namespace.as_deref() == Some(NAMESPACE) => configs::check(found),
        ("serving.knative.dev", "Service" | "Configuration") => {
            named(found);
            annotations::none(found);
            let spec = root.get("spec");
            if identity.kind == "Service" {
                annotations::rollout(found);
                traffic::check(found, spec.as_ref(), true);
            } else {
                owned(found, "serving.knative.dev/service", "Service");
            }
            revision::template(found, webhook, model, has_crd, spec.and_then(|spec| spec.get("template")).as_ref());
        }
        ("serving.knative.dev", "Route") => {
            named(found);
            annotations::none(found);
            annotations::rollout(found);
            owned(found, "serving.knative.dev/service", "Service");
            traffic::check(found, root.get("spec").as_ref(), false);
        }
        ("serving.knative.dev", "Revision") => {
            named(found);
            annotations::autoscaling(found, webhook, &root);
            owned(found, "serving.knative.dev/configuration", "Configuration");
            revision::spec(found, webhook, model, has_crd, root.get("spec").as_ref());
        }
        ("serving.knative.dev", "DomainMapping") => internal::domain_mapping(found),
        ("autoscaling.internal.knative.dev", "PodAutoscaler" | "Metric") => {
            named(found);
            annotations::autoscaling(found, webhook, &root);
            internal::autoscaling(found, webhook);
        }
        ("networking.internal.knative.dev", "Ingress") => internal::ingress(found),
        ("networking.internal.knative.dev", "Certificate") => internal::certificate(found),
        _ => {}
    }
}

/// Names are DNS labels that start with a letter.
fn named(found: &mut Found<'_>) {
    let name = &found.object.identity.name;
    if !name.is_empty() && !names::is_label_1035(name) {
        let what = format!("`{name}` is no DNS label that starts with a letter, 63 characters at the most");
        found.at(CODE, "/metadata/name", what);
    }
    let generated = found.object.head.meta("generateName").unwrap_or_default();
    if !is_prefix(generated) {
        found.at(CODE, "/metadata/generateName", format!("`{generated}` is no start of a DNS label"));
    }
}

/// Whether a text may be what generated names start with.
fn is_prefix(text: &str) -> bool {
    text.is_empty() || names::is_label_1035(&format!("{}a", text.strip_suffix('-').unwrap_or(text)))
}

/// A label that names the owner needs that owner among the references.
fn owned(found: &mut Found<'_>, label: &str, kind: &str) {
    let Some(name) = found.object.head.label(label) else { return };
    let metadata = At { value: &found.object.head.metadata, path: "/metadata".to_owned() };
    let owner = |at: &At<'_>| at.text("kind") == kind && at.text("name") == name;
    if !metadata.list("ownerReferences").iter().any(owner) {
        let field = metadata.get("labels").map(|labels| labels.field(label)).unwrap_or_default();
        found.at(CODE, &field, format!("the label is Knative's own, and no owner reference names the {kind} `{name}`"));
    }
}

/// A field that Knative does not take.
fn unset(found: &mut Found<'_>, at: &At<'_>, keys: &[&str]) {
    for key in keys {
        if is_set(at, key) {
            found.at(CODE, &at.field(key), format!("Knative does not take `{key}` here"));
        }
    }
}

/// Whether something is written at a field. What Go leaves out when it writes is not there.
fn is_set(at: &At<'_>, key: &str) -> bool {
    match at.value.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(_) => true,
    }
}
