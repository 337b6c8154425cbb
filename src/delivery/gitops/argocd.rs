//! The layout for Argo CD: one Application, and the order in sync waves that kustomize puts on the objects.
//!
//! One Application, because waves order what is inside one; between Applications they do so only where an administrator
//! gave Argo CD a health check for Applications (<https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#argocd-app>).
//!
//! A wave starts when the one before is healthy, so what takes time to become so, or needs the second batch for it, comes after
//! the second batch. Argo CD deletes from the last wave to the first: the Ingress before the controller that has to clean
//! up after it (<https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/>).

use std::collections::BTreeSet;

use crate::value::{Value, json};

use super::{Folder, View, runtime};
use crate::batch::is_ground;
use crate::delivery::Files;

const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// Annotations of a batch: for which kinds, why, what. Later ones win. Inside a wave Argo CD applies by kind, and webhook
/// configurations and custom resources after everything else
/// (<https://github.com/argoproj/gitops-engine/blob/master/pkg/sync/sync_tasks.go>).
struct Mark {
    is_for: fn(&str) -> bool,
    why: &'static str,
    annotations: &'static [(&'static str, &'static str)],
}

const GUARDED: Mark = Mark {
    is_for: |kind| matches!(kind, "Namespace" | "CustomResourceDefinition"),
    why: "With them goes all that is in them, your own Services too: never without somebody's consent.",
    annotations: &[(OPTIONS, "Prune=confirm,Delete=confirm")],
};

const FIRST: [Mark; 4] = [
    Mark {
        is_for: |kind| !(is_ground(kind) || matches!(kind, "Service" | "Job") || is_last(kind)),
        why: "What runs, and what is healthy or of use only when that runs, such as webhooks.",
        annotations: &[(WAVE, "3")],
    },
    Mark {
        is_for: is_last,
        why: "An autoscaler is healthy when there are pods to measure, an Ingress when its ALB has an address.",
        annotations: &[(WAVE, "4")],
    },
    Mark {
        is_for: |kind| kind == "Job",
        why: "A Job that is done is deleted by its time to live; as a hook it is not missed.",
        annotations: &[
            ("argocd.argoproj.io/hook", "PostSync"),
            ("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation"),
        ],
    },
    GUARDED,
];

fn is_last(kind: &str) -> bool {
    matches!(kind, "HorizontalPodAutoscaler" | "Ingress")
}

/// The files, by path below `gitops/`.
pub(super) fn files(view: &View<'_>) -> Result<Files, String> {
    let mut files = Files::new();
    for folder in &view.folders {
        let context = json!({"file": folder.file, "patches": patches(folder)});
        files.insert(format!("{}/kustomization.yaml", folder.name), view.template("argocd/batch.yaml.j2", context)?);
    }
    let ignored: Vec<_> = runtime::filled(view.documents())?
        .into_iter()
        .map(|(object, filled)| {
            json!({
                "why": filled.why, "group": object.group, "kind": object.kind, "namespace": object.namespace,
                "name": object.name, "pointers": filled.pointers, "paths": filled.paths,
            })
        })
        .collect();
    for (path, template) in [
        ("kustomization.yaml", "argocd/root.yaml.j2"),
        ("argocd/application.yaml", "argocd/application.yaml.j2"),
        ("README.md", "argocd/README.md.j2"),
    ] {
        files.insert(path.to_owned(), view.template(template, json!({"ignored": ignored}))?);
    }
    Ok(files)
}

/// The patches that annotate the objects of a folder.
fn patches(folder: &Folder<'_>) -> Vec<Value> {
    let (wave, marks): (_, &[Mark]) = match folder.name {
        "00-alb-controller" => ("0", &[GUARDED]),
        "10-first" => ("1", &FIRST),
        _ => ("2", &[GUARDED]),
    };
    let mut patches = vec![json!({"kind": ".*", "why": "The wave of this batch.", "annotations": {WAVE: wave}})];
    for mark in marks {
        let kinds = folder.documents.iter().map(|d| d.head().kind.as_str()).filter(|kind| (mark.is_for)(kind));
        let kinds: Vec<_> = kinds.collect::<BTreeSet<_>>().into_iter().collect();
        if !kinds.is_empty() {
            let annotations: Value = mark.annotations.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect();
            patches.push(json!({"kind": kinds.join("|"), "why": mark.why, "annotations": annotations}));
        }
    }
    patches
}
