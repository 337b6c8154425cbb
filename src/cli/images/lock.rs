//! `knrender images lock`: what is behind each tag, asked of the registries and kept in knrender.lock.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::super::say;
use super::images;
use crate::config::Config;
use crate::error::Error;
use crate::images::reference::Reference;
use crate::registry::{Credentials, Registry, RegistryError};
use crate::upstream::fetch::Limits;
use crate::upstream::lock::{Lock, LockedImage};

#[derive(Args, Debug)]
#[command(after_help = LOCK_HELP)]
pub(super) struct LockArgs {
    /// Folders, files, or - for standard input [default: `out` of knrender.yaml, else out]
    #[arg(value_name = "PATH|-")]
    paths: Vec<PathBuf>,
    /// Take the new digest of a tag that moved
    #[arg(long)]
    update: bool,
    /// Ask nobody: say whether the lock has all of them [default: `offline` of knrender.yaml]
    #[arg(long)]
    offline: bool,
    /// Configuration file [default: knrender.yaml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say nothing but warnings and errors
    #[arg(long, short)]
    quiet: bool,
}

const LOCK_HELP: &str = "\
Logins come from Docker's configuration and its helpers; without one, registries are asked anonymously.
Exit codes: 0 fine; 1 a tag moved since it was locked; 2 usage or configuration; 3 a registry does not tell; 4 not written.";

pub(super) fn run(args: &LockArgs) -> Result<(), Error> {
    let config = Config::read(args.config.as_deref())?;
    let mut lock = Lock::read(config.lock_folder())?;
    let wanted = wanted(&images(&args.paths, &config)?);
    if args.offline || config.supply.offline == Some(true) {
        return offline(&wanted, &lock, args.quiet);
    }
    let registry = Registry::new(Credentials::of_user().map_err(Error::Input)?, Limits::default());
    let (mut moved, mut failed) = (String::new(), String::new());
    for (image, wanted) in &wanted {
        let found = match registry.find(&wanted.asked) {
            Ok(found) => found,
            Err(error) => {
                let _ = write!(failed, "\n{error}");
                if matches!(error, RegistryError::Gone { .. }) {
                    let _ = write!(failed, "\n  {}", left_of(wanted, held(image, wanted, &lock), &registry));
                }
                continue;
            }
        };
        let digest = format!("sha256:{}", found.digest);
        let held = held(image, wanted, &lock);
        if let Some((who, held)) = held.filter(|(_, held)| *held != digest && !args.update) {
            let _ = write!(moved, "\n{image}: its tag moved\n  {who:<13}  {held}\n  the registry   {digest}");
            continue;
        }
        let entry =
            LockedImage { image: image.clone(), digest, size: found.size(), layers: found.layers, date: found.date };
        // The day of what stays the same stays, too.
        let same = |locked: &LockedImage| locked.digest == entry.digest && locked.layers == entry.layers;
        if !args.quiet {
            say(&line(&entry));
        }
        if !lock.image(image).is_some_and(same) {
            lock.put_image(entry);
        }
    }
    lock.commit()?;
    match (failed.is_empty(), moved.is_empty()) {
        (false, _) => Err(Error::Input(format!("not every image could be locked:{failed}{moved}"))),
        (true, false) => Err(Error::Findings(format!(
            "what was locked is not what its tag stands for now:{moved}\nnext: see what the publisher changed; --update takes it"
        ))),
        (true, true) => Ok(()),
    }
}

/// The digest that an image has so far, and who says so.
fn held(image: &str, wanted: &Wanted, lock: &Lock) -> Option<(&'static str, String)> {
    let locked = lock.image(image).map(|locked| ("knrender.lock", locked.digest.clone()));
    locked.or_else(|| wanted.digest.clone().map(|digest| ("the manifests", digest)))
}

/// What becomes of pods whose tag is gone, which depends on whether the digest is still there; and what to do.
fn left_of(wanted: &Wanted, held: Option<(&'static str, String)>, registry: &Registry) -> String {
    let Some((who, digest)) = held.filter(|_| wanted.asked.tag.is_some()) else {
        return "next: see whether its name is right; a registry also says so to those who may not read it".to_owned();
    };
    let by_digest = Reference { tag: None, digest: Some(digest.clone()), ..wanted.asked.clone() };
    match registry.find(&by_digest) {
        Ok(_) => format!(
            "its tag is gone, and {digest} of {who} is still there: a render with --locked goes on, until the registry clears what \
             has no tag\n  next: name a tag that is there, or copy it now (`knrender images relocate`)"
        ),
        Err(RegistryError::Gone { .. }) => format!(
            "{digest} of {who} is gone, too: no new pod can pull it\n  next: name an image that is there (`images` in knrender.yaml \
             puts it into renders)"
        ),
        Err(_) => format!("its tag is gone; whether {digest} of {who} is still there, the registry does not tell"),
    }
}

/// An image that is to be locked.
struct Wanted {
    /// What the registry is asked for.
    asked: Reference,
    /// The digest that the manifests give beside a tag.
    digest: Option<String>,
}

/// What is locked, by reference: a tag where there is one, else a digest.
fn wanted(images: &[crate::images::inventory::Image]) -> BTreeMap<String, Wanted> {
    let mut wanted = BTreeMap::new();
    for image in images {
        let Some(mut asked) = Reference::parse(&image.image) else {
            say(&format!("warning: `{}` is no image reference, and is passed over", image.image));
            continue;
        };
        let digest = asked.digest.clone().filter(|_| asked.tag.is_some());
        let mut key = image.image.clone();
        if digest.is_some() {
            asked.digest = None;
            key.truncate(key.find('@').unwrap_or(key.len()));
        }
        wanted.insert(key, Wanted { asked, digest });
    }
    wanted
}

fn offline(wanted: &BTreeMap<String, Wanted>, lock: &Lock, quiet: bool) -> Result<(), Error> {
    let missing: Vec<_> =
        wanted.keys().filter(|image| lock.image(image).is_none()).map(|i| format!("\n  {i}")).collect();
    if !missing.is_empty() {
        return Err(Error::Input(format!(
            "--offline forbids to ask registries, and knrender.lock does not have{}\nnext: run `knrender images lock` where there is a \
             network, and commit knrender.lock",
            missing.concat()
        )));
    }
    for entry in wanted.keys().filter_map(|image| lock.image(image)).filter(|_| !quiet) {
        say(&line(entry));
    }
    Ok(())
}

fn line(entry: &LockedImage) -> String {
    let layers = if entry.layers.len() == 1 { "layer" } else { "layers" };
    // Half a tenth more, so that cutting off rounds.
    let tenths = (entry.size + 50_000) / 100_000;
    format!("{}: {}, {}.{} MB in {} {layers}", entry.image, entry.digest, tenths / 10, tenths % 10, entry.layers.len())
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Error::Input(error.to_string())
    }
}
