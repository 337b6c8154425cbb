//! Ports that a container may not listen on (F12, K10).

use super::set::{Container, KNATIVE, Set};
use super::value::{items, number};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] =
    &[Check::of("kubelet-port", kubelet_port), Check::of("reserved-port", reserved_port)];

/// Where the kubelet of the pod's node listens, on the same address as the pod.
const KUBELET: i64 = 10250;

/// What Knative's queue-proxy listens on, next to the user's container.
const RESERVED: [i64; 6] = [8008, 8012, 8013, 8022, 9090, 9091];

fn kubelet_port(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers() {
        let signs = signs(container);
        if let Some((field, _)) = signs.first() {
            let signs: Vec<_> = signs.iter().map(|(_, sign)| sign.as_str()).collect();
            let what = format!("container `{}` listens on {KUBELET}: {}", container.name, signs.join(", "));
            found.at(pod.object, container.field(field), what);
        }
    }
}

/// What says that a container listens on the kubelet's port, each with its field.
fn signs(container: &Container<'_>) -> Vec<(String, String)> {
    let mut signs = Vec::new();
    for (i, port) in items(&container.value["ports"]).enumerate() {
        // The kubelet speaks TCP; the same number over UDP is another port.
        let tcp = port["protocol"].as_str().is_none_or(|p| p.eq_ignore_ascii_case("TCP"));
        if tcp && number(&port["containerPort"]) == Some(KUBELET) {
            signs.push((format!("/ports/{i}/containerPort"), format!("containerPort {KUBELET}")));
        }
    }
    for list in ["command", "args"] {
        let words: Vec<(usize, &str)> = items(&container.value[list])
            .enumerate()
            .filter_map(|(i, arg)| Some((i, arg.as_str()?)))
            .flat_map(|(i, arg)| arg.split_whitespace().map(move |word| (i, word)))
            .collect();
        for (at, (i, word)) in words.iter().enumerate() {
            let next = words.get(at + 1).map_or("", |(_, next)| *next);
            if word.starts_with('-') && listens_there(word, next) {
                let flag = if word.contains('=') { (*word).to_owned() } else { format!("{word} {next}") };
                signs.push((format!("/{list}/{i}"), flag));
            }
        }
    }
    for (i, variable) in items(&container.value["env"]).enumerate() {
        let name = variable["name"].as_str().unwrap_or_default();
        if LISTENING.contains(&name) && number(&variable["value"]) == Some(KUBELET) {
            signs.push((format!("/env/{i}/value"), format!("{name}={KUBELET}")));
        }
    }
    signs
}

/// Environment variables that name the port to listen on.
const LISTENING: [&str; 10] = [
    "PORT",
    "LISTEN_PORT",
    "BIND_PORT",
    "HTTP_PORT",
    "HTTPS_PORT",
    "SERVER_PORT",
    "SERVING_PORT",
    "SECURE_PORT",
    "WEBHOOK_PORT",
    "METRICS_PORT",
];

/// Whether a flag tells a program to listen on the kubelet's port. `--kubelet-port=10250` does not: it tells whom to ask.
fn listens_there(flag: &str, next: &str) -> bool {
    let (name, value) = flag.split_once('=').unwrap_or((flag, next));
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let names_a_listener = ["port", "addr", "bind", "listen"].iter().any(|part| name.contains(part))
        && !["kubelet", "target", "upstream", "backend", "remote", "node", "peer"]
            .iter()
            .any(|part| name.contains(part));
    let value = value.trim_matches(['"', '\'']);
    let (host, port) = value.rsplit_once(':').unwrap_or(("", value));
    let here = matches!(host, "" | "0.0.0.0" | "[::]" | "::" | "*" | "127.0.0.1" | "[::1]" | "localhost")
        || host.starts_with("$(");
    names_a_listener && here && port.parse() == Ok(KUBELET)
}

fn reserved_port(set: &Set<'_>, found: &mut Found) {
    for (pod, container) in set.containers().filter(|(pod, _)| pod.object.group() == KNATIVE) {
        for (i, port) in items(&container.value["ports"]).enumerate() {
            if let Some(port) = number(&port["containerPort"]).filter(|port| RESERVED.contains(port)) {
                let what = format!("container `{}` asks for port {port}, which queue-proxy has", container.name);
                found.at(pod.object, container.field(&format!("/ports/{i}/containerPort")), what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::listens_there;

    #[test]
    fn a_flag_that_says_where_to_listen_is_told_from_one_that_says_whom_to_ask() {
        for (flag, next) in [
            ("--secure-port=10250", ""),
            ("--secure-port", "10250"),
            ("--metrics-bind-address=:10250", ""),
            ("--listen=0.0.0.0:10250", ""),
            ("--webhook-port=\"10250\"", ""),
        ] {
            assert!(listens_there(flag, next), "{flag} {next}");
        }
        for (flag, next) in [
            ("--kubelet-port=10250", ""),
            ("--secure-port=10251", "10250"),
            ("--backend-address=metrics:10250", ""),
            ("--server-address=metrics.kube-system:10250", ""),
            ("--timeout=10250", ""),
            ("--secure-port", "--other=10250"),
        ] {
            assert!(!listens_there(flag, next), "{flag} {next}");
        }
    }
}
