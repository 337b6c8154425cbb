//! Devices, what asks for them, and what has them.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/resource/validation/validation.go>

use std::collections::BTreeMap;

use super::at::At;
use super::rules::quantity;
use super::{Found, meta, resources, selectors};
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

const NOT_A_REQUEST: &str = "it is neither a request of this claim nor one with a slash and one of its subrequests";

/// Checks an object of `resource.k8s.io`.
pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else { return };
    match object.identity.kind.as_str() {
        "ResourceClaim" => claim(found, &spec),
        "ResourceClaimTemplate" => {
            if let Some(metadata) = spec.get("metadata") {
                meta::of_template(found, &metadata);
            }
            if let Some(spec) = spec.get("spec") {
                claim(found, &spec);
            }
        }
        "DeviceClass" => {
            chosen(found, &spec);
            found.at_most(&spec, "config", 32);
            configurations(found, &spec, None);
            if let Some(name) = spec.get("extendedResourceName")
                && !resources::is_extended(name.own())
                && found.since(36)
            {
                found.bad(&name, format!("`{}` is no name of an extended resource", name.own()));
            }
        }
        "ResourceSlice" => slice(found, &spec),
        _ => {}
    }
}

/// Requests by name, and the subrequests of each.
type Requests<'v> = BTreeMap<&'v str, Vec<&'v str>>;

fn claim(found: &mut Found<'_>, spec: &At<'_>) {
    let Some(devices) = spec.get("devices") else { return };
    let requests = devices.list("requests");
    found.at_most(&devices, "requests", 32);
    found.distinct(&requests, |request| request.text("name"));
    let known: Requests<'_> = devices
        .list("requests")
        .iter()
        .map(|request| {
            let subs = request.list("firstAvailable");
            (request.text("name"), subs.iter().map(|sub| sub.text("name")).collect())
        })
        .collect();
    for request in &requests {
        found.form(request, "name", "label");
        let own = ["exactly", "deviceClassName"].iter().any(|key| request.has(key));
        let first = request.list("firstAvailable");
        match (own, first.is_empty()) {
            (false, true) => found.at("missing-field", &request.path, "it needs `exactly` or `firstAvailable`"),
            (true, false) => found.conflict(request, "it has `exactly` or `firstAvailable`"),
            _ => {}
        }
        if let Some(exactly) = request.get("exactly") {
            asked(found, &exactly);
        } else if request.has("deviceClassName") {
            // As the API had it before v1beta2.
            asked(found, request);
        }
        found.at_most(request, "firstAvailable", 8);
        found.distinct(&first, |sub| sub.text("name"));
        for sub in &first {
            found.form(sub, "name", "label");
            asked(found, sub);
        }
    }
    found.at_most(&devices, "constraints", 32);
    for constraint in devices.list("constraints") {
        referred(found, &constraint, &known);
        if let Some(at) = constraint.get("matchAttribute") {
            attribute_name(found, &at);
        } else if let Some(at) = constraint.get("distinctAttribute").filter(|_| found.since(36)) {
            attribute_name(found, &at);
        } else {
            found.missing(&constraint, "matchAttribute", "a constraint is about an attribute");
        }
    }
    found.at_most(&devices, "config", 32);
    configurations(found, &devices, Some(&known));
}

/// The names of requests that something is about.
fn referred(found: &mut Found<'_>, at: &At<'_>, known: &Requests<'_>) {
    let named = at.list("requests");
    found.at_most(at, "requests", 32);
    found.distinct(&named, |name| name.own());
    for name in &named {
        let (request, sub) = name.own().split_once('/').map_or((name.own(), None), |(r, sub)| (r, Some(sub)));
        let there = known.get(request).is_some_and(|subs| sub.is_none_or(|sub| subs.contains(&sub)));
        if !there || !names::is_label(request) {
            found.bad(name, NOT_A_REQUEST);
        }
    }
}

/// `domain/name`, as constraints want it.
fn attribute_name(found: &mut Found<'_>, at: &At<'_>) {
    if !at.own().contains('/') {
        found.bad(at, format!("`{}` is no domain, a slash and a name", at.own()));
    } else if let Some(what) = wrong_attribute(at.own()) {
        found.bad(at, what);
    }
}

/// What is wrong with the name of an attribute or a capacity, with a domain or without.
fn wrong_attribute(name: &str) -> Option<String> {
    let (domain, id) = name.split_once('/').map_or((None, name), |(domain, id)| (Some(domain), id));
    let identifier = id.len() <= 32
        && id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let good = identifier && domain.is_none_or(is_driver);
    (!good).then(|| {
        format!("`{name}` is no name of an attribute: letters, digits and `_`, 32 at the most, after a domain or not")
    })
}

/// The name of a driver.
fn is_driver(name: &str) -> bool {
    name.len() <= 63 && names::is_subdomain(&name.to_lowercase())
}

fn asked(found: &mut Found<'_>, request: &At<'_>) {
    if request.has("deviceClassName") && request.text("deviceClassName").is_empty() {
        found.missing(request, "deviceClassName", "`deviceClassName` is empty");
    }
    found.form(request, "deviceClassName", "subdomain");
    chosen(found, request);
    let count = request.int("count").filter(|n| *n != 0);
    match request.text("allocationMode") {
        "All" if count.is_some() => {
            found.at("conflict", &request.field("count"), "it is for allocationMode ExactCount");
        }
        "" | "ExactCount" if count.is_some_and(|n| n < 0) => {
            found.at("bad-value", &request.field("count"), "it has to be more than 0");
        }
        "" => {}
        _ => found.one_of(request, "allocationMode", &["All", "ExactCount"]),
    }
    if !found.since(36) {
        return;
    }
    for toleration in request.list("tolerations") {
        found.form(&toleration, "key", "qualified");
        let exists = match toleration.text("operator") {
            "" | "Equal" => false,
            "Exists" => true,
            _ => {
                found.one_of(&toleration, "operator", &["Equal", "Exists"]);
                continue;
            }
        };
        if exists && !toleration.text("value").is_empty() {
            found.at("conflict", &toleration.field("value"), "there is no value where the operator is Exists");
        }
        found.form(&toleration, "value", "label-value");
        if !toleration.text("effect").is_empty() {
            found.one_of(&toleration, "effect", &["NoExecute", "NoSchedule", "None"]);
        }
    }
}

/// Selectors in CEL.
fn chosen(found: &mut Found<'_>, at: &At<'_>) {
    found.at_most(at, "selectors", 32);
    for selector in at.list("selectors") {
        match selector.get("cel") {
            None => found.missing(&selector, "cel", "a selector says in CEL which devices it takes"),
            Some(cel) if cel.text("expression").len() > 10 * 1024 => {
                found.at("bad-value", &cel.field("expression"), "10 KiB are the limit");
            }
            Some(cel) if cel.has("expression") && cel.text("expression").trim().is_empty() => {
                found.missing(&cel, "expression", "`expression` is empty");
            }
            Some(_) => {}
        }
    }
}

fn configurations(found: &mut Found<'_>, at: &At<'_>, known: Option<&Requests<'_>>) {
    for config in at.list("config") {
        if let Some(known) = known {
            referred(found, &config, known);
        }
        let Some(opaque) = config.get("opaque") else {
            found.missing(&config, "opaque", "a configuration is for a driver");
            continue;
        };
        if opaque.has("driver") && !is_driver(opaque.text("driver")) {
            found.at("bad-value", &opaque.field("driver"), format!("`{}` is no driver", opaque.text("driver")));
        }
        if let Some(parameters) = opaque.get("parameters") {
            if !parameters.value.is_object() {
                found.bad(&parameters, "it has to be a mapping");
            } else if parameters.value.to_string().len() > 10 * 1024 {
                found.bad(&parameters, "10 KiB are the limit");
            }
        }
    }
}

fn slice(found: &mut Found<'_>, spec: &At<'_>) {
    if spec.has("driver") {
        match spec.text("driver") {
            "" => found.missing(spec, "driver", "`driver` is empty"),
            driver if !is_driver(driver) => {
                found.at("bad-value", &spec.field("driver"), format!("`{driver}` is no driver"));
            }
            _ => {}
        }
    }
    if let Some(pool) = spec.get("pool") {
        let name = pool.text("name");
        if pool.has("name") && (name.len() > 253 || !name.split('/').all(names::is_subdomain)) {
            let what =
                format!("`{name}` is no pool: DNS subdomains with slashes between them, 253 characters at the most");
            found.at("bad-value", &pool.field("name"), what);
        }
        if pool.int("resourceSliceCount").is_some_and(|n| n < 1) {
            found.at("bad-value", &pool.field("resourceSliceCount"), "it has to be more than 0");
        }
        if pool.int("generation").is_some_and(|n| n < 0) {
            found.at("bad-value", &pool.field("generation"), "it is less than 0");
        }
    }
    let each = spec.is_true("perDeviceNodeSelection");
    place(found, spec, &["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"]);
    if spec.get("nodeSelector").is_some_and(|selector| selector.len("nodeSelectorTerms") > 1) {
        found.at("bad-value", &spec.field("nodeSelector"), "there is one term");
    }
    let devices = spec.list("devices");
    if spec.has("devices") && spec.has("sharedCounters") && found.since(36) {
        found.at("conflict", &spec.field("sharedCounters"), "a slice has sharedCounters or devices");
    }
    let advanced = devices.iter().any(|device| device.len("taints") > 0 || device.len("consumesCounters") > 0);
    found.at_most(spec, "devices", if advanced && found.since(36) { 64 } else { 128 });
    found.distinct(&devices, |device| device.text("name"));
    for device in &devices {
        check_device(found, device, each);
    }
    if found.since(36) {
        found.at_most(spec, "sharedCounters", 8);
        let sets = spec.list("sharedCounters");
        found.distinct(&sets, |set| set.text("name"));
        for set in &sets {
            found.form(set, "name", "label");
            counters(found, set);
        }
    }
}

fn counters(found: &mut Found<'_>, at: &At<'_>) {
    if at.len("counters") == 0 {
        found.missing(at, "counters", "one at least is needed");
    }
    found.at_most(at, "counters", 32);
    for (name, at) in at.map("counters") {
        if !names::is_label(name) {
            found.bad(&at, format!("`{name}` is not a DNS label"));
        }
    }
}

/// Where devices are: one of these fields says it.
fn place(found: &mut Found<'_>, at: &At<'_>, keys: &[&str]) {
    let given: Vec<&str> = keys.iter().copied().filter(|key| at.has(key)).collect();
    match given.len() {
        0 => found.at("missing-field", &at.path, format!("one of {} is needed", keys.join(", "))),
        1 => {}
        _ => found.conflict(at, format!("only one of {} may stand here", given.join(", "))),
    }
    for key in ["allNodes", "perDeviceNodeSelection"] {
        if at.has(key) && keys.contains(&key) && !at.is_true(key) {
            found.at("bad-value", &at.field(key), "it is true or not there");
        }
    }
    if let Some(name) = at.get("nodeName") {
        found.formed(&name, "subdomain");
    }
    if let Some(selector) = at.get("nodeSelector") {
        selectors::nodes(found, &selector);
    }
}

fn check_device(found: &mut Found<'_>, device: &At<'_>, each: bool) {
    found.form(device, "name", "label");
    // As the API had it before v1beta2.
    let basic = device.get("basic");
    let device = basic.as_ref().unwrap_or(device);
    let all = device.len("attributes") + device.len("capacity");
    if all > 32 {
        found.conflict(device, format!("{all} attributes and capacities are too many: 32 is the limit"));
    }
    for (name, at) in device.map("attributes") {
        if let Some(what) = wrong_attribute(name) {
            found.bad(&at, what);
        }
        attribute(found, &at);
    }
    for (name, at) in device.map("capacity") {
        if let Some(what) = wrong_attribute(name) {
            found.bad(&at, what);
        }
        if let Some(policy) = at.get("requestPolicy").filter(|_| found.since(36)) {
            if device.is_true("allowMultipleAllocations") {
                request_policy(found, &at, &policy);
            } else {
                found.conflict(&policy, "it is for devices with allowMultipleAllocations");
            }
        }
    }
    if each {
        place(found, device, &["nodeName", "nodeSelector", "allNodes"]);
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|key| device.has(key)) && found.since(36) {
        found.conflict(device, "where it is, the slice says, unless that has perDeviceNodeSelection");
    }
    if !found.since(36) {
        return;
    }
    found.at_most(device, "taints", 16);
    for taint in device.list("taints") {
        found.form(&taint, "key", "qualified");
        found.form(&taint, "value", "label-value");
        if !taint.text("effect").is_empty() {
            found.one_of(&taint, "effect", &["NoExecute", "NoSchedule", "None"]);
        }
    }
    found.at_most(device, "consumesCounters", 2);
    let consumed = device.list("consumesCounters");
    found.distinct(&consumed, |set| set.text("counterSet"));
    for set in &consumed {
        found.form(set, "counterSet", "label");
        counters(found, set);
    }
    let (good, bad) = (device.list("bindingConditions"), device.list("bindingFailureConditions"));
    for (key, list) in [("bindingConditions", &good), ("bindingFailureConditions", &bad)] {
        found.at_most(device, key, 4);
        found.distinct(list, |condition| condition.own());
        for condition in list {
            found.formed(condition, "qualified");
        }
    }
    for condition in bad.iter().filter(|one| good.iter().any(|other| other.own() == one.own())) {
        found.conflict(condition, "it stands in bindingConditions as well");
    }
    if good.is_empty() != bad.is_empty() {
        found.conflict(device, "bindingConditions and bindingFailureConditions need each other");
    }
}

fn attribute(found: &mut Found<'_>, at: &At<'_>) {
    // Lists of values are a feature that is off by default: they are dropped.
    let given: Vec<&str> = ["bool", "int", "string", "version"].into_iter().filter(|key| at.has(key)).collect();
    match given.len() {
        0 => found.at("missing-field", &at.path, "an attribute has one value: bool, int, string or version"),
        1 => {}
        _ => found.conflict(at, format!("only one of {} may stand here", given.join(", "))),
    }
    for key in ["string", "version"] {
        if at.text(key).len() > 64 {
            found.at("bad-value", &at.field(key), "64 characters are the limit");
        }
    }
    if let Some(version) = at.get("version")
        && version.value.is_string()
        && semver::Version::parse(version.own()).is_err()
    {
        found.bad(&version, format!("`{}` is no version such as 1.2.3", version.own()));
    }
}

/// How much of a capacity one request may take.
fn request_policy(found: &mut Found<'_>, capacity: &At<'_>, policy: &At<'_>) {
    let of = |at: &At<'_>, key: &str| at.get(key).and_then(|at| quantity(at.value));
    let most = of(capacity, "value").unwrap_or_default();
    let default = of(policy, "default");
    let values: Vec<Quantity> =
        policy.list("validValues").iter().map(|at| quantity(at.value).unwrap_or_default()).collect();
    let range = policy.get("validRange");
    if !values.is_empty() && range.is_some() {
        found.conflict(policy, "it has validValues or a validRange");
        return;
    }
    if values.is_empty() && range.is_none() {
        return;
    }
    let Some(default) = default else {
        found.missing(policy, "default", "validValues and validRange need it");
        return;
    };
    if !values.is_empty() {
        let rising = values.windows(2).all(|pair| pair[0] < pair[1]);
        if values.len() > 10 || !rising || values.iter().any(|value| *value > most) || !values.contains(&default) {
            let what = "ten values at the most, rising, none above the capacity, and the default is one of them";
            found.at("bad-value", &policy.field("validValues"), what);
        }
    }
    let Some(range) = range else { return };
    let Some(low) = of(&range, "min") else {
        found.missing(&range, "min", "a range starts somewhere");
        return;
    };
    let high = of(&range, "max");
    let within = |value: Quantity| low <= value && high.is_none_or(|high| value <= high);
    if low > most || high.is_some_and(|high| high > most || low > high) || !within(default) {
        found.conflict(&range, "min, default and max rise, and none is above the capacity");
    }
    if let Some(step) = of(&range, "step").filter(|step| step.units() > 0) {
        let even = |value: Quantity| (value.units() - low.units()) % step.units() == 0;
        if low.plus(step) > most || !even(default) || high.is_some_and(|high| !even(high)) {
            found.at(
                "conflict",
                &range.field("step"),
                "default and max are whole steps above min, within the capacity",
            );
        }
    }
}
