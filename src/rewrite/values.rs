//! `${name}` in the values, keys and paths of a rule: a fact about the stack, or, as `${/pointer}`, a text of the object
//! that the rule is applied to. A value that is `${=name}` alone becomes a number. `$${` writes a plain `${`.

use crate::value::Value;

use super::facts::Facts;
use crate::pointer;

/// `text` with every `${...}` filled in.
///
/// # Errors
/// In words, which name has no value.
pub fn fill_text(text: &str, facts: &Facts, object: &Value) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = &from[2..];
            continue;
        }
        filled.push_str(before);
        let end = from.find('}').ok_or_else(|| format!("`{text}` opens `${{` and does not close it"))?;
        let name = &from[2..end];
        if name.starts_with('/') {
            let found = pointer::get(object, name)
                .and_then(Value::as_str)
                .ok_or_else(|| format!("`${{{name}}}`: the object has no text at `{name}`"))?;
            filled.push_str(found);
        } else {
            filled.push_str(&facts.text(name)?);
        }
        rest = &from[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The fact `name` as a number, for `${=name}`.
fn number(name: &str, facts: &Facts) -> Result<Value, String> {
    let text = facts.text(name)?;
    text.parse::<i64>().map(Value::from).map_err(|_| format!("`${{={name}}}`: {text} is not a whole number"))
}

/// `value` with every `${...}` in its strings and keys filled in.
///
/// # Errors
/// In words, which name has no value.
pub fn fill(value: &Value, facts: &Facts, object: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix("${=").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => number(name, facts)?,
            None => fill_text(text, facts, object)?.into(),
        },
        Value::Array(items) => Value::Array(items.iter().map(|i| fill(i, facts, object)).collect::<Result<_, _>>()?),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| Ok((fill_text(k, facts, object)?, fill(v, facts, object)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::facts::Fact;
    use crate::value::json;

    #[test]
    fn names_are_filled_in_as_keys_and_as_values() {
        let facts = Facts([("domain", Fact::Text("a.example".into()))].into());
        let object = json!({"metadata": {"generateName": "job-"}});
        let filled = fill(&json!({"${domain}": ["x ${domain}", 1, "${/metadata/generateName}v"]}), &facts, &object);
        assert_eq!(filled.unwrap(), json!({"a.example": ["x a.example", 1, "job-v"]}));
    }

    #[test]
    fn a_number_is_written_as_a_number() {
        let facts = Facts([("timeout", Fact::Text("600".into())), ("domain", Fact::Text("a".into()))].into());
        assert_eq!(fill(&json!(["${=timeout}", "${timeout}s"]), &facts, &json!({})).unwrap(), json!([600, "600s"]));
        assert!(fill(&json!("${=domain}"), &facts, &json!({})).unwrap_err().contains("a is not a whole number"));
    }

    #[test]
    fn other_braces_and_dollars_stay() {
        let fill = |text| fill_text(text, &Facts::default(), &Value::Null);
        assert_eq!(fill("{{.Name}}-$(X) $5 $").unwrap(), "{{.Name}}-$(X) $5 $");
        assert_eq!(fill("$${HOME}").unwrap(), "${HOME}");
        assert!(fill("${HOME}").unwrap_err().contains("`HOME` is no fact"));
        assert!(fill("${HOME").unwrap_err().contains("does not close"));
    }
}
