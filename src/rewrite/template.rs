//! Templates: objects and files that upstream does not have, written with minijinja.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};

use crate::value::Value;

use super::facts::Facts;
use crate::script;
use crate::shown;

/// Renders one template. In a `*.yaml.j2` every `{{ value }}` is written as JSON, which is YAML that no reader takes for
/// anything else; `none` and unknown names are errors where they would be written.
///
/// # Errors
/// In words, what failed, with the line of the template.
pub fn render(name: &str, text: &str, facts: &Facts) -> Result<String, String> {
    render_with(name, text, &facts.context())
}

/// The same with a context of one's own.
///
/// # Errors
/// In words, what failed, with the line of the template.
pub fn render_with(name: &str, text: &str, context: &Value) -> Result<String, String> {
    render_in(Environment::new(), name, text, context)
}

/// The same for a file that is read by a shell or by people who copy commands from it: outside of YAML, a value that could end
/// a quote or start a command is an error, unless the template says `|safe`.
///
/// # Errors
/// In words, what failed, with the line of the template.
pub fn render_held(name: &str, text: &str, context: &Value) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_formatter(|out, state, value| match (state.auto_escape(), value.as_str()) {
        (AutoEscape::None, Some(text)) if !value.is_safe() && !script::is_inert(text) => {
            let why = format!("`{}` is not written into a script", shown::line(text));
            Err(Error::new(ErrorKind::InvalidOperation, why))
        }
        _ => escape_formatter(out, state, value),
    });
    render_in(environment, name, text, context)
}

fn render_in(mut environment: Environment<'_>, name: &str, text: &str, context: &Value) -> Result<String, String> {
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|e| e.to_string())?);
    environment.set_auto_escape_callback(
        |name| {
            if name.ends_with(".yaml.j2") { AutoEscape::Json } else { AutoEscape::None }
        },
    );
    environment.render_named_str(name, text, Serde(context)).map_err(|e| {
        format!("line {}: {}", e.line().unwrap_or(0), e.detail().map_or_else(|| e.to_string(), str::to_owned))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::facts::Fact;

    fn facts() -> Facts {
        Facts([("domain", Fact::Text("no".into())), ("vpc-id", Fact::Absent)].into())
    }

    #[test]
    fn values_in_yaml_are_quoted() {
        assert_eq!(render("a.yaml.j2", "a: {{ domain }}\n", &facts()).unwrap(), "a: \"no\"\n");
        assert_eq!(render("a.txt.j2", "--x={{ domain }}\n", &facts()).unwrap(), "--x=no\n");
    }

    #[test]
    fn an_unknown_name_is_an_error_with_its_line() {
        assert!(render("a.yaml.j2", "a: 1\nb: {{ nothing }}\n", &facts()).unwrap_err().starts_with("line 2: "));
    }

    #[test]
    fn what_a_shell_would_run_is_not_written_into_a_script() {
        let held = |text: &str| render_held("a.sh.j2", "X='{{ x }}'\n", &crate::value::json!({"x": text}));
        assert_eq!(held("a b-c").unwrap(), "X='a b-c'\n");
        for text in ["'; rm x; '", "$(x)", "a\nEND\nrm x"] {
            assert!(held(text).unwrap_err().contains("is not written into a script"));
        }
        let quoted = |name: &str| render_held(name, "{{ x|safe }}", &crate::value::json!({"x": "'"}));
        assert_eq!(quoted("a.md.j2").unwrap(), "'");
    }

    #[test]
    fn blocks_leave_no_blank_lines() {
        assert_eq!(render("a.txt.j2", "a\n{% if vpc_id %}\nb\n{% endif %}\nc\n", &facts()).unwrap(), "a\nc\n");
    }
}
