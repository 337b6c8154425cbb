//! The simulator is held against recordings of the real autoscaler, through the command that users run.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::path::PathBuf;

use serde_json::Value;

use crate::support::run::Place;

/// A recording: see tests/fixtures/traces/README.md.
struct Recording {
    name: String,
    meta: Value,
    desired: Vec<i64>,
    pods: Vec<i64>,
    /// How long each request took, sorted.
    seconds: Vec<f64>,
    failed: f64,
}

/// How far the simulator is off.
struct Distance {
    name: String,
    /// Share of the seconds in which the desired pods are within 1, or 10 %.
    near: f64,
    /// The longest time in seconds in which they are off by more than 2, or 20 %.
    off: usize,
    failed: f64,
    /// Simulated and recorded p50, p95, p99.
    latency: [(f64, f64); 3],
    pod_seconds: (f64, f64),
    to_zero: (usize, usize),
}

fn rows(name: &str, file: &str) -> Vec<Vec<f64>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/traces").join(name).join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(|field| field.parse().unwrap()).collect()).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn recording(name: &str) -> Recording {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/traces").join(name);
    let meta = serde_json::from_str(&std::fs::read_to_string(folder.join("meta.json")).unwrap()).unwrap();
    let (state, requests) = (rows(name, "state.csv"), rows(name, "requests.csv"));
    let seconds: Vec<f64> = requests.iter().flat_map(|row| vec![row[0]; row[2] as usize]).collect();
    let failed: f64 = requests.iter().filter(|row| row[1] as i64 != 200).map(|row| row[2]).sum();
    let column = |at: usize| state.iter().map(|row| row[at] as i64).collect();
    Recording {
        name: name.to_owned(),
        meta,
        desired: column(0),
        pods: column(2),
        failed: failed / seconds.len() as f64,
        seconds,
    }
}

fn names() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/traces");
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir());
    let mut names: Vec<_> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn simulate(recording: &Recording) -> Value {
    let place = Place::new();
    let meta = &recording.meta;
    let service = serde_json::json!({
        "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": recording.name},
        "spec": {"template": {"metadata": {"annotations": meta["annotations"]}, "spec": {
            "containerConcurrency": meta["container_concurrency"], "containers": [{"image": "app"}]}}}});
    place.write("service.yaml", &service.to_string());
    let phases: Vec<_> = meta["phases"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    let (delay, work) = (meta["pod_start_delay_seconds"].to_string(), meta["request_seconds"].to_string());
    let arguments =
        ["--traffic", &phases.join(","), "--cold-start", &delay, "--service-time", &work, "--format", "json"];
    let ran = place.run(&[&["simulate", "service.yaml"][..], &arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    sorted[((sorted.len() as f64 * percent / 100.0).ceil() as usize).max(1) - 1]
}

fn distance(recording: &Recording, simulated: &Value) -> Distance {
    let timeline = simulated["timeline"].as_array().unwrap();
    let at = |second: usize| timeline.get(second).map_or(0, |row| row["desired"].as_i64().unwrap());
    let within = |second: usize, least: f64, share: f64| {
        let real = recording.desired[second];
        (at(second) - real).abs() as f64 <= (real as f64 * share).max(least)
    };
    let seconds = 0..recording.desired.len();
    let near = seconds.clone().filter(|s| within(*s, 1.0, 0.1)).count() as f64 / seconds.len() as f64;
    let (mut off, mut longest) = (0, 0);
    for second in seconds {
        off = if within(second, 2.0, 0.2) { 0 } else { off + 1 };
        longest = longest.max(off);
    }
    let requests = |key: &str| simulated["requests"][key].as_f64().unwrap();
    let latency = [50.0, 95.0, 99.0]
        .map(|p| (simulated["latency"][format!("p{p}")].as_f64().unwrap(), percentile(&recording.seconds, p)));
    let simulated_zero = timeline.iter().rposition(|row| row["desired"].as_i64().unwrap() > 0).unwrap();
    Distance {
        name: recording.name.clone(),
        near,
        off: longest,
        failed: (requests("failed") / requests("total") - recording.failed).abs(),
        latency,
        pod_seconds: (simulated["pod_seconds"].as_f64().unwrap(), recording.pods.iter().sum::<i64>() as f64),
        to_zero: (simulated_zero, recording.desired.iter().rposition(|d| *d > 0).unwrap()),
    }
}

#[test]
fn the_simulator_is_as_near_to_the_recordings_as_is_promised() {
    println!("simulated and recorded:");
    println!(
        "{:<18} {:>7} {:>5}  {:>17} {:>17} {:>17} {:>15} {:>11}",
        "", "near", "off", "p50", "p95", "p99", "pod seconds", "zero after"
    );
    for name in names() {
        let recording = recording(&name);
        let d = distance(&recording, &simulate(&recording));
        let [p50, p95, p99] = d.latency.map(|(simulated, real)| format!("{simulated:.2} {real:.2}"));
        println!(
            "{:<18} {:>5.1} % {:>3} s  {p50:>17} {p95:>17} {p99:>17} {:>15} {:>11}",
            d.name,
            d.near * 100.0,
            d.off,
            format!("{:.0} {:.0}", d.pod_seconds.0, d.pod_seconds.1),
            format!("{} {}", d.to_zero.0, d.to_zero.1)
        );
        assert!(d.near >= 0.95, "{name}: desired pods are near in {:.1} % of the seconds", d.near * 100.0);
        assert!(d.off <= 6, "{name}: desired pods are far off for {} s", d.off);
        assert!(d.failed <= 0.01, "{name}: the share of failures is off by {}", d.failed);
        for (simulated, real) in d.latency {
            assert!((simulated - real).abs() <= (real * 0.1).max(0.5), "{name}: latency {simulated}, recorded {real}");
        }
        let (simulated, real) = d.pod_seconds;
        assert!((simulated - real).abs() <= real * 0.05, "{name}: pod seconds {simulated}, recorded {real}");
        assert!(d.to_zero.0.abs_diff(d.to_zero.1) <= 3, "{name}: zero after {:?}", d.to_zero);
    }
}
