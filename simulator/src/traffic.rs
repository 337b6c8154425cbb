//! Where requests come from.

use std::sync::Arc;

use super::engine::{Conditions, Engine};
use super::knobs::Knobs;
use super::log::Reader;
use super::outcome::Outcome;
use super::phases::{Phases, Plan};
use super::time::Micros;

/// The most requests, which take some minutes.
pub const MOST_REQUESTS: u64 = 1_000_000_000;
/// The most requests of a file that are held, to be simulated again and again.
const MOST_HELD: usize = 100_000_000;

/// That a traffic has more requests than are simulated.
pub fn too_many(requests: f64) -> String {
    format!(
        "these are {requests:.0} requests or more, and {MOST_REQUESTS} are simulated at most: make it shorter, or the rate smaller; a \
         day often says as much as a month"
    )
}

/// A request that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// How long the app works on it, where the traffic says.
    pub duration: Option<Micros>,
    /// Whether its caller asks again once it is answered.
    pub closed: bool,
}

/// Requests in the order of their times.
pub trait Traffic {
    /// When the next one comes. `None` when there is none, or none before one is answered.
    ///
    /// # Errors
    /// In words, why the traffic cannot be read on.
    fn peek(&mut self) -> Result<Option<Micros>, String>;

    /// Takes that one.
    fn pop(&mut self) -> Arrival;

    /// The caller of a closed loop was answered. Whether he asks again.
    fn answered(&mut self, now: Micros) -> bool;

    /// Whether nothing comes any more, whatever is answered.
    fn is_over(&self) -> bool;
}

/// Requests that were read before, ready to be simulated again and again.
#[derive(Clone, Debug)]
pub struct Held {
    requests: Arc<Vec<(Micros, u32)>>,
    at: usize,
}

/// No duration.
const NONE: u32 = u32::MAX;

impl Held {
    /// Holds all requests of a reader: 16 bytes each.
    ///
    /// # Errors
    /// In words, why they cannot be read.
    pub fn read(mut reader: Reader) -> Result<Held, String> {
        let mut requests = Vec::new();
        while let Some(time) = reader.peek()? {
            if requests.len() == MOST_HELD {
                return Err(format!(
                    "--sweep holds all requests of a file, {MOST_HELD} at most, and these are more: give it a part of the file"
                ));
            }
            let duration = reader.pop().duration.map_or(NONE, |d| u32::try_from(d).unwrap_or(NONE - 1));
            requests.push((time, duration));
        }
        Ok(Held { requests: Arc::new(requests), at: 0 })
    }
}

impl Traffic for Held {
    fn peek(&mut self) -> Result<Option<Micros>, String> {
        Ok(self.requests.get(self.at).map(|(time, _)| *time))
    }

    fn pop(&mut self) -> Arrival {
        let duration = self.requests.get(self.at).map(|(_, duration)| *duration).filter(|d| *d != NONE);
        self.at += 1;
        Arrival { duration: duration.map(Micros::from), closed: false }
    }

    fn answered(&mut self, _: Micros) -> bool {
        false
    }

    fn is_over(&self) -> bool {
        self.at >= self.requests.len()
    }
}

/// Traffic that can be simulated more than once.
#[derive(Clone, Debug)]
pub enum Source {
    /// Phases.
    Phases(Plan),
    /// Requests from a file.
    Held(Held),
}

impl Source {
    /// Simulates it.
    ///
    /// # Errors
    /// In words, why it cannot be read.
    pub fn run(&self, knobs: &Knobs, conditions: &Conditions) -> Result<Outcome, String> {
        match self {
            Source::Phases(plan) => Engine::new(knobs, conditions, Phases::new(plan, conditions.seed)).run(),
            Source::Held(held) => Engine::new(knobs, conditions, held.clone()).run(),
        }
    }
}
