//! Image references: their parts, and how firmly they hold an image.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// The grammar of image references.
/// Source: <https://github.com/distribution/reference/blob/main/reference.go>
const GRAMMAR: &str = r"^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]{1,5})?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$";

/// The registry of references that name none.
pub const DOCKER_HUB: &str = "docker.io";

/// An image reference, in its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The registry's host, with its port; `docker.io` where none is named.
    pub registry: String,
    /// The repository there. An image of Docker Hub's own is in `library/`.
    pub repository: String,
    /// The tag; `None` means `latest` where there is no digest either.
    pub tag: Option<String>,
    /// The digest, with its `sha256:`.
    pub digest: Option<String>,
}

impl Reference {
    /// The parts of a reference; `None` where it is none.
    pub fn parse(text: &str) -> Option<Reference> {
        if !is_reference(text) {
            return None;
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let start = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[start..].split_once(':') {
            Some((name, tag)) => (&rest[..start + name.len()], Some(tag.to_owned())),
            None => (rest, None),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((host, repository)) if is_host(host) => (host, repository.to_owned()),
            Some(_) => (DOCKER_HUB, name.to_owned()),
            None => (DOCKER_HUB, format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        Some(Reference { registry: registry.to_owned(), repository, tag, digest })
    }

    /// Registry and repository.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag that is asked for where there is no digest.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The ECR registry that it is in, if it is in one.
    pub fn ecr(&self) -> Option<Ecr<'_>> {
        Ecr::of(&self.registry)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether a text is an image reference.
pub fn is_reference(text: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(GRAMMAR).ok());
    PATTERN.as_ref().is_some_and(|grammar| grammar.is_match(text))
}

/// Whether the first part of a reference is a registry, and no folder of Docker Hub.
pub fn is_host(part: &str) -> bool {
    part == "localhost" || part.bytes().any(|b| b.is_ascii_uppercase()) || part.contains(['.', ':'])
}

/// A private ECR registry.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecr<'t> {
    /// The account.
    pub account: &'t str,
    /// The region.
    pub region: &'t str,
}

impl Ecr<'_> {
    /// The registry that a host is: `ACCOUNT.dkr.ecr.REGION.amazonaws.com` (`ecr-fips`; `.com.cn` in China), or
    /// `ACCOUNT.dkr-ecr.REGION.on.aws`.
    pub fn of(host: &str) -> Option<Ecr<'_>> {
        let parts: Vec<_> = host.split('.').collect();
        let (account, region) = match parts.as_slice() {
            [account, "dkr", "ecr" | "ecr-fips", region, "amazonaws" | "csp" | "sc2s", ..] => (account, region),
            [account, "dkr-ecr", region, "on", "aws"] => (account, region),
            _ => return None,
        };
        (crate::aws::is_account(account) && crate::aws::is_region(region)).then_some(Ecr { account, region })
    }
}

/// Tags that by their nature stand for another image tomorrow.
const FLOATING: [&str; 14] = [
    "latest", "main", "master", "head", "tip", "nightly", "edge", "dev", "devel", "develop", "canary", "stable",
    "mainline", "rolling",
];

/// How firmly an image reference holds its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A digest, or a tag that by custom stays what it is.
    Firm,
    /// The tag names a minor version and moves with its patches.
    Minor,
    /// Tomorrow it may be anything.
    Floating,
}

/// Name and tag of a reference without a digest; `None` where there is a digest, or a placeholder instead of an image.
pub fn name_and_tag(image: &str) -> Option<(&str, Option<&str>)> {
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

/// How firmly a reference holds its image.
pub fn hold(image: &str) -> Hold {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_parts() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, registry, repository, tag, pinned) in [
            ("nginx", "docker.io", "library/nginx", None, false),
            ("envoyproxy/envoy:v1.37-latest", "docker.io", "envoyproxy/envoy", Some("v1.37-latest"), false),
            ("localhost:5000/app:1", "localhost:5000", "app", Some("1"), false),
            ("gcr.io/a/b@", "", "", None, true),
            ("gcr.io/a/b:1@", "gcr.io", "a/b", Some("1"), true),
        ] {
            let text = if pinned { format!("{text}{digest}") } else { text.to_owned() };
            let parsed = Reference::parse(&text).unwrap();
            if !registry.is_empty() {
                assert_eq!((parsed.registry.as_str(), parsed.repository.as_str()), (registry, repository), "{text}");
                assert_eq!(parsed.tag.as_deref(), tag, "{text}");
            }
            assert_eq!(parsed.digest.is_some(), pinned, "{text}");
        }
        for text in ["", "a/B", "a b", "https://a.example/b", "$(IMAGE)", "a@sha256:12"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_ecr_registry_tells_account_and_region() {
        for host in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr-ecr.eu-west-1.on.aws",
        ] {
            assert_eq!(Ecr::of(host).unwrap().account, "123456789012", "{host}");
        }
        for host in ["public.ecr.aws", "12.dkr.ecr.eu-west-1.amazonaws.com", "gcr.io"] {
            assert_eq!(Ecr::of(host), None, "{host}");
        }
    }

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
}
