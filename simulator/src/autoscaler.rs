//! What the autoscaler decides at a tick.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/autoscaler/scaling/autoscaler.go>

use super::knobs::{Knobs, Metric};
use super::time::{Micros, SECOND, wall_second};
use super::window::{Buckets, Greatest};

/// The autoscaler of one revision.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    stable: Buckets,
    panic: Buckets,
    delay: Option<Greatest>,
    panic_since: Option<Micros>,
    most_in_panic: i64,
    /// How many pods it asks for; -1 before there were any data.
    pub desired: i64,
    /// How much more the pods can take than the burst that is to be kept free; below 0, the activator stays in the path.
    pub excess_burst: i64,
}

/// What an activator or a scrape says about a second.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// Requests at the same time, on average.
    pub concurrency: f64,
    /// Requests that came.
    pub requests: f64,
}

impl Autoscaler {
    /// An autoscaler without data.
    pub fn new(knobs: &Knobs) -> Autoscaler {
        let burst = knobs.target_burst_capacity;
        let excess = if burst <= 0.0 { burst } else { f64::from(knobs.initial_scale) * knobs.total - burst };
        Autoscaler {
            stable: Buckets::new(knobs.stable_window, knobs.aggregation),
            panic: Buckets::new(knobs.panic_window(), knobs.aggregation),
            delay: (knobs.scale_down_delay > 0).then(|| Greatest::new(knobs.scale_down_delay.div_ceil(2))),
            panic_since: None,
            most_in_panic: 0,
            desired: -1,
            excess_burst: excess as i64,
        }
    }

    /// Takes in a stat, at a second of the wall clock.
    pub fn record(&mut self, knobs: &Knobs, second: u64, stat: Stat) {
        let value = if knobs.metric == Metric::Rps { stat.requests } else { stat.concurrency };
        self.stable.record(second, value);
        self.panic.record(second, value);
    }

    /// Whether there is nothing to decide on.
    pub fn has_no_data(&self, second: u64) -> bool {
        self.stable.is_empty(second)
    }

    /// A tick, with so many pods ready. Answers whether the rest has to know: another number of pods, or another sign of
    /// the excess burst capacity.
    pub fn tick(&mut self, knobs: &Knobs, now: Micros, ready: usize) -> bool {
        let second = wall_second(now);
        // Where the activator is always in the path, nothing is scraped, and no data are a 0.
        if self.has_no_data(second) && !knobs.always_activator() {
            return false;
        }
        let (stable, panic) = (self.stable.average(second), self.panic.average(second));
        let pods = ready.max(1) as f64;
        let most = (knobs.max_scale_up_rate * pods).ceil();
        let least = (pods / knobs.max_scale_down_rate).floor();
        let (by_stable, by_panic) = ((stable / knobs.target).ceil(), (panic / knobs.target).ceil());
        let bounded = |pods: f64| pods.max(least).min(most) as i64;
        let (mut desired_stable, mut desired_panic) = (bounded(by_stable), bounded(by_panic));
        if knobs.activation_scale > 1 {
            let least = i64::from(knobs.activation_scale);
            if by_stable > 0.0 {
                desired_stable = desired_stable.max(least);
            }
            if by_panic > 0.0 {
                desired_panic = desired_panic.max(least);
            }
        }
        let over = by_panic / pods >= knobs.panic_threshold;
        if over {
            self.panic_since = Some(now);
        } else if self.panic_since.is_some_and(|since| since + knobs.stable_window * SECOND <= now) {
            // To the microsecond it would have to be later than that; real ticks are never that exact.
            self.panic_since = None;
            self.most_in_panic = 0;
        }
        let mut desired = desired_stable;
        if self.panic_since.is_some() {
            self.most_in_panic = self.most_in_panic.max(desired).max(desired_panic);
            desired = self.most_in_panic;
        }
        if let Some(delay) = &mut self.delay {
            desired = delay.record(second / 2, desired);
        }
        let excess = match knobs.target_burst_capacity {
            0.0 => 0.0,
            burst if burst > 0.0 => (ready as f64 * knobs.total - burst - panic).floor(),
            _ => -1.0,
        } as i64;
        let changed = desired != self.desired || (excess < 0) != (self.excess_burst < 0);
        self.desired = desired;
        self.excess_burst = excess;
        changed
    }
}
