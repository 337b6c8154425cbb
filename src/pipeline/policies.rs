//! Admission policies, where a render is to bring them.

use std::sync::Arc;

use super::RenderError;
use crate::ledger::{Deed, Entry, Ledger};
use crate::manifest::document::{Document, Source};
use crate::policy::{self, Engine, Policies, Words};
use crate::stack::Stack;
use crate::yaml::{self, Style};

/// Adds the policies that are wanted, and returns what to tell about them.
pub(super) fn add(
    stack: &Stack,
    documents: &mut Vec<Document>,
    ledger: &mut Ledger,
) -> Result<Vec<String>, RenderError> {
    let Some(wanted) = &stack.policies else { return Ok(Vec::new()) };
    let policies = Policies::embedded().map_err(RenderError::Fault)?;
    let words = Words::embedded().map_err(RenderError::Fault)?;
    let written = policies.written(&words, wanted, Engine::Vap);
    for (file, objects) in &written.files {
        let reason = Arc::new(policies.reason(&words, file));
        let source = Arc::new(Source {
            component: "knrender".to_owned(),
            name: format!("template {}", policy::PATH),
            text: String::new(),
        });
        for object in objects {
            let text = yaml::emit(object, Style::default());
            let document = Document::from_value(Arc::clone(&source), policies.line(file), object.clone(), text)?;
            ledger.entries.push(Entry {
                object: document.identity().to_string(),
                at: document.at(),
                deed: Deed::Added,
                reason: Arc::clone(&reason),
            });
            documents.push(document);
        }
    }
    Ok(written.told)
}
