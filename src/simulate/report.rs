//! What came of a run, in words and as JSON.

use std::fmt::Write as _;

use crate::value::{Value, json};

use super::knobs::{Knobs, Metric};
use super::outcome::Outcome;
use super::service::Price;
use super::time::seconds;
use crate::shown::wrap;

/// What is said about a run.
pub struct Report<'r> {
    /// The Service.
    pub service: &'r str,
    /// The traffic, as it was asked for.
    pub traffic: &'r str,
    /// How long a pod takes to start, in words.
    pub cold_start: String,
    /// How long a request takes, in words.
    pub service_time: String,
    /// How it scales.
    pub knobs: &'r Knobs,
    /// What came of it.
    pub outcome: &'r Outcome,
    /// What a pod costs.
    pub price: &'r Price,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// A number of seconds, as short as it can be said: `0.3 s`, `1 min 15 s`.
pub(super) fn time(seconds: f64) -> String {
    if seconds < 10.0 {
        let text = format!("{seconds:.3}");
        format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{} min {:.0} s", seconds as u64 / 60, (seconds % 60.0).floor())
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// A count with separated thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${amount:.4}") }
}

fn share(part: u64, of: u64) -> String {
    let percent = part as f64 * 100.0 / of.max(1) as f64;
    if part == 0 || percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}

impl Report<'_> {
    /// What the run costs, in dollars.
    pub fn cost(&self) -> f64 {
        self.price.of(self.outcome.billed_seconds)
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let (outcome, knobs) = (self.outcome, self.knobs);
        let rounded = |value: f64| (value * 1e6).round() / 1e6;
        let at = |percent| rounded(outcome.percentile(percent));
        let wait = |percent| rounded(seconds(outcome.cold_wait.percentile(percent)));
        json!({
            "service": self.service,
            "traffic": self.traffic,
            "requests": {
                "total": outcome.total,
                "failed": outcome.failed(),
                "cold": outcome.cold,
                "failures": {"503": outcome.refused, "504": outcome.timed_out},
                "cold_wait": {"p50": wait(50.0), "p95": wait(95.0), "max": rounded(seconds(outcome.cold_wait.most()))},
            },
            "latency": {
                "p50": at(50.0), "p90": at(90.0), "p95": at(95.0), "p99": at(99.0),
                "max": rounded(seconds(outcome.latency.most())), "mean": rounded(seconds(outcome.latency.mean())),
            },
            "pod_seconds": rounded(outcome.pod_seconds),
            "cost": rounded(self.cost()),
            "pods": {"started": outcome.pods, "most": outcome.most_pods},
            "pricing": {
                "currency": "USD", "size": self.price.size, "hour": self.price.hour, "region": self.price.region,
                "prices_of": self.price.date, "confidence": self.price.confidence, "billed_seconds": outcome.billed_seconds,
            },
            "settings": {
                "metric": if knobs.metric == Metric::Rps { "rps" } else { "concurrency" },
                "target": rounded(knobs.target), "total": knobs.total,
                "container_concurrency": knobs.container_concurrency,
                "min_scale": knobs.min_scale, "max_scale": knobs.max_scale,
                "initial_scale": knobs.initial_scale, "activation_scale": knobs.activation_scale,
                "stable_window": knobs.stable_window, "panic_window": knobs.panic_window(),
                "panic_threshold": knobs.panic_threshold, "target_burst_capacity": knobs.target_burst_capacity,
                "scale_down_delay": knobs.scale_down_delay, "grace": knobs.grace, "retention": knobs.retention,
                "activators": knobs.activators, "time_out": knobs.limit.0,
                "cold_start": self.cold_start, "service_time": self.service_time,
            },
            "notes": self.notes,
            "timeline": outcome.timeline().collect::<Vec<_>>(),
        })
    }

    /// For people, at most 110 columns wide.
    pub fn to_text(&self) -> String {
        let (outcome, knobs) = (self.outcome, self.knobs);
        let mut text = format!("{}\n", self.service);
        let mut row = |key: &str, value: &str| {
            let _ = writeln!(text, "  {key:<11} {}", wrap(value, 14));
        };
        row("traffic", self.traffic);
        row("requests", &format!("{} of work each; a pod starts in {}", self.service_time, self.cold_start));
        row("scaling", &scaling(knobs));
        let failures = match (outcome.refused, outcome.timed_out) {
            (0, 0) => String::new(),
            (refused, 0) => format!(": {} x 503, a pod's queue was full", count(refused)),
            (0, late) => format!(": {} x 504 after {} ({})", count(late), time(knobs.limit.0), knobs.limit.1),
            (refused, late) => format!(
                ": {} x 503, a pod's queue was full, and {} x 504 after {} ({})",
                count(refused),
                count(late),
                time(knobs.limit.0),
                knobs.limit.1
            ),
        };
        row(
            "answered",
            &format!(
                "{} of {}; {} failed{failures}",
                count(outcome.total - outcome.failed()),
                count(outcome.total),
                count(outcome.failed())
            ),
        );
        let at = |percent| time(outcome.percentile(percent));
        row(
            "latency",
            &format!(
                "p50 {}, p90 {}, p95 {}, p99 {}, longest {}",
                at(50.0),
                at(90.0),
                at(95.0),
                at(99.0),
                time(seconds(outcome.latency.most()))
            ),
        );
        let wait = |percent| time(seconds(outcome.cold_wait.percentile(percent)));
        row(
            "cold starts",
            &if outcome.cold == 0 {
                "no request met one".to_owned()
            } else {
                format!(
                    "{} requests ({}) came while no pod served, and waited {} (p50) to {}",
                    count(outcome.cold),
                    share(outcome.cold, outcome.total),
                    wait(50.0),
                    time(seconds(outcome.cold_wait.most()))
                )
            },
        );
        row(
            "pods",
            &format!(
                "{} started, {} at the most, {:.2} pod hours in {}",
                outcome.pods,
                outcome.most_pods,
                outcome.pod_seconds / 3600.0,
                time(outcome.last_second as f64)
            ),
        );
        let hours = (outcome.last_second.max(1)) as f64 / 3600.0;
        row(
            "cost",
            &format!(
                "{}, {} a month if it goes on like this ({}, ${} an hour, {}, prices of {})",
                dollars(self.cost()),
                dollars(self.cost() / hours * 730.0),
                self.price.size,
                self.price.hour.rounded(7),
                self.price.region,
                self.price.date
            ),
        );
        for note in &self.notes {
            row("note", note);
        }
        text
    }
}

fn scaling(knobs: &Knobs) -> String {
    let unit = if knobs.metric == Metric::Rps { "requests a second" } else { "requests at a time" };
    let most = if knobs.max_scale == 0 { "any number".to_owned() } else { knobs.max_scale.to_string() };
    let mut text = format!("aims for {} {unit} in a pod, {} to {most} of them", trim(knobs.target), knobs.least());
    if knobs.container_concurrency > 0 {
        let _ = write!(text, ", {} at a time and no more", knobs.container_concurrency);
    }
    if knobs.least() == 0 {
        let stays = knobs.stable_window as f64 + knobs.retention;
        let _ = write!(text, "; the last one goes {} after the last request", time(stays));
    }
    text
}

pub(super) fn trim(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
