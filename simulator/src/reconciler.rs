//! What becomes of a decision: the reconciler of `PodAutoscaler`s, which sets the Deployment's replicas, keeps the last pod for
//! a while, and takes the activator into the path and out of it.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/reconciler/autoscaling/kpa/kpa.go> and
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/reconciler/autoscaling/kpa/scaler.go>

use super::autoscaler::Autoscaler;
use super::engine::PROGRAMMED;
use super::knobs::Knobs;
use super::time::{Micros, SECOND, micros, since_condition};

/// The condition Active of a `PodAutoscaler`, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Active {
    /// False: idle.
    No(Micros),
    /// Unknown: pods are on their way.
    NotYet(Micros),
    /// True.
    Yes(Micros),
}

/// Who is in the path of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The activators; since when, where it was otherwise before.
    Proxy { since: Option<Micros> },
    /// The pods alone.
    Serve { since: Micros },
}

/// The state of a `PodAutoscaler` and its `ServerlessService`.
#[derive(Clone, Debug)]
pub(crate) struct Reconciler {
    pub(crate) active: Active,
    pub(crate) mode: Mode,
    /// The Deployment's replicas.
    pub(crate) replicas: usize,
    /// Whether the initial scale was reached.
    initialized: bool,
}

/// Nothing is known of the scale.
const UNKNOWN: i64 = -1;
/// What the activation may take on top of the progress deadline.
const ACTIVATION_BUFFER: Micros = 30 * SECOND;

impl Reconciler {
    pub(crate) fn new(_: &Knobs) -> Reconciler {
        Reconciler { active: Active::No(0), mode: Mode::Proxy { since: None }, replicas: 0, initialized: true }
    }

    /// The revision is new.
    pub(crate) fn deploy(&mut self, _: &Knobs) {
        self.active = Active::NotYet(0);
        self.initialized = false;
    }

    /// The revision has been there for a while, without requests.
    pub(crate) fn start_idle(&mut self, knobs: &Knobs, autoscaler: &Autoscaler) {
        if knobs.least() > 0 {
            self.active = Active::Yes(0);
            if autoscaler.excess_burst >= 0 {
                self.mode = Mode::Serve { since: 0 };
            }
        }
    }

    /// Brings the world nearer to what is wanted. Answers after which times to look again.
    pub(crate) fn reconcile(
        &mut self,
        knobs: &Knobs,
        autoscaler: &Autoscaler,
        now: Micros,
        ready: usize,
    ) -> Vec<Micros> {
        let mut again = Vec::new();
        let want = self.scale(knobs, autoscaler.desired, now, &mut again);
        let serve = want > 0 && autoscaler.excess_burst >= 0;
        match self.mode {
            Mode::Proxy { .. } if serve => self.mode = Mode::Serve { since: now },
            Mode::Serve { .. } if !serve => self.mode = Mode::Proxy { since: Some(now) },
            _ => {}
        }
        self.compute_active(knobs, want, now, ready);
        again
    }

    fn scale(&mut self, knobs: &Knobs, desired: i64, now: Micros, again: &mut Vec<Micros>) -> i64 {
        if desired < 0 && !matches!(self.active, Active::NotYet(_)) {
            return desired;
        }
        let mut least = knobs.min_scale;
        if knobs.initial_scale > 1 && !self.initialized {
            least = least.max(knobs.initial_scale);
        }
        let most = if knobs.max_scale == 0 { i64::MAX } else { i64::from(knobs.max_scale) };
        let bounded = if desired < i64::from(least) { i64::from(least) } else { desired.min(most) };
        let (want, apply) = self.to_zero(knobs, bounded, now, again);
        if apply && want >= 0 {
            self.replicas = want as usize;
        }
        want
    }

    /// A scale of 0 is held back until the revision has been idle for long enough.
    fn to_zero(&self, knobs: &Knobs, desired: i64, now: Micros, again: &mut Vec<Micros>) -> (i64, bool) {
        if desired != 0 {
            return (desired, desired > 0);
        }
        if !knobs.scale_to_zero {
            return (1, true);
        }
        match self.active {
            Active::NotYet(since) => {
                let timeout = micros(knobs.progress_deadline) + ACTIVATION_BUFFER;
                if since_condition(now, since) > timeout {
                    return (0, true);
                }
                again.push(timeout);
                (UNKNOWN, false)
            }
            Active::Yes(since) => {
                let (window, active) = (knobs.stable_window * SECOND, since_condition(now, since));
                if active >= window {
                    if matches!(self.mode, Mode::Proxy { .. }) {
                        again.push(3 * SECOND);
                    }
                    return (0, false);
                }
                again.push(window - active);
                (1, true)
            }
            Active::No(since) => self.last_pod(knobs, now, since, again),
        }
    }

    fn last_pod(&self, knobs: &Knobs, now: Micros, since: Micros, again: &mut Vec<Micros>) -> (i64, bool) {
        let proxied = match self.mode {
            Mode::Proxy { since: None } => Micros::MAX,
            Mode::Proxy { since: Some(since) } => since_condition(now, since),
            Mode::Serve { .. } => 0,
        };
        // It asks the activator through the gateway whether it is in the path, which takes the gateway a moment to know.
        if proxied < PROGRAMMED && !knobs.always_activator() {
            again.push(SECOND);
            return (0, false);
        }
        let (grace, retention) = (micros(knobs.grace), micros(knobs.retention));
        let inactive = since_condition(now, since);
        if inactive >= grace.max(retention) {
            return (0, true);
        }
        if inactive < retention {
            again.push(retention - inactive);
            return (0, false);
        }
        if proxied >= grace {
            return (0, true);
        }
        again.push(grace - proxied);
        (0, false)
    }

    fn compute_active(&mut self, knobs: &Knobs, want: i64, now: Micros, ready: usize) {
        let threshold = |initialized: bool| {
            if initialized { knobs.min_scale.max(1) } else { knobs.min_scale.max(knobs.initial_scale) }
        };
        if ready >= threshold(self.initialized) as usize {
            self.initialized = true;
        }
        let least = threshold(self.initialized) as usize;
        let inactive = matches!(self.active, Active::No(_));
        if want == 0 || least == 0 {
            if !inactive {
                self.active = Active::No(now);
            }
        } else if want > 0 || !inactive {
            match (ready < least, self.active) {
                (true, Active::NotYet(_)) | (false, Active::Yes(_)) => {}
                (true, _) => self.active = Active::NotYet(now),
                (false, _) => self.active = Active::Yes(now),
            }
        }
    }
}
