//! What the render before brought into a cluster and the next one does not have. Nothing deletes it by itself: it stays, and is paid
//! for, until `apply.sh --prune`, or what a layout has in its place, is asked to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{at, is_unfinished};
use crate::regular;
use crate::report::Provenance;
use crate::shown;
use crate::shown::objects;

/// More objects than this are counted by kind, not listed.
const LISTED: usize = 8;

/// The objects that a folder has and the next render of it does not, and what removes them from a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// As `Kind[.group]/[namespace/]name`, in the order in which they were applied.
    pub objects: Vec<String>,
    /// What removes them: a command, or words where Argo CD or Flux does.
    pub removed_by: String,
}

/// As much of `about/provenance.json` as is read here, whichever version wrote it.
#[derive(Deserialize)]
struct Before {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    object: String,
}

impl LeftBehind {
    /// Compares the render in `dir`, which nobody has written to yet, with the next one. Nothing is left behind by a first
    /// render; of a folder without a readable record, nothing is known.
    pub fn of(dir: &Path, next: &Provenance) -> LeftBehind {
        if is_unfinished(dir) {
            return LeftBehind::default();
        }
        let text = regular::read_text(&at(dir, "about/provenance.json")).unwrap_or_default();
        let Ok(before) = serde_json::from_str::<Before>(&text) else { return LeftBehind::default() };
        let kept: BTreeSet<&str> = next.objects.iter().map(|record| record.object.as_str()).collect();
        let gone = before.objects.into_iter().map(|o| o.object).filter(|object| !kept.contains(object.as_str()));
        let layout = next.stack.get("layout").and_then(|layout| layout.as_str()).unwrap_or_default();
        let removed_by = match layout {
            "argocd" => {
                "Argo CD prunes them once this is merged; CRDs and Namespaces when somebody confirms it".to_owned()
            }
            "flux" => {
                "Flux prunes them once this is merged, but for CRDs and Namespaces, which kubectl deletes".to_owned()
            }
            _ => format!("sh {}/apply.sh --prune", shown::word(shown::path(dir).trim_end_matches('/'))),
        };
        LeftBehind { objects: gone.collect(), removed_by }
    }

    /// Whether nothing is left behind.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// In a line.
    pub fn to_line(&self) -> String {
        let stay =
            if self.objects.len() == 1 { "is not in this one, and stays" } else { "are not in this one, and stay" };
        format!(
            "{} of the render before {stay} in a cluster that has it: {}",
            objects(self.objects.len()),
            self.removed_by
        )
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::from("Left behind, in a cluster that has the render before\n");
        if self.objects.len() <= LISTED {
            for object in &self.objects {
                let _ = writeln!(text, "  {}", shown::line(object));
            }
        } else {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for object in &self.objects {
                *kinds.entry(object.split('/').next().unwrap_or_default()).or_default() += 1;
            }
            for (kind, count) in kinds {
                let _ = writeln!(text, "  {count:>3} {}", shown::line(kind));
            }
        }
        let _ = writeln!(text, "  removed by: {}", self.removed_by);
        text
    }
}
