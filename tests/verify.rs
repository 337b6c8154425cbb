//! Promise: `knrender upstream verify` compares digests with the publisher's list, and says what it did not check.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/run.rs"]
mod run;

use knrender::upstream::catalog::Catalog;
use run::Place;

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
fn digests_in_the_publishers_list_are_said_with_the_command_for_its_signature() {
    let said = place().run(&VERIFY).ok().stderr;
    assert!(said.contains("serving-core.yaml: sha256") && said.contains("as the mirror has it"), "{said}");
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
