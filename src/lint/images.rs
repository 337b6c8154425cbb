//! Image references: tags that move, and images for other machines (F09).

use super::set::Set;
use super::{Check, Found};
use crate::images::reference::{Hold, hold, name_and_tag};

pub(super) const CHECKS: &[Check] =
    &[Check::of("image-tag-floats", image_tag_floats), Check::of("image-tag-minor", image_tag_minor)];

fn with_hold(set: &Set<'_>, found: &mut Found, wanted: Hold, what: impl Fn(&str, &str) -> String) {
    for (pod, container) in set.containers() {
        if let Some(image) = container.value["image"].as_str().filter(|image| hold(image) == wanted) {
            found.at(pod.object, container.field("/image"), what(&format!("container `{}`", container.name), image));
        }
    }
    // queue-proxy runs beside every container of a Knative Service.
    if let Some(config) = set.config("config-deployment")
        && let Some((image, field)) = config.get(&["queue-sidecar-image", "queueSidecarImage"])
        && hold(image) == wanted
    {
        found.at(config.object, field, what("queue-proxy", image));
    }
}

fn image_tag_floats(set: &Set<'_>, found: &mut Found) {
    with_hold(set, found, Hold::Floating, |who, image| match name_and_tag(image) {
        Some((_, None)) => format!("{who} has an image without a tag, {image}"),
        _ => format!("{who} has an image whose tag may be another image tomorrow, {image}"),
    });
}

fn image_tag_minor(set: &Set<'_>, found: &mut Found) {
    with_hold(set, found, Hold::Minor, |who, image| {
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
