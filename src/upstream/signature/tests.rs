//! Signatures of our own making, in the form of cosign's: `tests/fixtures/signature/make.py` made them, and no key is kept.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::*;
use crate::upstream::catalog::Catalog;
use crate::yaml;

const LIST: &[u8] = include_bytes!("../../../tests/fixtures/signature/checksums.txt");
const CASES: &str = include_str!("../../../tests/fixtures/signature/cases.json");

#[derive(Deserialize)]
struct Cases {
    trust: BTreeMap<String, String>,
    roots: BTreeMap<String, String>,
    #[serde(rename = "cases")]
    signed: BTreeMap<String, Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    certificate: String,
    signature: String,
}

fn cases() -> Cases {
    yaml::parse_as(CASES).unwrap()
}

/// Knative's publisher, with roots of ours in place of Sigstore's.
fn publisher(roots: &[&str]) -> Publisher {
    let cases = cases();
    let root = |name: &&str| Root { sha256: cases.roots[*name].parse().unwrap(), name: (*name).to_owned(), see: None };
    let catalog = Catalog::embedded();
    let publisher = catalog.component("knative-serving").unwrap().publisher.clone().unwrap();
    Publisher { roots: roots.iter().map(root).collect(), ..publisher }
}

fn trust(name: &str) -> TrustRoot {
    TrustRoot::of(cases().trust[name].as_bytes(), "trust.pem").unwrap()
}

fn of(case: &Case, trust: &TrustRoot, publisher: &Publisher) -> Result<SignedBy, SignatureError> {
    let files = Files { list: LIST, certificate: case.certificate.as_bytes(), signature: case.signature.as_bytes() };
    check(&files, trust, publisher)
}

/// What is said of a case, with a trust root and the roots that the catalog knows.
fn judged(case: &str, trust_root: &str, roots: &[&str]) -> Result<SignedBy, String> {
    of(&cases().signed[case], &trust(trust_root), &publisher(roots)).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(case: &str, trust_root: &str, roots: &[&str], why: &str) {
    let error = judged(case, trust_root, roots).unwrap_err();
    assert!(error.contains(why), "{case}: {error}");
}

#[test]
fn what_the_publisher_signed_is_said_to_be_signed_by_it() {
    let signed = judged("good", "good", &["root"]).unwrap();
    assert_eq!(signed.identity, "signer@knative-releases.iam.gserviceaccount.com");
    assert_eq!(signed.issuer, "https://accounts.google.com");
    for case in ["good, old issuer alone", "good, new issuer alone", "with its chain", "by the root itself"] {
        assert_eq!(judged(case, "good", &["root"]).as_ref(), Ok(&signed), "{case}");
    }
    assert_eq!(judged("with its chain", "root alone", &["root"]), Ok(signed));
}

#[test]
fn a_certificate_that_is_wrapped_in_base64_is_unwrapped() {
    let mut case = cases().signed["good"].clone();
    case.certificate = STANDARD.encode(&case.certificate);
    case.signature = format!("{}\n{}\r\n", &case.signature[..40], &case.signature[40..]);
    of(&case, &trust("good"), &publisher(&["root"])).unwrap();
}

#[test]
fn certificates_without_a_line_end_between_them_are_all_read() {
    let joined = cases().trust["good"].replace("-----\n-----BEGIN", "----------BEGIN");
    assert_eq!(TrustRoot::of(joined.trim_end().as_bytes(), "t").unwrap().given.len(), 2);
}

#[test]
fn sigstores_own_form_of_a_trust_root_is_read_with_its_times() {
    judged("good", "sigstore", &["root"]).unwrap();
    refused(
        "good",
        "sigstore, ended",
        &["root"],
        "to 2025-12-31T23:59:59.999Z, and the certificate is of 2026-07-29T12:00:00Z",
    );
}

#[test]
fn a_root_that_the_catalog_does_not_know_is_refused_whatever_it_signed() {
    let known = &cases().roots["root"];
    refused("of the other root", "other", &["root"], known);
    refused("of the other root", "other", &["root"], &cases().roots["other root"]);
    refused("good", "intermediate alone", &["root"], "It has none");
    refused("of the other root", "both", &["root"], "the key of");
    judged("good", "both", &["root"]).unwrap();
}

#[test]
fn every_certificate_of_the_chain_has_to_be_there_and_valid_when_the_certificate_began() {
    refused("good", "root alone", &["root"], "the trust root needs the intermediate CA, too");
    refused("of the short intermediate", "short intermediate", &["root"], "was not valid at 2026-07-29T12:00:00Z");
    refused("of the short root", "short root", &["short root"], "to 2026-07-28T12:00:00Z, and the certificate is of");
    refused("too deep", "too deep", &["deep root"], "the root allows 0 CAs below it, and there are 1");
    refused("of its own making", "good", &["root"], "no certificate there or beside it is of its issuer");
}

#[test]
fn a_certificate_that_is_not_for_signing_code_is_refused() {
    refused("for servers", "good", &["root"], "codeSigning");
    refused("for nothing", "good", &["root"], "extKeyUsage does not have codeSigning");
    refused("no signing", "good", &["root"], "digitalSignature");
    refused("a CA", "good", &["root"], "the certificate of a CA");
}

#[test]
fn somebody_elses_signature_is_refused_and_both_are_named() {
    refused(
        "another identity",
        "good",
        &["root"],
        "signed by signer@elsewhere.example, and the catalog names signer@knative",
    );
    refused(
        "good, by a URI",
        "good",
        &["root"],
        "signed by https://github.com/a/b/.github/workflows/r.yml@refs/heads/main, and",
    );
    refused("identity as a URI", "good", &["root"], "signed by mailto:signer@");
    refused("two identities", "good", &["root"], "it names 2 identities");
    refused("a host", "good", &["root"], "neither an e-mail address nor a URI");
    refused("another issuer", "good", &["root"], "https://token.actions.githubusercontent.com");
    refused("two issuers", "good", &["root"], "two issuers");
    refused("no issuer", "good", &["root"], "does not say who vouched");
}

#[test]
fn a_publisher_that_signs_from_a_workflow_is_known_by_its_uri() {
    let publisher = Publisher {
        identity: "https://github.com/a/b/.github/workflows/r.yml@refs/heads/main".to_owned(),
        ..publisher(&["root"])
    };
    of(&cases().signed["good, by a URI"], &trust("good"), &publisher).unwrap();
}

#[test]
fn keys_other_than_p256_are_said_to_be_unsupported() {
    refused("P-384", "good", &["root"], "the key is ECDSA P-384");
    refused("RSA", "good", &["root"], "the key is RSA");
}

#[test]
fn a_signature_over_other_bytes_or_by_another_key_is_refused() {
    refused("good, another list", "good", &["root"], "made over other bytes");
    let cases = cases();
    let mixed = Case {
        signature: cases.signed["with its chain"].signature.clone(),
        ..cases.signed["another identity"].clone()
    };
    let publisher = Publisher { identity: "signer@elsewhere.example".to_owned(), ..publisher(&["root"]) };
    assert_eq!(of(&mixed, &trust("good"), &publisher), Err(SignatureError::Wrong));
    let files = |list| Files { list, certificate: b"", signature: b"" };
    let case = &cases.signed["another identity"];
    let changed = [LIST, b"\n"].concat();
    let files = Files {
        certificate: case.certificate.as_bytes(),
        signature: case.signature.as_bytes(),
        ..files(changed.as_slice())
    };
    assert_eq!(check(&files, &trust("good"), &publisher), Err(SignatureError::Wrong));
}

#[test]
fn damaged_and_huge_files_are_refused() {
    let good = cases().signed["good"].clone();
    let at = |case: &Case| of(case, &trust("good"), &publisher(&["root"])).unwrap_err().to_string();
    let with = |signature: &str| at(&Case { signature: signature.to_owned(), ..good.clone() });
    assert!(with(&good.signature[..41]).contains("the signature cannot be read: its base64 is damaged or cut short"));
    assert!(with("").contains("it is empty"));
    assert!(with(&"A".repeat(SIGNATURE_MAX + 4)).contains("larger than"));
    assert_eq!(with(&good.signature[..40]), SignatureError::Wrong.to_string());
    let with = |certificate: &str| at(&Case { certificate: certificate.to_owned(), ..good.clone() });
    assert!(with("").contains("there is no `-----BEGIN CERTIFICATE-----`"));
    assert!(with("<html>").contains("neither PEM nor base64"));
    assert!(with(&good.certificate[..200]).contains("the certificate cannot be read"));
    assert!(with(&STANDARD.encode(&good.certificate)[..203]).contains("the certificate cannot be read"));
    assert!(with("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("no X.509 certificate"));
    assert!(with(&good.certificate.repeat(CERTIFICATE_MAX / good.certificate.len() + 1)).contains("larger than"));
    assert!(with(&good.certificate.repeat(CERTIFICATES_MAX + 1)).contains("more than 64"));
}

#[test]
fn every_byte_of_the_certificate_counts() {
    let good = cases().signed["good"].clone();
    let (trust, publisher) = (trust("good"), publisher(&["root"]));
    let der = certificates(&good.certificate);
    for at in (0..der.len()).step_by(7) {
        let mut other = der.clone();
        other[at] ^= 1;
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(other));
        let case = Case { certificate: pem, ..good.clone() };
        assert!(of(&case, &trust, &publisher).is_err(), "byte {at}");
    }
}

fn certificates(pem: &str) -> Vec<u8> {
    trust::certificates(pem.as_bytes()).unwrap()[0].to_vec()
}

#[test]
fn a_trust_root_that_is_none_is_said_to_be_none() {
    for (text, why) in [
        ("", "there is no `-----BEGIN CERTIFICATE-----` in it"),
        ("{}", "certificateAuthorities"),
        (
            "{\"certificateAuthorities\": [{\"certChain\": {\"certificates\": [{\"rawBytes\": \"A\"}]}}]}",
            "damaged or cut short",
        ),
        ("<nothing of the kind>", "neither PEM nor base64"),
    ] {
        let error = TrustRoot::of(text.as_bytes(), "t").unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn the_catalog_names_a_root_for_each_publisher() {
    let catalog = Catalog::embedded();
    for component in catalog.components().unwrap() {
        if let Some(publisher) = &component.publisher {
            assert!(!publisher.roots.is_empty(), "{}", component.component);
        }
    }
}
