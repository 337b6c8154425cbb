//! What differences mean, kind by kind: what the cluster does, refuses, or needs first.

mod access;
mod configuration;
mod custom;
mod immutable;
mod releases;
mod workloads;

use serde::Serialize;

use super::Changed;
use crate::manifest::collection::Placed;
use crate::manifest::object::Identity;
use crate::value::Value;

/// How much a meaning weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The API server refuses the change, or what starts ends itself.
    Error,
    /// To be thought about before it is applied.
    Warning,
    /// To be known.
    Note,
}

impl Severity {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What a meaning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A field that may not change.
    Immutable,
    /// The Kubernetes that it takes.
    Kubernetes,
    /// The release, and how it is reached.
    Release,
    /// A version of a CRD.
    Crd,
    /// Rights.
    Rbac,
    /// A webhook.
    Webhook,
    /// An image.
    Image,
    /// A container's command or arguments.
    Arguments,
    /// A container's environment.
    Environment,
    /// A key of a `ConfigMap`.
    Configuration,
    /// A default of upstream's that moved, of a key that is not set.
    Default,
    /// A port.
    Ports,
    /// A selector.
    Selector,
    /// What pods ask for, and how many there are.
    Size,
}

impl Topic {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Immutable => "immutable",
            Topic::Kubernetes => "kubernetes",
            Topic::Release => "release",
            Topic::Crd => "crd",
            Topic::Rbac => "rbac",
            Topic::Webhook => "webhook",
            Topic::Image => "image",
            Topic::Arguments => "arguments",
            Topic::Environment => "environment",
            Topic::Configuration => "configuration",
            Topic::Default => "default",
            Topic::Ports => "ports",
            Topic::Selector => "selector",
            Topic::Size => "size",
        }
    }
}

/// What a difference means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Meaning {
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about.
    pub topic: Topic,
    /// The object; empty where it is about all of them.
    pub object: String,
    /// What it is.
    pub what: String,
    /// What to do about it; empty where nothing has to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub todo: String,
}

impl Meaning {
    fn new(severity: Severity, topic: Topic, object: &Identity, what: impl Into<String>) -> Meaning {
        Meaning { severity, topic, object: object.to_string(), what: what.into(), todo: String::new() }
    }

    fn todo(mut self, todo: impl Into<String>) -> Meaning {
        self.todo = todo.into();
        self
    }
}

/// An object before and after; one of them may be missing.
pub(super) type Pair<'v> = (&'v Identity, Option<&'v Value>, Option<&'v Value>);

/// What all differences mean, errors first.
///
/// # Errors
/// In words, which file in the binary is at fault.
pub(super) fn of(
    pairs: &[Pair<'_>],
    changed: &[Changed],
    before: &[Placed],
    after: &[Placed],
) -> Result<Vec<Meaning>, String> {
    let immutable = immutable::Table::embedded()?;
    let mut found = releases::of(before, after)?;
    for (identity, was, is) in pairs {
        if let (Some(was), Some(_)) = (was, is) {
            let name = identity.to_string();
            let fields = changed.iter().find(|c| c.object == name).map_or(&[][..], |c| &c.fields);
            found.extend(immutable.refused(identity, was, fields));
            found.extend(workloads::of(identity, fields));
        }
        found.extend(custom::of(identity, *was, *is));
        found.extend(access::of(identity, *was, *is));
        found.extend(configuration::of(identity, *was, *is));
    }
    found.sort_by_key(|meaning| (meaning.severity, meaning.topic));
    Ok(found)
}
