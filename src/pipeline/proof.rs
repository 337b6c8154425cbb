//! The manifests of a render, written and proven: each change read back, and what was changed or added held against what an
//! API server takes.
//!
//! All that is remembered of earlier verdicts stands here. A proof costs more than all the rest of a render, so one that came to
//! nothing but "valid" is remembered by its case: what is applied, the changes that led there, the target, and what was
//! known. The same case has the same verdict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::RenderError;
use crate::delivery::{Delivery, Files};
use crate::digest::Sha256Hex;
use crate::findings::page::{Book, Pages, Severity};
use crate::kubernetes::Version;
use crate::ledger::Ledger;
use crate::manifest::collection::Placed;
use crate::manifest::document::{Bytes, Document};
use crate::manifest::object::is_kubernetes_group;
use crate::report::{ObjectRecord, Voucher};
use crate::upstream::supply::Input;
use crate::validate::{Validation, model};

/// The files that kubectl applies, a record of each object in them, and their digests.
#[derive(Debug)]
pub(super) struct Manifests {
    pub(super) files: Files,
    pub(super) objects: Vec<ObjectRecord>,
    pub(super) digests: BTreeMap<String, Sha256Hex>,
}

/// Manifests that an API server takes.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) manifests: Manifests,
    /// What upstream wrote and the server refuses.
    pub(super) warnings: Vec<String>,
    /// What to remember: the case, where this proof was made now and there is nothing to warn about.
    pub(super) case: Option<Sha256Hex>,
}

/// The names of the sources that the catalog vouches for: our tests validate what is in them.
pub(super) fn tested(inputs: &[Input]) -> BTreeSet<String> {
    let tested = |i: &&Input| i.vouched_by == Voucher::Catalog && !i.asset.reference && !i.asset.own;
    inputs.iter().filter(tested).map(|i| i.asset.name()).collect()
}

/// Writes and proves the manifests. `is_valid` tells whether a case was proven before.
pub(super) fn write(
    delivery: &Delivery<'_>,
    ledger: &Ledger,
    tested: &BTreeSet<String>,
    is_valid: &dyn Fn(&Sha256Hex) -> bool,
) -> Result<Proven, RenderError> {
    let target = delivery.stack.kubernetes;
    let changes = Sha256Hex::of(&serde_json::to_vec(&ledger.entries).unwrap_or_default());
    let case = |manifests: &Manifests| case(target, &manifests.digests, &changes, tested);
    let unread = Manifests::of(delivery, Document::rendered_unread);
    if is_valid(&case(&unread)) {
        return Ok(Proven { manifests: unread, warnings: Vec::new(), case: None });
    }
    let manifests = Manifests::of(delivery, Document::rendered);
    let warnings = check(target, delivery.batches.all(), tested)?;
    let case = warnings.is_empty().then(|| case(&manifests));
    Ok(Proven { manifests, warnings, case })
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
        objects.push(Placed::new(
            document.source_name().into(),
            document.line(),
            crate::value::Text::new(),
            document.head().clone(),
            document.value()?.clone(),
        ));
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
        let object = place.object.as_deref().unwrap_or_default();
        if pages.of(finding.code).is_none_or(|page| page.severity != Severity::Error) {
            continue;
        }
        let line = format!("{object} ({}, line {}) {}: {}", place.file, place.line, place.field, finding.what);
        if made.contains(object) {
            let _ = write!(refused, "\n  {line}");
        } else {
            warnings.push(format!("A Kubernetes {target} API server refuses {line} ({}).", finding.code));
        }
    }
    if refused.is_empty() { Ok(warnings) } else { Err(RenderError::Invalid { target, findings: refused }) }
}

/// How a document becomes text.
type Rendered = fn(&Document) -> (Cow<'_, str>, Bytes);

impl Manifests {
    fn of(delivery: &Delivery<'_>, rendered: Rendered) -> Manifests {
        let (mut files, mut objects) = (Files::new(), Vec::new());
        let batches = delivery.batches;
        for (name, documents) in [
            (Some("alb-controller.yaml".to_owned()), &batches.controller),
            (Some(delivery.first()), &batches.first),
            (delivery.second(), &batches.second),
        ] {
            if let Some(name) = name.filter(|_| !documents.is_empty()) {
                let text = text(&name, documents, rendered, &mut objects);
                files.insert(name, text.into_bytes());
            }
        }
        let digests = files.iter().map(|(path, bytes)| (path.clone(), Sha256Hex::of(bytes))).collect();
        Manifests { files, objects, digests }
    }
}

/// The text of one file, and a record of each object in it.
fn text(file: &str, documents: &[Document], rendered: Rendered, objects: &mut Vec<ObjectRecord>) -> String {
    let mut text = String::with_capacity(documents.iter().map(|d| d.source_text().len() + 8).sum());
    let mut line = 1;
    for (i, document) in documents.iter().enumerate() {
        let (chunk, bytes) = rendered(document);
        // kubectl takes a file that starts with a brace for JSON, all of it.
        if i > 0 || chunk.trim_start().starts_with('{') {
            text.push_str("---\n");
            line += 1;
        }
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
