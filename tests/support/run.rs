//! Runs the `knrender` command in a folder of its own, with an environment of its own, and says what came out.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A working folder and a cache, gone with the value.
pub struct Place {
    dir: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What a run did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// No mirror and no network.
    pub fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        let place = Place { dir, environment: Vec::new() };
        place.env("KNRENDER_CACHE", "../cache")
    }

    /// With the mirror of real upstream files. `None`, said in a line, where it is missing; with CI=true a failure.
    pub fn with_upstream() -> Option<Place> {
        let mirror = upstream()?;
        Some(Place::new().env("KNRENDER_MIRROR", &mirror.display().to_string()))
    }

    pub fn env(mut self, name: &str, value: &str) -> Place {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The working folder.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join("work").join(relative)
    }

    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_else(|e| panic!("{relative}: {e}"))
    }

    /// Every file below a folder, by path, with its text.
    pub fn tree(&self, relative: &str) -> BTreeMap<String, String> {
        tree(&self.path(relative))
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    /// Runs with something on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command("", arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap(); // and closes it
        Ran::of(child.wait_with_output().unwrap())
    }

    /// Runs in a folder below the working folder.
    pub fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(folder, arguments).output().unwrap())
    }

    fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_knrender"));
        command
            .args(arguments)
            .current_dir(self.path(folder))
            .env_clear()
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Ran {
    fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What `--format json` and `--format sarif` wrote.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }

    /// Asserts that it went well.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Asserts that it failed with this exit code, and returns what it said.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Every file below a folder, by path, with its text.
pub fn tree(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file()) {
        let path = entry.path().strip_prefix(dir).unwrap().display().to_string();
        found.insert(path, String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned());
    }
    found
}

/// Asserts that a file of the repository has this text. With `KNRENDER_UPDATE` it is written instead.
#[track_caller]
pub fn hold(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("KNRENDER_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(held == text, "{file} is not what it would be now; KNRENDER_UPDATE=1 writes it");
}

/// Says what was measured of the agreement with a real server, here and to CI, which prints it.
pub fn measured(name: &str, said: &str) {
    println!("{name}: {said}");
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("agreement-{name}")), format!("{name}: {said}\n"))
        .unwrap();
}

/// The mirror of real upstream files, which is not part of the repository.
pub fn upstream() -> Option<PathBuf> {
    shared("upstream")
}

/// A folder of `../shared`. A check of everything has the mirror, which anybody can fill; the other folders are not for everybody.
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let here = std::thread::current().name().unwrap_or("test").to_owned();
    let is_lenient = name != "upstream" || std::env::var_os("CI").is_none_or(|v| v != "true");
    assert!(
        is_lenient,
        "../shared/{name} is missing, and CI=true; `knrender upstream mirror --all ../shared/upstream` fills it"
    );
    println!("{here}: passed without looking, since ../shared/{name} is missing");
    None
}

/// A mirror folder with a gloo-knative.yaml (v1.0.0) of our own, small and complete enough to be rendered.
pub fn own_mirror(place: &Place, gloo: &str) {
    place.write("mirror/github.com/solo-io/gloo/releases/download/v1.0.0/gloo-knative.yaml", gloo);
}

/// A manifest of our own with what the seed rules look for.
pub const GLOO: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: gloo-system
  labels:
    app: gloo
---
apiVersion: v1
kind: Service
metadata:
  name: knative-external-proxy   # the way in
  namespace: gloo-system
spec:
  type: LoadBalancer             # classic
  ports:
  - port: 80
";
