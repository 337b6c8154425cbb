//! How a Service scales: revision annotations over `ConfigMap` values over what the default render has.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/autoscaling/annotation_validation.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/autoscaler/config/config.go> and
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/reconciler/autoscaling/resources/target.go>

use std::collections::BTreeMap;

use knrender_objects::value::Value;

use super::window::Aggregation;
use knrender_objects::go;

/// What is scaled on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Requests at the same time.
    Concurrency,
    /// Requests a second.
    Rps,
}

/// Everything that decides how one revision scales. Times are whole seconds where Knative takes nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Knobs {
    /// What is scaled on.
    pub metric: Metric,
    /// What a pod is to have of it: the total times the utilisation.
    pub target: f64,
    /// What a pod can have of it.
    pub total: f64,
    /// The share of the total that is aimed for.
    pub utilization: f64,
    /// `target-burst-capacity`; -1 keeps the activator in the path.
    pub target_burst_capacity: f64,
    /// `panic-threshold-percentage`, as a factor.
    pub panic_threshold: f64,
    /// `panic-window-percentage`.
    pub panic_window_percentage: f64,
    /// `stable-window`.
    pub stable_window: u64,
    /// `metric-aggregation-algorithm`.
    pub aggregation: Aggregation,
    /// `max-scale-up-rate`.
    pub max_scale_up_rate: f64,
    /// `max-scale-down-rate`.
    pub max_scale_down_rate: f64,
    /// `scale-down-delay`.
    pub scale_down_delay: u64,
    /// `activation-scale`; 0 where there is none.
    pub activation_scale: u32,
    /// `initial-scale`.
    pub initial_scale: u32,
    /// `min-scale`.
    pub min_scale: u32,
    /// `max-scale`; 0 for no limit.
    pub max_scale: u32,
    /// `enable-scale-to-zero`.
    pub scale_to_zero: bool,
    /// `scale-to-zero-grace-period`, in seconds.
    pub grace: f64,
    /// `scale-to-zero-pod-retention-period`, in seconds.
    pub retention: f64,
    /// `progress-deadline`, in seconds.
    pub progress_deadline: f64,
    /// `containerConcurrency`; 0 for no limit.
    pub container_concurrency: u32,
    /// The longest that a request may take, in seconds, and what sets that limit.
    pub limit: (f64, String),
    /// How many activators run.
    pub activators: usize,
    /// `activator-capacity`.
    pub activator_capacity: f64,
}

/// What the autoscaler takes as the least target.
const TARGET_MIN: f64 = 0.01;
/// The longest and the shortest window, in seconds.
const WINDOW: (f64, f64) = (6.0, 3600.0);

impl Knobs {
    /// The panic window, in seconds.
    pub fn panic_window(&self) -> u64 {
        let seconds = self.stable_window as f64 * self.panic_window_percentage / 100.0;
        (seconds.round() as u64).max(1)
    }

    /// Whether the activator never leaves the path.
    pub fn always_activator(&self) -> bool {
        self.target_burst_capacity < 0.0
    }

    /// The fewest pods that ever run.
    pub fn least(&self) -> u32 {
        let least = self.min_scale.max(u32::from(!self.scale_to_zero));
        if self.max_scale > 0 { least.min(self.max_scale) } else { least }
    }
}

/// Texts by key, with where they come from, for messages.
pub struct Texts<'v> {
    origin: String,
    texts: BTreeMap<&'v str, &'v str>,
}

impl<'v> Texts<'v> {
    /// The texts in a map of an object; nothing where there is none.
    pub fn of(origin: &str, map: &'v Value) -> Texts<'v> {
        let entries = map.as_object().into_iter().flatten();
        let texts = entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
        Texts { origin: origin.to_owned(), texts }
    }

    fn get(&self, keys: &[&str]) -> Option<(String, &'v str)> {
        keys.iter().find_map(|key| Some(((*key).to_owned(), *self.texts.get(key)?)))
    }

    fn refused(&self, key: &str, text: &str, why: &str) -> String {
        format!("{}: {key}: `{text}` {why}; Knative's webhook refuses it", self.origin)
    }

    fn read<T>(&self, keys: &[&str], read: impl Fn(&str) -> Option<T>, what: &str) -> Result<Option<T>, String> {
        let Some((key, text)) = self.get(keys) else { return Ok(None) };
        read(text.trim()).map(Some).ok_or_else(|| self.refused(&key, text, &format!("is no {what}")))
    }

    fn number(&self, keys: &[&str], range: (f64, f64)) -> Result<Option<f64>, String> {
        let number = self.read(keys, |t| t.parse::<f64>().ok().filter(|n| n.is_finite()), "number")?;
        self.within(keys, number, range)
    }

    fn count(&self, keys: &[&str]) -> Result<Option<u32>, String> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| i32::try_from(*n).is_ok());
        self.read(keys, number, "whole number from 0 to 2147483647")
    }

    fn flag(&self, keys: &[&str]) -> Result<Option<bool>, String> {
        self.read(keys, |t| t.parse().ok(), "true or false")
    }

    /// A duration, in seconds.
    fn duration(&self, keys: &[&str], range: (f64, f64)) -> Result<Option<f64>, String> {
        let duration = self.read(keys, go::duration_seconds, "duration as Go writes it, as 90s or 5m")?;
        self.within(keys, duration, range)
    }

    fn whole_seconds(&self, keys: &[&str], range: (f64, f64)) -> Result<Option<u64>, String> {
        let seconds = self.duration(keys, range)?;
        if let (Some(seconds), Some((key, text))) = (seconds, self.get(keys))
            && seconds.fract() != 0.0
        {
            return Err(self.refused(&key, text, "is not in whole seconds"));
        }
        Ok(seconds.map(|seconds| seconds as u64))
    }

    fn within(&self, keys: &[&str], value: Option<f64>, range: (f64, f64)) -> Result<Option<f64>, String> {
        match (value, self.get(keys)) {
            (Some(value), Some((key, text))) if !(range.0..=range.1).contains(&value) => {
                let most = if range.1.is_finite() { format!(" to {}", range.1) } else { " up".to_owned() };
                Err(self.refused(&key, text, &format!("is not from {}{most}", range.0)))
            }
            _ => Ok(value),
        }
    }
}

/// Where a Service's settings stand.
pub struct Sources<'v> {
    /// Annotations of the revision.
    pub annotations: Texts<'v>,
    /// The revision's spec; null where there is no Service.
    pub spec: &'v Value,
    /// `config-autoscaler`.
    pub autoscaler: Texts<'v>,
    /// `config-defaults`.
    pub defaults: Texts<'v>,
    /// `config-deployment`.
    pub deployment: Texts<'v>,
    /// How many activators run.
    pub activators: usize,
    /// The ALB's idle time-out, in seconds.
    pub idle_timeout: f64,
}

/// An annotation of the autoscaler, as it is written today and as it was before 1.1.
fn names(key: &str) -> [String; 2] {
    let mut capital = false;
    let old = key.chars().filter_map(|c| {
        if c == '-' {
            capital = true;
            return None;
        }
        Some(if std::mem::take(&mut capital) { c.to_ascii_uppercase() } else { c })
    });
    let old: String = old.collect();
    [format!("autoscaling.knative.dev/{key}"), format!("autoscaling.knative.dev/{old}")]
}

/// The annotations of a revision that are simulated, without their prefix.
const SETTINGS: [&str; 15] = [
    "activation-scale",
    "class",
    "initial-scale",
    "max-scale",
    "metric",
    "metric-aggregation-algorithm",
    "min-scale",
    "panic-threshold-percentage",
    "panic-window-percentage",
    "scale-down-delay",
    "scale-to-zero-pod-retention-period",
    "target",
    "target-burst-capacity",
    "target-utilization-percentage",
    "window",
];
/// The one that stands elsewhere.
const PROGRESS_DEADLINE: &str = "serving.knative.dev/progress-deadline";

/// Refuses a setting that would change nothing: `min-scale`, or the whole key of an annotation.
///
/// # Errors
/// In words, which settings there are.
pub fn check_setting(key: &str) -> Result<(), String> {
    let is = |name: &&str| key == *name || names(name).iter().any(|whole| whole == key);
    if key == PROGRESS_DEADLINE || SETTINGS.iter().any(is) {
        return Ok(());
    }
    Err(format!("`{key}` is no setting that is simulated; there are {} and {PROGRESS_DEADLINE}", SETTINGS.join(", ")))
}

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);

impl Knobs {
    /// Reads and checks them as Knative's webhook does.
    ///
    /// # Errors
    /// In words, which value is refused, where it stands and why.
    #[allow(clippy::too_many_lines, reason = "one line for each knob, in the order of Knative's own list")]
    pub fn of(from: &Sources<'_>) -> Result<Knobs, String> {
        let (config, annotations) = (&from.autoscaler, &from.annotations);
        macro_rules! annotated {
            ($read:ident, $key:literal $(, $range:expr)?) => {{
                let names = names($key);
                annotations.$read(&[&names[0], &names[1]] $(, $range)?)
            }};
        }
        if let Some(class) = annotated!(text, "class").or(config.text(&["pod-autoscaler-class"]))
            && class != "kpa.autoscaling.knative.dev"
        {
            return Err(format!(
                "{}: class {class} is another autoscaler; knrender simulates Knative's own (KPA)",
                annotations.origin
            ));
        }
        let metric = match annotated!(text, "metric").as_deref() {
            None | Some("concurrency") => Metric::Concurrency,
            Some("rps") => Metric::Rps,
            Some(other) => return Err(annotations.refused("metric", other, "is neither concurrency nor rps")),
        };
        let aggregation = match annotated!(text, "metric-aggregation-algorithm").as_deref() {
            None | Some("" | "linear") => Aggregation::Linear,
            Some("weightedExponential" | "weighted-exponential") => Aggregation::Exponential,
            Some(other) => {
                return Err(annotations.refused("metric-aggregation-algorithm", other, "is no algorithm of Knative's"));
            }
        };
        // Percentages of config-autoscaler may be fractions; those of annotations are percentages.
        let share = config.number(&["container-concurrency-target-percentage"], (f64::MIN_POSITIVE, 100.0))?;
        let mut utilization = share.map_or(0.7, |s| if s > 1.0 { s / 100.0 } else { s });
        let container_concurrency = concurrency(from)?;
        let by_default =
            config.number(&["container-concurrency-target-default"], (TARGET_MIN, f64::INFINITY))?.unwrap_or(100.0);
        let mut total = if metric == Metric::Rps {
            utilization = 0.7;
            config.number(&["requests-per-second-target-default"], (TARGET_MIN, f64::INFINITY))?.unwrap_or(200.0)
        } else if container_concurrency > 0 {
            f64::from(container_concurrency)
        } else {
            by_default
        };
        if let Some(target) = annotated!(number, "target", (TARGET_MIN, f64::INFINITY))? {
            total = target;
            if metric == Metric::Concurrency && container_concurrency > 0 {
                total = total.min(f64::from(container_concurrency));
            }
        }
        if let Some(percent) = annotated!(number, "target-utilization-percentage", (1.0, 100.0))? {
            utilization = percent / 100.0;
        }
        let burst = annotated!(number, "target-burst-capacity", ANY)?
            .or(config.number(&["target-burst-capacity"], ANY)?)
            .unwrap_or(211.0);
        if burst < 0.0 && burst + 1.0 != 0.0 {
            return Err(annotations.refused(
                "target-burst-capacity",
                &burst.to_string(),
                "is neither -1 nor 0 nor more",
            ));
        }
        let min_scale = annotated!(count, "min-scale")?.or(config.count(&["min-scale"])?).unwrap_or(0);
        let max_scale = annotated!(count, "max-scale")?.or(config.count(&["max-scale"])?).unwrap_or(0);
        if max_scale > 0 && max_scale < min_scale {
            return Err(annotations.refused(
                "max-scale",
                &max_scale.to_string(),
                &format!("is less than min-scale {min_scale}"),
            ));
        }
        if let Some(limit) = config.count(&["max-scale-limit"])?.filter(|limit| *limit > 0)
            && !(1..=limit).contains(&max_scale)
        {
            return Err(annotations.refused(
                "max-scale",
                &max_scale.to_string(),
                &format!("is not from 1 to max-scale-limit {limit}"),
            ));
        }
        let activation_scale = annotated!(count, "activation-scale")?;
        if let Some(scale) = activation_scale
            && (scale < 2 || scale < min_scale || (max_scale > 0 && scale > max_scale))
        {
            return Err(annotations.refused(
                "activation-scale",
                &scale.to_string(),
                "is not from 2 and min-scale to max-scale",
            ));
        }
        let allow_zero = config.flag(&["allow-zero-initial-scale"])?.unwrap_or(false);
        let initial_scale = annotated!(count, "initial-scale")?.or(config.count(&["initial-scale"])?).unwrap_or(1);
        if initial_scale == 0 && !allow_zero {
            return Err(annotations.refused("initial-scale", "0", "is not allowed (allow-zero-initial-scale)"));
        }
        let above_one = (1.0 + f64::EPSILON, f64::INFINITY);
        let progress = annotations.duration(&[PROGRESS_DEADLINE], POSITIVE)?;
        let window = annotations.whole_seconds(&["autoscaling.knative.dev/window"], WINDOW)?;
        let knobs = Knobs {
            metric,
            total,
            utilization,
            target: (total * utilization).max(TARGET_MIN),
            target_burst_capacity: burst,
            panic_threshold: annotated!(number, "panic-threshold-percentage", (110.0, 1000.0))?
                .or(config.number(&["panic-threshold-percentage"], POSITIVE)?)
                .unwrap_or(200.0)
                / 100.0,
            panic_window_percentage: annotated!(number, "panic-window-percentage", (1.0, 100.0))?
                .or(config.number(&["panic-window-percentage"], (1.0, 100.0))?)
                .unwrap_or(10.0),
            stable_window: window.or(config.whole_seconds(&["stable-window"], WINDOW)?).unwrap_or(60),
            aggregation,
            max_scale_up_rate: config.number(&["max-scale-up-rate"], above_one)?.unwrap_or(1000.0),
            max_scale_down_rate: config.number(&["max-scale-down-rate"], above_one)?.unwrap_or(2.0),
            scale_down_delay: annotated!(whole_seconds, "scale-down-delay", (0.0, WINDOW.1))?
                .or(config.whole_seconds(&["scale-down-delay"], POSITIVE)?)
                .unwrap_or(0),
            activation_scale: activation_scale.unwrap_or(0),
            initial_scale,
            min_scale,
            max_scale,
            scale_to_zero: config.flag(&["enable-scale-to-zero"])?.unwrap_or(true),
            grace: config
                .duration(&["scale-to-zero-grace-period"], (f64::MIN_POSITIVE, f64::INFINITY))?
                .unwrap_or(30.0),
            retention: annotated!(duration, "scale-to-zero-pod-retention-period", (0.0, WINDOW.1))?
                .or(config.duration(&["scale-to-zero-pod-retention-period"], POSITIVE)?)
                .unwrap_or(300.0),
            progress_deadline: progress
                .or(from.deployment.duration(&["progress-deadline"], POSITIVE)?)
                .unwrap_or(600.0),
            container_concurrency,
            limit: limit(from)?,
            activators: from.activators.max(1),
            activator_capacity: config.number(&["activator-capacity"], (1.0, f64::INFINITY))?.unwrap_or(100.0),
        };
        Ok(knobs)
    }
}

impl Texts<'_> {
    fn text(&self, keys: &[&str]) -> Option<String> {
        self.get(keys).map(|(_, text)| text.to_owned())
    }
}

/// `containerConcurrency` of the revision, or the default for it.
fn concurrency(from: &Sources<'_>) -> Result<u32, String> {
    match &from.spec["containerConcurrency"] {
        Value::Null => Ok(from.defaults.count(&["container-concurrency"])?.unwrap_or(0)),
        value => value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= 1000).ok_or_else(|| {
            format!(
                "{}: containerConcurrency: {value} is not from 0 to 1000; Knative's webhook refuses it",
                from.annotations.origin
            )
        }),
    }
}

/// The longest that a request may take: the ALB's patience, the revision's, and that for the first byte.
fn limit(from: &Sources<'_>) -> Result<(f64, String), String> {
    let of = |field: &str, keys: &[&str], by_default: f64| match &from.spec[field] {
        Value::Null => Ok(from.defaults.number(keys, POSITIVE)?.unwrap_or(by_default)),
        value => value.as_f64().filter(|s| *s >= 0.0).ok_or_else(|| {
            format!(
                "{}: {field}: {value} is no number of seconds; Knative's webhook refuses it",
                from.annotations.origin
            )
        }),
    };
    let whole = of("timeoutSeconds", &["revision-timeout-seconds"], 600.0)?;
    let most = from.defaults.number(&["max-revision-timeout-seconds"], POSITIVE)?.unwrap_or(600.0);
    if whole > most {
        return Err(format!(
            "{}: timeoutSeconds: {whole} is more than max-revision-timeout-seconds {most}; Knative's webhook refuses it",
            from.annotations.origin
        ));
    }
    let first = of("responseStartTimeoutSeconds", &["revision-response-start-timeout-seconds"], 600.0)?;
    let limits = [
        (whole, "timeoutSeconds"),
        (first, "responseStartTimeoutSeconds"),
        (from.idle_timeout, "the ALB's idle time-out"),
    ];
    let shortest = limits.iter().filter(|(seconds, _)| *seconds > 0.0).min_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, by) = shortest.copied().unwrap_or((600.0, "timeoutSeconds"));
    Ok((seconds, by.to_owned()))
}

#[cfg(test)]
mod tests {
    use knrender_objects::value::json;

    use super::*;

    fn knobs(annotations: &Value, spec: &Value, autoscaler: &Value) -> Result<Knobs, String> {
        Knobs::of(&Sources {
            annotations: Texts::of("Service/a", annotations),
            spec,
            autoscaler: Texts::of("config-autoscaler", autoscaler),
            defaults: Texts::of("config-defaults", &Value::Null),
            deployment: Texts::of("config-deployment", &Value::Null),
            activators: 2,
            idle_timeout: 600.0,
        })
    }

    #[test]
    fn annotations_win_over_the_config_map_which_wins_over_the_default_render() {
        let none = knobs(&json!({}), &Value::Null, &json!({})).unwrap();
        assert_eq!((none.target, none.retention, none.stable_window), (70.0, 300.0, 60));
        let config = json!({"stable-window": "30s", "container-concurrency-target-percentage": "50", "min-scale": "3"});
        let old = json!({"autoscaling.knative.dev/minScale": "1", "autoscaling.knative.dev/target": "10"});
        let both = knobs(&old, &json!({"containerConcurrency": 5}), &config).unwrap();
        assert_eq!((both.min_scale, both.target, both.total, both.stable_window), (1, 2.5, 5.0, 30));
        let rps = json!({"autoscaling.knative.dev/metric": "rps", "autoscaling.knative.dev/target-utilization-percentage": "80"});
        assert!((knobs(&rps, &Value::Null, &json!({})).unwrap().target - 160.0).abs() < 1e-9);
    }

    #[test]
    fn what_the_webhook_refuses_is_refused_with_its_place() {
        for (annotations, word) in [
            (json!({"autoscaling.knative.dev/target": "0"}), "target"),
            (json!({"autoscaling.knative.dev/window": "5s"}), "from 6 to 3600"),
            (json!({"autoscaling.knative.dev/window": "6500ms"}), "whole seconds"),
            (json!({"autoscaling.knative.dev/min-scale": "-1"}), "whole number"),
            (
                json!({"autoscaling.knative.dev/min-scale": "2", "autoscaling.knative.dev/max-scale": "1"}),
                "less than min-scale",
            ),
            (json!({"autoscaling.knative.dev/initial-scale": "0"}), "not allowed"),
            (json!({"autoscaling.knative.dev/metric": "cpu"}), "neither"),
            (json!({"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"}), "another autoscaler"),
            (json!({"autoscaling.knative.dev/activation-scale": "1"}), "activation-scale"),
            (json!({"autoscaling.knative.dev/target-burst-capacity": "-2"}), "neither -1"),
        ] {
            let why = knobs(&annotations, &Value::Null, &json!({})).unwrap_err();
            assert!(why.contains(word) && why.contains("Service/a"), "{annotations}: {why}");
        }
        let why = knobs(&json!({}), &json!({"timeoutSeconds": 900}), &json!({})).unwrap_err();
        assert!(why.contains("max-revision-timeout-seconds 600"), "{why}");
    }
}
