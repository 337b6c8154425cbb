//! Upstream files inside the binary, for a first render without a network: what the mirror folder had that `KNRENDER_BUNDLE` named
//! when it was built. A source of bytes like a mirror, and held to the same digests.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

use super::address;

/// Places as in a mirror (`HOST/PATH`) and deflated bytes.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// How many files there are.
pub fn count() -> usize {
    FILES.len()
}

/// The bytes that were published at a URL; `None` where the bundle has none, or they have more than `limit` bytes.
pub fn get(url: &str, limit: u64) -> Option<Vec<u8>> {
    let place = address::place(url).ok()?.join("/");
    let (_, packed) = FILES.iter().find(|(path, _)| *path == place)?;
    let mut bytes = Vec::new();
    DeflateDecoder::new(*packed).take(limit + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= limit).then_some(bytes)
}
