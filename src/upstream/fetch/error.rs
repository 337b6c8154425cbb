//! Why an asset is not to be had: what failed, where, why, and what to do next.

use std::fmt;

use super::Voucher;
use crate::digest::Sha256Hex;
use crate::upstream::mirror::MirrorError;

/// An asset is not to be had. The message may have several lines, and shows no secrets.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// `--offline`, and neither the cache nor a mirror folder has the asset. The user is to blame, or nobody.
    #[error(
        "{what}: not at hand, and --offline forbids the network. It is published at{}{}\n\
         next: name a mirror with --mirror DIR or KNRENDER_MIRROR (`knrender upstream mirror DIR`, run where there is a \
         network, makes one), or run without --offline",
        lines(urls),
        lines(tried)
    )]
    Offline {
        /// The asset.
        what: String,
        /// Where it is published.
        urls: Vec<String>,
        /// Where knrender looked, and what it found there; one line each.
        tried: Vec<String>,
    },
    /// Every source failed. The network, the publisher or the version that was asked for is to blame.
    #[error("{what}: cannot be fetched{}\nnext: {next}", lines(tried))]
    Failed {
        /// The asset.
        what: String,
        /// Each source and why it failed; one line each.
        tried: Vec<String>,
        /// What to do.
        next: &'static str,
    },
    /// The bytes are not those that the catalog or the lock vouches for.
    #[error(transparent)]
    WrongBytes(Box<WrongBytes>),
    /// Nobody vouches for the bytes, and they cannot be what was asked for.
    #[error(
        "{what}: what came from {place} cannot be used: {why}\n\
         next: open the address in a browser, and check the version and the proxy; nothing was kept"
    )]
    Implausible {
        /// The asset.
        what: String,
        /// Where the bytes came from.
        place: String,
        /// What is wrong with them.
        why: &'static str,
    },
    /// The mirror folder has something that must not be passed over.
    #[error("{what}: {why}")]
    Mirror {
        /// The asset.
        what: String,
        /// What is wrong.
        why: MirrorError,
    },
}

/// What kind of source gave the wrong bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The publisher's URL.
    Publisher,
    /// A file in a mirror folder.
    MirrorFile,
    /// A URL of a mirror.
    MirrorUrl,
}

/// Bytes with another digest than the expected one.
#[derive(Debug)]
pub struct WrongBytes {
    /// The asset.
    pub what: String,
    /// Where the bytes came from: a URL, with a redirect if there was one, or a file as the user named the folder.
    pub at: String,
    /// What kind of source that is.
    pub place: Place,
    /// Who says what to expect.
    pub voucher: Voucher,
    /// The expected digest.
    pub expected: Sha256Hex,
    /// The expected size in bytes, if known.
    pub expected_size: Option<u64>,
    /// The digest of what came.
    pub got: Sha256Hex,
    /// How many bytes came.
    pub got_size: u64,
    /// What the bytes obviously are instead, if that is so.
    pub implausible: Option<&'static str>,
}

impl std::error::Error for WrongBytes {}

impl fmt::Display for WrongBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WrongBytes { what, at, voucher, expected, got, got_size, .. } = self;
        writeln!(f, "{what}: these are not the bytes that {voucher} vouches for")?;
        writeln!(f, "  from      {at}")?;
        match self.expected_size {
            Some(size) => writeln!(f, "  expected  sha256 {expected}, {size} bytes")?,
            None => writeln!(f, "  expected  sha256 {expected}")?,
        }
        writeln!(f, "  got       sha256 {got}, {got_size} bytes")?;
        write!(f, "next: {}", self.advice())
    }
}

impl WrongBytes {
    fn advice(&self) -> String {
        let short = self.expected_size.is_some_and(|size| self.got_size < size);
        match (self.place, self.implausible, self.voucher) {
            (Place::MirrorFile, _, _) => {
                "the mirror holds another file: delete it and run `knrender upstream mirror DIR` for that folder, where there \
                 is a network"
                    .into()
            }
            (Place::MirrorUrl, _, _) => {
                "the mirror serves another file: have it renewed from a folder that `knrender upstream mirror DIR` made".into()
            }
            (Place::Publisher, Some(why), _) => {
                format!("{why}; something between here and the publisher answered instead: check the proxy, then run again")
            }
            (Place::Publisher, None, _) if short => {
                "the file is shorter than it should be, so the download was probably cut off: run again. If it stays so, do \
                 not use the file, and report it"
                    .into()
            }
            (Place::Publisher, None, Voucher::Lock) => {
                "the published file changed after knrender.lock was written: do not use it before you know why. Ask the \
                 publisher; if the change is right, remove the entry from knrender.lock and run again"
                    .into()
            }
            (Place::Publisher, None, _) => {
                "the published file is not the one that this knrender was made with: do not use it. Look for a newer knrender, \
                 and report it to the publisher and to knrender"
                    .into()
            }
        }
    }
}

fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| ["\n  ", line]).collect()
}
