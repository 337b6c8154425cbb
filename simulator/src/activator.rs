//! What an activator, or a queue-proxy, counts of its requests, and which of them wait.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/activator/handler/concurrency_reporter.go> and
//! <https://github.com/knative/networking/blob/release-1.23/pkg/http/stats/request.go>

use std::collections::VecDeque;

use super::autoscaler::Stat;
use super::time::Micros;

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) arrived: Micros,
    pub(crate) duration: Micros,
    /// Whether its caller asks again once it is answered.
    pub(crate) closed: bool,
    /// Whether no pod served when it came.
    pub(crate) cold: bool,
}

/// Counts requests, and how many there are at the same time on average.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    now: u32,
    changed: Micros,
    since: Micros,
    weighted: u64,
    count: u32,
    /// The last report.
    pub(crate) last: Last,
}

/// A report.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Last {
    pub(crate) concurrency: f64,
    pub(crate) requests: f64,
}

impl Counter {
    fn at(&mut self, now: Micros) {
        self.weighted += u64::from(self.now) * (now - self.changed);
        self.changed = now;
    }

    pub(crate) fn start(&mut self, now: Micros) {
        self.at(now);
        self.now += 1;
        self.count += 1;
    }

    pub(crate) fn end(&mut self, now: Micros) {
        self.at(now);
        self.now -= 1;
    }

    pub(crate) fn report(&mut self, now: Micros) {
        self.at(now);
        let time = (now - self.since).max(1);
        self.last = Last { concurrency: self.weighted as f64 / time as f64, requests: f64::from(self.count) };
        self.since = now;
        self.weighted = 0;
        self.count = 0;
    }
}

/// An activator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activator {
    counter: Counter,
    /// Whether it has stats of the revision; without requests it forgets them with the next report.
    known: bool,
    /// What was told ahead of the next report: the first request.
    told: f64,
    /// Requests without a pod.
    pub(crate) queue: VecDeque<Waiting>,
    /// The pods that are its own, where pods take only so many requests.
    pub(crate) assigned: Vec<usize>,
    /// Whose turn it is of those.
    pub(crate) next: usize,
}

impl Activator {
    /// A request comes in. The first one is told at once.
    pub(crate) fn start(&mut self, now: Micros) -> Option<Stat> {
        let first = !self.known;
        if first {
            self.known = true;
            self.told = 1.0;
            self.counter = Counter { changed: now, since: now, ..Counter::default() };
        }
        self.counter.start(now);
        first.then_some(Stat { concurrency: 1.0, requests: 1.0 })
    }

    pub(crate) fn end(&mut self, now: Micros) {
        self.counter.end(now);
    }

    /// The report of each second.
    pub(crate) fn report(&mut self, now: Micros) -> Option<Stat> {
        if !self.known {
            return None;
        }
        self.counter.report(now);
        let told = std::mem::take(&mut self.told);
        let Last { concurrency, requests } = self.counter.last;
        if concurrency == 0.0 && self.counter.now == 0 {
            self.known = false;
        }
        Some(Stat { concurrency: (concurrency - told).max(0.0), requests: requests - told })
    }

    pub(crate) fn is_known(&self) -> bool {
        self.known
    }
}
