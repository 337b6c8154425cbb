//! What containers and pods ask for and get at the most.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use super::at::At;
use super::rules::quantity;
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

/// Resources with names of one part that a quota may count.
const OF_QUOTAS: [&str; 19] = [
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];

/// Those of them that are counted, one by one.
const COUNTED: [&str; 9] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];

pub(super) fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether Kubernetes itself gives it out.
pub(super) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// A resource that something else gives out, such as `nvidia.com/gpu`.
pub(super) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::is_qualified(&format!("requests.{name}"))
}

fn is_overcommitted(name: &str) -> bool {
    is_native(name) && !is_huge(name)
}

/// What is wrong with the name of a resource that a container may ask for.
fn wrong_for_container(name: &str) -> Option<String> {
    let known = if name.contains('/') {
        names::is_qualified(name) && (is_native(name) || is_extended(name))
    } else {
        ["cpu", "ephemeral-storage", "memory"].contains(&name) || (is_huge(name) && names::is_qualified(name))
    };
    (!known).then(|| format!("`{name}` is no resource of a container"))
}

/// What is wrong with the name of a resource that something may be said of.
pub(super) fn wrong_name(name: &str) -> Option<String> {
    let known = names::is_qualified(name)
        && (name.contains('/') || name == "storage" || OF_QUOTAS.contains(&name) || is_huge(name));
    (!known).then(|| format!("`{name}` is no resource"))
}

/// What is wrong with the name of a resource that a quota may count.
pub(super) fn wrong_for_quota(name: &str) -> Option<String> {
    let huge = is_huge(name) || name.starts_with("requests.hugepages-");
    let known = names::is_qualified(name) && (name.contains('/') || is_of_quotas(name) || huge);
    (!known).then(|| format!("`{name}` is nothing that a quota counts"))
}

/// Whether it is one of those that every quota knows.
pub(super) fn is_of_quotas(name: &str) -> bool {
    OF_QUOTAS.contains(&name) || is_huge(name) || name.starts_with("requests.hugepages-")
}

/// What is wrong with the name of a resource of a container, for those that name one.
pub(super) fn wrong_for(container: bool, name: &str) -> Option<String> {
    if container { wrong_for_container(name) } else { wrong_name(name) }
}

/// What is wrong with so much of a resource.
pub(super) fn wrong_amount(name: &str, amount: Quantity) -> Option<&'static str> {
    let whole = COUNTED.contains(&name) || is_extended(name);
    match () {
        () if amount.is_negative() => Some("it is less than 0"),
        () if whole && amount.milli() % 1000 != 0 => Some("it has to be a whole number"),
        () => None,
    }
}

/// Huge pages are whole pages.
fn wrong_pages(name: &str, amount: Quantity) -> bool {
    let Some(page) = name.strip_prefix("hugepages-") else { return false };
    let page = Quantity::parse(page).unwrap_or_default();
    let whole = page > Quantity::ZERO && page.milli() % 1000 == 0;
    !whole || amount.units() % page.units() != 0
}

/// Resources of a container. `claims`: the names of the pod's claims.
pub(super) fn of_container(found: &mut Found<'_>, resources: &At<'_>, claims: &[&str]) {
    requirements(found, resources, &wrong_for_container);
    let mut seen = BTreeSet::new();
    for claim in resources.list("claims") {
        let (name, request) = (claim.text("name"), claim.text("request"));
        if name.is_empty() {
            continue;
        }
        let whole_and_part = match request {
            "" => seen.iter().any(|(other, _)| *other == name),
            _ => seen.contains(&(name, "")),
        };
        if whole_and_part || !seen.insert((name, request)) {
            found.at("duplicate-entry", &claim.path, format!("`{name}` is there twice"));
        }
        found.form(&claim, "request", "label");
        if !claims.contains(&name) {
            found.at("bad-value", &claim.field("name"), format!("the pod has no claim `{name}`"));
        }
    }
}

/// Limits without requests, as an overhead has them.
pub(super) fn limits_alone(found: &mut Found<'_>, limits: &At<'_>) {
    let mut page = false;
    let mut other = false;
    for (name, at) in entries(limits) {
        amount(found, name, &at, &wrong_for_container);
        page |= is_huge(name);
        other |= matches!(name, "cpu" | "memory");
    }
    if page && !other {
        found.conflict(limits, "huge pages need cpu or memory beside them");
    }
}

fn entries<'v>(map: &At<'v>) -> Vec<(&'v str, At<'v>)> {
    let map_of = map.value.as_object().into_iter().flatten();
    map_of.map(|(key, value)| (key.as_str(), At { value, path: map.field(key) })).collect()
}

fn amount(found: &mut Found<'_>, name: &str, at: &At<'_>, wrong: &dyn Fn(&str) -> Option<String>) {
    if let Some(what) = wrong(name) {
        found.bad(at, what);
    }
    let amount = quantity(at.value).unwrap_or_default();
    if let Some(what) = wrong_amount(name, amount) {
        found.bad(at, what);
    }
    if wrong_pages(name, amount) {
        found.bad(at, format!("it is no multiple of the page's size, {}", &name["hugepages-".len()..]));
    }
}

fn requirements(found: &mut Found<'_>, resources: &At<'_>, wrong: &dyn Fn(&str) -> Option<String>) {
    let (mut page, mut other) = (false, false);
    for (name, at) in ["limits", "requests"].iter().flat_map(|group| resources.map(group)) {
        amount(found, name, &at, wrong);
        page |= is_huge(name);
        other |= matches!(name, "cpu" | "memory");
    }
    for (name, request) in resources.map("requests") {
        // An amount of which nothing is said is none.
        let limit = resources.value.get("limits").and_then(|limits| limits.get(name));
        let whole = !is_overcommitted(name);
        let (asked, most) = (quantity(request.value), limit.and_then(quantity));
        match (asked, most) {
            (Some(asked), Some(most)) if whole && asked != most => {
                found.conflict(&request, format!("it has to be as much as the limit of {name}"));
            }
            (Some(asked), Some(most)) if asked > most => {
                found.conflict(&request, format!("it is more than the limit of {name}"));
            }
            (Some(_), None) if whole => {
                found.missing(resources, "limits", format!("{name} needs a limit as well"));
            }
            _ => {}
        }
    }
    if page && !other {
        found.conflict(resources, "huge pages need cpu or memory beside them");
    }
}

/// Resources of a pod as a whole, which its containers share.
pub(super) fn of_pod(found: &mut Found<'_>, spec: &At<'_>) {
    let Some(resources) = spec.get("resources").filter(|_| found.since(34)) else { return };
    if spec.get("os").is_some_and(|os| os.text("name") == "windows") {
        return;
    }
    if resources.has("claims") {
        found.at("conflict", &resources.field("claims"), "the pod as a whole has none");
    }
    let wrong = |name: &str| {
        let known = ["cpu", "memory"].contains(&name) || (is_huge(name) && names::is_qualified(name));
        (!known).then(|| format!("`{name}` is no resource of a pod as a whole: cpu, memory and huge pages are"))
    };
    requirements(found, &resources, &wrong);
    let is_pod = found.object.identity.kind == "Pod";
    let asked = summed(spec, "requests", is_pod);
    for (name, at) in resources.map("requests") {
        if let (Some(all), Some(own)) = (asked.get(name), quantity(at.value))
            && *all > own
        {
            found.conflict(&at, "its containers ask for more together");
        }
    }
    let most = summed(spec, "limits", false);
    let requests = resources.get("requests");
    for (name, at) in resources.map("limits") {
        let Some(own) = quantity(at.value) else { continue };
        // Without a request of its own, a pod has that of its containers.
        let defaulted = is_pod && !is_huge(name) && requests.as_ref().is_none_or(|requests| !requests.has(name));
        if defaulted && asked.get(name).is_some_and(|all| *all > own) {
            found.conflict(&at, "its containers ask for more together");
        }
        if is_huge(name) && most.get(name).is_some_and(|all| *all > own) {
            found.conflict(&at, "its containers may have more together");
        }
        for container in spec.list("containers") {
            let limit = container.get("resources").and_then(|r| r.get("limits")).and_then(|l| l.get(name));
            if let Some(limit) = limit
                && quantity(limit.value).is_some_and(|limit| limit > own)
            {
                found.conflict(&limit, format!("it is more than the pod's limit of {name}"));
            }
        }
    }
}

/// What all containers come to, sidecars among them, or the init container that asks for most. `from_limits`: a limit stands
/// for a request that is not there.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/resource/helpers.go>
fn summed<'v>(spec: &At<'v>, group: &str, from_limits: bool) -> BTreeMap<&'v str, Quantity> {
    let of = |container: &At<'v>| {
        let mut all = BTreeMap::new();
        let Some(resources) = container.get("resources") else { return all };
        if from_limits {
            all.extend(resources.map("limits").iter().map(|(k, at)| (*k, quantity(at.value).unwrap_or_default())));
        }
        all.extend(resources.map(group).iter().map(|(k, at)| (*k, quantity(at.value).unwrap_or_default())));
        all
    };
    let mut running = BTreeMap::new();
    for container in spec.list("containers") {
        add(&mut running, of(&container));
    }
    let (mut starting, mut sidecars) = (BTreeMap::new(), BTreeMap::new());
    for container in spec.list("initContainers") {
        let own = of(&container);
        let mut now = sidecars.clone();
        add(&mut now, own.clone());
        if container.text("restartPolicy") == "Always" {
            add(&mut running, own.clone());
            add(&mut sidecars, own);
        }
        for (name, amount) in now {
            let most: &mut Quantity = starting.entry(name).or_default();
            *most = (*most).max(amount);
        }
    }
    for (name, amount) in starting {
        let most: &mut Quantity = running.entry(name).or_default();
        *most = (*most).max(amount);
    }
    running
}

fn add<'v>(to: &mut BTreeMap<&'v str, Quantity>, own: BTreeMap<&'v str, Quantity>) {
    for (name, amount) in own {
        let sum = to.entry(name).or_default();
        *sum = sum.plus(amount);
    }
}
