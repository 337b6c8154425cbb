//! A catalog of the user's own (`catalog:` in `knrender.yaml`): a folder with a file for each component, in the form of
//! `upstream/*.yaml`, of which the list of versions suffices. `knrender upstream add` writes it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Deserialize;

use super::catalog::{Catalog, Component, KnownVersion, Root, Support};
use crate::digest::Sha256Hex;
use crate::kubernetes::target::KubernetesRange;
use crate::yaml;

/// A file of the folder. What a whole file of ours has beside this is read and not used.
#[derive(Deserialize)]
struct Own {
    component: String,
    #[serde(default)]
    kubernetes: Vec<KubernetesRange>,
    #[serde(default)]
    support: Option<Support>,
    #[serde(default)]
    publisher: Option<Publisher>,
    /// None in a file that ends with the key, to which the first one is added.
    #[serde(default)]
    versions: Option<Vec<KnownVersion>>,
}

/// Who signs lists of digests, where that is another than the catalog names.
#[derive(Deserialize)]
struct Publisher {
    #[serde(default)]
    identity: Option<String>,
    #[serde(default)]
    issuer: Option<String>,
    /// Beside those of the catalog.
    #[serde(default)]
    roots: Vec<Root>,
}

/// A version to be written.
#[derive(Debug)]
pub struct Entry {
    /// The version.
    pub version: Version,
    /// The versions of other components that it is released with.
    pub pairs: Vec<(String, Version)>,
    /// Assets by name, with digest and size.
    pub assets: Vec<(String, Sha256Hex, u64)>,
    /// What vouches for the digests; none where nothing does.
    pub vouched: Option<String>,
}

impl Catalog {
    /// The catalog in the binary with what a folder of the user's adds.
    ///
    /// # Errors
    /// In words, which file is at fault and why.
    pub fn with(folder: &Path) -> Result<Catalog, String> {
        if !folder.is_dir() {
            return Err(format!(
                "`catalog` names {}, and there is no such folder; `knrender upstream add` makes it",
                crate::shown::path(folder)
            ));
        }
        let built_in = Catalog::embedded();
        let mut components = Vec::new();
        for name in built_in.names() {
            let mut component = built_in.component(name)?.clone();
            let path = folder.join(format!("{name}.yaml"));
            let shown = crate::shown::path(&path);
            match crate::regular::read_text(&path) {
                Ok(text) => {
                    let own: Own = yaml::parse_as(&text).map_err(|e| format!("{shown}, {e}"))?;
                    merge(&mut component, own).map_err(|why| format!("{shown}: {why}"))?;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(format!("{shown}: {e}")),
            }
            components.push(component);
        }
        Ok(Catalog::of(components))
    }
}

fn merge(component: &mut Component, own: Own) -> Result<(), String> {
    if own.component != component.component {
        return Err(format!("it describes `{}`, and its name says {}", own.component, component.component));
    }
    // What the user says goes before what is built in.
    component.kubernetes.splice(0..0, own.kubernetes);
    if let Some(support) = own.support {
        match &mut component.support {
            Some(known) => drop(known.until.splice(0..0, support.until)),
            none => *none = Some(support),
        }
    }
    if let Some(own) = own.publisher {
        let Some(publisher) = &mut component.publisher else {
            return Err(format!(
                "`publisher`: knrender knows of no list that the publisher of {} signs",
                component.component
            ));
        };
        publisher.identity = own.identity.unwrap_or_else(|| std::mem::take(&mut publisher.identity));
        publisher.issuer = own.issuer.unwrap_or_else(|| std::mem::take(&mut publisher.issuer));
        publisher.roots.splice(0..0, own.roots);
    }
    for mut version in own.versions.into_iter().flatten() {
        for (asset, bytes) in &version.assets {
            if !component.assets.contains_key(asset) {
                return Err(format!("{} has no asset `{asset}`", component.component));
            }
            let known = component.known(&version.version).and_then(|known| known.assets.get(asset));
            if let Some(known) = known.filter(|known| known.sha256 != bytes.sha256) {
                return Err(format!(
                    "it gives {} {} {asset} the digest {}, and the published bytes, which knrender knows, have {}",
                    component.component, version.version, bytes.sha256, known.sha256
                ));
            }
        }
        if component.known(&version.version).is_none() {
            version.own = true;
            component.versions.push(version);
        }
    }
    component.versions.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(())
}

/// Adds a version to the file of a component, which is made where there is none. Returns the file.
///
/// # Errors
/// In words, why it cannot be written, or that the version stands in it.
pub fn add(folder: &Path, component: &Component, entry: &Entry) -> Result<PathBuf, String> {
    let path = folder.join(format!("{}.yaml", component.component));
    let shown = crate::shown::path(&path);
    let mut text = match crate::regular::read_text(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => format!(
            "# Versions of {} that `knrender upstream add` brought, in the form of knrender's own catalog. Review and commit it.\n\
             component: {}\nversions:\n",
            component.component, component.component
        ),
        Err(e) => return Err(format!("{shown}: {e}")),
    };
    let before: Own = yaml::parse_as(&text).map_err(|e| format!("{shown}, {e}"))?;
    if before.versions.iter().flatten().any(|known| known.version == entry.version) {
        return Err(format!("{shown} has {} {} already", component.component, entry.version));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text.push_str(&block(entry));
    let after: Own = yaml::parse_as(&text).map_err(|e| format!("{shown}, {e}: put `versions` last"))?;
    if !after.versions.iter().flatten().any(|known| known.version == entry.version) {
        return Err(format!("{shown}: `versions` has to be the last key, so that a version can be added at the end"));
    }
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", crate::shown::path(folder)))?;
    crate::regular::write_whole(&path, text.as_bytes()).map_err(|e| format!("{shown}: {e}"))?;
    Ok(path)
}

/// A version, as the files of the catalog have it.
fn block(entry: &Entry) -> String {
    let mut text = format!("  - version: {}\n", entry.version);
    match &entry.vouched {
        Some(vouched) => drop(writeln!(text, "    # {vouched}.")),
        None => text.push_str(
            "    # Read from a mirror or a cache, not from the publisher: compare the digests before you commit them.\n",
        ),
    }
    if !entry.pairs.is_empty() {
        let pairs: Vec<_> = entry.pairs.iter().map(|(name, version)| format!("{name}: {version}")).collect();
        let _ = writeln!(text, "    pairs: {{{}}}", pairs.join(", "));
    }
    text.push_str(if entry.assets.is_empty() { "    assets: {}\n" } else { "    assets:\n" });
    for (name, sha256, size) in &entry.assets {
        let _ = writeln!(text, "      {name}:\n        sha256: {sha256}\n        size: {size}");
    }
    text
}
