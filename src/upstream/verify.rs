//! Whose bytes: the digests that renders are held to, compared with the list that the publisher signs beside a release, and the
//! signature of that list where the user hands over the CA's certificates ([`super::signature`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use super::catalog::{Asset, Catalog, Publisher};
use super::fetch::{FetchError, Request, Source, Sources, Voucher};
use super::signature::{self, Files, SignedBy, TrustRoot};
use crate::digest::Sha256Hex;

/// How large a list may be, in bytes: Knative's have less than two thousand.
const LIST_MAX: usize = 1 << 20;

/// What became of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The publisher's list has the digest that renders are held to.
    Verified(Vouched),
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
    /// The list is not signed by its publisher.
    NotSigned(String),
    /// The list, or what belongs to its signature, is not to be had, or is none.
    Failed(String),
}

/// What vouches for a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The list that has it.
    pub list: String,
    /// Whether the list came from the publisher itself, and not from a mirror.
    pub from_publisher: bool,
    /// Who signed the list, where that was checked.
    pub signed_by: Option<SignedBy>,
}

impl Vouched {
    /// Whether it is the publisher who vouches: by the signature, or because the list came from there.
    pub fn is_publishers(&self) -> bool {
        self.from_publisher || self.signed_by.is_some()
    }
}

/// A list of a release.
struct List {
    digests: BTreeMap<String, Sha256Hex>,
    from_publisher: bool,
    signed_by: Option<SignedBy>,
}

/// The publishers of a catalog. A list is fetched, and its signature checked, once.
pub struct Publishers<'a> {
    catalog: &'a Catalog,
    trust: Option<&'a TrustRoot>,
    lists: RefCell<BTreeMap<String, Result<Rc<List>, Verdict>>>,
}

/// The URL of a file beside an asset.
fn beside(asset: &Asset, file: &str) -> Option<String> {
    let url = asset.urls.first()?;
    Some(format!("{}/{file}", url.rsplit_once('/')?.0))
}

impl<'a> Publishers<'a> {
    /// Those of `catalog`; signatures are checked where there is a trust root.
    pub fn new(catalog: &'a Catalog, trust: Option<&'a TrustRoot>) -> Publishers<'a> {
        Publishers { catalog, trust, lists: RefCell::default() }
    }

    /// Whether signatures are checked.
    pub fn check_signatures(&self) -> bool {
        self.trust.is_some()
    }

    /// Who publishes an asset, where that is known and the asset is a published one.
    pub fn of(&self, asset: &Asset) -> Option<&'a Publisher> {
        let component = self.catalog.component(&asset.component).ok().filter(|_| asset.local.is_none())?;
        component.publisher.as_ref()
    }

    /// The URLs of the list of an asset's release, its certificate and its signature.
    pub fn files(&self, asset: &Asset) -> Option<[String; 3]> {
        let publisher = self.of(asset)?;
        Some([
            beside(asset, &publisher.checksums)?,
            beside(asset, &publisher.certificate)?,
            beside(asset, &publisher.signature)?,
        ])
    }

    /// What the publisher says about an asset that renders hold to `held`.
    pub fn verdict(&self, asset: &Asset, held: Option<Sha256Hex>, sources: &Sources<'_>) -> Verdict {
        let (Some(publisher), Some(files)) = (self.of(asset), self.files(asset)) else { return Verdict::NoPublisher };
        let Some(held) = held else { return Verdict::NotHeld };
        let file = asset.urls.first().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        let list = match self.lists.borrow_mut().entry(files[0].clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => place.insert(self.list(asset, publisher, &files, sources).map(Rc::new)).clone(),
        };
        match list {
            Err(verdict) => verdict,
            Ok(list) => match list.digests.get(file) {
                None => Verdict::NotListed,
                Some(listed) if *listed != held => Verdict::Differs { held, published: *listed },
                Some(_) => Verdict::Verified(Vouched {
                    list: files[0].clone(),
                    from_publisher: list.from_publisher,
                    signed_by: list.signed_by.clone(),
                }),
            },
        }
    }

    /// Fetches and reads a list, and checks who signed it. The signature comes first: what nobody signed is not read.
    fn list(
        &self,
        asset: &Asset,
        publisher: &Publisher,
        urls: &[String; 3],
        sources: &Sources<'_>,
    ) -> Result<List, Verdict> {
        let release = format!("{} {}", asset.component, asset.version);
        let what = format!("{release} {}", publisher.checksums);
        let obtain = |url: &String| {
            let what = format!("{release} {}", url.rsplit('/').next().unwrap_or_default());
            let request =
                Request { what: &what, urls: std::slice::from_ref(url), expected: None, voucher: Voucher::None };
            sources.obtain(&request).map_err(|e: FetchError| Verdict::Failed(e.to_string()))
        };
        let list = obtain(&urls[0])?;
        if list.bytes.len() > LIST_MAX {
            return Err(Verdict::Failed(format!(
                "{what}: it has more than {LIST_MAX} bytes, so it is no list of a release"
            )));
        }
        let signed_by = match self.trust {
            None => None,
            Some(trust) => {
                let (certificate, signature) = (obtain(&urls[1])?, obtain(&urls[2])?);
                let files = Files { list: &list.bytes, certificate: &certificate.bytes, signature: &signature.bytes };
                let signed = signature::check(&files, trust, publisher);
                Some(signed.map_err(|why| Verdict::NotSigned(format!("{what}: {why}")))?)
            }
        };
        let text =
            String::from_utf8(list.bytes).map_err(|_| Verdict::Failed(format!("{what}: it is not UTF-8 text")))?;
        let digests = entries(&text).map_err(|why| Verdict::Failed(format!("{what}, {why}")))?;
        Ok(List { digests, from_publisher: list.from == Source::Network, signed_by })
    }
}

/// The entries of a list as `sha256sum` writes it, by name; else what is wrong with which line.
fn entries(text: &str) -> Result<BTreeMap<String, Sha256Hex>, String> {
    let mut entries = BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || format!("line {number}: it is not `DIGEST  FILE`");
        let (digest, name) = line.split_once(' ').ok_or_else(wrong)?;
        let name = name.trim_start_matches([' ', '*']).trim_start_matches("./").trim_end();
        let digest: Sha256Hex = digest.to_ascii_lowercase().parse().map_err(|_| wrong())?;
        match entries.insert(name.to_owned(), digest) {
            Some(first) if first != digest => {
                let name = crate::shown::line(name);
                return Err(format!("line {number}: it gives {name} the digest {digest}, and {first} before"));
            }
            _ => {}
        }
    }
    if entries.is_empty() { Err("line 1: it is not `DIGEST  FILE`".to_owned()) } else { Ok(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_sha256sum_writes_it() {
        let a = Sha256Hex::of(b"a");
        let text = format!("{a}  a.yaml\n\n{a} *b.yaml\n{a}  ./c.yaml\r\n{a}  a.yaml\n");
        assert_eq!(
            entries(&text).unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
            ["a.yaml", "b.yaml", "c.yaml"]
        );
        assert!(entries(&format!("{a}  a\nnothing\n")).unwrap_err().starts_with("line 2:"));
        assert!(entries("<html>\n").is_err());
        assert!(entries("").is_err());
    }

    #[test]
    fn a_list_that_names_a_file_twice_with_other_digests_is_none() {
        let (a, b) = (Sha256Hex::of(b"a"), Sha256Hex::of(b"b"));
        let why = entries(&format!("{a}  a.yaml\n{b}  ./a.yaml\n")).unwrap_err();
        assert_eq!(why, format!("line 2: it gives a.yaml the digest {b}, and {a} before"));
    }
}
