//! `knrender app`: a Knative Service of the user's own that fits Fargate, made from flags alone. The demos in `out/apps/` are
//! made here as well.
//!
//! [`Terms`] is what the stack says; [`App`] is what is asked for, held to these terms ([`check`](self)) and written as an
//! object; [`summary`] says what becomes of it.

use clap::{Args, ValueEnum};
use semver::Version;

use crate::config::time::{Lasting, Seconds};
use crate::fargate::fit;
use crate::rewrite::facts::Fact;
use crate::stack::Stack;
use crate::value::{Map, Value, json};
use crate::yaml;

mod check;
mod image;
pub mod summary;

/// A Service as it is asked for. Every field is a flag of `knrender app`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The Service")]
pub struct App {
    /// Its name, a DNS label that starts with a letter
    pub name: String,
    /// Container image, best by digest
    #[arg(long, value_name = "REF")]
    pub image: String,
    /// Namespace [default: default]
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Port that the app listens on, with h2c: in front for gRPC and HTTP/2 [default: 8080, Knative's own]
    #[arg(long, value_name = "[h2c:]PORT")]
    pub port: Option<String>,
    /// Environment variable; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub env: Vec<String>,
    /// All variables of a `ConfigMap` or Secret; may be repeated
    #[arg(long, value_name = "configmap:NAME|secret:NAME")]
    pub env_from: Vec<String>,
    /// Word of a command in place of the image's own; may be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// Argument for the command; may be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub arg: Vec<String>,
    /// Service account of the pods, which brings an IAM role
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
    #[allow(clippy::doc_markdown)] // help text
    /// IAM role of that service account; writes the ServiceAccount, too
    #[arg(long, value_name = "ARN", requires = "service_account")]
    pub role_arn: Option<String>,
    /// Secret with a login for the image's registry; may be repeated
    #[arg(long, value_name = "NAME")]
    pub pull_secret: Vec<String>,
    /// User that the image runs as, by number and not root: also drops all privileges, of which Knative warns otherwise. Not for an
    /// image that starts as root
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(u32).range(1..))]
    pub run_as_user: Option<u32>,
    /// Who can reach it [default: public]
    #[arg(long, value_enum, value_name = "WHO")]
    pub visibility: Option<Visibility>,
    /// Pods that always run; 1 and more have no cold start [default: 0]
    #[arg(long, value_name = "PODS", help_heading = "Its pods")]
    pub min_scale: Option<u32>,
    /// Pods at the most [default: as many as there is traffic for]
    #[arg(long, value_name = "PODS", help_heading = "Its pods")]
    pub max_scale: Option<u32>,
    /// Requests that one pod takes at a time, never more [default: no limit]
    #[arg(long, value_name = "REQUESTS", help_heading = "Its pods")]
    pub concurrency: Option<u32>,
    /// Requests at a time above which another pod is started [default: 100, Knative's own]
    #[arg(long, value_name = "REQUESTS", help_heading = "Its pods")]
    pub target: Option<u32>,
    /// How long a request may take, a cold start included [default: the stack's, 600]
    #[arg(long, value_name = "TIME", help_heading = "Its pods")]
    pub timeout: Option<Seconds>,
    /// How long the last pod stays without traffic, such as 10m [default: the stack's, 5m]
    #[arg(long, value_name = "TIME", help_heading = "Its pods")]
    pub retention: Option<Lasting>,
    /// CPU for the app, beside queue-proxy's share [default: what the Fargate size leaves]
    #[arg(long, value_name = "QUANTITY", help_heading = "Its pods")]
    pub cpu: Option<String>,
    /// Memory for the app, beside Fargate's 256Mi [default: what the Fargate size leaves]
    #[arg(long, value_name = "QUANTITY", help_heading = "Its pods")]
    pub memory: Option<String>,
}

/// Who can reach a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Visibility {
    /// Everyone who reaches the ALB
    #[default]
    Public,
    /// Only what runs in the cluster
    ClusterLocal,
}

/// What a stack says about the Services that run on it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The Knative version; `None` for the 0.10 that Gloo bundles.
    pub knative: Option<Version>,
    /// The longest that a request may take, in seconds.
    pub timeout: u32,
    /// How long a pod takes to start, in seconds.
    pub cold_start: u32,
    /// How long the last pod stays without traffic; `None` where Knative's own 30 seconds apply.
    pub retention: Option<String>,
    /// The domain that Services are named below.
    pub domain: Option<String>,
    /// Whether the ALB speaks HTTPS, and Services have names of one label for its certificate.
    pub https: bool,
    /// The region, for prices.
    pub region: Option<String>,
    /// The account, where it is named.
    pub account: Option<String>,
    /// How Knative's controller gets by with tags in ECR, where the cluster is named.
    pub ecr_tags: Option<String>,
    /// What queue-proxy asks for, where it is not Knative's own 25m CPU.
    pub queue_proxy: [(&'static str, Option<String>); 2],
}

impl Terms {
    /// The terms of a stack.
    pub fn of(stack: &Stack) -> Terms {
        let text = |name: &str| stack.facts.text(name).ok();
        let seconds = |name: &str| text(name).and_then(|s| s.parse().ok()).unwrap_or_default();
        let knative = match stack.facts.0.get("knative") {
            Some(Fact::Version(version)) => Some(version.clone()),
            _ => None,
        };
        Terms {
            timeout: seconds("timeout"),
            cold_start: seconds("cold-start"),
            retention: text("scale-to-zero-retention").filter(|_| knative.is_some()),
            domain: text("domain"),
            https: text("certificate-arn").is_some(),
            region: text("region"),
            account: text("account-id"),
            ecr_tags: text("ecr-tags").filter(|_| stack.cluster.is_some() && knative.is_some()),
            queue_proxy: [("cpu", text("queue-proxy-cpu")), ("memory", text("queue-proxy-memory"))],
            knative,
        }
    }

    /// Whether annotations are written with dashes; before 1.1 they had capitals.
    /// Source: <https://github.com/knative/serving/pull/12329>
    fn has_dashes(&self) -> bool {
        self.knative.as_ref().is_some_and(|knative| *knative >= Version::new(1, 1, 0))
    }
}

/// What was asked for cannot be had. The message says why and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AppError(String);

impl From<String> for AppError {
    fn from(message: String) -> Self {
        AppError(message)
    }
}

impl App {
    /// The Service, without resources that nobody asked for.
    ///
    /// # Errors
    /// What of it cannot be had under these terms.
    pub fn asked(&self, terms: &Terms) -> Result<Value, AppError> {
        check::all(self, terms)?;
        let mut metadata = json!({"name": self.name, "namespace": self.namespace()});
        if self.visibility() == Visibility::ClusterLocal {
            let key = if terms.knative.is_some() { "networking.knative.dev" } else { "serving.knative.dev" };
            metadata["labels"] = json!({ format!("{key}/visibility"): "cluster-local" });
        }
        let mut template = Map::new();
        let annotations = self.annotations(terms);
        if !annotations.is_empty() {
            template.insert("metadata", json!({ "annotations": annotations }));
        }
        template.insert("spec", self.pod(terms));
        Ok(json!({
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"template": template},
        }))
    }

    /// The Service, fitted to its Fargate size.
    ///
    /// # Errors
    /// What of it cannot be had under these terms.
    pub fn object(&self, terms: &Terms) -> Result<Value, AppError> {
        let mut object = self.asked(terms)?;
        fit::to_size(&mut object)
            .map_err(|why| format!("no Fargate size is large enough, queue-proxy's share included: {why}"))?;
        Ok(object)
    }

    /// Its service account, where a role is named for it.
    pub fn account(&self) -> Option<Value> {
        let (name, arn) = (self.service_account.as_ref()?, self.role_arn.as_ref()?);
        Some(json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": name,
                "namespace": self.namespace(),
                "annotations": {"eks.amazonaws.com/role-arn": arn},
            },
        }))
    }

    /// The Service as text, after its service account where a role is named for it.
    ///
    /// # Errors
    /// What of it cannot be had under these terms.
    pub fn to_yaml(&self, terms: &Terms) -> Result<String, AppError> {
        let style = yaml::Style { compact_lists: true };
        let service = yaml::emit(&self.object(terms)?, style);
        Ok(match self.account() {
            Some(account) => format!("{}---\n{service}", yaml::emit(&account, style)),
            None => service,
        })
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    fn visibility(&self) -> Visibility {
        self.visibility.unwrap_or_default()
    }

    fn annotations(&self, terms: &Terms) -> Map {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        let scaling = [
            ("min-scale", "minScale", number(self.min_scale)),
            ("max-scale", "maxScale", number(self.max_scale)),
            ("target", "target", number(self.target)),
            (
                "scale-to-zero-pod-retention-period",
                "scaleToZeroPodRetentionPeriod",
                self.retention.as_ref().map(Lasting::to_string),
            ),
        ];
        let mut annotations = Map::new();
        for (dashes, capitals, value) in scaling {
            if let Some(value) = value {
                let key = if terms.has_dashes() { dashes } else { capitals };
                annotations.insert(format!("autoscaling.knative.dev/{key}"), value.into());
            }
        }
        // Said on the Service too, so that its size does not depend on what else is read with it.
        for (what, share) in &terms.queue_proxy {
            if let Some(share) = share {
                let key = format!("queue.sidecar.serving.knative.dev/{what}-resource-request");
                annotations.insert(key, share.as_str().into());
            }
        }
        annotations
    }

    fn pod(&self, terms: &Terms) -> Value {
        let mut pod = Map::new();
        if let Some(requests) = self.concurrency {
            pod.insert("containerConcurrency", requests.into());
        }
        if let Some(seconds) = self.timeout {
            pod.insert("timeoutSeconds", seconds.0.into());
        }
        if let Some(name) = &self.service_account {
            pod.insert("serviceAccountName", name.as_str().into());
        }
        if !self.pull_secret.is_empty() {
            let secrets: Vec<_> = self.pull_secret.iter().map(|name| json!({ "name": name })).collect();
            pod.insert("imagePullSecrets", secrets.into());
        }
        pod.insert("containers", json!([self.container(terms)]));
        Value::Object(pod)
    }

    fn container(&self, terms: &Terms) -> Map {
        let mut container = Map::new();
        container.insert("image", self.image.as_str().into());
        for (key, words) in [("command", &self.command), ("args", &self.arg)] {
            if !words.is_empty() {
                container.insert(key, json!(words));
            }
        }
        if let Some((protocol, port)) = self.port.as_deref().and_then(check::port) {
            let mut entry = json!({ "containerPort": port });
            if let Some(protocol) = protocol {
                entry["name"] = protocol.into();
            }
            container.insert("ports", json!([entry]));
        }
        let env: Vec<_> = self.env.iter().filter_map(|e| e.split_once('=')).collect();
        if !env.is_empty() {
            let env: Vec<_> = env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            container.insert("env", env.into());
        }
        let from: Vec<_> = self.env_from.iter().filter_map(|f| check::source(f)).collect();
        if !from.is_empty() {
            let from: Vec<_> = from.into_iter().map(|(kind, name)| json!({ kind: {"name": name} })).collect();
            container.insert("envFrom", from.into());
        }
        let asked = [("cpu", &self.cpu), ("memory", &self.memory)];
        let requests: Map =
            asked.into_iter().filter_map(|(key, q)| Some((key.to_owned(), q.as_deref()?.into()))).collect();
        if !requests.is_empty() {
            container.insert("resources", json!({ "requests": requests }));
        }
        if let Some(user) = self.run_as_user {
            let mut context = json!({ "runAsUser": user });
            // Knative warns of a container that lacks any of these, and before 1.8 did not let all of them pass.
            if terms.knative.as_ref().is_some_and(|knative| *knative >= Version::new(1, 8, 0)) {
                context = json!({
                    "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
                    "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"},
                });
            }
            container.insert("securityContext", context);
        }
        container
    }
}

#[cfg(test)]
mod tests;
