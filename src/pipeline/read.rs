//! The inputs of a stack, read: documents, a record of each source, and the policy of the load balancer controller.

use std::sync::Arc;

use crate::aws::iam;
use crate::manifest::ManifestError;
use crate::manifest::document::{self, Document, Source};
use crate::report::SourceRecord;
use crate::stack::Stack;
use crate::upstream::supply::Input;

/// What the inputs hold.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The documents of all manifests, in their order.
    pub(super) documents: Vec<Document>,
    /// A record of each input.
    pub(super) sources: Vec<SourceRecord>,
    /// The policy of the load balancer controller, for the partition that the cluster is in.
    pub(super) policy: Option<String>,
}

/// Reads all inputs.
pub(super) fn all(stack: &Stack, inputs: Vec<Input>) -> Result<Read, ManifestError> {
    let mut read = Read::default();
    for input in inputs {
        if input.asset.reference {
            read.policy = Some(policy(stack, input, &mut read.sources)?);
        } else {
            read.documents.extend(manifest(input, &mut read.sources)?);
        }
    }
    Ok(read)
}

/// The text of an input.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, ManifestError> {
    String::from_utf8(bytes).map_err(|e| ManifestError::NotManifest {
        source_name: name.to_owned(),
        why: format!("it is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()),
    })
}

/// The policy of the load balancer controller, for the partition that the cluster is in.
fn policy(stack: &Stack, input: Input, sources: &mut Vec<SourceRecord>) -> Result<String, ManifestError> {
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

fn manifest(input: Input, sources: &mut Vec<SourceRecord>) -> Result<Vec<Document>, ManifestError> {
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
