//! Fields that may not change (`data/diff/immutable.yaml`).

use serde::Deserialize;

use super::{Meaning, Severity, Topic};
use crate::diff::{Field, shown};
use crate::manifest::object::Identity;
use crate::value::Value;
use crate::{embedded, pointer, yaml};

/// The table.
pub(super) struct Table(Vec<Immutable>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Immutable {
    kinds: Vec<String>,
    group: String,
    fields: Vec<String>,
    #[serde(default)]
    but: Vec<String>,
    #[serde(default)]
    when: Option<String>,
    todo: String,
    see: String,
}

impl Table {
    pub(super) fn embedded() -> Result<Table, String> {
        let path = "data/diff/immutable.yaml";
        yaml::parse_own(embedded::text(path).unwrap_or_default()).map(Table).map_err(|e| format!("{path}: {e}"))
    }

    /// The changes of an object that the API server refuses.
    pub(super) fn refused(&self, identity: &Identity, was: &Value, fields: &[Field]) -> Vec<Meaning> {
        let mut found = Vec::new();
        for row in &self.0 {
            let applies = row.group == identity.group
                && row.kinds.iter().any(|kind| *kind == identity.kind)
                && row.when.as_ref().is_none_or(|when| was.pointer(when) == Some(&Value::Bool(true)));
            let below = |field: &&Field, list: &[String]| list.iter().any(|f| pointer::is_below(&field.pointer, f));
            let refused = fields.iter().filter(|field| applies && below(field, &row.fields) && !below(field, &row.but));
            // What one does for the first field does for all.
            let refused: Vec<_> = refused.filter(|field| !is_given_by_the_server(field)).collect();
            let Some(first) = refused.first() else { continue };
            let namespace = identity.namespace.as_deref().map_or(String::new(), |ns| format!(" -n {ns}"));
            let todo = row
                .todo
                .replace(" -n NAMESPACE", &namespace)
                .replace("KIND", &identity.kind.to_lowercase())
                .replace("NAME", &identity.name);
            let more =
                if refused.len() > 1 { format!(", and {} more fields", refused.len() - 1) } else { String::new() };
            let what = format!(
                "`kubectl apply` is refused: {} may not change (from {} to {}){more} ({})",
                first.path,
                shown(first.before.as_ref()),
                shown(first.after.as_ref()),
                row.see
            );
            found.push(Meaning::new(Severity::Error, Topic::Immutable, identity, what).todo(todo));
        }
        found
    }
}

/// An address that no manifest named is the server's to give, and leaving it out keeps it.
fn is_given_by_the_server(field: &Field) -> bool {
    field.pointer.starts_with("/spec/clusterIP") && field.after.is_none()
}
