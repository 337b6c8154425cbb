//! Many settings tried on the same traffic: which are worth their price, and which is the cheapest that meets a goal.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::parallel;
use crate::value::{Value, json};

use super::engine::Conditions;
use super::knobs::{self, Knobs};
use super::outcome::Outcome;
use super::report::{dollars, time};
use super::service::{Price, Service};
use super::time::seconds;
use super::traffic::Source;

/// What a setting is measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// A percentile of latency, in percent.
    Percentile(f64),
    /// The longest latency.
    Longest,
    /// The share of requests that came while no pod served.
    Cold,
    /// The share of requests that failed.
    Failed,
}

/// `p99<2s`, `max<90s`, `cold<1%`, `failed<0.1%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    measure: Measure,
    /// Less than this; open where nothing was asked for.
    limit: Option<f64>,
}

impl Default for Goal {
    fn default() -> Self {
        Goal { measure: Measure::Percentile(99.0), limit: None }
    }
}

/// A grid of annotations: each with the values to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid(Vec<(String, Vec<String>)>);

/// One setting and what came of it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The annotations.
    pub annotations: Vec<(String, String)>,
    /// Dollars in a month, if it goes on like this.
    pub month: f64,
    /// p95 and p99 of latency, and the longest, in seconds.
    pub latency: [f64; 3],
    measured: f64,
    /// Share of requests that came while no pod served, and of those that failed.
    pub shares: [f64; 2],
}

/// All that was tried.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What it is measured by.
    pub goal: Goal,
    /// In the order of the grid.
    pub trials: Vec<Trial>,
    /// Those that nothing cheaper beats, cheapest first.
    pub frontier: Vec<usize>,
    /// The cheapest that meets the goal.
    pub best: Option<usize>,
    /// How many settings Knative's webhook would refuse.
    pub refused: usize,
}

/// What is tried where nothing is said.
const GRID: &str =
    "min-scale=0/1/2/3/5,scale-to-zero-pod-retention-period=0s/5m/15m/1h,target-utilization-percentage=30/50/70/90";
/// The most settings.
const MOST: usize = 5000;

impl Goal {
    /// Its name: `p99`.
    pub fn name(&self) -> String {
        match self.measure {
            Measure::Percentile(percent) => format!("p{percent}"),
            Measure::Longest => "longest wait".to_owned(),
            Measure::Cold => "share of cold requests".to_owned(),
            Measure::Failed => "share of failures".to_owned(),
        }
    }

    /// What stands at its axis.
    pub fn axis(&self) -> &'static str {
        match self.measure {
            Measure::Percentile(_) | Measure::Longest => "latency in seconds",
            Measure::Cold => "share of requests that meet a cold start",
            Measure::Failed => "share of requests that fail",
        }
    }

    /// What a trial has of it.
    pub fn measure(&self, trial: &Trial) -> f64 {
        trial.measured
    }

    fn of(&self, outcome: &Outcome) -> f64 {
        let share = |part: u64| part as f64 / outcome.total.max(1) as f64;
        match self.measure {
            Measure::Percentile(percent) => outcome.percentile(percent),
            Measure::Longest => seconds(outcome.latency.most()),
            Measure::Cold => share(outcome.cold),
            Measure::Failed => share(outcome.failed()),
        }
    }

    fn show(&self, value: f64) -> String {
        match self.measure {
            Measure::Percentile(_) | Measure::Longest => time(value),
            Measure::Cold | Measure::Failed => format!("{:.2} %", value * 100.0),
        }
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Goal, String> {
        let wrong = || format!("`{text}` is no goal: take p99<2s, p95<500ms, max<90s, cold<1% or failed<0.1%");
        let (name, limit) = text.split_once('<').ok_or_else(wrong)?;
        let (name, limit) = (name.trim(), limit.trim().trim_start_matches('=').trim());
        let share = |text: &str| text.strip_suffix('%')?.trim().parse::<f64>().ok().map(|p| p / 100.0);
        let time = crate::go::seconds;
        let (measure, limit) = match name {
            "max" => (Measure::Longest, time(limit)),
            "cold" => (Measure::Cold, share(limit)),
            "failed" => (Measure::Failed, share(limit)),
            _ => {
                let percent = name.strip_prefix('p').and_then(|p| p.parse::<f64>().ok());
                (Measure::Percentile(percent.filter(|p| *p > 0.0 && *p <= 100.0).ok_or_else(wrong)?), time(limit))
            }
        };
        let limit = limit.filter(|l| l.is_finite() && *l > 0.0).ok_or_else(wrong)?;
        Ok(Goal { measure, limit: Some(limit) })
    }
}

impl FromStr for Grid {
    type Err = String;

    fn from_str(text: &str) -> Result<Grid, String> {
        let text = if text.is_empty() { GRID } else { text };
        let mut grid = Vec::new();
        for part in text.split(',') {
            let (key, values) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is no setting with values, as min-scale=0/1/2"))?;
            let values: Vec<_> = values.split('/').map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect();
            knobs::check_setting(key.trim())?;
            if values.is_empty() {
                return Err(format!("`{part}` has no values, as min-scale=0/1/2"));
            }
            grid.push((key.trim().to_owned(), values));
        }
        let size = grid.iter().try_fold(1_usize, |n, (_, values)| n.checked_mul(values.len()));
        if size.is_none_or(|size| size > MOST) {
            return Err(format!("that is more than {MOST} settings"));
        }
        Ok(Grid(grid))
    }
}

impl Grid {
    fn settings(&self) -> Vec<Vec<(String, String)>> {
        let mut settings = vec![Vec::new()];
        for (key, values) in &self.0 {
            settings = settings
                .into_iter()
                .flat_map(|setting| {
                    values.iter().map(move |value| {
                        let mut setting: Vec<(String, String)> = setting.clone();
                        setting.push((key.clone(), value.clone()));
                        setting
                    })
                })
                .collect();
        }
        settings
    }
}

impl Sweep {
    /// Tries all settings of a grid, on all processors.
    ///
    /// # Errors
    /// In words, why nothing could be tried.
    pub fn run(
        service: &Service,
        price: &Price,
        source: &Source,
        conditions: &Conditions,
        grid: &Grid,
        goal: Goal,
    ) -> Result<Sweep, String> {
        let mut tried: Vec<(Vec<(String, String)>, Knobs)> = Vec::new();
        let (mut refused, mut why) = (0, String::new());
        for setting in grid.settings() {
            match service.with(&setting).knobs() {
                // Settings that come to the same are tried once: where pods always stay, none is retained.
                Ok(mut knobs) => {
                    if knobs.least() > 0 {
                        knobs.retention = 0.0;
                    }
                    if tried.iter().all(|(_, other)| *other != knobs) {
                        tried.push((setting, knobs));
                    }
                }
                Err(error) => {
                    refused += 1;
                    why = error;
                }
            }
        }
        if tried.is_empty() {
            return Err(format!("none of the settings is one that Knative takes; the last: {why}"));
        }
        let trials = parallel::each(&tried, |(setting, knobs)| {
            source.run(knobs, conditions).map(|outcome| Trial::of(setting, &outcome, price, goal))
        });
        Ok(Sweep::of(trials.into_iter().collect::<Result<_, _>>()?, goal, refused))
    }

    fn of(trials: Vec<Trial>, goal: Goal, refused: usize) -> Sweep {
        let mut order: Vec<usize> = (0..trials.len()).collect();
        order.sort_by(|a, b| {
            let key = |t: &usize| (trials[*t].month, trials[*t].measured);
            key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut frontier: Vec<usize> = Vec::new();
        for at in &order {
            if frontier.last().is_none_or(|last| trials[*at].measured < trials[*last].measured) {
                frontier.push(*at);
            }
        }
        let meets = |at: &&usize| goal.limit.is_some_and(|limit| trials[**at].measured < limit);
        let best = frontier.iter().find(meets).copied();
        Sweep { goal, trials, frontier, best, refused }
    }

    /// Whether a goal was asked for, and nothing meets it.
    pub fn misses(&self) -> bool {
        self.goal.limit.is_some() && self.best.is_none()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let trial = |at: &usize| {
            let trial = &self.trials[*at];
            json!({
                "annotations": trial.full().into_iter().collect::<crate::value::Map>(),
                "month": (trial.month * 1e4).round() / 1e4,
                "latency": {"p95": trial.latency[0], "p99": trial.latency[1], "max": trial.latency[2]},
                "cold_share": trial.shares[0], "failed_share": trial.shares[1],
            })
        };
        let all: Vec<_> = (0..self.trials.len()).collect();
        json!({
            "measured_by": self.goal.name(),
            "tried": self.trials.len(), "refused": self.refused,
            "trials": all.iter().map(trial).collect::<Vec<_>>(),
            "frontier": self.frontier.iter().map(trial).collect::<Vec<_>>(),
            "best": self.best.as_ref().map(trial),
        })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "\n{} settings tried; these are the ones that nothing cheaper beats:\n  {:>10}  {:>9}  {:>9}  {:>7}  setting\n",
            self.trials.len(),
            "a month",
            "p95",
            "p99",
            "cold"
        );
        for at in &self.frontier {
            let trial = &self.trials[*at];
            let mark = if self.best == Some(*at) { "*" } else { " " };
            let _ = writeln!(
                text,
                "{mark} {:>10}  {:>9}  {:>9}  {:>5.2} %  {}",
                dollars(trial.month),
                time(trial.latency[0]),
                time(trial.latency[1]),
                trial.shares[0] * 100.0,
                trial.words()
            );
        }
        if self.refused > 0 {
            let _ = writeln!(text, "{} settings are refused by Knative's webhook and were left out", self.refused);
        }
        let Some(limit) = self.goal.limit else { return text };
        let asked = format!("{} below {}", self.goal.name(), self.goal.show(limit));
        match self.best {
            None => {
                let _ = writeln!(text, "\nNone of them has {asked}.");
            }
            Some(at) => {
                let trial = &self.trials[at];
                let _ =
                    writeln!(text, "\nThe cheapest with {asked} (*), as annotations of the Service's spec.template:\n");
                for (key, value) in trial.full() {
                    let _ = writeln!(text, "        {key}: {value}");
                }
                if let Some(flags) = trial.app_flags() {
                    let _ = writeln!(text, "\nOr let `knrender app` write it: {flags}");
                }
            }
        }
        text
    }
}

impl Trial {
    fn of(annotations: &[(String, String)], outcome: &Outcome, price: &Price, goal: Goal) -> Trial {
        let hours = outcome.last_second.max(1) as f64 / 3600.0;
        let share = |part: u64| part as f64 / outcome.total.max(1) as f64;
        Trial {
            annotations: annotations.to_vec(),
            month: price.of(outcome.billed_seconds) / hours * 730.0,
            latency: [outcome.percentile(95.0), outcome.percentile(99.0), seconds(outcome.latency.most())],
            measured: goal.of(outcome),
            shares: [share(outcome.cold), share(outcome.failed())],
        }
    }

    /// The setting in a line.
    pub fn words(&self) -> String {
        let parts: Vec<_> = self.annotations.iter().map(|(key, value)| format!("{key}={value}")).collect();
        parts.join(" ")
    }

    /// The annotations with their whole keys.
    fn full(&self) -> Vec<(String, Value)> {
        let key = |key: &str| if key.contains('/') { key.to_owned() } else { format!("autoscaling.knative.dev/{key}") };
        self.annotations.iter().map(|(name, value)| (key(name), Value::from(value.as_str()))).collect()
    }

    /// The same as flags of `knrender app`, where it has flags for all of it.
    fn app_flags(&self) -> Option<String> {
        let flag = |key: &str| match key {
            "min-scale" => Some("--min-scale"),
            "max-scale" => Some("--max-scale"),
            "target" => Some("--target"),
            "scale-to-zero-pod-retention-period" => Some("--retention"),
            _ => None,
        };
        let parts: Option<Vec<_>> =
            self.annotations.iter().map(|(key, value)| Some(format!("{} {value}", flag(key)?))).collect();
        parts.map(|parts| parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(month: f64, measured: f64) -> Trial {
        Trial {
            annotations: vec![("min-scale".to_owned(), format!("{month}"))],
            month,
            latency: [measured; 3],
            measured,
            shares: [0.0; 2],
        }
    }

    #[test]
    fn the_frontier_is_what_nothing_cheaper_beats_and_the_best_is_its_cheapest_that_will_do() {
        let goal: Goal = "p99<2s".parse().unwrap();
        let sweep = Sweep::of(
            vec![trial(5.0, 1.0), trial(1.0, 60.0), trial(2.0, 80.0), trial(3.0, 1.5), trial(9.0, 1.0)],
            goal,
            0,
        );
        assert_eq!((sweep.frontier.clone(), sweep.best), (vec![1, 3, 0], Some(3)));
        assert!(sweep.to_text().contains("autoscaling.knative.dev/min-scale: \"3\"") && !sweep.misses());
        let none = Sweep::of(vec![trial(1.0, 5.0)], goal, 0);
        assert!(none.misses() && none.to_text().contains("None of them has p99 below 2 s"));
    }

    #[test]
    fn goals_and_grids_are_read() {
        for (text, measure, limit) in [
            ("p99<2s", Measure::Percentile(99.0), 2.0),
            ("p99.9 <= 500ms", Measure::Percentile(99.9), 0.5),
            ("max<90", Measure::Longest, 90.0),
            ("cold<1%", Measure::Cold, 0.01),
        ] {
            assert_eq!(text.parse(), Ok(Goal { measure, limit: Some(limit) }), "{text}");
        }
        for bad in ["p99", "p99<", "p0<1s", "cold<1", "x<1s", "p99<-1s", "p99>1s"] {
            assert!(bad.parse::<Goal>().is_err(), "{bad}");
        }
        let grid: Grid = "min-scale=0/1,target=5/10/20".parse().unwrap();
        assert_eq!(grid.settings().len(), 6);
        assert_eq!("".parse::<Grid>().unwrap().settings().len(), 80);
        assert!("min-scale".parse::<Grid>().is_err() && "target=/".parse::<Grid>().is_err());
    }
}
