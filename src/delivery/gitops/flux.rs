//! The layout for Flux: a `Kustomization` for each batch that depends on the one before and checks what the next one needs.
//!
//! Flux applies by the server and owns the fields that a manifest has, no others: the CA of a webhook and the content of an
//! empty Secret, which no manifest has, stay as the cluster made them. What a manifest has and the cluster overwrites is left
//! out by a patch of the `Kustomization`, so that the two do not undo each other's work at every interval.
//! Source: <https://fluxcd.io/flux/components/kustomize/kustomizations/>.

use std::collections::BTreeMap;
use std::slice;

use crate::value::{Value, json};

use super::{Folder, View, ready, runtime};
use crate::delivery::Files;
use crate::manifest::document::Document;

/// The folder of the load balancer controller when it comes by Helm.
const CHART: &str = "00-alb-controller";

/// The files, by path below `gitops/`.
pub(super) fn files(view: &View<'_>) -> Result<Files, String> {
    let mut files = Files::new();
    let suffix = super::suffix(&view.delivery.stack.facts);
    for folder in &view.folders {
        let resources = slice::from_ref(&folder.file);
        files.insert(kustomization(folder.name), view.template("flux/batch.yaml.j2", json!({"resources": resources}))?);
    }
    let mut steps = Vec::new();
    if view.values.is_some() {
        let resources = ["helm-release.yaml"];
        files.insert(kustomization(CHART), view.template("flux/batch.yaml.j2", json!({"resources": resources}))?);
        files.insert(format!("{CHART}/helm-release.yaml"), view.template("flux/helm-release.yaml.j2", json!({}))?);
        let check = json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "name": format!("aws-load-balancer-controller{suffix}"), "namespace": "flux-system",
        });
        steps.push(json!({"name": format!("{}{suffix}", name(CHART)), "here": true, "folder": CHART, "after": null, "checks": [check], "patches": []}));
    }
    for (i, folder) in view.folders.iter().enumerate() {
        let after = steps.last().and_then(|step: &Value| step.get("name")).cloned();
        let checks = checks(view, i)?;
        let step = json!({
            "name": format!("{}{suffix}", name(folder.name)), "here": false, "folder": folder.name, "after": after, "checks": checks,
            "patches": patches(folder)?,
        });
        steps.push(step);
    }
    let revision = view.delivery.stack.facts.text("gitops-revision").unwrap_or_default();
    let context = json!({"steps": steps, "reference": {"field": reference(&revision), "value": revision}});
    files.insert("flux/batches.yaml".to_owned(), view.template("flux/batches.yaml.j2", context.clone())?);
    let mut resources = vec!["batches.yaml"];
    if view.delivery.stack.facts.text("gitops-repo").is_ok() {
        files.insert("flux/source.yaml".to_owned(), view.template("flux/source.yaml.j2", context.clone())?);
        resources.insert(0, "source.yaml");
    }
    files.insert(kustomization("flux"), view.template("flux/batch.yaml.j2", json!({"resources": resources}))?);
    files.insert("README.md".to_owned(), view.template("flux/README.md.j2", context)?);
    Ok(files)
}

fn kustomization(folder: &str) -> String {
    format!("{folder}/kustomization.yaml")
}

/// The name of a folder's `Kustomization`.
fn name(folder: &str) -> String {
    format!("knative-{}", folder.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-'))
}

/// What the Kustomization of a folder waits for: what the next batch needs, and in the last one everything that runs.
fn checks(view: &View<'_>, index: usize) -> Result<Vec<Value>, String> {
    let folder = &view.folders[index];
    let checked = match view.folders.get(index + 1) {
        None => ready::workloads(view.documents()),
        Some(next) if folder.name == "10-first" => ready::gate(folder.documents, next.documents)?,
        Some(_) => ready::workloads(folder.documents.iter()),
    };
    let check = |document: &Document| {
        let (head, identity) = (document.head(), document.identity());
        json!({
            "apiVersion": head.api_version, "kind": head.kind, "name": identity.name, "namespace": identity.namespace,
        })
    };
    Ok(checked.into_iter().map(check).collect())
}

/// What Flux does to the objects of a folder before it applies them.
fn patches(folder: &Folder<'_>) -> Result<Vec<Value>, String> {
    let mut patches = Vec::new();
    let kinds = ["Namespace", "CustomResourceDefinition"];
    if folder.documents.iter().any(|d| kinds.contains(&d.head().kind.as_str())) {
        patches.push(json!({
            "why": "With them goes all that is in them, your own Services too: Flux never deletes them.",
            "target": {"kind": kinds.join("|")}, "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
        }));
    }
    let mut left_out = BTreeMap::new();
    for (object, filled) in runtime::filled(folder.documents.iter())? {
        if !filled.written.is_empty() {
            left_out.insert(object, (filled.why, filled.written));
        }
    }
    for document in folder.documents.iter().filter(|d| d.head().kind == "Job") {
        if runtime::value(document)?.pointer("/spec/ttlSecondsAfterFinished").is_some() {
            let why = "Flux would run a Job again that its time to live has deleted.";
            left_out.insert(document.identity(), (why, vec!["/spec/ttlSecondsAfterFinished".to_owned()]));
        }
    }
    for (object, (why, fields)) in left_out {
        // From the last to the first, so that no removal moves what is still to be removed.
        let fields: Vec<_> = fields.into_iter().rev().collect();
        // kustomize takes a target for a regular expression.
        let target = json!({
            "group": object.group, "kind": object.kind, "name": object.name.replace('.', "\\."),
            "namespace": object.namespace,
        });
        patches.push(json!({"why": why, "target": target, "remove": fields}));
    }
    Ok(patches)
}

/// The field of a `GitRepository` that a revision belongs to: a commit by its form, a tag by being a version, a full
/// reference by its start; anything else is a branch. Source: <https://fluxcd.io/flux/components/source/gitrepositories/#reference>.
fn reference(revision: &str) -> &'static str {
    let version = revision.strip_prefix('v').unwrap_or(revision);
    if revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit()) {
        "commit"
    } else if revision.starts_with("refs/") {
        "name"
    } else if semver::Version::parse(version).is_ok() {
        "tag"
    } else {
        "branch"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_commit_a_tag_a_reference_or_a_branch_by_its_form() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (revision, field) in [
            (commit, "commit"),
            (&commit[1..], "branch"),
            ("v1.2.3", "tag"),
            ("1.2.3-rc.1", "tag"),
            ("release-1.2", "branch"),
            ("refs/tags/a", "name"),
            ("main", "branch"),
        ] {
            assert_eq!(reference(revision), field, "{revision}");
        }
    }
}
