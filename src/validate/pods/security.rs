//! Security contexts of pods and containers.

use super::super::Found;
use super::super::at::At;
use super::Pod;
use crate::kubernetes::names;

/// The security context of a pod, and what else of the node it shares.
pub(super) fn of_pod(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let spec = pod.spec;
    if spec.is_true("hostPID") && spec.is_true("shareProcessNamespace") {
        found.at("conflict", &spec.field("shareProcessNamespace"), "it does not go with hostPID");
    }
    let Some(context) = spec.get("securityContext") else { return };
    profiles(found, &context);
    if found.since(33) {
        found.one_of(&context, "supplementalGroupsPolicy", &["Merge", "Strict"]);
        // The other one is a feature that is off by default.
        let policies: &[&str] = if found.since(37) { &["MountOption", "Recursive"] } else { &["Recursive"] };
        found.one_of(&context, "seLinuxChangePolicy", policies);
    }
    let sysctls = context.list("sysctls");
    found.distinct(&sysctls, |sysctl| sysctl.text("name"));
    for sysctl in &sysctls {
        let name = sysctl.text("name");
        if name.is_empty() {
            continue;
        }
        if !is_sysctl(name) {
            let what = format!("`{name}` is no name of a sysctl: lower-case letters, digits, `-`, `_`, `.` and `/`");
            found.at("bad-value", &sysctl.field("name"), what);
        }
        let (net, ipc) = namespace_of(name);
        for (shared, of) in [("hostNetwork", net), ("hostIPC", ipc)] {
            if of && spec.is_true(shared) {
                found.at("conflict", &sysctl.field("name"), format!("it does not go with {shared}"));
            }
        }
    }
}

/// Whether each part of a text, between dots and slashes, is one that the name of a sysctl may have.
fn is_sysctl(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || matches!(c, '-' | '_'))
    };
    name.len() <= 253 && name.split(['.', '/']).all(part)
}

/// Whether a sysctl is of the network, and whether it is of the communication between processes.
/// Source: <https://github.com/kubernetes/component-helpers/blob/v0.36.0/node/util/sysctl/namespace.go>
fn namespace_of(name: &str) -> (bool, bool) {
    // A name whose first separator is a slash has slashes where others have dots.
    let name = match name.find(['.', '/']) {
        Some(at) if name[at..].starts_with('/') => name.replace('/', "."),
        _ => name.to_owned(),
    };
    let ipc = [
        "kernel.msg",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shm",
        "kernel.shm_rmid_forced",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
    ];
    (name.starts_with("net."), ipc.contains(&name.as_str()) || name.starts_with("fs.mqueue."))
}

/// Profiles of seccomp and `AppArmor`: one on the node has a name, and others have none.
fn profiles(found: &mut Found<'_>, context: &At<'_>) {
    for key in ["seccompProfile", "appArmorProfile"] {
        let Some(profile) = context.get(key) else { continue };
        let name = profile.get("localhostProfile");
        match (profile.text("type") == "Localhost", name) {
            (true, None) => found.missing(&profile, "localhostProfile", "type Localhost needs it"),
            (true, Some(at)) if key == "seccompProfile" => {
                if !at.own().is_empty() {
                    found.formed(&at, "relative-path");
                }
            }
            (true, Some(at)) => {
                if at.own().trim() != at.own() {
                    found.bad(&at, "it starts or ends with white space");
                } else if at.own().is_empty() {
                    found.missing(&profile, "localhostProfile", "type Localhost needs it");
                } else if at.own().len() > 4095 {
                    found.bad(&at, "4095 bytes are the limit");
                }
            }
            (false, Some(at)) => found.conflict(&at, "it is for type Localhost"),
            (false, None) => {}
        }
    }
}

/// The security context of a container.
pub(super) fn of_container(found: &mut Found<'_>, pod: &Pod<'_, '_>, container: &At<'_>) {
    let Some(context) = container.get("securityContext") else { return };
    profiles(found, &context);
    if context.text("procMount") == "Unmasked" && pod.has_host_users() && found.since(33) {
        found.at("conflict", &context.field("procMount"), "Unmasked is for pods with hostUsers: false");
    }
    if context.value.get("allowPrivilegeEscalation") != Some(&crate::value::Value::Bool(false)) {
        return;
    }
    let added = context.get("capabilities").map(|c| c.texts("add")).unwrap_or_default();
    let with = if context.is_true("privileged") {
        "`privileged: true`"
    } else if added.contains(&"CAP_SYS_ADMIN") {
        "the capability CAP_SYS_ADMIN"
    } else {
        return;
    };
    found.at("conflict", &context.field("allowPrivilegeEscalation"), format!("it cannot be false with {with}"));
}

/// Windows' own options of a pod or a container.
pub(super) fn windows_options(found: &mut Found<'_>, options: &At<'_>) {
    if let Some(name) = options.get("gmsaCredentialSpecName") {
        found.formed(&name, "subdomain");
    }
    if let Some(spec) = options.get("gmsaCredentialSpec") {
        match spec.own().len() {
            0 if spec.value.is_string() => found.bad(&spec, "it is empty"),
            n if n > 64 * 1024 => found.bad(&spec, "64 KiB are the limit"),
            _ => {}
        }
    }
    let Some(user) = options.get("runAsUserName").filter(|user| user.value.is_string()) else { return };
    if let Some(what) = wrong_user(user.own()) {
        found.bad(&user, what);
    }
}

fn wrong_user(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.chars().any(|c| c.is_ascii_control()) {
        return Some("it has control characters");
    }
    let (domain, user) = match name.split('\\').collect::<Vec<_>>()[..] {
        [user] => (None, user),
        [domain, user] => (Some(domain), user),
        _ => return Some("it has more than one backslash"),
    };
    if domain.is_some_and(|domain| domain.len() >= 256 || !(is_net_bios(domain) || is_windows_domain(domain))) {
        return Some("its domain is neither a NetBIOS name nor a DNS name");
    }
    match user {
        "" => Some("it has no user"),
        user if user.len() > 104 => Some("its user has more than 104 characters"),
        user if user.chars().all(|c| matches!(c, '.' | ' ')) => Some("its user consists of dots and spaces"),
        user if user.contains(['"', '/', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']) => {
            Some("its user has one of the characters \" / : ; | = , + * ? < > @ [ ]")
        }
        _ => None,
    }
}

fn is_net_bios(text: &str) -> bool {
    let barred = ['\\', '/', ':', '*', '?', '"', '<', '>', '|'];
    (1..=15).contains(&text.chars().count()) && !text.starts_with('.') && !text.contains(barred)
}

fn is_windows_domain(text: &str) -> bool {
    text.split('.').all(|label| names::is_label(&label.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_user_has_a_domain_or_not() {
        for good in ["ContainerAdministrator", "NT AUTHORITY\\SYSTEM", "example.com\\me"] {
            assert_eq!(wrong_user(good), None, "{good}");
        }
        for odd in ["", "a\\b\\c", "...", "a@b", ".\\me", "me\n", "a\\"] {
            assert!(wrong_user(odd).is_some(), "{odd}");
        }
    }

    #[test]
    fn a_sysctl_belongs_to_the_network_or_to_communication() {
        assert_eq!(namespace_of("net.ipv4.tcp_syncookies"), (true, false));
        assert_eq!(namespace_of("net/ipv4/tcp_syncookies"), (true, false));
        assert_eq!(namespace_of("kernel.shmmax"), (false, true));
        assert_eq!(namespace_of("vm.swappiness"), (false, false));
        assert!(is_sysctl("net.ipv4.conf.eth0/1.x") && !is_sysctl("Bad Sysctl") && !is_sysctl("a..b"));
    }
}
