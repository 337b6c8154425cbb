//! The chain of time-outs (section 4, G5): the ALB waits as long as a request may take, and a request may take as long as a
//! cold start and its own work.

use super::load_balancer::{Alb, field};
use super::set::{Config, KNATIVE, Object, Set, Template};
use super::value::number;
use super::{Check, Found};
use crate::alb::IDLE_MAX;
use crate::go;
use crate::pointer;
use crate::validate;

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("alb-idle-timeout", alb_idle_timeout),
    Check::of_albs("alb-idle-timeout-race", alb_idle_timeout_race),
    Check::of_albs("alb-idle-timeout-range", alb_idle_timeout_range),
    Check::of("revision-timeout", revision_timeout),
    Check::of("activator-grace", activator_grace),
    Check::of("progress-deadline", progress_deadline),
    Check::of("knative-config-refused", knative_config_refused),
];

/// How long the first pod of a Service may take to answer, in seconds.
const COLD_START: i64 = crate::fargate::COLD_START as i64;

/// How long a request may take where nothing is configured, in seconds.
const REVISION_TIMEOUT: i64 = 300;

/// How long a request may be allowed to take where nothing is configured, in seconds.
const MAX_REVISION_TIMEOUT: i64 = 600;

/// How long an ALB waits where the Ingress does not say, in seconds.
const IDLE_TIMEOUT: i64 = 60;

/// The least time to give a revision to get ready, in seconds; Knative's default.
const PROGRESS_DEADLINE: i64 = 600;

const IDLE: &str = "idle_timeout.timeout_seconds";

/// A number of `config-defaults`, with its field.
fn default_number(config: Option<Config<'_>>, key: &'static str) -> Option<(i64, String)> {
    let (text, at) = config?.get(&[key])?;
    Some((text.trim().parse().ok()?, at))
}

fn timeout_of(pod: &Template<'_>) -> Option<i64> {
    let is_knatives = pod.object.group() == KNATIVE;
    is_knatives.then(|| number(&pod.spec["timeoutSeconds"])).flatten()
}

/// The longest that a request may take by what is configured here, in seconds, and what says so.
pub(super) fn longest_request(set: &Set<'_>) -> (i64, String) {
    let config = set.config("config-defaults");
    let mut longest = (REVISION_TIMEOUT, "Knative's default revision time-out".to_owned());
    for key in ["revision-timeout-seconds", "max-revision-timeout-seconds"] {
        if let Some((seconds, _)) = default_number(config, key) {
            // What is configured replaces the default, and the maximum bounds what a Service may ask for.
            if key == "revision-timeout-seconds" || seconds > longest.0 {
                longest = (seconds, format!("{key} of config-defaults"));
            }
        }
    }
    for pod in set.templates() {
        if let Some(seconds) = timeout_of(pod).filter(|seconds| *seconds > longest.0) {
            longest = (seconds, format!("timeoutSeconds of {}", pod.object.identity()));
        }
    }
    longest
}

fn alb_idle_timeout(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let (longest, by) = longest_request(set);
    for alb in albs.iter().filter(|alb| alb.gateways(set).next().is_some()) {
        let given = alb.attribute(IDLE).and_then(|text| text.parse::<i64>().ok());
        let idle = given.unwrap_or(IDLE_TIMEOUT);
        if idle < longest {
            let default = if given.is_none() { ", the default" } else { "" };
            let what = format!("the ALB gives up after {idle} s{default}; a request may take {longest} ({by})");
            found.at(alb.object, field("load-balancer-attributes"), what);
        }
    }
}

fn alb_idle_timeout_race(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let (longest, by) = longest_request(set);
    for alb in albs.iter().filter(|alb| alb.gateways(set).next().is_some()) {
        if alb.attribute(IDLE).and_then(|text| text.parse().ok()) == Some(longest) {
            let what = format!("the ALB gives up after {longest} s, just when the longest request ends ({by})");
            found.at(alb.object, field("load-balancer-attributes"), what);
        }
    }
}

fn alb_idle_timeout_range(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        if let Some(text) = alb.attribute(IDLE)
            && !text.parse::<i64>().is_ok_and(|seconds| (1..=i64::from(IDLE_MAX)).contains(&seconds))
        {
            let what = format!("the ALB takes no {IDLE} of {text}: it has to be 1 to {IDLE_MAX}");
            found.at(alb.object, field("load-balancer-attributes"), what);
        }
    }
}

/// Whether a Service never goes to zero, and so never starts cold.
fn stays_up(set: &Set<'_>, pod: &Template<'_>) -> bool {
    let annotations = [&pod.metadata["annotations"], &pod.object.value["metadata"]["annotations"]];
    let keys = ["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"];
    let said = annotations.iter().flat_map(|a| keys.map(|key| number(&a[key]))).flatten().next();
    let default =
        set.config("config-autoscaler").and_then(|c| c.get(&["min-scale"])).and_then(|(v, _)| v.trim().parse().ok());
    said.or(default).is_some_and(|least| least > 0)
}

/// What the activator counts while a pod starts.
const COUNTED: [&str; 3] =
    ["revision-timeout-seconds", "revision-response-start-timeout-seconds", "revision-idle-timeout-seconds"];

fn revision_timeout(set: &Set<'_>, found: &mut Found) {
    let config = set.config("config-defaults");
    for key in COUNTED {
        // An idle time-out of 0 is none at all.
        if let (Some(config), Some((seconds, at))) = (config, default_number(config, key))
            && (1..COLD_START).contains(&seconds)
        {
            let what = format!("{key} is {seconds} s, and a cold start may take {COLD_START}");
            found.at(config.object, at, what);
        }
    }
    for pod in set.pods().filter(|pod| pod.object.group() == KNATIVE && !stays_up(set, pod)) {
        for key in ["timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds"] {
            if let Some(seconds) = number(&pod.spec[key]).filter(|seconds| (1..COLD_START).contains(seconds)) {
                let what = format!("{key} is {seconds}, and a cold start may take {COLD_START} s");
                found.at(pod.object, pod.spec_field(&format!("/{key}")), what);
            }
        }
    }
}

fn activator_grace(set: &Set<'_>, found: &mut Found) {
    let Some(activator) = set.find("apps", "Deployment", "knative-serving", "activator") else { return };
    let grace = number(&activator.value["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]).unwrap_or(30);
    let (longest, by) = longest_request(set);
    if grace < longest {
        let what =
            format!("the activator is killed {grace} s after it is told to stop; a request may take {longest} ({by})");
        found.at(activator, "/spec/template/spec/terminationGracePeriodSeconds", what);
    }
}

const ANNOTATION: &str = "serving.knative.dev/progress-deadline";
const DEADLINE: &[&str] = &["progress-deadline", "progressDeadline"];

fn progress_deadline(set: &Set<'_>, found: &mut Found) {
    let short =
        |text: &str| go::duration(text.trim()).is_some_and(|time| time > 0 && time < PROGRESS_DEADLINE * go::SECOND);
    let what = |text: &str| format!("a revision has {text} to get ready; keep {PROGRESS_DEADLINE}s or more");
    if let Some(config) = set.config("config-deployment")
        && let Some((text, at)) = config.get(DEADLINE).filter(|(text, _)| short(text))
    {
        found.at(config.object, at, what(text));
    }
    for pod in set.pods().filter(|pod| pod.object.group() == KNATIVE) {
        if let Some(text) = pod.metadata["annotations"][ANNOTATION].as_str().filter(|text| short(text)) {
            let at = format!("{}/metadata/annotations/{}", pod.at, pointer::escape(ANNOTATION));
            found.at(pod.object, at, what(text));
        }
    }
}

fn knative_config_refused(set: &Set<'_>, found: &mut Found) {
    if let Some(config) = set.config("config-deployment")
        && let Some((text, at)) = config.get(DEADLINE)
        && !go::duration(text.trim()).is_some_and(|time| time > 0 && time % go::SECOND == 0)
    {
        let what = format!("progress-deadline is `{text}`, which is no duration in whole seconds");
        found.at(config.object, at, what);
    }
    if let Some(config) = set.config("config-defaults") {
        refused_defaults(set, config, found);
    }
    for name in
        ["config-autoscaler", "config-domain", "config-features", "config-gc", "config-network", "config-observability"]
    {
        let Some(config) = set.config(name) else { continue };
        for (field, what) in validate::knative_settings(config.object.placed()).unwrap_or_default() {
            found.at(config.object, field, what);
        }
    }
}

fn refused_defaults(set: &Set<'_>, config: Config<'_>, found: &mut Found) {
    let object: &Object<'_> = config.object;
    for key in COUNTED.iter().copied().chain(["max-revision-timeout-seconds"]) {
        if let Some((text, at)) = config.get(&[key])
            && text.trim().parse::<i64>().is_err()
        {
            found.at(object, at, format!("{key} is `{text}`, which is no whole number"));
        }
    }
    let number_of = |key| default_number(Some(config), key);
    let most = number_of("max-revision-timeout-seconds").map_or(MAX_REVISION_TIMEOUT, |(seconds, _)| seconds);
    let usual = number_of("revision-timeout-seconds");
    if let Some((seconds, at)) = usual.as_ref().filter(|(seconds, _)| *seconds > most) {
        let what = format!("revision-timeout-seconds is {seconds}, and max-revision-timeout-seconds {most}");
        found.at(object, at.clone(), what);
    }
    let usual = usual.map_or(REVISION_TIMEOUT, |(seconds, _)| seconds);
    for key in &COUNTED[1..] {
        if let Some((seconds, at)) = number_of(key).filter(|(seconds, _)| *seconds > usual) {
            found.at(object, at, format!("{key} is {seconds}, and revision-timeout-seconds {usual}"));
        }
    }
    for pod in set.pods() {
        if let Some(seconds) = timeout_of(pod).filter(|seconds| *seconds > most) {
            let what = format!("timeoutSeconds is {seconds}, and max-revision-timeout-seconds {most}");
            found.at(pod.object, pod.spec_field("/timeoutSeconds"), what);
        }
    }
}
