//! One request and its answer: TLS, proxies, time-outs. No redirect is followed, and nothing is tried again.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::Error::InvalidCertificate;
use ureq::http::HeaderName;
use ureq::http::header::AUTHORIZATION;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Timeout};
use url::Url;

use super::http::span;
use super::{Limits, proxy};
use crate::upstream::address;

/// What a server answered: status, headers, and the body still to be read.
pub(crate) type Response = ureq::http::Response<Body>;

/// The clients. Each is made when it is first needed: reading the system's certificates takes time.
#[derive(Debug, Default)]
pub struct Clients {
    /// https, as the system trusts it.
    secure: OnceLock<Agent>,
    /// https by way of a proxy.
    proxied: OnceLock<Result<Agent, String>>,
    /// http to this machine: no proxy, whose idea of localhost would be another one.
    loopback: OnceLock<Agent>,
}

/// Why there is no answer. In words, without the URL, whose query may hold a signature.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Nobody was asked: https or the proxy is not set up.
    Unasked(String),
    /// The server's certificate is not one to trust.
    Untrusted(String),
    /// No connection.
    Unconnected(String),
    /// Nothing came in time.
    Late(String),
    /// The connection broke.
    Broken(String),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Unasked(why) => f.write_str(why),
            NoAnswer::Untrusted(why) => write!(
                f,
                "the server's certificate is not trusted: {why}; if a proxy of your company signs for it, add its certificate \
                 to the system's, or name a file of certificates with SSL_CERT_FILE"
            ),
            NoAnswer::Unconnected(why) => write!(f, "cannot connect: {why}"),
            NoAnswer::Late(within) => write!(f, "no answer within {within}"),
            NoAnswer::Broken(why) => write!(f, "the connection broke before the answer: {why}"),
        }
    }
}

impl Clients {
    /// Asks for a URL, which [`address::parse`] accepted. A user and a password in it go along as a header.
    pub(crate) fn send(
        &self,
        url: &Url,
        headers: &[(HeaderName, &str)],
        limits: &Limits,
    ) -> Result<Response, NoAnswer> {
        let variable = proxy::variable()
            .filter(|_| !address::is_loopback_http(url) && !proxy::is_spared(url.host_str().unwrap_or_default()));
        let agent = match variable {
            _ if address::is_loopback_http(url) => self.loopback.get_or_init(|| agent(limits, None, false)),
            None => self.secure.get_or_init(|| agent(limits, None, true)),
            Some(name) => self
                .proxied
                .get_or_init(|| Ok(agent(limits, Some(proxy::named(name)?), true)))
                .as_ref()
                .map_err(|why| NoAnswer::Unasked(why.clone()))?,
        };
        let mut request = agent.get(bare(url).as_str());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if let Some(login) = login(url) {
            request = request.header(AUTHORIZATION, login);
        }
        request.call().map_err(|error| {
            let proxied = variable.map(|name| format!(" ({name} is set: a proxy is asked)")).unwrap_or_default();
            no_answer(error, limits, &proxied)
        })
    }
}

fn agent(limits: &Limits, proxy: Option<ureq::Proxy>, secure: bool) -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).unversioned_rustls_crypto_provider(provider);
    let config = Agent::config_builder()
        .user_agent(concat!("knrender/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls.build())
        .https_only(secure)
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(limits.connect_timeout))
        .timeout_connect(Some(limits.connect_timeout))
        .timeout_send_request(Some(limits.read_timeout))
        .timeout_recv_response(Some(limits.read_timeout))
        // Once more for each read of the body: a time-out for all of it would cut what is slow and never silent.
        .timeout_per_read(Some(limits.read_timeout));
    Agent::new_with_config(config.build())
}

/// The URL without user, password and fragment.
fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    // These fail for URLs without a host alone.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    bare
}

/// The header for the user and the password of a URL, if it has any.
fn login(url: &Url) -> Option<String> {
    let decoded = |text: &str| address::decode(text).unwrap_or_else(|| text.to_owned());
    let (user, password) = (decoded(url.username()), url.password().map(decoded));
    (!user.is_empty() || password.is_some())
        .then(|| format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.unwrap_or_default()))))
}

fn no_answer(error: Error, limits: &Limits, proxied: &str) -> NoAnswer {
    let told = |why: String| format!("{why}{proxied}");
    match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            NoAnswer::Unconnected(told(format!("no connection within {}", span(limits.connect_timeout))))
        }
        Error::Timeout(_) => NoAnswer::Late(told(span(limits.read_timeout))),
        Error::Rustls(why @ InvalidCertificate(_)) => NoAnswer::Untrusted(told(why.to_string())),
        Error::Rustls(why) => NoAnswer::Unasked(format!(
            "https cannot be set up: {why} (are the system's CA certificates installed? SSL_CERT_FILE names others)"
        )),
        Error::Io(why) => match (why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()), why.kind()) {
            (Some(inner @ InvalidCertificate(_)), _) => NoAnswer::Untrusted(told(inner.to_string())),
            (Some(inner), _) => NoAnswer::Unconnected(told(inner.to_string())),
            (
                None,
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::InvalidData,
            ) => NoAnswer::Broken(told(why.to_string())),
            (None, _) => NoAnswer::Unconnected(told(why.to_string())),
        },
        // Its text would name the URL.
        Error::BadUri(_) | Error::RequireHttpsOnly(_) | Error::Http(_) => {
            NoAnswer::Unasked("its URL is not one that can be asked for over HTTP".to_owned())
        }
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) | Error::Tls(_) => {
            NoAnswer::Unconnected(told(error.to_string()))
        }
        _ => NoAnswer::Broken(told(error.to_string())),
    }
}

/// Whether reading the body ended for want of bytes.
pub(super) fn timed_out(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(Error::Timeout(_)))
}
