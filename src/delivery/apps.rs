//! `apps/`: the ancestor's two demos, one that scales to zero and one without cold starts, as Services of today.

use super::{Delivery, Files};
use crate::app::{App, Terms};
use crate::fargate::profile::ProfileSelector;

/// A small web app that is built for demos, for x86-64 among others; each of its releases has a tag of three numbers.
pub const IMAGE: &str = "ghcr.io/stefanprodan/podinfo:6.15.0";

/// The files.
///
/// # Errors
/// In words, what is wrong with a demo; a test keeps that from happening.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let terms = Terms::of(delivery.stack);
    let Some(namespace) = namespace(&delivery.stack.apps) else { return Ok(Files::new()) };
    let images = &delivery.stack.images;
    let image = images.get(IMAGE).map_or(IMAGE, String::as_str);
    let image = delivery.stack.locked_images.get(image).map_or_else(|| image.to_owned(), Clone::clone);
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
            image: image.clone(),
            port: Some("9898".to_owned()),
            env: vec![format!("PODINFO_UI_MESSAGE=This is {name}, on Knative and Fargate")],
            min_scale,
            // Its own user has a name, which nobody can hold against root; any number may run it.
            run_as_user: Some(1000),
            ..App::default()
        };
        let service = app.to_yaml(&terms).map_err(|e| format!("apps/{name}.yaml: {e}"))?;
        let text = format!("# {what}\n# `knrender app` makes one of your own image.\n{service}");
        files.insert(format!("apps/{name}.yaml"), text.into_bytes());
    }
    Ok(files)
}

/// The namespace of the demos: `default` where Fargate takes every pod of it, else the first that is named in full. Where all
/// are patterns, nobody knows which namespaces there are, and there are no demos; and where labels choose, none have them.
pub fn namespace(selectors: &[ProfileSelector]) -> Option<&str> {
    let names = || selectors.iter().filter(|s| s.labels.is_empty()).map(|s| s.namespace.as_str());
    let is_pattern = |name: &str| name.contains(['*', '?']);
    if names().any(|p| p == "default" || p == "*") { Some("default") } else { names().find(|p| !is_pattern(p)) }
}

#[cfg(test)]
mod tests {
    use super::{ProfileSelector, namespace};

    fn demos(names: &[&str]) -> Option<String> {
        let of = |name: &&str| match name.split_once(':') {
            Some((name, label)) => {
                ProfileSelector { namespace: name.to_owned(), labels: [(label.to_owned(), "a".to_owned())].into() }
            }
            None => ProfileSelector { namespace: (*name).to_owned(), labels: [].into() },
        };
        namespace(&names.iter().map(of).collect::<Vec<_>>()).map(str::to_owned)
    }

    #[test]
    fn demos_go_where_fargate_takes_them() {
        assert_eq!(demos(&["shop", "default"]).as_deref(), Some("default"));
        assert_eq!(demos(&["*"]).as_deref(), Some("default"));
        assert_eq!(demos(&["team-*", "shop"]).as_deref(), Some("shop"));
        assert_eq!(demos(&["shop:app", "other"]).as_deref(), Some("other"));
        assert_eq!(demos(&["team-*"]), None);
        assert_eq!(demos(&["default:app"]), None);
    }
}
