//! The last lines of the logs that tell more about what is unhealthy.

use std::collections::BTreeSet;

use super::kubectl::Kubectl;
use super::{Log, Report};

/// So many lines of each.
const TAIL: &str = "20";
/// So many logs at most.
const MOST: usize = 10;

/// Somebody whose log is worth reading.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Talker {
    /// Pods by label.
    Label {
        /// Their namespace.
        namespace: String,
        /// The label, as `key=value`.
        label: String,
    },
    /// A container of a pod.
    Container {
        /// The pod's namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// Whether the one that ended before is meant.
        previous: bool,
    },
}

/// Reads them.
pub(super) fn read(report: &mut Report, talkers: &BTreeSet<Talker>, kubectl: &mut Kubectl) {
    for talker in talkers.iter().take(MOST) {
        let (of, answer) = match talker {
            Talker::Label { namespace, label } => {
                let request = ["logs", "--namespace", namespace, "--selector", label, "--tail", TAIL, "--prefix"];
                (format!("{namespace}, {label}"), kubectl.text(&request))
            }
            Talker::Container { namespace, pod, container, previous } => {
                let mut request = vec!["logs", pod, "--namespace", namespace, "--container", container, "--tail", TAIL];
                let which = if *previous { ", the one before" } else { "" };
                if *previous {
                    request.push("--previous");
                }
                (format!("Pod/{namespace}/{pod} {container}{which}"), kubectl.text(&request))
            }
        };
        let lines = match answer {
            Ok(text) if text.trim().is_empty() => vec!["(nothing)".to_owned()],
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(refusal) => vec![format!("(not read: {})", refusal.words())],
        };
        report.logs.push(Log { of, lines });
    }
    if talkers.len() > MOST {
        report.notes.push(format!("logs of {MOST} out of {} are shown", talkers.len()));
    }
}
