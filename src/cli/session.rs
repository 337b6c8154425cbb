//! What every command that needs bytes starts with: configuration, catalog, stack, lock, and where bytes come from.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use super::{General, say};
use super::{newer, policy, progress};
use crate::config::{Ask, Config, Part, Supply};
use crate::error::Error;
use crate::stack::Stack;
use crate::upstream::address;
use crate::upstream::catalog::Catalog;
use crate::upstream::fetch::{Progress, Sources};
use crate::upstream::lock::Lock;
use crate::upstream::mirror::Mirror;
use crate::upstream::signature::TrustRoot;
use crate::upstream::store::Store;
use crate::upstream::verify::Publishers;

/// A command's surroundings.
pub(super) struct Session {
    /// The configuration file's content.
    pub(super) config: Config,
    /// What is known upstream.
    pub(super) catalog: Catalog,
    /// What was asked for, flags and file together.
    pub(super) ask: Ask,
    /// The same, resolved.
    pub(super) stack: Stack,
    /// The user's lock.
    pub(super) lock: Lock,
    /// `--locked`.
    pub(super) locked_only: bool,
    supply: Supply,
    trust: Option<TrustRoot>,
    progress: Box<dyn Progress>,
}

/// The cache folder, unless the user has no home.
pub(super) fn cache_folder() -> Option<PathBuf> {
    env::var_os("KNRENDER_CACHE").filter(|v| !v.is_empty()).map(PathBuf::from).or_else(Store::default_dir)
}

impl Session {
    pub(super) fn open(ask: Ask, supply: Supply, general: &General) -> Result<Session, Error> {
        let config = Config::read(general.config.as_deref())?;
        Session::of(config, ask, supply, general)
    }

    /// With a configuration that was read.
    pub(super) fn of(config: Config, ask: Ask, supply: Supply, general: &General) -> Result<Session, Error> {
        let ask = ask.over(config.ask.clone());
        let supply = supply.over(config.supply.clone());
        let catalog = newer::catalog(&config)?;
        let lock = Lock::read(config.lock_folder())?;
        let locked_only = supply.locked.unwrap_or(false);
        let trust = supply.trust_root.as_deref().map(TrustRoot::read).transpose();
        let trust = trust.map_err(|e| Error::Input(e.to_string()))?;
        let locked_images = if locked_only { pins(&lock) } else { BTreeMap::new() };
        let policies = if ask.with.contains(&Part::Policies) {
            Some(policy::of_render(general.config.as_deref(), &config, &ask)?)
        } else {
            None
        };
        let stack = Stack { images: config.images.clone(), locked_images, policies, ..Stack::resolve(&ask, &catalog)? };
        Ok(Session {
            config,
            catalog,
            ask,
            stack,
            lock,
            locked_only,
            supply,
            trust,
            progress: progress::stderr(general.quiet),
        })
    }

    /// Where bytes come from.
    pub(super) fn sources(&self) -> Result<Sources<'_>, Error> {
        let mut sources = Sources::new(self.progress.as_ref());
        sources.store = cache_folder().map(Store::open);
        sources.mirror = self.mirror()?;
        sources.network = !self.supply.offline.unwrap_or(false);
        Ok(sources)
    }

    /// Who publishes the catalog's components, and signs their lists of digests.
    pub(super) fn publishers(&self) -> Publishers<'_> {
        self.publishers_of(&self.catalog)
    }

    /// The same for another catalog.
    pub(super) fn publishers_of<'a>(&'a self, catalog: &'a Catalog) -> Publishers<'a> {
        Publishers::new(catalog, self.trust.as_ref())
    }

    /// The mirror: one that a flag or the configuration names has to be there; one that the environment names is used
    /// when it is.
    fn mirror(&self) -> Result<Option<Mirror>, Error> {
        if let Some(named) = &self.supply.mirror {
            let shown = address::shown(named);
            let mirror: Mirror = named.parse().map_err(|e| Error::Usage(format!("--mirror {shown}: {e}")))?;
            return match &mirror {
                Mirror::Dir(dir) if !dir.is_dir() => Err(Error::Usage(format!(
                    "--mirror {shown}: there is no such folder; `knrender upstream mirror {shown}` fills one"
                ))),
                _ => Ok(Some(mirror)),
            };
        }
        let Some(named) = env::var("KNRENDER_MIRROR").ok().filter(|v| !v.is_empty()) else {
            return Ok(None);
        };
        match named.parse() {
            Ok(Mirror::Dir(dir)) if !Path::new(&dir).is_dir() => {
                say(&format!(
                    "warning: KNRENDER_MIRROR names {}, and there is no such folder; going on without it",
                    address::shown(&named)
                ));
                Ok(None)
            }
            Ok(mirror) => Ok(Some(mirror)),
            Err(e) => {
                say(&format!("warning: KNRENDER_MIRROR: {e}; going on without it"));
                Ok(None)
            }
        }
    }
}

/// The images that the lock has by tag, each with the same by digest.
fn pins(lock: &Lock) -> BTreeMap<String, String> {
    let by_tag = lock.images().iter().filter(|image| !image.image.contains('@'));
    by_tag.map(|image| (image.image.clone(), format!("{}@{}", image.image, image.digest))).collect()
}
