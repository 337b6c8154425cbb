//! Probes of containers, and what is done when they start and stop.

use super::super::Found;
use super::super::at::At;
use super::Pod;

/// `plain_init`: an init container that ends before the next one starts, and so has none of these.
pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>, container: &At<'_>, plain_init: bool) {
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(key) else { continue };
        if plain_init {
            found.conflict(&probe, "an init container has no probes, unless its restartPolicy is Always");
            continue;
        }
        let successes = probe.int("successThreshold").unwrap_or(1);
        if key != "readinessProbe" && successes > 1 {
            let what = "it has to be 1 for a liveness or a startup probe";
            found.at("bad-value", &probe.field("successThreshold"), what);
        }
        if key == "readinessProbe" && probe.has("terminationGracePeriodSeconds") {
            found.at("conflict", &probe.field("terminationGracePeriodSeconds"), "a readiness probe has none");
        }
    }
    let Some(lifecycle) = container.get("lifecycle") else { return };
    if plain_init {
        found.conflict(&lifecycle, "an init container has none, unless its restartPolicy is Always");
        return;
    }
    for handler in ["postStart", "preStop"].iter().filter_map(|key| lifecycle.get(key)) {
        let Some(sleep) = handler.get("sleep") else { continue };
        let (seconds, grace) = (sleep.int("seconds").unwrap_or(0), pod.grace());
        let least = i64::from(!found.since(33));
        if seconds < least || seconds > grace {
            let what = format!("{seconds} is not from {least} to terminationGracePeriodSeconds, {grace}");
            found.at("bad-value", &sleep.field("seconds"), what);
        }
    }
}
