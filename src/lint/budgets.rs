//! Disruption budgets against evictions (F19, K06). EKS patches Fargate pods by evicting them.

use std::collections::BTreeMap;

use crate::value::Value;

use super::gateway::Gateway;
use super::set::{Object, Set};
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
    for budget in budgets(set).filter(|budget| allows_nothing(budget).is_none()) {
        let Some(least) = amount(&budget.value["spec"]["minAvailable"]) else { continue };
        let covered = set.selected(budget.namespace(), selector(budget));
        let pods = covered.iter().filter_map(|(_, pod)| set.replicas(pod.object)).fold(0, i64::saturating_add);
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

fn pods_in_words(count: i64) -> String {
    if count == 1 { "one pod".to_owned() } else { format!("{count} pods") }
}

fn budgets_overlap(set: &Set<'_>, found: &mut Found) {
    let mut covered: BTreeMap<usize, &str> = BTreeMap::new();
    for budget in budgets(set) {
        for (i, pod) in set.selected(budget.namespace(), selector(budget)) {
            let first = *covered.entry(i).or_insert(budget.name());
            // The same budget may stand in two files.
            if first != budget.name() {
                let what = format!("two budgets select the same pods: {first} and {}", budget.name());
                found.at(pod.object, format!("{}/metadata/labels", pod.at), what);
            }
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
