//! `knrender upstream`: list, lock, fetch, mirror.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use semver::VersionReq;

use super::session::Session;
use super::{Format, StackArgs, UpstreamCommand, newer, print_text, render, say, verify, warn};
use crate::config::Config;
use crate::error::Error;
use crate::rewrite::facts::Fact;
use crate::upstream::catalog::{Asset, Catalog, Component};
use crate::upstream::fetch::{Request, Sources, Voucher};
use crate::upstream::mirror;
use crate::upstream::supply;
use crate::upstream::verify::Publishers;

pub(super) fn run(command: UpstreamCommand) -> Result<(), Error> {
    match command {
        UpstreamCommand::List { format, config } => list(format, config.as_deref()),
        UpstreamCommand::Lock(args) => lock(args),
        UpstreamCommand::Verify(args) => verify::run(args),
        UpstreamCommand::Outdated(args) => newer::outdated(args),
        UpstreamCommand::Add(args) => newer::add(args),
        UpstreamCommand::Fetch(args) => fetch(args),
        UpstreamCommand::Mirror { dir, all, stack } => mirror(&dir, all, stack),
    }
}

/// Fills a folder: the assets, and what their publishers sign.
fn mirror(dir: &Path, all: bool, stack: StackArgs) -> Result<(), Error> {
    let quiet = stack.general.quiet;
    let mut session = Session::open(stack.ask, stack.supply, &stack.general)?;
    let assets = if all { everything(&session.catalog)? } else { wanted(&session) };
    let inputs = supplied(&mut session, &assets)?;
    let (sources, publishers) = (session.sources()?, session.publishers());
    let (signed, missing) = signed(&assets, &publishers, &sources);
    let published = inputs.iter().filter(|input| input.asset.local.is_none());
    let published = published.map(|input| (input.asset.urls.first().map_or("", String::as_str), &input.bytes));
    let (mut files, mut new) = (0, 0);
    for (url, bytes) in published.chain(signed.iter().map(|(url, bytes)| (url.as_str(), bytes))) {
        let written = mirror::mirror_write(dir, url, bytes).map_err(|e| Error::Write(e.to_string()))?;
        files += 1;
        new += usize::from(written.changed);
    }
    if !quiet {
        say(&format!("{}: {files} files, {new} of them new", crate::shown::path(dir)));
        say(&format!("use it with --mirror {0}, or KNRENDER_MIRROR={0}", crate::shown::path(dir)));
    }
    if !missing.is_empty() {
        warn(&[format!(
            "`upstream verify` will find nothing to compare with in this mirror for: {}. They are not to be had here",
            missing.join(", ")
        )]);
    }
    Ok(())
}

/// The lists that publishers sign, with certificates and signatures, by URL; and what is not to be had, for people.
fn signed(
    assets: &[Asset],
    publishers: &Publishers<'_>,
    sources: &Sources<'_>,
) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let mut wanted: Vec<(String, [String; 1])> = Vec::new();
    for asset in assets {
        for url in publishers.files(asset).into_iter().flatten() {
            let file = url.rsplit('/').next().unwrap_or_default();
            let what = format!("{} {} {file}", asset.component, asset.version);
            if !wanted.iter().any(|(other, _)| *other == what) {
                wanted.push((what, [url]));
            }
        }
    }
    let requests: Vec<Request<'_>> =
        wanted.iter().map(|(what, urls)| Request { what, urls, expected: None, voucher: Voucher::None }).collect();
    let (mut here, mut missing) = (Vec::new(), Vec::new());
    for ((what, [url]), obtained) in wanted.iter().zip(sources.obtain_all(&requests)) {
        match obtained {
            Ok(obtained) => here.push((url.clone(), obtained.bytes)),
            Err(_) => missing.push(what.clone()),
        }
    }
    (here, missing)
}

fn lock(args: StackArgs) -> Result<(), Error> {
    let quiet = args.general.quiet;
    let mut session = Session::open(args.ask, args.supply, &args.general)?;
    let assets: Vec<_> = session.stack.assets().cloned().collect();
    let before = session.lock.clone();
    supplied(&mut session, &assets)?;
    for asset in assets.iter().filter(|_| !quiet) {
        match (&asset.known, before.get(asset)?) {
            (Some(_), _) => say(&format!("{}: the catalog knows it", asset.name())),
            (None, Some(entry)) => say(&format!("{}: locked to sha256 {}", asset.name(), entry.sha256)),
            (None, None) => {}
        }
    }
    Ok(())
}

fn fetch(args: StackArgs) -> Result<(), Error> {
    let quiet = args.general.quiet;
    let mut session = Session::open(args.ask, args.supply, &args.general)?;
    let assets = wanted(&session);
    let inputs = supplied(&mut session, &assets)?;
    // What comes over the network is kept there anyway; what comes from a folder or from the binary is not.
    let Some(cache) = session.sources()?.store else {
        return Err(Error::Write("there is no cache folder to fetch into; KNRENDER_CACHE names one".to_owned()));
    };
    for input in &inputs {
        cache.put(&input.bytes).map_err(|e| Error::Write(e.to_string()))?;
        if !quiet {
            say(&format!("{}  {}", input.sha256, input.asset.name()));
        }
    }
    Ok(())
}

/// The bytes of `assets`, with what had to be locked written to the lock and said.
fn supplied(session: &mut Session, assets: &[Asset]) -> Result<Vec<supply::Input>, Error> {
    let mut lock = std::mem::take(&mut session.lock);
    let mut warnings = Vec::new();
    let sources = session.sources()?;
    let inputs =
        supply::supply(assets.iter(), &mut lock, &sources, &session.publishers(), session.locked_only, &mut warnings)?;
    warn(&warnings);
    for line in render::commit(lock)? {
        say(&line);
    }
    Ok(inputs)
}

/// The assets of the stack, and those of its load balancer controller that are for reference.
fn wanted(session: &Session) -> Vec<Asset> {
    let mut assets: Vec<Asset> = session.stack.assets().cloned().collect();
    let controller = crate::stack::controller_of(session.stack.rule_set);
    if let Ok(component) = session.catalog.component(controller) {
        let version = match session.stack.facts.0.get("controller") {
            Some(Fact::Version(version)) => Some(version),
            _ => component.newest(),
        };
        let known = version.map(|v| component.assets(v, &[])).unwrap_or_default();
        assets.extend(known.into_iter().filter(|a| !session.stack.assets().any(|s| s == a)));
    }
    assets
}

/// Every asset whose digest the catalog knows.
fn everything(catalog: &Catalog) -> Result<Vec<Asset>, Error> {
    let mut assets = Vec::new();
    for component in catalog.components().map_err(Error::Input)? {
        let parts: Vec<String> = component.assets.values().filter_map(|a| a.with.clone()).collect();
        for version in &component.versions {
            assets.extend(component.assets(&version.version, &parts));
        }
    }
    Ok(assets)
}

fn list(format: Format, config: Option<&Path>) -> Result<(), Error> {
    let catalog = newer::catalog(&Config::read(config)?)?;
    let components = catalog.components().map_err(Error::Input)?;
    let text = match format {
        Format::Text => components.into_iter().map(text).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let all: BTreeMap<_, _> = components.into_iter().map(|c| (c.component.as_str(), json(c))).collect();
            format!("{:#}\n", crate::value::json!(all))
        }
    };
    print_text(&text)
}

fn text(component: &Component) -> String {
    let mut text = format!("{}  {}\n", component.component, component.home);
    for version in component.versions.iter().rev() {
        let pairs: String = version.pairs.iter().map(|(name, v)| format!(", with {name} {v}")).collect();
        let range = component.kubernetes(&version.version).map_or("unknown".to_owned(), ToString::to_string);
        let until = component.supported_until(&version.version);
        let until = until.map_or(String::new(), |day| format!(", supported until {day}"));
        let own = if version.own { "; of your own catalog" } else { "" };
        let _ = writeln!(text, "  {:<8} Kubernetes {range}{pairs}{until}{own}", version.version.to_string());
        for asset in component.assets(&version.version, &parts(component)) {
            if let Some((sha256, size)) = asset.known {
                let _ = writeln!(text, "           {sha256}  {size:>7}  {}", asset.urls[0]);
            }
        }
    }
    for newer in component.published.iter().rev().filter(|newer| component.known(&newer.version).is_none()) {
        let (version, day, see) = (&newer.version, &newer.day, &newer.see);
        let _ = writeln!(text, "  {:<8} out since {day} ({see}); its bytes are not known here", version.to_string());
    }
    if let Some(unlisted) = &component.unlisted {
        let from = if component.assets.is_empty() { "added by its number" } else { "locked when first used, from" };
        let _ = writeln!(text, "  {}  {from}", unlisted.versions);
        for kind in component.assets.values() {
            let _ = writeln!(text, "           {}", kind.url);
        }
    }
    for notice in &component.notices {
        let about =
            if notice.versions == VersionReq::STAR { String::new() } else { format!(" on {}", notice.versions) };
        let _ = writeln!(text, "  Note{about}: {}", notice.say);
    }
    text
}

fn json(component: &Component) -> crate::value::Value {
    let versions: Vec<_> = component
        .versions
        .iter()
        .map(|v| {
            let assets: Vec<_> = component
                .assets(&v.version, &parts(component))
                .iter()
                .map(|a| {
                    crate::value::json!({
                        "asset": a.asset, "urls": a.urls, "sha256": a.known.map(|k| k.0), "size": a.known.map(|k| k.1),
                    })
                })
                .collect();
            crate::value::json!({
                "version": v.version, "pairs": v.pairs, "assets": assets, "supported_until": component.supported_until(&v.version),
                "kubernetes": component
                    .kubernetes(&v.version)
                    .map(|range| crate::value::json!({"min": range.min, "max": range.max, "see": range.see})),
            })
        })
        .collect();
    crate::value::json!({
        "home": component.home, "versions": versions, "notices": component.notices.iter().map(|n| &n.say).collect::<Vec<_>>(),
        "published": component.published.iter().map(|p| crate::value::json!({"version": p.version, "day": p.day, "see": p.see})).collect::<Vec<_>>(),
        "unlisted": component.unlisted.as_ref().map(|u| u.versions.to_string()),
    })
}

fn parts(component: &Component) -> Vec<String> {
    component.assets.values().filter_map(|a| a.with.clone()).collect()
}
