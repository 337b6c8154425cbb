//! Promise: `--layout` writes the same objects in the same order for Argo CD and Flux, and changes nothing else of `out/`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::support::run::Place;

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const CONTROLLER: [&str; 6] = ["--cluster-name", "prod", "--region", "eu-west-1", "--vpc-id", "vpc-0123456789abcdef0"];
const REPO: [&str; 2] = ["--gitops-repo", "https://git.example/platform/clusters"];

/// The stacks that both layouts are made of, by name.
fn stacks() -> Vec<(&'static str, Vec<&'static str>)> {
    let everything = ["--domain", "apps.example.com", "--certificate-arn", ARN, "--internal-tls"];
    let parts = ["--with", "autoscaler-hpa", "--with", "upgrade-jobs"];
    vec![
        ("default", vec![]),
        ("everything", [&everything[..], &parts, &CONTROLLER, &REPO].concat()),
        ("gloo", [&["--gloo", "v1.8.0"], &REPO[..]].concat()),
        ("seed", [&["--gloo", "v1.3.9", "--rule-set", "seed"], &CONTROLLER[..], &REPO].concat()),
    ]
}

/// Renders a stack with a layout into `out`, and returns the files.
fn render(place: &Place, flags: &[&str], layout: &str, out: &str) -> BTreeMap<String, String> {
    place.run(&[flags, &["--layout", layout, "--out", out, "--quiet"]].concat()).ok();
    place.tree(out)
}

/// All stacks with both layouts, by name and layout.
fn renders(place: &Place) -> Vec<(String, BTreeMap<String, String>)> {
    let both = |(name, flags): (&str, Vec<&str>)| {
        ["argocd", "flux"].map(|layout| (format!("{layout}-{name}"), render(place, &flags, layout, name)))
    };
    stacks().into_iter().flat_map(both).collect()
}

#[test]
fn each_batch_is_in_a_folder_to_the_byte_and_in_order_and_the_top_is_as_without_a_layout() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, flags) in stacks() {
        let plain: Vec<_> = flags.iter().copied().take_while(|f| *f != REPO[0]).collect();
        place.run(&[&plain[..], &["--out", name, "--quiet"]].concat()).ok();
        let is_elsewhere = |path: &String| !path.starts_with("gitops/") && !path.starts_with("about/");
        let mut without = place.tree(name);
        without.retain(|path, _| is_elsewhere(path));
        for layout in ["argocd", "flux"] {
            let mut files = render(&place, &flags, layout, &format!("{name}-{layout}"));
            let top: Vec<_> = without
                .iter()
                .filter(|(path, _)| !path.contains('/') && path.strip_suffix(".yaml").is_some())
                .collect();
            let copies: Vec<_> = files
                .iter()
                .filter(|(path, _)| path.starts_with("gitops/"))
                .filter_map(|(path, text)| Some((path.split('/').nth(2)?, text)))
                .filter(|(file, _)| file.ends_with("batch.yaml") || *file == "alb-controller.yaml")
                .collect();
            let same: Vec<_> = top.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            assert!(copies == same, "{name} {layout}: {:?}", copies.iter().map(|(p, _)| p).collect::<Vec<_>>());
            // In cluster/, the profiles take the pods of the engine.
            let is_same = |path: &String| is_elsewhere(path) && !path.starts_with("cluster/");
            files.retain(|path, _| is_same(path));
            let without: BTreeMap<_, _> = without.clone().into_iter().filter(|(path, _)| is_same(path)).collect();
            assert!(files == without, "{name} {layout}: the rest of out/ is not what it is without a layout");
        }
    }
}

#[test]
fn a_kustomization_names_what_is_beside_it_and_keeps_its_order() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, files) in renders(&place) {
        let mut folders = 0;
        for (path, text) in files.iter().filter(|(path, _)| path.ends_with("/kustomization.yaml")) {
            let value = knrender::yaml::parse(text).unwrap();
            assert_eq!(value["sortOptions"]["order"], "fifo", "{path}");
            let folder = path.trim_end_matches("kustomization.yaml");
            for resource in value["resources"].as_array().unwrap() {
                let resource = format!("{folder}{}", resource.as_str().unwrap());
                let is_there = |path: &&String| **path == resource || path.starts_with(&format!("{resource}/"));
                assert!(files.keys().any(|path| is_there(&path)), "{name} {path}: {resource}");
            }
            folders += 1;
        }
        assert!(folders >= 2, "{name}");
    }
}

#[test]
fn what_the_engines_read_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, files) in renders(&place) {
        let ours: Vec<_> = files
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix("gitops/")?, text)))
            .filter(|(path, _)| !path.ends_with("batch.yaml") && !path.ends_with("alb-controller.yaml"))
            .map(|(path, text)| format!("=== {path}\n{text}"))
            .collect();
        insta::assert_snapshot!(name, ours.join("\n"));
    }
}

#[test]
fn the_same_render_gives_the_same_bytes() {
    let Some(place) = Place::with_upstream() else { return };
    let (_, mut flags) = stacks().remove(1);
    // Otherwise it follows the folder.
    flags.extend(["--gitops-path", "out/gitops"]);
    let flags = &flags;
    for layout in ["argocd", "flux"] {
        assert!(render(&place, flags, layout, "a") == render(&place, flags, layout, "b"), "{layout}");
    }
}

#[test]
fn another_layout_takes_the_place_of_the_one_before() {
    let Some(place) = Place::with_upstream() else { return };
    render(&place, &[], "argocd", "out");
    let files = render(&place, &[], "flux", "out");
    assert!(files.contains_key("gitops/flux/batches.yaml"));
    assert!(!files.keys().any(|path| path.starts_with("gitops/argocd") || path == "gitops/kustomization.yaml"));
    place.run(&["--out", "out", "--quiet"]).ok();
    assert!(!place.tree("out").keys().any(|path| path.starts_with("gitops/")));
}

#[test]
fn lint_plan_and_validate_do_not_count_the_copies() {
    let Some(place) = Place::with_upstream() else { return };
    let (_, flags) = &stacks()[1];
    let plain: Vec<_> = flags.iter().copied().take_while(|f| *f != REPO[0]).collect();
    for command in ["lint", "plan", "validate"] {
        place.run(&[&plain[..], &["--out", "out", "--quiet"]].concat()).ok();
        let without = place.run(&[command, "out", "--format", "json"]);
        render(&place, flags, "argocd", "out");
        let with = place.run(&[command, "out", "--format", "json"]);
        assert_eq!((without.code, without.stdout), (with.code, with.stdout), "{command}");
    }
}

#[test]
fn a_folder_of_another_s_that_is_called_gitops_is_read() {
    let place = Place::new();
    place.write("repo/gitops/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, nmae: b}\n");
    let said = place.run(&["validate", "repo"]);
    assert!(said.code == 1 && said.stdout.contains("nmae"), "{} {}", said.stdout, said.stderr);
}

#[test]
fn the_summary_says_how_to_connect_and_what_is_missing() {
    let Some(place) = Place::with_upstream() else { return };
    let said = |flags: &[&str]| {
        let text = place.run(&[flags, &["--out", "out"]].concat()).ok().stderr;
        text.split("Next\n").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let argocd = said(&["--layout", "argocd"]);
    assert!(argocd.contains("kubectl apply -f out/gitops/argocd/application.yaml"), "{argocd}");
    assert!(argocd.contains("until --gitops-repo brings one") && argocd.contains("--domain"), "{argocd}");
    let flux = said(&["--layout", "flux", "--domain", "apps.example.com"]);
    assert!(flux.contains("kubectl apply -k out/gitops/flux/"), "{flux}");
    assert!(!flux.contains("--gitops-repo") && !flux.contains("Name the domain"), "{flux}");
    assert!(!said(&[]).contains("gitops"));
    // Two ways at once would take the same objects from each other.
    let cluster =
        ["--layout", "argocd", "--cluster-name", "prod", "--region", "eu-west-1", "--app-namespace", "team-*"];
    let whole = said(&cluster);
    assert!(!whole.contains("install.sh") && !whole.contains("apply.sh"), "{whole}");
    assert!(whole.contains("There is no demo") && whole.contains("knrender app NAME"), "{whole}");
}

#[test]
fn fargate_profiles_take_the_engine_where_it_runs_on_this_cluster() {
    let Some(place) = Place::with_upstream() else { return };
    let cluster = ["--cluster-name", "prod", "--region", "eu-west-1"];
    for (layout, namespace) in [("argocd", "argocd"), ("flux", "flux-system")] {
        let named = format!("namespace: \"{namespace}\"");
        render(&place, &cluster, layout, "here");
        assert!(place.read("here/cluster/eksctl.yaml").contains(&named), "{}", place.read("here/cluster/eksctl.yaml"));
        render(&place, &[&cluster[..], &["--gitops-engine", "elsewhere"]].concat(), layout, "there");
        assert!(!place.read("there/cluster/eksctl.yaml").contains(&named));
    }
    render(&place, &[&cluster[..], &["--gitops-engine", "managed"]].concat(), "argocd", "aws");
    assert!(!place.read("aws/cluster/eksctl.yaml").contains("argocd"));
    assert!(place.read("aws/gitops/argocd/application.yaml").contains("name: in-cluster"));
}

#[test]
fn where_the_engine_runs_has_to_fit_it() {
    let said = |flags: &[&str]| Place::new().run(&[flags, &["--out", "out"]].concat()).fails(2);
    assert!(said(&["--gitops-engine", "here"]).contains("--layout argocd or --layout flux"));
    assert!(said(&["--layout", "flux", "--gitops-engine", "managed"]).contains("AWS runs Argo CD, and no Flux"));
    assert!(said(&["--layout", "flux", "--gitops-engine", "elsewhere"]).contains("say --cluster-name"));
}

#[test]
fn a_repository_without_a_layout_is_a_usage_error() {
    let place = Place::new();
    let said = place.run(&["--gitops-path", "a", "--out", "out"]).fails(2);
    assert!(said.contains("--gitops-path is for --layout argocd or --layout flux"), "{said}");
}
