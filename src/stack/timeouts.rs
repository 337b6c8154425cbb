//! The one chain of time-outs. A request may take so long, a cold start included; everything on its way lives and waits a
//! little longer, so that it is always Knative that says when a request is over (G5, G6, section 4 of the rule book).

use crate::alb::{DEREGISTRATION_MAX, IDLE_MAX};
use crate::config::Ask;
use crate::fargate::COLD_START;

/// By how much the ALB outlives the revision's time-out, in seconds: with both alike it is a race who answers, and the ALB
/// answers 504 where Knative would have said why.
const IDLE_MORE: u32 = 10;

/// How long requests may still come to a gateway that has been told to go, in seconds: until the controller has taken it from
/// the target group and the ALB has heard of it. Kourier's own drain.
const NEWS_TRAVELS: u32 = 15;

/// What Kourier leaves between the end of its drain and being killed, in seconds.
const TO_END: u32 = 15;

/// How long a request may take, in seconds: Knative's own 300 seconds of work come on top of the cold start, in whole minutes,
/// and never less than Knative's own maximum of 600.
pub(super) fn request(ask: &Ask) -> u32 {
    ask.cold_start.map_or(COLD_START, |time| time.0).min(100_000).saturating_add(300).next_multiple_of(60).max(LEAST)
}

/// Knative's own maximum, below which nothing is gained.
pub(super) const LEAST: u32 = 600;

/// How long the ALB keeps a connection on which nothing is said.
pub(super) fn alb_idle(ask: &Ask) -> u32 {
    request(ask) + IDLE_MORE
}

/// How long a gateway goes on serving after it has been told to go.
pub(super) fn gateway_drain(ask: &Ask) -> u32 {
    request(ask) + NEWS_TRAVELS
}

/// When a gateway is killed.
pub(super) fn gateway_grace(ask: &Ask) -> u32 {
    gateway_drain(ask) + TO_END
}

/// How long the ALB keeps the connections to a gateway that goes.
pub(super) fn deregistration_delay(ask: &Ask) -> u32 {
    gateway_drain(ask).min(DEREGISTRATION_MAX)
}

/// The longest cold start for which there is an ALB that waits.
pub(crate) const fn longest_cold_start() -> u32 {
    let most = IDLE_MAX - IDLE_MORE;
    most - most % 60 - 300
}
