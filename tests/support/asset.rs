//! Asking for one asset, impatiently: no time-out here is longer than two seconds.

use std::time::{Duration, Instant};

use knrender::digest::Sha256Hex;
use knrender::upstream::fetch::{Expected, FetchError, Limits, Obtained, Request, Silent, Sources, Voucher};

/// What most servers of these tests serve.
pub const BODY: &[u8] = b"kind: Service\n";

pub fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(2),
        max_bytes: 1 << 20,
        attempts: 2,
        backoff: Duration::from_millis(10),
        max_retry_after: Duration::from_secs(1),
        ..Limits::default()
    }
}

pub fn sources() -> Sources<'static> {
    Sources { limits: limits(), ..Sources::new(&Silent) }
}

pub fn expected(bytes: &[u8]) -> Expected {
    Expected { sha256: Sha256Hex::of(bytes), size: Some(bytes.len() as u64) }
}

/// One asset with a digest that the catalog vouches for.
pub fn obtain(sources: &Sources<'_>, urls: &[&str], expected: &Expected) -> Result<Obtained, FetchError> {
    let urls: Vec<_> = urls.iter().map(ToString::to_string).collect();
    sources.obtain(&Request { what: "gloo v1 x", urls: &urls, expected: Some(expected), voucher: Voucher::Catalog })
}

/// One asset that nobody vouches for.
pub fn obtain_unknown(sources: &Sources<'_>, url: &str) -> Result<Obtained, FetchError> {
    let urls = [url.to_owned()];
    sources.obtain(&Request { what: "gloo v1 x", urls: &urls, expected: None, voucher: Voucher::None })
}

/// The error that `url` ends in, which names the asset and the URL.
pub fn error(sources: &Sources<'_>, url: &str) -> String {
    let started = Instant::now();
    let error = obtain(sources, &[url], &expected(BODY)).unwrap_err().to_string();
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}: {error}", started.elapsed());
    assert!(error.starts_with("gloo v1 x: ") && error.contains(url) && error.contains("\nnext: "), "{error}");
    error
}

#[track_caller]
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

/// A URL on this machine where nobody listens.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/x", listener.local_addr().unwrap())
}
