//! Whose bytes: the digests that renders are held to, compared with the list that the publisher signs beside a release.
//!
//! The signature of that list is left to cosign, whose command is printed. The sigstore crate could check it here, but 0.15 with its
//! cosign part alone locks 396 crates (knrender: some 240), among them `aws-lc-sys`, which deny.toml bans; and it needs Sigstore's
//! trust root, which changes and has to be fetched.

use std::collections::BTreeMap;

use super::catalog::{Asset, Publisher};
use super::fetch::{FetchError, Request, Source, Sources, Voucher};
use crate::digest::Sha256Hex;

/// What became of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The publisher's list has the digest that renders are held to.
    Verified {
        /// The digest.
        sha256: Sha256Hex,
        /// Whether the list came from the publisher itself, and not from a mirror.
        from_publisher: bool,
    },
    /// The list has another digest.
    Differs {
        /// What renders are held to.
        held: Sha256Hex,
        /// What the list says.
        published: Sha256Hex,
    },
    /// The list does not have the asset.
    NotListed,
    /// Nothing that knrender knows of vouches for it.
    NoPublisher,
    /// Neither catalog nor lock has a digest.
    NotHeld,
    /// The list is not to be had, or is none.
    Failed(String),
}

/// A list of a release.
pub type Lists = BTreeMap<String, Result<(BTreeMap<String, Sha256Hex>, bool), String>>;

/// The URL of a file beside an asset.
pub fn beside(asset: &Asset, file: &str) -> Option<String> {
    let url = asset.urls.first()?;
    Some(format!("{}/{file}", url.rsplit_once('/')?.0))
}

/// What the publisher says about an asset that renders hold to `held`. `lists` remembers what was fetched.
pub fn asset(
    asset: &Asset,
    held: Option<Sha256Hex>,
    publisher: Option<&Publisher>,
    sources: &Sources<'_>,
    lists: &mut Lists,
) -> Verdict {
    let Some((publisher, url)) = publisher.and_then(|p| Some((p, beside(asset, &p.checksums)?))) else {
        return Verdict::NoPublisher;
    };
    if asset.local.is_some() {
        return Verdict::NoPublisher;
    }
    let Some(held) = held else { return Verdict::NotHeld };
    let file = asset.urls.first().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    let known = lists.entry(url.clone()).or_insert_with(|| {
        let what = format!("{} {} {}", asset.component, asset.version, publisher.checksums);
        let obtained = sources
            .obtain(&Request { what: &what, urls: &[url], expected: None, voucher: Voucher::None })
            .map_err(|e: FetchError| e.to_string())?;
        let text = String::from_utf8(obtained.bytes).map_err(|_| format!("{what}: it is not UTF-8 text"))?;
        Ok((
            entries(&text).map_err(|line| format!("{what}, line {line}: it is not `DIGEST  FILE`"))?,
            obtained.from == Source::Network,
        ))
    });
    match known {
        Err(why) => Verdict::Failed(why.clone()),
        Ok((digests, from_publisher)) => match digests.get(file) {
            None => Verdict::NotListed,
            Some(listed) if *listed != held => Verdict::Differs { held, published: *listed },
            Some(sha256) => Verdict::Verified { sha256: *sha256, from_publisher: *from_publisher },
        },
    }
}

/// The entries of a list as `sha256sum` writes it, by name; else the number of the line that is none.
fn entries(text: &str) -> Result<BTreeMap<String, Sha256Hex>, usize> {
    let mut entries = BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (digest, name) = line.split_once(' ').ok_or(number)?;
        let name = name.trim_start_matches([' ', '*']).trim_start_matches("./").trim_end();
        let digest = digest.to_ascii_lowercase().parse().map_err(|_| number)?;
        entries.insert(name.to_owned(), digest);
    }
    if entries.is_empty() { Err(1) } else { Ok(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_sha256sum_writes_it() {
        let a = Sha256Hex::of(b"a");
        let text = format!("{a}  a.yaml\n\n{a} *b.yaml\n{a}  ./c.yaml\r\n");
        assert_eq!(
            entries(&text).unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
            ["a.yaml", "b.yaml", "c.yaml"]
        );
        assert_eq!(entries(&format!("{a}  a\nnothing\n")), Err(2));
        assert_eq!(entries("<html>\n"), Err(1));
        assert_eq!(entries(""), Err(1));
    }
}
