//! The lines of the inputs that findings are about.

use std::collections::BTreeMap;

use super::super::inputs;
use crate::findings::{Finding, Place, locate};
use crate::manifest::collection::Collection;
use crate::value::Text;

/// Lines, by file and number.
#[derive(Debug, Default)]
pub(in crate::cli) struct Lines(BTreeMap<(Text, usize), String>);

impl Lines {
    /// Puts findings into the order of their lines, having looked up where each field stands, and keeps those lines.
    pub(in crate::cli) fn of(findings: &mut [Finding], collection: &Collection) -> Lines {
        let mut places: BTreeMap<Text, Vec<&mut Place>> = BTreeMap::new();
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            places.entry(place.file.clone()).or_default().push(place);
        }
        let mut lines = BTreeMap::new();
        for (file, mut places) in places {
            let Some(text) = inputs::text_of(&collection.kept, &file) else { continue };
            locate::locate(&text, places.iter_mut().map(|place| &mut **place).collect());
            let mut wanted: Vec<usize> = places.iter().map(|place| place.line).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let mut all = text.lines().enumerate();
            for number in wanted.into_iter().filter(|number| *number > 0) {
                let Some((_, line)) = all.find(|(i, _)| *i + 1 == number) else { break };
                lines.insert((file.clone(), number), line.to_owned());
            }
        }
        findings.sort_by(|a, b| (&a.place, a.code, &a.what).cmp(&(&b.place, b.code, &b.what)));
        Lines(lines)
    }

    /// The line on which a finding is.
    pub(super) fn get(&self, place: &Place) -> Option<&str> {
        self.0.get(&(place.file.clone(), place.line)).map(String::as_str)
    }
}
