//! The Knative Service that is simulated, and where its settings stand.

use crate::value::{Map, Value, json};

use super::knobs::{Knobs, Sources, Texts};
use crate::fargate::cost::{Dollars, Prices};
use crate::fargate::pod::Pod;
use crate::fargate::size::{Requests, Size};
use crate::manifest::collection::Collection;

/// A Service, and what is set around it.
#[derive(Clone, Debug)]
pub struct Service {
    /// How it is called, for people.
    pub name: String,
    object: Value,
    /// Annotations from flags, over those of the Service.
    overrides: Map,
    autoscaler: Value,
    defaults: Value,
    deployment: Value,
    activators: usize,
    idle_timeout: f64,
    /// What the reader should know.
    pub notes: Vec<String>,
}

impl Service {
    /// The object.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// The image that runs beside each pod of it, where `config-deployment` is known.
    pub fn queue_proxy(&self) -> Option<&str> {
        self.deployment["queue-sidecar-image"].as_str()
    }
}

/// The price of a pod of the Service.
#[derive(Clone, Debug)]
pub struct Price {
    /// Its size, as AWS writes it.
    pub size: String,
    /// Dollars in an hour.
    pub hour: Dollars,
    /// The region whose prices these are.
    pub region: String,
    /// The day of the price list.
    pub date: String,
    /// How sure they are.
    pub confidence: String,
}

/// What `knrender` renders: two activators behind an ALB that waits for ten minutes.
const ACTIVATORS: usize = 2;
const IDLE_TIMEOUT: f64 = 600.0;

impl Service {
    /// The Service among some objects, the one that is named where there are several. Without any, one that has nothing but
    /// defaults.
    ///
    /// # Errors
    /// In words, why it is not clear which.
    pub fn among(
        objects: &Collection,
        asked: bool,
        named: Option<&str>,
        around: &Collection,
    ) -> Result<Service, String> {
        let services: Vec<_> = objects
            .objects
            .iter()
            .filter(|o| o.identity.group == "serving.knative.dev" && o.identity.kind == "Service")
            .filter(|o| named.is_none_or(|name| o.identity.name == name))
            .collect();
        let mut notes = Vec::new();
        let (name, object) = match services[..] {
            [] if !asked => (
                "a Service with Knative's defaults".to_owned(),
                json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "app"}, "spec": {"template": {"spec": {
                    "containers": [{"resources": {"requests": {"cpu": "225m", "memory": "256Mi"}}}]}}}}),
            ),
            [] => {
                let named = named.map(|name| format!(" of the name {name}")).unwrap_or_default();
                return Err(format!("there is no Knative Service{named} in what was given (serving.knative.dev/v1)"));
            }
            [service] => (service.identity.to_string(), service.value.clone()),
            _ => {
                let found: Vec<_> = services.iter().map(|s| s.identity.name.as_str()).collect();
                return Err(format!("there are several Services: {}; say which with --service NAME", found.join(", ")));
            }
        };
        if let Some(traffic) = object.pointer("/spec/traffic").and_then(Value::as_array)
            && traffic.iter().filter(|t| t["percent"].as_u64().unwrap_or(0) > 0).count() > 1
        {
            notes.push("its traffic is split over several revisions; simulated is the template as one revision that gets all of it".to_owned());
        }
        let config = |name: &str| {
            let maps = objects.objects.iter().chain(&around.objects);
            let mut maps = maps.filter(|o| o.identity.kind == "ConfigMap" && o.identity.name == name);
            maps.next().map_or(Value::Null, |map| map.value["data"].clone())
        };
        let find = |kind: &str| {
            let mut found = objects.objects.iter().chain(&around.objects);
            found.find(|o| o.identity.kind == kind && o.identity.name == "activator").map(|o| &o.value)
        };
        let count = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
        let activators = find("HorizontalPodAutoscaler")
            .and_then(|hpa| count(&hpa["spec"]["minReplicas"]))
            .or_else(|| find("Deployment").and_then(|d| count(&d["spec"]["replicas"])))
            .unwrap_or(ACTIVATORS);
        let idle_timeout = objects.objects.iter().chain(&around.objects).find_map(idle_timeout).unwrap_or(IDLE_TIMEOUT);
        Ok(Service {
            name,
            object,
            overrides: Map::new(),
            autoscaler: config("config-autoscaler"),
            defaults: config("config-defaults"),
            deployment: config("config-deployment"),
            activators,
            idle_timeout,
            notes,
        })
    }

    /// Sets an annotation, over what the Service has: `target`, or the whole key.
    pub fn annotate(&mut self, key: &str, value: &str) {
        let key = if key.contains('/') { key.to_owned() } else { format!("autoscaling.knative.dev/{key}") };
        self.overrides.insert(key, value.into());
    }

    /// Sets how many requests a pod takes at a time.
    pub fn set_concurrency(&mut self, concurrency: u32) {
        self.object["spec"]["template"]["spec"]["containerConcurrency"] = concurrency.into();
    }

    /// Sets how many activators there are.
    pub fn set_activators(&mut self, activators: usize) {
        self.activators = activators;
    }

    /// The Service with other annotations.
    #[must_use]
    pub fn with(&self, annotations: &[(String, String)]) -> Service {
        let mut other = self.clone();
        for (key, value) in annotations {
            other.annotate(key, value);
        }
        other
    }

    /// How it scales.
    ///
    /// # Errors
    /// In words, which value Knative's webhook would refuse.
    pub fn knobs(&self) -> Result<Knobs, String> {
        let mut annotations = match &self.object["spec"]["template"]["metadata"]["annotations"] {
            Value::Object(map) => map.clone(),
            _ => Map::new(),
        };
        for (key, value) in &self.overrides {
            // The older name of the same annotation gives way.
            annotations.retain(|name, _| !name.replace('-', "").eq_ignore_ascii_case(&key.replace('-', "")));
            annotations.insert(key.clone(), value.clone());
        }
        let annotations = Value::Object(annotations);
        Knobs::of(&Sources {
            annotations: Texts::of(&self.name, &annotations),
            spec: &self.object["spec"]["template"]["spec"],
            autoscaler: Texts::of("ConfigMap/config-autoscaler", &self.autoscaler),
            defaults: Texts::of("ConfigMap/config-defaults", &self.defaults),
            deployment: Texts::of("ConfigMap/config-deployment", &self.deployment),
            activators: self.activators,
            idle_timeout: self.idle_timeout,
        })
    }

    /// What a pod costs, as `knrender plan` sizes it.
    ///
    /// # Errors
    /// In words, why it has no size or price.
    pub fn price(&self, prices: &Prices, region: Option<&str>) -> Result<Price, String> {
        let tariff = prices.tariff(region).map_err(|e| e.to_string())?;
        let pod = Pod::of(&self.object).ok_or_else(|| format!("{}: it has no pod template", self.name))?;
        let requests = Requests::of(&pod).map_err(|e| format!("{}: {e}", self.name))?;
        let size = Size::of(&requests).map_err(|e| format!("{}: {e}", self.name))?;
        Ok(Price {
            size: size.to_string(),
            hour: tariff.hour(&size),
            region: tariff.region,
            date: prices.date.clone(),
            confidence: prices.confidence.clone(),
        })
    }
}

impl Price {
    /// What so many seconds cost, in dollars.
    pub fn of(&self, seconds: u64) -> f64 {
        let hour: f64 = self.hour.rounded(9).parse().unwrap_or(0.0);
        hour * seconds as f64 / 3600.0
    }
}

/// The idle time-out that an Ingress gives its ALB, in seconds.
fn idle_timeout(object: &crate::manifest::collection::Placed) -> Option<f64> {
    if object.identity.kind != "Ingress" {
        return None;
    }
    let attributes = object.head.annotation("alb.ingress.kubernetes.io/load-balancer-attributes")?;
    attributes.split(',').find_map(|a| a.trim().strip_prefix("idle_timeout.timeout_seconds=")?.trim().parse().ok())
}
