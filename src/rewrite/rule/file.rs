//! What a rule file may say, and what is refused in it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer};

use super::{Action, Expect, Fit, Op, Operation, Rule, RuleSet, Selector};
use crate::ledger::Reason;
use crate::pointer;
use crate::rewrite::RuleError;
use crate::value::Value;
use crate::yaml::{self, Placed, YamlError};

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    rule: Placed<String>,
    #[serde(default)]
    set: OneOrMany<RuleSet>,
    why: String,
    #[serde(default)]
    see: OneOrMany<String>,
    #[serde(default)]
    when: BTreeMap<String, Value>,
    #[serde(default, rename = "match")]
    selectors: OneOrMany<Selector>,
    #[serde(default)]
    expect: Option<Value>,
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    patch: Option<Vec<Operation>>,
    #[serde(default)]
    merge: Option<Value>,
    #[serde(default)]
    fit: Option<Fit>,
    #[serde(default)]
    drop: Option<bool>,
    #[serde(default)]
    add: Option<String>,
}

/// The rules of one file. `path` is how people know it, `component` the one whose objects its rules see, and `template`
/// finds the text of a template by its path.
///
/// # Errors
/// [`RuleError::Format`] with the line.
pub fn parse(
    path: &str,
    text: &str,
    component: Option<&str>,
    template: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Rule>, RuleError> {
    checked(yaml::parse_as(text).and_then(|raw| with_values(raw, text)), path, component, template)
}

/// The rules with the values that go into manifests, read as kubectl reads them: `nO` is text there, and no boolean.
fn with_values(mut raw: Vec<RawRule>, text: &str) -> Result<Vec<RawRule>, YamlError> {
    let read = yaml::parse(text)?;
    for (rule, read) in raw.iter_mut().zip(read.as_array().into_iter().flatten()) {
        if let (Some(merge), Some(value)) = (&mut rule.merge, read.get("merge")) {
            merge.clone_from(value);
        }
        let operations = read.get("patch").and_then(Value::as_array).into_iter().flatten();
        for (operation, read) in rule.patch.iter_mut().flatten().zip(operations) {
            if operation.value.is_some() {
                operation.value = read.get("value").cloned();
            }
        }
    }
    Ok(raw)
}

/// The rules of a file that is compiled into the binary: as [`parse`].
pub fn parse_own(
    path: &str,
    text: &str,
    component: &str,
    template: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Rule>, RuleError> {
    checked(yaml::parse_own(text), path, Some(component), template)
}

fn checked(
    raw: Result<Vec<RawRule>, YamlError>,
    path: &str,
    component: Option<&str>,
    template: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Vec<Rule>, RuleError> {
    let raw = raw.map_err(|e| RuleError::Format {
        path: path.to_owned(),
        line: e.line,
        why: format!("column {}: {}", e.column, e.message),
    })?;
    raw.into_iter()
        .map(|raw| {
            let line = raw.rule.line;
            let name = raw.rule.value.clone();
            check(raw, path, line, component, template).map_err(|why| RuleError::Format {
                path: path.to_owned(),
                line,
                why: format!("rule `{}`: {why}", crate::shown::line(&name)),
            })
        })
        .collect()
}

fn check(
    raw: RawRule,
    path: &str,
    line: usize,
    component: Option<&str>,
    template: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Rule, String> {
    let name = raw.rule.value;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err("its name is not in kebab-case (a-z, 0-9 and dashes)".to_owned());
    }
    if raw.why.trim().is_empty() {
        return Err("`why` is empty; every rewrite carries its reason".to_owned());
    }
    if raw.drop == Some(false) {
        return Err("`drop: false` does nothing; leave it out".to_owned());
    }
    let mut actions = Vec::new();
    if let Some(operations) = raw.patch {
        operations.iter().try_for_each(check_operation)?;
        actions.push(Action::Patch(operations));
    }
    if let Some(merge) = raw.merge {
        if !merge.is_object() {
            return Err("`merge` is not a mapping".to_owned());
        }
        actions.push(Action::Merge(merge));
    }
    actions.extend(raw.fit.map(Action::Fit));
    if raw.drop.is_some() {
        actions.push(Action::Drop);
    }
    if let Some(path) = raw.add {
        actions.push(Action::Add { text: template(&path)?, template: path });
    }
    let Ok([action]) = <[Action; 1]>::try_from(actions) else {
        return Err("it needs exactly one of `patch`, `merge`, `fit`, `drop` and `add`".to_owned());
    };
    let selectors = raw.selectors.0;
    match &action {
        Action::Add { .. } if !selectors.is_empty() || raw.expect.is_some() || raw.within.is_some() => {
            return Err("`add` takes no `match`, `expect` or `within`".to_owned());
        }
        Action::Drop | Action::Fit(_) if raw.within.is_some() => {
            return Err("`drop` and `fit` take no `within`".to_owned());
        }
        Action::Add { .. } => {}
        _ if selectors.is_empty() || selectors.iter().any(Selector::is_empty) => {
            return Err("`match` selects nothing in particular; name a kind, a name, a namespace or a label".to_owned());
        }
        _ => {}
    }
    for pointer in selectors.iter().flat_map(Selector::fields).chain(raw.within.as_deref()) {
        pointer::segments(pointer)?;
    }
    Ok(Rule {
        reason: Arc::new(Reason {
            rule: name,
            at: format!("{path}, line {line}"),
            why: raw.why.split_whitespace().collect::<Vec<_>>().join(" "),
            see: raw.see.0,
        }),
        sets: raw.set.0,
        component: component.map(str::to_owned),
        when: raw.when,
        selectors,
        expect: expectation(raw.expect)?,
        within: raw.within,
        action,
    })
}

fn check_operation(operation: &Operation) -> Result<(), String> {
    let (op, path) = (operation.op.name(), &operation.path);
    pointer::segments(path)?;
    if let Some(from) = &operation.from {
        pointer::segments(from)?;
    }
    let takes_value = matches!(operation.op, Op::Add | Op::Replace | Op::Test);
    if takes_value != operation.value.is_some() {
        return Err(format!("{op} {path} {} a `value`", if takes_value { "needs" } else { "takes no" }));
    }
    let takes_from = matches!(operation.op, Op::Move | Op::Copy);
    if takes_from != operation.from.is_some() {
        return Err(format!("{op} {path} {} a `from`", if takes_from { "needs" } else { "takes no" }));
    }
    Ok(())
}

fn expectation(value: Option<Value>) -> Result<Expect, String> {
    match value {
        None => Ok(Expect::Exactly(1)),
        Some(Value::String(word)) if word == "some" => Ok(Expect::Some),
        Some(Value::String(word)) if word == "any" => Ok(Expect::Any),
        Some(Value::Number(n)) if n.as_u64().is_some_and(|n| n > 0) => {
            Ok(Expect::Exactly(n.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)))
        }
        Some(_) => Err("`expect` is a number from 1, `some` (1 or more) or `any`".to_owned()),
    }
}

/// One value or a list of them. Not an untagged enum, which would lose the place and the name of an unknown key.
#[derive(Clone, Debug)]
struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list of them")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(value::StrDeserializer::new(text)).map(|v| OneOrMany(vec![v]))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(value::MapAccessDeserializer::new(map)).map(|v| OneOrMany(vec![v]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Vec<Rule>, String> {
        parse("rules.yaml", text, None, &|path| Ok(format!("text of {path}"))).map_err(|e| e.to_string())
    }

    #[test]
    fn a_rule_is_read_with_its_place_reason_and_default_expectation() {
        let rule = &rules(
            "# rules\n- rule: a-b\n  set: fargate\n  why: |\n    Because\n    of it.\n  see: https://x.example\n  match: {kind: A}\n  drop: true\n",
        )
        .unwrap()[0];
        assert_eq!(rule.reason.at, "rules.yaml, line 2");
        assert_eq!(rule.reason.why, "Because of it.");
        assert_eq!(rule.expect, Expect::Exactly(1));
        assert_eq!(rule.sets, [RuleSet::Fargate]);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_line_and_column() {
        let error = rules("- rule: a\n  why: x\n  mach: {kind: A}\n  drop: true\n").unwrap_err();
        assert!(error.starts_with("rules.yaml, line 3: column 3: ") && error.contains("mach"), "{error}");
        let error = rules("- rule: a\n  why: x\n  match: {kind: A, nam: b}\n  drop: true\n").unwrap_err();
        assert!(error.starts_with("rules.yaml, line 3: column 20: ") && error.contains("nam"), "{error}");
        let error = rules("- rule: a\n  why: x\n  match: {kind: A}\n  patch:\n  - {op: remove, path: /a, valeu: 1}\n");
        let error = error.unwrap_err();
        assert!(error.starts_with("rules.yaml, line 5: column 28: ") && error.contains("valeu"), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (rule, complaint) in [
            ("match: {kind: A}", "exactly one of"),
            ("match: {kind: A}\n  drop: true\n  merge: {a: 1}", "exactly one of"),
            ("match: {}\n  drop: true", "selects nothing in particular"),
            ("drop: true", "selects nothing in particular"),
            ("match: {kind: A}\n  add: x.j2", "`add` takes no `match`"),
            ("match: {kind: A}\n  merge: [1]", "`merge` is not a mapping"),
            ("match: {kind: A}\n  expect: 0\n  drop: true", "`expect` is a number"),
            ("match: {kind: A}\n  patch: [{op: add, path: /a}]", "add /a needs a `value`"),
            ("match: {kind: A}\n  patch: [{op: remove, path: a}]", "does not start with `/`"),
            ("match: {kind: A}\n  patch: [{op: move, path: /a}]", "move /a needs a `from`"),
            ("match: {kind: A, has: [a]}\n  drop: true", "does not start with `/`"),
        ] {
            let error = rules(&format!("- rule: r\n  why: x\n  {rule}\n")).unwrap_err();
            assert!(error.contains(complaint) && error.contains("line 1: rule `r`"), "{error}");
        }
        assert!(rules("- rule: R r\n  why: x\n  match: {kind: A}\n  drop: true\n").unwrap_err().contains("kebab-case"));
        assert!(
            rules("- rule: r\n  why: ' '\n  match: {kind: A}\n  drop: true\n").unwrap_err().contains("`why` is empty")
        );
    }

    #[test]
    fn a_null_value_is_a_value() {
        let rules = rules("- rule: r\n  why: x\n  match: {kind: A}\n  patch: [{op: replace, path: /a, value: null}]\n");
        assert!(matches!(&rules.unwrap()[0].action, Action::Patch(ops) if ops[0].value == Some(Value::Null)));
    }

    #[test]
    fn a_value_is_what_kubectl_reads() {
        let rules = rules(
            "- rule: r\n  why: x\n  match: {kind: A}\n  merge: {a: nO, b: no, c: 0_8}\n\
             - {rule: s, why: x, match: {kind: A}, patch: [{op: add, path: /a, value: tRUE}]}\n",
        );
        let rules = rules.unwrap();
        let merged = crate::value::json!({"a": "nO", "b": false, "c": 8.0});
        assert!(matches!(&rules[0].action, Action::Merge(value) if *value == merged));
        assert!(matches!(&rules[1].action, Action::Patch(ops) if ops[0].value == Some("tRUE".into())));
    }
}
