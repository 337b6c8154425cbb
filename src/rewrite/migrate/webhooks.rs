//! Admission webhooks to admissionregistration.k8s.io/v1.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/#webhook-resources-v122>

use std::collections::BTreeSet;

use crate::value::{Map, Value, json};

use super::{Said, default};

/// The defaults that v1 changed are written out, and what v1 requires is given.
pub(super) fn to_v1(configuration: &mut Map, said: &mut Said) -> Result<(), String> {
    let webhooks = configuration.get_mut("webhooks").and_then(Value::as_array_mut);
    let mut names = BTreeSet::new();
    for (i, webhook) in webhooks.into_iter().flatten().enumerate() {
        let at = format!("/webhooks/{i}");
        let Some(webhook) = webhook.as_object_mut() else { return Err(format!("{at} is not a mapping")) };
        let name = webhook.get("name").and_then(Value::as_str).unwrap_or_default();
        if !names.insert(name.to_owned()) {
            return Err(format!("{at}/name is `{name}` a second time, and v1 demands names that differ"));
        }
        let ignore = default(webhook, "failurePolicy", "Ignore");
        let exact = default(webhook, "matchPolicy", "Exact");
        let timeout = default(webhook, "timeoutSeconds", 30);
        if ignore || exact || timeout {
            said.add(
                "Written out, since v1 has other defaults: failurePolicy Ignore, matchPolicy Exact, timeoutSeconds 30.",
            );
        }
        if default(webhook, "admissionReviewVersions", json!(["v1beta1"])) {
            said.add("admissionReviewVersions is required; without it, v1beta1 was sent.");
        }
        match webhook.get("sideEffects").and_then(Value::as_str) {
            Some("None" | "NoneOnDryRun") => {}
            Some("Some") => {
                return Err(format!(
                    "{at}/sideEffects is Some, and v1 takes only webhooks whose effects are None or NoneOnDryRun"
                ));
            }
            _ => {
                webhook.insert("sideEffects".to_owned(), Value::from("None"));
                said.add(
                    "v1 demands sideEffects None or NoneOnDryRun, and it was unknown; None, as Knative and Gloo say of \
                     their webhooks in later releases. It matters to dry runs only, which then reach the webhook.",
                );
            }
        }
    }
    Ok(())
}
