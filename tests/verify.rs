//! Promise: `knrender upstream verify` compares digests with the publisher's list, and says what it did not check.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run;
use crate::support::run::Place;
use knrender::upstream::catalog::Catalog;
use serde_json::Value;

const SERVING: &str = "mirror/github.com/knative/serving/releases/download/knative-v1.23.0/checksums.txt";
const KOURIER: &str =
    "mirror/github.com/knative-extensions/net-kourier/releases/download/knative-v1.23.0/checksums.txt";
const VERIFY: [&str; 5] = ["upstream", "verify", "--mirror", "mirror", "--offline"];

/// A list as the publisher would have it, for an asset of the catalog.
fn list(component: &str) -> String {
    let catalog = Catalog::embedded();
    let component = catalog.component(component).unwrap();
    let known = component.versions.iter().find(|known| known.version.to_string() == "1.23.0").unwrap();
    known.assets.iter().map(|(name, asset)| format!("{}  {name}.yaml\n", asset.sha256)).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write(SERVING, &list("knative-serving"));
    place.write(KOURIER, &list("net-kourier"));
    place
}

#[test]
fn digests_in_a_list_are_said_with_the_commands_for_its_signature() {
    let said = place().run(&VERIFY).ok().stderr;
    assert!(said.contains("serving-core.yaml: its digest is in the mirror's copy of checksums.txt"), "{said}");
    assert!(said.contains("the signature was not checked") && said.contains("--trust-root FILE"), "{said}");
    assert!(said.contains("cosign verify-blob checksums.txt --certificate checksums.txt.pem"), "{said}");
    assert!(said.contains("--certificate-identity=signer@knative-releases.iam.gserviceaccount.com"), "{said}");
}

#[test]
fn another_digest_is_an_error_that_names_both() {
    let place = place();
    let held = list("net-kourier");
    let other = "0".repeat(64);
    place.write(KOURIER, &held.replace(&held[..64], &other));
    let error = place.run(&VERIFY).fails(1);
    assert!(error.contains(&held[..64]) && error.contains(&other) && error.contains("kourier.yaml"), "{error}");
}

#[test]
fn a_list_that_is_missing_or_none_is_said() {
    let place = place();
    place.write(SERVING, "not a list\n");
    std::fs::remove_file(place.path(KOURIER)).unwrap();
    let error = place.run(&VERIFY).fails(3);
    assert!(error.contains("line 1") && error.contains("not at hand"), "{error}");
}

#[test]
fn what_the_list_does_not_have_is_not_called_verified() {
    let place = place();
    place.write(KOURIER, &format!("{}  other.yaml\n", "0".repeat(64)));
    assert!(place.run(&VERIFY).ok().stderr.contains("kourier.yaml: NOT VERIFIED"));
}

#[test]
fn a_list_that_names_a_file_twice_with_other_digests_is_none() {
    let place = place();
    place.write(KOURIER, &format!("{}{}  kourier.yaml\n", list("net-kourier"), "0".repeat(64)));
    let error = place.run(&VERIFY).fails(3);
    assert!(error.contains("line 2: it gives kourier.yaml the digest 000"), "{error}");
}

/// A mirror with `list`, signed as a case says; the catalog of one's own knows our root, and the trust root is `trust.pem`.
fn signed(list: &str, case: &str) -> Place {
    let place = Place::new();
    let cases: Value = serde_json::from_str(include_str!("fixtures/signature/cases.json")).unwrap();
    for file in [SERVING, KOURIER] {
        place.write(file, list);
        place.write(&format!("{file}.pem"), cases["cases"][case]["certificate"].as_str().unwrap());
        place.write(&format!("{file}.sig"), cases["cases"][case]["signature"].as_str().unwrap());
    }
    place.write("trust.pem", cases["trust"]["good"].as_str().unwrap());
    for component in ["knative-serving", "net-kourier"] {
        let root = &cases["roots"]["root"];
        let text = format!("component: {component}\npublisher: {{roots: [{{sha256: {root}, name: our CA}}]}}\n");
        place.write(&format!("catalog/{component}.yaml"), &text);
    }
    place.write("knrender.yaml", "catalog: catalog\ntrust-root: trust.pem\n");
    place
}

const LIST: &str = include_str!("fixtures/signature/checksums.txt");
const OWN: &str = include_str!("fixtures/signature/checksums-own.txt");
const SIGNER: &str = "signed by signer@knative-releases.iam.gserviceaccount.com (https://accounts.google.com)";

#[test]
fn a_signature_that_holds_is_said_with_what_it_does_not_prove() {
    let said = signed(LIST, "good").run(&VERIFY).ok().stderr;
    assert!(said.contains(&format!("serving-core.yaml: its digest is in checksums.txt, {SIGNER}")), "{said}");
    assert!(said.contains("Not proven: that the list was signed while the certificate was valid"), "{said}");
    assert!(said.contains("cosign verify-blob"), "{said}");
}

#[test]
fn a_signature_of_somebody_else_or_over_other_bytes_ends_with_1() {
    let error = signed(LIST, "another identity").run(&VERIFY).fails(1);
    assert!(error.contains("signed by signer@elsewhere.example") && error.contains("do not apply them"), "{error}");
    let error = signed(&format!("{LIST}\n"), "good").run(&VERIFY).fails(1);
    assert!(error.contains("made over other bytes"), "{error}");
}

#[test]
fn a_root_that_no_catalog_names_is_refused() {
    let place = signed(LIST, "good");
    place.write("knrender.yaml", "trust-root: trust.pem\n");
    let error = place.run(&VERIFY).fails(1);
    assert!(error.contains("no root certificate that the catalog knows"), "{error}");
    assert!(error.contains("3ba7b6cc4e95469d4d334b49cb257ad8537076fa84b0ca87ff4ecfe6a54680c1"), "{error}");
}

#[test]
fn a_signature_that_is_asked_for_and_not_there_is_an_error() {
    let place = signed(LIST, "good");
    std::fs::remove_file(place.path(&format!("{KOURIER}.sig"))).unwrap();
    let error = place.run(&VERIFY).fails(3);
    assert!(error.contains("checksums.txt.sig") && error.contains("not at hand"), "{error}");
    let error = place.run(&[&VERIFY[..], &["--trust-root", "none.pem"]].concat()).fails(3);
    assert!(error.contains("the trust root none.pem cannot be read"), "{error}");
}

/// The versions that lists of ours are about, which no catalog knows.
const LOCK: [&str; 9] =
    ["upstream", "lock", "--mirror", "mirror", "--offline", "--knative", "1.20.0", "--kourier", "1.20.0"];

/// The same mirror for these versions, with their assets.
fn of_own_versions(case: &str) -> Place {
    let place = signed(OWN, case);
    for (file, asset, text) in [(SERVING, "serving-core.yaml", "# serving\n"), (KOURIER, "kourier.yaml", "# kourier\n")]
    {
        for end in ["", ".pem", ".sig"] {
            let text = place.read(&format!("{file}{end}"));
            place.write(&format!("{}{end}", file.replace("1.23.0", "1.20.0")), &text);
        }
        place.write(&file.replace("1.23.0", "1.20.0").replace("checksums.txt", asset), text);
    }
    place
}

#[test]
fn what_is_locked_says_who_signed_for_it() {
    let place = of_own_versions("good, another list");
    let said = place.run(&LOCK).ok().stderr;
    assert!(said.contains("in a list that signer@knative-releases.iam.gserviceaccount.com signed"), "{said}");
    let lock = place.read("knrender.lock");
    assert!(lock.contains("verified: true") && lock.contains("identity: signer@knative-releases"), "{lock}");
    assert!(
        lock.contains("checksums: https://github.com/knative/serving/releases/download/knative-v1.20.0/checksums.txt")
    );
    place.run(&LOCK).ok();
    assert_eq!(place.read("knrender.lock"), lock);
}

#[test]
fn a_list_of_a_mirror_that_nobody_checked_vouches_for_nothing() {
    let place = of_own_versions("good, another list");
    std::fs::remove_file(place.path("knrender.yaml")).unwrap();
    assert!(place.run(&LOCK).ok().stderr.contains("not verified against the publisher"));
    let lock = place.read("knrender.lock");
    assert!(lock.contains("    verified: false") && !lock.contains("signed-by:"), "{lock}");
    // And `verify` notes what is found out later.
    place.write("knrender.yaml", "catalog: catalog\ntrust-root: trust.pem\n");
    place.run(&[&["upstream", "verify"], &LOCK[2..]].concat()).ok();
    let lock = place.read("knrender.lock");
    assert!(!lock.contains("    verified: false") && lock.contains("signed-by:"), "{lock}");
}

#[test]
fn nothing_is_locked_that_the_publisher_does_not_vouch_for() {
    let place = of_own_versions("another identity");
    assert!(place.run(&LOCK).fails(3).contains("nothing was locked"));
    assert!(!place.path("knrender.lock").exists());
    let place = of_own_versions("good, another list");
    std::fs::remove_file(place.path("knrender.yaml")).unwrap();
    let file = SERVING.replace("1.23.0", "1.20.0").replace("checksums.txt", "serving-core.yaml");
    place.write(&file, "# changed\n");
    let error = place.run(&LOCK).fails(3);
    assert!(
        error.contains("the publisher's list of checksums has another digest") && error.contains("got "),
        "{error}"
    );
    assert!(!place.path("knrender.lock").exists());
}

#[test]
fn a_mirror_brings_what_publishers_sign_along() {
    let Some(upstream) = run::upstream() else { return };
    let place = signed(LIST, "good").env("KNRENDER_MIRROR", &upstream.display().to_string());
    let lacking = place.run(&["upstream", "mirror", "mirror", "--offline"]).ok().stderr;
    assert!(lacking.contains("will find nothing to compare with") && lacking.contains("checksums.txt"), "{lacking}");
    place.run(&["upstream", "mirror", "copy", "--mirror", "mirror", "--offline"]).ok();
    for end in ["", ".pem", ".sig"] {
        assert!(place.path(&format!("{}{end}", SERVING.replace("mirror/", "copy/"))).exists(), "{end}");
    }
    let verify = ["upstream", "verify", "--mirror", "copy", "--offline"];
    assert!(place.run(&verify).ok().stderr.contains(SIGNER));
}
