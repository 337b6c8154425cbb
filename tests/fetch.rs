//! Promise: a download is bounded, tried again where that may help, and goes only where it may; trouble is told.
//!
//! All traffic stays on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::support::asset::{BODY, assert_has, error, expected, limits, nobody, obtain, sources};
use crate::support::{Reply, Server};
use knrender::upstream::fetch::{Limits, Progress, Sources};

#[test]
fn a_server_that_recovers_is_asked_again() {
    struct Retries(Mutex<Vec<String>>);
    impl Progress for Retries {
        fn start(&self, url: &str, total: Option<u64>) {
            self.0.lock().unwrap().push(format!("start {} {total:?}", url.ends_with("/x")));
        }
        fn advance(&self, _: &str, bytes: u64) {
            self.0.lock().unwrap().push(format!("advance {bytes}"));
        }
        fn finish(&self, _: &str, ok: bool) {
            self.0.lock().unwrap().push(format!("finish {ok}"));
        }
        fn retry(&self, _: &str, attempt: u32, why: &str) {
            self.0.lock().unwrap().push(format!("retry {attempt} {why}"));
        }
    }
    for status in
        ["500 Internal Server Error", "503 Service Unavailable", "408 Request Timeout", "429 Too Many Requests"]
    {
        let answer = status.to_owned();
        let server = Server::new(move |seen| match seen.nth {
            0 => Reply::status(&answer, &[], "no"),
            _ => Reply::ok(BODY),
        });
        let told = Retries(Mutex::default());
        let sources = Sources { limits: limits(), ..Sources::new(&told) };
        assert_eq!(obtain(&sources, &[&server.url("/x")], &expected(BODY)).unwrap().bytes, BODY);
        let told = told.0.into_inner().unwrap();
        let retry = format!("retry 2 the server answers {status}");
        let story = [
            "start true None",
            "finish false",
            &retry,
            "start true None",
            "start true Some(14)",
            "advance 14",
            "finish true",
        ];
        assert_eq!(told, story);
    }
}

#[test]
fn a_server_that_does_not_recover_is_given_up() {
    let server = Server::new(|_| Reply::status("502 Bad Gateway", &[], "no"));
    let text = error(&sources(), &server.url("/x"));
    assert_has(
        &text,
        &["502 Bad Gateway (2 attempts)", "--mirror", "KNRENDER_MIRROR", "knrender upstream mirror DIR", "HTTPS_PROXY"],
    );
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    for (status, hint) in [
        ("404 Not Found", "check the version"),
        ("410 Gone", "check the version"),
        ("403 Forbidden", "check the network"),
    ] {
        let server = Server::new(move |_| Reply::status(status, &[], "no"));
        assert_has(&error(&sources(), &server.url("/x")), &[status, hint]);
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for_within_bounds() {
    let server = Server::new(|seen| match (seen.target.as_str(), seen.nth) {
        ("/soon", 0) => Reply::status("429 Too Many Requests", &[("Retry-After", "1")], ""),
        ("/late", 0) => Reply::status("429 Too Many Requests", &[("Retry-After", "3600")], ""),
        _ => Reply::ok(BODY),
    });
    let started = Instant::now();
    assert!(obtain(&sources(), &[&server.url("/soon")], &expected(BODY)).is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_has(&error(&sources(), &server.url("/late")), &["429", "asks to wait 3600 s"]);
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn redirects_are_followed_within_bounds() {
    let server = Server::new(|seen| match seen.target.strip_prefix("/hop/").and_then(|n| n.parse::<u32>().ok()) {
        Some(0) => Reply::ok(BODY),
        Some(n) => Reply::redirect(&format!("/hop/{}", n - 1)),
        None if seen.target == "/circle" => Reply::redirect("/circle2"),
        None if seen.target == "/circle2" => Reply::redirect("/circle"),
        None if seen.target == "/broken" => Reply::redirect("https://"),
        None if seen.target == "/gone" => Reply::redirect("/nothing?token=s3cret"),
        None if seen.target == "/nowhere" => Reply::status("302 Found", &[], ""),
        None if seen.target == "/away" => Reply::redirect("http://me:s3cret@example.invalid/x?sig=s3cret"),
        None => Reply::status("404 Not Found", &[], ""),
    });
    let got = obtain(&sources(), &[&server.url("/hop/5")], &expected(BODY)).unwrap();
    assert_eq!((got.bytes.as_slice(), got.url), (BODY, server.url("/hop/5")));
    for (path, parts) in [
        ("/hop/6", ["redirects more than 5 times", "/hop/0"]),
        ("/circle", ["redirects in a circle", "/circle"]),
        ("/away", ["redirects to http://example.invalid/x?...", "not https"]),
        ("/broken", ["https:// is not a URL", ""]),
        ("/gone", ["404 Not Found (redirected to", "/nothing?...)"]),
        ("/nowhere", ["302 Found", ""]),
    ] {
        let text = error(&sources(), &server.url(path));
        assert_has(&text, &parts);
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn credentials_go_to_their_own_origin_only() {
    let other = Server::serving(BODY);
    let away = other.url("/x");
    let server = Server::new(move |seen| match seen.target.as_str() {
        "/a" => Reply::redirect("/b"),
        _ => Reply::redirect(&away),
    });
    let url = server.url("/a").replace("http://", "http://me:s3cret@");
    let got = obtain(&sources(), &[&url], &expected(BODY)).unwrap();
    assert_eq!(got.url, server.url("/a"));
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_some()));
    assert_eq!(other.seen()[0].header("authorization"), None);
    let text = obtain(&sources(), &[&url], &expected(b"other")).unwrap_err().to_string();
    assert_has(&text, &[&server.url("/a"), "redirected to"]);
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn plain_http_to_elsewhere_is_never_asked() {
    for url in ["http://example.invalid/x", "ftp://127.0.0.1/x", "nonsense"] {
        assert!(!error(&sources(), url).is_empty());
    }
    assert_has(&error(&sources(), "http://example.invalid/x"), &["is refused: knrender asks only https"]);
}

#[test]
fn a_body_that_is_cut_off_is_fetched_again_and_then_refused() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nkind: ";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nkind: \r\n";
    let server = Server::new(move |seen| match (seen.target.as_str(), seen.nth) {
        ("/once", 1..) => Reply::ok(BODY),
        ("/chunked", _) => Reply::raw(chunked),
        ("/silent", _) => Reply::raw(""),
        _ => Reply::raw(cut),
    });
    assert_eq!(obtain(&sources(), &[&server.url("/once")], &expected(BODY)).unwrap().bytes, BODY);
    assert_has(&error(&sources(), &server.url("/cut")), &["truncated", "after 6 of 14 bytes", "(2 attempts)"]);
    assert_has(&error(&sources(), &server.url("/chunked")), &["truncated", "after 6 bytes", "(2 attempts)"]);
    assert_has(&error(&sources(), &server.url("/silent")), &["broke before the answer", "(2 attempts)"]);
    assert_eq!(server.seen().len(), 8);
}

#[test]
fn a_slow_server_does_not_hold_up_for_ever() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n";
    let server = Server::new(|seen| match seen.target.as_str() {
        "/mute" => Reply::raw("").then(Duration::from_secs(1), HEAD),
        "/stall" => Reply::raw(HEAD).then(Duration::from_secs(1), BODY),
        _ => (0..30).fold(Reply::raw(HEAD), |reply, _| reply.then(Duration::from_millis(100), "k")),
    });
    assert_has(&error(&sources(), &server.url("/mute")), &["no answer within 300 ms", "(2 attempts)"]);
    assert_has(&error(&sources(), &server.url("/stall")), &["no more bytes within 300 ms, after 0 of 14 bytes"]);
    let hasty = Sources { limits: Limits { total_timeout: Duration::from_millis(600), ..limits() }, ..sources() };
    let started = Instant::now();
    let text = error(&hasty, &server.url("/drip"));
    assert_has(&text, &["not done within 600 ms: after ", " of 14 bytes"]);
    assert!(started.elapsed() < Duration::from_millis(1100), "{:?}", started.elapsed());
    assert_has(&error(&hasty, &server.url("/mute")), &["not"]);
}

/// Three times as long as the limit for silence, and never as silent as that.
#[test]
fn a_slow_download_that_never_stops_is_not_cut() {
    let server = Server::new(|_| {
        let head = Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n");
        BODY.chunks(1).fold(head, |reply, byte| reply.then(Duration::from_millis(70), byte))
    });
    let started = Instant::now();
    let got = obtain(&sources(), &[&server.url("/slow")], &expected(BODY)).unwrap();
    assert_eq!(got.bytes, BODY);
    assert!(started.elapsed() > 3 * limits().read_timeout, "{:?}", started.elapsed());
    assert_eq!(server.seen().len(), 1, "at the first attempt");
}

#[test]
fn nobody_there_is_tried_again() {
    let url = nobody();
    assert_has(&error(&sources(), &url), &["cannot connect", "refused", "(2 attempts)", "check the network"]);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let small = Sources { limits: Limits { max_bytes: 13, ..limits() }, ..sources() };
    let server = Server::new(|seen| match seen.target.as_str() {
        "/told" => Reply::ok(BODY),
        "/untold" => Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n", BODY].concat()),
        _ => (0..50)
            .fold(Reply::raw("HTTP/1.1 200 OK\r\n\r\n"), |reply, _| reply.then(Duration::from_millis(50), "kkkkk")),
    });
    for path in ["/told", "/untold", "/endless"] {
        assert_has(&error(&small, &server.url(path)), &["larger than 13 bytes"]);
    }
    assert_eq!(server.seen().len(), 3);
    let exact = Sources { limits: Limits { max_bytes: 14, ..limits() }, ..sources() };
    assert!(obtain(&exact, &[&server.url("/untold")], &expected(BODY)).is_ok());
}

#[test]
fn a_compressed_body_is_refused() {
    let server = Server::new(|_| Reply::status("200 OK", &[("Content-Encoding", "gzip")], "\x1f\u{8b}"));
    assert_has(&error(&sources(), &server.url("/x")), &["sent it as gzip"]);
}

/// Run by the test below, in a process of its own, for its environment.
#[test]
#[ignore = "a part of proxies_are_honoured"]
fn proxies_child() {
    let url = std::env::var("TEST_URL").unwrap();
    let text = obtain(&sources(), &[&url], &expected(BODY)).map_or_else(|e| e.to_string(), |o| format!("{:?}", o.from));
    fs::write(std::env::var("TEST_OUT").unwrap(), text).unwrap();
}

#[test]
fn proxies_are_honoured() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let run = |url: &str, name: &str, value: &str, no: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            child.env_remove(name).env_remove(name.to_lowercase());
        }
        child.args(["--exact", "fetch::proxies_child", "--ignored"]).env(name, value).env("NO_PROXY", no);
        child.env("TEST_URL", url).env("TEST_OUT", &out);
        assert!(child.output().unwrap().status.success());
        fs::read_to_string(&out).unwrap()
    };
    let proxy = Server::new(|_| Reply::status("403 Forbidden", &[], ""));
    if has_certificates() {
        let text = run("https://example.invalid/x", "HTTPS_PROXY", &format!("http://me:s3cret@{}", proxy.host()), "");
        assert_has(&text, &["cannot connect", "HTTPS_PROXY is set"]);
        assert!(!text.contains("s3cret"), "{text}");
        let seen = proxy.seen();
        assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("CONNECT", "example.invalid:443"));
        assert_eq!(seen[0].header("proxy-authorization"), Some("Basic bWU6czNjcmV0"));
        let before = proxy.seen().len();
        run("https://127.0.0.1:1/x", "HTTPS_PROXY", &proxy.url(""), "127.0.0.1");
        assert_eq!(proxy.seen().len(), before, "NO_PROXY");
    }
    let text = run("https://example.invalid/x", "HTTPS_PROXY", "socks5://me:s3cret@127.0.0.1:1", "");
    assert_has(&text, &["HTTPS_PROXY is set, and is not the http or https URL of a proxy"]);
    assert!(!text.contains("s3cret") && !text.contains("attempts"), "{text}");
    // A proxy's idea of 127.0.0.1 is not ours.
    let before = proxy.seen().len();
    let server = Server::serving(BODY);
    assert_eq!(run(&server.url("/x"), "HTTP_PROXY", &proxy.url(""), ""), "Network");
    assert_eq!(proxy.seen().len(), before);
}

/// Without any, no https client can be made.
fn has_certificates() -> bool {
    let known = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    known.iter().any(|path| Path::new(path).exists())
}
