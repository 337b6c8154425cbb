//! `knrender simulate`: what it says, what it refuses.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp)]

use crate::support::run::{Place, Ran};
use serde_json::Value;

const SERVICE: &str = "\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: default}
spec:
  template:
    metadata:
      annotations: {autoscaling.knative.dev/target: '10'}
    spec:
      containers:
      - image: hello
        resources: {requests: {cpu: 225m, memory: 256Mi}}
";

fn run(arguments: &[&str]) -> Ran {
    let place = Place::new();
    place.write("service.yaml", SERVICE);
    place.run(&[&["simulate"], arguments].concat())
}

fn json(arguments: &[&str]) -> Value {
    let ran = run(&[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[test]
fn a_cold_start_is_told_with_its_wait_and_its_price() {
    let said = json(&["service.yaml", "--traffic", "rate:1:60", "--cold-start", "30", "--annotation", "target=100"]);
    assert_eq!((number(&said, "/requests/total"), number(&said, "/requests/failed")), (60.0, 0.0));
    assert!((30.0..=31.0).contains(&number(&said, "/requests/cold")), "{}", said["requests"]);
    assert!((29.0..31.5).contains(&number(&said, "/latency/max")), "{}", said["latency"]);
    let timeline = said["timeline"].as_array().unwrap();
    let at = |second: usize, what: &str| timeline[second][what].as_u64().unwrap();
    assert_eq!((at(0, "desired"), at(1, "desired"), at(1, "ready"), at(45, "ready")), (0, 1, 0, 1));
    assert!(timeline.iter().enumerate().all(|(second, row)| row["time"] == second));
    // The window of 60 s, the retention of 5 min, and 30 s to go.
    let end = timeline.len() - 1;
    assert!((445..=455).contains(&end), "{end}");
    assert_eq!(timeline[end]["pods"], 0);
    // 0.25 vCPU and 0.5 GB at $0.0123425 an hour.
    let hours = number(&said, "/pricing/billed_seconds") / 3600.0;
    assert!((number(&said, "/cost") - hours * 0.012_342_5).abs() < 2e-6, "{}", said["cost"]);
    assert!((number(&said, "/pod_seconds") - 449.0).abs() < 4.0);
}

#[test]
fn a_pod_that_always_runs_has_no_cold_start() {
    let said = json(&["service.yaml", "--traffic", "spike:5", "--annotation", "min-scale=1", "--service-time", "0.2"]);
    assert_eq!(number(&said, "/requests/cold"), 0.0);
    assert!(number(&said, "/latency/max") < 0.25);
    assert!(said["timeline"].as_array().unwrap().iter().all(|row| row["desired"] == 1 && row["ready"] == 1));
}

#[test]
fn pods_take_only_so_many_requests_at_a_time() {
    let flags = ["--cold-start", "0", "--concurrency", "1", "--service-time", "1", "--annotation", "max-scale=1"];
    let said = json(&[&["service.yaml", "--traffic", "spike:10"], &flags[..]].concat());
    assert!((10.0..11.5).contains(&number(&said, "/latency/max")), "{}", said["latency"]);
    // Behind a gateway that goes to the pods alone, queue-proxy lets ten wait for each that it works on, and refuses the rest.
    let direct = ["--annotation", "target-burst-capacity=0", "--annotation", "min-scale=1"];
    let said = json(&[&["service.yaml", "--traffic", "pause:5,spike:20"], &flags[..], &direct[..]].concat());
    assert_eq!((number(&said, "/requests/failures/503"), number(&said, "/requests/total")), (9.0, 20.0));
}

#[test]
fn a_request_that_takes_too_long_ends_with_504() {
    let place = Place::new();
    place.write("service.yaml", &SERVICE.replace("    spec:\n", "    spec:\n      timeoutSeconds: 20\n"));
    let ran =
        place.run(&["simulate", "service.yaml", "--traffic", "spike:3", "--cold-start", "60", "--format", "json"]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((number(&said, "/requests/failures/504"), number(&said, "/latency/max")), (3.0, 20.0));
}

#[test]
fn traffic_that_never_stops_asking_waits_for_its_answers() {
    let said = json(&["--traffic", "concurrency:4:30,rate:1:5", "--cold-start", "10", "--service-time", "1"]);
    // Four callers, of whom each is cold once and asks again each second.
    assert_eq!(number(&said, "/requests/cold"), 4.0);
    let total = number(&said, "/requests/total");
    assert!((4.0 * 20.0 + 5.0..=4.0 * 21.0 + 5.0).contains(&total), "{total}");
}

#[test]
fn requests_a_second_scale_too() {
    let flags = ["--annotation", "metric=rps", "--annotation", "target=10", "--cold-start", "5"];
    let said = json(&[&["--traffic", "rate:35:120"], &flags[..]].concat());
    let most = said["timeline"].as_array().unwrap().iter().map(|row| row["desired"].as_u64().unwrap()).max();
    assert_eq!(most, Some(5)); // 35 / (10 * 70 %)
}

#[test]
fn a_service_is_deployed_with_its_initial_scale() {
    let flags = ["--annotation", "initial-scale=3", "--from", "deployed", "--cold-start", "5"];
    let said = json(&[&["--traffic", "rate:1:30"], &flags[..]].concat());
    let timeline = said["timeline"].as_array().unwrap();
    // It is kept until so many pods are ready, 15 s later, whatever the traffic.
    assert!((0..15).all(|second| timeline[second]["desired"] == 3));
    assert_eq!(timeline[29]["desired"], 1);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let arguments = ["service.yaml", "--traffic", "poisson:5:60,spike:40", "--cold-start", "20-40", "--format", "json"];
    let (one, other) = (run(&arguments).stdout, run(&arguments).stdout);
    assert_eq!(one, other);
    assert_ne!(one, run(&[&arguments[..], &["--seed", "2"]].concat()).stdout);
}

#[test]
fn a_picture_says_in_words_what_it_shows() {
    let place = Place::new();
    let ran = place.run(&["simulate", "--traffic", "rate:5:120", "--cold-start", "30", "--svg", "run.svg"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let svg = place.read("run.svg");
    for word in [
        "role=\"img\"",
        "<desc",
        "600 requests, 0 failed",
        "requests a second",
        "latency in seconds",
        "prefers-color-scheme",
    ] {
        assert!(svg.contains(word), "{word}");
    }
    assert!(ran.stdout.contains("requests |") && ran.stdout.contains("latency  |"), "{}", ran.stdout);
}

#[test]
fn a_sweep_finds_the_cheapest_setting_that_meets_a_goal() {
    let flags = ["--traffic", "rate:1:60,pause:900,rate:1:60", "--cold-start", "30"];
    let grid = "--sweep=min-scale=0/2,scale-to-zero-pod-retention-period=0s/20m";
    let ran = run(&[&flags[..], &[grid, "--goal", "cold<30%"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("3 settings tried"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("autoscaling.knative.dev/scale-to-zero-pod-retention-period: \"20m\""),
        "{}",
        ran.stdout
    );
    let none = run(&[&flags[..], &["--sweep=min-scale=0", "--goal", "max<1s"]].concat());
    assert_eq!(none.code, 1, "{}", none.stderr);
}

#[test]
fn the_config_maps_of_a_render_hold_where_the_service_says_nothing() {
    let place = Place::new();
    place.write("service.yaml", SERVICE);
    place.write(
        "config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-autoscaler, namespace: knative-serving}\ndata:\n  stable-window: 30s\n  \
         scale-to-zero-pod-retention-period: 0s\n",
    );
    let ran = place.run(&[
        "simulate",
        "service.yaml",
        "config.yaml",
        "--traffic",
        "rate:1:10",
        "--cold-start",
        "1",
        "--format",
        "json",
    ]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((number(&said, "/settings/stable_window"), number(&said, "/settings/target")), (30.0, 7.0));
    let end = said["timeline"].as_array().unwrap().len();
    assert!((68..=76).contains(&end), "{end}");
}

#[test]
fn two_revisions_in_the_traffic_are_told() {
    let place = Place::new();
    let split = "  traffic:\n  - {revisionName: hello-1, percent: 50}\n  - {latestRevision: true, percent: 50}\n";
    place.write("service.yaml", &format!("{SERVICE}{split}"));
    let ran = place.run(&["simulate", "service.yaml", "--traffic", "spike:1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("split over several revisions"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_simulated_is_refused_in_words() {
    let place = Place::new();
    place.write("service.yaml", SERVICE);
    place.write("bad.yaml", &SERVICE.replace("'10'", "'ten'"));
    place.write("two.yaml", &format!("{SERVICE}---\n{}", SERVICE.replace("hello,", "other,")));
    place.write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    place.write("back.csv", "time\n5\n4\n");
    place.write("empty.csv", "");
    for (arguments, code, word) in [
        (&["service.yaml", "--traffic", "rate:-1:5"][..], 2, "from 0 to"),
        (&["service.yaml", "--traffic", "rates:1:5"], 2, "it is none"),
        (&["service.yaml", "--traffic", "none.csv"], 3, "no such file"),
        (&["service.yaml", "--traffic", "back.csv"], 3, "line 3"),
        (&["service.yaml", "--traffic", "empty.csv"], 3, "no request"),
        (&["bad.yaml", "--traffic", "spike:1"], 3, "`ten` is no number; Knative's webhook refuses it"),
        (&["two.yaml", "--traffic", "spike:1"], 3, "say which with --service"),
        (&["map.yaml", "--traffic", "spike:1"], 3, "no Knative Service"),
        (&["service.yaml", "--traffic", "spike:1", "--cold-start=-5"], 2, "no number of seconds"),
        (&["service.yaml", "--traffic", "spike:1", "--goal", "p99<2s"], 2, "--sweep"),
        (&["service.yaml", "--traffic", "spike:1", "--sweep", "--goal", "fast"], 2, "no goal"),
        (&["service.yaml", "--traffic", "spike:1", "--annotation", "target"], 2, "KEY=VALUE"),
        // What would change nothing, or what the flags alone are at fault for.
        (&["service.yaml", "--traffic", "spike:1", "--annotation", "min-scales=1"], 2, "no setting that is simulated"),
        (&["service.yaml", "--traffic", "spike:1", "--sweep=min-scales=1"], 2, "no setting that is simulated"),
        (&["service.yaml", "--traffic", "spike:1", "--annotation", "target=0"], 2, "Knative's webhook refuses it"),
        (&["bad.yaml", "--traffic", "spike:1", "--annotation", "min-scale=1"], 3, "`ten` is no number"),
        (&["service.yaml", "--traffic", "spike:1", "--host", "example.com"], 2, "--traffic gives phases"),
        (&["--traffic", "spike:1", "--service", "hello"], 2, "name a file or folder"),
        (&["service.yaml", "--traffic", "rate:1000000:2678400"], 2, "2678400000000 requests"),
    ] {
        let ran = place.run(&[&["simulate"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(place.run(&["simulate", "two.yaml", "--service", "other", "--traffic", "spike:1"]).code, 0);
}

#[test]
fn the_images_that_the_lock_knows_are_pulled_at_each_start_in_simulate_and_plan() {
    let place = Place::new();
    place.write(
        "service.yaml",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: shop, namespace: default}\n\
         spec: {template: {spec: {containers: [{image: registry.example/shop:1}]}}}\n",
    );
    place.write(
        "knrender.lock",
        &format!(
            "assets: []\nimages:\n- image: registry.example/shop:1\n  digest: sha256:{}\n  size: 500000000\n  layers: [500000000]\n",
            "a".repeat(64)
        ),
    );
    let plan = place.run(&["plan", "service.yaml"]).ok().stdout;
    assert!(plan.contains("500 MB, 10.0 s"), "{plan}");
    assert_eq!(place.run(&["plan", "service.yaml", "--format", "json"]).ok().json()["pulls"][0]["bytes"], 500_000_000);
    let told =
        |more: &[&str]| place.run(&[&["simulate", "service.yaml", "--traffic", "spike:1"], more].concat()).ok().stdout;
    let by_lock = told(&[]);
    assert!(by_lock.contains("a pod starts in 70 s") && by_lock.contains("500 MB, 10.0 s"), "{by_lock}");
    // What was measured has the pull in it.
    assert!(told(&["--cold-start", "45"]).contains("a pod starts in 45 s"));
}
