//! The way from one version of everything to another: which steps, in which order, and what stands in the way.
//!
//! Knative moves one minor version at a time, its binaries end themselves on a Kubernetes that is too old, and EKS moves one
//! minor version at a time as well.

use std::fmt::Write as _;

use semver::Version;
use serde::Serialize;

use crate::diff::Diff;
use crate::kubernetes;
use crate::kubernetes::eks::Calendar;
use crate::shown::wrap;
use crate::upstream::catalog::{Catalog, Component};

/// What moves in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The EKS cluster, one minor version of Kubernetes.
    Kubernetes,
    /// Knative and its ingress.
    Knative,
    /// The AWS Load Balancer Controller.
    Controller,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What moves.
    pub part: Part,
    /// From this version.
    pub from: String,
    /// To this one.
    pub to: String,
    /// The Kubernetes of the cluster when the step is done.
    pub kubernetes: kubernetes::Version,
    /// The commands, in order.
    pub commands: Vec<String>,
    /// How it is undone, or that it cannot be.
    pub undo: String,
    /// Until when what it leads to is supported, as far as anybody states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_until: Option<String>,
    /// What it changes in the render.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// Something that stands in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Obstacle {
    /// What it is, and what to do about it.
    pub what: String,
    /// The day that it is about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
}

/// The way.
#[derive(Clone, Debug, Serialize)]
pub struct Upgrade {
    /// What is rendered now.
    pub now: Versions,
    /// What is wanted.
    pub to: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What stands in the way; the steps end before it.
    pub obstacles: Vec<Obstacle>,
    /// Ends of support, of what runs now.
    pub ends: Vec<String>,
}

/// The versions that a render is of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Versions {
    /// Knative Serving.
    pub knative: Version,
    /// Kubernetes.
    pub kubernetes: kubernetes::Version,
    /// The AWS Load Balancer Controller, where the render names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<Version>,
}

/// What commands name.
#[derive(Clone, Debug)]
pub struct Names {
    /// The folder of the render.
    pub out: String,
    /// The cluster.
    pub cluster: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Whether the render brings what installs the controller.
    pub installs_controller: bool,
}

impl Upgrade {
    /// The way from `now` to a Knative and a controller.
    ///
    /// # Errors
    /// In words, what is wrong with the catalog in the binary.
    pub fn of(
        now: &Versions,
        knative: &Version,
        controller: Option<&Version>,
        catalog: &Catalog,
        names: &Names,
    ) -> Result<Upgrade, String> {
        let calendar = Calendar::embedded()?;
        let serving = catalog.component("knative-serving")?;
        let kourier = catalog.component("net-kourier")?;
        let mut way =
            Way { steps: Vec::new(), obstacles: Vec::new(), kubernetes: now.kubernetes, names, calendar: &calendar };
        if let (Some(from), Some(to)) = (&now.controller, controller)
            && from < to
        {
            way.controller(from, to);
        }
        let mut running = now.knative.clone();
        while running < *knative {
            let Some(next) = next(&running, knative, serving, &mut way.obstacles) else { break };
            let pair = serving.known(&next).and_then(|known| known.pairs.get("net-kourier"));
            let least = [serving.kubernetes(&next), pair.and_then(|pair| kourier.kubernetes(pair))];
            let least = least.into_iter().flatten().filter_map(|range| range.min).max();
            if least.is_some_and(|least| !way.reach(least)) {
                break;
            }
            way.knative(&running, &next, serving);
            running = next;
        }
        let day = &calendar.read;
        let mut ends: Vec<String> = serving.end_of_support(&now.knative, day, "knative").into_iter().collect();
        ends.extend(calendar.notice(now.kubernetes));
        Ok(Upgrade { now: now.clone(), to: knative.to_string(), steps: way.steps, obstacles: way.obstacles, ends })
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text =
            format!("Knative {} on Kubernetes {} -> Knative {}\n", self.now.knative, self.now.kubernetes, self.to);
        for end in &self.ends {
            let _ = writeln!(text, "  {}", wrap(end, 4));
        }
        if self.steps.is_empty() && self.obstacles.is_empty() {
            text.push_str("Nothing to do: this is what is rendered.\n");
        }
        for (i, step) in self.steps.iter().enumerate() {
            let _ = writeln!(text, "\n{}. {}", i + 1, step.title());
            for command in &step.commands {
                let _ = writeln!(text, "     {command}");
            }
            if let Some(diff) = &step.diff {
                let _ = writeln!(
                    text,
                    "   Changes: {} added, {} removed, {} changed, {} in labels with a version alone",
                    diff.added.len(),
                    diff.removed.len(),
                    diff.changed.len(),
                    diff.folded.len()
                );
                for whole in &diff.added {
                    let _ = writeln!(text, "     + {}", whole.object);
                }
                for whole in &diff.removed {
                    let _ = writeln!(text, "     - {} (stays in the cluster until `apply.sh --prune`)", whole.object);
                }
                for meaning in &diff.meaning {
                    let about = if meaning.object.is_empty() { String::new() } else { format!("{}: ", meaning.object) };
                    let line =
                        format!("{} ({}): {about}{}", meaning.severity.name(), meaning.topic.name(), meaning.what);
                    let _ = writeln!(text, "     {}", wrap(&line, 9));
                    if !meaning.todo.is_empty() {
                        let _ = writeln!(text, "         {}", wrap(&format!("do: {}", meaning.todo), 13));
                    }
                }
                if let Some(money) = &diff.money {
                    let _ = writeln!(text, "   Money: {} a month before, {} after", money.before, money.after);
                }
            }
            let _ = writeln!(text, "   Undo: {}", wrap(&step.undo, 9));
            if let Some(day) = &step.supported_until {
                let _ = writeln!(text, "   Supported until {day}");
            }
        }
        if !self.obstacles.is_empty() {
            text.push_str("\nIn the way\n");
            for obstacle in &self.obstacles {
                let _ = writeln!(text, "  - {}", wrap(&obstacle.what, 4));
            }
        }
        text
    }

    /// For a pull request.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("### Knative {} -> {}\n\n", self.now.knative, self.to);
        for end in &self.ends {
            let _ = writeln!(text, "> {end}\n");
        }
        for (i, step) in self.steps.iter().enumerate() {
            let _ = writeln!(
                text,
                "#### {}. {}\n\n```sh\n{}\n```\n\nUndo: {}\n",
                i + 1,
                step.title(),
                step.commands.join("\n"),
                step.undo
            );
            if let Some(diff) = &step.diff {
                text.push_str(&diff.to_markdown());
                text.push('\n');
            }
        }
        for obstacle in &self.obstacles {
            let _ = writeln!(text, "- In the way: {}", obstacle.what);
        }
        text
    }
}

impl Step {
    fn title(&self) -> String {
        match self.part {
            Part::Kubernetes => format!("The cluster: Kubernetes {} -> {}", self.from, self.to),
            Part::Knative => format!("Knative {} -> {}, on Kubernetes {}", self.from, self.to, self.kubernetes),
            Part::Controller => format!("AWS Load Balancer Controller {} -> {}", self.from, self.to),
        }
    }
}

/// The Knative that comes after the one that runs: the wanted one, or the newest patch of the next minor version.
fn next(running: &Version, wanted: &Version, serving: &Component, obstacles: &mut Vec<Obstacle>) -> Option<Version> {
    if wanted.major == running.major && wanted.minor <= running.minor + 1 {
        return Some(wanted.clone());
    }
    let minor = running.minor + 1;
    let patches = serving.versions.iter().map(|known| &known.version);
    let newest = patches.filter(|v| v.major == running.major && v.minor == minor).max().cloned();
    if newest.is_none() {
        obstacles.push(Obstacle {
            what: format!(
                "Knative {running} goes to {0}.{minor} before anything newer, and the catalog has no {0}.{minor}: `knrender upstream add \
                 knative-serving {0}.{minor}.0` brings it",
                running.major
            ),
            day: None,
        });
    }
    newest
}

/// Steps so far.
struct Way<'w> {
    steps: Vec<Step>,
    obstacles: Vec<Obstacle>,
    kubernetes: kubernetes::Version,
    names: &'w Names,
    calendar: &'w Calendar,
}

impl Way<'_> {
    /// Brings the cluster to a Kubernetes; `false` where EKS has none on the way.
    fn reach(&mut self, least: kubernetes::Version) -> bool {
        while self.kubernetes < least {
            let from = self.kubernetes;
            let to = kubernetes::Version { major: from.major, minor: from.minor + 1 };
            let Some(offered) = self.calendar.of(to) else {
                self.obstacles.push(Obstacle {
                    what: format!(
                        "Kubernetes {to} is needed, and EKS did not offer it as of {} ({})",
                        self.calendar.read, self.calendar.see
                    ),
                    day: Some(self.calendar.read.clone()),
                });
                return false;
            };
            let cluster = self.names.cluster.as_deref().unwrap_or("NAME");
            let region = self.names.region.as_deref().unwrap_or("REGION");
            let place = format!("--cluster {cluster} --region {region}");
            self.steps.push(Step {
                part: Part::Kubernetes,
                from: from.to_string(),
                to: to.to_string(),
                kubernetes: to,
                commands: vec![
                    "kubectl get --raw /metrics | grep apiserver_requested_deprecated_apis   # nothing may be left".to_owned(),
                    format!("eksctl upgrade cluster --name {cluster} --region {region} --version {to} --approve"),
                    format!("for addon in vpc-cni coredns kube-proxy metrics-server; do eksctl update addon --name $addon {place}; done"),
                    "for namespace in kube-system knative-serving kourier-system; do kubectl rollout restart deployment -n $namespace; done   # a Fargate pod keeps the kubelet of its day".to_owned(),
                ],
                undo: "it cannot be undone: EKS takes a control plane up only".to_owned(),
                supported_until: Some(offered.standard_until.clone()),
                diff: None,
            });
            self.kubernetes = to;
        }
        true
    }

    fn knative(&mut self, from: &Version, to: &Version, serving: &Component) {
        let out = &self.names.out;
        self.steps.push(Step {
            part: Part::Knative,
            from: from.to_string(),
            to: to.to_string(),
            kubernetes: self.kubernetes,
            commands: vec![
                format!("knrender --knative {to} --kubernetes {} --with upgrade-jobs --out {out}", self.kubernetes),
                format!("sh {out}/apply.sh --dry-run"),
                format!("sh {out}/apply.sh"),
                "kubectl get ksvc -A   # all are Ready before the next step".to_owned(),
            ],
            undo: format!(
                "`knrender --knative {from}` and apply.sh go back one minor version, which works as long as no stored version of a CRD \
                 was moved (the diff names them) and which Knative does not document"
            ),
            supported_until: serving.supported_until(to).map(str::to_owned),
            diff: None,
        });
    }

    fn controller(&mut self, from: &Version, to: &Version) {
        let out = &self.names.out;
        let install = if self.names.installs_controller {
            vec![format!("knrender --controller {to} --out {out}"), format!("sh {out}/alb-controller/install.sh")]
        } else {
            vec![
                "kubectl apply -k \"github.com/aws/eks-charts/stable/aws-load-balancer-controller/crds?ref=master\"   # Helm upgrades no CRDs".to_owned(),
                format!("helm upgrade aws-load-balancer-controller eks/aws-load-balancer-controller -n kube-system --version {to} --reuse-values"),
            ]
        };
        self.steps.push(Step {
            part: Part::Controller,
            from: from.to_string(),
            to: to.to_string(),
            kubernetes: self.kubernetes,
            commands: install,
            undo: "`helm rollback aws-load-balancer-controller -n kube-system`; its IAM policy may stay the newer one"
                .to_owned(),
            supported_until: None,
            diff: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(knative: &str, minor: u16, to: &str) -> Upgrade {
        let names = Names { out: "out".into(), cluster: None, region: None, installs_controller: false };
        let now = Versions {
            knative: knative.parse().unwrap(),
            kubernetes: kubernetes::Version::one(minor),
            controller: None,
        };
        Upgrade::of(&now, &to.parse().unwrap(), None, &Catalog::embedded(), &names).unwrap()
    }

    fn titles(upgrade: &Upgrade) -> Vec<String> {
        upgrade.steps.iter().map(|step| format!("{} {}", step.from, step.to)).collect()
    }

    #[test]
    fn knative_goes_up_one_minor_at_a_time_and_the_cluster_where_it_has_to() {
        assert_eq!(titles(&way("1.21.3", 33, "1.23.0")), ["1.33 1.34", "1.21.3 1.22.1", "1.22.1 1.23.0"]);
        assert_eq!(titles(&way("1.21.3", 36, "1.23.0")), ["1.21.3 1.22.1", "1.22.1 1.23.0"]);
    }

    #[test]
    fn a_minor_that_the_catalog_lacks_is_in_the_way_with_the_command_that_brings_it() {
        let upgrade = way("1.19.0", 36, "1.23.0");
        assert!(upgrade.steps.is_empty());
        assert!(upgrade.obstacles[0].what.contains("knrender upstream add knative-serving 1.20.0"), "{upgrade:?}");
    }

    #[test]
    fn what_is_there_already_is_no_step() {
        assert!(way("1.23.0", 36, "1.23.0").to_text().contains("Nothing to do"));
    }

    #[test]
    fn ends_of_support_are_named_with_their_day() {
        let text = way("1.21.3", 33, "1.23.0").to_text();
        assert!(
            text.contains("2026-08-04") && text.contains("2026-07-29") && text.contains("Supported until 2027-02-02"),
            "{text}"
        );
    }
}
