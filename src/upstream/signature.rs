//! Whether a publisher signed a list of digests, checked without a network: the signatures that cosign makes without a key of one's
//! own, which a certificate of ten minutes vouches for.
//!
//! What holds here: a CA that the catalog knows by its digest issued the certificate; the certificate was for signing code, for the
//! identity and by way of the issuer that the catalog names; and its key signed these bytes. What does not: *when*. The certificate
//! says when its key was to be used, and only the entry in Sigstore's transparency log proves that it was; a release carries none.
//! Neither is the certificate's own entry in the log of certificates (its SCT) checked.

mod certificate;
mod trust;

#[cfg(test)]
mod tests;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{EndEntityCert, KeyUsage, ring};
use x509_cert::der;

use self::certificate::{CODE_SIGNING, Certificate};
pub use self::trust::{Given, TrustError, TrustRoot};
use super::catalog::{Publisher, Root};

/// How large the files may be, in bytes: some hundred times what they are.
const CERTIFICATE_MAX: usize = 64 << 10;
const SIGNATURE_MAX: usize = 16 << 10;

/// How many certificates may stand in one file.
const CERTIFICATES_MAX: usize = 64;

/// What the certificates may be signed with: Sigstore's CA has keys of P-384.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] =
    &[ring::ECDSA_P384_SHA384, ring::ECDSA_P384_SHA256, ring::ECDSA_P256_SHA384, ring::ECDSA_P256_SHA256];

/// The files of a release that belong to a signature.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// What was signed.
    pub list: &'a [u8],
    /// The certificate: PEM, or that in base64, as cosign writes it.
    pub certificate: &'a [u8],
    /// The signature, in base64.
    pub signature: &'a [u8],
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBy {
    /// The identity in the certificate.
    pub identity: String,
    /// Who vouched for it to the CA.
    pub issuer: String,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The certificate is none that can be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// The signature is none that can be read.
    #[error("the signature cannot be read: {0}")]
    Signature(String),
    /// The trust root has no CA that the catalog knows.
    #[error(
        "{path} has no root certificate that the catalog knows. It has {has}; the catalog knows {knows}. Take {see}, or name your own \
             root in a catalog of your own (`publisher: {{roots: [{{sha256: ...}}]}}`)"
    )]
    UnknownRoot {
        /// The trust root.
        path: String,
        /// What is in it.
        has: String,
        /// What would do.
        knows: String,
        /// Where it is.
        see: String,
    },
    /// No CA of the trust root issued the certificate.
    #[error("the certificate does not lead to a root of {path}: {why}")]
    Chain {
        /// The trust root.
        path: String,
        /// The reason.
        why: String,
    },
    /// The certificate is not for this.
    #[error("the certificate is not one to sign with: {0}")]
    Purpose(String),
    /// Somebody else signed.
    #[error("it was signed by {got}, and the catalog names {expected} as its publisher's {what}")]
    Who {
        /// `identity` or `issuer`.
        what: &'static str,
        /// As the certificate says.
        got: String,
        /// As the catalog says.
        expected: String,
    },
    /// The key is of a kind that is not checked here.
    #[error(
        "the key is {0}, and knrender checks ECDSA P-256 with SHA-256 alone, which is what cosign signs with; let cosign check it"
    )]
    Unsupported(String),
    /// The signature is of other bytes, or by another key.
    #[error(
        "the signature does not fit: it was made over other bytes, or with another key than that of the certificate"
    )]
    Wrong,
}

/// Who signed the list: the publisher, or an error.
pub fn check(files: &Files<'_>, trust: &TrustRoot, publisher: &Publisher) -> Result<SignedBy, SignatureError> {
    let presented = presented(files.certificate)?;
    let Some((leaf, more)) = presented.split_first() else {
        return Err(SignatureError::Certificate("there is none in the file".to_owned()));
    };
    let certificate = Certificate::read(leaf).map_err(SignatureError::Certificate)?;
    check_chain(leaf, &certificate, more, trust, &publisher.roots)?;
    certificate.may_sign().map_err(SignatureError::Purpose)?;
    let signed_by = SignedBy {
        identity: certificate.identity().map_err(SignatureError::Certificate)?,
        issuer: certificate.issuer().map_err(SignatureError::Certificate)?,
    };
    for (what, got, expected) in
        [("identity", &signed_by.identity, &publisher.identity), ("issuer", &signed_by.issuer, &publisher.issuer)]
    {
        if got != expected {
            let (got, expected) = (crate::shown::line(got).into_owned(), expected.clone());
            let got = if what == "issuer" { format!("an identity that {got} vouched for") } else { got };
            return Err(SignatureError::Who { what, got, expected });
        }
    }
    certificate.has_key_of_p256().map_err(SignatureError::Unsupported)?;
    let signature = signature(files.signature)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|e| SignatureError::Certificate(e.to_string()))?;
    leaf.verify_signature(ring::ECDSA_P256_SHA256, files.list, &signature).map_err(|_| SignatureError::Wrong)?;
    Ok(signed_by)
}

/// The certificates of a PEM text, which may be wrapped in base64.
fn presented(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, SignatureError> {
    if text.len() > CERTIFICATE_MAX {
        return Err(SignatureError::Certificate(format!("it is larger than {CERTIFICATE_MAX} bytes")));
    }
    trust::certificates(text).map_err(SignatureError::Certificate)
}

/// The bytes of a signature.
fn signature(text: &[u8]) -> Result<Vec<u8>, SignatureError> {
    if text.len() > SIGNATURE_MAX {
        return Err(SignatureError::Signature(format!("it is larger than {SIGNATURE_MAX} bytes")));
    }
    trust::base64(text).map_err(SignatureError::Signature).and_then(|bytes| {
        if bytes.is_empty() { Err(SignatureError::Signature("it is empty".to_owned())) } else { Ok(bytes) }
    })
}

/// Whether a root that is known issued the certificate, by way of others, at the time when the certificate began.
fn check_chain(
    leaf: &CertificateDer<'_>,
    certificate: &Certificate,
    more: &[CertificateDer<'_>],
    trust: &TrustRoot,
    known: &[Root],
) -> Result<(), SignatureError> {
    let time = certificate.begins();
    let at = UnixTime::since_unix_epoch(time.unix_duration());
    let roots: Vec<&Given> =
        trust.given.iter().filter(|given| known.iter().any(|root| root.sha256 == given.sha256)).collect();
    if roots.is_empty() {
        return Err(unknown_root(trust, known));
    }
    let leaf = EndEntityCert::try_from(leaf).map_err(|e| SignatureError::Certificate(e.to_string()))?;
    let others: Vec<CertificateDer<'_>> =
        more.iter().cloned().chain(trust.given.iter().map(|given| given.der.clone())).collect();
    let mut why = String::new();
    for root in roots {
        let tried = is_ca_at(root, time).and_then(|()| anchor(root)).and_then(|anchor| {
            let anchors = [anchor];
            let usage = KeyUsage::required_if_present(CODE_SIGNING.as_bytes());
            let path = leaf
                .verify_for_usage(ALGORITHMS, &anchors, &others, at, usage, None, None)
                .map_err(|error| certificate.explain(&error))?;
            let between = path.intermediate_certificates().count();
            match Certificate::read(&root.der)?.path_length() {
                Some(most) if between > usize::from(most) => {
                    Err(format!("the root allows {most} CAs below it, and there are {between}"))
                }
                _ => Ok(()),
            }
        });
        match tried {
            Ok(()) => return Ok(()),
            Err(reason) => why = reason,
        }
    }
    Err(SignatureError::Chain { path: trust.shown.clone(), why })
}

fn anchor(root: &Given) -> Result<TrustAnchor<'_>, String> {
    webpki::anchor_from_trusted_cert(&root.der).map_err(|e| format!("the root cannot be read: {e}"))
}

/// Whether a root could issue certificates at a time.
fn is_ca_at(root: &Given, time: der::DateTime) -> Result<(), String> {
    let certificate = Certificate::read(&root.der).map_err(|why| format!("the root cannot be read: {why}"))?;
    if !certificate.is_ca() {
        return Err("the root is no CA".to_owned());
    }
    let (start, end) = (certificate.begins(), certificate.ends());
    if time < start || time > end {
        return Err(format!("the root is for {start} to {end}, and the certificate is of {time}"));
    }
    match root.trusted.as_ref().filter(|trusted| !trusted.holds(time)) {
        Some(trusted) => Err(format!("the root is trusted {trusted}, and the certificate is of {time}")),
        None => Ok(()),
    }
}

fn unknown_root(trust: &TrustRoot, known: &[Root]) -> SignatureError {
    let list = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let own: Vec<String> = trust
        .given
        .iter()
        .filter(|given| Certificate::read(&given.der).is_ok_and(|c| c.is_ca() && c.is_self_issued()))
        .map(|given| format!("sha256 {}", given.sha256))
        .collect();
    SignatureError::UnknownRoot {
        path: trust.shown.clone(),
        has: list(own),
        knows: list(known.iter().map(|root| format!("sha256 {} ({})", root.sha256, root.name)).collect()),
        see: known.iter().find_map(|root| root.see.clone()).unwrap_or_else(|| "the publisher's CA".to_owned()),
    }
}
