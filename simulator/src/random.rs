//! Chance that is the same each time, values that are spread, and the percentiles of many values.

use std::fmt;
use std::str::FromStr;

use super::time::{Micros, micros};

/// `SplitMix64`: small, fast, and the same on every machine.
/// Source: <https://prng.di.unimi.it/splitmix64.c>
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0, below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// At least 0, below `below`.
    pub fn below(&mut self, below: usize) -> usize {
        ((u128::from(self.next()) * below as u128) >> 64) as usize
    }

    /// The time to the next of events that come at random, `rate` a unit of time.
    pub fn gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }
}

/// A number of seconds, always the same or spread.
#[derive(Clone, Debug, PartialEq)]
pub enum Spread {
    /// `1.5`.
    Always(f64),
    /// `30-90`: anything between, all alike.
    Between(f64, f64),
    /// `p50=0.2,p95=1`: percentiles, straight lines between them; from half of the first, and nothing beyond the last.
    Percentiles(Vec<(f64, f64)>),
}

/// The longest that anything may take, in seconds.
const LONGEST: f64 = 86_400.0;

impl Spread {
    /// What is usual, about, in seconds.
    pub fn usual(&self) -> f64 {
        match self {
            Spread::Always(seconds) => *seconds,
            Spread::Between(least, most) => f64::midpoint(*least, *most),
            Spread::Percentiles(points) => points.first().map_or(0.0, |(_, seconds)| *seconds),
        }
    }

    /// A value, in microseconds.
    pub fn sample(&self, random: &mut Random) -> Micros {
        match self {
            Spread::Always(seconds) => micros(*seconds),
            Spread::Between(least, most) => micros(least + (most - least) * random.unit()),
            Spread::Percentiles(points) => micros(at_share(points, random.unit())),
        }
    }

    /// The same, so many seconds later.
    #[must_use]
    pub fn plus(&self, seconds: f64) -> Spread {
        match self {
            Spread::Always(value) => Spread::Always(value + seconds),
            Spread::Between(least, most) => Spread::Between(least + seconds, most + seconds),
            Spread::Percentiles(points) => Spread::Percentiles(points.iter().map(|(p, v)| (*p, v + seconds)).collect()),
        }
    }
}

fn at_share(points: &[(f64, f64)], share: f64) -> f64 {
    let first = points.first().map_or(0.0, |(_, value)| value / 2.0);
    let mut before = (0.0, first);
    for point in points {
        if share < point.0 {
            return before.1 + (point.1 - before.1) * (share - before.0) / (point.0 - before.0);
        }
        before = *point;
    }
    before.1
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Spread, String> {
        let number = |text: &str| {
            let number = knrender_objects::go::seconds(text);
            number.filter(|n| (0.0..=LONGEST).contains(n)).ok_or_else(|| {
                format!(
                    "`{text}` is no number of seconds from 0 to {LONGEST}: take 1.5, 90s, 2m, 30-90, or p50=0.2,p95=1"
                )
            })
        };
        if text.contains('=') {
            let mut points: Vec<(f64, f64)> = Vec::new();
            for part in text.split(',') {
                let (name, value) =
                    part.split_once('=').ok_or_else(|| format!("`{part}` is no percentile, as p95=1"))?;
                let share = name.trim().strip_prefix('p').and_then(|p| p.parse::<f64>().ok());
                let share = share.filter(|p| *p > 0.0 && *p <= 100.0);
                let share = share.ok_or_else(|| format!("`{name}` is no percentile, from p1 to p100"))? / 100.0;
                let value = number(value)?;
                if points.last().is_some_and(|(p, v)| *p >= share || *v > value) {
                    return Err(format!("`{part}` does not rise: percentiles and their values have to"));
                }
                points.push((share, value));
            }
            return Ok(Spread::Percentiles(points));
        }
        match text.split_once('-') {
            Some((least, most)) if !least.is_empty() => {
                let (least, most) = (number(least)?, number(most)?);
                if least > most {
                    return Err(format!("`{text}` goes from more to less"));
                }
                Ok(Spread::Between(least, most))
            }
            _ => number(text).map(Spread::Always),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spread::Always(seconds) => write!(f, "{seconds} s"),
            Spread::Between(least, most) => write!(f, "{least} to {most} s"),
            Spread::Percentiles(points) => {
                let parts: Vec<_> = points.iter().map(|(p, v)| format!("p{} {v} s", (p * 1e6).round() / 1e4)).collect();
                f.write_str(&parts.join(", "))
            }
        }
    }
}

/// Times, counted so that percentiles come out to within 0.05 %, in little memory.
#[derive(Clone, Debug)]
pub struct Times {
    counts: Vec<u64>,
    count: u64,
    most: Micros,
    sum: u128,
}

/// Parts of a power of two, as a power of two.
const PARTS: u32 = 10;

impl Default for Times {
    fn default() -> Self {
        Times { counts: vec![0; 34 << PARTS], count: 0, most: 0, sum: 0 }
    }
}

impl Times {
    /// Adds one.
    pub fn add(&mut self, time: Micros) {
        let shift = (u64::BITS - time.leading_zeros()).saturating_sub(PARTS + 1);
        let slot = ((shift as usize) << PARTS) + (time >> shift) as usize;
        let last = self.counts.len() - 1;
        self.counts[slot.min(last)] += 1;
        self.count += 1;
        self.sum += u128::from(time);
        self.most = self.most.max(time);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn most(&self) -> Micros {
        self.most
    }

    /// The mean; 0 without any.
    pub fn mean(&self) -> Micros {
        (self.sum / u128::from(self.count.max(1))) as Micros
    }

    /// The time that so many percent do not exceed; 0 without any.
    pub fn percentile(&self, percent: f64) -> Micros {
        let rank = ((self.count as f64 * percent / 100.0).ceil() as u64).clamp(1, self.count.max(1));
        if rank == self.count {
            return self.most;
        }
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // A slot of the first two powers is one value; the others are named by their middle.
                let shift = (slot >> PARTS).saturating_sub(1);
                let value = ((slot - (shift << PARTS)) as u64) << shift;
                return (value + ((1_u64 << shift) >> 1)).min(self.most);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_the_true_ones() {
        let mut times = Times::default();
        for time in 1..=100_000_u64 {
            times.add(time * 977);
        }
        for (percent, true_value) in [(1.0, 1_000 * 977), (50.0, 50_000 * 977), (99.0, 99_000 * 977_u64)] {
            let found = times.percentile(percent);
            assert!(found.abs_diff(true_value) * 1000 <= true_value, "{percent}: {found} for {true_value}");
        }
        assert_eq!(times.percentile(100.0), 97_700_000);
        assert_eq!((Times::default().percentile(50.0), Times::default().mean()), (0, 0));
        let mut times = Times::default();
        times.add(1500);
        times.add(u64::MAX / 2);
        assert_eq!(times.percentile(50.0), 1500);
    }

    #[test]
    fn a_spread_is_read_and_sampled() {
        let mut random = Random::new(1);
        assert_eq!("1.5".parse(), Ok(Spread::Always(1.5)));
        assert_eq!("30-90".parse(), Ok(Spread::Between(30.0, 90.0)));
        let spread: Spread = "p50=1,p90=2,p99=10".parse().unwrap();
        let mut values: Vec<_> = (0..10_000).map(|_| spread.sample(&mut random)).collect();
        values.sort_unstable();
        assert!(values[5000].abs_diff(1_000_000) < 30_000, "{}", values[5000]);
        assert!(values[9000].abs_diff(2_000_000) < 300_000, "{}", values[9000]);
        assert!(values[0] >= 500_000 && values[9999] == 10_000_000);
        for bad in ["-1", "x", "5-1", "p0=1", "p50=2,p40=3", "p50=2,p90=1", "p50", "1e9", "nan", "inf"] {
            assert!(bad.parse::<Spread>().is_err(), "{bad}");
        }
    }
}
