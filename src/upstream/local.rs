//! An asset that the user hands over as a file, such as a chart rendered elsewhere. It is held to the lock like any other.

use std::io::{self, Read as _};
use std::path::Path;

use crate::digest::Sha256Hex;
use crate::regular;
use crate::upstream::fetch::{Limits, Obtained, Source};

/// What stands in place of a URL in provenance and lock: where the file is on this machine is nobody's business.
pub const ORIGIN: &str = "a file of the user's own";

/// Why a file is no asset.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// It cannot be read.
    #[error("{path}: cannot be read: {why}; it is named by --gloo-manifest, or `gloo-manifest` in knrender.yaml")]
    Unreadable {
        /// The file.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// It is larger than any asset may be.
    #[error("{path} has more than {limit} bytes, which is more than any manifest of this kind; is it the right file?")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is not what the lock holds it to.
    #[error(
        "{path} has sha256 {got}, and {lock} holds {name} to {locked}. If the change is meant, remove the entry of {name} \
         from {lock} and render again"
    )]
    Changed {
        /// The file.
        path: String,
        /// The asset.
        name: String,
        /// The lock file.
        lock: String,
        /// What the lock says.
        locked: Sha256Hex,
        /// What the file has.
        got: Sha256Hex,
    },
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> Result<Obtained, LocalError> {
    let shown = || crate::shown::path(path);
    let limit = Limits::default().max_bytes;
    let mut bytes = Vec::new();
    let file = regular::open(path).map_err(|why| LocalError::Unreadable { path: shown(), why })?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|why| LocalError::Unreadable { path: shown(), why })?;
    if bytes.len() as u64 > limit {
        return Err(LocalError::TooLarge { path: shown(), limit });
    }
    Ok(Obtained {
        sha256: Sha256Hex::of(&bytes),
        bytes,
        url: ORIGIN.to_owned(),
        from: Source::File,
        warnings: Vec::new(),
    })
}
