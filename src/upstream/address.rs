//! Addresses: which URLs may be asked, how they are shown, and where a mirror keeps their bytes.

use std::net::IpAddr;

use url::{ParseError, Url};

use crate::shown;

/// An address is not one that knrender asks. The catalog, the lock, the flag or the server that named it is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("{url} is not a URL: {why}")]
    NotAUrl {
        /// The text, without secrets.
        url: String,
        /// The reason.
        why: String,
    },
    /// It is neither https nor http to this machine.
    #[error("{url} is refused: knrender asks only https, and http on this machine (localhost, 127.0.0.0/8, ::1)")]
    Scheme {
        /// The URL, without secrets.
        url: String,
    },
    /// A redirect leaves https.
    #[error("{from} redirects to {to}, which is not https: refused, because anybody on the way could change the bytes")]
    Downgrade {
        /// The URL that redirects, without secrets.
        from: String,
        /// Where it points, without secrets.
        to: String,
    },
    /// A mirror has no place for it.
    #[error("the URL {url} cannot be laid out in a mirror: {why}")]
    NoPlace {
        /// The URL, without secrets.
        url: String,
        /// The reason.
        why: String,
    },
}

/// A URL as people may see it: without user and password, without the values of a query, without a fragment, and
/// without characters that drive a terminal. Any text will do.
pub fn shown(url: &str) -> String {
    let url: String = url.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let url = shown::line(&url);
    let url = url.split('#').next().unwrap_or_default();
    let (url, query) = match url.split_once('?') {
        Some((url, query)) if !query.is_empty() => (url, "?..."),
        Some((url, _)) => (url, "?"),
        None => (url, ""),
    };
    // The URL standard reads `\` as `/`, and does not count slashes; neither may hide a password here.
    let start = url.find(':').map_or(0, |colon| colon + 1);
    let start = start + url[start..].find(|c| c != '/' && c != '\\').unwrap_or_default();
    let host = start + shown::host(&url[start..]);
    format!("{}{}{query}", &url[..start], &url[host..])
}

/// Reads a URL that may be asked: https, or http on this machine.
pub fn parse(url: &str) -> Result<Url, AddressError> {
    let parsed = Url::parse(url).map_err(|e| AddressError::NotAUrl { url: shown(url), why: wrong(e) })?;
    if parsed.scheme() == "https" || is_loopback_http(&parsed) {
        Ok(parsed)
    } else {
        Err(AddressError::Scheme { url: shown(url) })
    }
}

/// What is wrong with a URL.
pub(super) fn wrong(error: ParseError) -> String {
    match error {
        ParseError::IdnaError => {
            "its host is no name (letters beyond ASCII are written in Punycode: xn--...)".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether this is plain http to this machine, which needs no TLS and goes through no proxy.
pub fn is_loopback_http(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    url.scheme() == "http" && here
}

/// Where `location`, the answer of `from`, sends us, if it may. User and password go along to the same origin only, and
/// those that a server puts into a redirect are dropped.
pub fn redirect(from: &Url, location: &str) -> Result<Url, AddressError> {
    let mut to = from.join(location).map_err(|e| AddressError::NotAUrl { url: shown(location), why: wrong(e) })?;
    // These fail for URLs without a host alone, and such a URL does not pass the test below.
    let (user, password) =
        if to.origin() == from.origin() { (from.username(), from.password()) } else { Default::default() };
    let _ = to.set_username(user);
    let _ = to.set_password(password);
    to.set_fragment(None);
    if to.scheme() == "https" || (is_loopback_http(&to) && is_loopback_http(from)) {
        Ok(to)
    } else {
        Err(AddressError::Downgrade { from: shown(from.as_str()), to: shown(to.as_str()) })
    }
}

/// The path of a URL in a mirror, `<host>/<path>`, as segments that are safe to use as file names on any system.
///
/// A port becomes `host+port`. Escapes are decoded once. Refused: `.`, `..` and empty segments, slashes and backslashes
/// behind escapes, control characters, `:` and other characters that Windows gives a meaning, user and password, a query,
/// a fragment, and hosts that are IPv6 addresses.
pub fn place(url: &str) -> Result<Vec<String>, AddressError> {
    let refuse = |why: &str| AddressError::NoPlace { url: shown(url), why: why.to_owned() };
    // `Url` resolves `..` and turns `\` into `/` while it parses, so the text is looked at first.
    let parsed = Url::parse(url).map_err(|e| refuse(&wrong(e)))?;
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if ["https", "http"].contains(&scheme.to_ascii_lowercase().as_str()) => rest,
        _ => return Err(refuse("it is neither https nor http")),
    };
    if url.contains('\\') {
        return Err(refuse("it has a backslash"));
    }
    if url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(refuse("it has white space or a control character"));
    }
    if url.contains('?') {
        return Err(refuse("it has a query"));
    }
    if url.contains('#') {
        return Err(refuse("it has a fragment"));
    }
    let Some((authority, path)) = rest.split_once('/') else { return Err(refuse("it names no file")) };
    if authority.contains('@') {
        return Err(refuse("it has a user or a password"));
    }
    let host = match (parsed.host_str(), parsed.port()) {
        (Some(host), Some(port)) => format!("{host}+{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(refuse("it has no host")),
    };
    let mut segments = vec![file_name(&host).map_err(refuse)?];
    for segment in path.split('/') {
        let decoded = decode(segment).ok_or_else(|| refuse("it has an escape that is not UTF-8 text"))?;
        segments.push(file_name(&decoded).map_err(refuse)?);
    }
    Ok(segments)
}

/// `segment`, if it is safe to use as the name of one file or folder.
fn file_name(segment: &str) -> Result<String, &'static str> {
    match segment {
        "" => Err("it has an empty part: `//`, or a `/` at the end"),
        "." | ".." => Err("it has a `.` or `..` part"),
        _ if segment.contains(['/', '\\']) => Err("it has a slash behind an escape"),
        _ if segment.contains(char::is_control) => Err("it has a control character behind an escape"),
        _ if segment.contains([':', '*', '"', '<', '>', '|', '?']) => {
            Err("it has a part with one of : * \" < > | ?, which are not for file names")
        }
        _ if segment.ends_with(['.', ' ']) => Err("it has a part that ends in a dot or a space"),
        _ => Ok(segment.to_owned()),
    }
}

/// Percent-decoding, once. `None`: a broken escape, or not UTF-8.
pub(super) fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (url, expected) in [
            ("https://github.com/a/b.yaml", "https://github.com/a/b.yaml"),
            ("https://me:s3cret@host/a?x", "https://host/a?..."),
            ("https://me:s3cret@host", "https://host"),
            ("https://host/a@b", "https://host/a@b"),
            ("https://host/a?X-Amz-Signature=s3cret#s3cret", "https://host/a?..."),
            ("https://me:s3cret@me:s3cret@host:1/a", "https://host:1/a"),
            ("https:\\\\me:s3cret@host\\a", "https:\\\\host\\a"),
            ("https:me:s3cret@host/a", "https:host/a"),
            ("http://[::1]:80/x", "http://[::1]:80/x"),
            ("https://host/\u{1b}[2Jx\n", "https://host/\u{fffd}[2Jx\u{fffd}"),
            ("", ""),
            ("not a url", "not a url"),
            ("https://", "https://"),
            ("é:é", "é:é"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
            assert!(!shown(url).contains("s3cret"));
        }
    }

    #[test]
    fn https_is_asked_and_http_on_this_machine() {
        for url in
            ["https://x.example/a", "http://localhost/a", "http://127.0.0.1:80/", "http://127.9.9.9/", "http://[::1]/"]
        {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://x.example/a",
            "http://localhost.example/a",
            "http://127.0.0.1.example/",
            "http://127.0.0.1@x.example/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "relative",
            "",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(!error.is_empty(), "{url}");
        }
        assert!(parse("https://xn--bcher-kva.example/a").is_ok());
        let error = parse("https://b\u{fc}cher.example/a").unwrap_err().to_string();
        assert!(error.contains("are written in Punycode"), "{error}");
        let error = parse("http://me:s3cret@x.example/a").unwrap_err().to_string();
        assert!(error.starts_with("http://x.example/a is refused"), "{error}");
    }

    #[test]
    fn redirects_stay_on_https() {
        let from = |url| Url::parse(url).unwrap();
        let to = |a, b| redirect(&from(a), b).map(String::from);
        assert_eq!(to("https://a.example/x", "https://b.example/y#z").unwrap(), "https://b.example/y");
        assert_eq!(to("https://a.example/x/", "../y?z").unwrap(), "https://a.example/y?z");
        assert_eq!(to("http://localhost/x", "http://127.0.0.1/y").unwrap(), "http://127.0.0.1/y");
        assert_eq!(to("http://localhost/x", "https://a.example/y").unwrap(), "https://a.example/y");
        for (a, b) in [
            ("https://a.example/x", "http://a.example/x"),
            ("https://a.example/x", "http://localhost/x"),
            ("http://localhost/x", "http://a.example/x"),
            ("https://a.example/x", "file:///etc/passwd"),
            ("https://a.example/x", "data:,x"),
        ] {
            let error = to(a, b).unwrap_err().to_string();
            assert!(error.contains(a) && error.contains(b) && error.contains("not https"), "{error}");
        }
        assert!(matches!(to("https://a.example/x", "https://"), Err(AddressError::NotAUrl { .. })));
    }

    #[test]
    fn credentials_do_not_follow_a_redirect() {
        let from = Url::parse("https://me:s3cret@a.example/x").unwrap();
        assert_eq!(redirect(&from, "/y").unwrap().as_str(), "https://me:s3cret@a.example/y");
        for to in ["https://b.example/y", "https://a.example:8443/y", "https://you:theirs@b.example/y"] {
            let to = redirect(&from, to).unwrap();
            assert_eq!((to.username(), to.password()), ("", None), "{to}");
        }
    }

    #[test]
    fn a_mirror_is_laid_out_by_host_and_path() {
        for (url, expected) in [
            ("https://github.com/knative/serving/releases/download/knative-v1.23.0/serving-core.yaml", None),
            ("https://GitHub.com/a", Some("github.com/a")),
            ("http://127.0.0.1:8080/a/b", Some("127.0.0.1+8080/a/b")),
            ("https://host:443/a", Some("host/a")),
            ("https://host/v1.2.3+build/%2Bb%20c", Some("host/v1.2.3+build/+b c")),
            ("https://host/%252e%252e/x", Some("host/%2e%2e/x")),
            ("https://host/...x/.hidden", Some("host/...x/.hidden")),
        ] {
            let expected = expected.unwrap_or(&url["https://".len()..]);
            assert_eq!(place(url).unwrap().join("/"), expected);
        }
    }

    #[test]
    fn a_url_that_could_leave_the_mirror_is_refused() {
        for url in [
            "https://host/../x",
            "https://host/a/../../x",
            "https://host/a/..",
            "https://host/./x",
            "https://host/%2e%2e/x",
            "https://host/%2E./x",
            "https://host/.%2e",
            "https://host/%2e/x",
            "https://host//x",
            "https://host/a//x",
            "https://host/a/",
            "https://host/",
            "https://host",
            "https://host/a\\..\\x",
            "https:\\\\host\\x",
            "https://host/a%5cx",
            "https://host/a%2fx",
            "https://host/%2fetc/passwd",
            "https://host/a%00",
            "https://host/a\0",
            "https://host/a%0a",
            "https://host/a\nb",
            "https://host/a b",
            "https://host/%ff",
            "https://host/%zz",
            "https://host/%e",
            "https://host/C:/x",
            "https://host/c%3a/x",
            "https://host/x.",
            "https://me:s3cret@host/x",
            "https://me@host/x",
            "https://host/x?token=s3cret",
            "https://host/x#y",
            "https://[::1]/x",
            "https://../x",
            "https:host/x",
            "file:///etc/passwd",
            "C:\\x",
            "C:/x",
            "/etc/passwd",
            "",
        ] {
            let error = place(url).unwrap_err().to_string();
            assert!(error.starts_with("the URL ") && error.contains("cannot be laid out in a mirror: "), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
