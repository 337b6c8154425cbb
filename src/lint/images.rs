//! Image references: tags that move, and images for other machines (F09).

use super::set::Set;
use super::{Check, Found};

pub(super) const CHECKS: &[Check] =
    &[Check::of("image-tag-floats", image_tag_floats), Check::of("image-tag-minor", image_tag_minor)];

/// Tags that by their nature stand for another image tomorrow.
const FLOATING: [&str; 14] = [
    "latest", "main", "master", "head", "tip", "nightly", "edge", "dev", "devel", "develop", "canary", "stable",
    "mainline", "rolling",
];

/// How firmly an image reference holds its image.
#[derive(Debug, PartialEq, Eq)]
enum Hold {
    Firm,
    /// The tag names a minor version and moves with its patches.
    Minor,
    /// Tomorrow it may be anything.
    Floating,
}

/// Name and tag of a reference without a digest; `None` where there is a digest, or a placeholder instead of an image.
fn name_and_tag(image: &str) -> Option<(&str, Option<&str>)> {
    let image = image.trim();
    if image.is_empty() || image.contains(['@', '$', '{', '<']) || image.contains("://") {
        return None;
    }
    let start = image.rfind('/').map_or(0, |at| at + 1);
    match image[start..].split_once(':') {
        Some((name, tag)) => Some((&image[..start + name.len()], Some(tag))),
        None => Some((image, None)),
    }
}

fn hold(image: &str) -> Hold {
    let Some((name, tag)) = name_and_tag(image) else { return Hold::Firm };
    let Some(tag) = tag.filter(|tag| !tag.is_empty()) else { return Hold::Floating };
    let tag = tag.to_ascii_lowercase();
    let version = tag.strip_prefix('v').unwrap_or(&tag);
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let (numbers, rest) = version.split_at(end);
    let parts: Vec<&str> = numbers.split('.').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        let first = tag.split(['-', '_', '.']).next().unwrap_or_default();
        return if FLOATING.contains(&first) || tag.ends_with("-latest") { Hold::Floating } else { Hold::Firm };
    }
    // `1.38.0-rc.1` and `20.04-20240101` are what they are; a word after a minor, as in `1.37-latest`, changes nothing.
    let pinned_by_rest = rest.chars().filter(char::is_ascii_digit).count() >= 6
        || ["rc", "alpha", "beta", "pre"]
            .iter()
            .any(|word| rest.trim_start_matches(['-', '_', '.', '+']).starts_with(word));
    // One number alone is a build number, except after a v, or on Docker Hub's own images: there it is a major version.
    let names_minor = match parts.as_slice() {
        [major] => !name.contains('/') && major.len() <= 3 || tag.starts_with('v') && major.len() <= 2,
        [_, minor] => minor.len() <= 3 && parts[0].len() <= 3,
        _ => rest == "-latest",
    };
    if names_minor && !pinned_by_rest { Hold::Minor } else { Hold::Firm }
}

fn with_hold(set: &Set<'_>, found: &mut Found, wanted: &Hold, what: impl Fn(&str, &str) -> String) {
    for (pod, container) in set.containers() {
        if let Some(image) = container.value["image"].as_str().filter(|image| hold(image) == *wanted) {
            found.at(pod.object, container.field("/image"), what(&format!("container `{}`", container.name), image));
        }
    }
    // queue-proxy runs beside every container of a Knative Service.
    if let Some(config) = set.config("config-deployment")
        && let Some((image, field)) = config.get(&["queue-sidecar-image", "queueSidecarImage"])
        && hold(image) == *wanted
    {
        found.at(config.object, field, what("queue-proxy", image));
    }
}

fn image_tag_floats(set: &Set<'_>, found: &mut Found) {
    with_hold(set, found, &Hold::Floating, |who, image| match name_and_tag(image) {
        Some((_, None)) => format!("{who} has an image without a tag, {image}"),
        _ => format!("{who} has an image whose tag may be another image tomorrow, {image}"),
    });
}

fn image_tag_minor(set: &Set<'_>, found: &mut Found) {
    with_hold(set, found, &Hold::Minor, |who, image| {
        format!("{who} has an image whose tag moves with patches, {image}")
    });
}

/// Whether a reference says by its name that the image is not for x86-64 Linux.
pub(super) fn is_for_another_machine(image: &str) -> bool {
    const REPOSITORIES: [&str; 7] = ["arm32v5", "arm32v6", "arm32v7", "arm64v8", "ppc64le", "riscv64", "s390x"];
    const TAGS: [&str; 9] =
        ["arm64", "arm64v8", "aarch64", "armv7", "ppc64le", "riscv64", "s390x", "windowsservercore", "nanoserver"];
    let Some((name, tag)) = name_and_tag(image.split('@').next().unwrap_or_default()) else { return false };
    let named = name.split('/').rev().skip(1).any(|part| REPOSITORIES.contains(&part));
    let words: Vec<&str> = tag.unwrap_or_default().split(['-', '_']).collect();
    named || words.iter().any(|word| TAGS.contains(word)) && !words.contains(&"amd64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_or_a_whole_version_holds_an_image() {
        for image in [
            "gcr.io/a/b@sha256:e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5",
            "nginx:latest@sha256:e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5",
            "quay.io/solo-io/gloo:1.8.0",
            "docker.io/amazon/aws-alb-ingress-controller:v1.1.4",
            "localhost:5000/app:1.2.3",
            "registry.example/app:2024-06-01",
            "registry.example/app:3f2a91c",
            "registry.example/team/app:57",
            "registry.example/app:1.38-rc1",
            "ubuntu:24.04-20240501",
            "eks/coredns:v1.11.1-eksbuild.4",
            "${IMAGE}",
            "",
        ] {
            assert_eq!(hold(image), Hold::Firm, "{image}");
        }
    }

    #[test]
    fn a_minor_version_moves_with_its_patches() {
        for image in [
            "docker.io/envoyproxy/envoy:v1.37-latest",
            "busybox:1.36",
            "alpine:3.20",
            "node:22-slim",
            "redis:7",
            "a/b/c:v2",
        ] {
            assert_eq!(hold(image), Hold::Minor, "{image}");
        }
    }

    #[test]
    fn no_tag_and_latest_may_be_anything_tomorrow() {
        for image in ["nginx", "localhost:5000/app", "a/b:latest", "a/b:main", "a/b:nightly-debug", "a/b:debug-latest"]
        {
            assert_eq!(hold(image), Hold::Floating, "{image}");
        }
    }

    #[test]
    fn an_image_for_another_machine_is_known_by_its_name() {
        for image in
            ["arm64v8/nginx:1.27.0", "a/b:1.2.3-arm64", "mcr.microsoft.com/windows/nanoserver:ltsc2022-nanoserver"]
        {
            assert!(is_for_another_machine(image), "{image}");
        }
        for image in ["a/arm64-tools:1.2.3", "a/b:1.2.3-amd64", "nginx"] {
            assert!(!is_for_another_machine(image), "{image}");
        }
    }
}
