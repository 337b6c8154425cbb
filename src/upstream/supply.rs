//! From a stack to its bytes: what the catalog vouches for, what the lock vouches for, and what is locked now.

use crate::digest::Sha256Hex;
use crate::report::Voucher;
use crate::upstream::catalog::Asset;
use crate::upstream::fetch::{self, Expected, FetchError, Obtained, Request, Source, Sources};
use crate::upstream::local::{self, LocalError};
use crate::upstream::lock::{Lock, LockError, Locked};
use crate::upstream::verify::{Publishers, Verdict};

/// The bytes of one asset, whose digest was checked.
#[derive(Clone, Debug)]
pub struct Input {
    /// The asset.
    pub asset: Asset,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub sha256: Sha256Hex,
    /// What vouches for it.
    pub vouched_by: Voucher,
    /// Where they came from.
    pub from: Source,
    /// Whether bytes with this digest were read in full before, so that their heads suffice.
    pub checked: bool,
}

/// Why bytes could not be supplied.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// They could not be had, or are not the right ones.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The lock is at fault.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file that the user handed over.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The publisher vouches for other bytes.
    #[error(
        "{name}: the publisher's list of checksums has another digest than what came:\n  got        sha256 {got}\n  published  sha256 \
         {published}\nnothing was locked; do not use these bytes before you know why they differ"
    )]
    Differs {
        /// The asset.
        name: String,
        /// What came.
        got: Sha256Hex,
        /// What the list says.
        published: Sha256Hex,
    },
    /// A trust root was named, and the signature is not the publisher's, or cannot be checked.
    #[error("{name}: nothing was locked, because its publisher's signature cannot be relied on: {why}")]
    NotSigned {
        /// The asset.
        name: String,
        /// The reason.
        why: String,
    },
    /// `--locked`, and the lock does not have it.
    #[error(
        "{name} is neither in the catalog nor in {lock}, and --locked refuses to add it; run `knrender upstream lock` \
         with the same flags and commit {lock}"
    )]
    NotLocked {
        /// The asset.
        name: String,
        /// The lock file.
        lock: String,
    },
}

/// What knrender remembers of bytes that it read in full and found to be good YAML.
const CHECKED: &str = concat!("yaml-", env!("CARGO_PKG_VERSION"));

/// Supplies the bytes of `assets`, in order. What neither catalog nor lock knows is added to `lock` (not written yet).
/// Warnings that came up on the way are appended to `warnings`.
pub fn supply<'a>(
    assets: impl Iterator<Item = &'a Asset>,
    lock: &mut Lock,
    sources: &Sources<'_>,
    publishers: &Publishers<'_>,
    locked_only: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<Input>, SupplyError> {
    let mut wanted = Vec::new();
    for asset in assets {
        let entry = lock.get(asset)?;
        let (expected, voucher) = match (&asset.known, entry) {
            (Some((sha256, size)), _) => {
                (Some(Expected { sha256: *sha256, size: Some(*size) }), Some(Voucher::Catalog))
            }
            (None, Some(entry)) => {
                (Some(Expected { sha256: entry.sha256, size: Some(entry.size) }), Some(Voucher::Lock))
            }
            (None, None) if locked_only => {
                let lock = crate::shown::path(lock.path());
                return Err(SupplyError::NotLocked { name: asset.name(), lock });
            }
            (None, None) => (None, None),
        };
        wanted.push((asset, asset.name(), expected, voucher));
    }
    let requests: Vec<Request<'_>> = wanted
        .iter()
        .filter(|(asset, ..)| asset.local.is_none())
        .map(|(asset, name, expected, voucher)| Request {
            what: name,
            urls: &asset.urls,
            expected: expected.as_ref(),
            voucher: match voucher {
                Some(Voucher::Catalog) => fetch::Voucher::Catalog,
                Some(Voucher::Lock) => fetch::Voucher::Lock,
                None => fetch::Voucher::None,
            },
        })
        .collect();
    let mut published = sources.obtain_all(&requests).into_iter();
    let mut inputs = Vec::new();
    for (asset, name, expected, voucher) in &wanted {
        let mut obtained: Obtained = match &asset.local {
            Some(path) => {
                let obtained = local::read(path)?;
                if let Some(locked) = expected.as_ref().map(|e| e.sha256).filter(|sha256| *sha256 != obtained.sha256) {
                    let (path, name, lock) = (crate::shown::path(path), name.clone(), crate::shown::path(lock.path()));
                    return Err(LocalError::Changed { path, name, lock, locked, got: obtained.sha256 }.into());
                }
                obtained
            }
            None => match published.next() {
                Some(obtained) => obtained?,
                None => continue,
            },
        };
        warnings.append(&mut obtained.warnings);
        if voucher.is_none() {
            lock.add(first(asset, &obtained, sources, publishers, warnings)?);
        }
        let checked = (*voucher == Some(Voucher::Catalog) && !asset.own)
            || sources.store.as_ref().is_some_and(|s| s.has_mark(&obtained.sha256, CHECKED));
        inputs.push(Input {
            asset: (*asset).clone(),
            bytes: obtained.bytes,
            sha256: obtained.sha256,
            from: obtained.from,
            vouched_by: voucher.unwrap_or(Voucher::Lock),
            checked,
        });
    }
    Ok(inputs)
}

/// The entry for an asset that nothing vouches for yet, after its publisher was asked.
fn first(
    asset: &Asset,
    obtained: &Obtained,
    sources: &Sources<'_>,
    publishers: &Publishers<'_>,
    warnings: &mut Vec<String>,
) -> Result<Locked, SupplyError> {
    let name = || asset.name();
    let mut entry = Locked {
        component: asset.component.clone(),
        version: asset.version.clone(),
        asset: asset.asset.clone(),
        url: asset.urls.first().cloned().unwrap_or_default(),
        sha256: obtained.sha256,
        size: obtained.bytes.len() as u64,
        verified: obtained.from == Source::Network,
        checksums: None,
        signed_by: None,
    };
    match publishers.verdict(asset, Some(obtained.sha256), sources) {
        Verdict::Verified(vouched) => entry.vouch(&vouched),
        Verdict::Differs { held: got, published } => return Err(SupplyError::Differs { name: name(), got, published }),
        Verdict::NotSigned(why) => return Err(SupplyError::NotSigned { name: name(), why }),
        Verdict::NotListed if publishers.check_signatures() => {
            let why = "the list that is signed does not have it".to_owned();
            return Err(SupplyError::NotSigned { name: name(), why });
        }
        Verdict::Failed(why) if publishers.check_signatures() => {
            return Err(SupplyError::NotSigned { name: name(), why });
        }
        Verdict::NotListed => {
            entry.verified = false;
            warnings.push(format!("{}: the publisher's list of checksums does not have it", name()));
        }
        // Without a network there was nothing to expect.
        Verdict::Failed(why) if sources.network => {
            let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            warnings.push(format!("{}: not compared with the publisher's list of checksums: {why}", name()));
        }
        Verdict::Failed(_) | Verdict::NoPublisher | Verdict::NotHeld => {}
    }
    Ok(entry)
}

/// What knrender remembers of a render that it found to be valid.
const VALID: &str = concat!("valid-", env!("CARGO_PKG_VERSION"));

/// Remembers that bytes with these digests were read in full, so that the next render need not.
pub fn remember(digests: impl Iterator<Item = Sha256Hex>, sources: &Sources<'_>) {
    mark(digests, CHECKED, sources);
}

/// Remembers that a render was found to be valid.
pub fn remember_valid(case: Option<Sha256Hex>, sources: &Sources<'_>) {
    mark(case.into_iter(), VALID, sources);
}

/// Whether a render is remembered to be valid.
pub fn is_valid(case: &Sha256Hex, sources: &Sources<'_>) -> bool {
    sources.store.as_ref().is_some_and(|store| store.has_mark(case, VALID))
}

fn mark(digests: impl Iterator<Item = Sha256Hex>, mark: &str, sources: &Sources<'_>) {
    if let Some(store) = &sources.store {
        for digest in digests {
            // A cache that cannot be written costs time, never a render.
            let _ = store.set_mark(&digest, mark);
        }
    }
}
