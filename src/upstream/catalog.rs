//! The catalog: which components, versions and assets there are, with URLs and digests. It is data (`upstream/*.yaml`),
//! compiled into the binary.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};

use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::digest::Sha256Hex;
use crate::kubernetes::target::KubernetesRange;
use crate::{embedded, yaml};

/// A component as the catalog knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name, for example `net-kourier`.
    pub component: String,
    /// Where it lives.
    pub home: String,
    /// Its assets by name, and where those of any version are.
    pub assets: BTreeMap<String, AssetKind>,
    /// Which versions can be had beyond those listed.
    #[serde(default)]
    pub unlisted: Option<Unlisted>,
    /// How its publisher vouches for the assets of a release.
    #[serde(default)]
    pub publisher: Option<Publisher>,
    /// What everybody who renders it should be told.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The Kubernetes versions that its versions support.
    #[serde(default)]
    pub kubernetes: Vec<KubernetesRange>,
    /// Until when its versions are supported.
    #[serde(default)]
    pub support: Option<Support>,
    /// Versions that are out, and whose bytes the catalog does not know.
    #[serde(default)]
    pub published: Vec<Published>,
    /// The versions that are known, oldest first.
    pub versions: Vec<KnownVersion>,
}

/// Until when versions are supported. Days are as `2026-11-28`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Where it is stated.
    pub see: String,
    /// The versions.
    pub until: Vec<Until>,
}

/// The last day of some versions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The versions.
    pub versions: VersionReq,
    /// The day.
    pub day: String,
}

/// A version that is out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The version.
    pub version: Version,
    /// When it was published.
    pub day: String,
    /// Where that is stated.
    pub see: String,
}

/// One asset of a component, whatever the version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetKind {
    /// Where it is published; `{version}` stands for the version.
    pub url: String,
    /// The name that `--with` takes to include it; part of every render without.
    #[serde(default)]
    pub with: Option<String>,
    /// Not a manifest: mirrored, never rendered.
    #[serde(default)]
    pub reference: bool,
}

/// Versions that are reached by URL pattern and then locked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlisted {
    /// The semver range.
    pub versions: VersionReq,
    /// Why not others.
    pub otherwise: String,
}

/// How a publisher vouches for the assets of a release: a signed list of digests beside them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The list, as `sha256sum` writes it.
    pub checksums: String,
    /// The certificate that it was signed with.
    pub certificate: String,
    /// The signature.
    pub signature: String,
    /// Who signed, as the certificate says.
    pub identity: String,
    /// Who vouches for that identity.
    pub issuer: String,
    /// The CAs whose certificates count.
    pub roots: Vec<Root>,
    /// Where it is written.
    pub see: String,
}

/// The certificate of a CA, which the user hands over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// The digest of the certificate (DER), which is its fingerprint.
    pub sha256: Sha256Hex,
    /// Whose it is.
    pub name: String,
    /// Where it is published.
    #[serde(default)]
    pub see: Option<String>,
}

/// What everybody who renders a component should be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The versions that it is about; all where it is left out.
    #[serde(default)]
    pub versions: VersionReq,
    /// What to tell.
    pub say: String,
}

/// One known version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownVersion {
    /// The version.
    pub version: Version,
    /// The versions of other components that it is released with.
    #[serde(default)]
    pub pairs: BTreeMap<String, Version>,
    /// What is known of its assets.
    pub assets: BTreeMap<String, KnownAsset>,
    /// Whether it is of the user's own catalog, and thus not among what knrender was tested with.
    #[serde(skip)]
    pub own: bool,
}

/// An asset whose bytes are known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAsset {
    /// Digest of the published bytes.
    pub sha256: Sha256Hex,
    /// How many bytes.
    pub size: u64,
    /// A second URL with the same bytes.
    #[serde(default)]
    pub also: Option<String>,
}

/// One asset of one component version, as far as the catalog knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// The component.
    pub component: String,
    /// Its version.
    pub version: Version,
    /// The asset's name.
    pub asset: String,
    /// Where it is published, best first.
    pub urls: Vec<String>,
    /// Digest and size, where the catalog vouches for them.
    pub known: Option<(Sha256Hex, u64)>,
    /// The file that the user handed over in place of what is published.
    pub local: Option<PathBuf>,
    /// Not a manifest.
    pub reference: bool,
    /// Whether a catalog of the user's own vouches for it.
    pub own: bool,
}

impl Asset {
    /// For people: `net-kourier 1.23.0 kourier.yaml`.
    pub fn name(&self) -> String {
        let published = self.urls.first().filter(|_| self.local.is_none()).and_then(|u| u.rsplit('/').next());
        let file = published.unwrap_or(&self.asset);
        format!("{} {} {file}", self.component, self.version)
    }
}

/// The catalog. A component's file is read when the component is first asked for.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    components: Arc<[OnceLock<Component>; COMPONENTS.len()]>,
}

/// The catalog's files that describe components.
const COMPONENTS: [&str; 6] = [
    "knative-serving",
    "net-kourier",
    "gloo",
    "aws-alb-ingress-controller",
    "aws-load-balancer-controller",
    "cert-manager",
];

/// That there is no component of a name, and which one was probably meant: `kourier` is `net-kourier`.
fn no_component(name: &str) -> String {
    let plain = name.to_ascii_lowercase();
    let holds = |known: &&str| plain.len() > 2 && (known.contains(&plain) || plain.contains(*known));
    let meant = COMPONENTS.into_iter().find(holds).or_else(|| crate::shown::near(name, COMPONENTS.into_iter()));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!("the catalog has no component `{}`{meant}", crate::shown::line(name))
}

impl Catalog {
    /// The catalog in the binary.
    pub fn embedded() -> Catalog {
        // Read once, however many clusters a run is about.
        static BUILT_IN: LazyLock<Catalog> = LazyLock::new(Catalog::default);
        BUILT_IN.clone()
    }

    /// A catalog of these components, one for each name and in that order.
    pub(super) fn of(components: Vec<Component>) -> Catalog {
        let catalog = Catalog::default();
        for (place, component) in catalog.components.iter().zip(components) {
            let _ = place.set(component);
        }
        catalog
    }

    /// The names of all components.
    pub fn names(&self) -> &'static [&'static str] {
        &COMPONENTS
    }

    /// All components.
    ///
    /// # Errors
    /// As for [`Catalog::component`].
    pub fn components(&self) -> Result<Vec<&Component>, String> {
        COMPONENTS.iter().map(|name| self.component(name)).collect()
    }

    /// A component by name.
    ///
    /// # Errors
    /// In words, that the catalog has none of that name, or that its file is not a catalog file: the tests of the
    /// repository keep that from happening.
    pub fn component(&self, name: &str) -> Result<&Component, String> {
        let index = COMPONENTS.iter().position(|c| *c == name);
        let place = &self.components[index.ok_or_else(|| no_component(name))?];
        if let Some(component) = place.get() {
            return Ok(component);
        }
        let path = format!("upstream/{name}.yaml");
        let text = embedded::text(&path).ok_or_else(|| format!("{path} is missing"))?;
        let component: Component = yaml::parse_own(text).map_err(|e| format!("{path}: {e}"))?;
        if component.component != name {
            return Err(format!("{path} describes `{}`", component.component));
        }
        Ok(place.get_or_init(|| component))
    }
}

impl Component {
    /// What everybody who renders this version should be told.
    pub fn notices_for(&self, version: &Version) -> impl Iterator<Item = &str> {
        self.notices.iter().filter(|n| n.versions.matches(version)).map(|n| n.say.as_str())
    }

    /// The Kubernetes versions that a version supports, where anybody states it.
    pub fn kubernetes(&self, version: &Version) -> Option<&KubernetesRange> {
        let release = Version::new(version.major, version.minor, version.patch);
        self.kubernetes.iter().find(|range| range.versions.matches(&release))
    }

    /// The last day on which a version is supported, where anybody states it.
    pub fn supported_until(&self, version: &Version) -> Option<&str> {
        let release = Version::new(version.major, version.minor, version.patch);
        let support = self.support.as_ref()?;
        support.until.iter().find(|until| until.versions.matches(&release)).map(|until| until.day.as_str())
    }

    /// What to tell people who render a version whose support has ended by `day`, with the way out.
    pub fn end_of_support(&self, version: &Version, day: &str, flag: &str) -> Option<String> {
        let until = self.supported_until(version).filter(|until| *until < day)?;
        let see = self.support.as_ref().map_or("", |support| &support.see);
        let (name, minor) = (&self.component, format!("{}.{}", version.major, version.minor));
        let supported = |v: &&KnownVersion| self.supported_until(&v.version).is_some_and(|until| until >= day);
        let way_out = self.versions.iter().filter(supported).max_by_key(|v| &v.version).map_or_else(
            || "no version of the catalog is supported any more: see `knrender upstream outdated`".to_owned(),
            |newer| {
                let needs = self.kubernetes(&newer.version).and_then(|range| range.min);
                let needs = needs.map_or(String::new(), |min| format!(", and takes Kubernetes {min} or newer"));
                format!(
                    "--{flag} {}.{} is supported until {}{needs}; `knrender upgrade` says the steps",
                    newer.version.major,
                    newer.version.minor,
                    self.supported_until(&newer.version).unwrap_or_default()
                )
            },
        );
        Some(format!("{name} {minor} has had no support since {until} ({see}): {way_out}."))
    }

    /// The newest known version that a Kubernetes suits.
    pub fn newest_for(&self, kubernetes: crate::kubernetes::Version) -> Option<&Version> {
        let suits = |v: &&Version| self.kubernetes(v).is_some_and(|range| range.holds(kubernetes));
        self.versions.iter().map(|v| &v.version).filter(suits).max()
    }

    /// What is known of a version.
    pub fn known(&self, version: &Version) -> Option<&KnownVersion> {
        self.versions.iter().find(|v| v.version == *version)
    }

    /// The newest known version.
    pub fn newest(&self) -> Option<&Version> {
        self.versions.iter().map(|v| &v.version).max()
    }

    /// The version that `text` names: `1.23.0`, `v1.23.0`, or `1.23` for the newest known patch of 1.23.
    ///
    /// # Errors
    /// In words, why there is no such version and which there are.
    pub fn version(&self, text: &str) -> Result<Version, String> {
        let plain = text.strip_prefix('v').unwrap_or(text);
        if let Ok(version) = Version::parse(plain) {
            let without_pre = Version::new(version.major, version.minor, version.patch);
            return match &self.unlisted {
                _ if self.known(&version).is_some() => Ok(version),
                Some(unlisted) if unlisted.versions.matches(&without_pre) => Ok(version),
                Some(unlisted) => {
                    Err(format!("{} {version} cannot be rendered: {}", self.component, unlisted.otherwise))
                }
                None => Err(format!("{} {version} is not in the catalog, which has: {}", self.component, self.list())),
            };
        }
        let mut parts = plain.splitn(3, '.').map(str::parse::<u64>);
        if let (Some(Ok(major)), Some(Ok(minor)), None) = (parts.next(), parts.next(), parts.next()) {
            let patches = self.versions.iter().map(|v| &v.version);
            return patches.filter(|v| v.major == major && v.minor == minor).max().cloned().ok_or_else(|| {
                let first = Version::new(major, minor, 0);
                match &self.unlisted {
                    Some(unlisted) if !unlisted.versions.matches(&first) => {
                        format!("{} {plain} cannot be rendered: {}", self.component, unlisted.otherwise)
                    }
                    _ => {
                        let has = if self.versions.is_empty() { String::new() } else { format!(", which has: {}", self.list()) };
                        format!(
                            "{} {plain} is not in the catalog{has}. Name the patch of a release as well, such as {plain}.0 ({})",
                            self.component, self.home
                        )
                    }
                }
            });
        }
        Err(format!("`{text}` is not a version of {}; write it as v1.2.3", self.component))
    }

    /// The assets of a version: those of every render, and those that `with` names.
    pub fn assets(&self, version: &Version, with: &[String]) -> Vec<Asset> {
        let known = self.known(version);
        self.assets
            .iter()
            .filter(|(_, kind)| kind.with.as_ref().is_none_or(|name| with.contains(name)))
            .map(|(name, kind)| {
                let bytes = known.and_then(|k| k.assets.get(name));
                let url = kind.url.replace("{version}", &version.to_string());
                Asset {
                    component: self.component.clone(),
                    version: version.clone(),
                    asset: name.clone(),
                    urls: std::iter::once(url).chain(bytes.and_then(|b| b.also.clone())).collect(),
                    known: bytes.map(|b| (b.sha256, b.size)),
                    local: None,
                    reference: kind.reference,
                    own: known.is_some_and(|known| known.own),
                }
            })
            .collect()
    }

    fn list(&self) -> String {
        let mut versions: Vec<_> = self.versions.iter().map(|v| &v.version).collect();
        versions.sort();
        versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str) -> Component {
        Catalog::embedded().component(name).unwrap().clone()
    }

    #[test]
    fn the_catalog_in_the_binary_is_sound() {
        let catalog = Catalog::embedded();
        for component in catalog.components().unwrap() {
            for version in &component.versions {
                for asset in version.assets.keys() {
                    assert!(component.assets.contains_key(asset), "{} {asset}", component.component);
                }
                for asset in component.assets(&version.version, &["autoscaler-hpa".into(), "upgrade-jobs".into()]) {
                    assert!(asset.known.is_some(), "{}", asset.name());
                    assert!(asset.urls.iter().all(|u| u.starts_with("https://")), "{}", asset.name());
                }
                for (pair, paired) in &version.pairs {
                    assert!(catalog.component(pair).unwrap().known(paired).is_some(), "{pair} {paired}");
                }
            }
        }
    }

    #[test]
    fn a_version_is_named_with_or_without_v_and_by_its_minor() {
        let serving = component("knative-serving");
        assert_eq!(serving.version("v1.23.0").unwrap(), Version::new(1, 23, 0));
        assert_eq!(serving.version("1.21").unwrap(), Version::new(1, 21, 3));
        assert_eq!(serving.version("1.20.2").unwrap(), Version::new(1, 20, 2));
        assert_eq!(component("gloo").version("v1.8.0-beta3").unwrap().to_string(), "1.8.0-beta3");
    }

    #[test]
    fn a_version_that_cannot_be_had_is_refused_with_the_reason() {
        let gloo = component("gloo").version("v1.15.0").unwrap_err();
        assert!(gloo.contains("from 1.15 on there is only a Helm chart"), "{gloo}");
        assert!(
            component("knative-serving").version("1.20").unwrap_err().contains("which has: 1.21.3, 1.22.1, 1.23.0")
        );
        assert!(component("knative-serving").version("latest").unwrap_err().contains("write it as v1.2.3"));
        assert!(component("aws-load-balancer-controller").version("2.9.0").unwrap_err().contains("Before 3.0"));
    }

    #[test]
    fn assets_come_from_the_pattern_and_the_second_url() {
        let serving = component("knative-serving");
        let assets = serving.assets(&Version::new(1, 23, 0), &[]);
        assert_eq!(assets.iter().map(|a| a.asset.as_str()).collect::<Vec<_>>(), ["serving-core"]);
        assert_eq!(assets[0].urls.len(), 2);
        assert_eq!(assets[0].name(), "knative-serving 1.23.0 serving-core.yaml");
        let unlisted = &serving.assets(&Version::new(1, 20, 0), &["autoscaler-hpa".into()])[1];
        assert_eq!(unlisted.known, None);
        assert!(unlisted.urls[0].ends_with("/knative-v1.20.0/serving-hpa.yaml"));
    }
}
