//! Requests to the cluster: by kubectl alone, read-only, each with a limit, and each remembered.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the server may take for one request, in seconds.
const REQUEST: u64 = 20;
/// kubectl is killed when it runs for so much longer.
const GRACE: u64 = 5;
/// How often is looked whether kubectl has ended.
const LOOK: Duration = Duration::from_millis(5);

/// kubectl in one context.
#[derive(Debug, Default)]
pub struct Kubectl {
    /// The context that every request names.
    pub context: Option<String>,
    /// The requests that were made, as commands.
    pub requests: Vec<String>,
}

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no kubectl.
    NoKubectl(String),
    /// The server does not serve the kind.
    NotServed,
    /// The server refuses the request for want of rights.
    Forbidden(String),
    /// All else, in kubectl's words.
    Failed(String),
}

impl Refusal {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Refusal::NoKubectl(why) => {
                format!("kubectl does not run ({why}); it is to be had at https://kubernetes.io/docs/tasks/tools/")
            }
            Refusal::NotServed => "the server does not serve this kind".to_owned(),
            Refusal::Forbidden(why) | Refusal::Failed(why) => why.clone(),
        }
    }
}

impl Kubectl {
    /// What kubectl prints.
    ///
    /// # Errors
    /// It does not run, does not end in time, or fails.
    pub fn text(&mut self, arguments: &[&str]) -> Result<String, Refusal> {
        let mut all: Vec<String> = Vec::new();
        if let Some(context) = &self.context {
            all.extend(["--context".to_owned(), context.clone()]);
        }
        all.push(format!("--request-timeout={REQUEST}s"));
        all.extend(arguments.iter().map(|a| (*a).to_owned()));
        self.requests.push(format!("kubectl {}", all.join(" ")));
        let child = Command::new("kubectl")
            .args(&all)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| Refusal::NoKubectl(e.to_string()))?;
        let (code, out, said) = finish(child)?;
        if code {
            return Ok(out);
        }
        Err(refusal(&said))
    }

    /// The JSON that kubectl prints.
    ///
    /// # Errors
    /// As [`Kubectl::text`], and where it is no JSON.
    pub fn json(&mut self, arguments: &[&str]) -> Result<Value, Refusal> {
        let text = self.text(&[arguments, &["-o", "json"]].concat())?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|e| Refusal::Failed(format!("kubectl's answer is no JSON: {e}")))
    }

    /// The objects of a kind, in a namespace or where kubectl looks without one.
    ///
    /// # Errors
    /// As [`Kubectl::json`].
    pub fn list(&mut self, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>, Refusal> {
        let mut arguments = vec!["get", kind];
        match namespace {
            Some("*") => arguments.push("--all-namespaces"),
            Some(namespace) => arguments.extend(["--namespace", namespace]),
            None => {}
        }
        let answer = self.json(&arguments)?;
        match answer.get("items").and_then(Value::as_array) {
            Some(items) => Ok(items.clone()),
            None if answer.is_object() => Ok(vec![answer]),
            None => Ok(Vec::new()),
        }
    }
}

/// Whether it went well, and what it said; killed where it does not end.
fn finish(mut child: Child) -> Result<(bool, String, String), Refusal> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read_out = thread::spawn(move || read(out.as_mut()));
    let read_err = thread::spawn(move || read(err.as_mut()));
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < Duration::from_secs(REQUEST + GRACE) => thread::sleep(LOOK),
            Ok(None) => {
                // Both fail only where it has ended by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                // The readers are not waited for: what kubectl started may hold its pipes open.
                return Err(Refusal::Failed(format!("the server did not answer within {REQUEST} s")));
            }
            Err(e) => return Err(Refusal::Failed(format!("kubectl cannot be waited for: {e}"))),
        }
    };
    let (out, said) = (read_out.join().unwrap_or_default(), read_err.join().unwrap_or_default());
    Ok((status.success(), out, said))
}

fn read(from: Option<&mut impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What came until it failed is what there is.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What kubectl's words mean; warnings and its own log lines are left out.
fn refusal(said: &str) -> Refusal {
    let log = |line: &&str| {
        let mut chars = line.chars();
        let head = chars.next().is_some_and(|c| "EWI".contains(c)) && chars.take(4).all(|c| c.is_ascii_digit());
        !(line.is_empty() || head && line.len() > 5 || line.to_lowercase().starts_with("warning"))
    };
    let words = said.lines().filter(log).collect::<Vec<_>>().join(" ");
    let words = if words.is_empty() { "kubectl failed and did not say why".to_owned() } else { words };
    if words.contains("doesn't have a resource type") || words.contains("no matches for kind") {
        Refusal::NotServed
    } else if words.contains("(Forbidden)") || words.contains("is forbidden") {
        Refusal::Forbidden(words)
    } else {
        Refusal::Failed(words)
    }
}
