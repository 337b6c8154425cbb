//! Images moved to a registry of one's own: which goes where, and the script that copies them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::reference::{DOCKER_HUB, Ecr, Reference, is_host, is_reference};

/// The tool that copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// go-containerregistry's `crane`
    #[default]
    Crane,
    /// `skopeo`
    Skopeo,
    /// `docker` with buildx 0.15 or newer, which copies between registries as they are; no daemon is asked
    Docker,
}

/// `REGISTRY/PREFIX`, or a registry alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    registry: String,
    prefix: String,
}

/// One image's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The text that stands in the manifests.
    pub image: String,
    /// What stands there afterwards.
    pub to: String,
    /// How it gets there.
    pub way: Way,
}

/// How an image gets to the new registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is copied.
    Copy {
        /// What is read: by digest where one is known.
        source: String,
        /// Registry and repository that it is written to.
        name: String,
        /// The tag that it gets there.
        tag: String,
        /// The digest, where it is known.
        digest: Option<String>,
    },
    /// ECR's pull-through cache fetches it when it is first pulled.
    Cached(&'static Upstream),
}

/// A registry that ECR's pull-through cache knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The registry, as image references name it; with a leading dot, the end of its name.
    host: &'static str,
    /// The URL that the rule names; empty where it is the host.
    url: &'static str,
    /// The last part of the rule's prefix.
    name: &'static str,
    /// The environment variable with the ARN of the secret that AWS wants; `None` where it wants none.
    credentials: Option<&'static str>,
}

/// What ECR can cache, as far as Knative and its ingresses use it. gcr.io and pkg.dev are not among it.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html>
static CACHED: [Upstream; 6] = [
    Upstream {
        host: DOCKER_HUB,
        url: "registry-1.docker.io",
        name: "docker-hub",
        credentials: Some("DOCKER_HUB_SECRET_ARN"),
    },
    Upstream { host: "ghcr.io", url: "ghcr.io", name: "github", credentials: Some("GITHUB_SECRET_ARN") },
    Upstream { host: "quay.io", url: "quay.io", name: "quay", credentials: None },
    Upstream { host: "registry.k8s.io", url: "registry.k8s.io", name: "kubernetes", credentials: None },
    Upstream { host: "public.ecr.aws", url: "public.ecr.aws", name: "ecr-public", credentials: None },
    Upstream {
        host: "registry.gitlab.com",
        url: "registry.gitlab.com",
        name: "gitlab",
        credentials: Some("GITLAB_SECRET_ARN"),
    },
];

/// The longest prefix that a pull-through rule takes.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html>
const PREFIX_MAX: usize = 30;
/// The longest name of a repository in ECR.
const REPOSITORY_MAX: usize = 256;

impl Target {
    /// The target that a text names.
    ///
    /// # Errors
    /// In words, why it is none.
    pub fn parse(text: &str) -> Result<Target, String> {
        let wrong = || {
            format!(
                "--to `{text}` is not REGISTRY/PREFIX, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/knative: a host name \
                 and a path of lower-case letters, digits and `.`, `_`, `-`"
            )
        };
        let text_of = text.trim_end_matches('/');
        let (registry, prefix) = text_of.split_once('/').unwrap_or((text_of, ""));
        // With a name and a tag behind it, it is held to the grammar of references.
        if !is_host(registry) || !is_reference(&format!("{text_of}/a:1")) {
            return Err(wrong());
        }
        let seems_ecr = registry.contains(".dkr.ecr") || registry.contains(".dkr-ecr.");
        if seems_ecr && Ecr::of(registry).is_none() {
            return Err(format!(
                "--to {registry}: an ECR registry is ACCOUNT.dkr.ecr.REGION.amazonaws.com, with an account of 12 digits"
            ));
        }
        Ok(Target { registry: registry.to_owned(), prefix: prefix.to_owned() })
    }

    fn ecr(&self) -> Option<Ecr<'_>> {
        Ecr::of(&self.registry)
    }

    fn below(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// For people.
    fn shown(&self) -> String {
        if self.prefix.is_empty() { self.registry.clone() } else { format!("{}/{}", self.registry, self.prefix) }
    }
}

/// The moves of these images. `locked` has the digests that are known of tags.
///
/// # Errors
/// In words, which image cannot be moved there.
pub fn plan<'i>(
    images: impl Iterator<Item = &'i str>,
    target: &Target,
    locked: &BTreeMap<String, String>,
    pull_through: bool,
) -> Result<Vec<Move>, String> {
    if pull_through && target.ecr().is_none() {
        return Err(format!("--pull-through is a feature of ECR, and {} is no ECR registry", target.registry));
    }
    let images: Vec<(&str, Reference)> = images
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|image| Some((image, Reference::parse(image)?)))
        .filter(|(_, parts)| parts.registry != target.registry)
        .collect();
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, parts) in &images {
        homes.entry(&parts.repository).or_default().insert(&parts.registry);
    }
    let mut moves = Vec::new();
    for (image, parts) in &images {
        let upstream = CACHED.iter().find(|u| pull_through && u.host == parts.registry);
        let repository = match upstream {
            Some(upstream) => target.below(&format!("{}/{}", upstream.name, parts.repository)),
            // Two registries with a repository of the same name: each gets a folder of its own.
            None if homes[parts.repository.as_str()].len() > 1 => {
                target.below(&format!("{}/{}", parts.registry.replace(':', "-"), parts.repository))
            }
            None => target.below(&parts.repository),
        };
        if upstream.is_some_and(|u| target.below(u.name).len() > PREFIX_MAX) {
            return Err(format!(
                "--to: the prefix of a pull-through rule has {PREFIX_MAX} characters at the most; take a shorter one"
            ));
        }
        if repository.len() > REPOSITORY_MAX {
            return Err(format!(
                "{image}: its repository would have more than {REPOSITORY_MAX} characters: {repository}"
            ));
        }
        let digest = parts.digest.clone().or_else(|| locked.get(*image).cloned());
        // An image by digest needs a tag, since rules that clean up a registry take what has none.
        let tag = match (&parts.tag, &digest) {
            (Some(tag), _) => tag.clone(),
            (None, Some(digest)) => digest.chars().take("sha256:".len() + 12).collect::<String>().replace(':', "-"),
            (None, None) => "latest".to_owned(),
        };
        let name = format!("{}/{repository}", target.registry);
        let to = match (&digest, &parts.tag) {
            (Some(digest), Some(tag)) if parts.digest.is_none() => format!("{name}:{tag}@{digest}"),
            (Some(digest), _) => format!("{name}@{digest}"),
            (None, _) => format!("{name}:{tag}"),
        };
        let source = match &digest {
            Some(digest) => format!("{}@{digest}", parts.name()),
            None => format!("{}:{tag}", parts.name()),
        };
        let way = upstream.map_or(Way::Copy { source, name, tag, digest }, Way::Cached);
        moves.push(Move { image: (*image).to_owned(), to, way });
    }
    Ok(moves)
}

/// The `images:` block of knrender.yaml.
pub fn block(moves: &[Move]) -> String {
    let mut text = "images:\n".to_owned();
    for Move { image, to, .. } in moves {
        let _ = writeln!(text, "  {image}: {to}");
    }
    if moves.is_empty() { "images: {}\n".to_owned() } else { text }
}

/// The script. Every word in it is held to the grammar of references, which has nothing that a shell reads.
pub fn script(moves: &[Move], target: &Target, tool: Tool) -> String {
    let registry = &target.registry;
    let mut text = "#!/bin/sh\n".to_owned();
    let _ = writeln!(text, "# Copies images to {}, by `knrender images relocate`.", target.shown());
    text.push_str(
        "# It can be run again: what is there by its digest is passed over, and a tag that stands for another image is never moved.\n",
    );
    text.push_str("set -eu\n\n");
    let copies: Vec<_> = moves
        .iter()
        .filter_map(|m| match &m.way {
            Way::Copy { source, name, tag, digest } => Some((source, name, tag, digest)),
            Way::Cached(_) => None,
        })
        .collect();
    let caches: BTreeMap<&str, &Upstream> = moves
        .iter()
        .filter_map(|m| match m.way {
            Way::Cached(upstream) => Some((upstream.name, upstream)),
            Way::Copy { .. } => None,
        })
        .collect();
    text.push_str(COMMON);
    let ecr = target.ecr();
    if ecr.is_some() {
        text.push_str("need aws\n");
    }
    if !copies.is_empty() {
        text.push_str(match tool {
            Tool::Crane => CRANE,
            Tool::Skopeo => SKOPEO,
            Tool::Docker => DOCKER,
        });
        text.push_str(COPY);
    }
    if let Some(Ecr { account, region }) = ecr {
        let at = format!("--registry-id {account} --region {region}");
        if !copies.is_empty() {
            let login = match tool {
                Tool::Crane => "crane auth login",
                Tool::Skopeo => "skopeo login",
                Tool::Docker => "docker login",
            };
            let _ = write!(
                text,
                "\n# Scanned when pushed, and with tags that stay what they are. Who has images that change keeps their repositories apart.\n\
                 repository() {{ # NAME\n\
                 \x20 aws ecr describe-repositories {at} --repository-names \"$1\" >/dev/null 2>&1 ||\n\
                 \x20   aws ecr create-repository {at} --repository-name \"$1\" \\\n\
                 \x20     --image-scanning-configuration scanOnPush=true --image-tag-mutability IMMUTABLE >/dev/null\n\
                 }}\n\n\
                 aws ecr get-login-password --region {region} |\n  {login} --username AWS --password-stdin {registry}\n",
            );
        }
        for upstream in caches.values() {
            rule(&mut text, upstream, target, &at);
        }
    }
    let mut made = BTreeSet::new();
    for (source, name, tag, digest) in copies {
        text.push('\n');
        let repository = name.strip_prefix(registry).map_or("", |rest| rest.trim_start_matches('/'));
        if ecr.is_some() && made.insert(repository) {
            let _ = writeln!(text, "repository {repository}");
        }
        let digest = digest.as_ref().map(|digest| format!(" \\\n  {digest}")).unwrap_or_default();
        let _ = writeln!(text, "copy {source} \\\n  {name} {tag}{digest}");
    }
    text.push_str("\n# Then, in knrender.yaml, so that the next render names them:\n#\n");
    for line in block(moves).lines() {
        let _ = writeln!(text, "# {line}");
    }
    let _ = writeln!(text, "# registries: [{registry}]   # and `knrender lint` finds whatever comes from elsewhere");
    text
}

/// A pull-through rule in place of copies.
fn rule(text: &mut String, upstream: &Upstream, target: &Target, at: &str) {
    let Upstream { host, url, name, credentials } = upstream;
    let prefix = target.below(name);
    let _ = write!(
        text,
        "\n# {host}: the cache fetches what is pulled. The pod execution role needs ecr:CreateRepository and\n\
         # ecr:BatchImportUpstreamImage for {prefix}/*, which its managed policy does not have.\n"
    );
    let secret = match credentials {
        Some(variable) => {
            let _ = writeln!(
                text,
                "# AWS wants an account there: the ARN of a secret whose name begins with ecr-pullthroughcache/.\n\
                 : \"${{{variable}:?set it to the ARN of the secret with the credentials for {host}}}\""
            );
            format!(" \\\n    --credential-arn \"${variable}\"")
        }
        None => String::new(),
    };
    let _ = writeln!(
        text,
        "aws ecr describe-pull-through-cache-rules {at} --ecr-repository-prefixes {prefix} >/dev/null 2>&1 ||\n\
         \x20 aws ecr create-pull-through-cache-rule {at} --ecr-repository-prefix {prefix} \\\n\
         \x20   --upstream-registry-url {url}{secret} >/dev/null"
    );
}

const COMMON: &str = "\
fail() {
  printf '%s\\n' \"error: $*\" >&2
  exit 1
}
say() { printf '%s\\n' \"$*\" >&2; }
need() { command -v \"$1\" >/dev/null 2>&1 || fail \"$1 is not installed\"; }
";

const CRANE: &str = "\
need crane

digest_of() { crane digest \"$1\" 2>/dev/null || :; } # nothing where it cannot be read
transfer() { crane copy \"$1\" \"$2\"; }
";

const SKOPEO: &str = "\
need skopeo

digest_of() { # nothing where it cannot be read
  raw=$(skopeo inspect --raw \"docker://$1\" 2>/dev/null && echo .) || return 0
  raw=${raw%.}
  case $raw in
    ?*) printf '%s' \"$raw\" | skopeo manifest-digest /dev/stdin ;;
  esac
}
transfer() { skopeo copy --quiet --all --preserve-digests \"docker://$1\" \"docker://$2\"; }
";

// `docker pull`, `tag` and `push` would leave one platform of an index, with another digest. buildx copies manifests as they are,
// single ones since --prefer-index=false (https://github.com/docker/buildx/pull/2482).
const DOCKER: &str = "\
need docker
docker buildx imagetools create --help 2>/dev/null | grep -q prefer-index ||
  fail \"docker has no buildx of 0.15 or newer, whose 'imagetools create --prefer-index=false' keeps digests; --tool crane and --tool skopeo need no docker\"

digest_of() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' \"$1\" 2>/dev/null || :; } # nothing where it cannot be read
transfer() { docker buildx imagetools create --prefer-index=false --tag \"$2\" \"$1\"; }
";

const COPY: &str = "
copy() { # SOURCE NAME TAG [DIGEST]
  digest=${4:-$(digest_of \"$1\")}
  [ -n \"$digest\" ] || fail \"$1 cannot be read\"
  have=$(digest_of \"$2:$3\")
  if [ \"$have\" = \"$digest\" ]; then
    say \"there: $2:$3\"
    return
  fi
  [ -z \"$have\" ] || fail \"$2:$3 is $have already, and $1 is $digest: a tag is not moved; lock the digest with 'knrender images lock', or take another --to\"
  say \"copying $1\"
  transfer \"$1\" \"$2:$3\"
  have=$(digest_of \"$2:$3\")
  [ \"$have\" = \"$digest\" ] || fail \"$2:$3 is ${have:-not there} after it was copied, and $1 is $digest\"
}
";

#[cfg(test)]
mod tests {
    use super::*;

    const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/knative";

    fn moves(images: &[&str], to: &str, pull_through: bool) -> Result<Vec<Move>, String> {
        plan(images.iter().copied(), &Target::parse(to)?, &BTreeMap::new(), pull_through)
    }

    #[test]
    fn an_image_keeps_its_repository_and_its_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let pinned = format!("gcr.io/a/b@{digest}");
        let moves = moves(&[&pinned, "nginx:1.27.0"], ECR, false).unwrap();
        assert_eq!(moves[0].to, format!("{ECR}/a/b@{digest}"));
        assert!(matches!(&moves[0].way, Way::Copy { tag, .. } if tag == "sha256-aaaaaaaaaaaa"));
        assert_eq!(moves[1].to, format!("{ECR}/library/nginx:1.27.0"));
    }

    #[test]
    fn a_locked_digest_is_what_is_copied() {
        let digest = format!("sha256:{}", "b".repeat(64));
        let locked = BTreeMap::from([("a.example/x:1".to_owned(), digest.clone())]);
        let moves = plan(["a.example/x:1"].into_iter(), &Target::parse(ECR).unwrap(), &locked, false).unwrap();
        assert_eq!(moves[0].to, format!("{ECR}/x:1@{digest}"));
        assert!(matches!(&moves[0].way, Way::Copy { source, .. } if *source == format!("a.example/x@{digest}")));
    }

    #[test]
    fn two_registries_with_the_same_repository_do_not_share_one() {
        let moves = moves(&["a.example/x:1", "b.example:5000/x:1"], ECR, false).unwrap();
        assert_eq!(moves[0].to, format!("{ECR}/a.example/x:1"));
        assert_eq!(moves[1].to, format!("{ECR}/b.example-5000/x:1"));
    }

    #[test]
    fn what_is_there_already_stays() {
        assert_eq!(moves(&[&format!("{ECR}/x:1"), "$(IMAGE)"], ECR, false).unwrap(), []);
    }

    #[test]
    fn the_cache_takes_what_it_knows_and_the_rest_is_copied() {
        let moves = moves(&["quay.io/a/b:1", "gcr.io/a/b:1"], ECR, true).unwrap();
        assert!(matches!(moves[0].way, Way::Copy { .. }), "{moves:?}");
        assert_eq!(moves[1].to, format!("{ECR}/quay/a/b:1"));
        let script = script(&moves, &Target::parse(ECR).unwrap(), Tool::Crane);
        assert!(script.contains("--upstream-registry-url quay.io"), "{script}");
        assert!(!script.contains("copy quay.io"), "{script}");
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for (to, complaint) in [
            ("knative", "is not REGISTRY/PREFIX"),
            ("https://a.example/b", "is not REGISTRY/PREFIX"),
            ("a.example/B", "is not REGISTRY/PREFIX"),
            ("a.example/b;rm", "is not REGISTRY/PREFIX"),
            ("12.dkr.ecr.eu-west-1.amazonaws.com/b", "account of 12 digits"),
        ] {
            assert!(Target::parse(to).unwrap_err().contains(complaint), "{to}");
        }
        assert!(moves(&[], "a.example/b", true).unwrap_err().contains("no ECR registry"));
    }
}
