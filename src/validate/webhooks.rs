//! Webhooks that fill in fields before the API server holds an object against its CRD, so that what the schema requires may be
//! missing in a file.

use std::collections::BTreeSet;

use crate::value::Value;

use super::at::At;
use super::field;
use crate::findings::Finding;
use crate::manifest::collection::Placed;

/// Groups of which a project's own webhook fills in every kind. It registers itself when it runs, so that no manifest shows it.
/// Sources: <https://github.com/tektoncd/pipeline/blob/main/cmd/webhook/main.go>,
/// <https://github.com/tektoncd/triggers/blob/main/cmd/webhook/main.go>,
/// <https://github.com/knative/eventing/blob/main/cmd/webhook/main.go>
const KNOWN: [(&str, &str); 7] = [
    ("tekton.dev", "Tekton"),
    ("triggers.tekton.dev", "Tekton Triggers"),
    ("eventing.knative.dev", "Knative Eventing"),
    ("flows.knative.dev", "Knative Eventing"),
    ("messaging.knative.dev", "Knative Eventing"),
    ("sinks.knative.dev", "Knative Eventing"),
    ("sources.knative.dev", "Knative Eventing"),
];

/// The webhooks among the objects: groups, and resources (`*`: all), that they change.
pub(super) struct Webhooks<'o> {
    changed: BTreeSet<(&'o str, &'o str)>,
}

impl<'o> Webhooks<'o> {
    pub(super) fn of(objects: &'o [Placed]) -> Webhooks<'o> {
        let mut changed = BTreeSet::new();
        for object in objects.iter().filter(|object| object.identity.kind == "MutatingWebhookConfiguration") {
            for webhook in At::root(&object.value).list("webhooks") {
                for rule in webhook.list("rules").iter().filter(|rule| rule.texts("operations").contains(&"CREATE")) {
                    let resources = rule.texts("resources");
                    for group in rule.texts("apiGroups") {
                        changed.extend(resources.iter().map(|resource| (group, *resource)));
                    }
                }
            }
        }
        Webhooks { changed }
    }

    /// Who fills in fields of a kind, by its group and its plural.
    fn filler(&self, group: &str, plural: &str) -> Option<String> {
        if let Some((_, project)) = KNOWN.iter().find(|(known, _)| *known == group) {
            return Some(format!("{project}'s webhook"));
        }
        let is_changed = ["*", plural].iter().any(|resource| self.changed.contains(&(group, *resource)));
        is_changed.then(|| "a webhook among these objects".to_owned())
    }

    /// Makes notes of what is said to be missing where somebody may fill it in. `findings` are those of one object.
    pub(super) fn excuse(&self, group: &str, plural: &str, findings: &mut [Finding]) {
        let Some(filler) = self.filler(group, plural) else { return };
        let is_missing =
            |f: &&mut Finding| f.code == "missing-field" && field(f).is_some_and(|field| field.starts_with("/spec"));
        for finding in findings.iter_mut().filter(is_missing) {
            finding.code = "webhook-fills";
            finding.what = format!("{}, unless {filler} fills it in", finding.what);
        }
    }
}

/// The plural of the kind that a CRD's `spec` defines.
pub(super) fn plural(spec: &Value) -> &str {
    spec.pointer("/names/plural").and_then(Value::as_str).unwrap_or_default()
}
