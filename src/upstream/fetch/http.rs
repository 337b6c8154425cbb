//! One URL over the network: attempts, redirects, limits.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::StatusCode;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, LOCATION, RETRY_AFTER};
use url::Url;

use super::client::{Clients, NoAnswer, Response, timed_out};
use super::{Limits, Progress};
use crate::upstream::address;

/// What came.
#[derive(Debug)]
pub(super) struct Download {
    /// The body.
    pub(super) bytes: Vec<u8>,
    /// Where redirects led, if they did.
    pub(super) last: Option<Url>,
}

/// Why nothing came.
#[derive(Debug)]
pub(super) struct Failure {
    /// For people, without the URL that was asked.
    pub(super) why: String,
    /// The server knows of no such file (404, 410).
    pub(super) absent: bool,
}

/// Why one attempt failed.
enum Miss {
    /// Another attempt would end the same.
    For(Failure),
    /// Another attempt may do better, after the pause that the server asks for.
    Now { why: String, pause: Option<Duration> },
}

impl Miss {
    fn refused(why: impl Into<String>) -> Miss {
        Miss::For(Failure { why: why.into(), absent: false })
    }

    fn passing(why: impl Into<String>) -> Miss {
        Miss::Now { why: why.into(), pause: None }
    }
}

impl Clients {
    /// Downloads `url`, which [`address::parse`] accepted, within `limits`.
    pub(super) fn get(&self, url: &Url, limits: &Limits, progress: &dyn Progress) -> Result<Download, Failure> {
        let fail = |why| Err(Failure { why, absent: false });
        let shown = address::shown(url.as_str());
        let deadline = Instant::now() + limits.total_timeout.min(Duration::from_secs(86_400));
        let mut backoff = limits.backoff;
        for attempt in 1.. {
            let mut running = Running { progress, url: &shown, ok: false };
            progress.start(&shown, None);
            let outcome = self.attempt(url, &shown, limits, deadline, progress);
            running.ok = outcome.is_ok();
            drop(running);
            let (why, pause) = match outcome {
                Ok(download) => return Ok(download),
                Err(Miss::For(failure)) => return Err(failure),
                Err(Miss::Now { why, pause }) => (why, pause),
            };
            if attempt >= limits.attempts.max(1) {
                return fail(if attempt == 1 { why } else { format!("{why} ({attempt} attempts)") });
            }
            if let Some(asked) = pause.filter(|asked| *asked > limits.max_retry_after) {
                return fail(format!("{why}; the server asks to wait {}", span(asked)));
            }
            let pause = pause.unwrap_or(backoff);
            backoff = backoff.saturating_mul(2);
            if pause >= deadline.saturating_duration_since(Instant::now()) {
                return fail(format!("{why} (no time for another attempt within {})", span(limits.total_timeout)));
            }
            progress.retry(&shown, attempt + 1, &why);
            thread::sleep(pause);
        }
        fail("too many attempts".to_owned())
    }

    fn attempt(
        &self,
        url: &Url,
        shown: &str,
        limits: &Limits,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<Download, Miss> {
        let mut seen = BTreeSet::from([url.clone()]);
        let mut at = url.clone();
        loop {
            let response = self.ask(&at, limits, deadline)?;
            let location = response.headers().get(LOCATION);
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status().as_u16(), location) else {
                let last = (at != *url).then_some(at);
                return receive(response, shown, limits, deadline, progress)
                    .map(|bytes| Download { bytes, last: last.clone() })
                    .map_err(|miss| after_redirect(miss, last.as_ref()));
            };
            let location = String::from_utf8_lossy(location.as_bytes());
            at = address::redirect(&at, &location).map_err(|e| Miss::refused(e.to_string()))?;
            if !seen.insert(at.clone()) {
                return Err(Miss::refused(format!(
                    "it redirects in a circle, by way of {}",
                    address::shown(at.as_str())
                )));
            }
            if seen.len() > limits.max_redirects + 1 {
                return Err(Miss::refused(format!(
                    "it redirects more than {} times, at last to {}",
                    limits.max_redirects,
                    address::shown(at.as_str())
                )));
            }
        }
    }

    fn ask(&self, url: &Url, limits: &Limits, deadline: Instant) -> Result<Response, Miss> {
        if deadline.saturating_duration_since(Instant::now()).is_zero() {
            return Err(out_of_time(limits, "no answer"));
        }
        self.send(url, &[(ACCEPT_ENCODING, "identity")], limits).map_err(|none| match none {
            NoAnswer::Unasked(_) | NoAnswer::Untrusted(_) => Miss::refused(none.to_string()),
            NoAnswer::Late(_) if Instant::now() >= deadline => out_of_time(limits, "no answer"),
            _ => Miss::passing(none.to_string()),
        })
    }
}

/// Reads the answer that is not a redirect.
fn receive(
    response: Response,
    shown: &str,
    limits: &Limits,
    deadline: Instant,
    progress: &dyn Progress,
) -> Result<Vec<u8>, Miss> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(wrong_status(&response));
    }
    if let Some(encoding) =
        response.headers().get(CONTENT_ENCODING).filter(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).escape_debug().to_string();
        return Err(Miss::refused(format!(
            "the server sent it as {encoding}, though the bytes themselves were asked for"
        )));
    }
    let total = response.body().content_length();
    let too_large =
        || Miss::refused(format!("larger than {} bytes, the most that an asset may have", limits.max_bytes));
    if total.is_some_and(|total| total > limits.max_bytes) {
        return Err(too_large());
    }
    progress.start(shown, total);
    let mut body = response.into_body().into_reader();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let got = |bytes: &Vec<u8>| match total {
            Some(total) => format!("after {} of {total} bytes", bytes.len()),
            None => format!("after {} bytes", bytes.len()),
        };
        match body.read(&mut buffer) {
            Ok(0) => match total {
                Some(total) if u64::try_from(bytes.len()) != Ok(total) => {
                    return Err(Miss::passing(format!("truncated: it ended {}", got(&bytes))));
                }
                _ => return Ok(bytes),
            },
            Ok(count) => {
                bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                progress.advance(shown, u64::try_from(count).unwrap_or_default());
                if u64::try_from(bytes.len()).map_or(true, |size| size > limits.max_bytes) {
                    return Err(too_large());
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if timed_out(&e) && Instant::now() < deadline => {
                return Err(Miss::passing(format!(
                    "no more bytes within {}, {}",
                    span(limits.read_timeout),
                    got(&bytes)
                )));
            }
            Err(e) if timed_out(&e) => return Err(out_of_time(limits, &got(&bytes))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Miss::passing(format!("truncated: it ended {}", got(&bytes))));
            }
            Err(e) => {
                return Err(Miss::passing(format!("truncated: the connection broke {}: {e}", got(&bytes))));
            }
        }
        if Instant::now() >= deadline {
            return Err(out_of_time(limits, &got(&bytes)));
        }
    }
}

fn wrong_status(response: &Response) -> Miss {
    let status = response.status();
    let why = format!("the server answers {status}");
    match status.as_u16() {
        404 | 410 => Miss::For(Failure { why, absent: true }),
        408 | 429 | 500..=599 => {
            // A date is allowed too, but rarely sent; it is treated as no wish at all.
            let pause = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
            Miss::Now { why, pause: pause.map(Duration::from_secs) }
        }
        _ => Miss::refused(why),
    }
}

fn after_redirect(miss: Miss, last: Option<&Url>) -> Miss {
    let Some(last) = last else { return miss };
    let told = |why: String| format!("{why} (redirected to {})", address::shown(last.as_str()));
    match miss {
        Miss::For(failure) => Miss::For(Failure { why: told(failure.why), ..failure }),
        Miss::Now { why, pause } => Miss::Now { why: told(why), pause },
    }
}

fn out_of_time(limits: &Limits, so_far: &str) -> Miss {
    Miss::refused(format!("not done within {}: {so_far}", span(limits.total_timeout)))
}

/// A time for people: `30 s`, `200 ms`.
pub(super) fn span(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

/// Tells the progress how an attempt ended, whatever happens.
struct Running<'a> {
    progress: &'a dyn Progress,
    url: &'a str,
    ok: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.progress.finish(self.url, self.ok);
    }
}
