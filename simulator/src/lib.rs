//! The autoscaler, the activators and the pods of Knative Serving 1.23, as their source has them, under some traffic: numbers in,
//! numbers out. docs/simulate.md says what is modelled and what is not.
//!
//! A crate of its own, built for speed: a day of traffic is millions of requests, and a sweep is hundreds of such days.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "times, counts and averages are far from the limits of their types"
)]

pub mod autoscaler;
pub mod engine;
pub mod knobs;
pub mod log;
pub mod outcome;
pub mod phases;
pub mod random;
pub mod time;
pub mod traffic;
pub mod window;

mod activator;
mod pods;
mod reconciler;

pub use engine::{Conditions, Engine, Start};
pub use knobs::Knobs;
pub use outcome::Outcome;
pub use traffic::Source;
