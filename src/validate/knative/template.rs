//! Go's text templates, as far as Knative has to know whether it can read them and what comes of them.
//! Sources: <https://github.com/golang/go/blob/go1.25.0/src/text/template/parse/lex.go>,
//! <https://github.com/golang/go/blob/go1.25.0/src/text/template/exec.go>

use std::iter::Peekable;
use std::vec::IntoIter;

/// What a template says of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    /// A text.
    Text(String),
    /// A mapping without entries, from texts to texts.
    Empty,
    /// A structure with these fields.
    Fields(&'static [(&'static str, Field)]),
    /// Something that only Go can work out.
    Unknown,
}

/// What a field of a structure holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field {
    /// A text.
    Text(&'static str),
    /// A mapping without entries.
    Map,
    /// Anything else.
    Other,
}

/// The functions that every template has.
const FUNCTIONS: &[&str] = &[
    "and", "break", "call", "continue", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or",
    "print", "printf", "println", "slice", "urlquery",
];

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Field(String),
    Variable(String),
    Constant(Option<String>),
    Sign(&'static str),
}

/// Whether Go can parse a template.
///
/// # Errors
/// In words, why not.
pub(super) fn parse(text: &str) -> Result<(), String> {
    run(text, None).map(|_| ())
}

/// What comes of a template with this data; `None` where only Go can tell.
///
/// # Errors
/// In words, why nothing comes of it.
pub(super) fn execute(text: &str, data: &Data) -> Result<Option<String>, String> {
    run(text, Some(data))
}

/// Parses, and executes where there is data. Branches are all looked into for what cannot be parsed; what they print is only
/// Go's to say.
fn run(text: &str, data: Option<&Data>) -> Result<Option<String>, String> {
    let mut printed = Some(String::new());
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    let mut trim = false;
    while let Some(start) = rest.find("{{") {
        let action = &rest[start + 2..];
        let before = if trim { rest[..start].trim_start() } else { &rest[..start] };
        let trims = action.strip_prefix('-').is_some_and(|a| a.starts_with([' ', '\t', '\r', '\n']));
        let before = if trims { before.trim_end() } else { before };
        if let Some(printed) = &mut printed {
            printed.push_str(before);
        }
        let body = if trims { &action[1..] } else { action };
        let (inside, after) = if let Some(comment) = body.trim_start().strip_prefix("/*") {
            let end = comment.find("*/").ok_or("unclosed comment")?;
            let after = comment[end + 2..].trim_start();
            let after = after.strip_prefix('-').unwrap_or(after);
            ("", after.strip_prefix("}}").ok_or("comment ends before closing delimiter")?)
        } else {
            let end = close(body)?;
            (&body[..end], &body[end + 2..])
        };
        trim = inside.strip_suffix('-').is_some_and(|i| i.ends_with([' ', '\t', '\r', '\n']));
        let inside = if trim { &inside[..inside.len() - 1] } else { inside };
        rest = after;
        if body.trim_start().starts_with("/*") {
            continue;
        }
        let tokens = tokens(inside)?;
        match act(tokens, &mut open, data)? {
            Some(Data::Text(text)) => {
                if let Some(printed) = &mut printed {
                    printed.push_str(&text);
                }
            }
            Some(_) => printed = None,
            None => {}
        }
    }
    if !open.is_empty() {
        return Err("unexpected EOF: an `end` is missing".to_owned());
    }
    if let Some(printed) = &mut printed {
        printed.push_str(if trim { rest.trim_start() } else { rest });
    }
    Ok(printed)
}

/// Where an action ends, outside of quotes.
fn close(body: &str) -> Result<usize, String> {
    let bytes = body.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'}' if bytes.get(i + 1) == Some(&b'}') => return Ok(i),
            quote @ (b'"' | b'\'' | b'`') => {
                i += 1;
                while i < bytes.len() && bytes[i] != quote {
                    if bytes[i] == b'\n' && quote != b'`' {
                        return Err("unterminated quoted string".to_owned());
                    }
                    i += if bytes[i] == b'\\' && quote != b'`' { 2 } else { 1 };
                }
                if i >= bytes.len() {
                    return Err("unterminated quoted string".to_owned());
                }
                i += 1;
            }
            _ => i += 1,
        }
    }
    Err("unclosed action".to_owned())
}

fn tokens(inside: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = inside;
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let after = &rest[first.len_utf8()..];
        let (token, length) = match first {
            '.' if after.starts_with(|c: char| c.is_ascii_digit()) => number(rest)?,
            '.' => (Token::Field(after[..word(after)].to_owned()), 1 + word(after)),
            '$' => (Token::Variable(after[..word(after)].to_owned()), 1 + word(after)),
            '"' | '\'' | '`' => {
                let end = after.char_indices().scan(false, |escaped, (i, c)| {
                    let ends = c == first && !*escaped;
                    *escaped = c == '\\' && !*escaped && first != '`';
                    Some((i, ends))
                });
                let end = end.filter(|(_, ends)| *ends).map(|(i, _)| i).next().ok_or("unterminated quoted string")?;
                let plain = !after[..end].contains('\\') || first == '`';
                let text = (first != '\'' && plain).then(|| after[..end].to_owned());
                (Token::Constant(text), end + 2)
            }
            '|' => (Token::Sign("|"), 1),
            '(' => (Token::Sign("("), 1),
            ')' => (Token::Sign(")"), 1),
            ',' => (Token::Sign(","), 1),
            ':' if after.starts_with('=') => (Token::Sign(":="), 2),
            '=' => (Token::Sign("="), 1),
            c if c.is_ascii_digit() || matches!(c, '+' | '-') => number(rest)?,
            c if c.is_alphabetic() || c == '_' => (Token::Word(rest[..word(rest)].to_owned()), word(rest)),
            c => return Err(format!("unexpected `{c}` in an action")),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c)).unwrap_or(rest.len());
    let text = &rest[..end];
    let digits = text.trim_start_matches(['+', '-']);
    if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.contains(|c: char| c.is_ascii_digit()) {
        Ok((Token::Constant(None), end))
    } else {
        Err(format!("bad number syntax: {text}"))
    }
}

/// One action. What it prints; `None` where it prints nothing.
fn act(tokens: Vec<Token>, open: &mut Vec<String>, data: Option<&Data>) -> Result<Option<Data>, String> {
    // Inside of a branch or a loop only Go knows what is executed and with which dot.
    let data_here = if open.is_empty() { data } else { None };
    let mut tokens = tokens.into_iter().peekable();
    let Some(Token::Word(word)) = tokens.peek().cloned() else {
        return pipeline(&mut tokens, data_here, true).map(Some);
    };
    match word.as_str() {
        "if" | "with" | "range" => {
            tokens.next();
            pipeline(&mut tokens, data_here, false)?;
            open.push(word);
            Ok(Some(Data::Unknown))
        }
        "block" | "define" | "template" => {
            if word != "template" {
                open.push(word);
            }
            Ok(Some(Data::Unknown))
        }
        "else" => match open.last().map(String::as_str) {
            Some("if" | "with" | "range") => Ok(None),
            _ => Err("unexpected {{else}}".to_owned()),
        },
        "end" => open.pop().map(|_| None).ok_or_else(|| "unexpected {{end}}".to_owned()),
        "break" | "continue" if open.iter().any(|o| o == "range") => Ok(None),
        _ => pipeline(&mut tokens, data_here, true).map(Some),
    }
}

/// Commands with `|` between them, up to the end or a closing parenthesis.
fn pipeline(tokens: &mut Peekable<IntoIter<Token>>, data: Option<&Data>, top: bool) -> Result<Data, String> {
    let mut value = None;
    let mut declares = false;
    loop {
        let mut operands: Vec<(Option<String>, Data)> = Vec::new();
        while let Some(token) = tokens.peek().cloned() {
            match token {
                Token::Sign("|" | ")") => break,
                Token::Sign("(") => {
                    tokens.next();
                    let inner = pipeline(tokens, data, false)?;
                    if tokens.next() != Some(Token::Sign(")")) {
                        return Err("unclosed left paren".to_owned());
                    }
                    operands.push((None, inner));
                    continue;
                }
                Token::Sign(":=" | "=" | ",") => {
                    if !matches!(operands.as_slice(), [(None, Data::Unknown)]) {
                        return Err("unexpected assignment".to_owned());
                    }
                    operands.clear();
                    declares = true;
                }
                Token::Sign(other) => return Err(format!("unexpected {other}")),
                Token::Field(name) => {
                    // `.A.B`, and a field of what stands in parentheses.
                    operands.push((None, field(data.unwrap_or(&Data::Unknown), &name, data.is_some())?));
                }
                Token::Variable(_) => operands.push((None, Data::Unknown)),
                Token::Constant(Some(text)) => operands.push((None, Data::Text(text))),
                Token::Constant(None) => operands.push((None, Data::Unknown)),
                Token::Word(word) if matches!(word.as_str(), "true" | "false" | "nil") => {
                    operands.push((None, Data::Unknown));
                }
                Token::Word(word) if FUNCTIONS.contains(&word.as_str()) => operands.push((Some(word), Data::Unknown)),
                Token::Word(word) => return Err(format!("function \"{word}\" not defined")),
            }
            tokens.next();
        }
        value = Some(command(&operands, value.as_ref())?);
        match tokens.peek() {
            Some(Token::Sign("|")) => {
                tokens.next();
            }
            Some(Token::Sign(")")) if top => return Err("unexpected right paren".to_owned()),
            _ if declares => return Ok(Data::Text(String::new())),
            _ => return value.ok_or_else(|| "missing value for command".to_owned()),
        }
    }
}

fn field(data: &Data, name: &str, known: bool) -> Result<Data, String> {
    if name.is_empty() || !known {
        return Ok(if name.is_empty() && known { data.clone() } else { Data::Unknown });
    }
    match data {
        Data::Fields(fields) => match fields.iter().find(|(field, _)| *field == name) {
            Some((_, Field::Text(text))) => Ok(Data::Text((*text).to_owned())),
            Some((_, Field::Map)) => Ok(Data::Empty),
            Some((_, Field::Other)) => Ok(Data::Unknown),
            None => Err(format!("there is no field {name}")),
        },
        Data::Text(_) => Err(format!("there is no field {name} in a text")),
        Data::Empty | Data::Unknown => Ok(Data::Unknown),
    }
}

fn command(operands: &[(Option<String>, Data)], piped: Option<&Data>) -> Result<Data, String> {
    match operands {
        [] => Err("missing value for command".to_owned()),
        [(None, _), _, ..] if operands.iter().skip(1).all(|(function, _)| function.is_none()) => {
            // `.A.B` comes as two; anything else cannot be given arguments.
            Ok(Data::Unknown)
        }
        [(None, value)] if piped.is_none() => Ok(value.clone()),
        [(None, _)] => Err("it cannot be given an argument".to_owned()),
        [(Some(function), _), arguments @ ..] => {
            let values: Vec<&Data> = arguments.iter().map(|(_, value)| value).chain(piped).collect();
            Ok(match (function.as_str(), values.as_slice()) {
                ("print" | "html" | "js" | "urlquery", [Data::Text(text)])
                    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) =>
                {
                    Data::Text(text.clone())
                }
                ("index", [Data::Empty, _]) => Data::Text(String::new()),
                _ => Data::Unknown,
            })
        }
        _ => Ok(Data::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: Data = Data::Fields(&[("Name", Field::Text("foo")), ("Labels", Field::Map), ("More", Field::Other)]);

    #[test]
    fn what_go_cannot_parse_is_refused() {
        for bad in ["{{.Name", "{{", "{{end}}", "{{if .A}}x", "{{nope .A}}", "{{\"a}}", "{{}}", "{{.A | }}", "{{)}}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for good in [
            "",
            "}}",
            "{{.Request.Method}}",
            "{{js .A.B}}",
            "{{/* c */}}x",
            "{{- .A -}}",
            "{{if eq .A \"x\"}}y{{else}}z{{end}}",
        ] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn fields_that_are_not_there_are_refused_and_the_others_printed() {
        assert_eq!(execute("a-{{.Name}}.b", &DATA), Ok(Some("a-foo.b".to_owned())));
        assert_eq!(execute("a {{- .Name -}} b", &DATA), Ok(Some("afoob".to_owned())));
        assert_eq!(execute("{{index .Labels \"x\"}}y", &DATA), Ok(Some("y".to_owned())));
        assert_eq!(execute("{{if .Labels}}y{{end}}", &DATA), Ok(None));
        assert!(execute("{{.name}}", &DATA).is_err());
    }
}
