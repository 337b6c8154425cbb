//! Cases of `tests/fixtures/cases`: what the first line says of each is what a kube-apiserver 1.36.2 said of it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run::Place;

fn cases() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases")).unwrap();
    let mut cases: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .map(|path| (fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned(), path))
        .collect();
    cases.sort();
    cases
}

#[test]
fn what_a_server_said_of_each_case_is_what_validate_says() {
    let place = Place::new();
    let mut wrong = Vec::new();
    for (said, path) in cases() {
        let file = path.display().to_string();
        let report = place.run(&["validate", &file, "--kubernetes", "1.36", "--format", "json"]).json();
        let errors = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error");
        let found: Vec<_> =
            errors.map(|f| format!("{} {}", f["code"].as_str().unwrap(), f["field"].as_str().unwrap())).collect();
        let right = match said.strip_prefix("# refused: ").and_then(|said| said.split(';').next()) {
            Some(wanted) => found.iter().any(|found| found == wanted),
            None if said.starts_with("# taken: ") => found.is_empty(),
            None => panic!("{file}: the first line says neither `taken` nor `refused`"),
        };
        if !right {
            wrong.push(format!("{file}: {said}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_cases_of_both_kinds() {
    let cases = cases();
    let taken = cases.iter().filter(|(said, _)| said.starts_with("# taken: ")).count();
    assert!(taken >= 25 && cases.len() - taken >= 60, "{taken} of {}", cases.len());
}
