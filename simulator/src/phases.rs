//! Traffic as phases: `rate:10:60,pause:300,spike:100`.

use super::random::Random;
use super::time::{Micros, micros, seconds};
use super::traffic::{Arrival, MOST_REQUESTS, Traffic, too_many};

/// A phase.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// So many requests a second, evenly, for so many seconds.
    Rate(f64, Micros),
    /// The same at random.
    Poisson(f64, Micros),
    /// So many callers, each of which asks again as soon as it is answered.
    Concurrency(u32, Micros),
    /// So many at the same moment.
    Spike(u32),
    /// None.
    Pause(Micros),
    /// A rate that goes up and down: least, most, period, how long.
    Sine(f64, f64, f64, Micros),
}

/// Phases, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    text: String,
    phases: Vec<Phase>,
}

/// The grammar, for messages.
pub const GRAMMAR: &str = "rate:R:SECONDS, poisson:R:SECONDS, concurrency:N:SECONDS, spike:N, pause:SECONDS, \
                           sine:MIN:MAX:PERIOD:SECONDS, and the shapes office-hours:R, daily:MIN:MAX and on-off:R:ON:OFF:TIMES";

/// The most requests a second, callers, and requests at a moment.
const MOST: f64 = 1_000_000.0;
/// The longest time in all: 31 days.
const LONGEST: f64 = 31.0 * 86_400.0;

impl Plan {
    /// Whether a text is meant as phases, and not as the name of a file.
    pub fn is_meant(text: &str) -> bool {
        let name = text.split([':', ',']).next().unwrap_or_default().trim();
        let names =
            ["rate", "poisson", "concurrency", "conc", "spike", "pause", "sine", "office-hours", "daily", "on-off"];
        text.contains(':') && names.contains(&name)
    }

    /// Reads phases.
    ///
    /// # Errors
    /// In words, which phase is none and what would be one.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let mut phases = Vec::new();
        for part in text.split(',') {
            phases.extend(parse(part.trim()).map_err(|why| format!("--traffic: phase `{part}`: {why}"))?);
        }
        let plan = Plan { text: text.to_owned(), phases };
        if plan.length() > micros(LONGEST) {
            return Err(format!("--traffic {text}: that is longer than 31 days"));
        }
        plan.within(f64::INFINITY, f64::INFINITY)?;
        if !plan.phases.iter().any(Phase::has_requests) {
            return Err(format!("--traffic {text}: there is no request in it"));
        }
        Ok(plan)
    }

    /// An error where it has more requests than are simulated. What callers make depends on how long they wait for an answer, and on how
    /// many are answered at a time.
    ///
    /// # Errors
    /// In words, how many there are.
    pub fn within(&self, service_time: f64, at_a_time: f64) -> Result<(), String> {
        let requests: f64 = self.phases.iter().map(|phase| phase.requests(service_time, at_a_time)).sum();
        if requests > MOST_REQUESTS as f64 {
            return Err(format!("--traffic {}: {}", self.text, too_many(requests)));
        }
        Ok(())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn length(&self) -> Micros {
        self.phases.iter().map(Phase::length).sum()
    }
}

impl Phase {
    fn length(&self) -> Micros {
        match self {
            Phase::Rate(_, time)
            | Phase::Poisson(_, time)
            | Phase::Concurrency(_, time)
            | Phase::Pause(time)
            | Phase::Sine(.., time) => *time,
            Phase::Spike(_) => 0,
        }
    }

    /// How many requests it has, about.
    fn requests(&self, service_time: f64, at_a_time: f64) -> f64 {
        match self {
            Phase::Rate(rate, time) | Phase::Poisson(rate, time) => rate * seconds(*time),
            Phase::Sine(least, most, _, time) => (least + most) / 2.0 * seconds(*time),
            Phase::Spike(count) => f64::from(*count),
            Phase::Concurrency(count, time) => {
                f64::from(*count) + f64::from(*count).min(at_a_time) * seconds(*time) / service_time.max(1e-6)
            }
            Phase::Pause(_) => 0.0,
        }
    }

    fn has_requests(&self) -> bool {
        match self {
            Phase::Rate(rate, time) | Phase::Poisson(rate, time) => *rate > 0.0 && *time > 0,
            Phase::Concurrency(callers, time) => *callers > 0 && *time > 0,
            Phase::Spike(count) => *count > 0,
            Phase::Sine(_, most, _, time) => *most > 0.0 && *time > 0,
            Phase::Pause(_) => false,
        }
    }
}

fn parse(text: &str) -> Result<Vec<Phase>, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |at: usize, what: &str, most: f64| {
        let text = parts[at].trim();
        let number = text.parse::<f64>().map_err(|_| format!("{what} `{text}` is no number"))?;
        if !(0.0..=most).contains(&number) {
            return Err(format!("{what} {text} is not from 0 to {most}"));
        }
        Ok(number)
    };
    let rate = |at| number(at, "the rate", MOST);
    let lasting = |at: usize, what: &str| {
        let text = parts[at].trim();
        let time = knrender_objects::go::seconds(text)
            .ok_or_else(|| format!("{what} `{text}` is not a time such as 90, 90s or 5m"))?;
        if time > LONGEST { Err(format!("{what} {text} is not from 0 to {LONGEST} seconds")) } else { Ok(time) }
    };
    let time = |at| lasting(at, "the time").map(micros);
    let count = |at, what| {
        let value = number(at, what, MOST)?;
        if value.fract() != 0.0 {
            return Err(format!("{what} {value} is no whole number"));
        }
        Ok(value as u32)
    };
    let phase = match (parts[0].trim(), parts.len()) {
        ("rate", 3) => Phase::Rate(rate(1)?, time(2)?),
        ("poisson", 3) => Phase::Poisson(rate(1)?, time(2)?),
        ("concurrency" | "conc", 3) => Phase::Concurrency(count(1, "the number of callers")?, time(2)?),
        ("spike", 2) => Phase::Spike(count(1, "the number of requests")?),
        ("pause", 2) => Phase::Pause(time(1)?),
        ("sine", 5) => sine(rate(1)?, rate(2)?, lasting(3, "the period")?, time(4)?)?,
        ("daily", 3) => sine(rate(1)?, rate(2)?, 86_400.0, micros(86_400.0))?,
        ("office-hours", 2) => return Ok(office_hours(rate(1)?)),
        ("on-off", 5) => {
            let (rate, on, off, times) = (rate(1)?, time(2)?, time(3)?, count(4, "the number of times")?);
            if f64::from(times) * seconds(on + off) > LONGEST {
                return Err("that is longer than 31 days".to_owned());
            }
            return Ok((0..times).flat_map(|_| [Phase::Rate(rate, on), Phase::Pause(off)]).collect());
        }
        _ => return Err(format!("it is none. There are {GRAMMAR}")),
    };
    Ok(vec![phase])
}

fn sine(least: f64, most: f64, period: f64, time: Micros) -> Result<Phase, String> {
    if least > most {
        return Err(format!("the least rate {least} is more than the most, {most}"));
    }
    if period <= 0.0 {
        return Err("the period is 0".to_owned());
    }
    Ok(Phase::Sine(least, most, period, time))
}

/// A working day: little at night, half at noon.
fn office_hours(rate: f64) -> Vec<Phase> {
    let hours = |share: f64, hours: f64| Phase::Poisson(rate * share, micros(hours * 3600.0));
    vec![hours(0.02, 8.0), hours(1.0, 4.0), hours(0.5, 1.0), hours(1.0, 5.0), hours(0.02, 6.0)]
}

/// The requests of some phases.
#[derive(Debug)]
pub struct Phases<'p> {
    plan: &'p [Phase],
    at: usize,
    begin: Micros,
    random: Random,
    /// The next request, relative to the phase's begin.
    next: Option<Micros>,
    /// How many came in the phase.
    count: u64,
    /// Exact time of the last one in the phase, in seconds.
    last: f64,
    /// Callers of a closed loop who have not stopped.
    callers: u32,
}

impl<'p> Phases<'p> {
    /// The requests of a plan.
    pub fn new(plan: &'p Plan, seed: u64) -> Phases<'p> {
        let random = Random::new(seed ^ 0x7_aff1c);
        let mut phases =
            Phases { plan: &plan.phases, at: 0, begin: 0, random, next: None, count: 0, last: 0.0, callers: 0 };
        phases.enter();
        phases
    }

    /// Prepares the phase that begins now, and those after it as long as they have no requests.
    fn enter(&mut self) {
        while let Some(phase) = self.plan.get(self.at) {
            self.count = 0;
            self.last = 0.0;
            self.callers = 0;
            self.next = match phase {
                Phase::Concurrency(callers, time) if *time > 0 && *callers > 0 => {
                    self.callers = *callers;
                    Some(0)
                }
                Phase::Spike(count) if *count > 0 => Some(0),
                Phase::Rate(..) | Phase::Poisson(..) | Phase::Sine(..) => self.following(phase),
                _ => None,
            };
            if self.next.is_some() {
                return;
            }
            self.begin += phase.length();
            self.at += 1;
        }
    }

    /// When the next request of an open loop comes, relative to its begin.
    fn following(&mut self, phase: &Phase) -> Option<Micros> {
        let (at, end) = match phase {
            Phase::Rate(rate, end) if *rate > 0.0 => (self.count as f64 / rate, *end),
            Phase::Poisson(rate, end) if *rate > 0.0 => (self.last + self.random.gap(*rate), *end),
            Phase::Sine(least, most, period, end) if *most > 0.0 => {
                let at = if self.count == 0 { 0.0 } else { after(self.last, *least, *most, *period, seconds(*end))? };
                (at, *end)
            }
            _ => return None,
        };
        self.last = at;
        self.count += 1;
        Some(micros(at)).filter(|at| *at < end)
    }
}

/// When one request has come since `from`, at a rate that goes up and down.
fn after(from: f64, least: f64, most: f64, period: f64, end: f64) -> Option<f64> {
    let turn = std::f64::consts::TAU / period;
    let rate = |t: f64| least + (most - least) * (1.0 - (turn * t).cos()) / 2.0;
    let total = |t: f64| f64::midpoint(least, most) * t - (most - least) / 2.0 * (turn * t).sin() / turn;
    let goal = total(from) + 1.0;
    let mut at = from + 1.0 / rate(from).max(most / 20.0);
    for _ in 0..3 {
        at -= (total(at) - goal) / rate(at).max(most / 100.0);
    }
    if (total(at) - goal).abs() < 1e-6 && at > from {
        return Some(at);
    }
    if total(end) < goal {
        return None;
    }
    let (mut low, mut high) = (from, end);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if total(middle) < goal { low = middle } else { high = middle }
    }
    Some(high)
}

impl Traffic for Phases<'_> {
    fn peek(&mut self) -> Result<Option<Micros>, String> {
        Ok(self.next.map(|next| self.begin + next))
    }

    fn pop(&mut self) -> Arrival {
        let plan = self.plan;
        let Some(phase) = plan.get(self.at) else { return Arrival { duration: None, closed: false } };
        let closed = matches!(phase, Phase::Concurrency(..));
        match phase {
            Phase::Concurrency(count, _) | Phase::Spike(count) => {
                self.count += 1;
                if self.count == u64::from(*count) {
                    self.next = None;
                }
            }
            _ => self.next = self.following(phase),
        }
        if self.next.is_none() && !closed {
            self.begin += phase.length();
            self.at += 1;
            self.enter();
        }
        Arrival { duration: None, closed }
    }

    fn answered(&mut self, now: Micros) -> bool {
        let Some(Phase::Concurrency(_, time)) = self.plan.get(self.at) else { return false };
        if now < self.begin + time {
            return true;
        }
        self.callers -= 1;
        if self.callers == 0 {
            // The next phase begins when the last caller has been answered.
            self.begin = now;
            self.at += 1;
            self.enter();
        }
        false
    }

    fn is_over(&self) -> bool {
        self.at >= self.plan.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str) -> Vec<f64> {
        let plan = Plan::parse(text).unwrap();
        let mut phases = Phases::new(&plan, 1);
        let mut times = Vec::new();
        while let Some(at) = phases.peek().unwrap() {
            times.push(seconds(at));
            phases.pop();
        }
        times
    }

    #[test]
    fn phases_follow_each_other() {
        assert_eq!(times("rate:2:2,pause:10,spike:2"), [0.0, 0.5, 1.0, 1.5, 12.0, 12.0]);
        assert_eq!(times("pause:3,rate:1:1"), [3.0]);
        let random = times("poisson:10:1000");
        assert!(random.len().abs_diff(10_000) < 300 && random.is_sorted() && random != times("rate:10:1000"));
    }

    #[test]
    fn a_sine_has_as_many_requests_as_its_area() {
        for (text, area) in [("sine:0:20:120:120", 1200_usize), ("sine:1:20:120:240", 2520), ("sine:5:5:60:60", 300)] {
            let times = times(text);
            assert!(times.len().abs_diff(area) <= 1, "{text}: {}", times.len());
            assert!(times.is_sorted(), "{text}");
        }
        let low = times("sine:0:20:120:120").iter().filter(|t| **t < 10.0).count();
        assert!((3..=6).contains(&low), "{low}");
    }

    #[test]
    fn a_closed_loop_ends_with_its_last_answer() {
        let plan = Plan::parse("concurrency:2:10,rate:1:1").unwrap();
        let mut phases = Phases::new(&plan, 1);
        assert!(phases.pop().closed && phases.pop().closed);
        assert_eq!(phases.peek().unwrap(), None);
        assert!(phases.answered(micros(9.0)));
        assert!(!phases.answered(micros(11.0)));
        assert!(!phases.answered(micros(13.5)));
        assert_eq!(phases.peek().unwrap(), Some(micros(13.5)));
    }

    #[test]
    fn callers_who_ask_too_often_are_too_many() {
        let plan = Plan::parse("concurrency:1000000:2678400").unwrap();
        let why = plan.within(0.1, f64::INFINITY).unwrap_err();
        assert!(why.contains("1000000000 are simulated at most") && why.contains("make it shorter"), "{why}");
        assert!(plan.within(0.1, 10.0).is_ok(), "ten at a time answer as many as ten callers ask");
        assert!(plan.within(0.0, 10.0).is_err());
        assert!(Plan::parse("rate:1000000:1001").unwrap_err().contains("1001000000 requests or more"));
    }

    #[test]
    fn what_is_no_phase_is_named() {
        for (text, word) in [
            ("rate:-1:10", "from 0 to"),
            ("rate:1e9:10", "from 0 to"),
            ("rate:x:10", "no number"),
            ("rate:1", "it is none"),
            ("spike:1.5", "whole"),
            ("pause:10", "no request"),
            ("sine:5:1:10:10", "more than the most"),
            ("sine:0:1:0:10", "period"),
            ("rate:1:9e9", "from 0 to"),
            ("nan:1:1", "it is none"),
            ("rate:NaN:1", "from 0 to"),
        ] {
            let why = Plan::parse(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
