//! The `format` of a string in a CRD's schema. Formats that are not here are not checked.
//! Source: <https://github.com/kubernetes/kube-openapi/blob/master/pkg/validation/strfmt/default.go>

use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;

/// Whether a text has the form that `format` names; true where the format is not known.
pub(super) fn has_format(format: &str, text: &str) -> bool {
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let like = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => crate::kubernetes::names::is_cidr(text),
        "mac" => text.split([':', '-']).count() == 6 && text.split([':', '-']).all(|part| hex(part, 2)),
        "uuid" => {
            let plain = text.replace('-', "");
            hex(&plain, 32)
        }
        "byte" => like(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
        "date" => like(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
        "date-time" => like(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"),
        _ => true,
    }
}
