//! A pod, from its creation until it is gone.

use std::collections::VecDeque;

use super::activator::{Counter, Waiting};
use super::time::Micros;

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
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
pub(crate) struct Pod {
    pub(crate) stage: Stage,
    pub(crate) created: Micros,
    /// When its processes start.
    pub(crate) runs: Micros,
    pub(crate) gone: Option<Micros>,
    /// Requests at it.
    pub(crate) in_flight: u32,
    /// Requests that the app works on, where it takes only so many.
    pub(crate) working: u32,
    /// Requests that wait in its queue-proxy, with the way they came.
    pub(crate) queue: VecDeque<(Waiting, u16)>,
    /// Requests at it from each activator.
    pub(crate) from: Vec<u32>,
    /// What queue-proxy counts of what did not come through an activator.
    pub(crate) direct: Counter,
}

impl Pod {
    pub(crate) fn new(created: Micros, runs: Micros, activators: usize) -> Pod {
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
    pub(crate) fn ready(activators: usize) -> Pod {
        Pod { stage: Stage::Ready, ..Pod::new(0, 0, activators) }
    }

    /// Gives back what only a living pod needs.
    pub(crate) fn free(&mut self) {
        self.queue = VecDeque::new();
        self.from = Vec::new();
    }
}
