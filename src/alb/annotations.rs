//! The annotations that the AWS Load Balancer Controller reads, as data (`data/alb/annotations.yaml`), and what it says to a
//! value: each is read as the controller's own parser reads it, and then held against what Elastic Load Balancing takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::json::Schema;
use crate::value::Value;
use crate::{embedded, yaml};

/// What every annotation of the controller starts with.
pub const PREFIX: &str = "alb.ingress.kubernetes.io/";

/// Everything that is known.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Knowledge {
    annotations: Vec<Annotation>,
    schemas: BTreeMap<String, Schema>,
    attributes: BTreeMap<String, BTreeMap<String, Takes>>,
    /// Policies of TLS.
    pub ssl_policies: Policies,
}

/// The policies that say which versions of TLS are spoken.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// That of an Ingress that names none.
    pub default: String,
    current: Vec<String>,
    old: Vec<String>,
}

/// One annotation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Annotation {
    /// The name without the prefix; `*` at its end stands for a name.
    pub name: String,
    value: Kind,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    elb_words: Vec<String>,
    #[serde(default)]
    range: Option<[i64; 2]>,
    #[serde(default)]
    elb_range: Option<[i64; 2]>,
    #[serde(default)]
    length: Option<usize>,
    #[serde(default)]
    count: Option<Count>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    attributes: Option<String>,
    /// Whether it may stand on a Service, too.
    #[serde(default)]
    pub service: bool,
    /// How the Ingresses of a group share it.
    #[serde(default)]
    pub group: Option<Sharing>,
    /// Whether it says nothing without a listener for HTTPS.
    #[serde(default)]
    pub tls: bool,
}

/// What an annotation takes that is neither a list nor structured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain<'k> {
    /// True or false, as Go reads it.
    Bool,
    /// A whole number from one to the other.
    Number([i64; 2]),
    /// One of these words.
    Words(&'k [String]),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    elb: [usize; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Text,
    Bool,
    Int,
    List,
    Map,
    Json,
}

/// How the Ingresses of a group share an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// All that have it have the same.
    One,
    /// The same for each key that several have.
    OnePerKey,
    /// The same for each listener that several have.
    OnePerPort,
}

/// What an attribute takes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Takes {
    Range([i64; 2]),
    Words(Vec<String>),
    Kind(Kind),
}

/// What is wrong with a value, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The controller stops there, and changes nothing.
    Controller(String),
    /// Elastic Load Balancing refuses what the controller asks for.
    Elb(String),
}

/// The knowledge in the binary; a test keeps it readable.
pub fn known() -> &'static Knowledge {
    static KNOWN: LazyLock<Knowledge> = LazyLock::new(|| {
        let text = embedded::text("data/alb/annotations.yaml").unwrap_or_default();
        yaml::parse_own(text).unwrap_or_default()
    });
    &KNOWN
}

impl Knowledge {
    /// The annotation of a name, which is without the prefix.
    pub fn find(&self, name: &str) -> Option<&Annotation> {
        self.annotations.iter().find(|annotation| match annotation.name.strip_suffix('*') {
            Some(start) => name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            None => annotation.name == name,
        })
    }

    /// The annotation whose name is most like one that there is not.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', '.'], "");
        let distance = |other: &str| strsim::damerau_levenshtein(&plain(name), &plain(other));
        let near = |(distance, other): &(usize, &str)| *distance <= 1 + other.len().max(name.len()) / 4;
        let names = self.annotations.iter().map(|annotation| annotation.name.trim_end_matches(".*"));
        names.map(|other| (distance(other), other)).filter(near).min().map(|(_, other)| other)
    }

    /// Annotations whose values are plain: what each takes, by its name.
    pub fn plain(&self) -> impl Iterator<Item = (&str, Plain<'_>)> {
        self.annotations.iter().filter(|annotation| !annotation.name.ends_with('*')).filter_map(|annotation| {
            let takes = match annotation.value {
                Kind::Bool => Plain::Bool,
                Kind::Int => Plain::Number(annotation.range.unwrap_or([i32::MIN.into(), i32::MAX.into()])),
                Kind::Text if !annotation.words.is_empty() => Plain::Words(&annotation.words),
                _ => return None,
            };
            Some((annotation.name.as_str(), takes))
        })
    }

    /// The names of all, with a `*` for what is free.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.annotations.iter().map(|annotation| annotation.name.as_str())
    }

    /// All of a kind of sharing.
    pub fn shared(&self, how: Sharing) -> impl Iterator<Item = &Annotation> {
        self.annotations.iter().filter(move |annotation| annotation.group == Some(how))
    }

    fn attribute(&self, of: &str, key: &str, value: &str) -> Option<Fault> {
        let known = self.attributes.get(of)?;
        let Some(takes) = known.get(key) else {
            let distance = |other: &str| strsim::damerau_levenshtein(key, other);
            let near = known.keys().min_by_key(|other| distance(other)).filter(|other| distance(other) <= 12);
            let near = near.map(|near| format!("; {near} is near it")).unwrap_or_default();
            return Some(Fault::Elb(format!("there is no attribute {key} of an Application Load Balancer{near}")));
        };
        let why = match takes {
            Takes::Range([least, most]) => {
                let inside = value.parse::<i64>().is_ok_and(|n| (*least..=*most).contains(&n));
                (!inside).then(|| format!("a number from {least} to {most}"))
            }
            Takes::Words(words) => (!words.iter().any(|word| word == value)).then(|| words.join(" or ")),
            Takes::Kind(Kind::Bool) => (!["true", "false"].contains(&value)).then(|| "true or false".to_owned()),
            Takes::Kind(_) => None,
        };
        let slow = key == "slow_start.duration_seconds" && value.parse::<i64>().is_ok_and(|n| (1..30).contains(&n));
        let why = why.or_else(|| slow.then(|| "0, or a number from 30 to 900".to_owned()))?;
        Some(Fault::Elb(format!("{key} is `{value}`, and has to be {why}")))
    }
}

impl Policies {
    /// Whether ELB has a policy of this name. There are some for RFC 9151 besides those that are listed.
    pub fn has(&self, name: &str) -> bool {
        self.current.iter().chain(&self.old).any(|known| known == name) || name.contains("RFC9151")
    }

    /// Whether a policy still speaks TLS 1.0 or 1.1.
    pub fn is_old(&self, name: &str) -> bool {
        self.old.iter().any(|old| old == name)
    }

    /// The policy whose name is most like one that there is not.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let distance = |other: &str| strsim::damerau_levenshtein(name, other);
        let all = self.current.iter().chain(&self.old).map(String::as_str);
        all.map(|other| (distance(other), other)).min().filter(|(distance, _)| *distance <= 12).map(|(_, other)| other)
    }
}

impl Annotation {
    /// What the controller or ELB says to a value. Of several things that are wrong, the first.
    pub fn fault(&self, name: &str, text: &str) -> Option<Fault> {
        let refused = |why: String| Some(Fault::Controller(why));
        match self.value {
            Kind::Bool => match boolean(text) {
                Some(_) => None,
                None => refused(format!("`{text}` is neither true nor false")),
            },
            Kind::Int => self.number_fault(text),
            Kind::Text => self.text_fault(text),
            Kind::List => {
                let items = list(text);
                let [least, most] = self.count?.elb;
                let why = format!("{} in a list of {least} to {most}", items.len());
                (!(least..=most).contains(&items.len())).then_some(Fault::Elb(why))
            }
            Kind::Map => match map(text) {
                None => refused(format!("`{text}` is not of the form k1=v1,k2=v2")),
                Some(pairs) => {
                    let of = self.attributes.as_deref()?;
                    pairs.iter().find_map(|(key, value)| known().attribute(of, key, value))
                }
            },
            Kind::Json => {
                let value: Value = match serde_json::from_str(text) {
                    Ok(value) => value,
                    Err(why) => return refused(format!("it is not JSON: {why}")),
                };
                let schema = known().schemas.get(self.schema.as_deref()?)?;
                schema.fault(&value).or_else(|| super::json::meaning(name, &value))
            }
        }
    }

    fn number_fault(&self, text: &str) -> Option<Fault> {
        let Some(number) = integer(text) else {
            return Some(Fault::Controller(format!("`{text}` is no whole number")));
        };
        let outside = |range: Option<[i64; 2]>| range.filter(|[least, most]| !(*least..=*most).contains(&number));
        let why = |[least, most]: [i64; 2]| format!("{number} is not between {least} and {most}");
        outside(self.range)
            .map(|range| Fault::Controller(why(range)))
            .or_else(|| outside(self.elb_range).map(|range| Fault::Elb(why(range))))
    }

    fn text_fault(&self, text: &str) -> Option<Fault> {
        let none_of = |words: &[String]| !words.is_empty() && !words.iter().any(|word| word == text);
        let why = |words: &[String]| format!("`{text}` is none of {}", words.join(", "));
        if none_of(&self.words) {
            return Some(Fault::Controller(why(&self.words)));
        }
        if none_of(&self.elb_words) {
            return Some(Fault::Elb(why(&self.elb_words)));
        }
        let most = self.length.filter(|most| text.chars().count() > *most)?;
        Some(Fault::Controller(format!("`{text}` is longer than {most} characters")))
    }

    /// What of a JSON value is passed over, as a path into it: a field that the controller does not know.
    pub fn passed_over(&self, text: &str) -> Option<String> {
        let value: Value = serde_json::from_str(text).ok().filter(|_| self.value == Kind::Json)?;
        known().schemas.get(self.schema.as_deref()?)?.unknown_field(&value)
    }
}

/// As Go's `strconv.ParseBool` reads it.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// As Go's `strconv.ParseInt` reads it, in 32 bits.
pub fn integer(text: &str) -> Option<i64> {
    text.parse::<i32>().ok().map(i64::from)
}

/// A list that commas separate; what is empty is passed over.
pub fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// Pairs that commas separate, or nothing where a part has no `=` or nothing before it. A comma in a value is escaped by a
/// backslash.
pub fn map(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => current.extend(chars.next().map_or(Some(c), |(_, escaped)| Some(escaped))),
            ',' if text[at + 1..].contains('=') => parts.push(std::mem::take(&mut current)),
            ',' if !text[at + 1..].trim().is_empty() => return None,
            _ => current.push(c),
        }
    }
    if !current.is_empty() {
        parts.push(current);
    }
    let pair = |part: &String| {
        let (key, value) = part.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), value.trim().to_owned()))
    };
    parts.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, text: &str) -> Option<Fault> {
        known().find(name).unwrap().fault(name, text)
    }

    #[test]
    fn the_knowledge_in_the_binary_can_be_read() {
        let text = embedded::text("data/alb/annotations.yaml").unwrap();
        let known: Knowledge = yaml::parse_as(text).unwrap();
        assert!(known.annotations.len() > 60 && known.ssl_policies.has(&known.ssl_policies.default));
        for annotation in &known.annotations {
            assert!(annotation.schema.iter().all(|schema| known.schemas.contains_key(schema)), "{}", annotation.name);
            assert!(annotation.attributes.iter().all(|of| known.attributes.contains_key(of)), "{}", annotation.name);
        }
    }

    #[test]
    fn values_are_read_as_the_controller_reads_them() {
        let is_refused = |name, text| matches!(fault(name, text), Some(Fault::Controller(_)));
        for (name, text) in [
            ("shield-advanced-protection", "yes"),
            ("ssl-redirect", " 443"),
            ("group.order", "1001"),
            ("scheme", "public"),
            ("tags", "team"),
            ("tags", "=a"),
            ("tags", "a=b,c"),
            ("listen-ports", "[{HTTP: 80}]"),
            ("listen-ports", r#"[{"HTTP": "80"}]"#),
            ("load-balancer-name", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"),
        ] {
            assert!(is_refused(name, text), "{name}: {text}");
        }
        for (name, text) in [
            ("shield-advanced-protection", "T"),
            ("ssl-redirect", "+443"),
            ("tags", r"a=b\,c,d="),
            ("tags", "a=b=c,"),
            ("listen-ports", r#"[{"HTTP": 80}, {"HTTPS": 443}]"#),
            ("certificate-arn", ""),
        ] {
            assert_eq!(fault(name, text), None, "{name}: {text}");
        }
    }

    #[test]
    fn what_the_controller_takes_and_elb_does_not_is_told_apart() {
        let is_elbs = |name, text| matches!(fault(name, text), Some(Fault::Elb(_)));
        for (name, text) in [
            ("unhealthy-threshold-count", "1"),
            ("security-groups", "a,b,c,d,e,f"),
            ("load-balancer-attributes", "idle_timeout.timeout_seconds=4001"),
            ("load-balancer-attributes", "idle_timeout.seconds=10"),
            ("load-balancer-attributes", "deletion_protection.enabled=yes"),
            ("target-group-attributes", "slow_start.duration_seconds=10"),
            ("listener-attributes.HTTPS-443", "routing.http.response.server.enabled=1"),
        ] {
            assert!(is_elbs(name, text), "{name}: {text}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_in_another_spelling() {
        let nearest = |name| known().nearest(name);
        assert_eq!(nearest("health-check-path"), Some("healthcheck-path"));
        assert_eq!(nearest("load-balancer-attribute"), Some("load-balancer-attributes"));
        assert_eq!(nearest("groupName"), Some("group.name"));
        assert_eq!(nearest("action.redirect"), None);
        assert_eq!(nearest("something-else-entirely"), None);
    }
}
