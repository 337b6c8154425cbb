//! Promise: bytes come from the cache, a mirror or the network, in this order, and are the ones that were promised.
//!
//! All traffic stays on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::time::{Duration, Instant};

use crate::support::asset::{BODY, assert_has, error, expected, nobody, obtain, obtain_unknown, sources};
use crate::support::{Reply, Server};
use knrender::digest::Sha256Hex;
use knrender::upstream::fetch::{FetchError, Obtained, Request, Source, Sources, Voucher};
use knrender::upstream::mirror::{Mirror, mirror_write};
use knrender::upstream::store::Store;

#[test]
fn bytes_come_over_the_network_and_are_cached() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serving(BODY);
    let url = server.url("/a/b.yaml");
    let sources = Sources { store: Some(Store::open(dir.path().join("cache"))), ..sources() };
    let first = obtain(&sources, &[&url], &expected(BODY)).unwrap();
    let wanted = Obtained {
        bytes: BODY.to_vec(),
        sha256: Sha256Hex::of(BODY),
        url: url.clone(),
        from: Source::Network,
        warnings: vec![],
    };
    assert_eq!(first, wanted);
    let again = obtain(&sources, &[&url], &expected(BODY)).unwrap();
    assert_eq!(again, Obtained { from: Source::Cache, ..wanted });
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", "/a/b.yaml"));
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert_eq!(seen[0].header("user-agent"), Some(concat!("knrender/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen[0].header("authorization").or(seen[0].header("cookie")).or(seen[0].header("referer")), None);
}

#[test]
fn a_damaged_cache_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serving(BODY);
    let store = Store::open(dir.path());
    let digest = store.put(BODY).unwrap().to_string();
    let file = dir.path().join("sha256").join(&digest[..2]).join(&digest);
    fs::write(&file, "kind: Secret!\n").unwrap();
    let sources = Sources { store: Some(store), ..sources() };
    let got = obtain(&sources, &[&server.url("/x")], &expected(BODY)).unwrap();
    assert_eq!((got.from, got.bytes.as_slice()), (Source::Network, BODY));
    assert_eq!(fs::read(file).unwrap(), BODY);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, "").unwrap();
    let server = Server::new(|seen| Reply::ok(&seen.target));
    let sources = Sources { store: Some(Store::open(blocked.join("cache"))), ..sources() };
    let wanted = ["/a", "/b", "/c"].map(|path| (vec![server.url(path)], expected(path.as_bytes())));
    let requests = wanted.each_ref().map(|(urls, expected)| Request {
        what: "x",
        urls,
        expected: Some(expected),
        voucher: Voucher::Lock,
    });
    let got: Vec<_> = sources.obtain_all(&requests).into_iter().map(Result::unwrap).collect();
    assert_eq!(got.iter().map(|o| o.bytes.as_slice()).collect::<Vec<_>>(), [b"/a", b"/b", b"/c"]);
    let warnings: Vec<_> = got.iter().map(|o| o.warnings.len()).collect();
    // The folder is no folder: it can be neither read nor written, and the first warning is about one file.
    assert!(warnings[0] >= 1 && got[1].warnings.iter().all(|w| !w.contains("cannot be written")), "{got:?}");
    assert_has(&got[0].warnings.join("\n"), &["cannot be written", "KNRENDER_CACHE"]);
}

#[test]
fn bytes_that_nobody_vouches_for_must_be_plausible() {
    let server = Server::new(|seen| match seen.target.as_str() {
        "/html" => Reply::ok("<!DOCTYPE html><p>Log in"),
        "/empty" => Reply::ok(""),
        "/nul" => Reply::ok("a\0b"),
        "/bin" => Reply::ok(b"\xff\xfe"),
        _ => Reply::ok(BODY),
    });
    assert_eq!(obtain_unknown(&sources(), &server.url("/good")).unwrap().sha256, Sha256Hex::of(BODY));
    for (path, why) in [("/html", "HTML page"), ("/empty", "empty"), ("/nul", "NUL"), ("/bin", "UTF-8")] {
        let error = obtain_unknown(&sources(), &server.url(path)).unwrap_err();
        assert!(matches!(error, FetchError::Implausible { .. }));
        assert_has(&error.to_string(), &["gloo v1 x: ", &server.url(path), why, "\nnext: "]);
    }
}

#[test]
fn other_bytes_than_the_promised_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(|seen| match seen.target.as_str() {
        "/short" => Reply::ok("kind"),
        "/html" => Reply::ok("<html><title>Please log in to the network</title>"),
        "/good" => Reply::ok(BODY),
        _ => Reply::ok("kind: Service # now with a gift\n"),
    });
    let store = Store::open(dir.path());
    let sources = Sources { store: Some(store.clone()), ..sources() };
    // There is no looking further, either.
    let urls = [server.url("/changed"), server.url("/good")];
    let ask = |voucher| {
        let error =
            sources.obtain(&Request { what: "gloo v1 x", urls: &urls, expected: Some(&expected(BODY)), voucher });
        error.unwrap_err().to_string()
    };
    let got = Sha256Hex::of(b"kind: Service # now with a gift\n");
    let digests = [Sha256Hex::of(BODY).to_string(), got.to_string()];
    let common = ["gloo v1 x", &digests[0], &digests[1], &urls[0], "14 bytes", "32 bytes", "do not use it"];
    let by_catalog = ask(Voucher::Catalog);
    assert_has(&by_catalog, &common);
    assert_has(&by_catalog, &["knrender's catalog vouches for", "Look for a newer knrender"]);
    let by_lock = ask(Voucher::Lock);
    assert_has(&by_lock, &common);
    assert_has(&by_lock, &["knrender.lock vouches for", "remove the entry"]);
    assert_has(&error(&sources, &server.url("/short")), &["4 bytes", "14 bytes", "cut off"]);
    assert_has(&error(&sources, &server.url("/html")), &["HTML page", "check the proxy"]);
    assert_eq!(store.get(&got).unwrap(), None, "nothing of this is kept");
    assert!(server.seen().iter().all(|seen| seen.target != "/good"));
}

#[test]
fn the_second_url_is_another_place_of_the_same_bytes() {
    let server = Server::new(|seen| match seen.target.as_str() {
        "/second" => Reply::ok(BODY),
        _ => Reply::status("404 Not Found", &[], ""),
    });
    let (first, second) = (server.url("/first"), server.url("/second"));
    let got = obtain(&sources(), &[&first, &second], &expected(BODY)).unwrap();
    assert_eq!(got.url, second);
    assert_has(&got.warnings.join("\n"), &["gloo v1 x: passed over", &first, "404"]);
    let text = obtain(&sources(), &[&first, &server.url("/third")], &expected(BODY)).unwrap_err().to_string();
    assert_has(&text, &["/first: the server answers 404 Not Found\n  http://", "/third: the server answers 404"]);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert_has(&obtain(&sources(), &[], &expected(BODY)).unwrap_err().to_string(), &["nobody says where"]);
}

#[test]
fn a_mirror_folder_needs_no_network() {
    let dir = tempfile::tempdir().unwrap();
    let (url, also) = ("https://example.invalid/a/b.yaml", "https://example.invalid/also/b.yaml");
    mirror_write(dir.path(), also, BODY).unwrap();
    let cache = dir.path().join("cache");
    let offline = Sources {
        mirror: Some(Mirror::Dir(dir.path().into())),
        network: false,
        store: Some(Store::open(&cache)),
        ..sources()
    };
    let got = obtain(&offline, &[url, also], &expected(BODY)).unwrap();
    assert_eq!((got.from, got.url.as_str(), got.warnings.len()), (Source::Mirror, also, 0));
    assert!(!cache.exists(), "a folder is as near as the cache");
    assert!(obtain_unknown(&offline, also).is_ok());
    let text = obtain(&offline, &[url], &expected(BODY)).unwrap_err().to_string();
    let missing = format!("{}/example.invalid/a/b.yaml: no such file in the mirror", dir.path().display());
    assert_has(&text, &[url, &missing, "--offline", "--mirror DIR", "KNRENDER_MIRROR", "knrender upstream mirror DIR"]);
}

#[test]
fn wrong_bytes_in_a_mirror_are_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serving(BODY);
    let url = server.url("/x.yaml");
    let path = mirror_write(dir.path(), &url, b"kind: Other\n").unwrap().path;
    let sources = Sources { mirror: Some(Mirror::Dir(dir.path().into())), ..sources() };
    let text = obtain(&sources, &[&url], &expected(BODY)).unwrap_err().to_string();
    assert_has(&text, &[&path.display().to_string(), "delete it and run `knrender upstream mirror DIR`", "12 bytes"]);
    fs::write(&path, "<html>").unwrap();
    assert_has(&obtain_unknown(&sources, &url).unwrap_err().to_string(), &["HTML", &path.display().to_string()]);
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_has(&obtain(&sources, &[&url], &expected(BODY)).unwrap_err().to_string(), &["1048577 bytes, more than"]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_has(&obtain(&sources, &[&url], &expected(BODY)).unwrap_err().to_string(), &["it is a folder"]);
    assert_eq!(server.seen().len(), 0);
    fs::remove_dir(&path).unwrap();
    assert_eq!(obtain(&sources, &[&url], &expected(BODY)).unwrap().from, Source::Network);
}

#[test]
fn nothing_outside_the_mirror_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = dir.path().join("mirror");
    fs::create_dir_all(mirror.join("host")).unwrap();
    fs::write(dir.path().join("secret"), BODY).unwrap();
    let offline = Sources { mirror: Some(Mirror::Dir(mirror.clone())), network: false, ..sources() };
    for url in [
        "https://host/../secret",
        "https://host/../../secret",
        "https://host/%2e%2e/%2e%2e/secret",
        "https://host/..%2fsecret",
    ] {
        assert_has(&error(&offline, url), &["cannot be laid out in a mirror"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("secret"), mirror.join("host/x")).unwrap();
        let text = obtain(&offline, &["https://host/x"], &expected(BODY)).unwrap_err().to_string();
        assert_has(&text, &["mirror/host/x leads out of the mirror"]);
    }
    let missing = Sources { mirror: Some(Mirror::Dir("/nowhere/at/all".into())), ..sources() };
    let text = obtain(&missing, &["https://host/x"], &expected(BODY)).unwrap_err().to_string();
    assert_has(&text, &["the mirror /nowhere/at/all is not a folder"]);
}

#[test]
fn a_mirror_may_be_a_url() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(|seen| match seen.target.as_str() {
        "/base/example.invalid/a/b.yaml" => Reply::ok(BODY),
        _ => Reply::status("404 Not Found", &[], ""),
    });
    let mirror: Mirror = server.url("/base/").replace("http://", "http://me:s3cret@").parse().unwrap();
    let store = Store::open(dir.path());
    let mirrored = Sources { mirror: Some(mirror.clone()), store: Some(store.clone()), ..sources() };
    let url = "https://example.invalid/a/b.yaml";
    let got = obtain(&mirrored, &[url], &expected(BODY)).unwrap();
    assert_eq!((got.from, got.url.as_str()), (Source::Mirror, url));
    assert_eq!(server.seen()[0].header("authorization"), Some("Basic bWU6czNjcmV0"));
    assert_eq!(store.get(&Sha256Hex::of(BODY)).unwrap().as_deref(), Some(BODY));
    let text = obtain(&mirrored, &[url], &expected(b"kind: Other\n")).unwrap_err().to_string();
    assert_has(&text, &[&server.url("/base/example.invalid/a/b.yaml"), "the mirror serves another file"]);
    assert!(!text.contains("s3cret"), "{text}");

    // What it lacks comes from the publisher, without a word; that it does not answer is a warning.
    let publisher = Server::serving(BODY);
    let direct = publisher.url("/a/b.yaml");
    let mirrored = Sources { mirror: Some(mirror.clone()), ..sources() };
    let got = obtain(&mirrored, &[&direct], &expected(BODY)).unwrap();
    assert_eq!((got.from, got.warnings.len()), (Source::Network, 0), "{got:?}");
    let down = Sources { mirror: Some(nobody().parse().unwrap()), ..sources() };
    let got = obtain(&down, &[&direct], &expected(BODY)).unwrap();
    assert_eq!(got.from, Source::Network);
    assert_has(&got.warnings.join("\n"), &["passed over", "cannot connect"]);

    let before = server.seen().len();
    let offline = Sources { mirror: Some(mirror), network: false, ..sources() };
    assert_has(&error(&offline, &direct), &["a URL, which --offline forbids too", &server.url("/base/")]);
    assert_eq!(server.seen().len(), before);
}

#[test]
fn offline_uses_the_cache_and_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::serving(BODY);
    let store = Store::open(dir.path());
    let offline = Sources { store: Some(store.clone()), network: false, ..sources() };
    let error = obtain(&offline, &[&server.url("/x?token=s3cret")], &expected(BODY)).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }));
    assert_has(&error.to_string(), &[&server.url("/x?..."), "--offline forbids the network"]);
    store.put(BODY).unwrap();
    assert_eq!(obtain(&offline, &[&server.url("/x")], &expected(BODY)).unwrap().from, Source::Cache);
    assert!(obtain_unknown(&offline, &server.url("/x")).is_err(), "the cache knows digests, not URLs");
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn several_assets_come_at_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(|seen| match seen.target.as_str() {
        "/3" => Reply::status("404 Not Found", &[], ""),
        target => Reply::raw("").then(
            Duration::from_millis(if target == "/0" { 250 } else { 150 }),
            format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{target}"),
        ),
    });
    let store = Store::open(dir.path());
    store.put(b"/1").unwrap();
    let sources = Sources { store: Some(store), ..sources() };
    let wanted: Vec<_> =
        (0..9).map(|n| format!("/{n}")).map(|path| (vec![server.url(&path)], expected(path.as_bytes()))).collect();
    let requests: Vec<_> = wanted
        .iter()
        .map(|(urls, expected)| Request { what: &urls[0], urls, expected: Some(expected), voucher: Voucher::Catalog })
        .collect();
    let started = Instant::now();
    let got = sources.obtain_all(&requests);
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    for (n, result) in got.iter().enumerate() {
        match result {
            Ok(obtained) => assert_eq!(obtained.bytes, format!("/{n}").as_bytes()),
            Err(error) => assert_has(&error.to_string(), &["/3", "404"]),
        }
    }
    assert_eq!((got.len(), got.iter().filter(|r| r.is_err()).count()), (9, 1));
    assert_eq!(got[1].as_ref().unwrap().from, Source::Cache);
    assert!(sources.obtain_all(&[]).is_empty());
}
