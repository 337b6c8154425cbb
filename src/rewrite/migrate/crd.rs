//! `CustomResourceDefinition` to apiextensions.k8s.io/v1.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/#customresourcedefinition-v122>

use crate::value::{Map, Value, json};

use super::structural::{self, Unknown};
use super::{Said, child, default, rename};

/// What stood for all versions moves into each of them, and schemas become structural.
pub(super) fn to_v1(crd: &mut Map, said: &mut Said) -> Result<(), String> {
    let group = crd.get("spec").and_then(|s| s.get("group")).and_then(Value::as_str).unwrap_or_default().to_owned();
    metadata(crd, &group, said)?;
    // What a generator leaves there is for the API server to write.
    crd.shift_remove("status");
    let spec = child(crd, "spec")?;
    let unknown = match spec.get("preserveUnknownFields") {
        Some(Value::Bool(false)) => Unknown::Pruned,
        _ => Unknown::Kept,
    };
    if unknown == Unknown::Kept {
        spec.shift_remove("preserveUnknownFields");
        said.add(
            "v1beta1 kept fields that the schema does not name; x-kubernetes-preserve-unknown-fields keeps them in v1, which \
             would prune them. Nulls cannot be kept: v1 drops them where the schema does not say `nullable`.",
        );
    }
    if default(spec, "scope", "Namespaced") {
        said.add("The scope, Namespaced where nothing is said, is required.");
    }
    versions(spec, unknown, said)?;
    conversion(spec, said)
}

fn metadata(crd: &mut Map, group: &str, said: &mut Said) -> Result<(), String> {
    const HOOK: &str = "helm.sh/hook";
    const APPROVED: &str = "api-approved.kubernetes.io";
    let metadata = child(crd, "metadata")?;
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        if annotations.get(HOOK).and_then(Value::as_str) == Some("crd-install") {
            annotations.shift_remove(HOOK);
            said.add("The hook annotation, for Helm 2, is left out.");
        }
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    if group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io") {
        let annotations = child(metadata, "annotations")?;
        if default(annotations, APPROVED, "unapproved, was served from apiextensions.k8s.io/v1beta1") {
            said.add(format!("v1 demands {APPROVED} in a group of Kubernetes' own."));
        }
    }
    Ok(())
}

fn versions(spec: &mut Map, unknown: Unknown, said: &mut Said) -> Result<(), String> {
    let only = spec.shift_remove("version");
    let schema = spec.shift_remove("validation").filter(|v| v.as_object().is_some_and(|v| !v.is_empty()));
    let subresources = spec.shift_remove("subresources").filter(|v| !v.is_null());
    let columns = spec.shift_remove("additionalPrinterColumns").filter(|v| !v.is_null());
    if spec.get("versions").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let name = only.ok_or("there is neither /spec/version nor /spec/versions")?;
        spec.insert("versions".to_owned(), json!([{"name": name, "served": true, "storage": true}]));
        said.add("/spec/version became the one entry of /spec/versions.");
    }
    let mut stored = 0;
    for (i, version) in spec.get_mut("versions").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let at = format!("/spec/versions/{i}");
        let version = version.as_object_mut().ok_or_else(|| format!("{at} is not a mapping"))?;
        stored += usize::from(version.get("storage") == Some(&Value::Bool(true)));
        for (key, shared) in
            [("schema", &schema), ("subresources", &subresources), ("additionalPrinterColumns", &columns)]
        {
            if let Some(shared) = shared {
                if version.contains_key(key) {
                    return Err(format!("{at}/{key} stands beside what /spec says for all versions"));
                }
                version.insert(key.to_owned(), shared.clone());
                said.add("Schema, subresources and printer columns moved into each version.");
            }
        }
        for column in version.get_mut("additionalPrinterColumns").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(column) = column.as_object_mut() {
                rename(column, "JSONPath", "jsonPath");
            }
        }
        let schema = child(version, "schema")?;
        if schema.get("openAPIV3Schema").is_none_or(Value::is_null) {
            schema.insert("openAPIV3Schema".to_owned(), json!({"type": "object"}));
            said.add("A schema is required.");
        }
        structural::make(child(schema, "openAPIV3Schema")?, unknown, said)
            .map_err(|e| format!("the schema of {at}: {e}"))?;
    }
    if stored == 1 { Ok(()) } else { Err(format!("/spec/versions has {stored} storage versions, and v1 demands one")) }
}

fn conversion(spec: &mut Map, said: &mut Said) -> Result<(), String> {
    let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut) else { return Ok(()) };
    let client = conversion.shift_remove("webhookClientConfig").filter(|v| !v.is_null());
    let reviews = conversion.shift_remove("conversionReviewVersions").filter(|v| !v.is_null());
    if conversion.get("strategy").and_then(Value::as_str) == Some("Webhook") {
        let webhook = child(conversion, "webhook")?;
        webhook.insert(
            "clientConfig".to_owned(),
            client.ok_or("/spec/conversion/webhookClientConfig is missing, and the strategy is Webhook")?,
        );
        webhook.insert("conversionReviewVersions".to_owned(), reviews.unwrap_or_else(|| json!(["v1beta1"])));
        said.add("The conversion webhook's settings moved below `webhook`.");
    }
    Ok(())
}
