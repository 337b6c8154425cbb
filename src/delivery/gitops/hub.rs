//! `gitops/` beside the folders of clusters: what one engine reads that serves them all from another cluster. Argo CD gets an
//! `ApplicationSet`, Flux a `Kustomization` for each cluster; both lead to what was rendered for the cluster itself.

use crate::value::{Value, json};

use super::label;
use crate::delivery::{Files, rendered};
use crate::rewrite::facts::Facts;

/// The files for clusters whose engine is elsewhere, in their order; none where there is no such cluster.
///
/// # Errors
/// In words, which cluster lacks what the engine needs, or which template in the binary is at fault.
pub fn files<'f>(clusters: impl Iterator<Item = (&'f str, &'f Facts)>) -> Result<Files, String> {
    let (mut argocd, mut flux): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for (name, facts) in clusters {
        let fact = |key: &str| facts.text(key).unwrap_or_default();
        if fact("gitops-engine") != "elsewhere" {
            continue;
        }
        let (layout, repository) = (fact("layout"), fact("gitops-repo"));
        let entry = json!({
            "name": label(&fact("cluster-name")), "path": format!("{}/{layout}", fact("gitops-path")),
            "repository": repository, "revision": fact("gitops-revision"),
        });
        if layout == "flux" {
            flux.push(entry);
        } else if repository.is_empty() {
            return Err(format!(
                "cluster {name}: the ApplicationSet of all clusters names a repository for each: say `gitops-repo`"
            ));
        } else {
            argocd.push(entry);
        }
    }
    let mut files = Files::new();
    for (path, template, clusters) in [
        ("argocd/applicationset.yaml", "argocd/applicationset.yaml.j2", argocd),
        ("flux/clusters.yaml", "flux/clusters.yaml.j2", flux),
    ] {
        if !clusters.is_empty() {
            let text = rendered(&format!("templates/gitops/{template}"), &json!({"clusters": clusters}))?;
            files.insert(path.to_owned(), text.into_bytes());
        }
    }
    Ok(files)
}
