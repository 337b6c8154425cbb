//! The forms of names and texts that the API server takes.
//! Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>

use std::net::IpAddr;

use super::addresses;

/// What is wrong with `text` as something of the form that `rules.txt` names; `None` where nothing is.
pub fn wrong(form: &str, text: &str) -> Option<String> {
    let good = match form {
        "label" => is_label(text),
        "subdomain" => is_subdomain(text),
        "qualified" => is_qualified(text),
        "port-name" => is_port_name(text),
        "env" => !text.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'='),
        "ip" => addresses::wrong_ip(text, true).is_none(),
        "loose-ip" => addresses::loose_ip(text).is_some(),
        "absolute-path" => text.starts_with('/'),
        "iqn" => is_iqn(text),
        "driver" => text.len() <= 63 && is_subdomain(&text.to_lowercase()),
        "search-strict" => is_subdomain(text.strip_suffix('.').unwrap_or(text)),
        "env-strict" => is_env_strict(text),
        "tls-host" => is_subdomain(text.strip_prefix("*.").unwrap_or(text)) && text.len() <= 253,
        "group-version" => is_group_version(text),
        "cidr" => is_cidr(text),
        "label-1035" => is_label_1035(text),
        "label-value" => is_label_value(text),
        "limit-type" => {
            matches!(text, "Container" | "PersistentVolumeClaim" | "Pod") || (text.contains('/') && is_qualified(text))
        }
        "search" => text == "." || is_search(text.strip_suffix('.').unwrap_or(text)),
        "some" => !text.is_empty(),
        "config-key" => is_config_key(text),
        "path-segment" => is_path_segment(text),
        "header" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        "url-path" => is_url_path(text),
        "domain-path" => {
            text.len() <= 250
                && text.split_once('/').is_some_and(|(domain, path)| is_subdomain(domain) && is_path(path))
        }
        "provisioner" => is_qualified(&text.to_lowercase()),
        "resource-field" => is_resource_field(text),
        "without-dots" => !text.is_empty() && without_dots(text),
        "file-path" => {
            !text.is_empty() && !text.starts_with(['/', '\\']) && !text.starts_with("..") && without_dots(text)
        }
        "relative-path" => !text.is_empty() && !text.starts_with('/') && without_dots(text),
        "https" => {
            text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@']))
        }
        "webhook" => is_subdomain(text) && text.split('.').count() >= 3,
        "host" => {
            is_subdomain(text.strip_prefix("*.").unwrap_or(text))
                && text.len() <= 253
                && addresses::loose_ip(text).is_none()
        }
        "field-path" => is_field_path(text),
        "cron" => is_cron(text),
        _ => true,
    };
    (!good).then(|| format!("`{text}` is not {}", words(form)))
}

/// A form in words.
pub(crate) fn words(form: &str) -> &'static str {
    match form {
        "label" => "a DNS label: lower-case letters, digits and dashes, 63 at the most",
        "subdomain" => "a DNS subdomain: lower-case letters, digits, dashes and dots, 253 at the most",
        "qualified" => {
            "a qualified name: letters, digits, `-`, `_` and `.`, 63 at the most, and a domain with a slash before it if any"
        }
        "port-name" => {
            "the name of a port: lower-case letters, digits and single dashes, a letter among them, 15 at the most"
        }
        "env" => "the name of an environment variable",
        "ip" | "loose-ip" => "an IP address",
        "absolute-path" => "an absolute path",
        "iqn" => "the name of an initiator: iqn, eui or naa, and what belongs to it",
        "driver" => "the name of a driver: a DNS subdomain, 63 characters at the most",
        "search-strict" => "a domain to search in",
        "env-strict" => "the name of an environment variable: letters, digits, `-`, `_` and `.`, the first no digit",
        "tls-host" => "a DNS name, with `*.` before it or without",
        "group-version" => "a version, with a group before it or without",
        "cidr" => "a CIDR block",
        "label-1035" => "a DNS label that starts with a letter",
        "label-value" => "the value of a label: letters, digits, `-`, `_` and `.`, 63 at the most",
        "limit-type" => "Container, PersistentVolumeClaim or Pod",
        "search" => "a domain to search in",
        "some" => "a text with something in it",
        "config-key" => "a key of a ConfigMap or a Secret: letters, digits, `-`, `_` and `.`, 253 at the most",
        "path-segment" => "a name without `/` and `%`",
        "header" => "the name of an HTTP header: letters, digits and dashes",
        "url-path" => "a path of a URL: a slash, and then DNS subdomains with slashes between them",
        "domain-path" => "a domain, a slash and a path, 250 characters at the most",
        "provisioner" => "the name of a provisioner, such as efs.csi.aws.com",
        "resource-field" => "limits or requests of cpu, memory or ephemeral-storage, such as limits.cpu",
        "without-dots" => "a path without `..`",
        "file-path" => "a relative path that does not start with `..` or have it within",
        "relative-path" => "a relative path without `..`",
        "https" => "an https URL without user, query and fragment",
        "webhook" => "a domain of three parts or more, as a webhook's name has to be",
        "host" => "a DNS name, with `*.` before it or without",
        "field-path" => "a field of the pod that can be referred to",
        "cron" => "a cron schedule of five fields",
        _ => "of the right form",
    }
}

/// A DNS label (RFC 1123).
pub fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A DNS label that starts with a letter (RFC 1035).
pub fn is_label_1035(text: &str) -> bool {
    is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A DNS subdomain (RFC 1123); its parts may be longer than a label.
pub fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// A DNS subdomain whose parts may start with an underscore and have more of them within.
fn is_search(text: &str) -> bool {
    let part = |part: &str| {
        let part = part.strip_prefix('_').unwrap_or(part);
        !part.starts_with('_') && !part.ends_with('_') && is_subdomain(&part.replace('_', "a"))
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// A domain name: a DNS subdomain whose parts are DNS labels.
pub fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_name_part(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && text.starts_with(edge)
        && text.ends_with(edge)
}

/// The key of a label or an annotation.
pub fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_name_part(name),
        None => is_name_part(text),
    }
}

/// The value of a label.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name_part(text)
}

/// A name as a part of a URL, which is all that RBAC demands.
pub fn is_path_segment(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '%'])
}

/// The key of a `ConfigMap` or a Secret.
pub fn is_config_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && text != "."
        && !text.starts_with("..")
}

/// The name of a port (IANA).
fn is_port_name(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name of an iSCSI initiator.
fn is_iqn(text: &str) -> bool {
    let hex = |rest: &str, count: usize| {
        rest.strip_prefix(|_: char| true)
            .is_some_and(|rest| rest.len() == count && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if let Some(rest) = text.strip_prefix("eui") {
        return hex(rest, 16);
    }
    if let Some(rest) = text.strip_prefix("naa") {
        return hex(rest, 32);
    }
    let Some(rest) = text.strip_prefix("iqn.") else { return false };
    let date = |range: std::ops::Range<usize>| rest.get(range).is_some_and(|t| t.bytes().all(|b| b.is_ascii_digit()));
    let (authority, target) = rest.get(8..).unwrap_or_default().split_once(':').unwrap_or_default();
    date(0..4)
        && rest.get(4..5) == Some("-")
        && date(5..7)
        && rest.get(7..8) == Some(".")
        && !authority.is_empty()
        && authority.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !target.is_empty()
        && !target.contains(|c: char| matches!(c, ',' | ';' | '*' | '&' | '$' | '|') || c.is_ascii_whitespace())
}

/// The name of an environment variable, as Kubernetes took it up to 1.31.
fn is_env_strict(text: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_' | b'.');
    text.bytes().next().is_some_and(first)
        && text.bytes().all(|b| first(b) || b.is_ascii_digit())
        && text != "."
        && !text.starts_with("..")
}

/// `v1`, `apps/v1`.
fn is_group_version(text: &str) -> bool {
    text.matches('/').count() <= 1
}

/// A block of addresses.
pub fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u16>().is_ok_and(|bits| bits <= most)
}

fn without_dots(path: &str) -> bool {
    path.split('/').all(|part| part != "..")
}

/// The path of a webhook.
fn is_url_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    rest.is_empty() || rest.strip_suffix('/').unwrap_or(rest).split('/').all(is_subdomain)
}

/// What may follow the host in a URL.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b))
}

fn is_resource_field(text: &str) -> bool {
    let Some((group, resource)) = text.split_once('.') else { return false };
    matches!(group, "limits" | "requests")
        && (["cpu", "memory", "ephemeral-storage"].contains(&resource) || resource.starts_with("hugepages-"))
}

fn is_field_path(text: &str) -> bool {
    const FIELDS: [&str; 11] = [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let key = |start: &str| text.strip_prefix(start).and_then(|rest| rest.strip_suffix("']"));
    FIELDS.contains(&text)
        || key("metadata.labels['").is_some_and(is_qualified)
        || key("metadata.annotations['").is_some_and(|key| is_qualified(&key.to_lowercase()))
}

/// A schedule as `CronJob` reads it: five fields, or a name such as `@daily`, with a time zone before that or without. That no new
/// one may have a zone there is said elsewhere.
/// Source: <https://github.com/robfig/cron/blob/v3.0.1/parser.go>
fn is_cron(text: &str) -> bool {
    match text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
        Some(zoned) => zoned.split_once(' ').is_some_and(|(zone, text)| {
            (zone.is_empty() || super::time_zones::is_zone(zone)) && is_cron_without_zone(text.trim())
        }),
        None => is_cron_without_zone(text),
    }
}

fn is_cron_without_zone(text: &str) -> bool {
    const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    if NAMED.contains(&text) {
        return true;
    }
    if let Some(every) = text.strip_prefix("@every ") {
        return every.ends_with(['s', 'm', 'h']) && every.starts_with(|c: char| c.is_ascii_digit());
    }
    let fields: Vec<_> = text.split_whitespace().collect();
    let number = |text: &str, names: &[&str], base: u32| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name)).and_then(|i| u32::try_from(i).ok());
        named.map(|i| i + base).or_else(|| text.parse::<u32>().ok())
    };
    let field = |text: &str, low: u32, high: u32, names: &[&str]| {
        text.split(',').all(|part| {
            let (span, step) = part.split_once('/').map_or((part, None), |(span, step)| (span, Some(step)));
            let step_is = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0));
            // What follows a star and a dash is not looked at.
            let span_is = matches!(span.split('-').next(), Some("*" | "?"))
                || match span.split_once('-') {
                    Some((from, to)) => match (number(from, names, low), number(to, names, low)) {
                        (Some(from), Some(to)) => low <= from && from <= to && to <= high,
                        _ => false,
                    },
                    None => number(span, names, low).is_some_and(|n| (low..=high).contains(&n)),
                };
            step_is && span_is
        })
    };
    matches!(fields.as_slice(), [minute, hour, day, month, weekday]
        if field(minute, 0, 59, &[]) && field(hour, 0, 23, &[]) && field(day, 1, 31, &[])
            && field(month, 1, 12, &MONTHS) && field(weekday, 0, 6, &DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_texts_pass_and_others_are_named() {
        for (form, good, bad) in [
            ("label", "a-1", "A"),
            ("label", "1a", "-a"),
            ("subdomain", "a.b-c", "a..b"),
            ("qualified", "example.com/A_b.c", "example.com/"),
            ("port-name", "http2", "http--2"),
            ("port-name", "a", "0123456789abcdef"),
            ("port-name", "8a", "80"),
            ("env", "a.b-c", "a=b"),
            ("ip", "::1", "10.0.0"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("relative-path", "a/..b", "a/../b"),
            ("https", "https://a.b/c", "http://a.b"),
            ("webhook", "a.b.c", "a.b"),
            ("host", "*.example.com", "10.0.0.1"),
            ("field-path", "metadata.labels['a/b']", "spec.nothing"),
            ("cron", "*/5 1-3 * jan,feb mon-fri", "60 * * * *"),
            ("cron", "@daily", "* * * *"),
            ("cron", "TZ=UTC 0 0 * * *", "TZ=UTC 0 0 * *"),
            ("cron", "CRON_TZ=Europe/Berlin  @daily", "CRON_TZ=Europe/Nowhere @daily"),
            ("cron", "TZ= 0 0 * * *", "TZ=UTC"),
        ] {
            assert_eq!(wrong(form, good), None, "{form} {good}");
            assert!(wrong(form, bad).is_some(), "{form} {bad}");
        }
    }

    #[test]
    fn every_form_has_words() {
        assert!(wrong("label", "A").unwrap().contains("a DNS label"));
        assert_ne!(words("cron"), words("no such form"));
    }
}
