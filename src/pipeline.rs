//! From fetched bytes to the files of `out/`: manifest, rewrite, check, batch. No stage here reads a flag, prints, or
//! touches the network or the disk.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use crate::batch;
use crate::bill::surroundings::Surroundings;
use crate::bill::{Assumptions, Bill};
use crate::delivery::cluster::{self, ClusterError};
use crate::delivery::words::{self, WordError};
use crate::delivery::{Delivery, Files, apply, apps, controller, gitops, iam, next};
use crate::digest::Sha256Hex;
use crate::fargate::asked::Asked;
use crate::fargate::cost::Prices;
use crate::fargate::headroom;
use crate::fargate::plan::Plan;
use crate::fargate::pod::Pod;
use crate::fargate::sizing::Sizing;
use crate::findings::page::{Book, Pages, Severity};
use crate::images;
use crate::kubernetes::Version;
use crate::ledger::{Deed, Entry, Ledger, Reason};
use crate::manifest::ManifestError;
use crate::manifest::collection::Placed;
use crate::manifest::document::{self, Bytes, Document, Source};
use crate::manifest::object::is_kubernetes_group;
use crate::manifest::secret;
use crate::report::{ObjectRecord, Provenance, SourceRecord, Summary, Voucher};
use crate::rewrite::migrate::{self, MigrateError};
use crate::rewrite::rule::Rule;
use crate::rewrite::{RuleError, engine, size};
use crate::stack::Stack;
use crate::upstream::supply::Input;
use crate::validate::{Validation, model};

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
    let mut sources = Vec::new();
    // Our tests validate what the catalog vouches for.
    let tested = |i: &&Input| i.vouched_by == Voucher::Catalog && !i.asset.reference && !i.asset.own;
    let known: BTreeSet<String> = inputs.iter().filter(tested).map(|i| i.asset.name()).collect();
    let (mut documents, mut policy) = (Vec::new(), None);
    for input in inputs {
        if input.asset.reference {
            policy = Some(read_policy(stack, input, &mut sources)?);
        } else {
            documents.extend(read(input, &mut sources)?);
        }
    }
    let documents = drop_duplicates(documents, Scope::Component, &mut ledger)?;
    let rules: Vec<&Rule> = rules.iter().filter(|r| r.sets.is_empty() || r.sets.contains(&stack.rule_set)).collect();
    let documents = engine::apply(&rules, &stack.facts, &stack.sizing, documents, &mut ledger)?;
    sized(stack, &documents)?;
    let documents = migrate::apply(stack.kubernetes, documents, &mut ledger)?;
    let mut documents = drop_duplicates(documents, Scope::Render, &mut ledger)?;
    images::replace(&mut documents, &stack.images, &[apps::IMAGE], &mut ledger)?;
    images::pin(&mut documents, &stack.locked_images, &mut ledger)?;
    if let Some(nameless) = documents.iter().find(|d| d.identity().name.is_empty()) {
        let (object, at) = (nameless.identity().to_string(), nameless.at());
        return Err(ManifestError::NoName { object, at }.into());
    }
    let mut warnings = stack.warnings.clone();
    let keep_descriptions = stack.keep_descriptions || stack.is_as_of_2020();
    let server_side = size::fit(&mut documents, keep_descriptions, &mut ledger)?;
    warnings.extend(size::notice(&server_side));
    let mut files = BTreeMap::from([
        (
            "about/images.txt".to_owned(),
            images::list(documents.iter())?.into_iter().map(|i| i + "\n").collect::<String>().into(),
        ),
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
    // What was rendered before, by the same changes, was read back then.
    let changes = Sha256Hex::of(&serde_json::to_vec(&ledger.entries).unwrap_or_default());
    let (mut manifests, mut objects) = self::manifests(&delivery, Document::rendered_unread);
    let mut digests = self::digests(&manifests);
    let mut valid = None;
    if !is_valid(&case(stack.kubernetes, &digests, &changes, &known)) {
        (manifests, objects) = self::manifests(&delivery, Document::rendered);
        digests = self::digests(&manifests);
        let case = case(stack.kubernetes, &digests, &changes, &known);
        let found = check(stack.kubernetes, batches.all(), &known)?;
        valid = found.is_empty().then_some(case);
        warnings.extend(found);
    }
    files.extend(manifests);
    files.extend(cluster::files(&delivery)?);
    files.extend(controller::files(&delivery).map_err(RenderError::Fault)?);
    files.extend(apps::files(&delivery).map_err(RenderError::Fault)?);
    files.extend(gitops::files(&delivery, &files).map_err(RenderError::Fault)?);
    files.extend(apply::files(&delivery).map_err(RenderError::Fault)?);
    ledger.entries.iter_mut().for_each(secret::mask_entry);
    let provenance = Provenance {
        knrender: env!("CARGO_PKG_VERSION").to_owned(),
        stack: stack.facts.context(),
        sources,
        objects,
        ledger: ledger.entries,
        warnings,
    };
    files.insert("about/provenance.json".to_owned(), provenance.to_json().into_bytes());
    let mut sums = String::new();
    for (path, bytes) in &files {
        let sha256 = digests.get(path).copied().unwrap_or_else(|| Sha256Hex::of(bytes));
        let _ = writeln!(sums, "{sha256}  {path}");
    }
    files.insert("about/digests.txt".to_owned(), sums.into_bytes());
    let summary = summarize(&delivery, &files, &provenance);
    Ok(Render { files, provenance, summary, valid })
}

/// The text of an input.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, ManifestError> {
    String::from_utf8(bytes).map_err(|e| ManifestError::NotManifest {
        source_name: name.to_owned(),
        why: format!("it is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()),
    })
}

/// The policy of the load balancer controller, for the partition that the cluster is in.
fn read_policy(stack: &Stack, input: Input, sources: &mut Vec<SourceRecord>) -> Result<String, ManifestError> {
    let name = input.asset.name();
    sources.push(SourceRecord {
        name: name.clone(),
        url: input.asset.urls.first().cloned().unwrap_or_default(),
        sha256: input.sha256,
        size: input.bytes.len() as u64,
        vouched_by: input.vouched_by,
        objects: 0,
        empty_documents: 0,
    });
    let policy = text(&name, input.bytes)?;
    let region = stack.cluster.as_ref().map_or("", |cluster| &cluster.region);
    iam::policy_in(&policy, region).map_err(|why| ManifestError::NotManifest { source_name: name, why })
}

fn read(input: Input, sources: &mut Vec<SourceRecord>) -> Result<Vec<Document>, ManifestError> {
    let name = input.asset.name();
    let size = input.bytes.len() as u64;
    let text = text(&name, input.bytes)?;
    let source = Arc::new(Source { component: input.asset.component.clone(), name: name.clone(), text });
    let read = document::read(&source, input.checked)?;
    if read.documents.is_empty() {
        return Err(ManifestError::NotManifest {
            source_name: name,
            why: "there is no Kubernetes object in it".into(),
        });
    }
    sources.push(SourceRecord {
        name,
        url: input.asset.urls.first().cloned().unwrap_or_default(),
        sha256: input.sha256,
        size,
        vouched_by: input.vouched_by,
        objects: read.documents.len(),
        empty_documents: read.empty,
    });
    Ok(read.documents)
}

/// Among which documents an object must be one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Those of one component: rules may still leave one component's copy out.
    Component,
    /// All of them.
    Render,
}

/// Drops documents that say the same as an earlier one. Two that differ are an error.
fn drop_duplicates(
    documents: Vec<Document>,
    scope: Scope,
    ledger: &mut Ledger,
) -> Result<Vec<Document>, ManifestError> {
    let mut kept: Vec<Document> = Vec::with_capacity(documents.len());
    let mut seen = BTreeMap::new();
    for document in documents {
        let identity = document.identity();
        let component = if scope == Scope::Component { document.component().to_owned() } else { String::new() };
        if identity.name.is_empty() {
            kept.push(document);
            continue;
        }
        match seen.entry((component, identity)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(document);
            }
            std::collections::btree_map::Entry::Occupied(place) => {
                let first: &Document = &kept[*place.get()];
                if first.value()? != document.value()? {
                    let object = place.key().1.to_string();
                    return Err(ManifestError::Conflict { object, first: first.at(), second: document.at() });
                }
                ledger.entries.push(Entry {
                    object: place.key().1.to_string(),
                    at: document.at(),
                    deed: Deed::LeftOut,
                    reason: Arc::new(Reason {
                        rule: "duplicate".into(),
                        at: "built in".into(),
                        why: format!("The same object, with equal content, stands in {}.", first.at()),
                        see: Vec::new(),
                    }),
                });
            }
        }
    }
    Ok(kept)
}

fn digests(files: &Files) -> BTreeMap<String, Sha256Hex> {
    files.iter().map(|(path, bytes)| (path.clone(), Sha256Hex::of(bytes))).collect()
}

/// What a verdict on validity is about: the bytes that are applied, the changes that led to them, the cluster that takes them,
/// and what is known already.
fn case(
    target: Version,
    manifests: &BTreeMap<String, Sha256Hex>,
    changes: &Sha256Hex,
    known: &BTreeSet<String>,
) -> Sha256Hex {
    let mut case = format!("Kubernetes {target}\nchanges {changes}\n");
    for name in known {
        let _ = writeln!(case, "known {name}");
    }
    for (path, sha256) in manifests {
        let _ = writeln!(case, "{sha256}  {path}");
    }
    Sha256Hex::of(case.as_bytes())
}

/// Holds what was changed or added, and what is not `known` to be valid, against what an API server takes. What a rule made
/// has to be valid; what upstream made is warned about.
fn check<'d>(
    target: Version,
    documents: impl Iterator<Item = &'d Document> + Clone,
    known: &BTreeSet<String>,
) -> Result<Vec<String>, RenderError> {
    let mut warnings = Vec::new();
    if target < model::KNOWN.0 {
        return Ok(warnings);
    }
    let is_due = |d: &Document| d.is_changed() || !known.contains(d.source_name());
    let custom = |d: &Document| !is_kubernetes_group(d.head().group());
    let crds = documents.clone().any(|d| is_due(d) && custom(d));
    let (mut objects, mut due, mut made) = (Vec::new(), Vec::new(), BTreeSet::new());
    for document in documents {
        let own = is_due(document);
        if document.head().kind == "CustomResourceDefinition" && !own && !crds {
            continue;
        }
        if document.is_changed() || document.is_added() {
            made.insert(document.identity().to_string());
        }
        due.push(own);
        objects.push(Placed {
            file: document.source_name().to_owned(),
            line: document.line(),
            identity: document.identity(),
            head: document.head().clone(),
            value: document.value()?.clone(),
        });
    }
    let validation = Validation { target, objects: &objects, complete: true, only: Some(&due) };
    let findings = validation.run(&[]).map_err(RenderError::Fault)?;
    let mut refused = String::new();
    if findings.is_empty() {
        return Ok(warnings);
    }
    let pages = Pages::embedded(Book::Validate).map_err(RenderError::Fault)?;
    for finding in findings {
        let Some(place) = &finding.place else { continue };
        let object = place.object.clone().unwrap_or_default();
        if pages.of(finding.code).is_none_or(|page| page.severity != Severity::Error) {
            continue;
        }
        let line = format!("{object} ({}, line {}) {}: {}", place.file, place.line, place.field, finding.what);
        if made.contains(&object) {
            let _ = write!(refused, "\n  {line}");
        } else {
            warnings.push(format!("A Kubernetes {target} API server refuses {line} ({}).", finding.code));
        }
    }
    if refused.is_empty() { Ok(warnings) } else { Err(RenderError::Invalid { target, findings: refused }) }
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

/// Whether each component that `sizes` names is in the render, with an HPA where its number is bounded.
fn sized(stack: &Stack, documents: &[Document]) -> Result<(), RenderError> {
    for (name, wanted) in &stack.sizes {
        let is_it = |document: &&Document| Sizing::is_name_of(name, &document.identity().name);
        let workloads = || documents.iter().filter(|d| Pod::is_in(d.head().group(), &d.head().kind));
        if !workloads().any(|document| is_it(&document)) {
            let mut names: Vec<_> = workloads().map(|document| document.identity().name).collect();
            names.sort_unstable();
            return Err(RenderError::NoSuchSize { name: name.clone(), known: names.join(", ") });
        }
        if wanted.min.is_some() || wanted.max.is_some() {
            let mut scaled = documents.iter().filter(|d| d.head().kind == "HorizontalPodAutoscaler");
            let mut found = false;
            for hpa in &mut scaled {
                let target = hpa.value()?["spec"]["scaleTargetRef"]["name"].as_str().unwrap_or_default();
                found |= Sizing::is_name_of(name, target);
            }
            if !found {
                return Err(RenderError::NoScaler { name: name.clone() });
            }
        }
    }
    Ok(())
}

/// How a document becomes text.
type Rendered = fn(&Document) -> (Cow<'_, str>, Bytes);

/// The files that kubectl applies, and a record of each object in them.
fn manifests(delivery: &Delivery<'_>, rendered: Rendered) -> (Files, Vec<ObjectRecord>) {
    let (mut files, mut objects) = (Files::new(), Vec::new());
    let batches = delivery.batches;
    for (name, documents) in [
        (Some("alb-controller.yaml".to_owned()), &batches.controller),
        (Some(delivery.first()), &batches.first),
        (delivery.second(), &batches.second),
    ] {
        if let Some(name) = name.filter(|_| !documents.is_empty()) {
            let text = write(&name, documents, rendered, &mut objects);
            files.insert(name, text.into_bytes());
        }
    }
    (files, objects)
}

/// The text of one file, and a record of each object in it.
fn write(file: &str, documents: &[Document], rendered: Rendered, objects: &mut Vec<ObjectRecord>) -> String {
    let mut text = String::with_capacity(documents.iter().map(|d| d.source_text().len() + 8).sum());
    let mut line = 1;
    for (i, document) in documents.iter().enumerate() {
        if i > 0 {
            text.push_str("---\n");
            line += 1;
        }
        let (chunk, bytes) = rendered(document);
        objects.push(ObjectRecord {
            object: document.identity().to_string(),
            from: document.at(),
            file: file.to_owned(),
            line,
            bytes,
        });
        line += memchr::memchr_iter(b'\n', chunk.as_bytes()).count();
        text.push_str(&chunk);
    }
    text
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
