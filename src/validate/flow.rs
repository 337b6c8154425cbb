//! Priority and fairness of requests.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/flowcontrol/validation/validation.go>

use super::Found;
use super::at::At;
use crate::value::{Value, json};

const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/// An annotation of v1beta3, which took 0 for nothing.
const KEEP_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// A `FlowSchema`.
pub(super) fn schema(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else {
        found.at("missing-field", "/spec", "it names a priority level");
        return;
    };
    fixed(found, &spec, fixed_schema(&object.identity.name));
    let precedence = spec.int("matchingPrecedence").filter(|n| *n != 0).unwrap_or(1000);
    if !(1..=10_000).contains(&precedence) {
        found.at("bad-value", "/spec/matchingPrecedence", format!("{precedence} is not from 1 to 10000"));
    } else if precedence == 1 && object.identity.name != "exempt" {
        found.at("bad-value", "/spec/matchingPrecedence", "only the one called exempt has 1");
    }
    if let Some(method) = spec.get("distinguisherMethod") {
        found.one_of(&method, "type", &["ByNamespace", "ByUser"]);
    }
    if let Some(level) = spec.get("priorityLevelConfiguration") {
        found.form(&level, "name", "subdomain");
        if level.has("name") && level.text("name").is_empty() {
            found.missing(&level, "name", "it names a priority level");
        }
    }
    for rule in spec.list("rules") {
        if rule.has("subjects") && rule.len("subjects") == 0 {
            found.missing(&rule, "subjects", "a rule is for someone");
        }
        for subject in rule.list("subjects") {
            check_subject(found, &subject);
        }
        if rule.len("resourceRules") == 0 && rule.len("nonResourceRules") == 0 {
            found.at("missing-field", &rule.path, "a rule has resourceRules or nonResourceRules");
        }
        for resources in rule.list("resourceRules") {
            verbs(found, &resources);
            for key in ["apiGroups", "resources"] {
                some(found, &resources, key);
                alone(found, &resources, key);
            }
            if resources.len("namespaces") == 0 && !resources.is_true("clusterScope") {
                found.missing(&resources, "namespaces", "what is not of the cluster as a whole is in namespaces");
            } else if !alone(found, &resources, "namespaces") {
                for namespace in resources.list("namespaces") {
                    found.formed(&namespace, "label");
                }
            }
        }
        for urls in rule.list("nonResourceRules") {
            verbs(found, &urls);
            some(found, &urls, "nonResourceURLs");
            if !alone(found, &urls, "nonResourceURLs") {
                for url in urls.list("nonResourceURLs") {
                    if let Some(what) = wrong_url(url.own()) {
                        found.bad(&url, what);
                    }
                }
            }
        }
    }
}

fn some(found: &mut Found<'_>, at: &At<'_>, key: &str) {
    if at.has(key) && at.len(key) == 0 {
        found.missing(at, key, "one at least is needed");
    }
}

/// Whether `*` stands among the items of a list, which it does alone.
fn alone(found: &mut Found<'_>, at: &At<'_>, key: &str) -> bool {
    let all = at.texts(key).contains(&"*");
    if all && at.len(key) > 1 {
        found.at("conflict", &at.field(key), "`*` stands alone");
    }
    all
}

fn verbs(found: &mut Found<'_>, rule: &At<'_>) {
    some(found, rule, "verbs");
    if !alone(found, rule, "verbs") {
        for verb in rule.list("verbs").iter().filter(|verb| !VERBS.contains(&verb.own())) {
            found.bad(verb, format!("`{}` is none of {}", verb.own(), VERBS.join(", ")));
        }
    }
}

fn check_subject(found: &mut Found<'_>, subject: &At<'_>) {
    let own = match subject.text("kind") {
        "Group" => "group",
        "ServiceAccount" => "serviceAccount",
        "User" => "user",
        "" => return,
        _ => {
            found.one_of(subject, "kind", &["Group", "ServiceAccount", "User"]);
            return;
        }
    };
    for key in ["group", "serviceAccount", "user"] {
        if key != own && subject.has(key) {
            found.at("conflict", &subject.field(key), format!("the subject's kind is {}", subject.text("kind")));
        }
    }
    let Some(named) = subject.get(own) else {
        found.missing(subject, own, format!("the subject's kind, {}, needs it", subject.text("kind")));
        return;
    };
    if named.has("name") && named.text("name").is_empty() {
        found.missing(&named, "name", "`name` is empty");
    }
    if own == "serviceAccount" {
        if named.text("name") != "*" {
            found.form(&named, "name", "subdomain");
        }
        if named.has("namespace") && named.text("namespace").is_empty() {
            found.missing(&named, "namespace", "`namespace` is empty");
        }
        found.form(&named, "namespace", "label");
    }
}

fn wrong_url(path: &str) -> Option<&'static str> {
    match path {
        "" => Some("it is empty"),
        "/" => None,
        path if !path.starts_with('/') => Some("it has to start with a slash"),
        path if path.contains(' ') => Some("it has a space"),
        path if path.contains("//") => Some("it has two slashes together"),
        path if path.contains('*') && !(path.ends_with("/*") && path.matches('*').count() == 1) => {
            Some("`*` stands at its end, after a slash")
        }
        _ => None,
    }
}

/// A `PriorityLevelConfiguration`.
pub(super) fn level(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else {
        found.at("missing-field", "/spec", "it says what the level is like");
        return;
    };
    if let Some(at) = root.down(&["metadata", "annotations"]).and_then(|annotations| annotations.get(KEEP_ZERO))
        && object.head.api_version.ends_with("/v1")
    {
        found.conflict(&at, "it is for v1beta3; a level of v1 says 0 by itself");
    }
    fixed(found, &spec, fixed_level(&object.identity.name));
    let kind = spec.text("type");
    found.one_of(&spec, "type", &["Exempt", "Limited"]);
    if !kind.is_empty() && (kind == "Exempt") != (object.identity.name == "exempt") {
        found.at("conflict", "/spec/type", "the level called exempt is of type Exempt, and no other is");
    }
    let percent = |found: &mut Found<'_>, of: &At<'_>, key: &str, most: i64| {
        if let Some(value) = of.int(key).filter(|value| !(0..=most).contains(value)) {
            let what =
                if most == 100 { format!("{value} is not from 0 to 100") } else { "it is less than 0".to_owned() };
            found.at("bad-value", &of.field(key), what);
        }
    };
    match kind {
        "Exempt" => {
            if spec.has("limited") {
                found.at("conflict", "/spec/limited", "it is for type Limited");
            }
            if let Some(exempt) = spec.get("exempt") {
                percent(found, &exempt, "nominalConcurrencyShares", i64::MAX);
                percent(found, &exempt, "lendablePercent", 100);
            }
        }
        "Limited" => {
            if spec.has("exempt") {
                found.at("conflict", "/spec/exempt", "it is for type Exempt");
            }
            let Some(limited) = spec.get("limited") else {
                found.at("missing-field", "/spec/limited", "type Limited needs it");
                return;
            };
            percent(found, &limited, "nominalConcurrencyShares", i64::MAX);
            percent(found, &limited, "lendablePercent", 100);
            percent(found, &limited, "borrowingLimitPercent", i64::MAX);
            response(found, &limited);
        }
        _ => {}
    }
}

/// Those that every API server has are as it has them.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go>
fn fixed(found: &mut Found<'_>, spec: &At<'_>, fixed: Option<Value>) {
    let Some(mut fixed) = fixed else { return };
    // What the exempt level says of itself may be changed.
    if let (Some(fixed), Some(own)) = (fixed.as_object_mut(), spec.get("exempt"))
        && fixed.get("type").is_some_and(|of| of == "Exempt")
    {
        fixed.insert("exempt".to_owned(), own.value.clone());
    }
    if !is_same(Some(spec.value), Some(&fixed)) {
        let name = &found.object.identity.name;
        let what = format!("the one called {name} is Kubernetes' own, and cannot be another: {fixed}");
        found.at("bad-value", &spec.path, what);
    }
}

fn fixed_schema(name: &str) -> Option<Value> {
    let rules = |groups: &[&str]| {
        let subjects: Vec<Value> =
            groups.iter().map(|group| json!({"kind": "Group", "group": {"name": group}})).collect();
        json!([{
            "subjects": subjects,
            "resourceRules": [{
                "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true
            }],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }])
    };
    match name {
        "exempt" => Some(json!({
            "priorityLevelConfiguration": {"name": "exempt"},
            "matchingPrecedence": 1,
            "rules": rules(&["system:masters"]),
        })),
        "catch-all" => Some(json!({
            "priorityLevelConfiguration": {"name": "catch-all"},
            "matchingPrecedence": 10000,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": rules(&["system:unauthenticated", "system:authenticated"]),
        })),
        _ => None,
    }
}

fn fixed_level(name: &str) -> Option<Value> {
    match name {
        "exempt" => Some(json!({"type": "Exempt"})),
        "catch-all" => Some(json!({
            "type": "Limited",
            "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}},
        })),
        _ => None,
    }
}

/// Whether two say the same to the API server, to which nothing, an empty text or list, false and 0 are one.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let nothing = |value: Option<&Value>| match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(value) => *value == 0,
    };
    match (one, other) {
        (one, other) if nothing(one) && nothing(other) => true,
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            one.keys().chain(other.keys()).all(|key| is_same(one.get(key), other.get(key)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(Some(one), Some(other)))
        }
        (one, other) => one == other,
    }
}

fn response(found: &mut Found<'_>, limited: &At<'_>) {
    let Some(response) = limited.get("limitResponse") else {
        found.missing(limited, "limitResponse", "it says what happens to requests above the limit");
        return;
    };
    found.one_of(&response, "type", &["Queue", "Reject"]);
    let queuing = response.get("queuing");
    match (response.text("type"), queuing) {
        ("Reject", Some(queuing)) => found.conflict(&queuing, "it is for type Queue"),
        ("Queue", None) => found.missing(&response, "queuing", "type Queue needs it"),
        ("Queue", Some(queuing)) => {
            let of = |key: &str, default: i64| queuing.int(key).filter(|n| *n != 0).unwrap_or(default);
            let (queues, hand) = (of("queues", 64), of("handSize", 8));
            for (key, value, most) in [
                ("queues", queues, 10_000_000),
                ("handSize", hand, queues),
                ("queueLengthLimit", of("queueLengthLimit", 50), i64::MAX),
            ] {
                if value < 1 || value > most {
                    found.at("bad-value", &queuing.field(key), format!("{value} is not from 1 to {most}"));
                }
            }
            if (1..=queues).contains(&hand) && entropy(queues, hand) > 60.0 {
                let what = "the hand is too large for so many queues: more than 60 bits are needed to deal it";
                found.at("bad-value", &queuing.field("handSize"), what);
            }
        }
        _ => {}
    }
}

/// How many bits it takes to deal a hand.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/util/shufflesharding/shufflesharding.go>
fn entropy(deck: i64, hand: i64) -> f64 {
    let number = |n: i64| f64::from(i32::try_from(n).unwrap_or(i32::MAX));
    (number(deck).log2() * number(hand)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_needs_few_bits() {
        assert!(entropy(64, 8) <= 60.0);
        assert!(entropy(10_000_000, 9) > 60.0);
    }

    #[test]
    fn a_star_ends_a_url() {
        for good in ["/", "/healthz", "/healthz/*"] {
            assert_eq!(wrong_url(good), None, "{good}");
        }
        for odd in ["", "healthz", "/a b", "/a//b", "/a*", "/*/b/*"] {
            assert!(wrong_url(odd).is_some(), "{odd}");
        }
    }
}
