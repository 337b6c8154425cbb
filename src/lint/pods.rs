//! What a pod may contain (F01 to F06, F09).

use crate::value::Value;

use super::set::{COMPUTE_TYPE, Set};
use super::value::{entries, items};
use super::{Check, Found};
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of("daemon-set", daemon_set),
    Check::of("privileged", privileged),
    Check::of("host-network", host_network),
    Check::of("host-port", host_port),
    Check::of("host-namespace", host_namespace),
    Check::of("privilege-escalation", privilege_escalation),
    Check::of("capability-added", capability_added),
    Check::of("extended-resource", extended_resource),
    Check::of("priority-class", priority_class),
    Check::of("scheduler-name", scheduler_name),
    Check::of("runtime-class", runtime_class),
    Check::of("pinned-to-ec2", pinned_to_ec2),
    Check::of("controller-asks-imds", controller_asks_imds),
];

fn daemon_set(set: &Set<'_>, found: &mut Found) {
    let whole = |group| set.all(group, "DaemonSet").filter(|o| !set.templates().any(|t| std::ptr::eq(t.object, *o)));
    for pod in set.pods().filter(|pod| pod.object.kind() == "DaemonSet") {
        found.at(pod.object, "/kind", "a DaemonSet gets no pod on Fargate, which runs one pod on each node");
    }
    // Without a template it is still a DaemonSet.
    for object in whole("apps").chain(whole("extensions")) {
        found.at(object, "/kind", "a DaemonSet gets no pod on Fargate, which runs one pod on each node");
    }
}

fn privileged(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        if container.value["securityContext"]["privileged"] == true {
            let what = format!("container `{}` is privileged", container.name);
            found.at(pod.object, container.field("/securityContext/privileged"), what);
        }
    }
}

fn host_network(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods().filter(|pod| pod.spec["hostNetwork"] == true) {
        found.at(pod.object, pod.spec_field("/hostNetwork"), "the pod asks for the host's network");
    }
}

fn host_port(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        for (i, port) in items(&container.value["ports"]).enumerate() {
            let is_set = |key: &str| !matches!(&port[key], Value::Null) && port[key] != 0 && port[key] != "";
            let Some(key) = ["hostPort", "hostIP"].into_iter().find(|key| is_set(key)) else { continue };
            let what = format!("container `{}` asks for {key} {}", container.name, plain(&port[key]));
            found.at(pod.object, container.field(&format!("/ports/{i}/{key}")), what);
        }
    }
}

fn host_namespace(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        for key in ["hostPID", "hostIPC"] {
            if pod.spec[key] == true {
                found.at(pod.object, pod.spec_field(&format!("/{key}")), format!("the pod sets {key}"));
            }
        }
    }
}

fn privilege_escalation(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        if container.value["securityContext"]["allowPrivilegeEscalation"] == true {
            let what = format!("container `{}` allows privilege escalation", container.name);
            found.at(pod.object, container.field("/securityContext/allowPrivilegeEscalation"), what);
        }
    }
}

/// The one capability that was seen to be admitted.
const ADMITTED: &str = "NET_BIND_SERVICE";

fn capability_added(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        let added = &container.value["securityContext"]["capabilities"]["add"];
        let refused: Vec<_> = items(added).filter_map(Value::as_str).filter(|name| *name != ADMITTED).collect();
        if !refused.is_empty() {
            let what = format!("container `{}` adds {}", container.name, refused.join(", "));
            found.at(pod.object, container.field("/securityContext/capabilities/add"), what);
        }
    }
}

fn extended_resource(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        let mut named: Vec<&str> = Vec::new();
        for list in ["requests", "limits"] {
            for (name, amount) in entries(&container.value["resources"][list]) {
                let own = name.split_once('/').is_some_and(|(domain, _)| !domain.ends_with("kubernetes.io"));
                if own && *amount != 0 && *amount != "0" && !named.contains(&name) {
                    let what = format!("container `{}` asks for {name}: {}", container.name, plain(amount));
                    let field = format!("/resources/{list}/{}", pointer::escape(name));
                    found.at(pod.object, container.field(&field), what);
                    named.push(name);
                }
            }
        }
    }
}

fn priority_class(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        if let Some(class) = text(&pod.spec["priorityClassName"]) {
            let what = format!("priorityClassName {class} is replaced with system-node-critical");
            found.at(pod.object, pod.spec_field("/priorityClassName"), what);
        }
    }
}

fn scheduler_name(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        let name = text(&pod.spec["schedulerName"]);
        if let Some(name) = name.filter(|n| !["default-scheduler", "fargate-scheduler"].contains(n)) {
            let what = format!("schedulerName {name} is replaced with fargate-scheduler");
            found.at(pod.object, pod.spec_field("/schedulerName"), what);
        }
    }
}

fn runtime_class(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        if let Some(class) = text(&pod.spec["runtimeClassName"]) {
            let what = format!("the pod asks for the runtime class {class}");
            found.at(pod.object, pod.spec_field("/runtimeClassName"), what);
        }
    }
}

fn pinned_to_ec2(set: &Set<'_>, found: &mut Found) {
    for pod in set.templates().filter(|pod| pod.metadata["annotations"][COMPUTE_TYPE] == "ec2") {
        let field = format!("{}/metadata/annotations/{}", pod.at, pointer::escape(COMPUTE_TYPE));
        found.at(pod.object, field, "the annotation keeps the pod off Fargate");
    }
}

/// The load balancer controller has to be told what it would ask the instance metadata service for (F10).
fn controller_asks_imds(set: &Set<'_>, found: &mut Found) {
    const REGION: &[&str] = &["--aws-region"];
    const VPC: &[&str] = &["--aws-vpc-id", "--aws-vpc-tags"];
    for (pod, container) in set.containers() {
        let image = container.value["image"].as_str().unwrap_or_default();
        if !["/aws-load-balancer-controller", "/aws-alb-ingress-controller"].iter().any(|name| image.contains(name)) {
            continue;
        }
        let has = |flags: &[&str]| {
            items(&container.value["args"]).chain(items(&container.value["command"])).filter_map(Value::as_str).any(
                |arg| {
                    let flag = arg.split_once(['=', ' ']).map_or(arg, |(flag, _)| flag);
                    flags.iter().any(|f| f.trim_start_matches('-') == flag.trim_start_matches('-'))
                },
            )
        };
        let env = |name: &str| items(&container.value["env"]).any(|e| e["name"] == name);
        let region = has(REGION) || env("AWS_REGION") || env("AWS_DEFAULT_REGION");
        let lacking = [(region, "--aws-region"), (has(VPC), "--aws-vpc-id")];
        let lacking: Vec<_> = lacking.iter().filter(|(has, _)| !has).map(|(_, flag)| *flag).collect();
        if !lacking.is_empty() {
            let what = format!("container `{}` is not given {}", container.name, lacking.join(" and "));
            found.at(pod.object, container.field("/args"), what);
        }
    }
}

/// A string with something in it.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// A scalar without quotes, for people.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
