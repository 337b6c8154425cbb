//! A small OCI registry of our own: real HTTP, a token challenge, indexes, blobs behind a redirect, and what goes wrong on demand.
#![allow(unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;

use knrender::digest::Sha256Hex;

use super::{Reply, Seen, Server};

/// What a registry has, by path behind `/v2/`.
#[derive(Clone, Default)]
pub struct Shelf(BTreeMap<String, Vec<u8>>);

/// The token that it gives, to whom it is said to.
pub const TOKEN: &str = "t0ken";
/// The day on which it answers.
pub const DATE: &str = "Sat, 28 Nov 2026 05:26:17 GMT";

impl Shelf {
    /// An image for one platform, with layers of these sizes. Returns its digest.
    pub fn image(&mut self, repository: &str, platform: (&str, &str), layers: &[u64]) -> String {
        let config = format!(r#"{{"os": "{}", "architecture": "{}"}}"#, platform.0, platform.1);
        let config_digest = self.put(repository, "blobs", config.as_bytes());
        let layers: Vec<_> = layers
            .iter()
            .map(|size| format!(r#"{{"digest": "sha256:{}", "size": {size}}}"#, Sha256Hex::of(&size.to_le_bytes())))
            .collect();
        let manifest = format!(
            r#"{{"schemaVersion": 2, "config": {{"digest": "{config_digest}", "size": 1}}, "layers": [{}]}}"#,
            layers.join(", ")
        );
        self.put(repository, "manifests", manifest.as_bytes())
    }

    /// An index of images by platform. Returns its digest.
    pub fn index(&mut self, repository: &str, images: &[((&str, &str), &str)]) -> String {
        let entries: Vec<_> = images
            .iter()
            .map(|((os, arch), digest)| {
                format!(r#"{{"digest": "{digest}", "platform": {{"os": "{os}", "architecture": "{arch}"}}}}"#)
            })
            .collect();
        let index = format!(r#"{{"schemaVersion": 2, "manifests": [{}]}}"#, entries.join(", "));
        self.put(repository, "manifests", index.as_bytes())
    }

    /// A tag for what has a digest.
    pub fn tag(&mut self, repository: &str, tag: &str, digest: &str) {
        let bytes = self.0[&format!("{repository}/manifests/{digest}")].clone();
        self.0.insert(format!("{repository}/manifests/{tag}"), bytes);
    }

    /// Any bytes under a path.
    pub fn set(&mut self, path: &str, bytes: &[u8]) {
        self.0.insert(path.to_owned(), bytes.to_vec());
    }

    fn put(&mut self, repository: &str, kind: &str, bytes: &[u8]) -> String {
        let digest = format!("sha256:{}", Sha256Hex::of(bytes));
        self.set(&format!("{repository}/{kind}/{digest}"), bytes);
        digest
    }

    /// What is under a path, as its answer; blobs behind a redirect.
    pub fn reply(&self, seen: &Seen) -> Reply {
        if let Some(path) = seen.target.strip_prefix("/storage/") {
            let path = path.split('?').next().unwrap();
            // A store of blobs refuses a token that is not its own.
            return match (self.0.get(path), seen.header("authorization")) {
                (Some(bytes), _) => Reply::ok(bytes),
                _ => Reply::status("404 Not Found", &[], ""),
            };
        }
        let path = seen.target.strip_prefix("/v2/").unwrap_or_default();
        match self.0.get(path) {
            Some(_) if path.contains("/blobs/") => Reply::redirect(&format!("/storage/{path}?signature=s3cret")),
            Some(bytes) => Reply::status("200 OK", &[("Date", DATE)], bytes),
            None => Reply::status("404 Not Found", &[], "{}"),
        }
    }

    /// A registry that gives everybody a token.
    pub fn open(self) -> Server {
        self.serve(None)
    }

    /// A registry that gives a token to who sends this `Authorization`.
    pub fn behind(self, login: &str) -> Server {
        self.serve(Some(login.to_owned()))
    }

    fn serve(self, login: Option<String>) -> Server {
        Server::new(move |seen| {
            if seen.target.starts_with("/token") {
                let may = login.as_deref().is_none_or(|login| seen.header("authorization") == Some(login));
                return if may {
                    Reply::ok(format!(r#"{{"token": "{TOKEN}"}}"#))
                } else {
                    Reply::status("401 Unauthorized", &[], "")
                };
            }
            if !seen.target.starts_with("/storage/") && seen.header("authorization") != Some(&format!("Bearer {TOKEN}"))
            {
                let host = seen.header("host").unwrap_or_default();
                let challenge = format!(r#"Bearer realm="http://{host}/token",service="{host}""#);
                return Reply::status("401 Unauthorized", &[("WWW-Authenticate", &challenge)], "");
            }
            self.reply(seen)
        })
    }
}
