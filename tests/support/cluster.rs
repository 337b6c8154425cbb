//! A render, a cluster that is a folder, and the runs of `apply.sh` on it.
#![allow(dead_code, unreachable_pub)] // not every test binary uses all of it
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::run::{Place, Ran, tree};

/// A render and a cluster, which `kubectl.sh` beside this file plays.
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
        let kubectl = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/kubectl.sh");
        fs::create_dir_all(place.path("bin")).unwrap();
        fs::create_dir_all(place.path("fake")).unwrap();
        fs::copy(kubectl, place.path("bin/kubectl")).unwrap();
        fs::set_permissions(place.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        Cluster { place, out: out.to_owned() }
    }

    /// Tells the cluster how to behave; see `tests/support/kubectl.sh`.
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

    /// Position of the first call that contains all of these.
    pub fn position(&self, parts: &[&str]) -> usize {
        let calls = self.calls();
        let found = calls.iter().position(|call| parts.iter().all(|part| call.contains(part)));
        found.unwrap_or_else(|| panic!("no call with {parts:?} in {calls:#?}"))
    }
}

/// Asserts that all parts are in a text.
#[track_caller]
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
