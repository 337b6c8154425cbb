//! What `lint` and `validate` say: findings, each with a place and a page, and the allowances that cover some.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::manifest::collection::Placed;
use crate::value::Text;
use allow::Allowed;
use page::{Pages, Severity};

pub mod allow;
pub mod baseline;
pub mod locate;
pub mod page;
pub mod secret_lines;

/// Where a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, as the user named it.
    pub file: Text,
    /// The 1-based line on which the object's document starts; that of the field, once [`locate`] looked it up.
    pub line: usize,
    /// The 1-based columns of the field, in characters: the first, and the one behind the last. `None` until they are looked up.
    #[serde(skip)]
    pub columns: Option<(usize, usize)>,
    /// JSON pointer to the object in its document; empty but for items of a `List`.
    #[serde(skip)]
    pub within: Text,
    /// The object, as `Kind[.group]/[namespace/]name`; `None` for what is no object, such as a line of `knrender.yaml`.
    pub object: Option<Text>,
    /// JSON pointer into the object; empty for the object as a whole.
    pub field: Text,
}

impl Place {
    /// At a field of an object, which is a JSON pointer.
    pub fn of(object: &Placed, field: &str) -> Place {
        Place {
            file: object.file.clone(),
            line: object.line,
            columns: None,
            within: object.within.clone(),
            object: Some(object.called()),
            field: field.into(),
        }
    }
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The lint's code.
    pub code: &'static str,
    /// Where; `None` for what is said about the whole set.
    pub place: Option<Place>,
    /// What, in a sentence without its full stop.
    pub what: String,
    /// The allowance that covers it.
    pub allowed: Option<Box<Allowed>>,
}

/// The code of an allowance that matched nothing.
pub const ALLOWANCE_UNUSED: &str = "allowance-unused";

/// How many findings of each severity nobody allowed.
pub fn count(findings: &[Finding], pages: &Pages) -> BTreeMap<Severity, usize> {
    let mut count = BTreeMap::new();
    for (code, findings) in by_code(findings) {
        if let Some(page) = pages.of(code) {
            *count.entry(page.severity).or_insert(0) += findings.len();
        }
    }
    count
}

/// The findings that nobody allowed, by code.
pub fn by_code(findings: &[Finding]) -> BTreeMap<&'static str, Vec<&Finding>> {
    let mut by_code: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.allowed.is_none()) {
        by_code.entry(finding.code).or_default().push(finding);
    }
    by_code
}

/// Puts findings into the order of file, line, column, field, code and words.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let places = match (&a.place, &b.place) {
            // Nearly all are of one file, and differ in their lines.
            (Some(a), Some(b)) if Text::ptr_eq(&a.file, &b.file) => a.line.cmp(&b.line).then_with(|| a.cmp(b)),
            (a, b) => a.cmp(b),
        };
        places.then_with(|| (a.code, &a.what).cmp(&(b.code, &b.what)))
    });
}
