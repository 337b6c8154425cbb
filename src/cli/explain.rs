//! `knrender explain`: what was done to an object, by which rule, why, with the source.

use std::fmt::Write as _;

use crate::value::Value;

use super::{ExplainArgs, Format, inputs, one_folder, print_json, print_text};
use crate::config::Config;
use crate::error::Error;
use crate::ledger::{Deed, Entry, FieldChange};
use crate::manifest::document::Bytes;
use crate::manifest::object::answers_to;
use crate::report::{ObjectRecord, Provenance};
use crate::shown::wrap;

const FILE: &str = "about/provenance.json";

pub(super) fn run(args: &ExplainArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    let out = one_folder(args.out.clone(), &config)?;
    inputs::whole(&out)?;
    let path = out.join(FILE);
    let shown = crate::shown::path(&path);
    let text = crate::regular::read_text(&path)
        .map_err(|e| Error::Input(format!("{shown}: {e}; `knrender --out {}` writes it", crate::shown::path(&out))))?;
    let provenance: Provenance = serde_json::from_str(&text)
        .map_err(|e| Error::Input(format!("{shown}: {e}; it was not written by this knrender, render again")))?;
    let out = crate::shown::path(&out);
    let out = out.trim_end_matches('/');
    let found = match &args.object {
        None => touched(&provenance),
        Some(asked) => {
            let found = matching(&provenance, asked);
            if found.is_empty() {
                return Err(Error::Usage(not_found(&provenance, asked, out)));
            }
            found
        }
    };
    match args.format {
        Format::Text => {
            let pages: Vec<_> = found.iter().map(|o| page(&provenance, o, out)).collect();
            print_text(&pages.join("\n"))
        }
        Format::Json => {
            let all: Vec<_> = found
                .iter()
                .map(|object| {
                    crate::value::json!({
                        "object": object, "written": record(&provenance, object), "ledger": entries(&provenance, object),
                    })
                })
                .collect();
            print_json(&Value::from(all))
        }
    }
}

/// The objects that any rule did something to, in ledger order.
fn touched(provenance: &Provenance) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for entry in &provenance.ledger {
        if !found.contains(&entry.object.as_str()) {
            found.push(&entry.object);
        }
    }
    found
}

/// All objects of a render, those left out included.
fn known(provenance: &Provenance) -> Vec<&str> {
    let mut all: Vec<&str> = provenance.objects.iter().map(|o| o.object.as_str()).collect();
    all.extend(touched(provenance).into_iter().filter(|o| !provenance.objects.iter().any(|r| r.object == *o)));
    all
}

/// The objects that `Kind[.group]/[NAMESPACE/]NAME` names.
fn matching<'p>(provenance: &'p Provenance, asked: &str) -> Vec<&'p str> {
    known(provenance).into_iter().filter(|object| answers_to(object, asked)).collect()
}

fn not_found(provenance: &Provenance, asked: &str, out: &str) -> String {
    let mut text =
        format!("{out} has no object {asked}, and none was left out; write it as Kind[.group]/[NAMESPACE/]NAME");
    let name = asked.rsplit('/').next().unwrap_or_default();
    let mut near: Vec<_> = known(provenance)
        .into_iter()
        .filter(|o| {
            let its = o.rsplit('/').next().unwrap_or_default();
            let short = name.len().min(its.len()) < 3;
            let alike =
                its.contains(name) || name.contains(its) || crate::shown::near(name, [its].into_iter()).is_some();
            !short && alike
        })
        .collect();
    near.sort_by_key(|object| strsim::damerau_levenshtein(object, asked));
    near.truncate(5);
    if !near.is_empty() {
        let _ = write!(text, ". Near: {}", near.join(", "));
    }
    text
}

fn record<'p>(provenance: &'p Provenance, object: &str) -> Option<&'p ObjectRecord> {
    provenance.objects.iter().find(|o| o.object == object)
}

fn entries<'p>(provenance: &'p Provenance, object: &str) -> Vec<&'p Entry> {
    provenance.ledger.iter().filter(|e| e.object == object).collect()
}

fn page(provenance: &Provenance, object: &str, out: &str) -> String {
    let mut text = format!("{object}\n");
    let entries = entries(provenance, object);
    let record = record(provenance, object);
    let from = record.map(|r| &r.from).or_else(|| entries.first().map(|e| &e.at));
    if let Some(from) = from {
        let _ = writeln!(text, "  from     {from}");
        if let Some(source) = provenance.sources.iter().find(|s| from.starts_with(&s.name)) {
            let _ = writeln!(text, "           {}", source.url);
        }
    }
    match record {
        Some(record) => {
            let _ = writeln!(text, "  written  {out}/{}, line {}", record.file, record.line);
            if record.bytes == Bytes::Rewritten {
                text.push_str(
                    "           written anew, in whole or in part, since its text could not be changed in place: comments are lost\n",
                );
            }
        }
        None => text.push_str("  written  nowhere\n"),
    }
    if entries.is_empty() {
        text.push_str("  as upstream published it, byte for byte: no rule touched it\n");
    }
    for entry in entries {
        let _ = writeln!(
            text,
            "  {:<8} by {} ({})",
            entry.deed.heading().to_lowercase(),
            entry.reason.rule,
            entry.reason.at
        );
        if let Deed::Changed { fields } = &entry.deed {
            for field in fields {
                text.push_str(&line(field));
            }
        }
        let _ = writeln!(text, "           why: {}", wrap(&entry.reason.why, 16));
        for see in &entry.reason.see {
            let _ = writeln!(text, "           see: {see}");
        }
    }
    text
}

fn line(field: &FieldChange) -> String {
    let value = |value: &Value| {
        let text = value.to_string();
        if text.chars().count() > 160 { text.chars().take(157).chain("...".chars()).collect() } else { text }
    };
    let place = match &field.within {
        Some(within) => format!("{} in {}", within, field.path),
        None => field.path.clone(),
    };
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => format!("           {place}: {} -> {}\n", value(before), value(after)),
        (None, Some(after)) => format!("           {place}: {} (new)\n", value(after)),
        (Some(before), None) => format!("           {place}: {} (removed)\n", value(before)),
        (None, None) => format!("           {place}\n"),
    }
}
