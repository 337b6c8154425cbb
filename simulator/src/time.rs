//! Time in a simulation.

/// Microseconds since the start of the traffic.
pub type Micros = u64;

/// One second.
pub const SECOND: Micros = 1_000_000;

/// Where in a second of the wall clock the traffic starts. Buckets and conditions of Kubernetes objects go by whole seconds of
/// that clock; about the middle is the fairest guess.
const WALL: Micros = 100_000 * SECOND + SECOND * 55 / 100;

/// The second of the wall clock at a time.
pub fn wall_second(now: Micros) -> u64 {
    (now + WALL) / SECOND
}

/// A time as it stands in a condition of a Kubernetes object, whole seconds, and how long ago that was.
pub fn since_condition(now: Micros, set_at: Micros) -> Micros {
    let written = (set_at + WALL) / SECOND * SECOND;
    now + WALL - written
}

/// Seconds as microseconds. What is below 0 or no number is 0.
pub fn micros(seconds: f64) -> Micros {
    (seconds * 1e6).round() as Micros
}

/// Microseconds as seconds.
pub fn seconds(micros: Micros) -> f64 {
    micros as f64 / 1e6
}
