//! What a certificate of Sigstore's CA says. `webpki` judges chains; what it does not read is read here.

use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{self, DateTime, Decode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// To sign code.
pub(super) const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
/// Who vouched for the identity: text alone in the first form, a `UTF8String` in the second
/// (<https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>).
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// A certificate, read.
pub(super) struct Certificate(x509_cert::Certificate);

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Result<Certificate, String> {
        x509_cert::Certificate::from_der(der).map(Certificate).map_err(|e| format!("it is no X.509 certificate: {e}"))
    }

    fn body(&self) -> &x509_cert::TbsCertificate {
        self.0.tbs_certificate()
    }

    /// An extension that is there once at most.
    fn extension<'a, T>(&'a self, name: &str) -> Result<Option<T>, String>
    where
        T: der::Decode<'a> + der::oid::AssociatedOid,
        T::Error: std::fmt::Display,
    {
        self.body()
            .get_extension::<T>()
            .map(|found| found.map(|(_, value)| value))
            .map_err(|e| format!("its extension {name} cannot be read: {e}"))
    }

    /// From when on it is valid.
    pub(super) fn begins(&self) -> DateTime {
        self.body().validity().not_before.to_date_time()
    }

    /// Until when it is valid.
    pub(super) fn ends(&self) -> DateTime {
        self.body().validity().not_after.to_date_time()
    }

    /// Whether it may issue others.
    pub(super) fn is_ca(&self) -> bool {
        self.extension::<BasicConstraints>("basicConstraints").is_ok_and(|found| found.is_some_and(|limits| limits.ca))
    }

    /// How many CAs may stand between it and a certificate.
    pub(super) fn path_length(&self) -> Option<u8> {
        self.extension::<BasicConstraints>("basicConstraints").ok().flatten()?.path_len_constraint
    }

    /// Whether its issuer has its own name, as a root's has.
    pub(super) fn is_self_issued(&self) -> bool {
        self.body().issuer() == self.body().subject()
    }

    /// Whether it is for signatures, and for signatures of code.
    pub(super) fn may_sign(&self) -> Result<(), String> {
        if self.is_ca() {
            return Err("it is the certificate of a CA".to_owned());
        }
        let bits = self.extension::<KeyUsage>("keyUsage")?;
        if bits.is_some_and(|bits| !bits.digital_signature()) {
            return Err("its keyUsage does not have digitalSignature".to_owned());
        }
        match self.extension::<ExtendedKeyUsage>("extKeyUsage")? {
            Some(purposes) if purposes.0.contains(&CODE_SIGNING) => Ok(()),
            _ => Err("its extKeyUsage does not have codeSigning".to_owned()),
        }
    }

    /// The one identity that it is for: an e-mail address or a URI.
    pub(super) fn identity(&self) -> Result<String, String> {
        let names = self.extension::<SubjectAltName>("subjectAltName")?.map(|names| names.0).unwrap_or_default();
        match names.as_slice() {
            [GeneralName::Rfc822Name(name)] => Ok(name.as_str().to_owned()),
            [GeneralName::UniformResourceIdentifier(name)] => Ok(name.as_str().to_owned()),
            [] => Err("it names nobody (there is no subjectAltName)".to_owned()),
            [_] => Err("its subjectAltName is neither an e-mail address nor a URI".to_owned()),
            several => Err(format!("it names {} identities, and a signer has one", several.len())),
        }
    }

    /// Who vouched for the identity.
    pub(super) fn issuer(&self) -> Result<String, String> {
        let old = self.text_of(ISSUER, |bytes| std::str::from_utf8(bytes).ok())?;
        let new = self.text_of(ISSUER_V2, |bytes| Utf8StringRef::from_der(bytes).ok().map(|text| text.as_str()))?;
        match (old, new) {
            (Some(old), Some(new)) if old != new => Err(format!(
                "it names two issuers of the identity, {} and {}",
                crate::shown::line(&old),
                crate::shown::line(&new)
            )),
            (old, new) => {
                new.or(old).ok_or_else(|| format!("it does not say who vouched for the identity ({ISSUER_V2})"))
            }
        }
    }

    fn text_of(&self, oid: ObjectIdentifier, read: impl Fn(&[u8]) -> Option<&str>) -> Result<Option<String>, String> {
        let mut found = self.body().extensions().into_iter().flatten().filter(|extension| extension.extn_id == oid);
        let Some(first) = found.next() else { return Ok(None) };
        match read(first.extn_value.as_bytes()).filter(|_| found.next().is_none()) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(format!("its extension {oid} cannot be read")),
        }
    }

    /// Whether its key is one of ECDSA P-256; else what it is.
    pub(super) fn has_key_of_p256(&self) -> Result<(), String> {
        let AlgorithmIdentifierOwned { oid, parameters } = &self.body().subject_public_key_info().algorithm;
        let curve = parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        match (oid.to_string().as_str(), curve) {
            _ if *oid == EC && curve == Some(P256) => Ok(()),
            ("1.2.840.10045.2.1", Some(curve)) => Err(match curve.to_string().as_str() {
                "1.3.132.0.34" => "ECDSA P-384".to_owned(),
                "1.3.132.0.35" => "ECDSA P-521".to_owned(),
                other => format!("ECDSA on the curve {other}"),
            }),
            ("1.2.840.113549.1.1.1", _) => Err("RSA".to_owned()),
            ("1.3.101.112", _) => Err("Ed25519".to_owned()),
            (other, _) => Err(format!("of the kind {other}")),
        }
    }

    /// Why no chain was found, for people.
    pub(super) fn explain(&self, error: &webpki::Error) -> String {
        use webpki::Error as E;
        let (begins, issuer) = (self.begins(), self.body().issuer().to_string());
        let issuer = crate::shown::line(&issuer);
        match error {
            E::UnknownIssuer => format!(
                "no certificate there or beside it is of its issuer, `{issuer}`; the trust root needs the intermediate CA, too"
            ),
            E::InvalidSignatureForPublicKey => format!("the key of `{issuer}` there did not sign it"),
            E::CertExpired { .. } | E::CertNotValidYet { .. } => {
                format!("a CA in between was not valid at {begins}, when the certificate was issued")
            }
            E::CaUsedAsEndEntity => "it is the certificate of a CA, and those sign no files".to_owned(),
            E::EndEntityUsedAsCa => "what is to have issued it is no CA".to_owned(),
            E::RequiredEkuNotFoundContext(_) => {
                "its extKeyUsage, or that of a CA in between, does not have codeSigning".to_owned()
            }
            E::PathLenConstraintViolated => "a CA in between may not have so many below it".to_owned(),
            E::InvalidCertValidity => "it ends before it begins".to_owned(),
            other => format!("{other}"),
        }
    }
}
