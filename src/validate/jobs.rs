//! Jobs and what makes them by the clock.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/batch/validation/validation.go>

use std::collections::BTreeSet;

use super::Found;
use super::at::{At, integer};
use crate::kubernetes::names;

/// `spec` is that of the Job, also within a `CronJob`.
pub(super) fn check(found: &mut Found<'_>, root: &At<'_>, spec: &At<'_>) {
    let object = found.object;
    let cron = object.identity.kind == "CronJob";
    if cron {
        if spec.has("selector") {
            found.at("conflict", &spec.field("selector"), "Kubernetes makes it for each Job");
        }
        if spec.is_true("manualSelector") {
            found.at("conflict", &spec.field("manualSelector"), "Kubernetes makes the selector for each Job");
        }
        if let Some(cron) = root.get("spec") {
            schedule(found, &cron);
        }
    } else if spec.get("selector").is_some_and(|at| !is_empty(&at)) && !spec.is_true("manualSelector") {
        found.at("conflict", &spec.field("selector"), "Kubernetes makes it, unless manualSelector is true");
    } else if spec.is_true("manualSelector") {
        selector(found, spec);
    }
    if !cron && !spec.is_true("manualSelector") {
        own_labels(found, spec);
    }
    let indexed = spec.text("completionMode") == "Indexed";
    let completions = completions(spec);
    if indexed {
        indexes(found, spec, completions);
        let name = &object.identity.name;
        if let Some(last) = completions.filter(|n| *n > 0).map(|n| n - 1)
            && !cron
            && !names::is_label(&format!("{name}-{last}"))
        {
            let what = format!("its last pod, `{name}-{last}`, would have no DNS label for a name");
            found.at("bad-name", "/metadata/name", what);
        }
    } else {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
            if spec.has(key) {
                found.at("conflict", &spec.field(key), "it needs completionMode Indexed");
            }
        }
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        found.missing(spec, "backoffLimitPerIndex", "maxFailedIndexes needs it");
    }
    if let Some(policy) = spec.get("podFailurePolicy") {
        failures(found, spec, &policy);
    }
    if let Some(policy) = spec.get("successPolicy").filter(|_| indexed) {
        successes(found, &policy, completions.unwrap_or(0));
    }
}

/// Labels that Kubernetes gives to the pods of a Job, as they stand in one that was read from a cluster.
fn own_labels(found: &mut Found<'_>, spec: &At<'_>) {
    let object = found.object;
    let labels = spec.down(&["template", "metadata"]).map(|metadata| metadata.map("labels")).unwrap_or_default();
    for (key, at) in labels {
        match key.strip_prefix("batch.kubernetes.io/").unwrap_or(key) {
            "controller-uid" => found.conflict(&at, "Kubernetes gives it to the pods of each Job: leave it out"),
            // A name that is made is not known yet.
            "job-name" if at.own() != object.identity.name => {
                found.conflict(
                    &at,
                    "Kubernetes gives it to the pods of each Job, and it is the Job's name: leave it out",
                );
            }
            _ => {}
        }
    }
}

/// How many pods have to succeed; one where nothing is said of it.
fn completions(spec: &At<'_>) -> Option<i64> {
    let neither = !spec.has("completions") && !spec.has("parallelism");
    spec.int("completions").or(neither.then_some(1))
}

/// Whether a selector selects by nothing: then Kubernetes fills it in.
fn is_empty(selector: &At<'_>) -> bool {
    selector.map("matchLabels").is_empty() && selector.list("matchExpressions").is_empty()
}

/// A selector that people wrote themselves.
fn selector(found: &mut Found<'_>, spec: &At<'_>) {
    let Some(selector) = spec.get("selector") else {
        found.missing(spec, "selector", "manualSelector needs it");
        return;
    };
    super::selectors::labels(found, &selector);
    let labels = spec.down(&["template", "metadata"]).map(|metadata| metadata.map("labels")).unwrap_or_default();
    let misses = super::selectors::misses(&selector, &labels);
    if super::selectors::is_sound(&selector) && !misses.is_empty() {
        let what = format!("the selector wants {}, and the template has not", misses.join(", "));
        found.at("selector-mismatch", &(spec.path.clone() + "/template/metadata/labels"), what);
    }
}

/// Limits of Jobs whose pods have an index.
fn indexes(found: &mut Found<'_>, spec: &At<'_>, completions: Option<i64>) {
    const MANY: i64 = 100_000;
    if completions.is_none() {
        found.missing(spec, "completions", "completionMode Indexed needs it");
    }
    let (parallel, failed) = (spec.int("parallelism").unwrap_or(0), spec.int("maxFailedIndexes"));
    let many = completions.is_some_and(|n| n > MANY) && spec.has("backoffLimitPerIndex");
    let most = if many { MANY / 10 } else { MANY };
    if parallel > most {
        found.at("bad-value", &spec.field("parallelism"), format!("{parallel} is more than {most}"));
    }
    match failed {
        None if many => found.missing(spec, "maxFailedIndexes", "more than 100000 completions need it"),
        Some(failed) if failed > most || completions.is_some_and(|n| failed > n) => {
            let most = completions.map_or(most, |n| n.min(most));
            found.at("bad-value", &spec.field("maxFailedIndexes"), format!("{failed} is more than {most}"));
        }
        _ => {}
    }
}

fn failures(found: &mut Found<'_>, spec: &At<'_>, policy: &At<'_>) {
    let pod = spec.down(&["template", "spec"]);
    let containers: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|key| pod.as_ref().map(|pod| pod.list(key)).unwrap_or_default())
        .map(|container| container.text("name"))
        .collect();
    if let Some(pod) = &pod
        && pod.text("restartPolicy") == "OnFailure"
    {
        found.at("conflict", &pod.field("restartPolicy"), "podFailurePolicy needs Never");
    }
    if let Some(replacement) = spec.get("podReplacementPolicy")
        && replacement.own() != "Failed"
    {
        found.conflict(&replacement, "podFailurePolicy needs Failed");
    }
    found.at_most(policy, "rules", 20);
    for rule in policy.list("rules") {
        found.one_of(&rule, "action", &["Count", "FailIndex", "FailJob", "Ignore"]);
        if rule.text("action") == "FailIndex" && !spec.has("backoffLimitPerIndex") {
            found.at("conflict", &rule.field("action"), "FailIndex needs backoffLimitPerIndex");
        }
        let conditions = rule.list("onPodConditions");
        match (rule.get("onExitCodes"), conditions.is_empty()) {
            (Some(_), false) => found.conflict(&rule, "a rule has onExitCodes or onPodConditions"),
            (None, true) => found.at("missing-field", &rule.path, "a rule needs onExitCodes or onPodConditions"),
            _ => {}
        }
        if let Some(codes) = rule.get("onExitCodes") {
            exit_codes(found, &codes, &containers);
        }
        found.at_most(&rule, "onPodConditions", 20);
        for condition in conditions {
            if condition.text("type").is_empty() || !names::is_qualified(condition.text("type")) {
                found.at("bad-value", &condition.field("type"), "it is not a qualified name");
            }
            if !condition.text("status").is_empty() {
                found.one_of(&condition, "status", &["False", "True", "Unknown"]);
            }
        }
    }
}

fn exit_codes(found: &mut Found<'_>, codes: &At<'_>, containers: &[&str]) {
    found.one_of(codes, "operator", &["In", "NotIn"]);
    if let Some(name) = codes.get("containerName")
        && !containers.contains(&name.own())
    {
        found.bad(&name, format!("the pod has no container `{}`", name.own()));
    }
    found.at_most(codes, "values", 255);
    let values = codes.list("values");
    if codes.has("values") && values.is_empty() {
        found.at("missing-field", &codes.field("values"), "one value at least is needed");
    }
    let mut last = None;
    let mut seen = BTreeSet::new();
    for at in &values {
        let value = integer(at.value).unwrap_or(0);
        if value == 0 && codes.text("operator") == "In" {
            found.bad(at, "0 is no failure");
        }
        if !seen.insert(value) {
            found.twice(at, format!("{value} is there twice"));
        } else if last.is_some_and(|last| last > value) {
            found.bad(at, "the values have to be in order");
        }
        last = Some(value);
    }
}

fn successes(found: &mut Found<'_>, policy: &At<'_>, completions: i64) {
    let rules = policy.list("rules");
    if rules.is_empty() {
        found.missing(policy, "rules", "one rule at least is needed");
    }
    found.at_most(policy, "rules", 20);
    for rule in rules {
        let (count, indexes) = (rule.int("succeededCount"), rule.get("succeededIndexes"));
        if !rule.has("succeededCount") && indexes.is_none() {
            found.at("missing-field", &rule.path, "a rule needs succeededCount or succeededIndexes");
        }
        let named = indexes.as_ref().map(|at| read_indexes(at.own(), completions));
        if let (Some(at), Some(Err(what))) = (&indexes, &named) {
            found.bad(at, what.clone());
        }
        if indexes.is_some_and(|at| at.own().len() > 64 * 1024) {
            found.at("bad-value", &rule.field("succeededIndexes"), "64 KiB are the limit");
        }
        if let Some(count) = count {
            let most = named.map_or(completions, |named| named.unwrap_or(0).min(completions));
            if count < 0 || count > most {
                found.at("bad-value", &rule.field("succeededCount"), format!("{count} is not from 0 to {most}"));
            }
        }
    }
}

/// How many indexes a text such as `0-2,5` names.
fn read_indexes(text: &str, completions: i64) -> Result<i64, String> {
    let mut total = 0;
    let mut last = -1;
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let number = |text: &str| {
            let index = text.parse::<i64>().map_err(|_| format!("`{text}` is no index"))?;
            if index < completions {
                Ok(index)
            } else {
                Err(format!("{index} is not less than completions, {completions}"))
            }
        };
        let (first, end) = match part.split('-').collect::<Vec<_>>()[..] {
            [one] => (number(one)?, number(one)?),
            [first, end] => (number(first)?, number(end)?),
            _ => return Err(format!("`{part}` is neither an index nor two with a dash between")),
        };
        if first <= last || end < first || (first == end && part.contains('-')) {
            return Err(format!("`{part}` is not in rising order"));
        }
        total += end - first + 1;
        last = end;
    }
    Ok(total)
}

/// When a `CronJob` runs.
fn schedule(found: &mut Found<'_>, cron: &At<'_>) {
    if cron.text("schedule").contains("TZ") {
        found.at("bad-value", &cron.field("schedule"), "a time zone stands in timeZone, not in the schedule");
    }
    if let Some(zone) = cron.get("timeZone")
        && !zone.own().is_empty()
        && !crate::kubernetes::time_zones::is_zone(zone.own())
    {
        found.bad(&zone, format!("`{}` is no time zone of the IANA database", zone.own()));
    }
}

#[cfg(test)]
mod tests {
    use super::read_indexes;

    #[test]
    fn indexes_rise_and_are_counted() {
        assert_eq!(read_indexes("0-2,5", 6), Ok(4));
        assert_eq!(read_indexes("", 6), Ok(0));
        for odd in ["0,0", "2-1", "1-1", "0-2,2", " 0-2", "6", "a", "1-2-3", "0,"] {
            assert!(read_indexes(odd, 6).is_err(), "{odd}");
        }
    }
}
