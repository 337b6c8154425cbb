//! Promise: bad input is told, with what it is, where it stands, and what to do about it.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;

const APP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// What a render says to a configuration.
fn says_to(config: &str) -> String {
    let place = Place::new();
    place.write("knrender.yaml", config);
    place.run(&["--out", "out", "--offline"]).fails(2)
}

#[test]
fn an_error_of_the_configuration_names_the_key_the_line_and_what_may_stand_there() {
    for (config, said) in [
        ("ha: maybe\n", "knrender.yaml, line 1, column 5: `ha`: expected true or false"),
        ("# a\nzones: many\n", "line 2, column 8: `zones`: expected a whole number"),
        ("zones: -1\n", "`zones`: expected a whole number that is not negative"),
        ("scheme: internet\n", "`scheme`: `internet` is none of internet-facing, internal"),
        ("scheme: internl\n", "did you mean `internal`?"),
        ("scheme: [a]\n", "`scheme`: expected a word"),
        ("domain: [a]\n", "`domain`: expected a string"),
        ("subnets:\n- [a]\n", "line 2, column 3: `subnets`: expected a string"),
        ("alb:\n  readiness-gates: maybe\n", "`alb`: `readiness-gates`: expected true or false"),
        ("clusters:\n- name: a\n  ha: maybe\n", "line 3, column 7: `clusters`: `ha`: expected true or false"),
        ("registries: ['']\n", "line 1: `registries`"),
        ("ha: true\nfargate-profiles: [{name: a}]\n", "line 2: `fargate-profiles`"),
        ("kourier: v1.2.0\ngloo: v1.3.9\n", "line 2: `gloo` beside `kourier`"),
    ] {
        let told = says_to(config);
        assert!(told.contains(said), "{config}: {told}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_told_with_both_lines() {
    let told = says_to("images:\n  a:1: b:1\nha: true\nimages:\n  c:1: d:1\n");
    assert!(
        told.contains("line 4, column 1: the key `images` is given twice, on line 1 before: put both into one"),
        "{told}"
    );
}

#[test]
fn a_path_without_anything_in_it_is_no_path() {
    for key in ["rules", "crds"] {
        assert!(says_to(&format!("{key}: ['']\n")).contains(&format!("line 1: `{key}`: an empty path")), "{key}");
    }
    for key in ["out", "catalog", "prices", "trust-root"] {
        assert!(says_to(&format!("{key}: ''\n")).contains(&format!("line 1: `{key}`: an empty path")), "{key}");
    }
    assert!(says_to("clusters:\n- name: a\n  rules: ['']\n").contains("`rules`: an empty path"));
}

#[test]
fn rules_that_are_not_there_are_told_before_anything_is_fetched() {
    let told = says_to("rules: [nosuch]\n");
    assert!(
        told.contains("nosuch: there is no such folder; --rules, or `rules` in knrender.yaml, takes a folder"),
        "{told}"
    );
    let place = Place::new();
    place.write("file", "");
    assert!(place.run(&["--rules", "file", "--offline"]).fails(2).contains("file: it is not a folder"));
}

#[test]
fn what_was_typed_cannot_pretend_to_be_a_line_of_its_own() {
    let place = Place::new();
    for arguments in [
        &["--domain", "a\nknrender: all is well", "--offline"][..],
        &["--domain=a\n\u{1b}[31mknrender: all is well", "--offline"],
        &["lint", "a\nknrender: all is well"],
        &["--scheme", "a\nknrender: all is well"],
        &["no\nknrender: all is well"],
        &["explain", "Service/a\nknrender: all is well"],
        &["schema", "a\nknrender: all is well"],
        &["--mirror", "no/a\nknrender: all is well", "--out", "out"],
        &["--app-namespace", "b,a\nknrender: all is well", "--offline"],
        &["diff", "a\nknrender: all is well", "b"],
    ] {
        let ran = place.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}");
        let is_fake = |line: &str| line.trim_start().starts_with("knrender: all is well") || line.contains('\u{1b}');
        assert!(!ran.stderr.lines().any(is_fake), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn requests_that_never_end_are_refused_at_once() {
    let place = Place::new();
    place.write("rates.csv", "time,rate\n0,1000000\n86400,1000000\n");
    for traffic in ["concurrency:1000000:2678400", "rates.csv"] {
        for command in [&["simulate"][..], &["report", "app.yaml", "--out", "page.html"]] {
            place.write("app.yaml", APP);
            let ran = place.run(&[command, &["--traffic", traffic]].concat());
            assert!(ran.code >= 2, "{command:?} {traffic}: {}", ran.stdout);
            assert!(
                ran.stderr.contains("1000000000 are simulated at most: make it shorter"),
                "{command:?} {}",
                ran.stderr
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_a_link_is_said_not_to_be_followed() {
    let place = Place::new();
    place.write("in/a.yaml", APP);
    place.write("elsewhere/b.yaml", &APP.replace("name: a", "name: b"));
    std::os::unix::fs::symlink(place.path("elsewhere"), place.path("in/more")).unwrap();
    std::os::unix::fs::symlink(place.path("in"), place.path("in/round")).unwrap();
    for command in ["lint", "validate", "images"] {
        let ran = place.run(&[command, "in"]).ok();
        for link in ["in/more", "in/round"] {
            let said = format!("note: {link} is a link to a folder and is not followed");
            assert!(ran.stderr.contains(&said), "{command}: {}", ran.stderr);
        }
    }
    assert!(!place.run(&["lint", "in/more"]).ok().stderr.contains("note:"), "one that is named is read");
}

#[test]
fn a_stack_that_begins_with_a_joined_flag_is_a_stack() {
    let Some(place) = Place::with_upstream() else { return };
    let ran = place.run(&["diff", "--scale=small --domain a.example", "--scale=large --domain a.example"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        place.run(&["diff", "--scale small --domain a.example", "--scale large --domain a.example"]).stdout
    );
}

#[test]
fn rules_that_leave_out_what_others_need_are_warned_about() {
    let Some(place) = Place::with_upstream() else { return };
    place.write(
        "rules/a.yaml",
        "- {rule: no-namespace, why: a, match: {kind: Namespace, name: knative-serving}, drop: true}\n\
         - {rule: no-crds, why: a, match: {kind: CustomResourceDefinition}, expect: some, drop: true}\n",
    );
    let said =
        place.run(&["--rules", "rules", "--out", "out"]).ok().stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Rule `no-namespace` (rules/a.yaml, line 1) leaves out Namespace/knative-serving, and "),
        "{said}"
    );
    assert!(
        said.contains("Rule `no-crds` (rules/a.yaml, line 2) leaves out ")
            && said.contains("something else has brought it")
    );
    assert!(!place.run(&["--out", "other"]).ok().stderr.contains("leaves out"));
}

#[test]
fn two_rules_of_one_name_are_told() {
    let Some(place) = Place::with_upstream() else { return };
    let rule = |name: &str| {
        format!(
            "- {{rule: {name}, why: a, match: {{kind: Namespace, name: knative-serving}}, merge: {{metadata: {{labels: {{a: b}}}}}}}}\n"
        )
    };
    for (first, second) in [("ours", "ours"), ("other", "gateway-behind-alb")] {
        place.write("rules/a.yaml", &rule(first));
        place.write("rules/b.yaml", &rule(second));
        let said = place.run(&["--rules", "rules"]).fails(2);
        assert!(
            said.contains(&format!("rule `{second}` (rules/b.yaml, line 1): there is one of this name already (")),
            "{said}"
        );
    }
}

#[test]
fn a_flag_about_a_control_plane_that_is_not_in_the_bill_is_said_to_change_nothing() {
    let place = Place::new();
    place
        .write("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n");
    let said = place.run(&["plan", "a.yaml", "--extended-support"]).ok().stdout;
    assert!(said.contains("--extended-support is about the control plane"), "{said}");
    assert!(!place.run(&["plan", "a.yaml"]).ok().stdout.contains("--extended-support"));
}

#[test]
fn a_component_is_told_by_the_name_that_it_has() {
    let place = Place::new();
    let said = place.run(&["upstream", "add", "kourier", "1.23.0"]).fails(2);
    assert!(
        said.contains("no component `kourier`; did you mean `net-kourier`?") && said.contains("cert-manager"),
        "{said}"
    );
    let said = place.run(&["upstream", "add", "serving", "1.23.0"]).fails(2);
    assert!(said.contains("did you mean `knative-serving`?"), "{said}");
}

#[test]
fn a_value_that_is_none_is_told_with_what_it_is_of() {
    let place = Place::new();
    place.write("file", "x");
    for (arguments, said) in [
        (&["--knative", "x", "--offline"][..], "`x` is not a version of knative-serving"),
        (&["--controller", "x", "--offline"], "`x` is not a version of aws-load-balancer-controller"),
        (&["--gloo", "x", "--offline"], "`x` is not a version of gloo"),
        (&["simulate", "--traffic", "rate:1:1", "--image-size", "9999999999999Ei"], "this is no size up to 1Ti"),
    ] {
        let told = place.run(arguments).fails(2);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    let told = Place::new().env("KNRENDER_CACHE", "/dev/null").run(&["cache"]).fails(2);
    assert!(told.contains("it is no folder; KNRENDER_CACHE names one"), "{told}");
}

#[test]
fn a_file_in_the_place_of_the_folder_to_write_is_told() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("file", "x");
    let told = place.run(&["--out", "file"]).fails(4);
    assert!(told.contains("file: ") && told.contains("it is a file, and a folder is asked for"), "{told}");
    assert_eq!(place.read("file"), "x");
    let told = place.run(&["--gloo", "v1.3.9", "--gloo-manifest", "nosuch", "--out", "out"]).fails(3);
    assert!(told.contains("nosuch: cannot be read") && told.contains("--gloo-manifest"), "{told}");
}

#[cfg(target_os = "linux")] // where nobody can write to /proc
#[test]
fn a_configuration_that_cannot_be_written_is_told_without_the_name_of_a_temporary_file() {
    let place = Place::new();
    let told = place.run(&["init", "--config", "/proc/knrender.yaml"]).fails(4);
    assert!(told.contains("/proc/knrender.yaml: cannot be written: "), "{told}");
    assert!(!told.contains("at path"), "{told}");
}

#[test]
fn a_folder_without_a_rule_and_a_name_of_two_lines_are_told() {
    let Some(place) = Place::with_upstream() else { return };
    for (text, said) in [
        ("", "rules: its .yaml files have no rule in them"),
        ("# a comment\n", "rules: its .yaml files have no rule in them"),
        (
            "- {rule: \"a\\nb\", why: c, match: {kind: Namespace}, drop: true}\n",
            "rule `a\\nb`: its name is not in kebab-case",
        ),
    ] {
        place.write("rules/a.yaml", text);
        let told = place.run(&["--rules", "rules", "--out", "out"]).fails(2);
        assert!(told.contains(said), "{told}");
    }
}
