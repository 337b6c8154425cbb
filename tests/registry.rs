//! Promise: `knrender images lock` asks registries as the distribution protocol has it, holds what they say, and tells what is wrong
//! without a secret.
//!
//! All traffic stays on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::registry::{DATE, Shelf};
use crate::support::run;
use crate::support::run::Place;
use crate::support::{Reply, Server};

const AMD64: (&str, &str) = ("linux", "amd64");
const ARM64: (&str, &str) = ("linux", "arm64");

/// A place with a pod of this image in m.yaml.
fn place(image: &str) -> Place {
    let place = Place::new();
    place.write(
        "m.yaml",
        &format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
        ),
    );
    place
}

/// A shelf with an index of two images under org/app:1.0. Returns the digest of the index.
fn shelf() -> (Shelf, String) {
    let mut shelf = Shelf::default();
    let amd64 = shelf.image("org/app", AMD64, &[1_000_000, 234_000]);
    let arm64 = shelf.image("org/app", ARM64, &[1]);
    let index = shelf.index("org/app", &[(ARM64, &arm64), (AMD64, &amd64)]);
    shelf.tag("org/app", "1.0", &index);
    (shelf, index)
}

fn lock(place: &Place) -> run::Ran {
    place.run(&["images", "lock", "m.yaml"])
}

#[test]
fn a_tag_is_locked_with_digest_layers_and_day() {
    let (shelf, index) = shelf();
    let server = shelf.open();
    let place = place(&format!("{}/org/app:1.0", server.host()));
    let said = lock(&place).ok().stderr;
    assert!(said.contains(&index) && said.contains("1.2 MB in 2 layers"), "{said}");
    let text = place.read("knrender.lock");
    for part in [&index, "size: 1234000", "- 1000000", "date: \"2026-11-28\""] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(DATE.contains("28 Nov 2026"));
    // Nothing has changed, so that nothing is written.
    lock(&place).ok();
    assert_eq!(place.read("knrender.lock"), text);
}

#[test]
fn an_image_without_an_index_is_held_against_its_own_configuration() {
    let mut shelf = Shelf::default();
    let (amd64, arm64) = (shelf.image("a", AMD64, &[5]), shelf.image("b", ARM64, &[5]));
    shelf.tag("a", "1", &amd64);
    shelf.tag("b", "1", &arm64);
    let server = shelf.open();
    let good = place(&format!("{}/a:1", server.host()));
    assert!(lock(&good).ok().stderr.contains(&amd64));
    // Where blobs are kept elsewhere, they are fetched there.
    assert!(server.seen().iter().any(|seen| seen.target.starts_with("/storage/")));
    let error = lock(&place(&format!("{}/b:1", server.host()))).fails(3);
    assert!(error.contains("linux/amd64") && error.contains("there is linux/arm64"), "{error}");
}

#[test]
fn an_index_without_an_image_for_fargate_is_an_error_that_tells_what_there_is() {
    let mut shelf = Shelf::default();
    let arm64 = shelf.image("a", ARM64, &[1]);
    let index = shelf.index("a", &[(ARM64, &arm64)]);
    shelf.tag("a", "1", &index);
    let server = shelf.open();
    let error = lock(&place(&format!("{}/a:1", server.host()))).fails(3);
    assert!(error.contains("there is linux/arm64"), "{error}");
}

#[test]
fn a_tag_that_moved_is_an_error_that_names_both_digests() {
    let (shelf, old) = shelf();
    let server = shelf.open();
    let place = place(&format!("{}/org/app:1.0", server.host()));
    lock(&place).ok();
    let other = format!("sha256:{}", "0".repeat(64));
    place.write("knrender.lock", &place.read("knrender.lock").replace(&old, &other));
    let error = lock(&place).fails(1);
    assert!(error.contains(&old) && error.contains(&other) && error.contains("--update"), "{error}");
    place.run(&["images", "lock", "m.yaml", "--update"]).ok();
    assert!(place.read("knrender.lock").contains(&old));
}

#[test]
fn a_tag_that_is_gone_is_told_with_what_is_left_of_it() {
    let (shelf, index) = shelf();
    let server = shelf.open();
    let image = format!("{}/org/app", server.host());
    // The tag `gone` was never there; what it was locked to is, or is not.
    for (digest, said) in [
        (index.clone(), format!("its tag is gone, and {index} of knrender.lock is still there")),
        (format!("sha256:{}", "0".repeat(64)), "of knrender.lock is gone, too: no new pod can pull it".to_owned()),
    ] {
        let place = place(&format!("{image}:gone"));
        place.write(
            "knrender.lock",
            &format!("images:\n- image: {image}:gone\n  digest: {digest}\n  size: 1\n  layers: [1]\n"),
        );
        let error = lock(&place).fails(3);
        assert!(error.contains("has no such image") && error.contains(&said) && error.contains("next: "), "{error}");
    }
    let error = lock(&place(&format!("{image}:gone"))).fails(3);
    assert!(error.contains("has no such image") && error.contains("next: see whether its name is right"), "{error}");
}

#[test]
fn a_login_comes_from_dockers_configuration_and_is_never_shown() {
    let (shelf, index) = shelf();
    let server = shelf.behind("Basic bWU6czNjcmV0");
    let image = format!("{}/org/app:1.0", server.host());
    let error = lock(&place(&image)).fails(3);
    assert!(error.contains("gives no token without a login") && error.contains("docker login"), "{error}");
    let place = place(&image).env("DOCKER_CONFIG", "docker");
    let config = |auth: &str| format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, server.host());
    place.write("docker/config.json", &config("bWU6czNjcmV0"));
    let ran = lock(&place).ok();
    assert!(ran.stderr.contains(&index) && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
    assert!(!place.read("knrender.lock").contains("s3cret"));
    // me:wrong
    place.write("docker/config.json", &config("bWU6d3Jvbmc="));
    let error = lock(&place).fails(3);
    assert!(error.contains("the login was not taken") && !error.contains("wrong"), "{error}");
    place.write("docker/config.json", "{\"auths\": s3cret");
    let error = lock(&place).fails(3);
    assert!(error.contains("config.json") && !error.contains("s3cret"), "{error}");
}

#[test]
fn a_helper_of_docker_is_asked() {
    let (shelf, index) = shelf();
    let server = shelf.behind("Basic bWU6czNjcmV0");
    let place = place(&format!("{}/org/app:1.0", server.host()));
    let bin = place.path("bin");
    let place = place.env("DOCKER_CONFIG", "docker").env("PATH", &format!("{}:/usr/bin:/bin", bin.display()));
    place.write("docker/config.json", &format!(r#"{{"credHelpers": {{"{}": "test"}}}}"#, server.host()));
    place.write(
        "bin/docker-credential-test",
        "#!/bin/sh\nread -r host\necho \"$host\" >asked\necho '{\"Username\": \"me\", \"Secret\": \"s3cret\"}'\n",
    );
    fs::set_permissions(place.path("bin/docker-credential-test"), fs::Permissions::from_mode(0o755)).unwrap();
    // The helper's `read` wants a line's end, which Docker does not send either.
    assert!(lock(&place).ok().stderr.contains(&index));
    assert_eq!(place.read("asked").trim(), server.host());
}

#[test]
fn what_is_not_there_is_said() {
    let (shelf, _) = shelf();
    let server = shelf.open();
    let error = lock(&place(&format!("{}/org/app:2.0", server.host()))).fails(3);
    assert!(error.contains("org/app:2.0") && error.contains("has no such image") && error.contains("404"), "{error}");
}

#[test]
fn a_registry_that_is_down_is_said() {
    let host = Server::serving("").host();
    // Dropped: nobody listens there now.
    let error = lock(&place(&format!("{host}/org/app:1.0"))).fails(3);
    assert!(error.contains(&host) && (error.contains("cannot connect") || error.contains("broke")), "{error}");
}

#[test]
fn a_registry_that_asks_to_wait_is_waited_for_within_bounds() {
    let (shelf, index) = shelf();
    let server = Server::new(move |seen| match (seen.nth, seen.target.ends_with("/1.0")) {
        (0, true) => Reply::status("429 Too Many Requests", &[("Retry-After", "1")], ""),
        _ => shelf.reply(seen),
    });
    assert!(lock(&place(&format!("{}/org/app:1.0", server.host()))).ok().stderr.contains(&index));
    let server = Server::new(|_| Reply::status("429 Too Many Requests", &[("Retry-After", "3600")], ""));
    let error = lock(&place(&format!("{}/org/app:1.0", server.host()))).fails(3);
    assert!(error.contains("429") && error.contains("3600 s"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn bytes_that_are_not_what_was_asked_for_are_refused() {
    let (mut shelf, index) = shelf();
    shelf.set(&format!("org/app/manifests/{index}"), b"{\"schemaVersion\": 2}");
    let server = shelf.open();
    let error = lock(&place(&format!("{}/org/app@{index}", server.host()))).fails(3);
    assert!(error.contains(&index) && error.contains("was asked for"), "{error}");
}

#[test]
fn a_manifest_has_10_mib_at_the_most() {
    let mut shelf = Shelf::default();
    shelf.set("a/manifests/1", &vec![b' '; (10 << 20) + 1]);
    let server = shelf.open();
    let error = lock(&place(&format!("{}/a:1", server.host()))).fails(3);
    assert!(error.contains("more than 10485760 bytes"), "{error}");
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_again_and_then_given_up() {
    let server =
        Server::new(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").then(Duration::ZERO, "\"a\""));
    let error = lock(&place(&format!("{}/a:1", server.host()))).fails(3);
    assert!(error.contains("cut off after") && error.contains("3 attempts"), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn offline_nobody_is_asked() {
    let (shelf, _) = shelf();
    let server = shelf.open();
    let place = place(&format!("{}/org/app:1.0", server.host()));
    let offline = ["images", "lock", "m.yaml", "--offline"];
    assert!(place.run(&offline).fails(3).contains("org/app:1.0"));
    assert_eq!(server.seen().len(), 0);
    lock(&place).ok();
    let asked = server.seen().len();
    place.run(&offline).ok();
    assert_eq!(server.seen().len(), asked);
}

#[test]
fn a_damaged_digest_in_the_lock_is_refused() {
    let place = place("ghcr.io/a/b:1");
    place.write(
        "knrender.lock",
        "images:\n- {image: 'ghcr.io/a/b:1', digest: 'sha256:1\"; rm', size: 1, layers: [1]}\n",
    );
    assert!(place.run(&["images", "lock", "m.yaml", "--offline"]).fails(2).contains("ghcr.io/a/b:1"));
}

#[test]
fn a_render_with_locked_names_the_digest() {
    let Some(place) = Place::with_upstream() else { return };
    let envoy = "docker.io/envoyproxy/envoy:v1.37-latest";
    let digest = format!("sha256:{}", "a".repeat(64));
    place.write(
        "knrender.lock",
        &format!("images:\n- {{image: '{envoy}', digest: '{digest}', size: 1, layers: [1]}}\n"),
    );
    place.run(&["--out", "out"]).ok();
    assert!(place.read("out/about/images.txt").contains(&format!("{envoy}\n")));
    place.run(&["--out", "out", "--locked"]).ok();
    assert!(place.read("out/about/images.txt").contains(&format!("{envoy}@{digest}\n")));
    assert!(place.run(&["explain", "Deployment/3scale-kourier-gateway"]).ok().stdout.contains("knrender.lock"));
}
