//! Baselines: what was found at some time, so that only what is new counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Finding;
use super::allow::Allowed;
use crate::value::Text;

/// A finding as far as it is the same one tomorrow: lines move, and words are put better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Known {
    /// The code of the lint or check.
    pub code: String,
    /// The object; `None` for what is said of the whole set.
    pub object: Option<Text>,
    /// The field.
    pub field: Option<Text>,
}

impl Known {
    fn of(finding: &Finding) -> Known {
        let place = finding.place.as_ref();
        Known {
            code: finding.code.to_owned(),
            object: place.and_then(|place| place.object.clone()),
            field: place.map(|place| place.field.clone()),
        }
    }
}

/// What is known. A report of `--format json` is one, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Baseline {
    /// Each finding, as often as it was there.
    pub findings: Vec<Known>,
}

impl Baseline {
    /// What is found now and nobody allows.
    pub fn of(findings: &[Finding]) -> Baseline {
        let mut known: Vec<Known> = findings.iter().filter(|f| f.allowed.is_none()).map(Known::of).collect();
        known.sort();
        Baseline { findings: known }
    }

    /// Marks what is known among findings, each as often as it is known, and returns what is found no longer.
    pub fn mark(&self, findings: &mut [Finding], by: &str) -> Vec<Known> {
        let mut left: BTreeMap<Known, usize> = BTreeMap::new();
        for known in &self.findings {
            *left.entry(known.clone()).or_default() += 1;
        }
        for finding in findings {
            let Some(count) = left.get_mut(&Known::of(finding)).filter(|count| **count > 0) else { continue };
            *count -= 1;
            let reason = "it was there before".to_owned();
            finding.allowed.get_or_insert_with(|| Box::new(Allowed { reason, by: by.to_owned() }));
        }
        left.into_iter().flat_map(|(known, count)| std::iter::repeat_n(known, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Place;

    fn finding(line: usize, field: &str) -> Finding {
        let object = Some("Pod/a".into());
        let place = Place { line, object, field: field.into(), ..Place::default() };
        Finding { code: "privileged", place: Some(place), what: line.to_string(), allowed: None }
    }

    #[test]
    fn what_moved_is_known_and_what_is_one_more_is_new() {
        let baseline = Baseline::of(&[finding(1, "/a"), finding(2, "/gone")]);
        let mut now = [finding(7, "/a"), finding(8, "/a")];
        let gone = baseline.mark(&mut now, "--baseline b.json");
        assert!(now[0].allowed.is_some() && now[1].allowed.is_none());
        assert_eq!(gone.iter().map(|known| known.field.as_deref()).collect::<Vec<_>>(), [Some("/gone")]);
    }
}
