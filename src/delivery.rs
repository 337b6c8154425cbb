//! What goes to `out/` beside the batches: everything else between an empty account and a service that scales to zero.
//!
//! Each module makes the files of one folder, from the same view of a finished render; none of them reads or writes anything.

pub mod apply;
pub mod apps;
pub mod cluster;
pub mod controller;
pub mod gitops;
pub mod internal_tls;
pub mod next;
pub mod words;

use std::collections::BTreeMap;

use crate::value::{Value, json};

use crate::aws::{self, iam};
use crate::batch::Batches;
use crate::embedded;
use crate::kubernetes::eks::Eksctl;
use crate::rewrite::template;
use crate::stack::{Cluster, Stack};

/// Files of `out/`, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A render whose batches are done.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'r> {
    /// The stack.
    pub stack: &'r Stack,
    /// Its objects.
    pub batches: &'r Batches,
    /// Whether an object is too large for client-side apply, so that everything is applied by the server.
    pub server_side: bool,
    /// The IAM policy of the load balancer controller, for the partition of the cluster.
    pub policy: Option<&'r str>,
}

impl Delivery<'_> {
    /// For people: the components, the rule set and the Kubernetes version.
    pub fn title(&self) -> String {
        let stack = self.stack;
        format!("{}; rule set {}; Kubernetes {}", stack.title(), stack.rule_set, stack.kubernetes)
    }

    /// The name of the file of the first batch.
    pub fn first(&self) -> String {
        self.batch("first")
    }

    /// The name of the file of the second batch, where there is one.
    pub fn second(&self) -> Option<String> {
        (!self.batches.second.is_empty()).then(|| self.batch("second"))
    }

    /// What templates see: the facts, and what follows from them.
    pub fn context(&self) -> Value {
        let mut context = self.stack.facts.context();
        let cluster = self.stack.cluster.as_ref();
        context["kubernetes"] = self.stack.kubernetes.to_string().into();
        context["partition"] = cluster.map_or("aws", |cluster| aws::partition_of(&cluster.region)).into();
        context["made_with"] = Eksctl::embedded().map_or(Value::Null, |eksctl| json!(eksctl));
        context["role"] = cluster.map_or(Value::Null, |cluster| json!(iam::controller_role(&cluster.name)));
        context["knative_role"] = cluster.map_or(Value::Null, |cluster| json!(iam::knative_role(&cluster.name)));
        let account = self.stack.facts.text("account-id").ok();
        let readable = |cluster: &Cluster| -> Vec<Value> {
            cluster.readable.iter().map(|one| one.context(&cluster.region, account.as_deref())).collect()
        };
        context["readable"] = cluster.map_or(Value::Null, |cluster| json!(readable(cluster)));
        context["pod_role"] = cluster.map_or(Value::Null, |cluster| json!(iam::pod_execution_role(&cluster.name)));
        context
    }

    fn batch(&self, order: &str) -> String {
        format!("knative-{}-fargate-{order}-batch.yaml", self.stack.ingress.name())
    }
}

/// Renders the template of a file, `folder/name` and then `.j2`, into `files`.
fn add(files: &mut Files, template: &str, path: &str, context: &Value) -> Result<(), String> {
    files.insert(path.to_owned(), rendered(&format!("templates/{template}.j2"), context)?.into_bytes());
    Ok(())
}

/// A template in the binary, rendered.
fn rendered(name: &str, context: &Value) -> Result<String, String> {
    let text = embedded::text(name).ok_or_else(|| format!("{name} is missing"))?;
    template::render_held(name, text, context).map_err(|e| format!("{name}: {e}"))
}
