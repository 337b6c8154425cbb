//! Holds every word of an object that enters a script, a command in Markdown or an eksctl file to a strict set of characters,
//! whatever the target: a shell reads these files, and a name that ends a here-document, or that kubectl takes for a flag, is
//! no name any more. An API server takes none of what is refused here.

use crate::value::{Text, Value};

use super::Delivery;
use super::apply::JOB_LABEL;
use crate::fargate::profile::Profile;
use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::script::wrong;

/// A word that is not written down, and where it stands.
#[derive(Debug, thiserror::Error)]
#[error(
    "{object} ({at}): {what} `{word}` is not written into a script: {why}. Change it with a rule, or leave the object out"
)]
pub struct Unfit {
    object: String,
    at: String,
    what: &'static str,
    word: String,
    why: &'static str,
}

/// Why the words of a render are not held.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    /// A word is not fit.
    #[error(transparent)]
    Unfit(#[from] Box<Unfit>),
    /// An object cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Holds the words of all objects of a render, and of the Fargate profiles.
///
/// # Errors
/// The first word that is not fit.
pub fn hold(delivery: &Delivery<'_>) -> Result<(), WordError> {
    for document in delivery.batches.all() {
        for (what, word, more) in words(document)? {
            if let Some(why) = wrong(&word, more) {
                let (object, at) = (document.identity().to_string(), document.at());
                let word = crate::shown::line(&word).into_owned();
                return Err(Box::new(Unfit { object, at, what, word, why }).into());
            }
        }
    }
    Ok(())
}

/// Holds the words of a Fargate profile, which are patterns and labels.
///
/// # Errors
/// In words, the first one that is not fit.
pub fn hold_profile(profile: &Profile) -> Result<(), String> {
    let labels = |s: &'_ crate::fargate::profile::ProfileSelector| s.labels.clone().into_iter();
    let pairs = profile.selectors.iter().flat_map(|s| labels(s).flat_map(|(key, value)| [key, value]));
    let spaces = profile.selectors.iter().map(|s| s.namespace.clone());
    for word in std::iter::once(profile.name.clone()).chain(spaces).chain(pairs.filter(|text| !text.is_empty())) {
        if let Some(why) = wrong(&word, "-._/*?") {
            return Err(format!(
                "`{}` of a Fargate profile is not written into a script: {why}",
                crate::shown::line(&word)
            ));
        }
    }
    Ok(())
}

/// The words of an object that enter scripts: what each is, itself, and which characters it may have beside letters and digits.
fn words(document: &Document) -> Result<Vec<(&'static str, Text, &'static str)>, ManifestError> {
    let (head, identity) = (document.head(), document.identity());
    let mut words = vec![
        ("its apiVersion", head.api_version.clone(), "-./"),
        ("its kind", identity.kind, "-"),
        // RBAC's names may have colons.
        ("its name", identity.name, "-._:"),
    ];
    words.extend(identity.namespace.map(|namespace| ("its namespace", namespace, "-.")));
    if head.kind == "Job" {
        words.extend(head.label(JOB_LABEL).filter(|l| !l.is_empty()).map(|l| ("its label `app`", l.into(), "-._")));
    }
    let mut add = |what, value: Option<&Value>| {
        words.extend(value.and_then(Value::as_str).map(|word| (what, word.into(), "-.")));
    };
    if head.kind.ends_with("WebhookConfiguration") {
        for webhook in document.value()?.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
            let service = webhook.pointer("/clientConfig/service");
            add("the namespace of its webhook's Service", service.and_then(|s| s.get("namespace")));
            add("its webhook's Service", service.and_then(|s| s.get("name")));
        }
    }
    if head.kind == "Ingress" {
        add("its class", document.value()?.pointer("/spec/ingressClassName"));
    }
    Ok(words)
}
