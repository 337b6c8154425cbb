//! `gitops/`: the same batches for Argo CD or Flux, one folder each, in the order in which they are applied.
//!
//! A folder has a copy of its batch, since kustomize takes no file from outside of the folder it builds, and a
//! `kustomization.yaml` beside it. What the engine itself reads is in `argocd/` or `flux/`. No manifest carries a
//! trace of the engine: waves are added by kustomize, and what Flux has to leave alone by its `Kustomization`.

mod argocd;
mod flux;
pub mod hub;
mod ready;
mod runtime;

use crate::value::Value;

use super::{Delivery, Files};
use crate::manifest::document::Document;
use crate::report::Step;
use crate::rewrite::facts::Facts;

/// A folder of `gitops/`, which is a batch.
#[derive(Clone, Debug)]
struct Folder<'r> {
    /// Its name; they sort in the order in which they are applied.
    name: &'static str,
    /// The file of the batch, named as at the top of `out/`.
    file: String,
    /// The objects.
    documents: &'r [Document],
}

/// The view that both engines have of a render.
struct View<'r> {
    delivery: &'r Delivery<'r>,
    folders: Vec<Folder<'r>>,
    /// The Helm values of the load balancer controller, where this render has them.
    values: Option<String>,
}

/// The files, where `--layout` asks for them. `rendered` are the files that the render has already: the batches, and the
/// values of the load balancer controller.
///
/// # Errors
/// In words, which object cannot be read or which template in the binary is at fault.
pub fn files(delivery: &Delivery<'_>, rendered: &Files) -> Result<Files, String> {
    let engine = delivery.stack.facts.text("layout").unwrap_or_default();
    if engine.is_empty() {
        return Ok(Files::new());
    }
    let values = rendered.get("alb-controller/values.yaml").map(|v| String::from_utf8_lossy(v).into_owned());
    let view = View { delivery, folders: folders(delivery), values };
    let mut files = if engine == "flux" { flux::files(&view)? } else { argocd::files(&view)? };
    for folder in &view.folders {
        let text = rendered.get(&folder.file).ok_or_else(|| format!("{} is not in the render", folder.file))?;
        files.insert(format!("{}/{}", folder.name, folder.file), text.clone());
    }
    Ok(files.into_iter().map(|(path, text)| (format!("gitops/{path}"), text)).collect())
}

/// The namespace in which the engine has pods on this cluster; nothing without `--layout`, and where it runs elsewhere.
pub fn namespace_here(facts: &Facts) -> Option<&'static str> {
    if facts.text("gitops-engine").is_ok_and(|at| at != "here") {
        return None;
    }
    match facts.text("layout").ok()?.as_str() {
        "argocd" => Some("argocd"),
        "flux" => Some("flux-system"),
        _ => None,
    }
}

/// What the objects of an engine on another cluster have behind their names, since it has those of other clusters as well: the
/// cluster's name in the form of a label.
fn suffix(facts: &Facts) -> String {
    let elsewhere = facts.text("gitops-engine").is_ok_and(|at| at == "elsewhere");
    let name = if elsewhere { facts.text("cluster-name").unwrap_or_default() } else { String::new() };
    if name.is_empty() { name } else { format!("-{}", label(&name)) }
}

/// An EKS cluster name as a name in Kubernetes.
fn label(name: &str) -> String {
    name.to_lowercase().replace('_', "-").trim_matches('-').to_owned()
}

/// What to do with the folder, for the summary; nothing without `--layout`.
pub fn next(delivery: &Delivery<'_>) -> Option<Step> {
    let fact = |name| delivery.stack.facts.text(name).unwrap_or_default();
    let (name, entry) = match fact("layout").as_str() {
        "argocd" => ("Argo CD", "-f OUT/gitops/argocd/application.yaml"),
        "flux" => ("Flux", "-k OUT/gitops/flux/"),
        _ => return None,
    };
    let mut what = format!("Leave it to {name}: commit OUT/, then connect the cluster once (OUT/gitops/README.md).");
    if fact("gitops-repo").is_empty() && fact("layout") == "argocd" {
        what.push_str(
            " The Application has no repository yet, and the cluster refuses it until --gitops-repo brings one.",
        );
    }
    if fact("domain").is_empty() && delivery.stack.facts.text("knative").is_ok() {
        what.push_str(" Name the domain with --domain: nobody reads the ALB's address into config-domain there.");
    }
    Some(Step { what, commands: vec![format!("kubectl apply {entry}")] })
}

/// The batches that have objects, in order.
fn folders<'r>(delivery: &'r Delivery<'r>) -> Vec<Folder<'r>> {
    let batches = delivery.batches;
    let all = [
        ("00-alb-controller", Some("alb-controller.yaml".to_owned()), &batches.controller),
        ("10-first", Some(delivery.first()), &batches.first),
        ("20-second", delivery.second(), &batches.second),
    ];
    let some = all.into_iter().filter(|(.., documents)| !documents.is_empty());
    some.filter_map(|(name, file, documents)| Some(Folder { name, file: file?, documents })).collect()
}

impl View<'_> {
    /// All objects, in order.
    fn documents(&self) -> impl Iterator<Item = &Document> + Clone {
        self.delivery.batches.all()
    }

    /// A template below `templates/gitops/`, rendered with the facts of the stack and `more`.
    fn template(&self, path: &str, more: Value) -> Result<Vec<u8>, String> {
        let mut context = self.delivery.stack.facts.context();
        if let (Some(context), Value::Object(more)) = (context.as_object_mut(), more) {
            context.insert("values", self.values.clone().into());
            let suffix = suffix(&self.delivery.stack.facts);
            context.insert("elsewhere", (!suffix.is_empty()).into());
            context.insert("suffix", suffix.into());
            context.insert("folders", self.folders.iter().map(|f| f.name).collect());
            context.extend(more);
        }
        Ok(super::rendered(&format!("templates/gitops/{path}"), &context)?.into_bytes())
    }
}
