//! `knrender upstream verify`: what the publishers vouch for.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::session::Session;
use super::{StackArgs, render, say};
use crate::error::Error;
use crate::upstream::catalog::{Asset, Publisher};
use crate::upstream::verify::{Publishers, Verdict, Vouched};

/// What is not proven where a signature holds. An entry in the log would prove it, and a release carries none.
const NOT_PROVEN: &str = "Not proven: that the list was signed while the certificate was valid, some ten minutes. Whoever has the key that it was made \
                          for can sign later, too; the entry in Sigstore's transparency log says when, and a release carries none. cosign asks the log:";

/// What a run found.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    differ: String,
    failed: String,
    signed: bool,
    unsigned: bool,
    commands: BTreeSet<String>,
}

/// Says what the publishers vouch for, and how to check what was not checked here.
pub(super) fn run(args: StackArgs) -> Result<(), Error> {
    let quiet = args.general.quiet;
    let mut session = Session::open(args.ask, args.supply, &args.general)?;
    let mut lock = std::mem::take(&mut session.lock);
    let assets: Vec<_> = session.stack.assets().cloned().collect();
    let (sources, publishers) = (session.sources()?, session.publishers());
    let mut found = Found::default();
    for asset in &assets {
        let held = match (&asset.known, lock.get(asset)?) {
            (Some((sha256, _)), _) => Some(*sha256),
            (None, entry) => entry.map(|entry| entry.sha256),
        };
        let verdict = publishers.verdict(asset, held, &sources);
        if let Verdict::Verified(vouched) = &verdict {
            lock.vouched(asset, vouched);
        }
        found.take(asset, verdict, &publishers);
    }
    render::commit(lock)?;
    if !quiet {
        found.lines.iter().for_each(|line| say(line));
        found.say_what_is_left();
    }
    if !found.differ.is_empty() {
        return Err(Error::Findings(format!(
            "the publisher does not vouch for these bytes:{}\nnext: do not apply them before you know why",
            found.differ
        )));
    }
    if found.failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Input(format!("not everything that publishers sign is to be had:{}", found.failed)))
    }
}

impl Found {
    fn take(&mut self, asset: &Asset, verdict: Verdict, publishers: &Publishers<'_>) {
        let name = asset.name();
        let said = match verdict {
            Verdict::Verified(vouched) => self.verified(asset, &vouched, publishers),
            Verdict::Differs { held, published } => {
                let _ =
                    write!(self.differ, "\n  {name}\n    held to    sha256 {held}\n    published  sha256 {published}");
                return;
            }
            Verdict::NotSigned(why) => {
                let _ = write!(self.differ, "\n  {name}\n    {}", why.replace('\n', "\n    "));
                return;
            }
            Verdict::NotListed => "NOT VERIFIED: the publisher's list does not have it".to_owned(),
            Verdict::NoPublisher => "not verified: knrender knows of no list that its publisher signs".to_owned(),
            Verdict::NotHeld => {
                "not verified: neither the catalog nor knrender.lock has a digest; `knrender upstream lock` takes one"
                    .to_owned()
            }
            Verdict::Failed(why) => {
                let _ = write!(self.failed, "\n  {name}: {}", why.replace('\n', "\n    "));
                return;
            }
        };
        self.lines.push(format!("{name}: {said}"));
    }

    fn verified(&mut self, asset: &Asset, vouched: &Vouched, publishers: &Publishers<'_>) -> String {
        let publisher = publishers.of(asset);
        self.commands.extend(publisher.zip(publishers.files(asset)).map(|(publisher, urls)| cosign(publisher, &urls)));
        let list = publisher.map_or("", |publisher| &publisher.checksums);
        if let Some(by) = &vouched.signed_by {
            self.signed = true;
            return format!("its digest is in {list}, signed by {} ({})", by.identity, by.issuer);
        }
        self.unsigned = true;
        let whose = if vouched.from_publisher { "the publisher's " } else { "the mirror's copy of " };
        format!("its digest is in {whose}{list}; the signature was not checked")
    }

    fn say_what_is_left(&self) {
        if self.unsigned {
            say("To check who signed: --trust-root FILE, with Sigstore's trusted_root.json \
                 (https://github.com/sigstore/root-signing), or cosign:");
        } else if self.signed {
            say(NOT_PROVEN);
        }
        self.commands.iter().for_each(|command| say(command));
    }
}

/// The commands with which cosign checks the list of a release, which is at the first of these URLs.
fn cosign(publisher: &Publisher, urls: &[String; 3]) -> String {
    let Publisher { checksums, certificate, signature, identity, issuer, .. } = publisher;
    let fetched: Vec<_> = urls.iter().map(|url| format!("-O {url}")).collect();
    format!(
        "  curl -fsSL {}\n  cosign verify-blob {checksums} --certificate {certificate} --signature {signature} \\\n    \
         --certificate-identity={identity} --certificate-oidc-issuer={issuer}",
        fetched.join(" ")
    )
}
