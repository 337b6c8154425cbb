//! What a Service will feel like and cost, before it is deployed: the autoscaler, the activators and the pods of Knative
//! Serving 1.23, as their source has them, under some traffic. docs/simulate.md says what is modelled and what is not.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "times, counts and averages are far from the limits of their types"
)]

pub mod autoscaler;
pub mod chart;
pub mod engine;
pub mod knobs;
pub mod log;
pub mod outcome;
pub mod phases;
pub mod random;
pub mod report;
pub mod service;
pub mod sweep;
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
