//! Logs: whether Fargate's log router takes its configuration.

use super::set::{Object, Set};
use super::{Check, Found};
use crate::fargate::logging::{LABEL, NAME, NAMESPACE, problems};
use crate::pointer;

pub(super) const CHECKS: &[Check] =
    &[Check::of("log-router-refused", log_router_refused), Check::of("log-router-namespace", log_router_namespace)];

fn configurations<'s>(set: &'s Set<'_>) -> impl Iterator<Item = &'s Object<'s>> {
    set.all("", "ConfigMap").filter(|object| object.name() == NAME && object.namespace() == NAMESPACE)
}

fn log_router_refused(set: &Set<'_>, found: &mut Found) {
    for configuration in configurations(set) {
        for (key, what) in problems(&configuration.value["data"]) {
            let at = if key.is_empty() { "/data".to_owned() } else { pointer::below("/data", &key) };
            found.at(configuration, at, what);
        }
    }
}

fn log_router_namespace(set: &Set<'_>, found: &mut Found) {
    let (label, value) = LABEL;
    for namespace in set.all("", "Namespace").filter(|namespace| namespace.name() == NAMESPACE) {
        if namespace.label(label) != Some(value) {
            found.at(namespace, "/metadata/labels", format!("the namespace {NAMESPACE} has no label {label}: {value}"));
        }
    }
}
