//! What came of a run.

use serde::Serialize;

use super::pods::Pod;
use super::random::Times;
use super::time::{Micros, SECOND, seconds};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All requests.
    pub total: u64,
    /// Those that came while no pod served.
    pub cold: u64,
    /// Those that waited for longer than they may: 504.
    pub timed_out: u64,
    /// Those that a full queue-proxy refused: 503.
    pub refused: u64,
    /// How long all requests took, the failed ones too.
    pub latency: Times,
    /// How long those that came while no pod served waited for one.
    pub cold_wait: Times,
    /// Changes: from which second on so many were desired, ready, there.
    pub changes: Vec<Change>,
    /// The last second.
    pub last_second: u64,
    /// Pods times seconds, from creation until they are gone.
    pub pod_seconds: f64,
    /// What is billed of these: whole seconds, a minute at the least.
    pub billed_seconds: u64,
    /// How many pods were started.
    pub pods: usize,
    /// The most at the same time.
    pub most_pods: usize,
    /// Requests and latency over time.
    pub bins: Bins,
}

/// How many pods from a second on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The second.
    pub second: u64,
    /// The Deployment's replicas.
    pub desired: usize,
    /// Pods that are ready.
    pub ready: usize,
    /// Pods that exist.
    pub pods: usize,
}

/// A row of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The second.
    pub time: u64,
    /// The Deployment's replicas.
    pub desired: usize,
    /// Pods that are ready.
    pub ready: usize,
    /// Pods that exist: starting, ready, or on their way out.
    pub pods: usize,
}

/// Requests over time, in stretches of the same length, 512 at the most.
#[derive(Clone, Debug)]
pub struct Bins {
    /// The length of a stretch.
    pub width: Micros,
    /// The stretches.
    pub bins: Vec<Bin>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Requests that came.
    pub requests: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// The longest that one of them took.
    pub longest: Micros,
    /// How long all that were answered took together.
    pub sum: u128,
    /// How many were answered.
    pub answered: u64,
}

/// The most stretches.
const BINS: usize = 512;

impl Bins {
    fn at(&mut self, time: Micros) -> &mut Bin {
        while time / self.width >= BINS as u64 {
            self.width *= 2;
            let halves = std::mem::take(&mut self.bins);
            self.bins = halves.chunks(2).map(|pair| pair.iter().fold(Bin::default(), Bin::with)).collect();
        }
        let at = (time / self.width) as usize;
        if self.bins.len() <= at {
            self.bins.resize(at + 1, Bin::default());
        }
        &mut self.bins[at]
    }
}

impl Bin {
    fn with(self, other: &Bin) -> Bin {
        Bin {
            requests: self.requests + other.requests,
            failed: self.failed + other.failed,
            longest: self.longest.max(other.longest),
            sum: self.sum + other.sum,
            answered: self.answered + other.answered,
        }
    }
}

impl Outcome {
    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.timed_out + self.refused
    }

    /// A row for each second.
    pub fn timeline(&self) -> impl Iterator<Item = Row> + '_ {
        let mut next = 0;
        let mut now = Change { second: 0, desired: 0, ready: 0, pods: 0 };
        (0..=self.last_second).map(move |time| {
            while let Some(change) = self.changes.get(next).filter(|change| change.second <= time) {
                now = *change;
                next += 1;
            }
            Row { time, desired: now.desired, ready: now.ready, pods: now.pods }
        })
    }

    /// Latency that so many percent do not exceed, in seconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        seconds(self.latency.percentile(percent))
    }
}

/// Keeps account of a run.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    total: u64,
    cold: u64,
    timed_out: u64,
    refused: u64,
    latency: Times,
    cold_wait: Times,
    changes: Vec<Change>,
    most_pods: usize,
    bins: Bins,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder {
            total: 0,
            cold: 0,
            timed_out: 0,
            refused: 0,
            latency: Times::default(),
            cold_wait: Times::default(),
            changes: Vec::new(),
            most_pods: 0,
            bins: Bins { width: SECOND, bins: Vec::new() },
        }
    }
}

impl Recorder {
    pub(crate) fn arrived(&mut self, now: Micros, cold: bool) {
        self.total += 1;
        self.cold += u64::from(cold);
        self.bins.at(now).requests += 1;
    }

    pub(crate) fn waited_for_a_pod(&mut self, time: Micros) {
        self.cold_wait.add(time);
    }

    pub(crate) fn answered(&mut self, now: Micros, arrived: Micros) {
        let time = now - arrived;
        self.latency.add(time);
        let bin = self.bins.at(arrived);
        bin.longest = bin.longest.max(time);
        bin.sum += u128::from(time);
        bin.answered += 1;
    }

    fn failed(&mut self, now: Micros, arrived: Micros) {
        self.answered(now, arrived);
        self.bins.at(arrived).failed += 1;
    }

    pub(crate) fn timed_out(&mut self, now: Micros, arrived: Micros) {
        self.timed_out += 1;
        self.failed(now, arrived);
    }

    pub(crate) fn refused(&mut self, now: Micros, arrived: Micros) {
        self.refused += 1;
        self.failed(now, arrived);
    }

    pub(crate) fn sample(&mut self, second: u64, desired: usize, ready: usize, pods: usize) {
        self.most_pods = self.most_pods.max(pods);
        let change = Change { second, desired, ready, pods };
        if self.changes.last().is_none_or(|last| Change { second, ..*last } != change) {
            self.changes.push(change);
        }
    }

    pub(crate) fn outcome(self, last_second: u64, pods: &[Pod], end: Micros) -> Outcome {
        let lives = || pods.iter().map(|pod| pod.gone.unwrap_or(end).saturating_sub(pod.created));
        Outcome {
            total: self.total,
            cold: self.cold,
            timed_out: self.timed_out,
            refused: self.refused,
            latency: self.latency,
            cold_wait: self.cold_wait,
            changes: self.changes,
            last_second,
            pod_seconds: seconds(lives().sum()),
            billed_seconds: lives().map(|life| life.div_ceil(SECOND).max(60)).sum(),
            pods: pods.len(),
            most_pods: self.most_pods,
            bins: self.bins,
        }
    }
}
