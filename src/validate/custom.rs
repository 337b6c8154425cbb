//! Custom resources against the CRDs among the objects, and the CRDs themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Found, text};
use crate::manifest::collection::Placed;
use crate::schema::{self, Problem, ProblemKind};

/// The CRDs among the objects.
pub(super) struct Definitions<'o> {
    by_kind: BTreeMap<(&'o str, &'o str), &'o Value>,
    groups: BTreeSet<&'o str>,
}

impl<'o> Definitions<'o> {
    pub(super) fn of(objects: &'o [Placed]) -> Definitions<'o> {
        let mut definitions = Definitions { by_kind: BTreeMap::new(), groups: BTreeSet::new() };
        for object in objects.iter().filter(|o| o.identity.kind == "CustomResourceDefinition") {
            let Some(spec) = object.value.get("spec") else { continue };
            let kind = spec.get("names").map_or("", |names| text(names, "kind"));
            definitions.by_kind.insert((text(spec, "group"), kind), spec);
            definitions.groups.insert(text(spec, "group"));
        }
        definitions
    }

    /// Whether some CRD defines kinds in this group.
    pub(super) fn has_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// Checks an object, if there is a CRD for it.
    pub(super) fn check(&self, found: &mut Found<'_>) -> bool {
        let object = found.object;
        let (group, kind) = (object.identity.group.as_str(), object.identity.kind.as_str());
        let Some(spec) = self.by_kind.get(&(group, kind)) else { return false };
        let wanted = object.head.api_version.rsplit('/').next().unwrap_or_default();
        let versions = spec.get("versions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let of_name = versions.iter().find(|v| text(v, "name") == wanted);
        let single = text(spec, "version") == wanted;
        let version = match of_name {
            Some(version) if version.get("served") != Some(&Value::Bool(false)) => version,
            None if single => *spec,
            _ => {
                let served = versions.iter().filter(|v| v.get("served") != Some(&Value::Bool(false)));
                let served: Vec<_> = served.map(|v| text(v, "name")).collect();
                found.at(
                    "api-unknown",
                    "/apiVersion",
                    format!("its CRD serves {} and not {wanted}", served.join(", ")),
                );
                return true;
            }
        };
        let schema = version.pointer("/schema/openAPIV3Schema").or_else(|| spec.pointer("/validation/openAPIV3Schema"));
        let subresources = version.get("subresources").or_else(|| spec.get("subresources"));
        let status = subresources.and_then(|s| s.get("status")).is_some_and(|s| !s.is_null());
        // In v1beta1, fields that the schema does not name were kept unless somebody said otherwise.
        let keeps = spec.get("versions").is_none_or(|_| version.get("schema").is_none())
            && spec.get("preserveUnknownFields") != Some(&Value::Bool(false));
        if let Some(schema) = schema {
            for problem in schema::instance::problems(schema, &object.value, status) {
                if !(keeps && problem.kind == ProblemKind::Unknown) {
                    say(found, problem);
                }
            }
            if has_cel(schema) {
                found.at(
                    "cel-not-checked",
                    "",
                    format!("the CRD of {kind} has rules in CEL, which were not evaluated"),
                );
            }
        }
        true
    }
}

fn has_cel(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("x-kubernetes-validations") || map.values().any(has_cel),
        Value::Array(items) => items.iter().any(has_cel),
        _ => false,
    }
}

fn say(found: &mut Found<'_>, problem: Problem) {
    let code = match problem.kind {
        ProblemKind::Unknown => "unknown-field",
        ProblemKind::Type => "wrong-type",
        ProblemKind::Missing => "missing-field",
        ProblemKind::Value => "bad-value",
    };
    found.at(code, &problem.field, problem.what);
}

/// A CRD.
pub(super) fn definition(found: &mut Found<'_>) {
    for problem in schema::structural::problems(&found.object.value) {
        found.at("crd-invalid", &problem.field, problem.what);
    }
}
