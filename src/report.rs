//! What is said about a render: `about/provenance.json`, which `explain` reads, and the summary that ends every render.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Hex;
use crate::ledger::Entry;
use crate::manifest::document::Bytes;
use crate::shown::{objects, wrap};
use crate::value::Value;

/// Where everything in a render came from, and what was done to it. Holds no path of the machine, no time, and not
/// where the bytes were fetched from: only what vouches for them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Provenance {
    /// The version of knrender.
    pub knrender: String,
    /// What rules could ask about the stack.
    pub stack: Value,
    /// The upstream files.
    pub sources: Vec<SourceRecord>,
    /// The objects in the render, in order.
    pub objects: Vec<ObjectRecord>,
    /// All that was done, in order.
    pub ledger: Vec<Entry>,
    /// What the user was told.
    pub warnings: Vec<String>,
}

/// One upstream file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SourceRecord {
    /// How people know it.
    pub name: String,
    /// Where it is published.
    pub url: String,
    /// Its digest.
    pub sha256: Sha256Hex,
    /// How many bytes.
    pub size: u64,
    /// What vouches for the digest: `catalog` or `lock`.
    pub vouched_by: Voucher,
    /// How many objects it holds.
    pub objects: usize,
    /// How many of its documents held nothing but comments.
    pub empty_documents: usize,
}

/// What vouches for a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Voucher {
    /// The catalog in the binary.
    Catalog,
    /// The user's `knrender.lock`.
    Lock,
}

/// One object in the render.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ObjectRecord {
    /// The object, as `Kind[.group]/[namespace/]name`.
    pub object: String,
    /// Source and line.
    pub from: String,
    /// The file in `out/`.
    pub file: String,
    /// The 1-based line in that file on which it starts.
    pub line: usize,
    /// What became of the bytes that it came with.
    pub bytes: Bytes,
}

impl Provenance {
    /// As it is written.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// How many objects each file has, in file order.
    pub fn objects_by_file(&self) -> BTreeMap<&str, usize> {
        let mut count = BTreeMap::new();
        for object in &self.objects {
            *count.entry(object.file.as_str()).or_insert(0) += 1;
        }
        count
    }
}

/// The summary that ends a render.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Components and versions.
    pub title: String,
    /// Files with objects, and how many they have.
    pub batches: BTreeMap<String, usize>,
    /// How much each pod may use, and where that is less than upstream allowed: a heading, and lines.
    pub sizes: Vec<String>,
    /// What to do next.
    pub next: Vec<Step>,
    /// What was done, by deed.
    #[serde(skip)]
    pub ledger: Vec<Entry>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// One thing to do after a render. Paths in it start with `OUT`, which stands for the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What, in words.
    pub what: String,
    /// The commands.
    pub commands: Vec<String>,
}

/// More objects than this under one rule are counted, not listed.
const LISTED: usize = 4;

impl Summary {
    /// With `out`, the folder as the user named it, without a slash at its end, in the place of `OUT`.
    #[must_use]
    pub fn naming(mut self, out: &str) -> Summary {
        let out = &crate::shown::word(out);
        for step in &mut self.next {
            step.what = step.what.replace("OUT/", &format!("{out}/"));
            for command in &mut step.commands {
                *command = command.replace("OUT/", &format!("{out}/"));
            }
        }
        self
    }

    /// For people, where the folder has been just so before.
    pub fn to_text_unchanged(&self, out: &str) -> String {
        let mut text = format!("{}\n  {out}/ is as it was: this renders the same bytes\n", self.title);
        self.warnings_to(&mut text);
        text
    }

    /// The warnings, which come last, where they are read.
    fn warnings_to(&self, text: &mut String) {
        if !self.warnings.is_empty() {
            text.push_str("Warnings\n");
            for warning in &self.warnings {
                let _ = writeln!(text, "  - {}", wrap(warning, 4));
            }
        }
    }

    /// For people. `out` is the folder as the user named it, without a slash at its end.
    pub fn to_text(&self, out: &str) -> String {
        let mut text = format!("{}\n", self.title);
        let batches: Vec<_> = self.batches.iter().map(|(file, n)| (format!("{out}/{file}"), objects(*n))).collect();
        columns(&mut text, &batches);
        for heading in ["Changed", "Added", "Left out"] {
            let rows = rows(self.ledger.iter().filter(|e| e.deed.heading() == heading));
            if !rows.is_empty() {
                let _ = writeln!(text, "{heading}");
                columns(&mut text, &rows);
            }
        }
        if let Some((title, lines)) = self.sizes.split_first() {
            let _ = writeln!(text, "{title}");
            for line in lines {
                let _ = writeln!(text, "  {}", wrap(line, 4));
            }
        }
        if !self.ledger.is_empty() {
            let at = if out == "out" { String::new() } else { format!(" --out {}", crate::shown::word(out)) };
            let _ = writeln!(text, "  why, and from which source: knrender explain{at} OBJECT");
        }
        text.push_str("Next\n");
        for step in &self.next {
            let _ = writeln!(text, "  - {}", wrap(&step.what, 4));
            for command in &step.commands {
                let _ = writeln!(text, "      {command}");
            }
        }
        self.warnings_to(&mut text);
        text
    }
}

/// Object and rules, a row for each object; a rule with many objects is one row with their number.
fn rows<'e>(entries: impl Iterator<Item = &'e Entry>) -> Vec<(String, String)> {
    let entries: Vec<_> = entries.collect();
    let mut rows: Vec<(String, String)> = Vec::new();
    for entry in &entries {
        let rule = &entry.reason.rule;
        let count = entries.iter().filter(|e| e.reason.rule == *rule).count();
        let object = if count > LISTED { objects(count) } else { entry.object.clone() };
        match rows.iter_mut().find(|(o, _)| *o == object) {
            Some((_, rules)) if rules.split(", ").any(|r| r == rule) => {}
            Some((_, rules)) => {
                rules.push_str(", ");
                rules.push_str(rule);
            }
            None => rows.push((object, rule.clone())),
        }
    }
    rows
}

fn columns(text: &mut String, rows: &[(String, String)]) {
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    for (left, right) in rows {
        let _ = writeln!(text, "  {left:<width$}  {right}");
    }
}
