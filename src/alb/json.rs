//! JSON in annotations: its form as Go reads it, by a schema that is data, and what the controller and Elastic Load Balancing
//! ask of what it says.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::annotations::Fault;
use crate::aws::Arn;
use crate::value::{Map, Value};

/// The form of a JSON value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Schema {
    /// A single value.
    One(Single),
    /// A list.
    List {
        /// Its items.
        list: Box<Schema>,
    },
    /// An object with any fields.
    Map {
        /// Their values.
        map: Box<Schema>,
    },
    /// An object with these fields; `!` after a name says that it has to be there.
    Object {
        /// The fields.
        object: BTreeMap<String, Schema>,
    },
}

/// The form of a single value.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Single {
    /// A string.
    Text,
    /// A whole number of 32 bits.
    Int,
    /// true or false.
    Bool,
    /// Either of two.
    TextOrInt,
}

fn is_int(value: &Value) -> bool {
    value.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
}

/// A field of an object in whatever case, as Go finds it: the name itself first.
pub fn get<'v>(value: &'v Value, name: &str) -> &'v Value {
    static NOTHING: Value = Value::Null;
    let Some(fields) = value.as_object() else { return &NOTHING };
    let other = || fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    fields.get(name).or_else(other).unwrap_or(&NOTHING)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

impl Schema {
    /// What is wrong with the form of a value.
    pub fn fault(&self, value: &Value) -> Option<Fault> {
        self.wrong(value, "").map(Fault::Controller)
    }

    fn wrong(&self, value: &Value, at: &str) -> Option<String> {
        if value.is_null() {
            return None;
        }
        let here = if at.is_empty() { "it" } else { at };
        match self {
            Schema::One(single) => {
                let (fits, what) = match single {
                    Single::Text => (value.is_string(), "a string"),
                    Single::Int => (is_int(value), "a whole number"),
                    Single::Bool => (value.is_boolean(), "true or false"),
                    Single::TextOrInt => (value.is_string() || is_int(value), "a string or a whole number"),
                };
                (!fits).then(|| format!("{here} has to be {what}, and is {value}"))
            }
            Schema::List { list } => match value.as_array() {
                None => Some(format!("{here} has to be a list, and is {value}")),
                Some(items) => items.iter().enumerate().find_map(|(i, item)| list.wrong(item, &format!("{at}[{i}]"))),
            },
            Schema::Map { map } => match value.as_object() {
                None => Some(format!("{here} has to be an object, and is {value}")),
                Some(fields) => fields.iter().find_map(|(key, value)| map.wrong(value, &join(at, key))),
            },
            Schema::Object { object } => {
                if !value.is_object() {
                    return Some(format!("{here} has to be an object, and is {value}"));
                }
                object.iter().find_map(|(name, schema)| {
                    let plain = name.trim_end_matches('!');
                    let field = get(value, plain);
                    if plain != name && is_empty(field) {
                        return Some(format!("{} is missing", join(at, plain)));
                    }
                    schema.wrong(field, &join(at, plain))
                })
            }
        }
    }

    /// A field that nobody reads, as a path.
    pub fn unknown_field(&self, value: &Value) -> Option<String> {
        self.unknown(value, "")
    }

    fn unknown(&self, value: &Value, at: &str) -> Option<String> {
        match self {
            Schema::One(_) => None,
            Schema::List { list } => {
                let items = value.as_array()?.iter().enumerate();
                items.into_iter().find_map(|(i, item)| list.unknown(item, &format!("{at}[{i}]")))
            }
            Schema::Map { map } => value.as_object()?.iter().find_map(|(k, value)| map.unknown(value, &join(at, k))),
            Schema::Object { object } => value.as_object()?.iter().find_map(|(key, value)| {
                match object.iter().find(|(name, _)| name.trim_end_matches('!').eq_ignore_ascii_case(key)) {
                    None => Some(join(at, key)),
                    Some((_, schema)) => schema.unknown(value, &join(at, key)),
                }
            }),
        }
    }
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    get(value, name).as_str().unwrap_or_default()
}

fn has(value: &Value, name: &str) -> bool {
    !get(value, name).is_null()
}

/// What is wrong with what a value of good form says.
pub fn meaning(name: &str, value: &Value) -> Option<Fault> {
    match name.split('.').next().unwrap_or_default() {
        "listen-ports" => listen_ports(value).map(Fault::Controller),
        "actions" => action(value),
        "conditions" => items(value).find_map(condition),
        "transforms" => items(value).find_map(transform).map(Fault::Controller).or_else(|| transforms(value)),
        "auth-idp-oidc" => endpoints(value).or_else(|| parameters(value)).map(Fault::Elb),
        "auth-idp-cognito" => user_pool(value).or_else(|| parameters(value)).map(Fault::Elb),
        "mutual-authentication" => mutual_authentication(value).map(Fault::Controller),
        "jwt-validation" => items(get(value, "additionalClaims")).find_map(claim).map(Fault::Elb),
        _ => None,
    }
}

fn listen_ports(value: &Value) -> Option<String> {
    let entries: Vec<_> = items(value).filter_map(Value::as_object).flatten().collect();
    if items(value).next().is_none() {
        return Some("it names no port".to_owned());
    }
    let mut seen = BTreeMap::new();
    for (protocol, port) in entries {
        let port = port.as_i64().unwrap_or_default();
        if !(1..=65535).contains(&port) {
            return Some(format!("port {port} is not between 1 and 65535"));
        }
        if !["HTTP", "HTTPS"].contains(&protocol.as_str()) {
            return Some(format!("`{protocol}` is neither HTTP nor HTTPS"));
        }
        if let Some(other) = seen.insert(port, protocol).filter(|other| *other != protocol) {
            return Some(format!("port {port} is to be both {other} and {protocol}"));
        }
    }
    None
}

fn action(value: &Value) -> Option<Fault> {
    let refused = |why: &str| Some(Fault::Controller(why.to_owned()));
    match text(value, "type") {
        "fixed-response" if !has(value, "fixedResponseConfig") => refused("fixedResponseConfig is missing"),
        "redirect" if !has(value, "redirectConfig") => refused("redirectConfig is missing"),
        "fixed-response" => fixed_response(get(value, "fixedResponseConfig")).map(Fault::Elb),
        "redirect" => redirect(get(value, "redirectConfig")).map(Fault::Elb),
        "forward" => {
            let by_name = has(value, "targetGroupARN") || has(value, "targetGroupName");
            match (by_name, has(value, "forwardConfig")) {
                (false, false) => refused("forwardConfig, targetGroupARN and targetGroupName are missing"),
                (true, true) => refused("it has both forwardConfig and targetGroupARN or targetGroupName"),
                (true, false) => None,
                (false, true) => forward(get(value, "forwardConfig")),
            }
        }
        other => refused(&format!("`{other}` is none of forward, redirect, fixed-response")),
    }
}

fn forward(config: &Value) -> Option<Fault> {
    let refused = |why: &str| Some(Fault::Controller(why.to_owned()));
    let groups: Vec<_> = items(get(config, "targetGroups")).collect();
    if groups.is_empty() {
        return Some(Fault::Elb("forwardConfig has no targetGroups".to_owned()));
    }
    if groups.len() > 5 {
        return Some(Fault::Elb(format!("{} target groups in one action; five at the most", groups.len())));
    }
    for group in &groups {
        let by_name = has(group, "targetGroupARN") || has(group, "targetGroupName");
        match (by_name, has(group, "serviceName")) {
            (false, false) => return refused("a target group has neither serviceName nor targetGroupARN"),
            (true, true) => {
                return refused("a target group has both serviceName and targetGroupARN or targetGroupName");
            }
            (false, true) if !has(group, "servicePort") => return refused("a target group has no servicePort"),
            _ => {}
        }
        if groups.len() > 1 && !has(group, "weight") {
            return refused("several target groups, and one has no weight");
        }
        if get(group, "weight").as_i64().is_some_and(|weight| !(0..=999).contains(&weight)) {
            return Some(Fault::Elb(format!("a weight of {} is not between 0 and 999", get(group, "weight"))));
        }
    }
    let arns = groups.iter().map(|group| text(group, "targetGroupARN")).filter(|arn| !arn.is_empty());
    if let Some(arn) = arns.into_iter().find(|arn| !arn.starts_with("arn:")) {
        return Some(Fault::Elb(format!("targetGroupARN `{arn}` is no ARN; targetGroupName takes a name")));
    }
    let stickiness = get(config, "targetGroupStickinessConfig");
    let seconds = get(stickiness, "durationSeconds").as_i64();
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupStickinessConfig.html
    if get(stickiness, "enabled").as_bool() == Some(true) && seconds.is_none() {
        return Some(Fault::Elb("stickiness that is enabled takes durationSeconds".to_owned()));
    }
    let outside = seconds.filter(|seconds| !(1..=604_800).contains(seconds))?;
    Some(Fault::Elb(format!("durationSeconds is {outside}, and has to be between 1 and 604800")))
}

fn fixed_response(config: &Value) -> Option<String> {
    let code = text(config, "statusCode");
    let is_code = code.len() == 3 && code.starts_with(['2', '4', '5']) && code.bytes().all(|b| b.is_ascii_digit());
    if !is_code {
        return Some(format!("statusCode is `{code}`, and has to be 2XX, 4XX or 5XX"));
    }
    let kinds = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
    let kind = text(config, "contentType");
    if has(config, "contentType") && !kinds.contains(&kind) {
        return Some(format!("contentType is `{kind}`, which is none of {}", kinds.join(", ")));
    }
    let long = text(config, "messageBody").len();
    (long > 1024).then(|| format!("messageBody has {long} bytes; 1024 at the most"))
}

fn redirect(config: &Value) -> Option<String> {
    let one_of = |name: &str, words: &[&str]| {
        let given = text(config, name);
        (has(config, name) && !words.contains(&given))
            .then(|| format!("{name} is `{given}`, which is none of {}", words.join(", ")))
    };
    let port = text(config, "port");
    let is_port = port == "#{port}" || port.parse::<u16>().is_ok_and(|port| port > 0);
    let path = text(config, "path");
    one_of("statusCode", &["HTTP_301", "HTTP_302"])
        .or_else(|| one_of("protocol", &["HTTP", "HTTPS", "#{protocol}"]))
        .or_else(|| (has(config, "port") && !is_port).then(|| format!("port is `{port}`, which is no port")))
        .or_else(|| {
            let relative = has(config, "path") && !path.starts_with('/');
            relative.then(|| format!("path is `{path}`, and has to begin with a slash"))
        })
        .or_else(|| {
            let same = |name: &str| !has(config, name) || text(config, name) == format!("#{{{name}}}");
            let loops = ["protocol", "port", "host"].iter().all(|name| same(name))
                && (!has(config, "path") || path == "/#{path}");
            loops
                .then(|| "the redirect goes where it comes from: protocol, host, port or path has to change".to_owned())
        })
}

/// Field of a condition, its configuration, and whether regular expressions are taken.
const CONDITIONS: [(&str, &str, bool); 6] = [
    ("host-header", "hostHeaderConfig", true),
    ("http-header", "httpHeaderConfig", true),
    ("http-request-method", "httpRequestMethodConfig", false),
    ("path-pattern", "pathPatternConfig", true),
    ("query-string", "queryStringConfig", false),
    ("source-ip", "sourceIPConfig", false),
];

/// Whether the controller knows a condition of this field.
pub fn is_condition(field: &str) -> bool {
    CONDITIONS.iter().any(|(known, ..)| *known == field)
}

fn condition(condition: &Value) -> Option<Fault> {
    let refused = |why: String| Some(Fault::Controller(why));
    let field = text(condition, "field");
    // One that it does not know, the controller passes over.
    let (_, config, takes_regex) = CONDITIONS.iter().find(|(known, ..)| *known == field)?;
    if !has(condition, config) {
        return refused(format!("{config} is missing"));
    }
    let config_value = get(condition, config);
    let values: Vec<_> = items(get(config_value, "values")).collect();
    let regexes = items(get(config_value, "regexValues")).count();
    match (values.is_empty(), regexes) {
        (true, 0) => return refused(format!("{config} has no values")),
        (false, 1..) if *takes_regex => return refused(format!("{config} has both values and regexValues")),
        _ => {}
    }
    let header = text(config_value, "httpHeaderName");
    if field == "http-header" && (header.len() > 40 || header.eq_ignore_ascii_case("host")) {
        return Some(Fault::Elb(format!(
            "`{header}` is no header to compare: 40 characters at the most, and not Host"
        )));
    }
    let long = values.iter().any(|value| text(value, "key").len() > 128 || text(value, "value").len() > 128);
    if field == "query-string" && long {
        return Some(Fault::Elb("a key or value of the query has more than 128 characters".to_owned()));
    }
    let bad = values.iter().filter_map(|value| value.as_str()).find(|value| match field {
        "source-ip" => super::is_range(value).is_err_and(|why| why.starts_with("is not")),
        "http-request-method" => {
            value.is_empty() || value.len() > 40 || !value.bytes().all(|b| b.is_ascii_uppercase() || b"-_".contains(&b))
        }
        "path-pattern" => value.len() > 128 || !value.starts_with(['/', '*', '?']),
        "host-header" | "http-header" => value.len() > 128,
        _ => false,
    });
    bad.map(|bad| Fault::Elb(format!("`{bad}` is no value for {field}")))
}

fn transform(transform: &Value) -> Option<String> {
    let (config, kind) = match text(transform, "type") {
        "host-header-rewrite" => ("hostHeaderRewriteConfig", "host-header-rewrite"),
        "url-rewrite" => ("urlRewriteConfig", "url-rewrite"),
        other => return Some(format!("`{other}` is none of host-header-rewrite, url-rewrite")),
    };
    (!has(transform, config)).then(|| format!("{config} is missing, which {kind} takes"))
}

/// A rule has one transform of each type, and each one rewrite.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html>
fn transforms(value: &Value) -> Option<Fault> {
    let twice = ["host-header-rewrite", "url-rewrite"]
        .into_iter()
        .find(|kind| items(value).filter(|transform| text(transform, "type") == *kind).count() > 1)?;
    Some(Fault::Elb(format!("two transforms of type {twice}; one of each is what a rule takes")))
}

/// Source of these three: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
fn endpoints(value: &Value) -> Option<String> {
    ["issuer", "authorizationEndpoint", "tokenEndpoint", "userInfoEndpoint"].into_iter().find_map(|name| {
        let given = text(value, name);
        (!given.starts_with("https://")).then(|| format!("{name} is `{given}`, and has to be a whole URL of https"))
    })
}

fn user_pool(value: &Value) -> Option<String> {
    let arn = text(value, "userPoolARN");
    let good = Arn::parse(arn).is_some_and(|arn| arn.service == "cognito-idp" && arn.resource.starts_with("userpool/"));
    (!good).then(|| format!("userPoolARN is `{arn}`, which is no ARN of a user pool of Cognito"))
}

fn parameters(value: &Value) -> Option<String> {
    let count = get(value, "authenticationRequestExtraParams").as_object().map_or(0, Map::len);
    (count > 10).then(|| format!("authenticationRequestExtraParams has {count}; ten at the most"))
}

fn mutual_authentication(value: &Value) -> Option<String> {
    if items(value).next().is_none() {
        return Some("it names no port".to_owned());
    }
    items(value).find_map(|entry| {
        let (port, mode) = (get(entry, "port").as_i64().unwrap_or_default(), text(entry, "mode"));
        let trust = !text(entry, "trustStore").is_empty();
        if !(1..=65535).contains(&port) {
            return Some(format!("port {port} is not between 1 and 65535"));
        }
        match (mode, trust) {
            ("verify", false) => Some("mode verify takes a trustStore".to_owned()),
            ("off" | "passthrough", true) => Some(format!("mode {mode} takes no trustStore")),
            ("off" | "passthrough", _) if has(entry, "ignoreClientCertificateExpiry") => {
                Some(format!("mode {mode} takes no ignoreClientCertificateExpiry"))
            }
            ("off" | "passthrough", _) if has(entry, "advertiseTrustStoreCaNames") => {
                Some(format!("mode {mode} takes no advertiseTrustStoreCaNames"))
            }
            ("verify", _)
                if has(entry, "advertiseTrustStoreCaNames")
                    && !["on", "off"].contains(&text(entry, "advertiseTrustStoreCaNames")) =>
            {
                Some("advertiseTrustStoreCaNames is on or off".to_owned())
            }
            ("off" | "passthrough" | "verify", _) => None,
            _ => Some(format!("`{mode}` is none of off, passthrough, verify")),
        }
    })
}

fn claim(claim: &Value) -> Option<String> {
    let formats = ["single-string", "string-array", "space-separated-values"];
    let format = text(claim, "format");
    (!formats.contains(&format)).then(|| format!("`{format}` is none of {}", formats.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::annotations::{Fault, known};

    fn fault(name: &str, text: &str) -> Option<Fault> {
        known().find(name).unwrap().fault(name, text)
    }

    #[test]
    fn an_action_is_one_of_three_with_what_belongs_to_it() {
        for good in [
            r#"{"type":"forward","targetGroupARN":"arn:aws:x"}"#,
            r#"{"Type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"a","servicePort":"80"}]}}"#,
            r#"{"type":"redirect","redirectConfig":{"port":"443","protocol":"HTTPS","statusCode":"HTTP_301"}}"#,
            r#"{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"503"}}"#,
        ] {
            assert_eq!(fault("actions.a", good), None, "{good}");
        }
        for bad in [
            "{}",
            "[]",
            r#"{"type":"forward"}"#,
            r#"{"type":"redirect"}"#,
            r#"{"type":"redirect","redirectConfig":{"port":443,"statusCode":"HTTP_301"}}"#,
            r#"{"type":"redirect","redirectConfig":{"port":"443","statusCode":"301"}}"#,
            r##"{"type":"redirect","redirectConfig":{"host":"#{host}","statusCode":"HTTP_301"}}"##,
            r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"301"}}"#,
            r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"a"}]}}"#,
        ] {
            assert!(fault("actions.a", bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_condition_has_what_its_field_takes() {
        let good = r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"A","values":["b"]}},
            {"field":"source-ip","sourceIpConfig":{"values":["10.0.0.0/8"]}}]"#;
        assert_eq!(fault("conditions.a", good), None);
        for bad in [
            r#"[{"field":"http-header"}]"#,
            r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"Host","values":["a"]}}]"#,
            r#"[{"field":"host-header","hostHeaderConfig":{"values":[],"regexValues":[]}}]"#,
            r#"[{"field":"source-ip","sourceIpConfig":{"values":["10.0.0.0"]}}]"#,
            r#"{"field":"source-ip"}"#,
        ] {
            assert!(fault("conditions.a", bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_field_that_nobody_reads_is_named() {
        let text = r#"{"type":"redirect","redirectConfig":{"statuscode":"HTTP_301","ports":"443"}}"#;
        let passed_over = known().find("actions.a").unwrap().passed_over(text);
        assert_eq!(passed_over.as_deref(), Some("redirectConfig.ports"));
    }
}
