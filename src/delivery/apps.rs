//! `apps/`: the ancestor's two demos, one that scales to zero and one without cold starts, as Services of today.

use super::{Delivery, Files};
use crate::app::{App, Terms};
use crate::rewrite::facts::Fact;

/// A small web app that is built for demos, for x86-64 among others; each of its releases has a tag of three numbers.
const IMAGE: &str = "ghcr.io/stefanprodan/podinfo:6.15.0";

/// The files.
///
/// # Errors
/// In words, what is wrong with a demo; a test keeps that from happening.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let terms = Terms::of(delivery.stack);
    let patterns = match delivery.stack.facts.0.get("app-namespaces") {
        Some(Fact::Names(patterns)) => patterns.as_slice(),
        _ => &[],
    };
    let Some(namespace) = namespace(patterns) else { return Ok(Files::new()) };
    let mut files = Files::new();
    for (name, min_scale, what) in [
        (
            "hello",
            None,
            "A demo that scales to zero: after a while without a request no pod runs, and the next request waits for one.",
        ),
        ("always-on", Some(1), "The same demo without cold starts: one pod always runs."),
    ] {
        let app = App {
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
            image: IMAGE.to_owned(),
            port: Some("9898".to_owned()),
            env: vec![format!("PODINFO_UI_MESSAGE=This is {name}, on Knative and Fargate")],
            min_scale,
            ..App::default()
        };
        let service = app.to_yaml(&terms).map_err(|e| format!("apps/{name}.yaml: {e}"))?;
        let text = format!("# {what}\n# `knrender app` makes one of your own image.\n{service}");
        files.insert(format!("apps/{name}.yaml"), text.into_bytes());
    }
    Ok(files)
}

/// The namespace of the demos: `default` where Fargate takes pods from it, else the first that is named in full. Where all
/// are patterns, nobody knows which namespaces there are, and there are no demos.
fn namespace(patterns: &[String]) -> Option<&str> {
    let is_pattern = |name: &str| name.contains(['*', '?']);
    let default = patterns.iter().any(|p| p == "default" || p == "*");
    if default { Some("default") } else { patterns.iter().map(String::as_str).find(|p| !is_pattern(p)) }
}

#[cfg(test)]
mod tests {
    use super::namespace;

    #[test]
    fn demos_go_where_fargate_takes_them() {
        let patterns = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(namespace(&patterns(&["shop", "default"])), Some("default"));
        assert_eq!(namespace(&patterns(&["*"])), Some("default"));
        assert_eq!(namespace(&patterns(&["team-*", "shop"])), Some("shop"));
        assert_eq!(namespace(&patterns(&["team-*"])), None);
    }
}
