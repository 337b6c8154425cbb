//! Text to tree, with the macros expanded.

use super::Fault;
use super::syntax::{Expr, Kind, Literal, Macro, MacroKind, RESERVED};

/// How often one rule of the grammar may stand within itself, as in cel-go.
const DEPTH: usize = 250;
/// How deep a tree may be here, and how much of that an expression within another takes; deeper ones are not refused, but
/// not looked at either.
const TREE: usize = 300;
const NEST: usize = 5;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Ident(String),
    Literal(Literal),
    Sign(&'static str),
    End,
}

impl PartialEq for Literal {
    fn eq(&self, _: &Literal) -> bool {
        false
    }
}

/// Reads an expression.
pub(super) fn parse(source: &str) -> Result<Expr, Fault> {
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens, next: 0, ids: 0, depth: 0, calc: 0, tree: 0 };
    let expr = parser.expr()?;
    match parser.token() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected()),
    }
}

const SIGNS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "+", "-", "*", "/", "%", "<",
    ">", "!", "=", "&",
];

fn tokens(source: &str) -> Result<Vec<(Token, usize)>, Fault> {
    let bytes = source.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &source[at..];
        if byte.is_ascii_whitespace() || byte == 0x0b {
            at += 1;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if byte.is_ascii_digit() || (byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
            let (literal, length) = number(rest, at)?;
            out.push((Token::Literal(literal), at));
            at += length;
        } else if let Some((raw, is_bytes, quote)) = string_start(bytes, at) {
            let (literal, end) = string(source, quote, raw, is_bytes)?;
            out.push((Token::Literal(literal), at));
            at = end;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            let word = &rest[..length];
            let token = match word {
                "true" => Token::Literal(Literal::Bool(true)),
                "false" => Token::Literal(Literal::Bool(false)),
                "null" => Token::Literal(Literal::Null),
                "in" => Token::Sign("in"),
                _ => Token::Ident(word.to_owned()),
            };
            out.push((token, at));
            at += length;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign) && !matches!(**sign, "=" | "&")) {
            out.push((Token::Sign(sign), at));
            at += sign.len();
        } else {
            let sign = rest.chars().next().unwrap_or_default();
            return Err(Fault::new(at, format!("syntax error: `{sign}` has no meaning here")));
        }
    }
    out.push((Token::End, at));
    Ok(out)
}

fn number(rest: &str, at: usize) -> Result<(Literal, usize), Fault> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    if rest.starts_with("0x") || rest.starts_with("0X") {
        let length = bytes[2..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let text = &rest[2..2 + length];
        let wrong = || Fault::new(at, format!("`0x{text}` is no integer of 64 bits"));
        if bytes.get(2 + length).is_some_and(|b| matches!(b, b'u' | b'U')) {
            return Ok((Literal::Uint(u64::from_str_radix(text, 16).map_err(|_| wrong())?), 3 + length));
        }
        return Ok((Literal::Int(i64::from_str_radix(text, 16).map_err(|_| wrong())?), 2 + length));
    }
    let mut end = digits(0);
    let mut whole = true;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + digits(end + 1);
        whole = false;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign).map_or(0, |_| digits(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
            whole = false;
        }
    }
    let text = &rest[..end];
    let wrong = || Fault::new(at, format!("`{text}` is no integer of 64 bits"));
    if !whole {
        return Ok((Literal::Double(text.parse().map_err(|_| wrong())?), end));
    }
    if matches!(bytes.get(end), Some(b'u' | b'U')) {
        return Ok((Literal::Uint(text.parse().map_err(|_| wrong())?), end + 1));
    }
    // The smallest integer is read with its sign, as a text of 19 digits beyond the largest.
    match text.parse::<i64>() {
        Ok(number) => Ok((Literal::Int(number), end)),
        Err(_) if text == "9223372036854775808" => Ok((Literal::Int(i64::MIN), end)),
        Err(_) => Err(wrong()),
    }
}

/// Whether a string starts here: raw, of bytes, and where its quotes are.
fn string_start(bytes: &[u8], at: usize) -> Option<(bool, bool, usize)> {
    let (mut raw, mut is_bytes, mut end) = (false, false, at);
    while let Some(byte) = bytes.get(end).filter(|_| end < at + 2) {
        match byte {
            b'r' | b'R' if !raw => raw = true,
            b'b' | b'B' if !is_bytes && !raw => is_bytes = true,
            _ => break,
        }
        end += 1;
    }
    matches!(bytes.get(end), Some(b'"' | b'\'')).then_some((raw, is_bytes, end))
}

fn string(source: &str, quote: usize, raw: bool, is_bytes: bool) -> Result<(Literal, usize), Fault> {
    let mark = &source[quote..=quote];
    let triple = mark.repeat(3);
    let long = source[quote..].starts_with(&triple);
    let end_mark: &str = if long { &triple } else { mark };
    let mut at = quote + end_mark.len();
    let mut out = Vec::new();
    loop {
        let rest = &source[at..];
        let Some(sign) = rest.chars().next() else {
            return Err(Fault::new(quote, "syntax error: a string does not end"));
        };
        if rest.starts_with(end_mark) {
            at += end_mark.len();
            break;
        }
        if !long && matches!(sign, '\n' | '\r') {
            return Err(Fault::new(quote, "syntax error: a string ends with its line"));
        }
        if sign == '\\' {
            if raw {
                let next = rest[1..].chars().next().map_or(0, char::len_utf8);
                out.extend_from_slice(&rest.as_bytes()[..=next]);
                at += 1 + next;
            } else {
                at += escape(rest, at, is_bytes, &mut out)?;
            }
        } else {
            out.extend_from_slice(&rest.as_bytes()[..sign.len_utf8()]);
            at += sign.len_utf8();
        }
    }
    if is_bytes {
        return Ok((Literal::Bytes(out), at));
    }
    let text = String::from_utf8(out).map_err(|_| Fault::new(quote, "a string is no text"))?;
    Ok((Literal::Text(text), at))
}

fn escape(rest: &str, at: usize, is_bytes: bool, out: &mut Vec<u8>) -> Result<usize, Fault> {
    let bytes = rest.as_bytes();
    let wrong = || Fault::new(at, "syntax error: an escape that has no meaning");
    let plain = match bytes.get(1) {
        Some(b'a') => Some(7),
        Some(b'b') => Some(8),
        Some(b'f') => Some(12),
        Some(b'n') => Some(b'\n'),
        Some(b'r') => Some(b'\r'),
        Some(b't') => Some(b'\t'),
        Some(b'v') => Some(11),
        Some(b @ (b'\\' | b'\'' | b'"' | b'`' | b'?')) => Some(*b),
        _ => None,
    };
    if let Some(byte) = plain {
        out.push(byte);
        return Ok(2);
    }
    let (start, digits, radix) = match bytes.get(1) {
        Some(b'x' | b'X') => (2, 2, 16),
        Some(b'u') => (2, 4, 16),
        Some(b'U') => (2, 8, 16),
        Some(b'0'..=b'3') => (1, 3, 8),
        _ => return Err(wrong()),
    };
    let text = rest.get(start..start + digits).ok_or_else(wrong)?;
    let code = u32::from_str_radix(text, radix).map_err(|_| wrong())?;
    if let Some(byte) = u8::try_from(code).ok().filter(|_| is_bytes && digits < 4) {
        out.push(byte);
    } else {
        let sign = char::from_u32(code).ok_or_else(wrong)?;
        out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(start + digits)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    ids: usize,
    depth: usize,
    calc: usize,
    tree: usize,
}

type Parsed = Result<Expr, Fault>;

impl Parser {
    fn token(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, at)| *at)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(found) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.next += usize::from(is);
        is
    }

    fn want(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Fault {
        let what = match self.token() {
            Token::End => "syntax error: it ends too early".to_owned(),
            Token::Sign(sign) => format!("syntax error: `{sign}` has no meaning here"),
            Token::Ident(name) => format!("syntax error: `{name}` has no meaning here"),
            Token::Literal(_) => "syntax error: a value has no meaning here".to_owned(),
        };
        Fault::new(self.at(), what)
    }

    fn make(&mut self, at: usize, kind: Kind) -> Expr {
        self.ids += 1;
        Expr { id: self.ids - 1, at, kind }
    }

    fn call(&mut self, at: usize, function: &str, args: Vec<Expr>) -> Expr {
        self.make(at, Kind::Call { function: function.to_owned(), target: None, args })
    }

    fn too_deep(&self) -> Result<(), Fault> {
        if self.depth > DEPTH || self.calc > DEPTH {
            return Err(Fault::new(self.at(), format!("expression recursion limit exceeded: {DEPTH}")));
        }
        if self.depth * NEST + self.calc + self.tree > TREE {
            return Err(Fault { unknown: true, ..Fault::new(self.at(), "it is too deep to be looked at") });
        }
        Ok(())
    }

    fn expr(&mut self) -> Parsed {
        self.depth += 1;
        self.too_deep()?;
        let at = self.at();
        let mut condition = self.junction("||")?;
        if self.take("?") {
            let yes = self.junction("||")?;
            self.want(":")?;
            let no = self.expr()?;
            condition = self.call(at, "_?_:_", vec![condition, yes, no]);
        }
        self.depth -= 1;
        Ok(condition)
    }

    /// A chain of `||` or `&&`, as a tree that is no deeper than it has to be.
    fn junction(&mut self, sign: &'static str) -> Parsed {
        let at = self.at();
        let mut terms = Vec::new();
        loop {
            terms.push(if sign == "||" { self.junction("&&")? } else { self.binary(0)? });
            if !self.take(sign) {
                break;
            }
        }
        Ok(self.balanced(at, if sign == "||" { "_||_" } else { "_&&_" }, terms))
    }

    fn balanced(&mut self, at: usize, function: &str, mut terms: Vec<Expr>) -> Expr {
        while terms.len() > 1 {
            let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
            let mut each = terms.into_iter();
            while let Some(one) = each.next() {
                pairs.push(match each.next() {
                    Some(other) => self.call(at, function, vec![one, other]),
                    None => one,
                });
            }
            terms = pairs;
        }
        terms.pop().unwrap_or_else(|| self.make(at, Kind::Literal(Literal::Null)))
    }

    /// Relations (0), sums (1) and products (2).
    fn binary(&mut self, level: usize) -> Parsed {
        const SIGNS: [&[&str]; 3] = [&["<", "<=", ">=", ">", "==", "!=", "in"], &["+", "-"], &["*", "/", "%"]];
        let Some(signs) = SIGNS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let before = self.calc;
        loop {
            let at = self.at();
            let Some(sign) = signs.iter().find(|sign| self.is(sign)) else { break };
            self.next += 1;
            self.calc += 1;
            self.too_deep()?;
            let right = self.binary(level + 1)?;
            let function = if *sign == "in" { "@in".to_owned() } else { format!("_{sign}_") };
            left = self.call(at, &function, vec![left, right]);
        }
        self.calc = before;
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        let sign = if self.is("!") { "!" } else { "-" };
        let mut count = 0;
        while self.take(sign) {
            count += 1;
        }
        if sign == "-" && count > 0 {
            if let Token::Literal(literal @ (Literal::Int(_) | Literal::Double(_))) = self.token().clone() {
                // A number with its sign is a literal, and what follows belongs to it.
                self.next += 1;
                let literal = match literal {
                    Literal::Int(number) => Literal::Int(number.wrapping_neg()),
                    Literal::Double(number) => Literal::Double(-number),
                    other => other,
                };
                let number = self.make(at, Kind::Literal(literal));
                let made = self.members(number)?;
                return Ok(if count % 2 == 0 { self.call(at, "-_", vec![made]) } else { made });
            }
        } else if matches!(self.token(), Token::Literal(Literal::Int(i64::MIN))) {
            return Err(Fault::new(at, "`9223372036854775808` is no integer of 64 bits"));
        }
        let primary = self.primary()?;
        let member = self.members(primary)?;
        let function = if sign == "!" { "!_" } else { "-_" };
        Ok(if count % 2 == 1 { self.call(at, function, vec![member]) } else { member })
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        match self.token().clone() {
            Token::Literal(literal) => {
                self.next += 1;
                Ok(self.make(at, Kind::Literal(literal)))
            }
            Token::Ident(name) => self.named(at, name, false),
            Token::Sign(".") => {
                self.next += 1;
                match self.token().clone() {
                    Token::Ident(name) => self.named(at, name, true),
                    _ => Err(self.unexpected()),
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.expr()?;
                self.want(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.next += 1;
                let mut items = Vec::new();
                while !self.is("]") {
                    let optional = self.take("?");
                    items.push((self.expr()?, optional));
                    if !self.take(",") {
                        break;
                    }
                }
                self.want("]")?;
                Ok(self.make(at, Kind::List(items)))
            }
            Token::Sign("{") => {
                self.next += 1;
                let mut entries = Vec::new();
                while !self.is("}") {
                    let optional = self.take("?");
                    let key = self.expr()?;
                    self.want(":")?;
                    entries.push((key, self.expr()?, optional));
                    if !self.take(",") {
                        break;
                    }
                }
                self.want("}")?;
                Ok(self.make(at, Kind::Map(entries)))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A name: a variable, a function, or the type of an object that is made.
    fn named(&mut self, at: usize, name: String, absolute: bool) -> Parsed {
        self.next += 1;
        if RESERVED.contains(&name.as_str()) {
            return Err(Fault::new(at, format!("reserved identifier: {name}")));
        }
        if self.take("(") {
            let args = self.arguments()?;
            if name == "has" && !absolute && args.len() == 1 {
                return has(at, args);
            }
            return Ok(self.make(at, Kind::Call { function: name, target: None, args }));
        }
        if self.is("{") {
            return self.object(at, name);
        }
        Ok(self.make(at, Kind::Ident(name)))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Fault> {
        let mut args = Vec::new();
        if !self.is(")") {
            loop {
                args.push(self.expr()?);
                if !self.take(",") {
                    break;
                }
            }
        }
        self.want(")")?;
        Ok(args)
    }

    fn object(&mut self, at: usize, name: String) -> Parsed {
        self.want("{")?;
        let mut fields = Vec::new();
        while !self.is("}") {
            let optional = self.take("?");
            let Token::Ident(field) = self.token().clone() else { return Err(self.unexpected()) };
            self.next += 1;
            self.want(":")?;
            fields.push((field, self.expr()?, optional));
            if !self.take(",") {
                break;
            }
        }
        self.want("}")?;
        Ok(self.make(at, Kind::Object(name, fields)))
    }

    fn members(&mut self, mut of: Expr) -> Parsed {
        let before = self.tree;
        loop {
            let at = self.at();
            if self.take(".") {
                let optional = self.take("?");
                let Token::Ident(field) = self.token().clone() else { return Err(self.unexpected()) };
                self.next += 1;
                if optional {
                    let name = self.make(at, Kind::Literal(Literal::Text(field)));
                    of = self.call(at, "_?._", vec![of, name]);
                } else if self.take("(") {
                    let args = self.arguments()?;
                    of = self.member_call(at, of, field, args)?;
                } else if self.is("{")
                    && let Some(name) = qualified(&of)
                {
                    of = self.object(at, format!("{name}.{field}"))?;
                } else {
                    of = self.make(at, Kind::Select { of: Box::new(of), field, test: false });
                }
            } else if self.take("[") {
                let optional = self.take("?");
                let index = self.expr()?;
                self.want("]")?;
                of = self.call(at, if optional { "_[?_]" } else { "_[_]" }, vec![of, index]);
            } else {
                break;
            }
            self.tree += 1;
            if self.tree > DEPTH {
                return Err(Fault::new(at, format!("expression recursion limit exceeded: {DEPTH}")));
            }
            self.too_deep()?;
        }
        self.tree = before;
        Ok(of)
    }

    fn member_call(&mut self, at: usize, of: Expr, name: String, mut args: Vec<Expr>) -> Parsed {
        let (kind, variables, filtered) = match (name.as_str(), args.len()) {
            ("all", 2) => (MacroKind::All, 1, false),
            ("exists", 2) => (MacroKind::Exists, 1, false),
            ("exists_one" | "existsOne", 2) => (MacroKind::ExistsOne, 1, false),
            ("all", 3) => (MacroKind::All, 2, false),
            ("exists", 3) => (MacroKind::Exists, 2, false),
            ("exists_one" | "existsOne", 3) => (MacroKind::ExistsOne, 2, false),
            ("map", 2) => (MacroKind::List, 1, false),
            ("map", 3) => (MacroKind::List, 1, true),
            ("filter", 2) => (MacroKind::List, 1, true),
            ("transformList", 3) => (MacroKind::List, 2, false),
            ("transformList", 4) => (MacroKind::List, 2, true),
            ("transformMap", 3) => (MacroKind::TransformMap, 2, false),
            ("transformMap", 4) => (MacroKind::TransformMap, 2, true),
            ("transformMapEntry", 3) => (MacroKind::TransformMapEntry, 2, false),
            ("transformMapEntry", 4) => (MacroKind::TransformMapEntry, 2, true),
            ("sortBy", 2) => (MacroKind::SortBy, 1, false),
            ("optMap", 2) => (MacroKind::OptMap, 1, false),
            ("optFlatMap", 2) => (MacroKind::OptFlatMap, 1, false),
            _ => {
                return Ok(self.make(at, Kind::Call { function: name, target: Some(Box::new(of)), args }));
            }
        };
        let mut rest = args.split_off(variables).into_iter();
        let names = args.into_iter().map(|arg| match arg.kind {
            Kind::Ident(name) if name != "__result__" => Ok(name),
            _ => Err(Fault::new(arg.at, format!("`{name}` wants a plain name for its variable"))),
        });
        let variables: Vec<String> = names.collect::<Result<_, _>>()?;
        let filter = if filtered { rest.next() } else { None };
        let body = match rest.next() {
            Some(body) => body,
            None => self.make(at, Kind::Ident(variables.first().cloned().unwrap_or_default())),
        };
        let made = Macro { kind, range: of, variables, filter, body };
        Ok(self.make(at, Kind::Macro(Box::new(made))))
    }
}

fn has(at: usize, args: Vec<Expr>) -> Parsed {
    match args.into_iter().next() {
        Some(Expr { id, at, kind: Kind::Select { of, field, .. } }) => {
            Ok(Expr { id, at, kind: Kind::Select { of, field, test: true } })
        }
        _ => Err(Fault::new(at, "has() wants a field, as in has(self.field)")),
    }
}

/// `a.b.c`, if that is what it is.
pub(super) fn qualified(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select { of, field, test: false } => Some(format!("{}.{field}", qualified(of)?)),
        _ => None,
    }
}
