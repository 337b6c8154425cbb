//! Promise: https is really https. A certificate that the system does not trust is refused, and a redirect does not leave https.
//!
//! The certificates are made by `openssl`; without it these tests do nothing. All traffic stays on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Reply, Server};
use knrender::upstream::fetch::{Limits, Request, Silent, Sources, Voucher};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Makes a certificate authority (`ca.pem`) and a certificate for localhost (`localhost.pem`) in `dir`.
fn certificates(dir: &Path) -> Option<Arc<ServerConfig>> {
    fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca \
         -addext basicConstraints=critical,CA:TRUE",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout localhost.key -out localhost.csr -subj /CN=localhost",
        "x509 -req -in localhost.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out localhost.pem -days 2 -extfile ext",
    ] {
        let openssl =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(dir).stderr(Stdio::null()).status();
        if !openssl.ok()?.success() {
            return None;
        }
    }
    let certificate = CertificateDer::from_pem_file(dir.join("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Some(Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()))
}

/// Run by the test below, in a process of its own, for its environment.
#[test]
#[ignore = "a part of only_trusted_servers_are_believed"]
fn child() {
    let limits = Limits {
        read_timeout: Duration::from_secs(2),
        attempts: 2,
        backoff: Duration::from_millis(10),
        ..Limits::default()
    };
    let urls = [std::env::var("TEST_URL").unwrap()];
    let got = Sources { limits, ..Sources::new(&Silent) }.obtain(&Request {
        what: "x",
        urls: &urls,
        expected: None,
        voucher: Voucher::None,
    });
    let text = got.map_or_else(|e| e.to_string(), |o| String::from_utf8(o.bytes).unwrap());
    fs::write(std::env::var("TEST_OUT").unwrap(), text).unwrap();
}

#[test]
fn only_trusted_servers_are_believed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(config) = certificates(dir.path()) else { return };
    let plain = Server::serving("kind: Stolen\n");
    let away = plain.url("/x");
    let server = Server::tls(config, move |seen| match seen.target.as_str() {
        "/here" => Reply::redirect("/a"),
        "/away" => Reply::redirect(&away),
        _ => Reply::ok("kind: Service\n"),
    });
    let ca = dir.path().join("ca.pem");
    let out = dir.path().join("out");
    let run = |path: &str, host: &str, trust: &Path| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            child.env_remove(name).env_remove(name.to_lowercase());
        }
        let url = server.url(path).replace("http://127.0.0.1", &format!("https://{host}"));
        child.args(["--exact", "https::child", "--ignored"]).env("TEST_URL", url).env("TEST_OUT", &out);
        child.env("SSL_CERT_FILE", trust).env("SSL_CERT_DIR", dir.path().join("none"));
        assert!(child.output().unwrap().status.success());
        fs::read_to_string(&out).unwrap()
    };
    let has = |text: &str, part: &str| assert!(text.contains(part), "no {part:?} in: {text}");

    assert_eq!(run("/a", "localhost", &ca), "kind: Service\n");
    assert_eq!(run("/here", "localhost", &ca), "kind: Service\n");
    has(&run("/away", "localhost", &ca), "redirects to http://127.0.0.1:");
    assert_eq!(plain.seen().len(), 0);

    // Another name than the certificate's.
    let before = server.seen().len();
    let text = run("/a", "127.0.0.1", &ca);
    has(&text, "certificate is not trusted");
    // Signed by somebody whom the system does not know; not tried twice.
    let other = tempfile::tempdir().unwrap();
    certificates(other.path()).unwrap();
    let text = run("/a", "localhost", &other.path().join("ca.pem"));
    has(&text, "certificate is not trusted: invalid peer certificate");
    has(&text, "SSL_CERT_FILE");
    assert!(!text.contains("attempts"), "{text}");
    assert_eq!(server.seen().len(), before);

    let text = run("/a", "localhost", &dir.path().join("none"));
    has(&text, "No CA certificates");
}
