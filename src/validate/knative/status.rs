//! The status, which the webhook reads into Go's types before it fills in anything: the API server would drop it later, and what
//! cannot be read is refused before.
//! Sources: <https://github.com/knative/pkg/blob/release-1.23/apis/volatile_time.go>, `apis/url.go` there, and the types of
//! `pkg/apis` of serving and networking

use super::super::Found;
use super::super::at::{At, integer};
use super::super::shape::is_time;
use super::CODE;
use crate::value::Value;

/// The type of a field.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Bool,
    Int(u32),
    Time,
    Url,
    IntOrText,
    Texts,
    Object(&'static [(&'static str, Type)]),
    List(&'static [(&'static str, Type)]),
}

use Type::{Bool, Int, IntOrText, List, Object, Text, Texts, Time, Url};

const CONDITION: &[(&str, Type)] = &[
    ("type", Text),
    ("status", Text),
    ("severity", Text),
    ("lastTransitionTime", Time),
    ("reason", Text),
    ("message", Text),
];
const ADDRESS: &[(&str, Type)] = &[("name", Text), ("url", Url), ("CACerts", Text), ("audience", Text)];
const TARGET: &[(&str, Type)] = &[
    ("tag", Text),
    ("revisionName", Text),
    ("configurationName", Text),
    ("latestRevision", Bool),
    ("percent", Int(64)),
    ("url", Url),
];
const CONTAINER: &[(&str, Type)] = &[("name", Text), ("imageDigest", Text)];
const BALANCER: &[(&str, Type)] =
    &[("ingress", List(&[("ip", Text), ("domain", Text), ("domainInternal", Text), ("meshOnly", Bool)]))];

/// What all have.
const COMMON: &[(&str, Type)] =
    &[("observedGeneration", Int(64)), ("conditions", List(CONDITION)), ("annotations", Texts)];

/// What a kind has besides.
fn of_kind(kind: &str) -> &'static [(&'static str, Type)] {
    match kind {
        "Service" => &[
            ("latestCreatedRevisionName", Text),
            ("latestReadyRevisionName", Text),
            ("url", Url),
            ("address", Object(ADDRESS)),
            ("traffic", List(TARGET)),
        ],
        "Configuration" => &[("latestCreatedRevisionName", Text), ("latestReadyRevisionName", Text)],
        "Route" => &[("url", Url), ("address", Object(ADDRESS)), ("traffic", List(TARGET))],
        "DomainMapping" => &[("url", Url), ("address", Object(ADDRESS))],
        "Revision" => &[
            ("logUrl", Text),
            ("containerStatuses", List(CONTAINER)),
            ("initContainerStatuses", List(CONTAINER)),
            ("actualReplicas", Int(32)),
            ("desiredReplicas", Int(32)),
        ],
        "PodAutoscaler" => {
            &[("serviceName", Text), ("metricsServiceName", Text), ("desiredScale", Int(32)), ("actualScale", Int(32))]
        }
        "ServerlessService" => &[("serviceName", Text), ("privateServiceName", Text)],
        "Certificate" => &[
            ("notAfter", Time),
            (
                "http01Challenges",
                List(&[("url", Url), ("serviceName", Text), ("serviceNamespace", Text), ("servicePort", IntOrText)]),
            ),
        ],
        "Ingress" => &[("publicLoadBalancer", Object(BALANCER)), ("privateLoadBalancer", Object(BALANCER))],
        _ => &[],
    }
}

/// Checks the status of an object whose kind the webhook reads.
pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let Some(status) = At::root(&object.value).get("status") else { return };
    read(found, &status, Object(COMMON));
    if status.value.is_object() {
        read(found, &status, Object(of_kind(&object.identity.kind)));
    }
}

fn read(found: &mut Found<'_>, at: &At<'_>, of: Type) {
    let wanted = match (of, at.value) {
        (_, Value::Null) => return,
        (Text | IntOrText, Value::String(_)) | (Bool, Value::Bool(_)) => return,
        (Int(bits), value) if integer(value).is_some_and(|n| bits == 64 || i32::try_from(n).is_ok()) => return,
        (IntOrText, value) if integer(value).is_some_and(|n| i32::try_from(n).is_ok()) => return,
        (Time, Value::String(text)) if is_time(text) => return,
        (Url, Value::String(text)) => match wrong_url(text) {
            None => return,
            Some(why) => why,
        },
        (Texts, Value::Object(map)) => {
            for key in map.keys() {
                if let Some(at) = at.get(key) {
                    read(found, &at, Text);
                }
            }
            return;
        }
        (Object(fields), Value::Object(_)) => {
            for (name, of) in fields {
                if let Some(at) = at.get(name) {
                    read(found, &at, *of);
                }
            }
            return;
        }
        (List(fields), Value::Array(items)) => {
            for (i, value) in items.iter().enumerate() {
                read(found, &At { value, path: format!("{}/{i}", at.path) }, Object(fields));
            }
            return;
        }
        (Text, _) => "it has to be a string",
        (Bool, _) => "it has to be true or false",
        (Int(_) | IntOrText, _) => "it has to be a whole number",
        (Time, _) => "it has to be a time such as 2006-01-02T15:04:05Z",
        (Url, _) => "it has to be a URL in a string",
        (Texts | Object(_), _) => "it has to be a mapping",
        (List(_), _) => "it has to be a list",
    };
    let what =
        format!("Knative's webhook cannot read the status: {wanted}; leave the status out, the server drops it anyway");
    found.at(CODE, &at.path, what);
}

/// What Go's `url.Parse` says.
fn wrong_url(text: &str) -> Option<&'static str> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Some("there is a control character in the URL");
    }
    let text = text.split_once('#').map_or(text, |(text, _)| text);
    let rest = match scheme(text) {
        Err(why) => return Some(why),
        Ok(rest) => rest,
    };
    let has_scheme = rest.len() < text.len();
    let before_query = rest.split_once('?').map_or(rest, |(path, _)| path);
    let (authority, path) = match before_query.strip_prefix("//") {
        Some(rest) if !rest.starts_with('/') => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        _ => (None, before_query),
    };
    if !has_scheme && !path.starts_with('/') && path.split('/').next().is_some_and(|first| first.contains(':')) {
        return Some("the first part of its path has a colon in it");
    }
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    if let Some(why) = host.and_then(wrong_host) {
        return Some(why);
    }
    // What follows a scheme without a slash is kept as it is.
    let opaque = has_scheme && authority.is_none() && !path.starts_with('/');
    (!opaque && !has_good_escapes(path)).then_some("a `%` in it is not followed by two hexadecimal digits")
}

/// What follows the scheme, if there is one.
fn scheme(text: &str) -> Result<&str, &'static str> {
    for (i, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if i > 0 => {}
            ':' if i == 0 => return Err("there is no scheme before its colon"),
            ':' => return Ok(&text[i + 1..]),
            _ => return Ok(text),
        }
    }
    Ok(text)
}

fn wrong_host(host: &str) -> Option<&'static str> {
    let port = if host.starts_with('[') {
        let Some(end) = host.rfind(']') else { return Some("there is no `]` after its host") };
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |at| &host[at..])
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit())) {
        return Some("what follows its host is no port");
    }
    let strange = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_.~!$&'()*+,;=:[]<>\"%".contains(c);
    (host.contains(strange) || !has_good_escapes(host)).then_some("its host has a character that no host has")
}

fn has_good_escapes(text: &str) -> bool {
    let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    (0..bytes.len()).filter(|i| bytes[*i] == b'%').all(|i| hex(bytes.get(i + 1)) && hex(bytes.get(i + 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_go_reads_them() {
        for good in
            ["http://a", "", "a:b", "/a:b", "http://a:80/b%20c?d=%zz", "http://[::1]:8080/", "//a/b", "mailto:%zz"]
        {
            assert_eq!(wrong_url(good), None, "{good}");
        }
        for bad in
            ["http://a b/", "%zz", ":a", "http://[::1", "http://a:b", "1a:b", "a\nb", "http://a/%zz", "http://%zz/"]
        {
            assert!(wrong_url(bad).is_some(), "{bad}");
        }
    }
}
