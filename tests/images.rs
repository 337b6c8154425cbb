//! Promise: every image of manifests is listed with its places, and the relocation script copies, checks, and can be run again.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::support::run::Place;

const DIGEST: &str = "sha256:e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5";
const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/knative";

const MANIFESTS: &str = "\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: shop}
spec: {template: {spec: {containers: [{image: 'quay.io/org/shop:1.2'}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-deployment, namespace: knative-serving}
data: {queue-sidecar-image: 'gcr.io/knative/queue@sha256:e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5'}
";

fn place() -> Place {
    let place = Place::new();
    place.write("m.yaml", MANIFESTS);
    place
}

#[test]
fn json_tells_each_image_with_its_places() {
    let report = place().run(&["images", "m.yaml", "--format", "json"]).ok().json();
    let (queue, shop) = (&report["images"][0], &report["images"][1]);
    assert_eq!(queue["image"], format!("gcr.io/knative/queue@{DIGEST}"));
    assert_eq!((&queue["moves"], &queue["digest"]), (&false.into(), &DIGEST.into()));
    assert_eq!(queue["used"][0]["field"], "/data/queue-sidecar-image");
    assert_eq!(
        (&shop["registry"], &shop["repository"], &shop["tag"]),
        (&"quay.io".into(), &"org/shop".into(), &"1.2".into())
    );
    assert_eq!((&shop["moves"], &shop["resolved_by_controller"]), (&true.into(), &true.into()));
    assert_eq!(shop["used"][0]["object"], "Service.serving.knative.dev/shop");
}

#[test]
fn plain_is_one_reference_a_line() {
    let out = place().run(&["images", "m.yaml", "--format", "plain"]).ok().stdout;
    assert_eq!(out, format!("gcr.io/knative/queue@{DIGEST}\nquay.io/org/shop:1.2\n"));
}

#[test]
fn a_render_names_what_its_own_list_names_and_the_demos() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    let listed = place.run(&["images", "--format", "plain"]).ok().stdout;
    for line in place.read("out/about/images.txt").lines() {
        assert!(listed.lines().any(|image| image == line), "{line} is not in {listed}");
    }
    assert!(listed.contains("podinfo"), "{listed}");
}

#[test]
fn what_cannot_be_read_ends_with_3() {
    let place = place();
    place.write("broken.yaml", "a: [\n");
    assert!(place.run(&["images", "broken.yaml"]).fails(3).contains("broken.yaml"));
    assert!(place.run(&["images", "nothing.yaml"]).fails(3).contains("nothing.yaml"));
}

#[test]
fn a_target_that_is_none_is_refused() {
    let place = place();
    for to in ["knative", "https://a.example/b", "12.dkr.ecr.eu-west-1.amazonaws.com/b"] {
        let ran = place.run(&["images", "relocate", "--to", to, "m.yaml"]);
        assert_eq!(ran.stdout, "");
        assert!(ran.fails(2).contains("--to"), "{to}");
    }
}

#[test]
fn the_block_relocates_a_render_and_nothing_else_is_named() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    let block = place.run(&["images", "relocate", "--to", ECR, "--print", "images"]).ok().stdout;
    place.write("knrender.yaml", &block);
    place.run(&["--out", "out"]).ok();
    let listed = place.run(&["images", "--format", "plain"]).ok().stdout;
    assert!(listed.lines().all(|image| image.starts_with(ECR)), "{listed}");
}

/// A registry of files and the tools that the script calls, as far as it calls them.
fn tools(place: &Place) {
    place.write("store/quay.io/org/shop:1.2", "sha256:1111\n");
    place.write(&format!("store/gcr.io/knative/queue@{DIGEST}"), &format!("{DIGEST}\n"));
    let tool = |name: &str, text: &str| {
        place.write(&format!("bin/{name}"), &format!("#!/bin/sh\necho \"{name} $*\" >>log\n{text}\n"));
        let path = place.path(&format!("bin/{name}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    tool(
        "crane",
        "case $1 in digest) cat \"store/$2\" ;;\ncopy) mkdir -p \"store/$(dirname \"$3\")\"; cp \"store/$2\" \"store/$3\" ;;\nauth) cat >/dev/null ;; esac",
    );
    tool(
        "skopeo",
        "case $1 in inspect) cat \"store/${3#docker://}\" ;;\nmanifest-digest) cat \"$2\"; echo ;;\n\
         copy) s=${5#docker://} d=${6#docker://}; mkdir -p \"store/$(dirname \"$d\")\"; cp \"store/$s\" \"store/$d\" ;;\nlogin) cat >/dev/null ;; esac",
    );
    tool(
        "docker",
        "case \"$2 $3 $4\" in 'imagetools create --help') echo '--prefer-index' ;;\n'imagetools inspect --format') cat \"store/$6\" ;;\n\
         'imagetools create --prefer-index=false') mkdir -p \"store/$(dirname \"$6\")\"; cp \"store/$7\" \"store/$6\" ;; esac\n\
         case $1 in login) cat >/dev/null ;; esac",
    );
    tool(
        "aws",
        "case $2 in describe-repositories) test -e \"made-$8\" ;; create-repository) : >\"made-$(echo \"$8\" | tr / _)\" ;; esac",
    );
}

fn script(place: &Place, tool: &str) -> Output {
    let script = place.run(&["images", "relocate", "--to", ECR, "m.yaml", "--tool", tool]).ok().stdout;
    place.write("relocate.sh", &script);
    let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
    Command::new("sh").arg("relocate.sh").current_dir(place.path("")).env_clear().env("PATH", path).output().unwrap()
}

#[test]
fn the_script_copies_checks_and_can_be_run_again() {
    for tool in ["crane", "skopeo", "docker"] {
        let place = place();
        tools(&place);
        let first = script(&place, tool);
        assert!(first.status.success(), "{tool}: {}", String::from_utf8_lossy(&first.stderr));
        assert_eq!(place.read(&format!("store/{ECR}/org/shop:1.2")), "sha256:1111\n");
        assert_eq!(place.read(&format!("store/{ECR}/knative/queue:sha256-e5ab46f3b73f")), format!("{DIGEST}\n"));
        let log = place.read("log");
        assert!(log.contains("--image-tag-mutability IMMUTABLE") && log.contains("scanOnPush=true"), "{log}");
        let again = script(&place, tool);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(again.status.success() && said.contains("there: ") && !said.contains("copying"), "{tool}: {said}");
    }
}

#[test]
fn the_script_never_moves_a_tag_and_names_both_digests() {
    for tool in ["crane", "skopeo", "docker"] {
        let place = place();
        tools(&place);
        place.write(&format!("store/{ECR}/org/shop:1.2"), "sha256:2222\n");
        let ran = script(&place, tool);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            !ran.status.success() && said.contains("sha256:1111") && said.contains("sha256:2222"),
            "{tool}: {said}"
        );
    }
}

#[test]
fn an_older_docker_is_refused_before_anything_is_copied() {
    let place = place();
    tools(&place);
    place.write("bin/docker", "#!/bin/sh\ntrue\n");
    let ran = script(&place, "docker");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && said.contains("no buildx of 0.15 or newer"), "{said}");
    assert!(!place.path("log").exists());
}

#[test]
fn the_script_ends_at_an_image_that_is_gone() {
    let place = place();
    tools(&place);
    fs::remove_file(place.path("store/quay.io/org/shop:1.2")).unwrap();
    let ran = script(&place, "crane");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("quay.io/org/shop:1.2 cannot be read"));
    assert!(!ran.status.success());
}
