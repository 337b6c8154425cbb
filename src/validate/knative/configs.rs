//! The `ConfigMap`s that Knative's webhook looks into. What a key holds is read as Go reads it; white space counts.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/config/defaults.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/autoscaler/config/config.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/deployment/config.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/gc/config.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/observability/config.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/reconciler/route/config/domain.go>,
//! <https://github.com/knative/networking/blob/knative-v1.23/pkg/config/config.go>,
//! <https://github.com/knative/pkg/blob/knative-v1.23/leaderelection/config.go>,
//! <https://github.com/knative/pkg/blob/knative-v1.23/logging/config.go>

use crate::value::Value;

use super::super::Found;
use super::super::at::At;
use super::go;
use super::template::{self, Data, Field};
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;
use crate::yaml;

const CODE: &str = "knative-config";

/// What Go makes of a value.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Float,
    Duration,
    Quantity,
}

use Kind::{Bool, Duration, Float, Int32, Int64, Quantity as Amount, Uint32};

const AUTOSCALER: &[(&str, Kind)] = &[
    ("enable-scale-to-zero", Bool),
    ("allow-zero-initial-scale", Bool),
    ("max-scale-up-rate", Float),
    ("max-scale-down-rate", Float),
    ("container-concurrency-target-percentage", Float),
    ("container-concurrency-target-default", Float),
    ("requests-per-second-target-default", Float),
    ("target-burst-capacity", Float),
    ("panic-window-percentage", Float),
    ("activator-capacity", Float),
    ("panic-threshold-percentage", Float),
    ("initial-scale", Int32),
    ("min-scale", Int32),
    ("max-scale", Int32),
    ("max-scale-limit", Int32),
    ("stable-window", Duration),
    ("scale-down-delay", Duration),
    ("scale-to-zero-grace-period", Duration),
    ("scale-to-zero-pod-retention-period", Duration),
];

const DEFAULTS: &[(&str, Kind)] = &[
    ("allow-container-concurrency-zero", Bool),
    ("revision-timeout-seconds", Int64),
    ("max-revision-timeout-seconds", Int64),
    ("revision-idle-timeout-seconds", Int64),
    ("revision-response-start-timeout-seconds", Int64),
    ("container-concurrency", Int64),
    ("container-concurrency-max-limit", Int64),
    ("revision-cpu-request", Amount),
    ("revision-memory-request", Amount),
    ("revision-ephemeral-storage-request", Amount),
    ("revision-cpu-limit", Amount),
    ("revision-memory-limit", Amount),
    ("revision-ephemeral-storage-limit", Amount),
];

const DEPLOYMENT: &[(&str, Kind)] = &[
    ("progressDeadline", Duration),
    ("progress-deadline", Duration),
    ("digestResolutionTimeout", Duration),
    ("digest-resolution-timeout", Duration),
    ("queueSidecarCPURequest", Amount),
    ("queueSidecarMemoryRequest", Amount),
    ("queueSidecarEphemeralStorageRequest", Amount),
    ("queueSidecarCPULimit", Amount),
    ("queueSidecarMemoryLimit", Amount),
    ("queueSidecarEphemeralStorageLimit", Amount),
    ("queue-sidecar-cpu-request", Amount),
    ("queue-sidecar-memory-request", Amount),
    ("queue-sidecar-ephemeral-storage-request", Amount),
    ("queue-sidecar-cpu-limit", Amount),
    ("queue-sidecar-memory-limit", Amount),
    ("queue-sidecar-ephemeral-storage-limit", Amount),
    ("pod-is-always-schedulable", Bool),
];

const NETWORK: &[(&str, Kind)] = &[
    ("rolloutDuration", Int64),
    ("rollout-duration", Int64),
    ("autocreateClusterDomainClaims", Bool),
    ("autocreate-cluster-domain-claims", Bool),
    ("enable-mesh-pod-addressability", Bool),
    ("internal-encryption", Bool),
];

const OBSERVABILITY: &[(&str, Kind)] = &[
    ("tracing-sampling-rate", Float),
    ("metrics-export-interval", Duration),
    ("request-metrics-export-interval", Duration),
    ("runtime-export-interval", Duration),
    ("logging.enable-var-log-collection", Bool),
    ("logging.enable-request-log", Bool),
    ("logging.enable-probe-request-log", Bool),
];

const LEADER_ELECTION: &[(&str, Kind)] = &[
    ("leaseDuration", Duration),
    ("renewDeadline", Duration),
    ("retryPeriod", Duration),
    ("lease-duration", Duration),
    ("renew-deadline", Duration),
    ("retry-period", Duration),
    ("buckets", Uint32),
];

const GC: &[(&str, Kind)] = &[("min-non-active-revisions", Int64)];

/// The `data` of a `ConfigMap`, and what is said of it.
struct Settings<'c, 'f, 'o> {
    data: At<'o>,
    found: &'c mut Found<'f>,
    /// The keys of which something was said; more would follow from that.
    wrong: Vec<String>,
}

/// Looks into a `ConfigMap` of Knative Serving, its example included.
pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let is_known = settings(found);
    if let Some(data) = At::root(&object.value).get("data").filter(|_| is_known) {
        Settings { data, found, wrong: Vec::new() }.example();
    }
}

/// Looks into what is set, if Knative's webhook does.
pub(super) fn settings(found: &mut Found<'_>) -> bool {
    let object = found.object;
    let root = At::root(&object.value);
    let data = root.get("data").unwrap_or(At { value: &Value::Null, path: "/data".to_owned() });
    let mut config = Settings { data, found, wrong: Vec::new() };
    let rest: fn(&mut Settings<'_, '_, '_>) = match object.identity.name.as_str() {
        "config-autoscaler" => {
            config.all(AUTOSCALER);
            autoscaler
        }
        "config-certmanager" => certmanager,
        "config-defaults" => {
            config.all(DEFAULTS);
            defaults
        }
        "config-deployment" => {
            config.all(DEPLOYMENT);
            deployment
        }
        "config-domain" => domain,
        "config-features" => |_| {},
        "config-gc" => {
            config.all(GC);
            gc
        }
        "config-leader-election" => {
            config.all(LEADER_ELECTION);
            leader_election
        }
        "config-logging" => logging,
        "config-network" => {
            config.all(NETWORK);
            network
        }
        "config-observability" => {
            config.all(OBSERVABILITY);
            observability
        }
        _ => return false,
    };
    rest(&mut config);
    true
}

impl<'o> Settings<'_, '_, 'o> {
    fn text(&self, key: &str) -> Option<&'o str> {
        self.data.value.get(key).map(|value| value.as_str().unwrap_or_default())
    }

    fn say(&mut self, key: &str, what: impl Into<String>) {
        if !self.wrong.iter().any(|wrong| wrong == key) {
            self.wrong.push(key.to_owned());
            self.found.at(CODE, &self.data.field(key), what);
        }
    }

    /// Says it at the first of these keys that is there.
    fn say_at(&mut self, keys: &[&str], what: impl Into<String>) {
        let key = keys.iter().find(|key| self.data.value.get(**key).is_some()).or(keys.first()).copied();
        self.say(key.unwrap_or_default(), what);
    }

    /// Whether all keys hold what Go can read.
    fn all(&mut self, keys: &[(&'static str, Kind)]) {
        for (key, kind) in keys {
            let Some(text) = self.text(key) else { continue };
            let (good, form) = match kind {
                Bool => (go::boolean(text).is_some(), "true or false"),
                Int32 => (go::integer(text, 32).is_some(), "a whole number"),
                Int64 => (go::integer(text, 64).is_some(), "a whole number"),
                Uint32 => (go::unsigned(text, 32).is_some(), "a whole number of 0 or more"),
                Float => (go::float(text).is_some(), "a number"),
                Duration => (go::duration(text).is_some(), "a duration such as 30s or 1h30m"),
                Amount => (Quantity::parse(text).is_ok(), "a quantity such as 100m or 1Gi"),
            };
            if !good {
                self.say(key, format!("`{}` is not {form}", text.escape_debug()));
            }
        }
    }

    fn number(&self, key: &str, otherwise: f64) -> f64 {
        self.text(key).and_then(go::float).unwrap_or(otherwise)
    }

    fn integer(&self, key: &str, otherwise: i64) -> i64 {
        self.text(key).and_then(|text| go::integer(text, 64)).unwrap_or(otherwise)
    }

    /// In nanoseconds. The first key that is there counts.
    fn duration(&self, keys: &[&str], otherwise: i64) -> i64 {
        keys.iter().find_map(|key| self.text(key)).and_then(go::duration).unwrap_or(otherwise)
    }

    fn is_true(&self, key: &str) -> bool {
        self.text(key).and_then(go::boolean) == Some(true)
    }

    /// A text in YAML, as a mapping. What is empty is one without entries.
    fn mapping(&mut self, key: &str, text: &str) -> Option<crate::value::Map> {
        match yaml::parse(text) {
            Ok(Value::Object(map)) => {
                // A mapping as a key, such as `{{.Name}}` is.
                if text.trim_start().starts_with("{{") {
                    self.say(key, "it is no YAML: a key cannot be a mapping");
                    return None;
                }
                Some(map)
            }
            Ok(Value::Null) => Some(crate::value::Map::new()),
            Ok(_) => {
                self.say(key, "it is not a mapping in YAML");
                None
            }
            Err(error) => {
                self.say(key, format!("it is no YAML: {}", error.message));
                None
            }
        }
    }

    /// `selector` and what else is a text or a mapping of texts in a mapping.
    fn shaped(&mut self, key: &str, map: &crate::value::Map, texts: &[&str], mappings: &[&str]) {
        for (name, value) in map {
            // Go's JSON does not look at upper and lower case.
            let is = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
            let is_text = |v: &Value| !v.is_object() && !v.is_array();
            if is(texts) && !is_text(value) {
                self.say(key, format!("`{name}` is not a text"));
            }
            if is(mappings) && !value.is_null() && !value.as_object().is_some_and(|map| map.values().all(is_text)) {
                self.say(key, format!("`{name}` is not a mapping of texts"));
            }
        }
    }

    fn example(&mut self) {
        const CHECKSUM: &str = "knative.dev/example-checksum";
        if let (Some(example), Some(told)) = (self.text("_example"), self.found.object.head.annotation(CHECKSUM))
            && crate::knative::example_checksum(example) != told
        {
            self.say(
                "_example",
                "it is an example and was changed, as its checksum tells: settings stand beside it, directly below `data`",
            );
        }
    }
}

fn autoscaler(config: &mut Settings<'_, '_, '_>) {
    let second = go::SECOND;
    let grace = config.duration(&["scale-to-zero-grace-period"], 30 * second);
    if grace <= 0 {
        config.say("scale-to-zero-grace-period", "it has to be more than 0");
    }
    let delay = config.duration(&["scale-down-delay"], 0);
    if delay < 0 || delay % second != 0 {
        config.say("scale-down-delay", "it has to be whole seconds, 0 or more");
    }
    if config.duration(&["scale-to-zero-pod-retention-period"], 0) < 0 {
        config.say("scale-to-zero-pod-retention-period", "it has to be 0 or more");
    }
    #[allow(clippy::float_cmp)] // exactly -1, as Knative compares it
    let burst = config.number("target-burst-capacity", 211.0);
    if burst < 0.0 && (burst + 1.0).abs() > 0.0 {
        config.say("target-burst-capacity", "it has to be 0 or more, or -1 for no limit");
    }
    let percentage = config.number("container-concurrency-target-percentage", 0.7);
    let fraction = if percentage > 1.0 { percentage / 100.0 } else { percentage };
    if fraction <= 0.0 || fraction > 1.0 {
        config.say("container-concurrency-target-percentage", "it has to be more than 0, and 100 at the most");
    } else if fraction * config.number("container-concurrency-target-default", 100.0) < 0.01 {
        let keys = ["container-concurrency-target-default", "container-concurrency-target-percentage"];
        config.say_at(&keys, "the target, which is its percentage of the default, is less than 0.01");
    }
    for (key, otherwise, least) in
        [("requests-per-second-target-default", 200.0, 0.01), ("activator-capacity", 100.0, 1.0)]
    {
        if config.number(key, otherwise) < least {
            config.say(key, format!("it has to be at least {least}"));
        }
    }
    for (key, otherwise) in [("max-scale-up-rate", 1000.0), ("max-scale-down-rate", 2.0)] {
        if config.number(key, otherwise) <= 1.0 {
            config.say(key, "it has to be more than 1");
        }
    }
    let window = config.duration(&["stable-window"], 60 * second);
    if !(6 * second..=go::HOUR).contains(&window) || window % second != 0 {
        config.say("stable-window", "it has to be whole seconds, from 6s to 1h");
    }
    let panic = config.number("panic-window-percentage", 10.0);
    if !go::within(panic, 1.0, 100.0) {
        config.say("panic-window-percentage", "it has to be from 1 to 100");
    }
    scales(config);
}

fn scales(config: &mut Settings<'_, '_, '_>) {
    let initial = config.integer("initial-scale", 1);
    if initial < 0 || initial == 0 && !config.is_true("allow-zero-initial-scale") {
        config.say("initial-scale", "it has to be at least 1; 0 is for allow-zero-initial-scale");
    }
    let (min, max) = (config.integer("min-scale", 0), config.integer("max-scale", 0));
    let limit = config.integer("max-scale-limit", 0);
    if min < 0 {
        config.say("min-scale", "it has to be 0 or more");
    }
    if limit < 0 {
        config.say("max-scale-limit", "it has to be 0 or more");
    } else if limit > 0 && !(1..=limit).contains(&max) {
        config.say_at(
            &["max-scale", "max-scale-limit"],
            format!("with a max-scale-limit, max-scale is from 1 to {limit}"),
        );
    } else if max < 0 {
        config.say("max-scale", "it has to be 0 or more");
    }
    if min > max && max > 0 {
        config.say("min-scale", format!("it is {min}, more than max-scale, which is {max}"));
    }
}

fn certmanager(config: &mut Settings<'_, '_, '_>) {
    for key in ["issuerRef", "clusterLocalIssuerRef", "systemInternalIssuerRef"] {
        if let Some(text) = config.text(key)
            && let Some(map) = config.mapping(key, text)
        {
            config.shaped(key, &map, &["name", "kind", "group"], &[]);
        }
    }
}

/// What a container's name template is executed with.
const METADATA: Data = Data::Fields(&[
    ("Name", Field::Text("")),
    ("GenerateName", Field::Text("")),
    ("Namespace", Field::Text("")),
    ("SelfLink", Field::Text("")),
    ("UID", Field::Text("")),
    ("ResourceVersion", Field::Text("")),
    ("Labels", Field::Map),
    ("Annotations", Field::Map),
    ("Generation", Field::Other),
    ("CreationTimestamp", Field::Other),
    ("DeletionTimestamp", Field::Other),
    ("DeletionGracePeriodSeconds", Field::Other),
    ("OwnerReferences", Field::Other),
    ("Finalizers", Field::Other),
    ("ManagedFields", Field::Other),
]);

fn defaults(config: &mut Settings<'_, '_, '_>) {
    for key in ["init-container-name-template", "container-name-template"] {
        if let Some(text) = config.text(key)
            && let Err(why) = template::execute(text, &METADATA)
        {
            config.say(key, format!("Go cannot execute this template: {why}"));
        }
    }
    let timeout = config.integer("revision-timeout-seconds", 300);
    let most = config.integer("max-revision-timeout-seconds", 600);
    if timeout > most {
        let keys = ["revision-timeout-seconds", "max-revision-timeout-seconds"];
        config.say_at(
            &keys,
            format!("a default of {timeout} s is more than max-revision-timeout-seconds, which is {most}"),
        );
    }
    for (key, otherwise) in [("revision-response-start-timeout-seconds", timeout), ("revision-idle-timeout-seconds", 0)]
    {
        let seconds = config.integer(key, otherwise);
        if seconds > 0 && seconds > timeout {
            config.say(key, format!("{seconds} s is more than revision-timeout-seconds, which is {timeout}"));
        }
    }
    let limit = config.integer("container-concurrency-max-limit", 1000);
    if limit < 1 {
        config.say("container-concurrency-max-limit", "it has to be at least 1");
        return;
    }
    let concurrency = config.integer("container-concurrency", 0);
    if !(0..=limit).contains(&concurrency) {
        let keys = ["container-concurrency", "container-concurrency-max-limit"];
        config.say_at(&keys, format!("container-concurrency is {concurrency}, which is not from 0 to {limit}"));
    }
}

fn deployment(config: &mut Settings<'_, '_, '_>) {
    let image = config.text("queue-sidecar-image").or_else(|| config.text("queueSidecarImage")).unwrap_or_default();
    if image.trim().is_empty() {
        config.say("queue-sidecar-image", "there has to be an image of the queue proxy");
    }
    let keys = ["progress-deadline", "progressDeadline"];
    let deadline = config.duration(&keys, 600 * go::SECOND);
    if deadline <= 0 || deadline % go::SECOND != 0 {
        config.say_at(&keys, "it has to be whole seconds, more than 0");
    }
    let keys = ["digest-resolution-timeout", "digestResolutionTimeout"];
    if config.duration(&keys, 10 * go::SECOND) <= 0 {
        config.say_at(&keys, "it has to be more than 0");
    }
    let key = "default-affinity-type";
    if let Some(affinity) = config.text(key).filter(|a| !["none", "prefer-spread-revision-over-nodes"].contains(a)) {
        config.say(key, format!("`{}` is none of none, prefer-spread-revision-over-nodes", affinity.escape_debug()));
    }
    let key = "runtime-class-name";
    if let Some(text) = config.text(key)
        && let Some(classes) = config.mapping(key, text.trim())
    {
        for (class, selector) in &classes {
            if !names::is_subdomain(class) {
                config.say(key, format!("`{class}` is no name of a runtime class"));
            }
            match selector {
                Value::Null => {}
                Value::Object(map) => {
                    config.shaped(key, map, &[], &["selector"]);
                    let labels = map.get("selector").and_then(Value::as_object).into_iter().flatten();
                    for (label, value) in labels {
                        if !names::is_qualified(label) || !names::is_label_value(value.as_str().unwrap_or_default()) {
                            config.say(key, format!("`{label}` with its value is no label"));
                        }
                    }
                }
                _ => config.say(key, format!("what stands at `{class}` is no mapping")),
            }
        }
    }
}

fn domain(config: &mut Settings<'_, '_, '_>) {
    let keys: Vec<&str> = config.data.value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for key in keys.into_iter().filter(|key| *key != "_example") {
        let text = config.text(key).unwrap_or_default();
        if let Some(map) = config.mapping(key, text) {
            config.shaped(key, &map, &["type"], &["selector"]);
        }
    }
}

fn gc(config: &mut Settings<'_, '_, '_>) {
    for key in ["retain-since-create-time", "retain-since-last-active-time"] {
        // White space around it is taken off.
        let text = config.text(key).map(str::trim).filter(|t| !t.is_empty() && !t.eq_ignore_ascii_case("disabled"));
        if text.is_some_and(|text| go::duration(text).is_none_or(|d| d < 0)) {
            config.say(key, "it is neither a duration of 0 or more nor `disabled`");
        }
    }
    let key = "max-non-active-revisions";
    let text = config.text(key).map(str::trim).filter(|text| !text.is_empty());
    let max = match text {
        None => 1000,
        Some(text) if text.eq_ignore_ascii_case("disabled") => -1,
        Some(text) => match go::unsigned(text, 64).and_then(|n| i64::try_from(n).ok()) {
            Some(number) => number,
            None => return config.say(key, "it is neither a whole number nor `disabled`"),
        },
    };
    let min = config.integer("min-non-active-revisions", 20);
    if min < 0 {
        config.say("min-non-active-revisions", "it has to be 0 or more");
    } else if max >= 0 && min > max {
        let keys = ["min-non-active-revisions", key];
        config.say_at(&keys, format!("min-non-active-revisions is {min}, more than {key}, which is {max}"));
    }
}

fn leader_election(config: &mut Settings<'_, '_, '_>) {
    if !(1..=10).contains(&config.integer("buckets", 1)) {
        config.say("buckets", "it has to be from 1 to 10");
    }
}

const LEVELS: [&str; 8] = ["debug", "info", "warn", "warning", "error", "dpanic", "panic", "fatal"];

fn logging(config: &mut Settings<'_, '_, '_>) {
    let keys: Vec<&str> = config.data.value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for key in keys.into_iter().filter(|key| key.strip_prefix("loglevel.").is_some_and(|c| !c.is_empty())) {
        let level = config.text(key).unwrap_or_default();
        if !level.is_empty() && !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            config.say(key, format!("`{}` is none of {}", level.escape_debug(), LEVELS.join(", ")));
        }
    }
}

const DOMAIN: Data = Data::Fields(&[
    ("Name", Field::Text("foo")),
    ("Namespace", Field::Text("bar")),
    ("Domain", Field::Text("baz.com")),
    ("Annotations", Field::Map),
    ("Labels", Field::Map),
]);
const TAG: Data = Data::Fields(&[("Name", Field::Text("foo")), ("Tag", Field::Text("v2"))]);

fn network(config: &mut Settings<'_, '_, '_>) {
    let keys = ["rollout-duration", "rolloutDuration"];
    let rollout = keys.iter().find_map(|key| config.text(key)).and_then(|text| go::integer(text, 64));
    if rollout.is_some_and(|seconds| seconds < 0) {
        config.say_at(&keys, "it has to be 0 or more");
    }
    let keys = ["domain-template", "domainTemplate"];
    // White space around it is taken off.
    if let Some(text) = keys.iter().find_map(|key| config.text(key)).map(str::trim) {
        match template::execute(text, &DOMAIN) {
            Err(why) => config.say_at(&keys, format!("Go cannot execute this template: {why}")),
            Ok(Some(host)) if !is_host(&host) => {
                config.say_at(&keys, format!("it makes `{host}`, which is no name of a host"));
            }
            Ok(_) => {}
        }
    }
    let keys = ["tag-template", "tagTemplate"];
    if let Some(text) = keys.iter().find_map(|key| config.text(key)).map(str::trim)
        && let Err(why) = template::execute(text, &TAG)
    {
        config.say_at(&keys, format!("Go cannot execute this template: {why}"));
    }
    let keys = ["http-protocol", "httpProtocol"];
    let choice = |config: &mut Settings<'_, '_, '_>, keys: &[&str], known: &[&str]| {
        let value = keys.iter().find_map(|key| config.text(key)).unwrap_or_default();
        if !value.is_empty() && !known.iter().any(|known| known.eq_ignore_ascii_case(value)) {
            config.say_at(keys, format!("`{}` is none of {}", value.escape_debug(), known.join(", ")));
        }
    };
    choice(config, &keys, &["Enabled", "Disabled", "Redirected"]);
    for key in ["system-internal-tls", "cluster-local-domain-tls"] {
        choice(config, &[key], &["Enabled", "Disabled"]);
    }
    let key = "namespace-wildcard-cert-selector";
    if let Some(text) = config.text(key).filter(|text| !text.is_empty())
        && let Some(map) = config.mapping(key, text)
    {
        config.shaped(key, &map, &[], &["matchLabels"]);
        let expressions = map.iter().find(|(name, _)| name.eq_ignore_ascii_case("matchExpressions"));
        let is_expression = |value: &Value| {
            value.is_null()
                || value.as_object().is_some_and(|map| {
                    map.iter().all(|(name, value)| match name.to_ascii_lowercase().as_str() {
                        "values" => {
                            value.is_null() || value.as_array().is_some_and(|v| v.iter().all(|v| !v.is_object()))
                        }
                        "key" | "operator" => !value.is_object() && !value.is_array(),
                        _ => true,
                    })
                })
        };
        if let Some((_, list)) = expressions
            && !list.is_null()
            && !list.as_array().is_some_and(|list| list.iter().all(is_expression))
        {
            config.say(key, "`matchExpressions` is no list of requirements");
        }
    }
}

/// Whether Go's `net/url` takes a text as the host of an address, and nothing else.
fn is_host(text: &str) -> bool {
    // What follows a `#` is a fragment, which the path has no part in.
    let text = text.split('#').next().unwrap_or_default();
    let host = text.split('/').next().unwrap_or_default();
    let (host_only, port) = host.rsplit_once(':').map_or((host, ""), |(h, p)| (h, p));
    let good = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=<>\"[]@".contains(c);
    !host_only.is_empty()
        && host_only.chars().all(good)
        && port.bytes().all(|b| b.is_ascii_digit())
        && matches!(&text[host.len()..], "" | "/")
}

fn observability(config: &mut Settings<'_, '_, '_>) {
    for (prefix, plain, protocols) in [
        ("tracing-", &["none", "stdout"][..], &["grpc", "http/protobuf", "none", "stdout"][..]),
        ("metrics-", &["none"], &["grpc", "http/protobuf", "none", "prometheus"]),
        ("request-metrics-", &["none"], &["grpc", "http/protobuf", "none", "prometheus"]),
    ] {
        let key = format!("{prefix}protocol");
        let endpoint_key = format!("{prefix}endpoint");
        let protocol = config.text(&key).map_or("none", str::trim);
        let endpoint = config.text(&endpoint_key).unwrap_or_default().trim();
        if !protocols.contains(&protocol) {
            config.say(&key, format!("`{}` is none of {}", protocol.escape_debug(), protocols.join(", ")));
        } else if matches!(protocol, "grpc" | "http/protobuf") && endpoint.is_empty() {
            config.say(&key, format!("{protocol} needs {endpoint_key}"));
        } else if plain.contains(&protocol) && !endpoint.is_empty() {
            config.say(&endpoint_key, format!("it does not go with {key} {protocol}"));
        }
    }
    for key in ["metrics-export-interval", "request-metrics-export-interval", "runtime-export-interval"] {
        if config.duration(&[key], 0) < 0 {
            config.say(key, "it has to be 0 or more");
        }
    }
    let rate = config.number("tracing-sampling-rate", 0.0);
    if !go::within(rate, 0.0, 1.0) {
        config.say("tracing-sampling-rate", "it has to be from 0 to 1");
    }
    let profiling = config.text("runtime-profiling").map_or("disabled", str::trim);
    if !["enabled", "disabled"].contains(&profiling) {
        config.say("runtime-profiling", format!("`{}` is none of enabled, disabled", profiling.escape_debug()));
    }
    let key = "logging.request-log-template";
    match config.text(key).map(str::trim) {
        Some("") if config.is_true("logging.enable-request-log") => {
            config.say(key, "logging.enable-request-log is true, and this says nothing");
        }
        Some(text) => {
            if let Err(why) = template::parse(text) {
                config.say(key, format!("Go cannot parse this template: {why}"));
            }
        }
        None => {}
    }
}
