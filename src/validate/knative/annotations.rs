//! Annotations of Knative: what the autoscaler, the network and the queue proxy are told.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/autoscaling/annotation_validation.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/metadata_validation.go>,
//! <https://github.com/knative/networking/blob/knative-v1.23/pkg/apis/networking/metadata_validation.go>

use super::super::Found;
use super::super::at::At;
use super::{CODE, Webhook, go};
use crate::fargate::quantity::Quantity;
use crate::pointer;

const GROUP: &str = "autoscaling.knative.dev";
const KPA: &str = "kpa.autoscaling.knative.dev";
const HPA: &str = "hpa.autoscaling.knative.dev";

/// Keys in the order in which Knative looks for them.
type Keys = &'static [&'static str];

const CLASS: Keys = &["autoscaling.knative.dev/class"];
const MIN: Keys = &["autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale"];
const MAX: Keys = &["autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale"];
const INITIAL: Keys = &["autoscaling.knative.dev/initial-scale", "autoscaling.knative.dev/initialScale"];
const ACTIVATION: Keys = &["autoscaling.knative.dev/activation-scale"];
const METRIC: Keys = &["autoscaling.knative.dev/metric"];
const ALGORITHM: Keys =
    &["autoscaling.knative.dev/metric-aggregation-algorithm", "autoscaling.knative.dev/metricAggregationAlgorithm"];
const PANIC_THRESHOLD: Keys =
    &["autoscaling.knative.dev/panic-threshold-percentage", "autoscaling.knative.dev/panicThresholdPercentage"];
const PANIC_WINDOW: Keys =
    &["autoscaling.knative.dev/panic-window-percentage", "autoscaling.knative.dev/panicWindowPercentage"];
const DELAY: Keys = &["autoscaling.knative.dev/scale-down-delay", "autoscaling.knative.dev/scaleDownDelay"];
const RETENTION: Keys = &[
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period",
    "autoscaling.knative.dev/scaleToZeroPodRetentionPeriod",
];
const TARGET: Keys = &["autoscaling.knative.dev/target"];
const BURST: Keys = &["autoscaling.knative.dev/target-burst-capacity", "autoscaling.knative.dev/targetBurstCapacity"];
const UTILIZATION: Keys =
    &["autoscaling.knative.dev/target-utilization-percentage", "autoscaling.knative.dev/targetUtilizationPercentage"];
const WINDOW: Keys = &["autoscaling.knative.dev/window"];
const ROLLOUT: Keys = &["serving.knative.dev/rollout-duration", "serving.knative.dev/rolloutDuration"];
const PROGRESS: Keys = &["serving.knative.dev/progress-deadline"];
const PERCENTAGE: Keys =
    &["queue.sidecar.serving.knative.dev/resource-percentage", "queue.sidecar.serving.knative.dev/resourcePercentage"];
const RESOURCES: [&str; 6] = [
    "queue.sidecar.serving.knative.dev/cpu-resource-request",
    "queue.sidecar.serving.knative.dev/cpu-resource-limit",
    "queue.sidecar.serving.knative.dev/memory-resource-request",
    "queue.sidecar.serving.knative.dev/memory-resource-limit",
    "queue.sidecar.serving.knative.dev/ephemeral-storage-resource-request",
    "queue.sidecar.serving.knative.dev/ephemeral-storage-resource-limit",
];
/// The annotations of networking.knative.dev that a revision may have.
const NETWORKING: [&str; 9] = [
    "networking.knative.dev/ingress.class",
    "networking.knative.dev/certificate.class",
    "networking.knative.dev/disableAutoTLS",
    "networking.knative.dev/disable-external-domain-tls",
    "networking.knative.dev/httpOption",
    "networking.knative.dev/ingress-class",
    "networking.knative.dev/certificate-class",
    "networking.knative.dev/disable-auto-tls",
    "networking.knative.dev/http-protocol",
];

/// The annotations below what holds a `metadata`, and what is said of them.
struct Annotations<'a, 'f, 'o> {
    at: Option<At<'o>>,
    found: &'a mut Found<'f>,
}

impl<'a, 'f, 'o> Annotations<'a, 'f, 'o> {
    fn of(found: &'a mut Found<'f>, holder: &At<'o>) -> Annotations<'a, 'f, 'o> {
        Annotations { at: holder.down(&["metadata", "annotations"]), found }
    }

    /// The first of these keys that is there, and its value.
    fn get(&self, keys: Keys) -> Option<(&'static str, &'o str)> {
        let map = self.at.as_ref()?.value;
        keys.iter().find_map(|key| Some((*key, map.get(*key)?.as_str().unwrap_or_default())))
    }

    fn say(&mut self, key: &str, what: impl Into<String>) {
        let at = self.at.as_ref().map_or_else(String::new, |at| at.field(key));
        self.found.at(CODE, &at, what);
    }

    /// What a key holds, as whole number of 0 or more; 0 where it is not there.
    fn count(&mut self, keys: Keys) -> i64 {
        let Some((key, text)) = self.get(keys) else { return 0 };
        match go::integer(text, 32) {
            Some(number) if number >= 0 => number,
            _ => {
                self.say(key, format!("`{}` is no whole number of 0 or more", text.escape_debug()));
                0
            }
        }
    }

    fn float(&mut self, keys: Keys, fits: impl Fn(f64) -> bool, form: &str) {
        if let Some((key, text)) = self.get(keys)
            && !go::float(text).is_some_and(fits)
        {
            self.say(key, format!("`{}` is no number {form}", text.escape_debug()));
        }
    }

    /// A duration, in nanoseconds, of whole seconds where `whole`.
    fn duration(&mut self, keys: Keys, least: i64, most: i64, whole: bool, form: &str) {
        if let Some((key, text)) = self.get(keys)
            && !go::duration(text).is_some_and(|d| (least..=most).contains(&d) && (!whole || d % go::SECOND == 0))
        {
            self.say(key, format!("`{}` is no duration {form}", text.escape_debug()));
        }
    }
}

/// Annotations of the autoscaler belong to the template of a revision.
pub(super) fn none(found: &mut Found<'_>) {
    let annotations = At::root(&found.object.value).down(&["metadata", "annotations"]);
    let keys = annotations.iter().flat_map(|at| at.value.as_object().into_iter().flatten().map(|(key, _)| key));
    for key in keys.filter(|key| key.starts_with(GROUP)) {
        let field = pointer::below("/metadata/annotations", key);
        let kind = &found.object.identity.kind;
        let place = if kind == "Route" { "a Service's or a Configuration's" } else { "its" };
        found.at(
            CODE,
            &field,
            format!("annotations of the autoscaler belong to {place} spec.template.metadata.annotations"),
        );
    }
}

/// How long traffic takes to move.
pub(super) fn rollout(found: &mut Found<'_>) {
    let root = At::root(&found.object.value);
    let mut annotations = Annotations::of(found, &root);
    if annotations.get(ROLLOUT).is_some_and(|(_, text)| !text.is_empty()) {
        annotations.duration(ROLLOUT, 0, i64::MAX, true, "of whole seconds, 0 or more");
    }
}

/// The annotations that the template of a revision may have.
pub(super) fn of_template(found: &mut Found<'_>, webhook: &Webhook<'_>, template: &At<'_>) {
    autoscaling(found, webhook, template);
    let mut annotations = Annotations::of(found, template);
    let keys = annotations.at.clone();
    let keys = keys.iter().flat_map(|at| at.value.as_object().into_iter().flatten().map(|(key, _)| key));
    for key in keys.filter(|key| key.starts_with("networking.knative.dev") && !NETWORKING.contains(&key.as_str())) {
        annotations.say(key, format!("a revision has no annotation `{key}`"));
    }
    annotations.float(PERCENTAGE, |n| go::within(n, 0.1, 100.0), "from 0.1 to 100");
    for key in RESOURCES {
        let text = annotations.at.as_ref().and_then(|at| at.value.get(key)).map(|v| v.as_str().unwrap_or_default());
        if let Some(text) = text.filter(|text| Quantity::parse(text).is_err()) {
            annotations.say(key, format!("`{}` is no quantity", text.escape_debug()));
        }
    }
    if annotations.get(PROGRESS).is_some_and(|(_, text)| !text.is_empty()) {
        annotations.duration(PROGRESS, 0, i64::MAX, true, "of whole seconds, 0 or more");
    }
}

/// What the autoscaler is told.
pub(super) fn autoscaling(found: &mut Found<'_>, webhook: &Webhook<'_>, holder: &At<'_>) {
    let mut annotations = Annotations::of(found, holder);
    if annotations.at.is_none() {
        return;
    }
    let class = annotations.get(CLASS);
    if let Some((key, class)) = class.filter(|(_, c)| c.ends_with(".knative.dev") && *c != KPA && *c != HPA) {
        annotations.say(key, format!("`{class}` is no class of Knative's: {KPA} or {HPA}"));
    }
    scales(&mut annotations, webhook);
    annotations.float(PANIC_WINDOW, |n| go::within(n, 1.0, 100.0), "from 1 to 100");
    annotations.float(PANIC_THRESHOLD, |n| go::within(n, 110.0, 1000.0), "from 110 to 1000");
    annotations.float(TARGET, |n| go::within(n, 0.01, f64::INFINITY), "of at least 0.01");
    annotations.float(UTILIZATION, |n| go::within(n, 1.0, 100.0), "from 1 to 100");
    annotations.float(BURST, |n| !(n < 0.0 && (n + 1.0).abs() > 0.0), "of 0 or more, nor -1 for no limit");
    annotations.duration(WINDOW, 6 * go::SECOND, go::HOUR, true, "of whole seconds from 6s to 1h");
    annotations.duration(RETENTION, 0, go::HOUR, false, "from 0s to 1h");
    annotations.duration(DELAY, 0, go::HOUR, true, "of whole seconds from 0s to 1h");
    if let Some((key, metric)) = annotations.get(METRIC) {
        let default = || webhook.autoscaling("pod-autoscaler-class").map_or(KPA, str::trim);
        let known = match class.map_or_else(default, |(_, class)| class) {
            KPA => matches!(metric, "concurrency" | "rps"),
            HPA => !metric.is_empty(),
            _ => true,
        };
        if !known {
            annotations.say(key, format!("the autoscaler of this class knows no metric `{}`", metric.escape_debug()));
        }
    }
    if class.is_some_and(|(_, class)| class == KPA)
        && let Some((key, algorithm)) = annotations.get(ALGORITHM)
        && !matches!(algorithm, "" | "linear" | "weighted-exponential" | "weightedExponential")
    {
        annotations.say(key, format!("`{algorithm}` is none of linear, weighted-exponential"));
    }
    if let Some((key, text)) = annotations.get(INITIAL) {
        let zero = webhook.autoscaling("allow-zero-initial-scale").and_then(go::boolean) == Some(true);
        match go::integer(text, 64) {
            Some(0) if !zero => {
                annotations.say(key, "0 is for clusters with allow-zero-initial-scale in config-autoscaler");
            }
            Some(number) if number >= 0 => {}
            _ => annotations.say(key, format!("`{}` is no whole number of 0 or more", text.escape_debug())),
        }
    }
}

fn scales(annotations: &mut Annotations<'_, '_, '_>, webhook: &Webhook<'_>) {
    let (min, max) = (annotations.count(MIN), annotations.count(MAX));
    if let Some((key, _)) = annotations.get(MAX) {
        if max != 0 && max < min {
            annotations.say(key, format!("at most {max} pods is less than at least {min}, as min-scale says"));
        }
        let limit = webhook.autoscaling("max-scale-limit").and_then(|text| go::integer(text, 32)).unwrap_or(0);
        if limit != 0 && !(1..=limit).contains(&max) {
            annotations.say(key, format!("config-autoscaler has a max-scale-limit: it is from 1 to {limit}"));
        }
    }
    if let Some((key, text)) = annotations.get(ACTIVATION) {
        match go::integer(text, 32) {
            None => annotations.say(key, format!("`{}` is no whole number", text.escape_debug())),
            Some(scale) if min > scale => {
                annotations.say(key, format!("{scale} is less than min-scale, which is {min}"));
            }
            Some(scale) if max != 0 && max < scale => {
                annotations.say(key, format!("{scale} is more than max-scale, which is {max}"));
            }
            Some(scale) if scale < 2 => annotations.say(key, format!("{scale} is not at least 2")),
            Some(_) => {}
        }
    }
}
