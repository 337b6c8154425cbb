//! A render, a cluster that is a folder, and the runs of `apply.sh` on it.
#![allow(unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::run::{Place, Ran, tree};

/// A render and a cluster, which `kubectl.rs` beside this file plays.
pub struct Cluster {
    pub place: Place,
    out: String,
}

impl Cluster {
    /// A render of real upstream files; `None` where they are missing.
    pub fn with(flags: &[&str]) -> Option<Cluster> {
        let place = Place::with_upstream()?;
        Some(Cluster::of(place, "out", flags))
    }

    /// A render in a place.
    pub fn of(place: Place, out: &str, flags: &[&str]) -> Cluster {
        place.run(&[flags, &["--out", out]].concat()).ok();
        fs::create_dir_all(place.path("bin")).unwrap();
        fs::create_dir_all(place.path("fake")).unwrap();
        for name in ["kubectl", "sleep", "date"] {
            std::os::unix::fs::symlink(kubectl(), place.path(&format!("bin/{name}"))).unwrap();
        }
        Cluster { place, out: out.to_owned() }
    }

    /// Tells the cluster how to behave; see `tests/support/kubectl.rs`.
    pub fn is(&self, file: &str, text: &str) -> &Cluster {
        self.place.write(&format!("fake/{file}"), text);
        self
    }

    /// The command that runs a script in a folder.
    pub fn command(&self, folder: &str, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "echo $$ >\"$FAKE/pid\"; exec /bin/sh \"$@\"", "sh", script])
            .args(arguments)
            .current_dir(self.place.path(folder))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.place.path("bin").display()))
            .env("FAKE", self.place.path("fake"))
            .env("KNRENDER_WAIT", "3")
            .stdin(Stdio::null());
        command
    }

    /// Runs it, with three seconds for all waits together.
    pub fn apply(&self, arguments: &[&str]) -> Ran {
        self.apply_waiting("3", arguments)
    }

    /// With another number of seconds for all waits together.
    pub fn apply_waiting(&self, seconds: &str, arguments: &[&str]) -> Ran {
        let script = format!("{}/apply.sh", self.out);
        let output = self.command("", &script, arguments).env("KNRENDER_WAIT", seconds).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// All objects with their text, and the domains.
    pub fn state(&self) -> BTreeMap<String, String> {
        let mut state = tree(&self.place.path("fake/objects"));
        let domains = fs::read_to_string(self.place.path("fake/domains")).unwrap_or_default();
        state.insert("domains".to_owned(), domains);
        state
    }

    /// For how many seconds was slept.
    pub fn slept(&self) -> u64 {
        fs::read_to_string(self.place.path("fake/clock")).unwrap_or_default().parse().unwrap_or(0)
    }

    /// The calls of kubectl so far.
    pub fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.place.path("fake/log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Those of them that change something.
    pub fn changes(&self) -> Vec<String> {
        let changes = |call: &String| {
            [" apply ", " delete ", " patch ", " create ", " replace ", " label ", " scale "]
                .iter()
                .any(|verb| call.contains(verb))
                && !call.contains("--dry-run")
        };
        self.calls().into_iter().filter(changes).collect()
    }

    /// An empty cluster again.
    pub fn emptied(&self) -> &Cluster {
        let fake: PathBuf = self.place.path("fake");
        fs::remove_dir_all(&fake).unwrap();
        fs::create_dir(&fake).unwrap();
        self
    }

    /// Position of the first call that contains all of these, and is no dry run.
    pub fn position(&self, parts: &[&str]) -> usize {
        let calls = self.calls();
        let has_all = |call: &String| parts.iter().all(|part| call.contains(part)) && !call.contains("--dry-run");
        let found = calls.iter().position(has_all);
        found.unwrap_or_else(|| panic!("no call with {parts:?} in {calls:#?}"))
    }
}

/// Which of these calls, by number from 1, to be killed at: the first and the last of each kind, by verb and options.
pub fn of_each_kind(calls: &[String]) -> BTreeSet<usize> {
    let kind = |call: &String| {
        let mut words = call.trim_start_matches("--context prod ").split(' ').filter(|word| !word.contains("timeout"));
        let verb = words.next().map(str::to_owned);
        verb.into_iter().chain(words.filter(|word| word.starts_with('-')).map(str::to_owned)).collect::<Vec<_>>()
    };
    let kinds: Vec<_> = calls.iter().map(kind).collect();
    let is_first = |at: usize| !kinds[..at].contains(&kinds[at]);
    let is_last = |at: usize| !kinds[at + 1..].contains(&kinds[at]);
    (0..calls.len()).filter(|at| is_first(*at) || is_last(*at)).map(|at| at + 1).collect()
}

/// The kubectl of these tests, compiled once for each file of tests: no target of cargo's is for tests alone and a program.
fn kubectl() -> &'static Path {
    static KUBECTL: OnceLock<PathBuf> = OnceLock::new();
    KUBECTL.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/kubectl.rs");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (made, kubectl) = (folder.join(format!("kubectl.{}", std::process::id())), folder.join("kubectl"));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let compiled = Command::new(rustc)
            .args(["--edition", "2024", "-C", "opt-level=1", "-C", "panic=abort", "--crate-name", "kubectl", "-o"])
            .args([&made, &source])
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        fs::rename(made, &kubectl).unwrap(); // another file of tests may be running the old one
        kubectl
    })
}

/// Asserts that all parts are in a text.
#[track_caller]
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
