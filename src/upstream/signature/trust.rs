//! The CAs that the user hands over: PEM, or Sigstore's `trusted_root.json`. None is trusted because it is in the file: the catalog
//! knows roots by their digests.

use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use x509_cert::der::DateTime;

use crate::digest::Sha256Hex;
use crate::{regular, yaml};

/// How large the file may be. Sigstore's has 7 KB.
const MAX: u64 = 1 << 20;

/// The CAs of a file.
#[derive(Clone, Debug)]
pub struct TrustRoot {
    /// The file, as people may see it.
    pub shown: String,
    /// Its certificates, in their order.
    pub given: Vec<Given>,
}

/// A certificate of a trust root.
#[derive(Clone, Debug)]
pub struct Given {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// Its digest.
    pub sha256: Sha256Hex,
    /// When the file trusts it, where it says so.
    pub trusted: Option<Trusted>,
}

/// When a trust root trusts a CA.
#[derive(Clone, Debug)]
pub struct Trusted {
    start: String,
    end: Option<String>,
}

/// Why a trust root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("the trust root {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// It has no certificates.
    #[error("the trust root {path} has no certificates: {why}. Give PEM, or Sigstore's trusted_root.json")]
    Format {
        /// The file.
        path: String,
        /// The reason.
        why: String,
    },
}

impl Trusted {
    /// Whether a CA is trusted at a time. Both are texts of one form, as far as seconds go.
    pub(super) fn holds(&self, time: DateTime) -> bool {
        let seconds = |text: &str| text.get(..19).unwrap_or(text).to_owned();
        let time = seconds(&time.to_string());
        time >= seconds(&self.start) && self.end.as_ref().is_none_or(|end| time <= seconds(end))
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.start)?;
        self.end.as_ref().map_or(Ok(()), |end| write!(f, " to {end}"))
    }
}

/// What is read of `trusted_root.json`
/// (<https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sigstore {
    certificate_authorities: Vec<Authority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authority {
    cert_chain: Chain,
    valid_for: Option<ValidFor>,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    raw_bytes: String,
}

#[derive(Clone, Deserialize)]
struct ValidFor {
    start: Option<String>,
    end: Option<String>,
}

impl TrustRoot {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<TrustRoot, TrustError> {
        let shown = crate::shown::path(path);
        let unreadable = |why| TrustError::Unreadable { path: shown.clone(), why };
        let bytes = regular::read_regular(path, MAX)
            .map_err(unreadable)?
            .ok_or_else(|| unreadable(io::Error::from(io::ErrorKind::NotFound)))?;
        TrustRoot::of(&bytes, &shown).map_err(|why| TrustError::Format { path: shown, why })
    }

    /// Reads its text; `shown` is the file for messages.
    pub(super) fn of(bytes: &[u8], shown: &str) -> Result<TrustRoot, String> {
        let given = if bytes.trim_ascii_start().starts_with(b"{") { sigstore(bytes)? } else { plain(bytes)? };
        Ok(TrustRoot { shown: shown.to_owned(), given })
    }
}

fn plain(bytes: &[u8]) -> Result<Vec<Given>, String> {
    let all = certificates(bytes)?;
    Ok(all.into_iter().map(|der| Given { sha256: Sha256Hex::of(&der), der, trusted: None }).collect())
}

fn sigstore(bytes: &[u8]) -> Result<Vec<Given>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let root: Sigstore = yaml::parse_as(text).map_err(|e| format!("it is no trusted_root.json: {e}"))?;
    let mut given = Vec::new();
    for authority in root.certificate_authorities {
        let trusted = authority.valid_for.and_then(|ValidFor { start, end }| {
            Some(Trusted { start: start.or_else(|| end.as_ref().map(|_| String::new()))?, end })
        });
        for raw in authority.cert_chain.certificates {
            let der = base64(raw.raw_bytes.as_bytes()).map_err(|why| format!("a certificate in it: {why}"))?;
            given.push(Given { sha256: Sha256Hex::of(&der), der: CertificateDer::from(der), trusted: trusted.clone() });
        }
    }
    bounded(given)
}

/// The certificates of a PEM text, which may be wrapped in base64.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrapped;
    let pem = if text.trim_ascii_start().starts_with(b"-----BEGIN") {
        text
    } else {
        wrapped = base64(text).map_err(|why| format!("it is neither PEM nor base64 of it: {why}"))?;
        &wrapped
    };
    // Files of Sigstore end without a line end, so that `cat` puts two marks on one line.
    let pem = String::from_utf8_lossy(pem).replace("----------BEGIN", "-----\n-----BEGIN");
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|e| format!("its PEM is damaged: {e}"))?;
    if all.is_empty() {
        return Err("there is no `-----BEGIN CERTIFICATE-----` in it".to_owned());
    }
    bounded(all.into_iter().map(CertificateDer::into_owned).collect())
}

fn bounded<T>(all: Vec<T>) -> Result<Vec<T>, String> {
    let most = super::CERTIFICATES_MAX;
    if all.len() > most { Err(format!("it has {} certificates, more than {most}", all.len())) } else { Ok(all) }
}

/// Base64 as files have it, with white space.
pub(super) fn base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|e| format!("its base64 is damaged or cut short ({e})"))
}
