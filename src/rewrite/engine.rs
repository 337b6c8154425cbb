//! Applies rules: select, change, record. A rule that does not match what it expects fails the render.

use crate::value::{Text, Value};

use super::facts::Facts;
use super::fitting::Fitting;
use super::rule::{Action, Op, Operation, Rule, Selector};
use super::{RuleError, template, values};
use crate::fargate::sizing::Sizing;
use crate::ledger::{Deed, Entry, FieldChange, Ledger, differences};
use crate::manifest::document::{Document, Source};
use crate::manifest::{ManifestError, document, edit, secret};
use crate::pointer;
use crate::yaml;

/// Applies `rules`, in order, to `documents`, and writes down what they do. `sizing` is for those that fit pods to a size.
///
/// # Errors
/// The first rule that matches another number of objects than it expects, or cannot be applied.
pub fn apply(
    rules: &[&Rule],
    facts: &Facts,
    sizing: &Sizing,
    mut documents: Vec<Document>,
    ledger: &mut Ledger,
) -> Result<Vec<Document>, RuleError> {
    let mut fitting = Fitting::new(sizing);
    for rule in rules {
        if !is_due(rule, facts)? {
            continue;
        }
        if let Action::Add { template, text } = &rule.action {
            add(rule, template, text, facts, &mut documents, ledger)?;
            continue;
        }
        let matched = select(rule, &documents)?;
        if !rule.expect.allows(matched.len()) {
            return Err(unexpected(rule, matched.len(), &documents));
        }
        if matches!(rule.action, Action::Drop) {
            leave_out(rule, &matched, &mut documents, ledger);
        } else {
            for index in matched {
                change(rule, facts, &mut fitting, &mut documents[index], ledger)?;
            }
        }
    }
    Ok(documents)
}

fn is_due(rule: &Rule, facts: &Facts) -> Result<bool, RuleError> {
    let mut due = true;
    for (name, condition) in &rule.when {
        due &= facts.holds(name, condition).map_err(|why| RuleError::Format {
            path: rule.reason.at.split(", line").next().unwrap_or_default().to_owned(),
            line: rule.reason.at.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0),
            why: format!("rule `{}`: {why}", rule.reason.rule),
        })?;
    }
    Ok(due)
}

fn select(rule: &Rule, documents: &[Document]) -> Result<Vec<usize>, RuleError> {
    let mut matched = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if sees(rule, document) {
            for selector in &rule.selectors {
                if selects(selector, document) && fields_hold(selector, rule, document)? {
                    matched.push(index);
                    break;
                }
            }
        }
    }
    Ok(matched)
}

fn sees(rule: &Rule, document: &Document) -> bool {
    rule.component.as_deref().is_none_or(|c| c == document.component())
}

/// Whether the head of a document meets a selector.
fn selects(selector: &Selector, document: &Document) -> bool {
    let head = document.head();
    let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| glob(wanted, is));
    is(&selector.kind, &head.kind)
        && is(&selector.name, head.meta("name").unwrap_or_default())
        && is(&selector.namespace, head.meta("namespace").unwrap_or_default())
        && is(&selector.group, head.group())
        && selector.labels.iter().all(|(key, wanted)| head.label(key).is_some_and(|is| glob(wanted, is)))
        && selector.annotations.iter().all(|(key, wanted)| head.annotation(key).is_some_and(|is| glob(wanted, is)))
}

/// The parts of a selector that the head of a document does not meet, in words.
fn misses(selector: &Selector, document: &Document) -> Vec<String> {
    let identity = document.identity();
    let head = [&identity.group, &identity.kind, identity.namespace.as_ref().unwrap_or(&Text::new()), &identity.name]
        .map(Text::clone);
    let mut misses: Vec<String> = selector
        .head_fields()
        .iter()
        .zip(&head)
        .filter(|((_, wanted), is)| wanted.is_some_and(|w| !glob(w, is)))
        .map(|((name, _), is)| format!("its {name} is {}", if is.is_empty() { "empty" } else { is }))
        .collect();
    for (field, wanted) in [("labels", &selector.labels), ("annotations", &selector.annotations)] {
        for (key, value) in wanted {
            let is = if field == "labels" { document.head().label(key) } else { document.head().annotation(key) };
            if !is.is_some_and(|is| glob(value, is)) {
                misses.push(format!("its {field} have {}", is.map_or(format!("no {key}"), |is| format!("{key}={is}"))));
            }
        }
    }
    misses
}

fn fields_hold(selector: &Selector, rule: &Rule, document: &Document) -> Result<bool, RuleError> {
    if selector.fields().is_empty() && rule.within.is_none() {
        return Ok(true);
    }
    let whole = document.value()?;
    let inner;
    let value = match &rule.within {
        None => whole,
        Some(within) => match pointer::get(whole, within).and_then(Value::as_str).map(yaml::parse) {
            Some(Ok(parsed)) => {
                inner = parsed;
                &inner
            }
            Some(Err(e)) => return Err(inapplicable(rule, document, format!("`{within}` is not YAML: {e}"))),
            None => return Ok(false),
        },
    };
    Ok(selector.has.iter().all(|p| pointer::get(value, p).is_some())
        && selector.lacks.iter().all(|p| pointer::get(value, p).is_none())
        && selector.equals.iter().all(|(p, wanted)| pointer::get(value, p) == Some(wanted)))
}

fn leave_out(rule: &Rule, matched: &[usize], documents: &mut Vec<Document>, ledger: &mut Ledger) {
    let mut index = 0;
    documents.retain(|document| {
        let keep = !matched.contains(&index);
        if !keep {
            ledger.entries.push(entry(rule, document, Deed::LeftOut));
        }
        index += 1;
        keep
    });
}

fn change(
    rule: &Rule,
    facts: &Facts,
    fitting: &mut Fitting<'_>,
    document: &mut Document,
    ledger: &mut Ledger,
) -> Result<(), RuleError> {
    let before = document.value()?;
    let (after, fields) = match (&rule.within, &rule.action) {
        (None, Action::Fit(fit)) => {
            let after = fitting.fit(*fit, before).map_err(|why| inapplicable(rule, document, why))?;
            let fields = differences(before, &after);
            (after, fields)
        }
        (None, _) => {
            let after = act(rule, facts, before, before).map_err(|why| inapplicable(rule, document, why))?;
            let fields = differences(before, &after);
            (after, fields)
        }
        (Some(within), _) => {
            change_within(rule, within, facts, before).map_err(|why| inapplicable(rule, document, why))?
        }
    };
    if fields.is_empty() {
        return Ok(());
    }
    document.set_value(after)?;
    ledger.entries.push(entry(rule, document, Deed::Changed { fields }));
    Ok(())
}

/// Changes the YAML text at `within` and puts the text back, with every line that did not have to change.
fn change_within(
    rule: &Rule,
    within: &str,
    facts: &Facts,
    object: &Value,
) -> Result<(Value, Vec<FieldChange>), String> {
    let path = pointer::resolve(object, within)?;
    let text =
        object.pointer(&path).and_then(Value::as_str).ok_or_else(|| format!("there is no text at `{within}`"))?;
    let before = yaml::parse(text).map_err(|e| format!("`{within}` is not YAML: {e}"))?;
    let after = edit::keep_order(&before, act(rule, facts, &before, object)?);
    if yaml::is_too_deep(&after) {
        return Err(format!("`{within}` would nest more than {} levels deep, and nothing reads that", yaml::MAX_DEPTH));
    }
    let fields = differences(&before, &after)
        .into_iter()
        .map(|change| FieldChange { within: Some(change.path), path: path.clone(), ..change })
        .collect();
    let mut whole = object.clone();
    if let Some(place) = whole.pointer_mut(&path) {
        *place = edit::edit(text, &before, &after).text.into();
    }
    Ok((whole, fields))
}

/// What the rule makes of `value`. `object` is the whole object, for `${/pointer}`.
fn act(rule: &Rule, facts: &Facts, value: &Value, object: &Value) -> Result<Value, String> {
    let mut value = value.clone();
    match &rule.action {
        Action::Merge(merge) => {
            let merge = values::fill(merge, facts, object)?.into();
            patched(&mut value, |value| json_patch::merge(value, &merge));
        }
        Action::Patch(operations) => {
            for operation in operations {
                operate(operation, facts, &mut value, object)?;
            }
        }
        Action::Drop | Action::Fit(_) | Action::Add { .. } => {}
    }
    Ok(value)
}

fn operate(operation: &Operation, facts: &Facts, value: &mut Value, object: &Value) -> Result<(), String> {
    let resolved = |path: &str| pointer::resolve(value, &values::fill_text(path, facts, object)?);
    let name = operation.op.name();
    let context = |why: String| format!("{name} {}: {why}", operation.path);
    let path = resolved(&operation.path).map_err(context)?;
    let from = operation.from.as_deref().map(resolved).transpose().map_err(context)?;
    let filled = operation.value.as_ref().map(|v| values::fill(v, facts, object)).transpose().map_err(context)?;
    if operation.op == Op::Test {
        let is = value.pointer(&path);
        return if is == filled.as_ref() {
            Ok(())
        } else {
            let shown = |v: &Value| if secret::is_secret(object) { secret::digested(v) } else { v.clone() };
            let text = |v: Option<&Value>| v.map_or("nothing".to_owned(), |v| shown(v).to_string());
            Err(context(format!("expected {}, and there is {}", text(filled.as_ref()), text(is))))
        };
    }
    let mut single = crate::value::json!({"op": name, "path": path});
    for (key, part) in [("from", from.map(Value::from)), ("value", filled)] {
        if let Some(part) = part {
            single[key] = part;
        }
    }
    let operation: json_patch::PatchOperation = crate::value::from_value(single).map_err(|e| context(e.to_string()))?;
    patched(value, |value| json_patch::patch(value, &[operation])).map_err(|e| {
        let hint = if name == "add" { "; the place to add to does not exist: `merge` makes it" } else { "" };
        context(format!("{}{hint}", e.kind))
    })
}

/// What `change` does to the value in the form that `json-patch` knows.
fn patched<T>(value: &mut Value, change: impl FnOnce(&mut serde_json::Value) -> T) -> T {
    let mut theirs = value.take().into();
    let found = change(&mut theirs);
    *value = theirs.into();
    found
}

fn add(
    rule: &Rule,
    name: &str,
    text: &str,
    facts: &Facts,
    documents: &mut Vec<Document>,
    ledger: &mut Ledger,
) -> Result<(), RuleError> {
    let failed = |why: String| RuleError::Template { template: name.to_owned(), rule: rule.reason.rule.clone(), why };
    let rendered = template::render(name, text, facts).map_err(failed)?;
    let source = std::sync::Arc::new(Source {
        component: rule.component.clone().unwrap_or_default(),
        name: format!("template {name}"),
        text: rendered,
    });
    for document in document::read(&source, false).map_err(|e| failed(e.to_string()))?.documents {
        let identity = document.identity();
        if let Some(other) = documents.iter().find(|d| d.identity() == identity) {
            return Err(ManifestError::Conflict {
                object: identity.to_string(),
                first: other.at(),
                second: document.at(),
            }
            .into());
        }
        ledger.entries.push(entry(rule, &document, Deed::Added));
        documents.push(document);
    }
    Ok(())
}

fn entry(rule: &Rule, document: &Document, deed: Deed) -> Entry {
    Entry {
        object: document.identity().to_string(),
        at: document.at(),
        deed,
        reason: std::sync::Arc::clone(&rule.reason),
    }
}

fn inapplicable(rule: &Rule, document: &Document, why: String) -> RuleError {
    RuleError::Inapplicable {
        rule: rule.reason.rule.clone(),
        at: rule.reason.at.clone(),
        object: document.identity().to_string(),
        object_at: document.at(),
        why,
    }
}

/// The error for a rule that matched `matched` objects, with up to five objects that miss its selector by one thing.
fn unexpected(rule: &Rule, matched: usize, documents: &[Document]) -> RuleError {
    let mut near: Vec<String> = Vec::new();
    if matched == 0 {
        for document in documents {
            for selector in &rule.selectors {
                let misses = misses(selector, document);
                let elsewhere = !sees(rule, document);
                let why = match misses.as_slice() {
                    [] if elsewhere => format!("it comes from {}", document.component()),
                    [] => format!("what stands at {} differs", selector.fields().join(", ")),
                    [one] if !elsewhere && one.starts_with("its n") => one.clone(),
                    [one]
                        if !elsewhere
                            && selector.name.as_deref().is_some_and(|n| glob(n, &document.identity().name)) =>
                    {
                        one.clone()
                    }
                    _ => continue,
                };
                near.push(format!("\n  {} ({}): {why}", document.identity(), document.at()));
            }
        }
        near.dedup();
        near.truncate(5);
    }
    let near = if near.is_empty() { String::new() } else { format!(" Near misses:{}", near.concat()) };
    RuleError::Unexpected {
        rule: rule.reason.rule.clone(),
        at: rule.reason.at.clone(),
        expected: rule.expect.to_string(),
        matched,
        selector: rule.selectors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; or "),
        near,
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
