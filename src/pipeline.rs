//! From fetched bytes to the files of `out/`: manifest, rewrite, check, batch. No stage here reads a flag, prints, or
//! touches the network or the disk.

mod duplicates;
mod needed;
mod policies;
mod proof;
mod read;
mod sized;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use duplicates::Scope;
use read::Read;

use crate::batch;
use crate::bill::surroundings::Surroundings;
use crate::bill::{Assumptions, Bill};
use crate::delivery::cluster::{self, ClusterError};
use crate::delivery::words::{self, WordError};
use crate::delivery::{Delivery, Files, apply, apps, controller, gitops, internal_tls, next};
use crate::digest::Sha256Hex;
use crate::fargate::asked::Asked;
use crate::fargate::cost::Prices;
use crate::fargate::headroom;
use crate::fargate::plan::Plan;
use crate::fargate::pod::Pod;
use crate::images;
use crate::kubernetes::Version;
use crate::ledger::Ledger;
use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::manifest::secret;
use crate::report::{Provenance, Summary};
use crate::rewrite::migrate::{self, MigrateError};
use crate::rewrite::rule::Rule;
use crate::rewrite::{RuleError, engine, size};
use crate::stack::Stack;
use crate::upstream::supply::Input;

/// A render, not yet written.
#[derive(Debug)]
pub struct Render {
    /// The files of `out/`, by path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What was done.
    pub provenance: Provenance,
    /// What to say at the end.
    pub summary: Summary,
    /// What to remember once this render was found to be valid, so that the next one that is the same need not be looked
    /// at again; `None` where it is known already or there is something to warn about.
    pub valid: Option<Sha256Hex>,
}

/// Why there is no render.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// An object in an API that the target Kubernetes does not serve.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// What was made of upstream is not what an API server takes.
    #[error("a Kubernetes {target} API server refuses what the rules made of this render:{findings}")]
    Invalid {
        /// The target.
        target: Version,
        /// What is wrong, a line for each.
        findings: String,
    },
    /// The cluster cannot be described.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// `sizes` names a component that is not in the render.
    #[error(
        "`sizes` of knrender.yaml names {name}, which this render does not have; it has {known}, and `gateway` for the pod behind the ALB"
    )]
    NoSuchSize {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// `sizes` bounds the number of a component that nothing scales.
    #[error("`sizes` of knrender.yaml gives {name} `min` or `max`, and no HPA scales it in this render")]
    NoScaler {
        /// The name.
        name: String,
    },
    /// A word that no script may hold.
    #[error(transparent)]
    Word(#[from] WordError),
    /// A file in the binary.
    #[error("{0}; this is a fault of knrender")]
    Fault(String),
}

/// Renders a stack from its inputs, in the order of the stack's assets. `is_valid` tells whether [`Render::valid`] was this
/// before.
pub fn render(
    stack: &Stack,
    rules: &[Rule],
    inputs: Vec<Input>,
    prices: &Prices,
    is_valid: &dyn Fn(&Sha256Hex) -> bool,
) -> Result<Render, RenderError> {
    let mut ledger = Ledger::default();
    let tested = proof::tested(&inputs);
    let Read { documents, sources, policy } = read::all(stack, inputs)?;
    let mut documents = rewritten(stack, rules, documents, &mut ledger)?;
    let mut warnings = stack.warnings.clone();
    warnings.extend(needed::warnings(&documents, &ledger));
    warnings.extend(policies::add(stack, &mut documents, &mut ledger)?);
    let keep_descriptions = stack.keep_descriptions || stack.is_as_of_2020();
    let server_side = size::fit(&mut documents, keep_descriptions, &mut ledger)?;
    warnings.extend(size::notice(&server_side));
    let mut files = Files::from([
        ("about/images.txt".to_owned(), image_list(&documents)?.into()),
        ("about/plan.txt".to_owned(), plan(stack, &documents, &ledger, prices)?.into()),
    ]);
    let batches = batch::sort(documents)?;
    warnings.extend(batches.undefined.iter().map(|object| {
        format!(
            "{object} is of a kind that neither Kubernetes nor a CRD of this render defines: a cluster refuses it until \
             something else has brought the CRD."
        )
    }));
    let delivery =
        Delivery { stack, batches: &batches, server_side: !server_side.is_empty(), policy: policy.as_deref() };
    words::hold(&delivery)?;
    let proven = proof::write(&delivery, &ledger, &tested, is_valid)?;
    warnings.extend(proven.warnings);
    files.extend(proven.manifests.files);
    files.extend(cluster::files(&delivery)?);
    files.extend(controller::files(&delivery).map_err(RenderError::Fault)?);
    files.extend(internal_tls::files(&delivery).map_err(RenderError::Fault)?);
    files.extend(apps::files(&delivery).map_err(RenderError::Fault)?);
    files.extend(gitops::files(&delivery, &files).map_err(RenderError::Fault)?);
    files.extend(apply::files(&delivery).map_err(RenderError::Fault)?);
    ledger.entries.iter_mut().for_each(secret::mask_entry);
    let provenance = Provenance {
        knrender: env!("CARGO_PKG_VERSION").to_owned(),
        stack: stack.facts.context(),
        sources,
        objects: proven.manifests.objects,
        ledger: ledger.entries,
        warnings,
    };
    files.insert("about/provenance.json".to_owned(), provenance.to_json().into_bytes());
    files.insert("about/digests.txt".to_owned(), sums(&files, &proven.manifests.digests).into_bytes());
    let summary = summarize(&delivery, &files, &provenance);
    Ok(Render { files, provenance, summary, valid: proven.case })
}

/// The documents after all rules, in APIs that the target Kubernetes serves, each object once, with the images that the
/// user wants.
fn rewritten(
    stack: &Stack,
    rules: &[Rule],
    documents: Vec<Document>,
    ledger: &mut Ledger,
) -> Result<Vec<Document>, RenderError> {
    let documents = duplicates::drop(documents, Scope::Component, ledger)?;
    let rules: Vec<&Rule> = rules.iter().filter(|r| r.sets.is_empty() || r.sets.contains(&stack.rule_set)).collect();
    let documents = engine::apply(&rules, &stack.facts, &stack.sizing, documents, ledger)?;
    sized::hold(&stack.sizes, &documents)?;
    let documents = migrate::apply(stack.kubernetes, documents, ledger)?;
    let mut documents = duplicates::drop(documents, Scope::Render, ledger)?;
    images::replace(&mut documents, &stack.images, &[apps::IMAGE], ledger)?;
    images::pin(&mut documents, &stack.locked_images, ledger)?;
    if let Some(nameless) = documents.iter().find(|d| d.identity().name.is_empty()) {
        let (object, at) = (nameless.identity().to_string(), nameless.at());
        return Err(ManifestError::NoName { object, at }.into());
    }
    Ok(documents)
}

/// The list of images, a line each.
fn image_list(documents: &[Document]) -> Result<String, ManifestError> {
    Ok(images::list(documents.iter())?.into_iter().map(|image| image + "\n").collect())
}

/// What `sha256sum -c` reads; the digests of manifests are known.
fn sums(files: &Files, known: &BTreeMap<String, Sha256Hex>) -> String {
    let mut sums = String::new();
    for (path, bytes) in files {
        let sha256 = known.get(path).copied().unwrap_or_else(|| Sha256Hex::of(bytes));
        let _ = writeln!(sums, "{sha256}  {path}");
    }
    sums
}

/// What the pods of the render become on Fargate, and the whole bill. A region without prices is no reason not to render.
fn plan(stack: &Stack, documents: &[Document], ledger: &Ledger, prices: &Prices) -> Result<String, RenderError> {
    let mut objects = Vec::new();
    let mut all = Vec::new();
    for document in documents {
        let identity = document.identity();
        if Plan::reads(&identity) {
            objects.push((identity.to_string(), document.value()?));
        }
        if Surroundings::reads(&identity) {
            all.push(document.value()?);
        }
    }
    let asked = Asked::before(&ledger.entries, objects.iter().map(|(name, value)| (name.clone(), *value)));
    let around = Surroundings::of(all.into_iter()).with_facts(&stack.facts.context());
    let assumed = Assumptions { region: stack.facts.text("region").ok(), ..Assumptions::default() };
    Ok(match Bill::of(&objects, &asked, &around, prices, &assumed) {
        Ok(bill) => bill.to_text(),
        Err(why) => format!("There is no plan: {why}.\n"),
    })
}

fn summarize(delivery: &Delivery<'_>, files: &Files, provenance: &Provenance) -> Summary {
    Summary {
        title: delivery.title(),
        batches: provenance.objects_by_file().into_iter().map(|(f, n)| (f.to_owned(), n)).collect(),
        sizes: sizes(delivery, provenance),
        next: next::steps(delivery, files),
        ledger: provenance.ledger.clone(),
        warnings: provenance.warnings.clone(),
    }
}

/// What the summary says about the sizes of pods.
fn sizes(delivery: &Delivery<'_>, provenance: &Provenance) -> Vec<String> {
    let with_pods = delivery.batches.all().filter(|d| Pod::is_in(d.head().group(), &d.head().kind));
    let objects = with_pods.filter_map(|d| Some((d.identity().to_string(), d.value().ok()?)));
    headroom::lines(delivery.stack.scale, &provenance.ledger, objects)
}

impl Render {
    /// The manifests as one stream, for standard output.
    pub fn stream(&self) -> Vec<u8> {
        let is_manifest = |path: &str| !path.contains('/') && path.strip_suffix(".yaml").is_some();
        let manifests = self.files.iter().filter(|(path, _)| is_manifest(path)).map(|(_, bytes)| bytes.as_slice());
        manifests.collect::<Vec<_>>().join(b"---\n".as_slice())
    }
}
