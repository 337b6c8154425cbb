//! Requests to the cluster: by kubectl alone, read-only, each with a limit, and each remembered.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::value::Value;

/// How long the server may take for one request, in seconds, where nobody says so.
pub const REQUEST: u64 = 20;
/// kubectl is killed when it runs for so much longer, in seconds: it may have to log in first.
const GRACE: u64 = 2;
/// How often is looked whether kubectl has ended.
const LOOK: Duration = Duration::from_millis(5);
/// So many requests are made at once.
const AT_ONCE: usize = 6;
/// After so many requests without an answer, nothing more is asked.
const PATIENCE: usize = 2;

/// kubectl in one context.
#[derive(Debug)]
pub struct Kubectl {
    /// The context that every request names.
    pub context: Option<String>,
    /// The requests that were made, as commands.
    pub requests: Vec<String>,
    /// How long the server may take for one, in seconds.
    limit: u64,
    /// Answers to what was asked ahead.
    ahead: BTreeMap<Vec<String>, Result<String, Refusal>>,
    /// How many requests in a row the server did not answer.
    silent: usize,
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
    /// The server does not answer in time.
    Silent(String),
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
            Refusal::Forbidden(why) | Refusal::Silent(why) | Refusal::Failed(why) => why.clone(),
        }
    }
}

impl Kubectl {
    /// kubectl in its current context, with a limit for each request, in seconds.
    pub fn new(limit: u64) -> Kubectl {
        Kubectl { context: None, requests: Vec::new(), limit, ahead: BTreeMap::new(), silent: 0 }
    }

    /// What kubectl prints.
    ///
    /// # Errors
    /// It does not run, does not end in time, or fails.
    pub fn text(&mut self, arguments: &[&str]) -> Result<String, Refusal> {
        self.with_input(arguments, None)
    }

    /// The same with something on its standard input.
    ///
    /// # Errors
    /// As [`Kubectl::text`].
    pub fn with_input(&mut self, arguments: &[&str], input: Option<&str>) -> Result<String, Refusal> {
        let key: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        if input.is_none()
            && let Some(answer) = self.ahead.remove(&key)
        {
            return answer;
        }
        if self.silent >= PATIENCE {
            return Err(not_asked());
        }
        let all = self.arguments(&key);
        self.requests.push(format!("kubectl {}", all.join(" ")));
        let answer = run(&all, input, self.limit);
        self.heard(&answer);
        answer
    }

    /// Makes requests several at a time, for the calls that come: a login for each takes a second or two.
    pub fn ask_ahead(&mut self, requests: &[Vec<String>]) {
        for some in requests.chunks(AT_ONCE) {
            if self.silent >= PATIENCE {
                self.ahead.extend(some.iter().map(|request| (request.clone(), Err(not_asked()))));
                continue;
            }
            let commands: Vec<Vec<String>> = some.iter().map(|request| self.arguments(request)).collect();
            self.requests.extend(commands.iter().map(|all| format!("kubectl {}", all.join(" "))));
            let limit = self.limit;
            let answers: Vec<Result<String, Refusal>> = thread::scope(|scope| {
                let asked: Vec<_> = commands.iter().map(|all| scope.spawn(move || run(all, None, limit))).collect();
                let lost = || Err(Refusal::Failed("kubectl's answer was lost".to_owned()));
                asked.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
            });
            for (request, answer) in some.iter().zip(answers) {
                self.heard(&answer);
                self.ahead.insert(request.clone(), answer);
            }
        }
    }

    fn heard(&mut self, answer: &Result<String, Refusal>) {
        self.silent = if matches!(answer, Err(Refusal::Silent(_))) { self.silent + 1 } else { 0 };
    }

    fn arguments(&self, request: &[String]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if let Some(context) = &self.context {
            all.extend(["--context".to_owned(), context.clone()]);
        }
        all.push(format!("--request-timeout={}s", self.limit));
        all.extend_from_slice(request);
        all
    }

    /// The JSON that kubectl prints.
    ///
    /// # Errors
    /// As [`Kubectl::text`], and where it is no JSON.
    pub fn json(&mut self, arguments: &[&str]) -> Result<Value, Refusal> {
        self.json_with_input(&[arguments, &["-o", "json"]].concat(), None)
    }

    /// The JSON that kubectl prints for something on its standard input; `arguments` say that it is to be JSON.
    ///
    /// # Errors
    /// As [`Kubectl::json`].
    pub fn json_with_input(&mut self, arguments: &[&str], input: Option<&str>) -> Result<Value, Refusal> {
        let text = self.with_input(arguments, input)?;
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
        let request = listing(kind, namespace);
        let request: Vec<&str> = request.iter().map(String::as_str).collect();
        let answer = self.json_with_input(&request, None)?;
        Ok(items(answer))
    }
}

/// The request that lists the objects of a kind: `*` stands for all namespaces.
pub fn listing(kind: &str, namespace: Option<&str>) -> Vec<String> {
    let mut request = vec!["get", kind];
    match namespace {
        Some("*") => request.push("--all-namespaces"),
        Some(namespace) => request.extend(["--namespace", namespace]),
        None => {}
    }
    // kubectl leaves them out otherwise; they say who set what.
    request.extend(["--show-managed-fields", "-o", "json"]);
    request.into_iter().map(str::to_owned).collect()
}

/// The objects of a list, or the one object that is none.
pub fn items(answer: Value) -> Vec<Value> {
    match answer {
        Value::Object(mut object) => match object.shift_remove("items") {
            Some(Value::Array(items)) => items.into_iter().collect(),
            _ => vec![Value::Object(object)],
        },
        _ => Vec::new(),
    }
}

fn not_asked() -> Refusal {
    Refusal::Silent("it was not asked for, since the server has stopped to answer".to_owned())
}

fn run(all: &[String], input: Option<&str>, limit: u64) -> Result<String, Refusal> {
    let mut child = Command::new("kubectl")
        .args(all)
        .env("LC_ALL", "C")
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Refusal::NoKubectl(e.to_string()))?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input.map(str::to_owned)) {
        // A kubectl that does not read to the end says why.
        thread::spawn(move || pipe.write_all(input.as_bytes()));
    }
    let (well, out, said) = finish(child, limit)?;
    if well { Ok(out) } else { Err(refusal(&said)) }
}

/// Whether it went well, and what it said; killed where it does not end.
fn finish(mut child: Child, limit: u64) -> Result<(bool, String, String), Refusal> {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read_out = thread::spawn(move || read(out.as_mut()));
    let read_err = thread::spawn(move || read(err.as_mut()));
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < Duration::from_secs(limit + GRACE) => thread::sleep(LOOK),
            Ok(None) => {
                // Both fail only where it has ended by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                // The readers are not waited for: what kubectl started may hold its pipes open.
                return Err(Refusal::Silent(format!("the server did not answer within {limit} s (--timeout)")));
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
    let has = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    if has(&["doesn't have a resource type", "no matches for kind", "could not find the requested resource"]) {
        Refusal::NotServed
    } else if has(&["(Forbidden)", "is forbidden"]) {
        Refusal::Forbidden(words)
    } else if has(&["Client.Timeout exceeded", "context deadline exceeded", "i/o timeout", "TLS handshake timeout"]) {
        Refusal::Silent(words)
    } else {
        Refusal::Failed(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says_is_sorted_by_what_it_means() {
        let sorted = |said: &str| refusal(said);
        assert_eq!(sorted("error: the server doesn't have a resource type \"ksvc\""), Refusal::NotServed);
        assert!(matches!(sorted("Error from server (Forbidden): pods is forbidden: no"), Refusal::Forbidden(_)));
        assert!(matches!(
            sorted("Unable to connect to the server: net/http: TLS handshake timeout"),
            Refusal::Silent(_)
        ));
        let refused = "E1128 08:00:00.000000 1 memcache.go:265] x\nThe connection to the server was refused";
        assert_eq!(sorted(refused), Refusal::Failed("The connection to the server was refused".to_owned()));
    }
}
