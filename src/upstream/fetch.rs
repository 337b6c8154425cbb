//! Getting the bytes of an asset: from the cache, a mirror, or the network, in this order.
//!
//! - Bytes with a known digest are checked against it wherever they come from. Bytes that do not match end the matter:
//!   there is no looking further for a source that agrees.
//! - A source that has nothing, or does not answer, is passed over; the next one is asked.
//! - The second URL of an asset is another place of the same bytes.
//! - No network client is made before the network is really needed.

mod client;
mod error;
mod http;
mod limits;
mod proxy;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::http::Download;
use super::address::{self, AddressError};
use super::bundle;
use super::mirror::{self, Mirror, MirrorError};
use super::store::Store;
use crate::digest::Sha256Hex;

pub use self::client::Clients;
pub(crate) use self::client::{NoAnswer, Response};
pub use self::error::{FetchError, Place, WrongBytes};
pub use self::limits::Limits;

/// Told how downloads go. Several may run at once, each known by its URL, which is shown without secrets.
pub trait Progress: Sync {
    /// An attempt begins. Called again when the answer begins, with its size in bytes where the server tells.
    fn start(&self, url: &str, total: Option<u64>);
    /// So many more bytes came.
    fn advance(&self, url: &str, bytes: u64);
    /// The attempt ended; called once for each attempt. `ok`: the body is here (its digest is not checked yet).
    fn finish(&self, url: &str, ok: bool);
    /// The attempt failed; after a pause, `attempt` (2 is the second) follows.
    fn retry(&self, url: &str, attempt: u32, why: &str);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64) {}
    fn finish(&self, _: &str, _: bool) {}
    fn retry(&self, _: &str, _: u32, _: &str) {}
}

/// What the bytes of an asset must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Their digest.
    pub sha256: Sha256Hex,
    /// How many they are. For messages: the digest decides.
    pub size: Option<u64>,
}

/// Who says what the bytes must be. For messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voucher {
    /// The catalog in knrender.
    Catalog,
    /// `knrender.lock`.
    Lock,
    /// Nobody does, yet.
    None,
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Voucher::Catalog => "knrender's catalog",
            Voucher::Lock => "knrender.lock",
            Voucher::None => "the digest given",
        })
    }
}

/// One asset that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its name for people: `gloo v1.3.9 gloo-knative`.
    pub what: &'a str,
    /// Where it is published, best first. All have the same bytes.
    pub urls: &'a [String],
    /// What the bytes must be, if that is known.
    pub expected: Option<&'a Expected>,
    /// Who says so.
    pub voucher: Voucher,
}

/// Where bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cache. Its digest was known.
    Cache,
    /// The bundle in the binary. Its digest was known.
    Bundle,
    /// A mirror.
    Mirror,
    /// The publisher.
    Network,
    /// A file of the user's own.
    File,
}

/// The bytes of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obtained {
    /// The bytes, as published.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub sha256: Sha256Hex,
    /// The public URL they stand for, without secrets: that of the source that had them, the first one for the cache.
    /// Never an address of a mirror.
    pub url: String,
    /// Where they came from.
    pub from: Source,
    /// What went wrong on the way and does not matter for this run; one line each.
    pub warnings: Vec<String>,
}

/// Where to look for bytes.
pub struct Sources<'a> {
    /// The cache, if any.
    pub store: Option<Store>,
    /// The mirror, if any.
    pub mirror: Option<Mirror>,
    /// Whether the network may be asked. Without, a mirror's URL is not asked either; a mirror's folder is.
    pub network: bool,
    /// How long and how much.
    pub limits: Limits,
    /// Who is told.
    pub progress: &'a dyn Progress,
    /// The network clients: `Clients::default()`. Made when first needed, with the limits of that moment.
    pub clients: Clients,
}

/// What is known of one asset when the cache and the mirror's folder did not have it.
#[derive(Clone, Debug, Default)]
struct Notes {
    tried: Vec<String>,
    warnings: Vec<String>,
    /// So far every source that could be asked said that there is no such file.
    absent: bool,
}

/// Bytes whose digest is not checked yet.
struct Candidate {
    bytes: Vec<u8>,
    url: String,
    at: String,
    place: Place,
}

enum Step {
    Done(Result<Obtained, FetchError>),
    Ask(Notes),
}

impl<'a> Sources<'a> {
    /// The network alone, with default limits: set the fields to change that.
    pub fn new(progress: &'a dyn Progress) -> Sources<'a> {
        let limits = Limits::default();
        Sources { store: None, mirror: None, network: true, limits, progress, clients: Clients::default() }
    }

    /// The bytes of one asset.
    pub fn obtain(&self, request: &Request<'_>) -> Result<Obtained, FetchError> {
        match self.look(request) {
            Step::Done(result) => result,
            Step::Ask(notes) => self.ask(request, notes),
        }
    }

    /// The bytes of several assets, in the order of `requests`. What has to come over the network comes in parallel. A
    /// warning that several assets share is given with the first of them.
    pub fn obtain_all(&self, requests: &[Request<'_>]) -> Vec<Result<Obtained, FetchError>> {
        let mut done = Vec::with_capacity(requests.len());
        let mut open = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            match self.look(request) {
                Step::Done(result) => done.push((index, result)),
                Step::Ask(notes) => open.push((index, request, notes)),
            }
        }
        done.append(&mut self.ask_all(open));
        done.sort_by_key(|(index, _)| *index);
        let mut results: Vec<_> = done.into_iter().map(|(_, result)| result).collect();
        let mut told = Vec::new();
        for obtained in results.iter_mut().flatten() {
            obtained.warnings.retain(|warning| !told.contains(warning));
            told.extend_from_slice(&obtained.warnings);
        }
        results
    }

    /// What a URL answers that no digest vouches for, within the limits: over https, or http to this machine.
    ///
    /// # Errors
    /// In words that name the URL: it is none, or nothing came.
    pub fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        let parsed = address::parse(url).map_err(|e| e.to_string())?;
        let download = self.clients.get(&parsed, &self.limits, self.progress);
        download.map(|download| download.bytes).map_err(|failure| format!("{}: {}", address::shown(url), failure.why))
    }

    fn ask_all(&self, open: Vec<(usize, &Request<'_>, Notes)>) -> Vec<(usize, Result<Obtained, FetchError>)> {
        let workers = open.len().min(self.limits.parallel.max(1));
        if workers < 2 {
            return open.into_iter().map(|(index, request, notes)| (index, self.ask(request, notes))).collect();
        }
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some((index, request, notes)) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((*index, self.ask(request, notes.clone())));
            }
            done
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|w| w.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug)));
            joined.flatten().collect()
        })
    }

    /// Looks where no network is needed.
    fn look(&self, request: &Request<'_>) -> Step {
        let mut notes = Notes { absent: true, ..Notes::default() };
        if let (Some(store), Some(expected)) = (&self.store, request.expected) {
            match store.get(&expected.sha256) {
                Ok(Some(bytes)) => {
                    let url = request.urls.first().map(|url| address::shown(url)).unwrap_or_default();
                    let (sha256, warnings) = (expected.sha256, Vec::new());
                    return Step::Done(Ok(Obtained { bytes, sha256, url, from: Source::Cache, warnings }));
                }
                Ok(None) => {}
                Err(e) => {
                    notes.tried.push(e.to_string());
                    notes.warnings.push(e.to_string());
                }
            }
        }
        if let Some(expected) = request.expected {
            let bundled = request.urls.iter().find_map(|url| Some((url, bundle::get(url, self.limits.max_bytes)?)));
            if let Some((url, bytes)) = bundled.filter(|(_, bytes)| Sha256Hex::of(bytes) == expected.sha256) {
                let (url, sha256, warnings) =
                    (address::shown(url), expected.sha256, std::mem::take(&mut notes.warnings));
                return Step::Done(Ok(Obtained { bytes, sha256, url, from: Source::Bundle, warnings }));
            }
        }
        if let Some(Mirror::Dir(dir)) = &self.mirror {
            match self.look_in_folder(dir, request, &mut notes) {
                Ok(Some(obtained)) => return Step::Done(Ok(obtained)),
                Ok(None) => {}
                Err(e) => return Step::Done(Err(e)),
            }
        }
        if self.network {
            return Step::Ask(notes);
        }
        if let Some(mirror @ Mirror::Url(_)) = &self.mirror {
            notes.tried.push(format!("the mirror {mirror} is a URL, which --offline forbids too"));
        }
        let urls = request.urls.iter().map(|url| address::shown(url)).collect();
        Step::Done(Err(FetchError::Offline { what: request.what.to_owned(), urls, tried: notes.tried }))
    }

    fn look_in_folder(
        &self,
        dir: &Path,
        request: &Request<'_>,
        notes: &mut Notes,
    ) -> Result<Option<Obtained>, FetchError> {
        for url in request.urls {
            let segments = match address::place(url) {
                Ok(segments) => segments,
                Err(e) => {
                    notes.no_place(&e);
                    continue;
                }
            };
            let at = format!("{}/{}", crate::shown::path(dir).trim_end_matches('/'), segments.join("/"));
            match mirror::mirror_read(dir, url, self.limits.max_bytes) {
                Ok(Some(bytes)) => {
                    let found = Candidate { bytes, url: address::shown(url), at, place: Place::MirrorFile };
                    let warnings = std::mem::take(&mut notes.warnings);
                    return check(request, found).map(|obtained| Some(Obtained { warnings, ..obtained }));
                }
                Ok(None) => notes.tried.push(format!("{at}: no such file in the mirror")),
                Err(MirrorError::Address(e)) => notes.no_place(&e),
                Err(why) => return Err(FetchError::Mirror { what: request.what.to_owned(), why }),
            }
        }
        Ok(None)
    }

    /// Asks over the network: the mirror's URL, then the publisher's.
    fn ask(&self, request: &Request<'_>, mut notes: Notes) -> Result<Obtained, FetchError> {
        let mirror = self.mirror.as_ref().filter(|mirror| matches!(mirror, Mirror::Url(_)));
        let mirrored = mirror
            .into_iter()
            .flat_map(|mirror| request.urls.iter().map(move |url| (url, mirror.place(url), Place::MirrorUrl)));
        let published =
            request.urls.iter().map(|url| (url, address::parse(url).map(mirror::Place::Url), Place::Publisher));
        for (url, place, kind) in mirrored.chain(published) {
            let at = match place {
                Ok(mirror::Place::Url(at)) => at,
                Ok(mirror::Place::File(_)) => continue,
                Err(e) => {
                    notes.no_place(&e);
                    continue;
                }
            };
            match self.clients.get(&at, &self.limits, self.progress) {
                Ok(Download { bytes, last }) => {
                    let mut shown = address::shown(at.as_str());
                    if let Some(last) = last {
                        shown = format!("{shown} (redirected to {})", address::shown(last.as_str()));
                    }
                    let obtained =
                        check(request, Candidate { bytes, url: address::shown(url), at: shown, place: kind })?;
                    return Ok(self.keep(obtained, notes.warnings));
                }
                Err(failure) => {
                    let line = format!("{}: {}", address::shown(at.as_str()), failure.why);
                    // That a mirror lacks a file is nothing to warn of.
                    if !(failure.absent && kind == Place::MirrorUrl) {
                        notes.warnings.push(format!("{}: passed over: {line}", request.what));
                    }
                    notes.tried.push(line);
                    notes.absent &= failure.absent;
                }
            }
        }
        let next = match (request.urls.is_empty(), notes.absent) {
            (true, _) => "nobody says where it is published: this is a mistake in the catalog",
            (_, true) => {
                "no such file is published there: check the version (`knrender upstream` lists those that are known)"
            }
            (_, false) => {
                "check the network and the proxy (HTTPS_PROXY, NO_PROXY) and run again, or name a mirror with --mirror or \
                 KNRENDER_MIRROR; `knrender upstream mirror DIR`, run where there is a network, makes one"
            }
        };
        Err(FetchError::Failed { what: request.what.to_owned(), tried: notes.tried, next })
    }

    /// Keeps what came over the network. That it cannot be kept is no reason not to use it.
    fn keep(&self, obtained: Obtained, mut warnings: Vec<String>) -> Obtained {
        if let Some(Err(e)) = self.store.as_ref().map(|store| store.put(&obtained.bytes)) {
            warnings.push(e.to_string());
        }
        Obtained { warnings, ..obtained }
    }
}

impl Notes {
    fn no_place(&mut self, error: &AddressError) {
        self.tried.push(error.to_string());
        self.warnings.push(error.to_string());
        self.absent = false;
    }
}

/// Holds bytes against what is known of them.
fn check(request: &Request<'_>, found: Candidate) -> Result<Obtained, FetchError> {
    let Candidate { bytes, url, at, place } = found;
    let sha256 = Sha256Hex::of(&bytes);
    let implausible = implausible(&bytes);
    match (request.expected, implausible) {
        (Some(expected), _) if expected.sha256 != sha256 => Err(FetchError::WrongBytes(Box::new(WrongBytes {
            what: request.what.to_owned(),
            at,
            place,
            voucher: request.voucher,
            expected: expected.sha256,
            expected_size: expected.size,
            got: sha256,
            got_size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            implausible,
        }))),
        (None, Some(why)) => Err(FetchError::Implausible { what: request.what.to_owned(), place: at, why }),
        _ => {
            let from = if place == Place::Publisher { Source::Network } else { Source::Mirror };
            Ok(Obtained { bytes, sha256, url, from, warnings: Vec::new() })
        }
    }
}

/// Why these bytes are obviously no YAML, JSON or text that anybody publishes for Kubernetes.
fn implausible(bytes: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some("it is not UTF-8 text") };
    if text.contains('\0') {
        return Some("it has NUL bytes, so it is no text");
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |start: &str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    match () {
        () if text.is_empty() => Some("it is empty"),
        () if begins("<!doctype") || begins("<html") => Some("it is an HTML page"),
        () if begins("<?xml") => Some("it is an XML document"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_manifest() {
        for (bytes, expected) in [
            (b"".as_slice(), "empty"),
            (b" \n\t", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"<!DOCTYPE html><title>Log in</title>", "HTML"),
            (b"\n\n <HTML>", "HTML"),
            (b"<?xml version='1.0'?><Error/>", "XML"),
            (b"\x1f\x8b\x08\x00", "UTF-8"),
            (b"a\0b", "NUL"),
        ] {
            assert!(implausible(bytes).unwrap().contains(expected), "{bytes:?}");
        }
        for bytes in ["a: 1\n", "# <html>\n", "{}", "\u{feff}a: 1", "é", "<"] {
            assert_eq!(implausible(bytes.as_bytes()), None);
        }
    }
}
