//! What each pod becomes on Fargate, and what it costs.

use std::fmt::Write as _;

use serde::Serialize;

use super::asked::Asked;
use super::cost::{Dollars, HOURS, NoPrice, Prices, Tariff};
use super::pod::{Pod, Workload};
use super::quantity::{Cpu, Memory, Quantity};
use super::size::{MIB, OVERHEAD, Requests, Size, sizes};
use crate::manifest::object::Identity;
use crate::shown::wrap;
use crate::value::Value;

/// A plan for a set of objects.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The pods, in the order of their objects.
    pub pods: Vec<Row>,
    /// What runs all the time, together.
    pub total: Price,
    /// The same with one replica of everything that an HPA scales, and with two.
    pub scaled: Option<(Price, Price)>,
    /// The region whose prices these are.
    pub region: String,
    /// The day of the price list.
    pub prices_of: String,
    /// How sure the prices are.
    pub confidence: String,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// One pod.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The object that runs it.
    pub object: String,
    /// Requested CPU, such as `300m`.
    pub cpu: String,
    /// Requested memory, such as `60Mi`.
    pub memory: String,
    /// The size that Fargate gives it, or why there is none.
    pub size: Result<String, String>,
    /// How many run.
    pub replicas: Replicas,
    /// How many run at the most; open where nobody says.
    pub most: Option<u64>,
    /// CPU that is paid for and not asked for.
    pub unused_cpu: String,
    /// Memory that is paid for and not asked for, AWS's own share not counted.
    pub unused_memory: String,
    /// What one costs.
    pub each: Price,
    /// The smallest change that makes it cheaper.
    pub saving: Option<Saving>,
    /// `terminationGracePeriodSeconds`, in seconds.
    #[serde(skip)]
    grace: Option<u32>,
    #[serde(skip)]
    from_hpa: bool,
}

/// How many of a pod run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Replicas {
    /// So many, all the time.
    Always {
        /// The number.
        count: u64,
    },
    /// As many as there is traffic for.
    Range {
        /// At least.
        min: u64,
        /// At most; open where nobody says.
        max: Option<u64>,
    },
    /// While it has work.
    WhileItRuns,
    /// None: Fargate runs no `DaemonSet`, and a template runs nothing.
    None,
}

/// A grace that is long enough to be worth a word in a bill, in seconds.
const LONG_GRACE: u32 = 120;

/// A price by hour and month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Dollars in an hour.
    pub hour: Dollars,
    /// Dollars in a month of 730 hours.
    pub month: Dollars,
}

/// A change that makes a pod cheaper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saving {
    /// What has to change: `50m less CPU`.
    pub change: String,
    /// The size that it fits then.
    pub fits: String,
    /// What is saved in a month, of all replicas.
    pub month: Dollars,
    /// How much of what is asked for has to go, in percent.
    #[serde(skip)]
    pub percent: i128,
}

impl Price {
    /// The price of what costs so much an hour.
    pub fn of(hour: Dollars) -> Price {
        Price { hour, month: hour * HOURS }
    }

    /// What is left of it without another.
    #[must_use]
    pub fn minus(self, other: Price) -> Price {
        Price::of(self.hour - other.hour)
    }

    /// The price of so many.
    #[must_use]
    pub fn times(self, count: i128) -> Price {
        Price::of(self.hour * count)
    }
}

impl Plan {
    /// The plan for some objects, each with its name. What pods asked for before a rule filled their size is in `asked`.
    ///
    /// # Errors
    /// The price list does not have the region.
    pub fn of(
        objects: &[(String, &Value)],
        asked: &Asked,
        prices: &Prices,
        region: Option<&str>,
    ) -> Result<Plan, NoPrice> {
        let tariff = prices.tariff(region)?;
        let mut notes = Vec::new();
        if region.is_none() {
            notes.push(format!("No region was named; these are the prices of {}.", tariff.region));
        }
        if let Some(why) = &tariff.unconfirmed {
            notes.push(format!("The prices of {} are not confirmed. {why}", tariff.region));
        }
        let scalers: Vec<&Value> =
            objects.iter().map(|(_, o)| *o).filter(|o| o["kind"] == "HorizontalPodAutoscaler").collect();
        let pods: Vec<Row> = objects
            .iter()
            .filter_map(|(name, object)| Pod::of(object).map(|pod| Row::of(name, &pod, asked, &scalers, &tariff)))
            .collect();
        if pods.iter().any(|p| matches!(p.replicas, Replicas::None)) {
            notes.push("Fargate runs no DaemonSet; a template runs nothing by itself.".to_owned());
        }
        notes.extend(pods.iter().filter_map(Row::leaving));
        let with = |scaled: Option<u64>| Price::of(pods.iter().map(|p| p.each.hour * p.always(scaled)).sum());
        let scaled = pods.iter().any(|p| p.from_hpa).then(|| (with(Some(1)), with(Some(2))));
        Ok(Plan {
            total: with(None),
            scaled,
            pods,
            region: tariff.region,
            prices_of: prices.date.clone(),
            confidence: prices.confidence.clone(),
            notes,
        })
    }

    /// Whether an object has a say in a plan: those with pods, and those that scale them.
    pub fn reads(object: &Identity) -> bool {
        object.kind == "HorizontalPodAutoscaler" || Pod::is_in(&object.group, &object.kind)
    }

    /// For people, at most 110 columns wide.
    pub fn to_text(&self) -> String {
        let mut rows = vec![["Pod", "asks for", "gets", "runs", "spare", "a month"].map(str::to_owned)];
        rows.extend(self.pods.iter().map(Row::cells));
        let widths: Vec<usize> =
            (0..6).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(line, "{cell:<width$}  ");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let _ = writeln!(
            text,
            "\nPods, all the time: ${} an hour, {} a month of 730 hours ({}, prices of {})",
            self.total.hour.rounded(7),
            self.total.month,
            self.region,
            self.prices_of
        );
        if let Some((one, two)) = &self.scaled {
            let _ = writeln!(
                text,
                "With one replica of what an HPA scales: {} a month; with two: {}",
                one.month, two.month
            );
        }
        for pod in &self.pods {
            if let Some(Saving { change, fits, month, .. }) = &pod.saving {
                let _ = writeln!(text, "{}: {change} than it asks for fits {fits}, {month} a month less", pod.object);
            }
            if let Err(why) = &pod.size {
                let _ = writeln!(text, "{}: no size: {}", pod.object, wrap(why, 4));
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "{}", wrap(note, 0));
        }
        text
    }
}

impl Row {
    fn of(name: &str, pod: &Pod<'_>, asked: &Asked, scalers: &[&Value], tariff: &Tariff) -> Row {
        let hpa = scalers.iter().find_map(|hpa| bounds_for(hpa, pod.object));
        let replicas = replicas(pod, hpa.map(|(least, _)| least));
        let asks = Requests::of(pod).map_err(|e| e.to_string());
        let size = asks.as_ref().map_err(Clone::clone).and_then(|r| Size::of(r).map_err(|e| e.to_string()));
        let requests = asked.of(name).unwrap_or_else(|| asks.unwrap_or_default());
        let mut row = Row {
            object: name.to_owned(),
            cpu: Cpu(requests.cpu).to_string(),
            memory: Memory(requests.memory).to_string(),
            size: size.as_ref().map(ToString::to_string).map_err(Clone::clone),
            replicas,
            most: match replicas {
                Replicas::Always { count } => hpa.map_or(Some(count), |(_, most)| most),
                Replicas::Range { max, .. } => max,
                Replicas::WhileItRuns | Replicas::None => Some(0),
            },
            unused_cpu: String::new(),
            unused_memory: String::new(),
            each: Price::default(),
            saving: None,
            grace: pod.spec["terminationGracePeriodSeconds"].as_u64().and_then(|s| u32::try_from(s).ok()),
            from_hpa: hpa.is_some(),
        };
        if let Ok(size) = size {
            row.unused_cpu = Cpu(Quantity::from_milli(size.milli - requests.cpu.milli())).to_string();
            row.unused_memory = Memory(Quantity::from_units(size.usable() - requests.memory.units())).to_string();
            row.each = Price::of(tariff.hour(&size));
            row.saving = match replicas {
                Replicas::None | Replicas::Always { count: 0 } => None,
                _ => saving(&requests, &size, row.always(None).max(1), tariff),
            };
        }
        row
    }

    /// What a pod costs that goes on for a while after its successor has started.
    fn leaving(&self) -> Option<String> {
        let seconds = self.grace.filter(|seconds| *seconds >= LONG_GRACE)?;
        let cost = Dollars::for_seconds(self.each.hour, seconds.into());
        Some(format!(
            "{}: a pod that has to go (a patch, a rollout, a step down of the HPA) may stay {seconds} s more, until its \
             requests are answered; that costs ${} at the most each time.",
            self.object,
            cost.rounded(4)
        ))
    }

    /// What those that run all the time cost in a month.
    pub(crate) fn always_month(&self) -> Dollars {
        self.each.month * self.always(None)
    }

    /// How many run all the time, with so many of what an HPA scales.
    fn always(&self, scaled: Option<u64>) -> i128 {
        match self.replicas {
            Replicas::Always { count } => i128::from(scaled.filter(|_| self.from_hpa).unwrap_or(count)),
            Replicas::Range { min, .. } => i128::from(min),
            Replicas::WhileItRuns | Replicas::None => 0,
        }
    }

    /// What the columns of a table say: object, requests, size, how many, what is spare, a month.
    pub(crate) fn cells(&self) -> [String; 6] {
        let month = |times: u64| (self.each.month * i128::from(times)).to_string();
        let (runs, cost) = match self.replicas {
            Replicas::Always { count } => (count.to_string(), month(count)),
            Replicas::Range { min, max } => {
                let most = max.map_or("any".to_owned(), |m| m.to_string());
                let to = max.map_or_else(|| format!("{} each", self.each.month), month);
                (format!("{min} to {most}"), format!("{} to {to}", month(min)))
            }
            Replicas::WhileItRuns => ("its work".to_owned(), format!("${} an hour", self.each.hour.rounded(7))),
            Replicas::None => ("none".to_owned(), "-".to_owned()),
        };
        [
            self.object.clone(),
            format!("{} {}", self.cpu, self.memory),
            self.size.clone().unwrap_or_else(|_| "no size".to_owned()),
            runs,
            format!("{} {}", self.unused_cpu, self.unused_memory).trim().to_owned(),
            if self.size.is_ok() { cost } else { "-".to_owned() },
        ]
    }
}

/// `minReplicas` and `maxReplicas` of an HPA, if it scales this object.
fn bounds_for(hpa: &Value, object: &Value) -> Option<(u64, Option<u64>)> {
    let target = hpa.pointer("/spec/scaleTargetRef")?;
    let is = target.get("kind")? == object.get("kind")?
        && target.get("name")? == object.pointer("/metadata/name")?
        && hpa.pointer("/metadata/namespace") == object.pointer("/metadata/namespace");
    let number = |field: &str| hpa.pointer(&format!("/spec/{field}")).and_then(Value::as_u64);
    is.then(|| (number("minReplicas").unwrap_or(1), number("maxReplicas")))
}

fn replicas(pod: &Pod<'_>, hpa: Option<u64>) -> Replicas {
    let scale = |names: [&str; 2]| {
        names.iter().find_map(|n| pod.annotation(&format!("autoscaling.knative.dev/{n}"))?.parse::<u64>().ok())
    };
    match pod.workload {
        Workload::Replicated => Replicas::Always { count: hpa.unwrap_or_else(|| pod.replicas()) },
        Workload::Knative => Replicas::Range {
            min: scale(["min-scale", "minScale"]).unwrap_or(0),
            max: scale(["max-scale", "maxScale"]).filter(|m| *m > 0),
        },
        Workload::Job => Replicas::WhileItRuns,
        Workload::DaemonSet | Workload::Template => Replicas::None,
    }
}

/// The smallest cut, by share of what is asked for, that makes a pod cheaper. Never more than half of a request: beyond
/// that it would be another program.
fn saving(requests: &Requests, size: &Size, replicas: i128, tariff: &Tariff) -> Option<Saving> {
    let (cpu, memory) = (requests.cpu.milli(), requests.memory.units());
    let cut = |is: i128, fits: i128| (is - fits).max(0);
    let share = |cut: i128, of: i128| if of == 0 { 0 } else { cut * 1_000_000 / of };
    let best = sizes()
        .map(|s| Size { storage: size.storage, ..s })
        .filter(|s| tariff.hour(s) < tariff.hour(size))
        .map(|s| (cut(cpu, s.milli), cut(memory, s.mib * MIB - OVERHEAD), s))
        .filter(|(c, m, _)| c * 2 <= cpu && m * 2 <= memory)
        .min_by_key(|(c, m, s)| (share(*c, cpu).max(share(*m, memory)), tariff.hour(s)))?;
    let (c, m, s) = best;
    let mut parts = Vec::new();
    if c > 0 {
        parts.push(format!("{} less CPU", Cpu(Quantity::from_milli(c))));
    }
    if m > 0 {
        parts.push(format!("{} less memory", Memory(Quantity::from_units(m))));
    }
    let less = Price::of(tariff.hour(size) - tariff.hour(&s)).month * replicas;
    let percent = share(c, cpu).max(share(m, memory)) / 10_000;
    Some(Saving { change: parts.join(" and "), fits: s.to_string(), month: less, percent })
}

#[cfg(test)]
mod tests {
    use crate::value::json;

    use super::*;

    fn plan(objects: &[Value]) -> Plan {
        let named: Vec<_> = objects
            .iter()
            .map(|o| (format!("{}/{}", o["kind"].as_str().unwrap(), o["metadata"]["name"].as_str().unwrap()), o))
            .collect();
        Plan::of(&named, &Asked::default(), &Prices::embedded().unwrap(), None).unwrap()
    }

    fn deployment(name: &str, cpu: &str, memory: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "n"}, "spec": {
            "template": {"spec": {"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]}}}})
    }

    fn hpa(target: &str, min: u64) -> Value {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "n"},
            "spec": {"minReplicas": min, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}})
    }

    #[test]
    fn the_activator_is_fifty_milli_above_a_smaller_size() {
        let plan = plan(&[deployment("activator", "300m", "60Mi")]);
        let saving = plan.pods[0].saving.as_ref().unwrap();
        assert_eq!(saving.change, "50m less CPU");
        assert_eq!((saving.fits.as_str(), saving.month.to_string()), ("0.25 vCPU / 0.5 GB", "$9.01".into()));
    }

    #[test]
    fn no_saving_cuts_more_than_half() {
        assert_eq!(
            plan(&[deployment("a", "500m", "600Mi")]).pods[0].saving.as_ref().map(|s| s.change.as_str()),
            Some("250m less CPU")
        );
        assert_eq!(
            plan(&[deployment("a", "600m", "600Mi")]).pods[0].saving.as_ref().map(|s| s.change.as_str()),
            Some("100m less CPU")
        );
        assert_eq!(plan(&[deployment("a", "250m", "256Mi")]).pods[0].saving, None);
    }

    #[test]
    fn an_hpa_says_how_many_run() {
        let plan = plan(&[deployment("a", "100m", "100Mi"), hpa("a", 3), deployment("b", "100m", "100Mi")]);
        assert_eq!(plan.pods[0].replicas, Replicas::Always { count: 3 });
        assert_eq!(plan.pods[1].replicas, Replicas::Always { count: 1 });
        assert_eq!(plan.total.month.to_string(), "$36.04");
        let (one, two) = plan.scaled.unwrap();
        assert_eq!((one.month.to_string(), two.month.to_string()), ("$18.02".into(), "$27.03".into()));
    }

    #[test]
    fn services_are_a_range_jobs_an_hour_and_daemon_sets_nothing() {
        let service = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {
            "template": {"metadata": {"annotations": {"autoscaling.knative.dev/max-scale": "5"}}, "spec": {"containers": [{}]}}}});
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
            "spec": {"template": {"spec": {"containers": [{}]}}}});
        let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": [{}]}}}});
        let bad = deployment("bad", "1e", "1Mi");
        let plan = plan(&[service, job, daemon, bad]);
        assert_eq!(plan.total, Price::default());
        insta::assert_snapshot!(plan.to_text());
    }
}
