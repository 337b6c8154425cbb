//! What the API server demands of single fields beyond their types: the rules of `data/kubernetes/rules.txt`.

use crate::value::{Map, Value};

use super::at;
use super::model::Rule;
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

/// The code, and what is wrong, where the fields of an object break a rule.
pub(super) fn broken(rule: &Rule, fields: &Map) -> Option<(&'static str, String)> {
    if rule.field == "-" {
        return together(rule, fields);
    }
    let value = fields.get(rule.field).filter(|value| !value.is_null());
    let Some(value) = value else {
        return (rule.rule == "needed").then(|| ("missing-field", format!("`{}` is missing", rule.field)));
    };
    let code = if rule.rule == "unique" { "duplicate-entry" } else { "bad-value" };
    wrong(rule.rule, &rule.arguments, value).map(|what| (code, what))
}

/// Rules about which fields stand together. An empty text and a zero are what a field that was left out has.
fn together(rule: &Rule, fields: &Map) -> Option<(&'static str, String)> {
    let given = |field: &&str| fields.get(field).is_some_and(|v| !v.is_null() && v.as_str() != Some("") && *v != 0);
    let there: Vec<_> = rule.arguments.iter().copied().filter(|field| given(field)).collect();
    if there.is_empty() && rule.rule == "one-of" {
        let all = rule.arguments.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
        return Some(("missing-field", format!("one of {all} is needed")));
    }
    (there.len() > 1).then(|| ("conflict", format!("only one of {} may stand here", there.join(", "))))
}

/// What is wrong with a value.
fn wrong(rule: &str, arguments: &[&str], value: &Value) -> Option<String> {
    let form = arguments.first().copied().unwrap_or_default();
    match rule {
        "in" | "is" => {
            let text = value.as_str()?;
            let defaulted = rule == "in" && text.is_empty();
            (!defaulted && !arguments.contains(&text)).then(|| format!("`{text}` is none of {}", arguments.join(", ")))
        }
        "range" => value.as_array().map_or_else(
            || out_of_range(arguments, value),
            |items| items.iter().find_map(|item| out_of_range(arguments, item)),
        ),
        "name" => value.as_str().filter(|text| !text.is_empty()).and_then(|text| names::wrong(form, text)),
        "named" => value.as_str().and_then(|text| match text {
            "" => Some("it is empty".to_owned()),
            text => names::wrong(form, text),
        }),
        "each" => value.as_array()?.iter().find_map(|item| match item {
            Value::String(text) => names::wrong(form, text),
            Value::Null => names::wrong(form, ""),
            _ => None,
        }),
        "filled" | "needed" => {
            let empty = value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty);
            empty.then(|| "it is empty".to_owned())
        }
        "unique" => repeated(form, value),
        "quantity" => {
            let quantity = quantity(value)?;
            let least = Quantity::from_milli(i128::from(form != "0"));
            (quantity < least)
                .then(|| format!("it has to be {}", if form == "0" { "0 or more" } else { "more than 0" }))
        }
        "number-or-percent" => match value {
            Value::Number(_) => at::integer(value).filter(|n| *n < 0).map(|n| format!("{n} is less than 0")),
            Value::String(text) => {
                let percent = text.strip_suffix('%').filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
                percent.is_none().then(|| format!("`{text}` is neither a number nor a percentage such as 25%"))
            }
            _ => None,
        },
        "port" => port(value),
        "most" => {
            let most: usize = form.parse().ok()?;
            let there = value.as_str().map(str::len).or(value.as_array().map(Vec::len))?;
            (there > most).then(|| format!("{there} are too many: {most} is the limit"))
        }
        _ => None,
    }
}

/// White space that JSON does not escape: the server trims quantities before it unescapes them.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_control()
}

/// A quantity, as the API server reads it: with white space around it, or as a number; null is 0.
pub(super) fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text.trim_matches(is_blank)).ok(),
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        Value::Null => Some(Quantity::ZERO),
        _ => None,
    }
}

/// What is wrong with a port's number or name.
pub(super) fn port(value: &Value) -> Option<String> {
    match value {
        Value::Number(_) => {
            at::integer(value).filter(|n| !(1..=65535).contains(n)).map(|n| format!("{n} is not from 1 to 65535"))
        }
        Value::String(text) => names::wrong("port-name", text),
        _ => None,
    }
}

fn out_of_range(arguments: &[&str], value: &Value) -> Option<String> {
    let number = at::integer(value)?;
    let [low, high] = [arguments.first()?, arguments.get(1)?].map(|a| a.parse::<i64>().unwrap_or_default());
    (number < low || number > high).then(|| match high {
        i64::MAX | 2_147_483_647 if number < low => format!("{number} is less than {low}"),
        _ => format!("{number} is not from {low} to {high}"),
    })
}

/// The fields, with commas between them, in which two items agree.
fn repeated(fields: &str, list: &Value) -> Option<String> {
    let names: Vec<&str> = fields.split(',').collect();
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for item in list.as_array()? {
        let of = |name: &&str| item.get(*name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(key) = names.iter().map(of).collect::<Option<Vec<_>>>() else { continue };
        if seen.contains(&key) {
            return Some(format!("`{}` is `{}` twice", names.join("` and `"), key.join("` and `")));
        }
        seen.push(key);
    }
    None
}
