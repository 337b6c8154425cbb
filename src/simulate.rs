//! What a Service will feel like and cost, before it is deployed: the simulator's numbers for the Services of manifests, with
//! sizes and prices, and reports of them.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "times, counts and averages are far from the limits of their types"
)]

pub mod chart;
pub mod report;
pub mod service;
pub mod sweep;

pub use knrender_simulator::{
    Conditions, Engine, Knobs, Outcome, Source, Start, autoscaler, engine, knobs, log, outcome, phases, random, time,
    traffic, window,
};
