//! Go's regular expressions (RE2), which patterns in Kubernetes are, by the crate `regex`, which differs in what it takes.
//! Source: <https://pkg.go.dev/regexp/syntax>

use regex::{Regex, RegexBuilder};

/// A pattern as it was read.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// It can be asked.
    Good(Regex),
    /// Go refuses it, and why.
    Invalid(String),
    /// Go may take it, but it cannot be asked here.
    Unknown,
}

impl Pattern {
    /// Whether it matches somewhere in a text; a pattern that cannot be asked does.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Good(regex) => regex.is_match(text),
            Pattern::Invalid(_) | Pattern::Unknown => true,
        }
    }
}

/// Most repetitions that Go allows.
const REPEATS: u32 = 1000;

/// Reads a pattern of Go's.
pub fn read(pattern: &str) -> Pattern {
    let translated = match translate(pattern) {
        Ok(translated) => translated,
        Err(why) => return Pattern::Invalid(why),
    };
    match RegexBuilder::new(&translated).size_limit(16 << 20).nest_limit(1000).build() {
        Ok(regex) => Pattern::Good(regex),
        Err(regex::Error::Syntax(why)) if !why.contains("Unicode") => {
            let line = why.lines().rfind(|line| line.starts_with("error")).unwrap_or("it cannot be read");
            Pattern::Invalid(line.trim_start_matches("error: ").to_owned())
        }
        Err(_) => Pattern::Unknown,
    }
}

struct Reader<'p> {
    rest: &'p str,
    out: String,
}

/// A pattern of Go's in the syntax of `regex`.
fn translate(pattern: &str) -> Result<String, String> {
    let mut reader = Reader { rest: pattern, out: String::with_capacity(pattern.len() + 8) };
    let mut open = 0_usize;
    // Whether a repetition may follow, and whether what was read last is one.
    let (mut atom, mut repeated) = (false, false);
    while let Some(sign) = reader.rest.chars().next() {
        let mut is_repeat = false;
        let mut is_atom = true;
        match sign {
            '\\' => is_atom = reader.escape(false)?,
            '[' => reader.class()?,
            '(' => {
                reader.group()?;
                open += 1;
                is_atom = false;
            }
            ')' => {
                open = open.checked_sub(1).ok_or("unexpected )")?;
                reader.copy(1);
            }
            '|' => {
                reader.copy(1);
                is_atom = false;
            }
            '^' | '$' => reader.copy(1),
            '*' | '+' | '?' => {
                is_repeat = true;
                reader.copy(1);
            }
            '{' => match repetition(reader.rest) {
                Some((from, to, length)) => {
                    if from > REPEATS || to.is_some_and(|to| to > REPEATS || to < from) {
                        return Err(format!("invalid repeat count: `{}`", &reader.rest[..length]));
                    }
                    is_repeat = true;
                    reader.copy(length);
                }
                // A brace that is no repetition stands for itself.
                None => reader.literal('{'),
            },
            '}' | ']' => reader.literal(sign),
            _ => reader.copy(sign.len_utf8()),
        }
        if is_repeat {
            if !atom {
                return Err(format!("missing argument to repetition operator: `{sign}`"));
            }
            if repeated {
                return Err("invalid nested repetition operator".to_owned());
            }
            if reader.rest.starts_with('?') {
                reader.copy(1);
            }
        }
        repeated = is_repeat;
        atom = is_atom || is_repeat;
    }
    if open > 0 {
        return Err("missing closing )".to_owned());
    }
    Ok(reader.out)
}

/// `{n}`, `{n,}` or `{n,m}`: from, to and its length.
fn repetition(rest: &str) -> Option<(u32, Option<u32>, usize)> {
    let inner = rest.strip_prefix('{')?;
    let inner = &inner[..inner.find('}')?];
    let number = |text: &str| {
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
        plain.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let length = inner.len() + 2;
    match inner.split_once(',') {
        None => number(inner).map(|count| (count, Some(count), length)),
        Some((from, "")) => number(from).map(|from| (from, None, length)),
        Some((from, to)) => Some((number(from)?, Some(number(to)?), length)),
    }
}

impl Reader<'_> {
    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn literal(&mut self, sign: char) {
        self.out.push_str(&regex::escape(sign.encode_utf8(&mut [0; 4])));
        self.skip(sign.len_utf8());
    }

    fn group(&mut self) -> Result<(), String> {
        let Some(flags) = self.rest.strip_prefix("(?") else {
            self.copy(1);
            return Ok(());
        };
        for start in ["P<", "<"] {
            if let Some(named) = flags.strip_prefix(start) {
                let end = named.find('>').ok_or("invalid named capture")?;
                let name = &named[..end];
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return Err(format!("invalid named capture: `{name}`"));
                }
                // A name may start with a digit in Go.
                self.out.extend([format!("(?P<_{name}>")]);
                self.skip(2 + start.len() + end + 1);
                return Ok(());
            }
        }
        let end = flags.find([':', ')']).ok_or("missing closing )")?;
        if !flags[..end].chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-')) || flags[..end].ends_with('-') {
            return Err(format!("invalid or unsupported Perl syntax: `(?{}`", &flags[..=end]));
        }
        if flags[..end].is_empty() && flags.starts_with(')') {
            return Err("missing argument to repetition operator: `?`".to_owned());
        }
        if flags[end..].starts_with(')') {
            // Flags alone open no group; an empty one closes where the caller counts.
            self.out.extend([format!("(?{}", &flags[..end])]);
        } else {
            self.out.extend([format!("(?{}:", &flags[..end])]);
        }
        self.skip(2 + end + usize::from(flags[end..].starts_with(':')));
        Ok(())
    }

    /// An escape; whether something was read that a repetition may follow.
    fn escape(&mut self, in_class: bool) -> Result<bool, String> {
        let mut signs = self.rest.chars();
        signs.next();
        let Some(sign) = signs.next() else { return Err("trailing backslash at end of expression".to_owned()) };
        let after = 1 + sign.len_utf8();
        let class = |inner: &str| if in_class { inner.to_owned() } else { format!("[{inner}]") };
        let text = match sign {
            'Q' if !in_class => {
                let body = &self.rest[2..];
                let end = body.find("\\E").unwrap_or(body.len());
                self.out.push_str(&regex::escape(&body[..end]));
                self.skip(2 + end + if end < body.len() { 2 } else { 0 });
                return Ok(end > 0);
            }
            'E' if !in_class => String::new(),
            'd' => class("0-9"),
            'D' => "[^0-9]".to_owned(),
            'w' => class("0-9A-Za-z_"),
            'W' => "[^0-9A-Za-z_]".to_owned(),
            's' => class(r"\t\n\f\r\x20"),
            'S' => r"[^\t\n\f\r\x20]".to_owned(),
            'A' | 'z' if !in_class => format!("\\{sign}"),
            'b' | 'B' if !in_class => format!("(?-u:\\{sign})"),
            'a' | 'f' | 't' | 'n' | 'r' | 'v' => format!("\\{sign}"),
            'C' if !in_class => "(?s:.)".to_owned(),
            'p' | 'P' => {
                let length = match self.rest[after..].chars().next() {
                    Some('{') => self.rest[after..].find('}').ok_or("invalid character class range")? + 1,
                    Some(one) => one.len_utf8(),
                    None => return Err("invalid character class range".to_owned()),
                };
                self.copy(after + length);
                return Ok(true);
            }
            'x' => return self.hexadecimal(),
            '0'..='7' => {
                let octal = self.rest[1..].bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
                if sign != '0' && octal == 1 {
                    return Err(format!("invalid escape sequence: `\\{sign}`"));
                }
                let code = u32::from_str_radix(&self.rest[1..=octal], 8).unwrap_or_default();
                self.out.extend([format!("\\x{{{code:x}}}")]);
                self.skip(1 + octal);
                return Ok(true);
            }
            sign if sign.is_ascii_punctuation() => {
                if in_class || "\\.+*?()|[]{}^$#&-~/".contains(sign) {
                    format!("\\x{{{:x}}}", u32::from(sign))
                } else {
                    sign.to_string()
                }
            }
            sign => return Err(format!("invalid escape sequence: `\\{sign}`")),
        };
        self.out.push_str(&text);
        self.skip(after);
        Ok(!text.is_empty())
    }

    fn hexadecimal(&mut self) -> Result<bool, String> {
        let rest = &self.rest[2..];
        let (digits, length) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or("invalid escape sequence: `\\x{`")?;
                (&inner[..end], end + 2)
            }
            None => (rest.get(..2).ok_or("invalid escape sequence: `\\x`")?, 2),
        };
        let code = u32::from_str_radix(digits, 16).ok().filter(|code| *code <= 0x0010_ffff);
        let code = code.ok_or_else(|| format!("invalid escape sequence: `\\x{digits}`"))?;
        self.out.extend([format!("\\x{{{code:x}}}")]);
        self.skip(2 + length);
        Ok(true)
    }

    fn class(&mut self) -> Result<(), String> {
        self.copy(1);
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        loop {
            let Some(sign) = self.rest.chars().next() else { return Err("missing closing ]".to_owned()) };
            match sign {
                ']' if !first => {
                    self.copy(1);
                    return Ok(());
                }
                '[' if self.rest.starts_with("[:") && self.rest[2..].contains(":]") => {
                    let length = self.rest.find(":]").unwrap_or_default() + 2;
                    self.copy(length);
                }
                '\\' => {
                    self.escape(true)?;
                }
                // A dash last in its class stands for itself, and so do dashes beside each other.
                '-' => {
                    let ends = self.rest[1..].starts_with(']');
                    if first || ends { self.literal_in_class('-') } else { self.copy(1) }
                }
                '[' | ']' | '&' | '~' | '^' => self.literal_in_class(sign),
                _ => self.copy(sign.len_utf8()),
            }
            first = false;
        }
    }

    fn literal_in_class(&mut self, sign: char) {
        self.out.extend([format!("\\x{{{:x}}}", u32::from(sign))]);
        self.skip(sign.len_utf8());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_go_are_read_as_go_reads_them() {
        for (pattern, matching, other) in [
            (r"^[^[]$", "a", "["),
            (r"^a{,5}$", "a{,5}", "aa"),
            (r"^{$", "{", "a"),
            (r"^}a]$", "}a]", "a"),
            (r"^\Qa.b\E$", "a.b", "axb"),
            (r"^\d$", "1", "\u{0661}"),
            (r"^[\w&&[]$", "[", "é"),
            (r"^\<$", "<", "a"),
            (r"^[a\-z]$", "-", "b"),
            (r"^(?i:A)b$", "ab", "aB"),
            (r"(?i)^A$", "a", "b"),
            (r"^[]a]$", "]", "b"),
            (r"^[[:alpha:]-]$", "-", "1"),
            (r"^\x41\101$", "AA", "A"),
            (r"^(?P<1>a)$", "a", "b"),
            (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", "a-"),
        ] {
            let Pattern::Good(regex) = read(pattern) else { panic!("{pattern} is not read: {:?}", read(pattern)) };
            assert!(regex.is_match(matching) && !regex.is_match(other), "{pattern} became {regex}");
        }
    }

    #[test]
    fn patterns_that_go_refuses_are_invalid() {
        for pattern in [
            "(", ")", "[", "a**", "a++", "*", "(?=a)", r"\1", r"\u0041", r"\h", "a{1001}", "a{2,1}", "(?x)a", "[b-a]",
            "|*",
        ] {
            assert!(matches!(read(pattern), Pattern::Invalid(_)), "{pattern}");
        }
    }
}
