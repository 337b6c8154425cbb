//! `knrender.lock`: the digests of versions that the catalog does not know, so that this user's renders stay what they are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::catalog::Asset;
use super::signature::SignedBy;
use super::verify::Vouched;
use crate::digest::Sha256Hex;
use crate::images::reference::is_reference;
use crate::yaml;

/// The name of the lock file.
pub const FILE: &str = "knrender.lock";

const HEADING: &str = "\
# The digests that renders in this folder are held to, of versions that knrender's catalog does not list.
# knrender adds to it; commit it. `verified: false` means that the first bytes came from a mirror, not from the publisher, and that
# nothing of the publisher's vouched for them. `checksums` is the publisher's list that has the digest, `signed-by` who signed it.
";

/// A lock file.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    path: PathBuf,
    locked: Vec<Locked>,
    added: Vec<Locked>,
    images: Vec<LockedImage>,
    changed: bool,
}

/// What was behind an image reference when it was locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// The reference, as it stands in the manifests; without the digest where it has a tag as well.
    pub image: String,
    /// The digest, with its `sha256:`.
    pub digest: String,
    /// What is pulled for x86-64 Linux, compressed, in bytes.
    pub size: u64,
    /// The same by layer.
    pub layers: Vec<u64>,
    /// The day on which the registry said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// One locked asset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The component.
    pub component: String,
    /// Its version.
    pub version: Version,
    /// The asset.
    pub asset: String,
    /// Where it is published.
    pub url: String,
    /// The digest.
    pub sha256: Sha256Hex,
    /// How many bytes.
    pub size: u64,
    /// Whether the publisher vouches for them: they, or the list that has their digest, came from there, or the list is signed.
    pub verified: bool,
    /// The publisher's list that has the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<String>,
    /// Who signed that list, where the signature was checked.
    #[serde(default, rename = "signed-by", skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    assets: Vec<Locked>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    images: Vec<LockedImage>,
}

/// What is wrong with a lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// The lock file.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// The file is not a lock file.
    #[error("{path}: {why}. It is written by knrender: restore it from version control, or delete it and lock again")]
    Format {
        /// The lock file.
        path: String,
        /// What is wrong, with the line.
        why: String,
    },
    /// The lock and the catalog name different digests for the same bytes.
    #[error(
        "{path} holds {name} to sha256 {locked}, and the catalog, which knows the published bytes, says {known}. \
         Remove the entry from {path}"
    )]
    ContradictsCatalog {
        /// The lock file.
        path: String,
        /// The asset.
        name: String,
        /// What the lock says.
        locked: Sha256Hex,
        /// What the catalog says.
        known: Sha256Hex,
    },
    /// The file cannot be written.
    #[error("{path}: cannot be written: {why}. The digests to lock are:{entries}")]
    Unwritable {
        /// The lock file.
        path: String,
        /// The reason.
        why: io::Error,
        /// What was to be added.
        entries: String,
    },
}

impl Lock {
    /// The lock file in `folder`, empty where there is none.
    pub fn read(folder: &Path) -> Result<Lock, LockError> {
        let path = folder.join(FILE);
        let shown = || crate::shown::path(&path);
        let (locked, images) = match crate::regular::read_text(&path) {
            Ok(text) => {
                let file: File =
                    yaml::parse_as(&text).map_err(|e| LockError::Format { path: shown(), why: e.to_string() })?;
                (file.assets, file.images)
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
            Err(why) => return Err(LockError::Unreadable { path: shown(), why }),
        };
        for (i, entry) in locked.iter().enumerate() {
            if locked[..i].iter().any(|o| same(o, &entry.component, &entry.version, &entry.asset)) {
                let why = format!("it locks {} {} {} twice", entry.component, entry.version, entry.asset);
                return Err(LockError::Format { path: shown(), why });
            }
        }
        // They end up in manifests.
        let is_good = |image: &LockedImage| {
            let pinned = format!("{}@{}", image.image.split('@').next().unwrap_or_default(), image.digest);
            is_reference(&image.image) && is_reference(&pinned)
        };
        if let Some(bad) = images.iter().find(|image| !is_good(image)) {
            let why = format!("`{}` with the digest `{}` is no image", bad.image, bad.digest);
            return Err(LockError::Format { path: shown(), why });
        }
        Ok(Lock { path, locked, images, ..Lock::default() })
    }

    /// Where the lock is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entry for an asset. An entry that contradicts the catalog is an error.
    pub fn get(&self, asset: &Asset) -> Result<Option<&Locked>, LockError> {
        let entry =
            self.locked.iter().chain(&self.added).find(|l| same(l, &asset.component, &asset.version, &asset.asset));
        match (entry, &asset.known) {
            (Some(entry), Some((known, _))) if entry.sha256 != *known => Err(LockError::ContradictsCatalog {
                path: crate::shown::path(&self.path),
                name: asset.name(),
                locked: entry.sha256,
                known: *known,
            }),
            _ => Ok(entry),
        }
    }

    /// Adds an entry; [`Lock::commit`] writes it.
    pub fn add(&mut self, entry: Locked) {
        self.added.push(entry);
    }

    /// The images, in the order of their references.
    pub fn images(&self) -> &[LockedImage] {
        &self.images
    }

    /// What is locked of an image, by its reference.
    pub fn image(&self, image: &str) -> Option<&LockedImage> {
        self.images.iter().find(|locked| locked.image == image)
    }

    /// Locks an image, in place of what was locked of it before; [`Lock::commit`] writes it.
    pub fn put_image(&mut self, image: LockedImage) {
        self.images.retain(|locked| locked.image != image.image);
        self.images.push(image);
        self.images.sort();
        self.changed = true;
    }

    /// Remembers what vouches for an asset's digest, where it is the publisher; [`Lock::commit`] writes it.
    pub fn vouched(&mut self, asset: &Asset, vouched: &Vouched) {
        let entry = self.locked.iter_mut().find(|l| same(l, &asset.component, &asset.version, &asset.asset));
        if let Some(entry) = entry {
            let before = entry.clone();
            entry.vouch(vouched);
            self.changed |= *entry != before;
        }
    }

    /// Writes what was added, if anything was, whole or not at all. Returns the entries that are new.
    pub fn commit(mut self) -> Result<Vec<Locked>, LockError> {
        if self.added.is_empty() && !self.changed {
            return Ok(Vec::new());
        }
        let folder = crate::regular::folder_of(&self.path).to_owned();
        // Another run may have added to it since: one at a time, and each starts from what is there. A system that cannot lock
        // folders goes without.
        let held = fs::File::open(&folder).ok().filter(|folder| folder.lock().is_ok());
        let Lock { locked: mut assets, mut images, .. } = Lock::read(&folder)?;
        for entry in self.locked.iter().filter(|entry| entry.verified) {
            let there = assets.iter_mut().find(|a| same(a, &entry.component, &entry.version, &entry.asset));
            if let Some(there) = there.filter(|there| there.sha256 == entry.sha256) {
                there.verified = true;
                there.checksums = entry.checksums.clone().or_else(|| there.checksums.take());
                there.signed_by = entry.signed_by.clone().or_else(|| there.signed_by.take());
            }
        }
        if self.changed {
            images.retain(|image| !self.images.iter().any(|own| own.image == image.image));
            images.append(&mut self.images.clone());
            images.sort();
        }
        for entry in &self.added {
            match assets.iter().find(|other| same(other, &entry.component, &entry.version, &entry.asset)) {
                Some(other) if other.sha256 == entry.sha256 => {}
                Some(other) => {
                    let why = format!(
                        "another run has locked {} {} {} to sha256 {} meanwhile, and this one found {}",
                        entry.component, entry.version, entry.asset, other.sha256, entry.sha256
                    );
                    return Err(LockError::Format { path: crate::shown::path(&self.path), why });
                }
                None => assets.push(entry.clone()),
            }
        }
        assets.sort();
        let failed = |why: io::Error| LockError::Unwritable {
            path: crate::shown::path(&self.path),
            why,
            entries: self
                .added
                .iter()
                .map(|l| format!("\n  {} {} {}: {}", l.component, l.version, l.asset, l.sha256))
                .collect(),
        };
        let value = crate::value::to_value(File { assets, images }).map_err(|e| failed(e.into()))?;
        let text = format!("{HEADING}{}", yaml::emit(&value, yaml::Style::default()));
        crate::regular::write_whole(&self.path, text.as_bytes()).map_err(failed)?;
        drop(held);
        self.added.sort();
        Ok(std::mem::take(&mut self.added))
    }
}

impl Locked {
    /// Notes what vouches for the digest, where it is the publisher. What was found out before stays.
    pub fn vouch(&mut self, vouched: &Vouched) {
        if vouched.is_publishers() {
            self.verified = true;
            self.checksums = Some(vouched.list.clone());
            self.signed_by = vouched.signed_by.clone().or_else(|| self.signed_by.take());
        }
    }

    /// What vouches for the digest, for people: nothing to say where the bytes alone came from the publisher.
    pub fn trust(&self) -> String {
        match (&self.signed_by, &self.checksums) {
            (Some(SignedBy { identity, .. }), _) => format!(", in a list that {identity} signed"),
            (None, Some(_)) => ", in the publisher's list of checksums".to_owned(),
            (None, None) if self.verified => String::new(),
            (None, None) => ", not verified against the publisher".to_owned(),
        }
    }
}

fn same(entry: &Locked, component: &str, version: &Version, asset: &str) -> bool {
    entry.component == component && entry.version == *version && entry.asset == asset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: Version) -> Locked {
        Locked {
            component: "gloo".into(),
            version,
            asset: "gloo-knative".into(),
            url: "https://x.example/gloo-knative.yaml".into(),
            sha256: Sha256Hex::of(b"x"),
            size: 1,
            verified: false,
            checksums: None,
            signed_by: None,
        }
    }

    fn asset(known: Option<(Sha256Hex, u64)>) -> Asset {
        Asset {
            component: "gloo".into(),
            version: Version::new(1, 3, 9),
            asset: "gloo-knative".into(),
            urls: vec!["https://x.example/gloo-knative.yaml".into()],
            known,
            local: None,
            reference: false,
            own: false,
        }
    }

    #[test]
    fn what_is_locked_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock = Lock::read(folder.path()).unwrap();
        assert_eq!(lock.get(&asset(None)).unwrap(), None);
        lock.add(entry(Version::new(1, 8, 0)));
        lock.add(entry(Version::new(1, 3, 9)));
        assert_eq!(lock.commit().unwrap().len(), 2);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        let again = Lock::read(folder.path()).unwrap();
        assert_eq!(again.get(&asset(None)).unwrap(), Some(&entry(Version::new(1, 3, 9))));
        assert_eq!(again.commit().unwrap(), []);
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
    }

    #[test]
    fn runs_at_the_same_time_lose_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..20 {
                let folder = folder.path();
                scope.spawn(move || {
                    let mut lock = Lock::read(folder).unwrap();
                    lock.add(entry(Version::new(1, 0, n)));
                    lock.commit().unwrap();
                });
            }
        });
        assert_eq!(Lock::read(folder.path()).unwrap().locked.len(), 20);
        let (mut one, mut two) = (Lock::read(folder.path()).unwrap(), Lock::read(folder.path()).unwrap());
        one.add(entry(Version::new(2, 0, 0)));
        two.add(Locked { sha256: Sha256Hex::of(b"y"), ..entry(Version::new(2, 0, 0)) });
        one.commit().unwrap();
        assert!(two.commit().unwrap_err().to_string().contains("another run has locked"));
    }

    #[test]
    fn a_lock_that_contradicts_the_catalog_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut lock = Lock::read(folder.path()).unwrap();
        lock.add(entry(Version::new(1, 3, 9)));
        lock.commit().unwrap();
        let lock = Lock::read(folder.path()).unwrap();
        assert!(lock.get(&asset(Some((Sha256Hex::of(b"x"), 1)))).unwrap().is_some());
        let error = lock.get(&asset(Some((Sha256Hex::of(b"y"), 1)))).unwrap_err();
        assert!(matches!(error, LockError::ContradictsCatalog { .. }), "{error}");
    }

    #[test]
    fn a_damaged_lock_is_an_error_that_names_the_line() {
        let folder = tempfile::tempdir().unwrap();
        for (text, complaint) in [
            ("assets:\n- component: gloo\n  versio: 1.3.9\n", "line 3"),
            (
                "assets:\n- {component: a, version: 1.0.0, asset: b, url: u, sha256: xyz, size: 1, verified: true}\n",
                "line 2",
            ),
            ("\u{0}", "knrender.lock"),
        ] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let error = Lock::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
