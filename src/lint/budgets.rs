//! Disruption budgets against evictions (F19, K06). EKS patches Fargate pods by evicting them.

use std::collections::BTreeMap;

use crate::value::Value;

use super::gateway::Gateway;
use super::set::{Object, Set, Template};
use super::value::{entries, items};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check::of("budget-allows-nothing", budget_allows_nothing),
    Check::of("budget-blocks-eviction", budget_blocks_eviction),
    Check::of("budgets-overlap", budgets_overlap),
    Check::of("single-replica", single_replica),
];

/// A number of pods, as a budget gives it.
enum Amount {
    Pods(i64),
    Percent(i64),
}

fn amount(value: &Value) -> Option<Amount> {
    match value {
        Value::String(text) => Some(Amount::Percent(text.trim().strip_suffix('%')?.parse().ok()?)),
        other => other.as_i64().map(Amount::Pods),
    }
}

fn budgets<'s>(set: &Set<'s>) -> impl Iterator<Item = &'s Object<'s>> {
    set.all("policy", "PodDisruptionBudget")
}

/// Budgets of a namespace with the same selector, and the pods that it selects, each with its number in the set.
struct Group<'a, 's> {
    budgets: Vec<&'s Object<'s>>,
    pods: Vec<(usize, &'a Template<'s>)>,
}

/// All budgets, those together whose selectors are equal: what a selector selects is looked up once.
fn groups<'a, 's>(set: &'a Set<'s>) -> Vec<Group<'a, 's>> {
    let mut groups: Vec<Group<'a, 's>> = Vec::new();
    let mut known: BTreeMap<(&str, Vec<String>), usize> = BTreeMap::new();
    for budget in budgets(set) {
        let selector = selector(budget);
        let mut parts: Vec<String> = vec![selector.is_object().to_string()];
        parts.extend(entries(&selector["matchLabels"]).map(|(key, value)| format!("{key}={value}")));
        parts.extend(items(&selector["matchExpressions"]).map(Value::to_string));
        parts.sort_unstable();
        let group = *known.entry((budget.namespace(), parts)).or_insert_with(|| {
            groups.push(Group { budgets: Vec::new(), pods: set.selected(budget.namespace(), selector) });
            groups.len() - 1
        });
        groups[group].budgets.push(budget);
    }
    groups
}

/// The budget's selector. In policy/v1beta1 an empty one selects nothing.
fn selector<'s>(budget: &Object<'s>) -> &'s Value {
    let selector = &budget.value["spec"]["selector"];
    let old = budget.value["apiVersion"] == "policy/v1beta1";
    if old && selector.as_object().is_some_and(crate::value::Map::is_empty) { &Value::Null } else { selector }
}

/// Whether the budget's own words allow no disruption, however many pods there are.
fn allows_nothing(budget: &Object<'_>) -> Option<(&'static str, String)> {
    let spec = &budget.value["spec"];
    match (amount(&spec["minAvailable"]), amount(&spec["maxUnavailable"])) {
        (Some(Amount::Percent(p)), _) if p >= 100 => Some(("/spec/minAvailable", format!("minAvailable is {p}%"))),
        (_, Some(Amount::Pods(0))) => Some(("/spec/maxUnavailable", "maxUnavailable is 0".to_owned())),
        (_, Some(Amount::Percent(0))) => Some(("/spec/maxUnavailable", "maxUnavailable is 0%".to_owned())),
        _ => None,
    }
}

fn budget_allows_nothing(set: &Set<'_>, found: &mut Found) {
    for budget in budgets(set) {
        if let Some((field, what)) = allows_nothing(budget) {
            found.at(budget, field, format!("{what}, so that no pod may ever be evicted"));
        }
    }
}

fn budget_blocks_eviction(set: &Set<'_>, found: &mut Found) {
    for group in groups(set) {
        let pods = group.pods.iter().filter_map(|(_, pod)| set.replicas(pod.object)).fold(0, i64::saturating_add);
        for budget in group.budgets.iter().filter(|budget| allows_nothing(budget).is_none()) {
            let Some(least) = amount(&budget.value["spec"]["minAvailable"]) else { continue };
            let needed = match least {
                Amount::Pods(count) => count,
                // Rounded up, as the disruption controller does.
                Amount::Percent(percent) => pods.saturating_mul(percent).saturating_add(99) / 100,
            };
            if pods > 0 && needed >= pods {
                let least = &budget.value["spec"]["minAvailable"];
                let least = least.as_str().map_or_else(|| least.to_string(), str::to_owned);
                let what = format!("minAvailable {least} of {} means that none may be evicted", pods_in_words(pods));
                found.at(budget, "/spec/minAvailable", what);
            }
        }
    }
}

fn pods_in_words(count: i64) -> String {
    if count == 1 { "one pod".to_owned() } else { format!("{count} pods") }
}

fn budgets_overlap(set: &Set<'_>, found: &mut Found) {
    let groups = groups(set);
    let mut covering: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (group, of) in groups.iter().enumerate() {
        for (pod, _) in &of.pods {
            covering.entry(*pod).or_default().push(group);
        }
    }
    let templates: Vec<_> = set.templates().collect();
    let mut said: BTreeMap<&[usize], Option<String>> = BTreeMap::new();
    for (pod, covering) in &covering {
        let what = said.entry(covering).or_insert_with(|| {
            let mut names: Vec<&str> =
                covering.iter().flat_map(|group| &groups[*group].budgets).map(|b| b.name()).collect();
            // The same budget may stand in two files.
            names.sort_unstable();
            names.dedup();
            overlap(&names)
        });
        if let (Some(what), Some(pod)) = (what, templates.get(*pod)) {
            found.at(pod.object, format!("{}/metadata/labels", pod.at), what.clone());
        }
    }
}

/// What is said of pods that all of these budgets select.
fn overlap(names: &[&str]) -> Option<String> {
    match names {
        [] | [_] => None,
        [one, other] => Some(format!("two budgets select the same pods: {one} and {other}")),
        [one, two, three] => Some(format!("3 budgets select the same pods: {one}, {two} and {three}")),
        [one, two, three, rest @ ..] => {
            let (count, more) = (names.len(), rest.len());
            Some(format!("{count} budgets select the same pods: {one}, {two}, {three} and {more} more"))
        }
    }
}

/// What every request passes through, so that one replica alone means an interruption with every eviction.
fn single_replica(set: &Set<'_>, found: &mut Found) {
    for deployment in set.all("apps", "Deployment") {
        let knative =
            deployment.namespace() == "knative-serving" && ["activator", "webhook"].contains(&deployment.name());
        if (knative || Gateway::is_deployment(deployment)) && set.replicas(deployment) == Some(1) {
            found.at(deployment, "/spec/replicas", "one pod alone does this, and requests wait while it is replaced");
        }
    }
}
