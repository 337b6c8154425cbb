//! `knrender upstream outdated` and `knrender upstream add`: what is newer than the catalog, and how it gets in.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use semver::Version;

use super::session::Session;
use super::{Format, General, print_json, print_text, say, warn};
use crate::config::{Ask, Config, Supply};
use crate::error::Error;
use crate::upstream::catalog::{Asset, Catalog, Component};
use crate::upstream::fetch::{self, Request, Sources};
use crate::upstream::lock::Lock;
use crate::upstream::own::{self, Entry};
use crate::upstream::supply::{self, Input};

#[derive(Args, Debug)]
#[command(after_help = "\
It reads each publisher's feed of releases (releases.atom, which needs no token); --offline goes by what the catalog says.
Exit codes: 0 nothing is newer; 1 something is; 2 usage; 3 a feed cannot be read.")]
pub(super) struct OutdatedArgs {
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
}

#[derive(Args, Debug)]
pub(super) struct AddArgs {
    /// The component, such as knative-serving
    component: String,
    /// The version, such as 1.24.0
    version: String,
    /// Version of another component that it is released with; may be repeated [default for knative-serving: the Kourier of the
    /// same number, or of patch 0]
    #[arg(long, value_name = "COMPONENT=VERSION")]
    pair: Vec<String>,
    /// Folder of the catalog [default: `catalog` of knrender.yaml, else catalog]
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
}

/// The catalog that a configuration names, or the one in the binary.
pub(super) fn catalog(config: &Config) -> Result<Catalog, Error> {
    match &config.catalog {
        Some(folder) => Catalog::with(folder).map_err(Error::Usage),
        None => Ok(Catalog::embedded()),
    }
}

/// Components with releases that can be followed.
const FOLLOWED: [&str; 4] = ["knative-serving", "net-kourier", "aws-load-balancer-controller", "cert-manager"];

pub(super) fn outdated(args: OutdatedArgs) -> Result<(), Error> {
    let session = Session::open(Ask::default(), args.supply, &args.general)?;
    let offline = !session.sources()?.network;
    let mut report = Vec::new();
    let mut text = String::new();
    for name in FOLLOWED {
        let component = session.catalog.component(name).map_err(Error::Input)?;
        let Some(newest) = component.newest() else { continue };
        let mut out: BTreeSet<Version> = component.published.iter().map(|p| p.version.clone()).collect();
        let feed = format!("{}/releases.atom", component.home);
        let source = if offline { "the catalog".to_owned() } else { feed.clone() };
        if !offline {
            out.extend(read(&feed, &session)?);
        }
        let newer: Vec<&Version> = out.iter().filter(|version| *version > newest && version.pre.is_empty()).collect();
        let shown: Vec<String> = newer.iter().map(ToString::to_string).collect();
        if newer.is_empty() {
            let _ = writeln!(text, "{name} {newest} is the newest ({source})");
        }
        if let Some(last) = newer.last() {
            let _ = writeln!(text, "{name} {newest}; out are {} ({source})", shown.join(", "));
            let add = if name == "aws-load-balancer-controller" {
                format!("knrender --controller {last}, or knrender upstream add {name} {last}")
            } else {
                format!("knrender upstream add {name} {last}")
            };
            let _ = writeln!(text, "  {add}");
        }
        report.push(crate::value::json!({"component": name, "newest_known": newest, "newer": shown, "source": source}));
    }
    let some_are = report.iter().any(|row| row["newer"].as_array().is_some_and(|newer| !newer.is_empty()));
    match args.format {
        Format::Text => print_text(&text)?,
        Format::Json => print_json(&crate::value::json!({"components": report}))?,
    }
    if some_are { Err(Error::Findings("there are releases that the catalog does not have".to_owned())) } else { Ok(()) }
}

/// The versions in a feed of releases. A feed changes, so that no cache is asked.
fn read(feed: &str, session: &Session) -> Result<BTreeSet<Version>, Error> {
    let sources = Sources { store: None, ..session.sources()? };
    let urls = [feed.to_owned()];
    let request = Request { what: feed, urls: &urls, expected: None, voucher: fetch::Voucher::None };
    let obtained = sources.obtain(&request)?;
    warn(&obtained.warnings);
    let text = String::from_utf8_lossy(&obtained.bytes).into_owned();
    Ok(tags(&text))
}

/// `knative-v1.24.0`, `v3.7.0`: what stands behind `/releases/tag/`.
fn tags(feed: &str) -> BTreeSet<Version> {
    let parts = feed.split("/releases/tag/").skip(1);
    let tag = |part: &str| part.split(['"', '<', '&', ' ']).next().unwrap_or_default().to_owned();
    parts
        .map(tag)
        .filter_map(|tag| Version::parse(tag.rsplit_once('v').map_or(tag.as_str(), |(_, v)| v)).ok())
        .collect()
}

pub(super) fn add(args: AddArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let folder = args.catalog.clone().or_else(|| config.catalog.clone()).unwrap_or_else(|| "catalog".into());
    // The folder may be made now.
    let known = if folder.is_dir() { Catalog::with(&folder).map_err(Error::Usage)? } else { Catalog::embedded() };
    let session = Session::of(Config { catalog: None, ..config }, Ask::default(), args.supply, &args.general)?;
    let component = known
        .component(&args.component)
        .map_err(|why| Error::Usage(format!("{why} There are: {}", known.names().join(", "))))?;
    let version = exact(&args.version)?;
    if component.known(&version).is_some() {
        return Err(Error::Usage(format!("the catalog has {} {version}", component.component)));
    }
    component.version(&version.to_string()).map_err(Error::Usage)?;
    let mut pairs = Vec::new();
    for pair in &args.pair {
        let (name, its) =
            pair.split_once('=').ok_or_else(|| Error::Usage(format!("--pair {pair}: write COMPONENT=VERSION")))?;
        known.component(name).map_err(|why| Error::Usage(format!("--pair {pair}: {why}")))?;
        pairs.push((name.to_owned(), exact(its)?));
    }
    let mut entries = vec![(component, entry(&session, &known, component, &version)?)];
    if component.component == "knative-serving" && pairs.is_empty() {
        let kourier = known.component("net-kourier").map_err(Error::Input)?;
        pairs.push(("net-kourier".to_owned(), pair_of(&session, &known, kourier, &version)?));
    }
    for (name, its) in &pairs {
        let other = known.component(name).map_err(Error::Input)?;
        if other.known(its).is_none() {
            entries.push((other, entry(&session, &known, other, its)?));
        }
    }
    entries[0].1.pairs = pairs;
    // What is paired comes first, so that no entry names what is not there yet.
    for (component, entry) in entries.iter().rev() {
        let path = own::add(&folder, component, entry).map_err(Error::Write)?;
        if !args.general.quiet {
            say(&format!("{}: {} {}", crate::shown::path(&path), component.component, entry.version));
            for (asset, sha256, size) in &entry.assets {
                say(&format!("  {sha256}  {size:>7}  {asset}"));
            }
            if component.kubernetes(&entry.version).is_none() {
                say("  which Kubernetes it takes is not known: add it under `kubernetes`, with its source");
            }
        }
    }
    if !args.general.quiet {
        say(&format!(
            "next: `catalog: {}` in knrender.yaml; then knrender diff, and read what is new",
            crate::shown::path(&folder)
        ));
    }
    Ok(())
}

fn exact(text: &str) -> Result<Version, Error> {
    Version::parse(text.strip_prefix('v').unwrap_or(text))
        .map_err(|_| Error::Usage(format!("`{text}` is not a version in full; write it as 1.24.0")))
}

/// The Kourier that was released with a Knative: of the same number, or of patch 0.
fn pair_of(session: &Session, known: &Catalog, kourier: &Component, knative: &Version) -> Result<Version, Error> {
    let mut last = None;
    for version in [knative.clone(), Version::new(knative.major, knative.minor, 0)] {
        if kourier.known(&version).is_some() {
            return Ok(version);
        }
        match entry(session, known, kourier, &version) {
            Ok(_) => return Ok(version),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map(|error| error.to_string()).unwrap_or_default();
    Err(Error::Input(format!(
        "which Kourier goes with Knative {knative} is not known; name it with --pair net-kourier=VERSION: {why}"
    )))
}

/// A version with the digests of its published bytes.
fn entry(session: &Session, known: &Catalog, component: &Component, version: &Version) -> Result<Entry, Error> {
    let parts: Vec<String> = component.assets.values().filter_map(|kind| kind.with.clone()).collect();
    let assets: Vec<Asset> = component.assets(version, &parts);
    let folder = tempfile::tempdir().map_err(|e| Error::Input(format!("there is no temporary folder: {e}")))?;
    // A lock of its own: what the catalog has needs none.
    let mut lock = Lock::read(folder.path())?;
    let mut warnings = Vec::new();
    let sources = session.sources()?;
    let inputs: Vec<Input> =
        supply::supply(assets.iter(), &mut lock, &sources, &session.publishers_of(known), false, &mut warnings)?;
    warn(&warnings);
    let vouched = vouched(&assets, &lock)?;
    let digest = |input: Input| (input.asset.asset.clone(), input.sha256, input.bytes.len() as u64);
    Ok(Entry { version: version.clone(), pairs: Vec::new(), assets: inputs.into_iter().map(digest).collect(), vouched })
}

/// What vouches for all of the digests, for the file; none where nothing does.
fn vouched(assets: &[Asset], lock: &Lock) -> Result<Option<String>, Error> {
    let mut lines = BTreeSet::new();
    for asset in assets {
        let Some(entry) = lock.get(asset)? else { continue };
        lines.insert(match (&entry.signed_by, &entry.checksums) {
            (Some(by), Some(list)) => format!("The digests are in {list}, signed by {} ({})", by.identity, by.issuer),
            (None, Some(list)) => format!("The digests are in {list}, whose signature was not checked"),
            _ if entry.verified => "Read from the publisher, and compared with no list of its checksums".to_owned(),
            _ => return Ok(None),
        });
    }
    Ok(if lines.is_empty() { None } else { Some(lines.into_iter().collect::<Vec<_>>().join(";\n    # ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_gives_the_versions_of_its_tags() {
        let feed = "<link href=\"https://github.com/knative/serving/releases/tag/knative-v1.24.0\"/>\n\
                    <link href=\"https://github.com/a/b/releases/tag/v3.7.0\"/><link href=\"x/releases/tag/latest\"/>";
        assert_eq!(tags(feed), BTreeSet::from([Version::new(1, 24, 0), Version::new(3, 7, 0)]));
    }
}
