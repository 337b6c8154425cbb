//! How long the images of a pod take to arrive, from the sizes that `knrender images lock` wrote into `knrender.lock`.
//!
//! Fargate keeps no image between pods, so that every start pulls all of them:
//! <https://github.com/aws/containers-roadmap/issues/696>

use serde::Serialize;

use crate::fargate::pod::Pod;
use crate::manifest::collection::Placed;
use crate::upstream::lock::Lock;
use crate::value::Value;

/// Bytes of a compressed image in a second: registry, network and unpacking together. A guess; nobody publishes it for Fargate.
pub const RATE: u32 = 50_000_000;

/// What one pod pulls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pull {
    /// The object that makes the pod.
    pub object: String,
    /// Compressed bytes of the images whose size is known.
    pub bytes: u64,
    /// The time that they take at [`RATE`].
    pub seconds: f64,
    /// Images whose size is not in the lock.
    pub unknown: Vec<String>,
}

/// How long so many bytes take, in seconds.
#[allow(clippy::cast_precision_loss, reason = "a size in bytes, of which nobody knows the last digits")]
pub fn seconds(bytes: u64) -> f64 {
    bytes as f64 / f64::from(RATE)
}

/// What the pods of `objects` pull: those of which the lock has an image at least.
pub fn of(objects: &[Placed], lock: &Lock) -> Vec<Pull> {
    let beside = objects.iter().find(|o| o.identity.kind == "ConfigMap" && o.identity.name == "config-deployment");
    let queue_proxy = beside.and_then(|config| config.value["data"]["queue-sidecar-image"].as_str());
    let pulls =
        objects.iter().filter_map(|placed| of_object(&placed.identity.to_string(), &placed.value, queue_proxy, lock));
    pulls.collect()
}

/// What a pod of one object pulls; `None` where the lock has none of its images. Beside a Knative Service runs `queue_proxy`.
pub fn of_object(name: &str, object: &Value, queue_proxy: Option<&str>, lock: &Lock) -> Option<Pull> {
    let pod = Pod::of(object)?;
    let of_knative = object["apiVersion"].as_str().is_some_and(|version| version.starts_with("serving.knative.dev/"));
    let mut images: Vec<&str> = [false, true]
        .into_iter()
        .flat_map(|init| pod.containers(init))
        .filter_map(|(_, container)| container["image"].as_str())
        .chain(queue_proxy.filter(|_| of_knative))
        .collect();
    images.sort_unstable();
    images.dedup();
    let mut pull = Pull { object: name.to_owned(), bytes: 0, seconds: 0.0, unknown: Vec::new() };
    let all = images.len();
    for image in images {
        match size(image, lock) {
            Some(size) => pull.bytes = pull.bytes.saturating_add(size),
            None => pull.unknown.push(image.to_owned()),
        }
    }
    pull.seconds = seconds(pull.bytes);
    (pull.unknown.len() < all).then_some(pull)
}

/// The lock has an image with a tag without its digest.
fn size(image: &str, lock: &Lock) -> Option<u64> {
    let by_tag = image.split_once('@').map(|(tag, _)| tag);
    lock.image(image).or_else(|| lock.image(by_tag?)).map(|locked| locked.size)
}

/// A table for people; empty where nothing is known.
pub fn table(pulls: &[Pull]) -> String {
    use std::fmt::Write as _;
    if pulls.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\nPulled at each start, by the sizes in knrender.lock, at {} MB a second (a guess; Fargate keeps no image)\n",
        RATE / 1_000_000
    );
    let width = pulls.iter().map(|pull| pull.object.len()).max().unwrap_or_default();
    for pull in pulls {
        let unknown = match pull.unknown.len() {
            0 => String::new(),
            1 => ", and 1 image of unknown size".to_owned(),
            n => format!(", and {n} images of unknown size"),
        };
        let _ = writeln!(text, "  {:width$}  {}{unknown}", pull.object, told(pull));
    }
    text
}

/// `120 MB, 2.4 s`.
#[allow(clippy::cast_precision_loss, reason = "shown in megabytes")]
pub fn told(pull: &Pull) -> String {
    format!("{:.0} MB, {:.1} s", pull.bytes as f64 / 1e6, pull.seconds)
}

#[cfg(test)]
mod tests {
    use crate::value::json;

    use super::*;
    use crate::upstream::lock::LockedImage;

    fn lock(images: &[(&str, u64)]) -> Lock {
        let mut lock = Lock::default();
        for (image, size) in images {
            let digest = format!("sha256:{}", "0".repeat(64));
            lock.put_image(LockedImage {
                image: (*image).to_owned(),
                digest,
                size: *size,
                layers: vec![*size],
                date: None,
            });
        }
        lock
    }

    #[test]
    fn a_knative_service_pulls_its_image_and_queue_proxy() {
        let service = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": [{"image": "r.example/shop:1"}]}}}});
        let known = lock(&[("r.example/shop:1", 100_000_000), ("r.example/queue:1", 50_000_000)]);
        let pull = of_object("a", &service, Some("r.example/queue:1@sha256:ab"), &known).unwrap();
        assert_eq!((pull.bytes, pull.unknown.len()), (150_000_000, 0));
        assert!((pull.seconds - 3.0).abs() < 1e-9);
        let less = of_object("a", &service, Some("r.example/other:1"), &known).unwrap();
        assert_eq!(less.unknown, ["r.example/other:1"]);
        assert_eq!(of_object("a", &service, None, &lock(&[])), None);
    }
}
