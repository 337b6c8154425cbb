//! One run: callers, gateway, activators, autoscaler, pods, event by event.
//!
//! What comes at fixed times in every second (reports, scrapes, ticks) is a list of beats; what is rare (a pod is ready, a
//! pod is gone, the autoscaler's reconciler looks again) is a heap; arrivals come from the traffic, and answers are in the
//! order of their times anyway as long as all requests take alike.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::activator::{Activator, Waiting};
use super::autoscaler::{Autoscaler, Stat};
use super::knobs::Knobs;
use super::outcome::{Outcome, Recorder};
use super::pods::{Pod, Stage};
use super::random::{Random, Spread};
use super::reconciler::{Mode, Reconciler};
use super::time::{Micros, SECOND, micros, wall_second};
use super::traffic::{MOST_REQUESTS, Traffic, too_many};

/// How pods start and how long requests take.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// From a pod's creation to the start of its processes.
    pub cold_start: Spread,
    /// From the start of the processes until the app listens.
    pub app_start: Spread,
    /// How long the app works on a request, where the traffic does not say.
    pub service_time: Spread,
    /// Where chance starts.
    pub seed: u64,
    /// What was before.
    pub start: Start,
}

/// What was before the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// The Service stood ready without requests: at zero, or with the fewest pods that it ever has.
    Idle,
    /// It is deployed at this moment, with its initial scale.
    Deployed,
}

/// What was measured of the real parts (see docs/simulate.md): a container runs so long after the pod's start.
const CONTAINER: Micros = 100_000;
/// The activator's probe, every 200 ms, finds an app that listens.
const ACTIVATOR_PROBE: Micros = 150_000;
/// The kubelet's probe of queue-proxy; its first try comes too early.
const READINESS_PERIOD: Micros = 10 * SECOND;
/// queue-proxy drains for so long before it goes.
const DRAIN: Micros = 30 * SECOND + 200_000;
/// A gateway knows of another mode of the Service so much later.
pub(crate) const PROGRAMMED: Micros = SECOND;
/// Where pods never leave, what happens so long after the last answer is still told.
const TAIL: Micros = 150 * SECOND;
/// At zero, the last stats came so long ago: the pod that went took 30 s to go.
const IDLE_AT_ZERO: u64 = 34;
/// With pods that stay, they have been ready for so long.
const IDLE_WITH_PODS: u64 = 8;

/// When in a second things happen; where the traffic starts in a second of the wall clock is in `time`. The activators report
/// in the second half, after the scrape; the tick comes when all of them have, within the same second of the wall clock.
const POD_REPORT: Micros = 100_000;
const ACTIVATOR_REPORT: (Micros, Micros) = (620_000, 480_000);
const TICK: Micros = 300_000;
const SCRAPE: Micros = 600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Beat {
    Sample,
    PodReport,
    Report(usize),
    Tick,
    Scrape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rare {
    Serves(usize),
    Ready(usize),
    Gone(usize),
    Reconcile,
}

/// The way of a request to its pod.
pub(crate) const DIRECT: u16 = u16::MAX;

/// A request that is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    at: Micros,
    arrived: Micros,
    pod: u32,
    way: u16,
    closed: bool,
    timed_out: bool,
}

/// A run.
pub struct Engine<'k, T> {
    knobs: &'k Knobs,
    conditions: &'k Conditions,
    traffic: T,
    random: Random,
    starts: Random,
    limit: Micros,
    /// How many requests came.
    arrived: u64,
    autoscaler: Autoscaler,
    reconciler: Reconciler,
    pods: Vec<Pod>,
    /// Pods that exist, oldest first.
    alive: Vec<usize>,
    /// Pods that the activators send to, oldest first.
    serving: Vec<usize>,
    /// Pods that are ready, oldest first.
    ready: Vec<usize>,
    activators: Vec<Activator>,
    in_path: usize,
    next_activator: usize,
    next_pod: usize,
    in_order: VecDeque<Answer>,
    out_of_order: BinaryHeap<Reverse<Answer>>,
    rare: BinaryHeap<Reverse<(Micros, u64, Rare)>>,
    rare_number: u64,
    beats: Vec<(Micros, Beat)>,
    beat: usize,
    second: Micros,
    in_flight: u64,
    last_answer: Micros,
    recorder: Recorder,
}

impl<'k, T: Traffic> Engine<'k, T> {
    /// A run of some traffic.
    pub fn new(knobs: &'k Knobs, conditions: &'k Conditions, traffic: T) -> Engine<'k, T> {
        let activators = knobs.activators.min(usize::from(DIRECT));
        let mut beats =
            vec![(0, Beat::Sample), (POD_REPORT, Beat::PodReport), (TICK, Beat::Tick), (SCRAPE, Beat::Scrape)];
        let report = |a: usize| ACTIVATOR_REPORT.0 + a as u64 * ACTIVATOR_REPORT.1 / activators as u64;
        beats.extend((0..activators).map(|a| (report(a), Beat::Report(a))));
        beats.sort_unstable();
        let mut engine = Engine {
            knobs,
            conditions,
            traffic,
            random: Random::new(conditions.seed),
            starts: Random::new(conditions.seed ^ 0x5eed),
            limit: micros(knobs.limit.0),
            arrived: 0,
            autoscaler: Autoscaler::new(knobs),
            reconciler: Reconciler::new(knobs),
            pods: Vec::new(),
            alive: Vec::new(),
            serving: Vec::new(),
            ready: Vec::new(),
            activators: vec![Activator::default(); activators],
            in_path: activators,
            next_activator: 0,
            next_pod: 0,
            in_order: VecDeque::new(),
            out_of_order: BinaryHeap::new(),
            rare: BinaryHeap::new(),
            rare_number: 0,
            beats,
            beat: 0,
            second: 0,
            in_flight: 0,
            last_answer: 0,
            recorder: Recorder::default(),
        };
        engine.begin();
        engine
    }

    /// Brings about what was before.
    fn begin(&mut self) {
        let least = self.knobs.least();
        if self.conditions.start == Start::Deployed {
            self.reconciler.deploy(self.knobs);
            self.set_replicas(0, self.knobs.initial_scale.max(least).max(1) as usize);
            return;
        }
        let now = wall_second(0);
        let zero = Stat { concurrency: 0.0, requests: 0.0 };
        let (from, to) = if least == 0 {
            (now - IDLE_AT_ZERO - self.knobs.stable_window, now - IDLE_AT_ZERO)
        } else {
            (now - IDLE_WITH_PODS, now - 1)
        };
        for second in from..=to {
            self.autoscaler.record(self.knobs, second, zero);
        }
        for _ in 0..least {
            let pod = self.pods.len();
            self.pods.push(Pod::ready(self.activators.len()));
            self.alive.push(pod);
            self.serving.push(pod);
            self.ready.push(pod);
        }
        self.reconciler.replicas = least as usize;
        self.autoscaler.tick(self.knobs, 0, self.ready.len());
        self.autoscaler.desired = 0;
        self.reconciler.start_idle(self.knobs, &self.autoscaler);
        self.assign();
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// In words, why the traffic cannot be read on.
    pub fn run(mut self) -> Result<Outcome, String> {
        loop {
            let beat = self.second + self.beats[self.beat].0;
            let answer = match (self.in_order.front(), self.out_of_order.peek()) {
                (Some(a), Some(Reverse(b))) => a.at.min(b.at),
                (Some(a), None) | (None, Some(Reverse(a))) => a.at,
                (None, None) => Micros::MAX,
            };
            let rare = self.rare.peek().map_or(Micros::MAX, |Reverse((at, ..))| *at);
            let arrival = self.traffic.peek()?.unwrap_or(Micros::MAX);
            // At the same moment: first what is sampled, then answers, then changes, then what comes.
            if beat <= answer && beat <= rare && beat <= arrival {
                if !self.on_beat(beat, arrival) {
                    return Ok(self.recorder.outcome(self.second / SECOND, &self.pods, beat));
                }
            } else if answer <= rare && answer <= arrival {
                self.on_answer();
            } else if rare <= arrival {
                if let Some(Reverse((at, _, what))) = self.rare.pop() {
                    self.on_rare(at, what);
                }
            } else {
                self.arrived += 1;
                if self.arrived > MOST_REQUESTS {
                    return Err(format!("--traffic: {}", too_many(self.arrived as f64)));
                }
                let request = self.traffic.pop();
                self.arrive(arrival, request.duration, request.closed);
            }
        }
    }

    /// Whether there is anything to go on for.
    fn on_beat(&mut self, now: Micros, arrival: Micros) -> bool {
        match self.beats[self.beat].1 {
            Beat::Sample => {
                self.expire(now);
                self.recorder.sample(now / SECOND, self.reconciler.replicas, self.ready.len(), self.alive.len());
                if self.is_over(now, arrival) {
                    return false;
                }
            }
            Beat::PodReport => {
                for pod in &self.ready {
                    self.pods[*pod].direct.report(now);
                }
            }
            Beat::Report(activator) => {
                if let Some(stat) = self.activators[activator].report(now) {
                    self.take_in(now, stat);
                }
            }
            Beat::Scrape => {
                if !self.ready.is_empty() && !self.knobs.always_activator() {
                    let mut sum = Stat { concurrency: 0.0, requests: 0.0 };
                    for pod in &self.ready {
                        let stat = self.pods[*pod].direct.last;
                        sum.concurrency += stat.concurrency;
                        sum.requests += stat.requests;
                    }
                    self.autoscaler.record(self.knobs, wall_second(now), sum);
                }
            }
            // Every other second.
            Beat::Tick if now / SECOND % 2 == 1 => self.tick(now),
            Beat::Tick => {}
        }
        self.beat += 1;
        if self.beat == self.beats.len() {
            self.beat = 0;
            self.second += SECOND;
            self.skip(arrival);
        }
        true
    }

    /// Where nothing is left that could change, goes on to the next arrival.
    fn skip(&mut self, arrival: Micros) {
        let quiet = self.alive.is_empty()
            && self.in_flight == 0
            && self.rare.is_empty()
            && self.autoscaler.desired <= 0
            && self.autoscaler.has_no_data(wall_second(self.second))
            && self.activators.iter().all(|a| !a.is_known());
        if quiet && arrival != Micros::MAX {
            self.second = self.second.max(arrival / SECOND * SECOND);
        }
    }

    fn is_over(&self, now: Micros, arrival: Micros) -> bool {
        if arrival != Micros::MAX || self.in_flight > 0 || now == 0 || !self.traffic.is_over() {
            return false;
        }
        let stays = self.knobs.least() > 0;
        if stays { now >= self.last_answer + TAIL } else { self.alive.is_empty() && self.reconciler.replicas == 0 }
    }

    // ---- requests ----

    fn arrive(&mut self, now: Micros, duration: Option<Micros>, closed: bool) {
        self.in_flight += 1;
        let duration = duration.unwrap_or_else(|| self.conditions.service_time.sample(&mut self.random));
        let cold = self.serving.is_empty() && self.ready.is_empty();
        self.recorder.arrived(now, cold);
        let request = Waiting { arrived: now, duration, closed, cold };
        if self.reconciler.is_direct(now) && !self.ready.is_empty() {
            self.next_pod = (self.next_pod + 1) % self.ready.len();
            let pod = self.ready[self.next_pod];
            self.pods[pod].direct.start(now);
            self.hand_over(now, request, pod, DIRECT);
            return;
        }
        self.next_activator = (self.next_activator + 1) % self.in_path;
        let way = self.next_activator;
        if let Some(stat) = self.activators[way].start(now) {
            self.take_in(now, stat);
        }
        if self.activators[way].queue.is_empty()
            && let Some(pod) = self.choose(way)
        {
            self.hand_over(now, request, pod, way as u16);
        } else {
            self.activators[way].queue.push_back(request);
        }
    }

    /// The pod that an activator sends a request to, if one has room.
    /// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/activator/net/lb_policy.go>
    fn choose(&mut self, way: usize) -> Option<usize> {
        let room = self.knobs.container_concurrency;
        if room == 0 {
            let pods = self.serving.len();
            if pods <= 1 {
                return self.serving.first().copied();
            }
            let (mut one, mut other) = (0, 1);
            if pods > 2 {
                one = self.random.below(pods);
                other = self.random.below(pods - 1);
                other += usize::from(other >= one);
            }
            let (one, other) = (self.serving[one], self.serving[other]);
            let weight = |pod: usize| self.pods[pod].from[way];
            let take_other = match weight(one).cmp(&weight(other)) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => self.random.below(2) == 1,
            };
            return Some(if take_other { other } else { one });
        }
        let activator = &mut self.activators[way];
        let pods = &activator.assigned;
        let start = if room <= 3 || activator.next >= pods.len() { 0 } else { activator.next };
        let at = (0..pods.len()).map(|i| (start + i) % pods.len()).find(|at| self.pods[pods[*at]].from[way] < room)?;
        activator.next = at + 1;
        Some(pods[at])
    }

    /// A request reaches a pod: its queue-proxy lets it in, makes it wait, or refuses it.
    fn hand_over(&mut self, now: Micros, request: Waiting, pod: usize, way: u16) {
        if request.cold {
            self.recorder.waited_for_a_pod(now - request.arrived);
        }
        let room = self.knobs.container_concurrency;
        let to = &mut self.pods[pod];
        to.in_flight += 1;
        if way != DIRECT {
            to.from[usize::from(way)] += 1;
        }
        if room > 0 && to.working >= room {
            if to.queue.len() >= 10 * room as usize {
                self.leave(
                    now,
                    &Answer {
                        at: now,
                        arrived: request.arrived,
                        pod: pod as u32,
                        way,
                        closed: request.closed,
                        timed_out: false,
                    },
                );
                self.recorder.refused(now, request.arrived);
                self.again(now, request.closed);
                return;
            }
            to.queue.push_back((request, way));
            return;
        }
        to.working += 1;
        self.work(now, request, pod, way);
    }

    fn work(&mut self, now: Micros, request: Waiting, pod: usize, way: u16) {
        let (done, deadline) = (now + request.duration, request.arrived + self.limit);
        let answer = Answer {
            at: done.min(deadline).max(now),
            arrived: request.arrived,
            pod: pod as u32,
            way,
            closed: request.closed,
            timed_out: done > deadline,
        };
        if self.in_order.back().is_none_or(|last| last.at <= answer.at) {
            self.in_order.push_back(answer);
        } else {
            self.out_of_order.push(Reverse(answer));
        }
    }

    fn on_answer(&mut self) {
        let first = self.in_order.front().map_or(Micros::MAX, |a| a.at);
        let other = self.out_of_order.peek().map_or(Micros::MAX, |Reverse(a)| a.at);
        let answer =
            if first <= other { self.in_order.pop_front() } else { self.out_of_order.pop().map(|Reverse(a)| a) };
        let Some(answer) = answer else { return };
        let now = answer.at;
        let pod = answer.pod as usize;
        self.pods[pod].working = self.pods[pod].working.saturating_sub(1);
        self.leave(now, &answer);
        if answer.timed_out {
            self.recorder.timed_out(now, answer.arrived);
        } else {
            self.recorder.answered(now, answer.arrived);
        }
        while let Some((request, way)) = self.pods[pod].queue.pop_front() {
            if request.arrived + self.limit > now {
                self.pods[pod].working += 1;
                self.work(now, request, pod, way);
                break;
            }
            self.leave(now, &Answer { way, ..answer });
            self.recorder.timed_out(now, request.arrived);
            self.again(now, request.closed);
        }
        if answer.way != DIRECT {
            self.drain(now, usize::from(answer.way));
        }
        self.again(now, answer.closed);
    }

    /// A request is no longer at its pod.
    fn leave(&mut self, now: Micros, answer: &Answer) {
        let pod = &mut self.pods[answer.pod as usize];
        pod.in_flight -= 1;
        self.in_flight -= 1;
        self.last_answer = now;
        if answer.way == DIRECT {
            pod.direct.end(now);
        } else {
            pod.from[usize::from(answer.way)] -= 1;
            self.activators[usize::from(answer.way)].end(now);
        }
    }

    /// A caller who was answered may ask again.
    fn again(&mut self, now: Micros, closed: bool) {
        if closed && self.traffic.answered(now) {
            self.arrive(now, None, true);
        }
    }

    /// Sends what waits in an activator, as far as there is room.
    fn drain(&mut self, now: Micros, way: usize) {
        while !self.activators[way].queue.is_empty() {
            let Some(pod) = self.choose(way) else { return };
            if let Some(request) = self.activators[way].queue.pop_front() {
                self.hand_over(now, request, pod, way as u16);
            }
        }
    }

    /// Requests that have waited too long in an activator end with 504.
    fn expire(&mut self, now: Micros) {
        for way in 0..self.activators.len() {
            while self.activators[way].queue.front().is_some_and(|r| r.arrived + self.limit <= now) {
                let Some(request) = self.activators[way].queue.pop_front() else { break };
                self.activators[way].end(now);
                self.in_flight -= 1;
                self.last_answer = now;
                if request.cold {
                    self.recorder.waited_for_a_pod(self.limit);
                }
                self.recorder.timed_out(now, request.arrived);
                self.again(now, request.closed);
            }
        }
    }

    // ---- autoscaler ----

    fn take_in(&mut self, now: Micros, stat: Stat) {
        self.autoscaler.record(self.knobs, wall_second(now), stat);
        // A stat that shows traffic wakes up an autoscaler that wants no pods.
        if self.autoscaler.desired == 0 && stat.concurrency > 0.0 {
            self.tick(now);
        }
    }

    fn tick(&mut self, now: Micros) {
        if self.autoscaler.tick(self.knobs, now, self.ready.len()) {
            self.reconcile(now);
        }
    }

    fn reconcile(&mut self, now: Micros) {
        // Every change of the PodAutoscaler's own status makes the reconciler look once more.
        for _ in 0..4 {
            let (before, replicas) = (self.reconciler.active, self.reconciler.replicas);
            let again = self.reconciler.reconcile(self.knobs, &self.autoscaler, now, self.ready.len());
            for after in again {
                self.push(now + after, Rare::Reconcile);
            }
            if self.reconciler.replicas != replicas {
                self.set_replicas(now, self.reconciler.replicas);
            }
            if std::mem::discriminant(&before) == std::mem::discriminant(&self.reconciler.active) {
                break;
            }
        }
        let needed = self.ready.len() as f64 * self.knobs.total + self.knobs.target_burst_capacity.max(0.0);
        let needed = if self.knobs.target_burst_capacity == 0.0 {
            2.0
        } else {
            (needed / self.knobs.activator_capacity).ceil().max(2.0)
        };
        let in_path = (needed as usize).min(self.activators.len()).max(1);
        if in_path != self.in_path {
            self.in_path = in_path;
            self.assign();
            for way in 0..self.activators.len() {
                self.drain(now, way);
            }
        }
    }

    // ---- pods ----

    fn push(&mut self, at: Micros, what: Rare) {
        self.rare_number += 1;
        self.rare.push(Reverse((at, self.rare_number, what)));
    }

    fn set_replicas(&mut self, now: Micros, wanted: usize) {
        self.reconciler.replicas = wanted;
        let mut counted: Vec<usize> =
            self.alive.iter().copied().filter(|pod| self.pods[*pod].stage != Stage::Terminating).collect();
        for _ in counted.len()..wanted {
            let pod = self.pods.len();
            let runs = now + self.conditions.cold_start.sample(&mut self.starts) + CONTAINER;
            let listens = self.conditions.app_start.sample(&mut self.starts);
            self.pods.push(Pod::new(now, runs, self.activators.len()));
            self.alive.push(pod);
            self.push(runs + listens + ACTIVATOR_PROBE, Rare::Serves(pod));
            let probes = listens.div_ceil(READINESS_PERIOD).max(1);
            self.push(runs + probes * READINESS_PERIOD + 50_000, Rare::Ready(pod));
        }
        // What is least far goes first, and of those the newest.
        counted.sort_by_key(|pod| (self.pods[*pod].stage == Stage::Ready, self.pods[*pod].runs <= now, Reverse(*pod)));
        for pod in counted.iter().take(counted.len().saturating_sub(wanted)) {
            self.delete(now, *pod);
        }
    }

    fn delete(&mut self, now: Micros, pod: usize) {
        let runs = self.pods[pod].runs <= now;
        self.pods[pod].stage = Stage::Terminating;
        self.serving.retain(|p| *p != pod);
        self.ready.retain(|p| *p != pod);
        self.assign();
        if runs { self.push(now + DRAIN, Rare::Gone(pod)) } else { self.on_rare(now, Rare::Gone(pod)) }
    }

    fn on_rare(&mut self, now: Micros, what: Rare) {
        match what {
            Rare::Serves(pod) if self.pods[pod].stage == Stage::Starting => {
                self.pods[pod].stage = Stage::Serving;
                self.serving.push(pod);
                self.assign();
                for way in 0..self.activators.len() {
                    self.drain(now, way);
                }
            }
            Rare::Ready(pod) if self.pods[pod].stage == Stage::Serving => {
                self.pods[pod].stage = Stage::Ready;
                self.ready.push(pod);
                self.reconcile(now);
            }
            Rare::Gone(pod) => {
                if self.pods[pod].in_flight > 0 {
                    self.push(now + SECOND, Rare::Gone(pod));
                    return;
                }
                self.pods[pod].gone = Some(now);
                self.pods[pod].free();
                self.alive.retain(|p| *p != pod);
            }
            Rare::Reconcile => self.reconcile(now),
            Rare::Serves(_) | Rare::Ready(_) => {}
        }
    }

    /// Gives each activator its share of the pods, where pods take only so many requests at a time.
    /// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/activator/net/throttler.go>
    fn assign(&mut self) {
        if self.knobs.container_concurrency == 0 {
            return;
        }
        let (pods, activators) = (&self.serving, self.in_path);
        for (index, activator) in self.activators.iter_mut().enumerate() {
            activator.assigned.clear();
            if pods.len() <= 1 || activators == 1 || index >= activators {
                activator.assigned.extend(pods);
            } else if activators > pods.len() {
                activator.assigned.push(pods[index % pods.len()]);
            } else {
                let share = pods.len() / activators;
                activator.assigned.extend(&pods[index * share..(index + 1) * share]);
                let rest = &pods[share * activators..];
                activator.assigned.extend(rest.get(index));
            }
        }
    }
}

impl Reconciler {
    fn is_direct(&self, now: Micros) -> bool {
        matches!(self.mode, Mode::Serve { since } if since + PROGRAMMED <= now)
            || matches!(self.mode, Mode::Proxy { since: Some(since) } if since + PROGRAMMED > now)
    }
}
