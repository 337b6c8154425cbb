//! The windows over which the autoscaler averages, with a bucket for each second.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/autoscaler/aggregation/bucketing.go> and
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/autoscaler/aggregation/max/window.go>

use std::collections::VecDeque;

/// How old values are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// All alike.
    Linear,
    /// The newest most.
    Exponential,
}

/// Values of the last seconds, one bucket a second.
#[derive(Clone, Debug)]
pub struct Buckets {
    values: Vec<f64>,
    /// Second of the first and of the last write.
    written: Option<(u64, u64)>,
    total: f64,
    aggregation: Aggregation,
}

impl Buckets {
    /// A window of so many seconds.
    pub fn new(seconds: u64, aggregation: Aggregation) -> Buckets {
        Buckets { values: vec![0.0; seconds.max(1) as usize], written: None, total: 0.0, aggregation }
    }

    fn len(&self) -> u64 {
        self.values.len() as u64
    }

    fn slot(&self, second: u64) -> usize {
        (second % self.len()) as usize
    }

    /// Whether nothing was written for longer than the window.
    pub fn is_empty(&self, second: u64) -> bool {
        self.written.is_none_or(|(_, last)| second > last + self.len())
    }

    /// Adds a value. Time does not go back here.
    pub fn record(&mut self, second: u64, value: f64) {
        match self.written {
            Some((first, last)) if second < last + self.len() => {
                for gone in last + 1..=second {
                    let slot = self.slot(gone);
                    self.total -= self.values[slot];
                    self.values[slot] = 0.0;
                }
                self.written = Some((first, last.max(second)));
            }
            _ => {
                // Nothing for a whole window, or ever: the window starts anew.
                self.values.fill(0.0);
                self.total = 0.0;
                self.written = Some((second, second));
            }
        }
        let slot = self.slot(second);
        self.values[slot] += value;
        self.total += value;
    }

    /// The average over the seconds of the window in which there can be data.
    pub fn average(&self, second: u64) -> f64 {
        let Some((first, last)) = self.written else { return 0.0 };
        let behind = second.saturating_sub(last);
        if self.aggregation == Aggregation::Exponential {
            return if self.is_empty(second) { 0.0 } else { self.weighted(last, behind) };
        }
        if behind >= self.len() {
            return 0.0;
        }
        let outdated: f64 = (last + 1..=second).map(|s| self.values[self.slot(s)]).sum();
        let valid = (last - first + 1).min(self.len() - behind);
        ((self.total - outdated) / valid as f64 * 1e6).round() / 1e6
    }

    fn weighted(&self, last: u64, behind: u64) -> f64 {
        const PRECISION: f64 = 0.9999;
        let smoothing = (1.0 - (1.0 - PRECISION).powf(1.0 / self.len() as f64)).max(0.2);
        let mut weight = smoothing * (1.0 - smoothing).powi(behind as i32);
        let mut sum = 0.0;
        for back in 0..self.len().saturating_sub(behind) {
            sum += self.values[self.slot(last + self.len() - back)] * weight;
            weight *= 1.0 - smoothing;
        }
        sum
    }
}

/// The greatest of the last values: scale-down-delay.
#[derive(Clone, Debug)]
pub struct Greatest {
    size: u64,
    /// Index and value, values falling.
    maxima: VecDeque<(u64, i64)>,
}

impl Greatest {
    /// A window of so many ticks.
    pub fn new(ticks: u64) -> Greatest {
        Greatest { size: ticks.max(1), maxima: VecDeque::new() }
    }

    /// Adds a value and answers with the greatest that is still in the window.
    pub fn record(&mut self, tick: u64, mut value: i64) -> i64 {
        while self.maxima.back().is_some_and(|(_, last)| value >= *last) {
            self.maxima.pop_back();
        }
        while self.maxima.front().is_some_and(|(first, _)| tick - first >= self.size) {
            self.maxima.pop_front();
        }
        if let Some((_, last)) = self.maxima.back().copied().filter(|(last, _)| *last == tick) {
            value = value.max(last);
            self.maxima.pop_back();
        }
        self.maxima.push_back((tick, value));
        self.maxima.front().map_or(value, |(_, greatest)| *greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "what is rounded to six digits is equal or not")]
    fn an_average_is_over_the_seconds_that_can_have_data() {
        let mut window = Buckets::new(6, Aggregation::Linear);
        assert!(window.is_empty(100));
        window.record(100, 10.0);
        assert_eq!(window.average(100), 10.0);
        window.record(101, 20.0);
        window.record(101, 10.0);
        assert_eq!(window.average(101), 20.0);
        // A second later nothing has come in yet: the same two buckets.
        assert_eq!(window.average(102), 20.0);
        // Five seconds later, only what is in the window counts.
        assert_eq!(window.average(106), 30.0);
        assert_eq!(window.average(107), 0.0);
        assert!(!window.is_empty(107) && window.is_empty(108));
        window.record(120, 6.0);
        assert_eq!(window.average(120), 6.0);
    }

    #[test]
    fn an_exponential_average_leans_on_the_newest() {
        let mut window = Buckets::new(60, Aggregation::Exponential);
        for second in 0..120 {
            window.record(second, if second < 115 { 0.0 } else { 100.0 });
        }
        let average = window.average(119);
        assert!((66.0..68.5).contains(&average), "{average}"); // 1 - 0.8^5
        assert!(window.average(121) < average);
    }

    #[test]
    fn the_greatest_of_a_window_stays_until_it_is_outdated() {
        let mut window = Greatest::new(3);
        assert_eq!(window.record(0, 5), 5);
        assert_eq!(window.record(1, 2), 5);
        assert_eq!(window.record(1, 3), 5);
        assert_eq!(window.record(2, 1), 5);
        assert_eq!(window.record(3, 1), 3);
        assert_eq!(window.record(4, 1), 1);
        assert_eq!(window.record(5, 7), 7);
    }
}
