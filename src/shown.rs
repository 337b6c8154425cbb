//! What people get to see: texts of any origin, made fit for a terminal.
//!
//! Names, file names, kinds and messages come from manifests, rules, folders and servers. None of them may drive a terminal,
//! turn a line around, pretend to be a line of its own, or bring a password along. Everything that is said goes through here.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

pub use knrender_objects::near::near;

/// A text of several lines: line feeds and tabs stay, everything else that is not seen is spelt out (`\u{1b}`), and URLs lose
/// user and password.
pub fn text(text: &str) -> Cow<'_, str> {
    neutral(text, |c| c == '\n' || c == '\t', |out, c| _ = write!(out, "{}", c.escape_unicode()))
}

/// A text that is to be part of one line: as [`text()`], and line feeds and tabs are spelt out, too.
pub fn line(text: &str) -> Cow<'_, str> {
    neutral(
        text,
        |_| false,
        |out, c| {
            _ = write!(
                out,
                "{}",
                if c.is_ascii() { c.escape_default().to_string() } else { c.escape_unicode().to_string() }
            );
        },
    )
}

/// A text of several lines in which what was typed on the command line breaks none: its control characters are spelt out.
pub fn spelt(text: &str, arguments: impl Iterator<Item = OsString>) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        if !argument.contains(char::is_control) {
            continue;
        }
        // An error may name a part of it: a value behind `=`, an item of a list.
        let parts = argument.split([',', '=', ':', ' ', '/']).filter(|part| part.contains(char::is_control));
        for part in [argument.trim(), &argument].into_iter().chain(parts).filter(|part| part.trim() != "") {
            text = text.replace(part, &line(part));
        }
    }
    text
}

/// A JSON text: what is not seen is escaped as JSON does, so that it reads back as the same.
pub fn json(text: &str) -> Cow<'_, str> {
    neutral(
        text,
        |c| c == '\n',
        |out, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

/// A path, as part of one line.
pub fn path(path: &Path) -> String {
    line(&path.display().to_string()).into_owned()
}

/// A word of a shell command: as it is where it cannot be anything else, and otherwise in quotes.
pub fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

fn neutral(text: &str, stays: fn(char) -> bool, spell: fn(&mut String, char)) -> Cow<'_, str> {
    let text = without_credentials(text);
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(is_plain) || !text.chars().any(|c| is_unseen(c) && !stays(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) && !stays(c) { spell(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Whether a character does something instead of being seen: control characters (C0, DEL, C1), line and paragraph
/// separators, marks of direction, and those without a width.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every URL in it less its user and password.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    if !(text.contains('@') && text.contains("://")) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let end = url.find(|c: char| c.is_whitespace() || "\"'`<>|".contains(c)).unwrap_or(url.len());
        rest = &url[host(&url[..end])..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the host begins in what follows the scheme of a URL. A password that holds a slash, which no URL may, counts as one.
pub fn host(url: &str) -> usize {
    let authority = url.find(['/', '\\', '?', '#']).unwrap_or(url.len());
    if let Some(at) = url[..authority].rfind('@') {
        return at + 1;
    }
    let is_port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_host = url[..authority].rsplit_once(':').is_none_or(|(host, port)| is_port(port) || host.starts_with('['));
    let more = if is_host { None } else { url.rfind('@') };
    more.map_or(0, |at| at + 1)
}

/// `text` in lines of at most 110 columns, those after the first indented by `indent`.
pub fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        if column > indent && column + word.len() > 110 {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
        }
        wrapped.push_str(word);
        column += word.len() + 1;
    }
    wrapped
}

/// `1 object`, `2 objects`.
pub fn objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_spelt_out() {
        for hostile in [
            '\u{1b}', '\u{7}', '\u{0}', '\u{7f}', '\u{9b}', '\u{85}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}',
            '\u{feff}', '\r',
        ] {
            let given = format!("a{hostile}b");
            for said in [text(&given), line(&given), json(&given)] {
                assert!(!said.contains(hostile) && said.starts_with('a') && said.ends_with('b'), "{hostile:?}: {said}");
            }
            let read: String = serde_json::from_str(&json(&serde_json::to_string(&given).unwrap())).unwrap();
            assert_eq!(read, given);
        }
        assert_eq!(text("a\n\tb é"), "a\n\tb é");
        assert_eq!(line("a\nb\tc"), "a\\nb\\tc");
        assert_eq!(json("{\n  \"a\": 1\n}\n"), "{\n  \"a\": 1\n}\n");
        assert_eq!(json("\u{e0001}"), "\\udb40\\udc01");
    }

    #[test]
    fn what_was_typed_breaks_no_line() {
        let arguments = ["knrender", "--domain", "a\nknrender: fine", "--with=a,b\n"].map(OsString::from);
        let said = spelt("--domain `a\nknrender: fine`: no\nnext: b\n", arguments.into_iter());
        assert_eq!(said, "--domain `a\\nknrender: fine`: no\nnext: b\\n");
        assert_eq!(spelt("a\nb", [OsString::from("\n")].into_iter()), "a\nb");
    }

    #[test]
    fn passwords_in_urls_are_not_said() {
        for (given, said) in [
            ("--mirror http://user:secret@host/x: no", "--mirror http://host/x: no"),
            ("(https://secret@host:8443)", "(https://host:8443)"),
            ("`ssh://git:sec/ret@host/x`", "`ssh://host/x`"),
            ("https://u:s#cret@host", "https://host"),
            ("https://host:8443/a@b", "https://host:8443/a@b"),
            ("https://host/a@b and ghcr.io/a:1@sha256:x", "https://host/a@b and ghcr.io/a:1@sha256:x"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
            ("a://b:secret@c://d:secret@e", "a://c://e"),
        ] {
            assert_eq!(without_credentials(given), said);
            assert!(!line(given).contains("secret") && !text(given).contains("secret"));
        }
    }

    #[test]
    fn a_word_of_a_command_is_one_word() {
        assert_eq!(word("out/a-b"), "out/a-b");
        assert_eq!(word("o ut;'x'"), r"'o ut;'\''x'\'''");
    }
}
