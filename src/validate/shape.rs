//! An object against the fields of its type: no field that is not there, nothing of another type, nothing missing, and what
//! `rules.txt` demands of single fields. This is what the API server reads and checks before it looks at the whole.

use std::sync::LazyLock;

use crate::value::{Map, Value};

use super::at::integer;
use super::model::{Model, Shape};
use super::{Found, rules};
use crate::fargate::quantity::Quantity;
use crate::manifest::secret;
use crate::pointer;
use crate::shown::near;

/// Checks an object against its type of the model.
pub(super) fn check(model: &Model, type_name: &str, value: &Value, found: &mut Found<'_>) {
    part(model, type_name, value, "", found);
}

/// Checks a part of an object, which stands at `path`.
pub(super) fn part(model: &Model, type_name: &str, value: &Value, path: &str, found: &mut Found<'_>) {
    let unchecked_pod = type_name == "apps.v1.StatefulSet" && model.version().minor < 34;
    let whole = path.is_empty();
    Walk { model, found, lax: false, unseen: false, unchecked_pod, whole }.object(
        type_name,
        value,
        &mut path.to_owned(),
    );
}

#[allow(clippy::struct_excessive_bools)] // each says where the walk is
struct Walk<'w, 'f> {
    model: &'w Model,
    found: &'w mut Found<'f>,
    /// Inside of what the API server decodes apart, where it does not look for unknown fields.
    lax: bool,
    /// Inside of what nobody looks at, once it is read.
    unseen: bool,
    /// For a `StatefulSet`, whose pod and claims the API server read and did not check up to Kubernetes 1.33.
    unchecked_pod: bool,
    /// Whether the walk started at an object of Kubernetes' own.
    whole: bool,
}

/// Fields that the schemas call required and that the API server does without: it defaults them, or their zero will do.
const DEFAULTED: [(&str, &str); 43] = [
    ("apiextensions.v1.CustomResourceDefinitionVersion", "served"),
    ("apiextensions.v1.CustomResourceDefinitionVersion", "storage"),
    ("apps.v1.ControllerRevision", "revision"),
    ("apps.v1.StatefulSetSpec", "serviceName"),
    ("batch.v1.PodFailurePolicy", "rules"),
    ("core.v1.Event", "involvedObject"),
    ("core.v1.HTTPHeader", "value"),
    ("core.v1.ISCSIPersistentVolumeSource", "lun"),
    ("core.v1.ISCSIVolumeSource", "lun"),
    ("core.v1.LimitRangeSpec", "limits"),
    ("core.v1.PreferredSchedulingTerm", "preference"),
    ("core.v1.ScaleIOPersistentVolumeSource", "secretRef"),
    ("core.v1.ScaleIOVolumeSource", "secretRef"),
    ("core.v1.SleepAction", "seconds"),
    ("core.v1.Sysctl", "value"),
    // A Node's are looked at; nothing else has any.
    ("core.v1.Taint", "effect"),
    ("discovery.v1.EndpointSlice", "endpoints"),
    ("discovery.v1.ForZone", "name"),
    ("networking.v1.NetworkPolicySpec", "podSelector"),
    ("rbac.v1.ClusterRole", "rules"),
    ("rbac.v1.RoleRef", "apiGroup"),
    ("resource.v1.Counter", "value"),
    ("resource.v1.DeviceCapacity", "value"),
    ("resource.v1.DeviceClass", "spec"),
    ("resource.v1.ResourceClaim", "spec"),
    ("resource.v1.ResourceClaimTemplate", "spec"),
    ("resource.v1.ResourceClaimTemplateSpec", "spec"),
    ("resource.v1.ResourcePool", "generation"),
    ("resource.v1beta1.DeviceClass", "spec"),
    ("resource.v1beta1.ResourceClaim", "spec"),
    ("resource.v1beta1.ResourceClaimTemplate", "spec"),
    ("resource.v1beta1.ResourceClaimTemplateSpec", "spec"),
    ("resource.v1beta1.ResourcePool", "generation"),
    ("resource.v1beta2.DeviceClass", "spec"),
    ("resource.v1beta2.ResourceClaim", "spec"),
    ("resource.v1beta2.ResourceClaimTemplate", "spec"),
    ("resource.v1beta2.ResourceClaimTemplateSpec", "spec"),
    ("resource.v1beta2.ResourcePool", "generation"),
    ("scheduling.v1.PriorityClass", "value"),
    ("storage.v1.CSIDriver", "spec"),
    ("storage.v1.CSINode", "spec"),
    ("storage.v1.CSINodeSpec", "drivers"),
    ("storage.v1.TokenRequest", "audience"),
];

/// Fields whose types are read, and whose values nobody looks at: from this minor version, to that one.
const UNSEEN: [(u16, u16, &str, &str); 9] = [
    (31, 37, "autoscaling.v2.MetricIdentifier", "selector"),
    // Features that are off by default, or gone: what is there is dropped before it is looked at.
    (31, 37, "coordination.v1.LeaseSpec", "preferredHolder"),
    (31, 37, "coordination.v1.LeaseSpec", "strategy"),
    (31, 37, "core.v1.NodeSpec", "configSource"),
    (31, 36, "core.v1.VolumeProjection", "clusterTrustBundle"),
    (31, 36, "core.v1.VolumeProjection", "podCertificate"),
    (31, 33, "core.v1.PodSpec", "resources"),
    (31, 34, "core.v1.Volume", "image"),
    (31, 32, "core.v1.SecurityContext", "procMount"),
];

/// Whether the API server passes over a field, or drops it, because of what stands in it or beside it.
fn is_passed_over(type_name: &str, field: &str, fields: &Map, path: &str) -> bool {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(value) = fields.get(field) else { return false };
    match (type_name, field) {
        // What is in another namespace is a feature that is off by default.
        (_, "dataSourceRef") => !text(value, "namespace").is_empty(),
        // A claim of its own loses a source that is neither a claim nor a snapshot.
        ("core.v1.PersistentVolumeClaimSpec", "dataSource") if path == "/spec" => {
            let known = [("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")];
            let (group, kind) = (text(value, "apiGroup"), text(value, "kind"));
            fields.get("dataSourceRef").is_none_or(Value::is_null) && !known.contains(&(group.as_str(), kind.as_str()))
        }
        ("apps.v1.DaemonSetUpdateStrategy", "rollingUpdate") => fields.get("type").is_some_and(|of| of == "OnDelete"),
        _ => false,
    }
}

static NOTHING: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));

const SCHEMA: &str = "apiextensions.v1.JSONSchemaProps";

impl Walk<'_, '_> {
    fn object(&mut self, type_name: &str, value: &Value, path: &mut String) {
        if let Some(or) = type_name.strip_prefix("apiextensions.v1.JSONSchemaPropsOr") {
            let lax = std::mem::replace(&mut self.lax, true);
            match value {
                Value::Bool(_) if or == "Bool" => {}
                Value::Array(items) if or == "Array" => {
                    for (i, item) in items.iter().enumerate() {
                        self.below(path, &i.to_string(), |walk, path| walk.object(SCHEMA, item, path));
                    }
                }
                _ => self.object(SCHEMA, value, path),
            }
            self.lax = lax;
            return;
        }
        let Some(fields) = value.as_object() else {
            self.wrong(path, "a mapping", value);
            return;
        };
        let Some(of) = self.model.get(type_name) else { return };
        for (name, value) in fields {
            let segment = pointer::escape(name);
            match of.fields.get(name.as_str()) {
                Some(field) => {
                    if !value.is_null() {
                        let seen = self.unseen;
                        self.unseen |= self.is_unseen(type_name, name) || is_passed_over(type_name, name, fields, path);
                        self.below(path, &segment, |walk, path| walk.value(&field.shape, value, path));
                        self.unseen = seen;
                    }
                }
                None if self.lax => {}
                None => {
                    let near = near(name, of.fields.keys().copied());
                    let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                    let known = type_name.rsplit('.').next().unwrap_or(type_name);
                    self.below(path, &segment, |walk, path| {
                        walk.found.at("unknown-field", path, format!("`{name}` is no field of {known}{hint}"));
                    });
                }
            }
        }
        let unchecked = ["/spec/template/spec", "/spec/volumeClaimTemplates"].iter().any(|part| path.starts_with(part));
        // Owners of what is made after a template are read only.
        let of_template = self.whole && type_name == "meta.v1.OwnerReference" && !path.starts_with("/metadata/");
        if self.unseen || of_template || path.starts_with("/status") || (self.unchecked_pod && unchecked) {
            return;
        }
        for name in of.required.iter().copied() {
            let missing = fields.get(name).is_none_or(Value::is_null);
            if missing && !DEFAULTED.iter().any(|(of, field)| *of == type_name && *field == name) {
                self.below(path, name, |walk, path| {
                    walk.found.at("missing-field", path, format!("`{name}` is missing"));
                });
            }
        }
        self.rules(type_name, fields, path);
    }

    fn value(&mut self, shape: &Shape, value: &Value, path: &mut String) {
        match shape {
            Shape::Any => {}
            Shape::Text if value.is_string() => {}
            Shape::Text => self.wrong(path, "a string; put it in quotes", value),
            Shape::Bool if value.is_boolean() => {}
            Shape::Bool => self.wrong(path, "true or false", value),
            Shape::Int => match integer(value) {
                Some(number) if i32::try_from(number).is_ok() => {}
                Some(number) => self.found.at("bad-value", path, format!("{number} does not fit into 32 bits")),
                None => self.wrong(path, "an integer", value),
            },
            Shape::Long if integer(value).is_some() => {}
            Shape::Long => self.wrong(path, "an integer", value),
            Shape::Number if value.is_number() => {}
            Shape::Number => self.wrong(path, "a number", value),
            Shape::IntOrText if value.is_string() || integer(value).is_some_and(|n| i32::try_from(n).is_ok()) => {}
            Shape::IntOrText => self.wrong(path, "an integer or a string", value),
            Shape::Time => match value.as_str() {
                Some(text) if is_time(text) => {}
                Some(text) => {
                    self.found.at("bad-value", path, format!("`{text}` is not a time such as 2006-01-02T15:04:05Z"));
                }
                None => self.wrong(path, "a time in quotes", value),
            },
            Shape::Bytes if bytes_of_list(value).is_some() => {}
            Shape::Bytes => match value.as_str() {
                Some(text) if is_base64(text) => {}
                Some(_) => self.found.at("bad-value", path, "it is not base64".to_owned()),
                None => self.wrong(path, "base64 in a string", value),
            },
            Shape::Quantity => match value {
                Value::String(text) if Quantity::parse(text.trim_matches(rules::is_blank)).is_ok() => {}
                Value::String(text) => {
                    self.found.at("bad-value", path, format!("`{text}` is not a quantity such as 100m or 128Mi"));
                }
                Value::Number(_) => {}
                _ => self.wrong(path, "a quantity", value),
            },
            Shape::List(of) => match value.as_array() {
                Some(items) => {
                    for (i, item) in items.iter().enumerate() {
                        // A null in a list is an item of which nothing is said.
                        let item = match (item, &**of) {
                            (Value::Null, Shape::Of(_)) => &*NOTHING,
                            (Value::Null, _) => continue,
                            (item, _) => item,
                        };
                        self.below(path, &i.to_string(), |walk, path| walk.value(of, item, path));
                    }
                }
                None => self.wrong(path, "a list", value),
            },
            Shape::Map(of) => match value.as_object() {
                Some(map) => {
                    for (key, item) in map.iter().filter(|(_, item)| !item.is_null()) {
                        self.below(path, &pointer::escape(key), |walk, path| walk.value(of, item, path));
                    }
                }
                None => self.wrong(path, "a mapping", value),
            },
            Shape::Of(name) => self.object(name, value, path),
        }
    }

    fn rules(&mut self, type_name: &str, fields: &Map, path: &mut String) {
        let model = self.model;
        for rule in model.rules(type_name) {
            let Some((code, what)) = rules::broken(rule, fields) else { continue };
            match rule.field {
                "-" => self.found.at(code, path, what),
                // What the schemas call required was looked for already.
                field if code == "missing-field" && self.is_required(type_name, field) => {}
                field => self.below(path, field, |walk, path| walk.found.at(code, path, what)),
            }
        }
    }

    fn is_unseen(&self, type_name: &str, field: &str) -> bool {
        let minor = self.model.version().minor;
        let unseen = |(from, to, of, name): &(u16, u16, &str, &str)| {
            (*from..=*to).contains(&minor) && *of == type_name && *name == field
        };
        UNSEEN.iter().any(unseen)
    }

    fn is_required(&self, type_name: &str, field: &str) -> bool {
        self.model.get(type_name).is_some_and(|of| of.fields.get(field).is_some_and(|field| field.required))
    }

    fn below(&mut self, path: &mut String, segment: &str, walk: impl FnOnce(&mut Self, &mut String)) {
        let length = path.len();
        path.push('/');
        path.push_str(segment);
        walk(self, path);
        path.truncate(length);
    }

    fn wrong(&mut self, path: &str, wanted: &str, value: &Value) {
        // Reports do not say what stands in a Secret.
        let is_secret = secret::is_content(path) && secret::is_secret(&self.found.object.value);
        let is = match value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(_) if is_secret => "a boolean".to_owned(),
            Value::Number(_) if is_secret => "a number".to_owned(),
            Value::Bool(is) => format!("the boolean {is}"),
            Value::Number(is) => format!("the number {is}"),
            Value::String(_) => "a string".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
        };
        self.found.at("wrong-type", path, format!("it is {is} and has to be {wanted}"));
    }
}

/// Go's layout has capital letters.
pub(super) fn is_time(text: &str) -> bool {
    !text.contains(['t', 'z']) && crate::time::rfc3339(text).is_some()
}

/// The bytes of a list of numbers, which Go reads into bytes as it reads base64.
pub(super) fn bytes_of_list(value: &Value) -> Option<Vec<u8>> {
    let byte = |item: &Value| match item {
        Value::Null => Some(0),
        item => item.as_u64().and_then(|number| u8::try_from(number).ok()),
    };
    value.as_array()?.iter().map(byte).collect()
}

fn is_base64(text: &str) -> bool {
    let bytes: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let body = bytes.iter().take_while(|b| **b != b'=').count();
    bytes.len().is_multiple_of(4)
        && bytes.len() - body <= 2
        && bytes[..body].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        && bytes[body..].iter().all(|b| *b == b'=')
}
