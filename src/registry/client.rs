//! One registry after another: requests, tokens, limits.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::header::{ACCEPT, AUTHORIZATION, DATE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use ureq::http::{HeaderName, StatusCode};
use url::Url;

use super::credentials::{Credentials, Login, TOKEN};
use super::manifest::{self, FARGATE, Found, Manifest, platform_of};
use crate::digest::Sha256Hex;
use crate::images::reference::{DOCKER_HUB, Reference};
use crate::upstream::address;
use crate::upstream::fetch::{Clients, Limits, NoAnswer, Response};
use crate::value::Value;

/// How large a manifest or a configuration may be, in bytes. Registries take 4 MiB.
const MAX_BYTES: u64 = 10 << 20;

/// Why a registry does not tell what is behind a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is no such image, or nobody may know of it.
    #[error("{image}: {registry} has no such image: {why}")]
    Gone {
        /// The image.
        image: String,
        /// The registry.
        registry: String,
        /// What it answered.
        why: String,
    },
    /// It wants to know who asks.
    #[error("{image}: {registry} refuses: {why}\nnext: {next}")]
    Refused {
        /// The image.
        image: String,
        /// The registry.
        registry: String,
        /// What it answered.
        why: String,
        /// What to do.
        next: String,
    },
    /// Anything else.
    #[error("{image}: {registry} does not tell: {why}")]
    Failed {
        /// The image.
        image: String,
        /// The registry.
        registry: String,
        /// What happened.
        why: String,
    },
    /// There is an image, and it does not run on Fargate.
    #[error("{image}: there is no image for {FARGATE}, which is all that Fargate runs; there is {has}")]
    OtherMachine {
        /// The image.
        image: String,
        /// The platforms that it is for.
        has: String,
    },
}

/// Registries, asked with the user's credentials.
pub struct Registry {
    clients: Clients,
    credentials: Credentials,
    limits: Limits,
    /// The header that a registry wants for a repository.
    tokens: Mutex<BTreeMap<String, String>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry(..)")
    }
}

/// What a registry answered.
#[derive(Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    date: Option<String>,
}

/// Why one request failed.
enum Miss {
    Gone(String),
    Refused(String),
    Failed(String),
    /// Another attempt may do better.
    Passing(String, Option<Duration>),
}

impl Registry {
    /// Registries, asked with these credentials.
    pub fn new(credentials: Credentials, limits: Limits) -> Registry {
        Registry { clients: Clients::default(), credentials, limits, tokens: Mutex::default() }
    }

    /// What is behind a reference: its digest, and the image for Fargate.
    ///
    /// # Errors
    /// It is not there, not to be had, or not for Fargate.
    pub fn find(&self, reference: &Reference) -> Result<Found, RegistryError> {
        let (image, registry) = (reference.to_string(), reference.registry.clone());
        let fail = |miss: Miss| {
            let (image, registry) = (image.clone(), registry.clone());
            match miss {
                Miss::Gone(why) => RegistryError::Gone { image, registry, why },
                Miss::Refused(why) => {
                    let next = next(reference);
                    RegistryError::Refused { image, registry, why, next }
                }
                Miss::Failed(why) | Miss::Passing(why, _) => RegistryError::Failed { image, registry, why },
            }
        };
        let named = match &reference.digest {
            Some(digest) => digest.clone(),
            None => reference.tag_or_latest().to_owned(),
        };
        let answer = self.manifest(reference, &named).map_err(fail)?;
        let digest = Sha256Hex::of(&answer.bytes);
        let read = |bytes: &[u8]| Manifest::parse(bytes).map_err(|why| fail(Miss::Failed(why)));
        let (mut manifest, date) = (read(&answer.bytes)?, answer.date);
        if let Manifest::Index(chosen) = &manifest {
            let chosen = chosen
                .clone()
                .map_err(|has| RegistryError::OtherMachine { image: image.clone(), has: listed(&has) })?;
            let answer = self.manifest(reference, &format!("sha256:{chosen}")).map_err(fail)?;
            manifest = read(&answer.bytes)?;
            let Manifest::Image { layers, .. } = manifest else {
                return Err(fail(Miss::Failed("its index names an index for the platform".to_owned())));
            };
            return Ok(Found { digest, layers, date });
        }
        let Manifest::Image { config, layers } = manifest else {
            return Err(fail(Miss::Failed("its manifest is no image".to_owned())));
        };
        // An image without an index says in its configuration what it is for.
        let bytes = self.get(reference, &format!("blobs/sha256:{config}")).map_err(fail)?.bytes;
        if Sha256Hex::of(&bytes) != config {
            let got = Sha256Hex::of(&bytes);
            return Err(fail(Miss::Failed(format!(
                "its configuration is sha256:{got}, and its manifest says sha256:{config}"
            ))));
        }
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|e| fail(Miss::Failed(format!("its configuration is not JSON: {e}"))))?;
        let platform = platform_of(&value);
        if platform != FARGATE {
            return Err(RegistryError::OtherMachine { image, has: platform });
        }
        Ok(Found { digest, layers, date })
    }

    /// A manifest, held against the digest that it was asked for by.
    fn manifest(&self, reference: &Reference, named: &str) -> Result<Answer, Miss> {
        let answer = self.get(reference, &format!("manifests/{named}"))?;
        let got = Sha256Hex::of(&answer.bytes);
        match named.strip_prefix("sha256:") {
            Some(wanted) if *wanted != got.to_string() => {
                Err(Miss::Failed(format!("it sent the manifest sha256:{got} where sha256:{wanted} was asked for")))
            }
            _ => Ok(answer),
        }
    }

    fn get(&self, reference: &Reference, path: &str) -> Result<Answer, Miss> {
        let host = if reference.registry == DOCKER_HUB { "registry-1.docker.io" } else { &reference.registry };
        // In the clear to this machine alone, as everywhere.
        let scheme = if is_here(host) { "http" } else { "https" };
        let url = format!("{scheme}://{host}/v2/{}/{path}", reference.repository);
        let url = address::parse(&url).map_err(|e| Miss::Failed(e.to_string()))?;
        let deadline = Instant::now() + self.limits.total_timeout;
        let mut backoff = self.limits.backoff;
        for attempt in 1.. {
            let (why, pause) = match self.attempt(reference, &url, deadline) {
                Err(Miss::Passing(why, pause)) => (why, pause),
                other => return other,
            };
            if attempt >= self.limits.attempts.max(1) {
                return Err(Miss::Failed(format!("{why} ({attempt} attempts)")));
            }
            if let Some(asked) = pause.filter(|asked| *asked > self.limits.max_retry_after) {
                return Err(Miss::Failed(format!("{why}; it asks to wait {} s", asked.as_secs())));
            }
            let pause = pause.unwrap_or(backoff);
            backoff = backoff.saturating_mul(2);
            if pause >= deadline.saturating_duration_since(Instant::now()) {
                return Err(Miss::Failed(format!("{why} (no time for another attempt)")));
            }
            thread::sleep(pause);
        }
        Err(Miss::Failed("too many attempts".to_owned()))
    }

    /// One request, with the token that the registry asks for, and its redirects.
    fn attempt(&self, reference: &Reference, url: &Url, deadline: Instant) -> Result<Answer, Miss> {
        let key = reference.name();
        let mut token = self.tokens.lock().ok().and_then(|tokens| tokens.get(&key).cloned());
        let mut response = self.send(url, token.as_deref(), deadline)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|v| v.to_str().ok()).unwrap_or_default();
            let header = self.answer(reference, challenge, deadline)?;
            response = self.send(url, Some(&header), deadline)?;
            if response.status() == StatusCode::UNAUTHORIZED {
                return Err(Miss::Refused(format!("{} with the token that it gave", response.status())));
            }
            if let Ok(mut tokens) = self.tokens.lock() {
                tokens.insert(key, header.clone());
            }
            token = Some(header);
        }
        let mut at = url.clone();
        for _ in 0..=self.limits.max_redirects {
            let location = response.headers().get(LOCATION);
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status().as_u16(), location) else {
                return receive(response, deadline);
            };
            let location = String::from_utf8_lossy(location.as_bytes());
            at = address::redirect(&at, &location).map_err(|e| Miss::Failed(e.to_string()))?;
            // Where blobs are kept, the registry's token is nobody's business.
            let token = token.as_deref().filter(|_| at.origin() == url.origin());
            response = self.send(&at, token, deadline)?;
        }
        Err(Miss::Failed(format!("it redirects more than {} times", self.limits.max_redirects)))
    }

    fn send(&self, url: &Url, authorization: Option<&str>, deadline: Instant) -> Result<Response, Miss> {
        let mut headers = vec![(ACCEPT, manifest::ACCEPT)];
        headers.extend(authorization.map(|header| (AUTHORIZATION, header)));
        self.ask(url, &headers, deadline)
    }

    fn ask(&self, url: &Url, headers: &[(HeaderName, &str)], deadline: Instant) -> Result<Response, Miss> {
        if deadline.saturating_duration_since(Instant::now()).is_zero() {
            return Err(Miss::Failed(format!("no answer within {} s", self.limits.total_timeout.as_secs())));
        }
        self.clients.send(url, headers, &self.limits).map_err(|none| match none {
            NoAnswer::Unasked(_) | NoAnswer::Untrusted(_) => Miss::Failed(none.to_string()),
            _ => Miss::Passing(none.to_string(), None),
        })
    }

    /// The header that answers a challenge.
    fn answer(&self, reference: &Reference, challenge: &str, deadline: Instant) -> Result<String, Miss> {
        let login = self.credentials.login(&reference.registry).map_err(Miss::Refused)?;
        let (scheme, rest) = challenge.trim().split_once(' ').unwrap_or((challenge.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            let login = login.ok_or_else(|| Miss::Refused("it wants a login, and there is none for it".to_owned()))?;
            return Ok(basic(&login));
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Miss::Refused("401, and it does not say how to log in".to_owned()));
        }
        let parameters = parameters(rest);
        let of = |name: &str| parameters.get(name).map(String::as_str);
        let realm = of("realm").ok_or_else(|| Miss::Refused("401, and it does not say where to log in".to_owned()))?;
        let mut url = address::parse(realm).map_err(|e| Miss::Failed(format!("where it wants a login: {e}")))?;
        // A registry elsewhere has no business with what listens on this machine.
        if address::is_loopback_http(&url) && !is_here(&reference.registry) {
            return Err(Miss::Failed("it wants a login on this machine".to_owned()));
        }
        let scope = format!("repository:{}:pull", reference.repository);
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = of("service") {
                query.append_pair("service", service);
            }
            query.append_pair("scope", of("scope").filter(|scope| !scope.is_empty()).unwrap_or(&scope));
        }
        let header = match &login {
            Some(login) if login.user != TOKEN => Some(basic(login)),
            Some(_) => {
                return Err(Miss::Refused(
                    "the login for it is an identity token, which knrender cannot use".to_owned(),
                ));
            }
            None => None,
        };
        let headers: Vec<_> = header.iter().map(|header| (AUTHORIZATION, header.as_str())).collect();
        let response = self.ask(&url, &headers, deadline)?;
        let anonymous = if login.is_some() { "the login was not taken" } else { "it gives no token without a login" };
        let answer = receive(response, deadline).map_err(|miss| match miss {
            Miss::Gone(why) | Miss::Refused(why) => Miss::Refused(format!("{anonymous}: {why}")),
            other => other,
        })?;
        let value: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        let token =
            value["token"].as_str().or_else(|| value["access_token"].as_str()).filter(|token| !token.is_empty());
        token
            .map(|token| format!("Bearer {token}"))
            .ok_or_else(|| Miss::Failed("its answer to a login has no token".to_owned()))
    }
}

/// Whether a registry is on this machine.
fn is_here(registry: &str) -> bool {
    matches!(registry.split(':').next(), Some("localhost" | "127.0.0.1"))
}

fn basic(login: &Login) -> String {
    use base64::Engine as _;
    let pair = format!("{}:{}", login.user, login.password);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// The parameters of a challenge: `realm="https://a.example/token",service="a"`.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        parameters.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned());
        rest = left;
    }
    parameters
}

fn receive(response: Response, deadline: Instant) -> Result<Answer, Miss> {
    let status = response.status();
    let why = format!("it answers {status}");
    match status.as_u16() {
        200 => {}
        404 | 410 => return Err(Miss::Gone(why)),
        401 | 403 => return Err(Miss::Refused(why)),
        408 | 429 | 500..=599 => {
            let pause = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
            return Err(Miss::Passing(why, pause.map(Duration::from_secs)));
        }
        _ => return Err(Miss::Failed(why)),
    }
    let date = response.headers().get(DATE).and_then(|v| v.to_str().ok()).and_then(day);
    let length = response.body().content_length();
    let too_large = || Miss::Failed(format!("it sends more than {MAX_BYTES} bytes, the most that a manifest may have"));
    if length.is_some_and(|length| length > MAX_BYTES) {
        return Err(too_large());
    }
    let mut body = response.into_body().into_reader();
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let cut = || Miss::Passing(format!("the answer was cut off after {} bytes", bytes.len()), None);
        let count = body.read(&mut buffer).map_err(|_| cut())?;
        if count == 0 {
            if length.is_some_and(|length| u64::try_from(bytes.len()) != Ok(length)) {
                return Err(cut());
            }
            return Ok(Answer { bytes, date });
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if u64::try_from(bytes.len()).map_or(true, |size| size > MAX_BYTES) {
            return Err(too_large());
        }
        if Instant::now() >= deadline {
            return Err(Miss::Failed(format!("the answer was not done in time, after {} bytes", bytes.len())));
        }
    }
}

/// `2026-11-28` of `Sat, 28 Nov 2026 05:26:17 GMT`.
fn day(header: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<_> = header.split(' ').collect();
    let [_, day, month, year, ..] = words.as_slice() else { return None };
    let month = 1 + MONTHS.iter().position(|name| name == month)?;
    let (day, year): (u32, u32) = (day.parse().ok()?, year.parse().ok()?);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

fn listed(platforms: &[String]) -> String {
    if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") }
}

/// What to do about a registry that refuses.
fn next(reference: &Reference) -> String {
    let registry = &reference.registry;
    match reference.ecr() {
        Some(ecr) => format!(
            "aws ecr get-login-password --region {} | docker login --username AWS --password-stdin {registry} (or Docker's helper \
             ecr-login), and see that the image is there",
            ecr.region
        ),
        None => format!(
            "see that the image is there, and log in with `docker login {registry}`: knrender reads Docker's configuration"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_has_parameters() {
        let found =
            parameters(r#"realm="https://a.example/token",service="a.example", scope="repository:a/b:pull,push",x=1"#);
        assert_eq!(found["realm"], "https://a.example/token");
        assert_eq!(found["scope"], "repository:a/b:pull,push");
        assert_eq!((found["service"].as_str(), found["x"].as_str()), ("a.example", "1"));
    }

    #[test]
    fn the_day_is_that_of_the_answer() {
        assert_eq!(day("Sat, 28 Nov 2026 05:26:17 GMT").as_deref(), Some("2026-11-28"));
        assert_eq!(day("yesterday"), None);
    }
}
