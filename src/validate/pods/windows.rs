//! What a pod may ask for by the operating system that it names.

use super::super::Found;
use super::super::at::At;
use super::{Pod, security};

/// What only Linux has: of a pod, of its security context, and of those of its containers.
const OF_POD: [&str; 4] = ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"];
const OF_CONTEXT: [&str; 11] = [
    "appArmorProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsGroup",
    "runAsUser",
    "seLinuxChangePolicy",
    "seLinuxOptions",
    "seccompProfile",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "sysctls",
];
const OF_CONTAINER: [&str; 10] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile",
];

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let context = pod.spec.get("securityContext");
    let contexts: Vec<At<'_>> = pod.containers().filter_map(|(c, _)| c.get("securityContext")).collect();
    for options in context.iter().chain(&contexts).filter_map(|context| context.get("windowsOptions")) {
        security::windows_options(found, &options);
    }
    host_process(found, pod);
    match pod.spec.get("os").map(|os| os.text("name")) {
        Some("linux") => {
            for options in context.iter().chain(&contexts).filter_map(|context| context.get("windowsOptions")) {
                found.conflict(&options, "the pod's os is linux");
            }
        }
        Some("windows") => {
            for key in OF_POD {
                // A switch that is off is as good as none, but for these two.
                let kept = matches!(key, "hostUsers" | "shareProcessNamespace") && pod.spec.has(key);
                if kept || pod.spec.is_true(key) {
                    found.at("conflict", &pod.spec.field(key), "the pod's os is windows");
                }
            }
            if pod.spec.has("resources") && found.since(34) {
                found.at("conflict", &pod.spec.field("resources"), "the pod's os is windows");
            }
            if let Some(context) = &context {
                linux_only(found, context, &OF_CONTEXT);
            }
            for context in &contexts {
                linux_only(found, context, &OF_CONTAINER);
            }
        }
        _ => {}
    }
}

fn linux_only(found: &mut Found<'_>, context: &At<'_>, keys: &[&str]) {
    for key in keys {
        let empty = *key == "sysctls" && context.len(key) == 0;
        if context.has(key) && !empty {
            found.at("conflict", &context.field(key), "the pod's os is windows");
        }
    }
}

/// All containers are processes of the node, or none is.
fn host_process(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let of = |context: Option<At<'_>>| {
        context
            .and_then(|c| c.get("windowsOptions"))
            .and_then(|o| o.get("hostProcess"))
            .and_then(|at| at.value.as_bool())
    };
    let whole = of(pod.spec.get("securityContext"));
    let (mut all, mut host) = (0, 0);
    for (container, _) in pod.containers() {
        let own = of(container.get("securityContext"));
        if let (Some(whole), Some(own)) = (whole, own)
            && whole != own
        {
            let at = container.field("securityContext") + "/windowsOptions/hostProcess";
            found.at("conflict", &at, format!("the pod's own says {whole}"));
        }
        all += 1;
        host += usize::from(own.or(whole) == Some(true));
    }
    if host == 0 {
        return;
    }
    if host != all {
        found.conflict(pod.spec, "where one container is a process of the node, all are");
    }
    if !pod.spec.is_true("hostNetwork") {
        found.missing(pod.spec, "hostNetwork", "processes of the node need it");
    }
}
