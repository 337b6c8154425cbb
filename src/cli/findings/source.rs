//! The lines of the inputs that findings are about.

use std::collections::BTreeMap;

use super::super::inputs;
use crate::findings::{self, Finding, Place, locate, secret_lines};
use crate::manifest::collection::Collection;
use crate::value::Text;

/// Lines, by file; of each its number, in their order. Those with what stands in a Secret are not among them.
#[derive(Debug, Default)]
pub(in crate::cli) struct Lines(BTreeMap<Text, Vec<(usize, Box<str>)>>);

impl Lines {
    /// Puts findings into the order of their lines, having looked up where each field stands, and keeps those lines.
    pub(in crate::cli) fn of(findings: &mut [Finding], collection: &Collection) -> Lines {
        findings::sort(findings);
        let mut of_file: BTreeMap<Text, Vec<&mut Place>> = BTreeMap::new();
        for place in findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            of_file.entry(place.file.clone()).or_default().push(place);
        }
        let mut lines = BTreeMap::new();
        for (file, mut places) in of_file {
            let mut rest = places.as_mut_slice();
            let mut before = 0;
            let of_file: &mut Vec<_> = lines.entry(file.clone()).or_default();
            inputs::text_of(&collection.kept, &file, |part, is_last| {
                let ends = memchr::memchr_iter(b'\n', part.as_bytes()).count();
                let here = if is_last { rest.len() } else { rest.partition_point(|place| place.line <= before + ends) };
                let (here, others) = std::mem::take(&mut rest).split_at_mut(here);
                locate::locate(part, before, here);
                of_file.extend(wanted(part, before, here));
                (rest, before) = (others, before + ends);
            });
        }
        findings::sort(findings);
        Lines(lines)
    }

    /// The line on which a finding is.
    pub(super) fn get(&self, place: &Place) -> Option<&str> {
        let lines = self.0.get(&place.file)?;
        lines.binary_search_by_key(&place.line, |(number, _)| *number).ok().map(|at| &*lines[at].1)
    }
}

/// The lines of a part of a file that places are on, each with its number; the file has `before` lines before the part.
fn wanted(part: &str, before: usize, places: &[&mut Place]) -> Vec<(usize, Box<str>)> {
    let mut numbers: Vec<usize> = places.iter().filter_map(|place| place.line.checked_sub(before)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.retain(|number| *number > 0);
    let numbers = secret_lines::shown(part, &numbers);
    let mut wanted = Vec::with_capacity(numbers.len());
    let mut ends = memchr::memchr_iter(b'\n', part.as_bytes());
    let (mut start, mut at) = (0, 1);
    for number in numbers {
        if number > at {
            let Some(end) = ends.nth(number - at - 1) else { break };
            (start, at) = (end + 1, number);
        }
        let Some(line) = part[start..].lines().next() else { break };
        wanted.push((before + number, line.into()));
    }
    wanted
}
