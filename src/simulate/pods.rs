//! A pod, from its creation until it is gone.

use std::collections::VecDeque;

use super::activator::{Counter, Waiting};
use super::time::Micros;

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not serve yet.
    Starting,
    /// The activators have found that it serves; Kubernetes does not call it ready yet.
    Serving,
    /// It is ready.
    Ready,
    /// It was told to go.
    Terminating,
}

/// A pod.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) stage: Stage,
    pub(super) created: Micros,
    /// When its processes start.
    pub(super) runs: Micros,
    pub(super) gone: Option<Micros>,
    /// Requests at it.
    pub(super) in_flight: u32,
    /// Requests that the app works on, where it takes only so many.
    pub(super) working: u32,
    /// Requests that wait in its queue-proxy, with the way they came.
    pub(super) queue: VecDeque<(Waiting, u16)>,
    /// Requests at it from each activator.
    pub(super) from: Vec<u32>,
    /// What queue-proxy counts of what did not come through an activator.
    pub(super) direct: Counter,
}

impl Pod {
    pub(super) fn new(created: Micros, runs: Micros, activators: usize) -> Pod {
        Pod {
            stage: Stage::Starting,
            created,
            runs,
            gone: None,
            in_flight: 0,
            working: 0,
            queue: VecDeque::new(),
            from: vec![0; activators],
            direct: Counter::default(),
        }
    }

    /// One that was there before.
    pub(super) fn ready(activators: usize) -> Pod {
        Pod { stage: Stage::Ready, ..Pod::new(0, 0, activators) }
    }

    /// Gives back what only a living pod needs.
    pub(super) fn free(&mut self) {
        self.queue = VecDeque::new();
        self.from = Vec::new();
    }
}
