//! `fit:`: pods that fill their Fargate size, and HPAs that go on counting as upstream meant them to.

use std::collections::BTreeMap;

use crate::value::{Value, json};

use super::rule::Fit;
use crate::fargate::fit;
use crate::fargate::pod::Pod;
use crate::fargate::size::Requests;
use crate::fargate::sizing::Sizing;

/// The highest percentage of requests that leaves room below the limit. An HPA acts a tenth above its target.
const MOST_PERCENT: i64 = 80;

/// What was fitted so far, since HPAs follow the pods that they scale.
#[derive(Debug)]
pub(super) struct Fitting<'s> {
    sizing: &'s Sizing,
    /// What the pods of a workload (kind, namespace, name) asked for, before and after.
    fitted: BTreeMap<[String; 3], (Requests, Requests)>,
}

impl<'s> Fitting<'s> {
    pub(super) fn new(sizing: &'s Sizing) -> Fitting<'s> {
        Fitting { sizing, fitted: BTreeMap::new() }
    }

    /// What becomes of an object.
    ///
    /// # Errors
    /// In words, why it does not fit.
    pub(super) fn fit(&mut self, what: Fit, object: &Value) -> Result<Value, String> {
        let mut object = object.clone();
        match what {
            Fit::FargateSize => self.size(&mut object)?,
            Fit::HpaThreshold => self.threshold(&mut object),
        }
        Ok(object)
    }

    fn size(&mut self, object: &mut Value) -> Result<(), String> {
        let asked = |object: &Value| Pod::of(object).and_then(|pod| Requests::of(&pod).ok()).unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let wanted = self.sizing.wanted(name).cloned();
        let before = asked(object);
        fit::fill(object, wanted.as_ref())?;
        self.fitted.insert(workload(object), (before, asked(object)));
        Ok(())
    }

    /// An HPA counts in percent of requests. Where these grew, the percentage shrinks, so that the same use starts a pod. Limits are
    /// requests now, so that more than [`MOST_PERCENT`] is out of reach or close to it.
    fn threshold(&self, hpa: &mut Value) {
        let target = &hpa["spec"]["scaleTargetRef"];
        let key = [&target["kind"], &hpa["metadata"]["namespace"], &target["name"]];
        let key = key.map(|value| value.as_str().unwrap_or_default().to_owned());
        let bounds =
            self.sizing.wanted(&key[2]).map(|wanted| [("minReplicas", wanted.min), ("maxReplicas", wanted.max)]);
        for (field, pods) in bounds.into_iter().flatten() {
            if let Some(pods) = pods {
                hpa["spec"][field] = json!(pods);
            }
        }
        let Some((before, after)) = self.fitted.get(&key) else { return };
        let metrics = hpa.pointer_mut("/spec/metrics").and_then(Value::as_array_mut).into_iter().flatten();
        for resource in metrics.filter_map(|metric| metric.get_mut("resource")) {
            let (was, is) = match resource["name"].as_str() {
                Some("cpu") => (before.cpu, after.cpu),
                Some("memory") => (before.memory, after.memory),
                _ => continue,
            };
            let percent = resource.pointer("/target/averageUtilization").and_then(Value::as_i64);
            if let (Some(percent), Some(place)) = (percent, resource.pointer_mut("/target/averageUtilization"))
                && was.nano() > 0
                && is.nano() > 0
            {
                let same_use = i64::try_from(i128::from(percent) * was.nano() / is.nano()).unwrap_or(percent);
                *place = json!(same_use.min(percent.min(MOST_PERCENT)).max(1));
            }
        }
    }
}

/// Kind, namespace and name.
fn workload(object: &Value) -> [String; 3] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hpa_goes_on_counting_as_upstream_meant_it_to() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "activator", "namespace": "n"},
            "spec": {"template": {"spec": {"containers": [{"resources": {"requests": {"cpu": "300m", "memory": "60Mi"}}}]}}}});
        let hpa = json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "activator", "namespace": "n"}, "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "activator"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 100}}}]}});
        let sizing = Sizing::default();
        let mut fitting = Fitting::new(&sizing);
        assert_eq!(fitting.fit(Fit::HpaThreshold, &hpa).unwrap(), hpa);
        fitting.fit(Fit::FargateSize, &deployment).unwrap();
        let after = fitting.fit(Fit::HpaThreshold, &hpa).unwrap();
        // 300m of 500m.
        assert_eq!(after["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 60);
    }

    #[test]
    fn an_hpa_of_pods_that_ask_for_less_than_upstreams_can_still_add_one() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "activator", "namespace": "n"},
            "spec": {"template": {"spec": {"containers": [{"resources": {"requests": {"cpu": "300m", "memory": "60Mi"}}}]}}}});
        let hpa = json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "activator", "namespace": "n"}, "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "activator"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 100}}}]}});
        let wanted = crate::yaml::parse_as("activator: {cpu: 200m, memory: 200Mi}\n").unwrap();
        let sizing = Sizing(wanted);
        let mut fitting = Fitting::new(&sizing);
        fitting.fit(Fit::FargateSize, &deployment).unwrap();
        let after = fitting.fit(Fit::HpaThreshold, &hpa).unwrap();
        assert_eq!(after["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
    }
}
