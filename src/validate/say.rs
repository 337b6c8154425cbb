//! How the checks say what they find: one method for each kind of fault, and the checks of single texts that many share.

use super::Found;
use super::at::At;
use crate::kubernetes::names;

impl Found<'_> {
    /// A value that its field does not take.
    pub(super) fn bad(&mut self, at: &At<'_>, what: impl Into<String>) {
        self.at("bad-value", &at.path, what);
    }

    /// A value that does not go with another.
    pub(super) fn conflict(&mut self, at: &At<'_>, what: impl Into<String>) {
        self.at("conflict", &at.path, what);
    }

    /// Something that is there a second time.
    pub(super) fn twice(&mut self, at: &At<'_>, what: impl Into<String>) {
        self.at("duplicate-entry", &at.path, what);
    }

    /// A field of `at` that has to be there.
    pub(super) fn missing(&mut self, at: &At<'_>, key: &str, what: impl Into<String>) {
        self.at("missing-field", &at.field(key), what);
    }

    /// A text has to be of a form of `names`; an empty one has it not.
    pub(super) fn formed(&mut self, at: &At<'_>, form: &str) {
        if let Some(what) = names::wrong(form, at.own()) {
            self.bad(at, what);
        }
    }

    /// A field, where it is there, has to be of a form; an empty text counts as not there where `empty` is fine.
    pub(super) fn form(&mut self, at: &At<'_>, key: &str, form: &str) {
        if let Some(at) = at.get(key)
            && !at.own().is_empty()
        {
            self.formed(&at, form);
        }
    }

    /// A text, where it is there, has to be one of these.
    pub(super) fn one_of(&mut self, at: &At<'_>, key: &str, known: &[&str]) {
        if let Some(at) = at.get(key)
            && at.value.is_string()
            && !known.contains(&at.own())
        {
            self.bad(&at, format!("`{}` is none of {}", at.own(), known.join(", ")));
        }
    }

    /// A list has so many items at the most.
    pub(super) fn at_most(&mut self, at: &At<'_>, key: &str, most: usize) {
        let there = at.len(key);
        if there > most {
            self.at("bad-value", &at.field(key), format!("{there} are too many: {most} is the limit"));
        }
    }

    /// No two items of a list have the same key; an item without a key counts only where `empty` says so.
    pub(super) fn distinct<'v>(&mut self, items: &[At<'v>], key: impl Fn(&At<'v>) -> &'v str) {
        let mut seen = std::collections::BTreeSet::new();
        for item in items {
            if !seen.insert(key(item)) {
                self.twice(item, format!("`{}` is there a second time", key(item)));
            }
        }
    }
}
