//! `knrender` and `knrender render`.

use std::path::{Component, Path};

use super::session::Session;
use super::{Format, RenderArgs, check, fleet, out_folder, plan, print, print_json, say, warn};
use crate::config::{Ask, Config};
use crate::error::Error;
use crate::fargate::cost::Prices;
use crate::output::left_behind::LeftBehind;
use crate::output::{self, Files};
use crate::pipeline::{self, Render};
use crate::rewrite::rule::Rule;
use crate::rewrite::{RuleError, library};
use crate::shown;
use crate::upstream::fetch::Sources;
use crate::upstream::lock::{Lock, LockError, Locked};
use crate::upstream::supply::{self, Input};

pub(super) fn run(args: RenderArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    if !config.clusters.is_empty() {
        return fleet::render(&args, &config);
    }
    fleet::none(&args.only)?;
    let out = out_folder(args.out, &config);
    let ask = located(args.ask, &config.ask, out.as_deref());
    let mut session = Session::of(config, ask, args.supply, &args.general)?;
    if out.is_none() && args.format == Format::Json {
        return Err(Error::Usage(
            "--format json needs --out: without it, standard output carries the manifests".to_owned(),
        ));
    }
    if out.is_none() && args.check {
        return Err(Error::Usage(
            "--check needs the folder that is held against a new render: name it with --out".to_owned(),
        ));
    }
    let prices = plan::prices(args.prices.as_deref().or(session.config.prices.as_deref()))?;
    let Made { render, lock, warnings } = make(&mut session, &prices, args.check)?;
    if let Some(out) = out.as_ref().filter(|_| args.check) {
        let left = LeftBehind::of(out, &render.provenance);
        return check::run(out, &Files::from(render.files), &left, args.format, args.general.quiet);
    }
    for entry in commit(lock)? {
        say(&entry);
    }
    warn(&warnings);
    let Some(out) = out else {
        warn(&render.summary.warnings);
        return print(&render.stream());
    };
    let left = LeftBehind::of(&out, &render.provenance);
    let written = output::write(&out, &Files::from(render.files))?;
    let shown = crate::shown::path(&out);
    let shown = shown.trim_end_matches('/');
    let summary = render.summary.naming(shown);
    match args.format {
        Format::Json => {
            let report = crate::value::json!({
                "out": shown, "summary": summary, "left_behind": left, "provenance": render.provenance,
            });
            print_json(&report)?;
        }
        Format::Text if args.general.quiet => warn(&summary.warnings),
        Format::Text if written.is_nothing() => say(&summary.to_text_unchanged(shown)),
        Format::Text => say(&summary.to_text(shown)),
    }
    if args.format == Format::Text && !left.is_empty() {
        say(&if args.general.quiet { format!("warning: {}", left.to_line()) } else { left.to_text() });
    }
    Ok(())
}

/// A render, and what it would put into the lock.
pub(super) struct Made {
    pub(super) render: Render,
    pub(super) lock: Lock,
    pub(super) warnings: Vec<String>,
}

/// Renders the stack of a session; nothing is written but the cache.
pub(super) fn make(session: &mut Session, prices: &Prices, locked_only: bool) -> Result<Made, Error> {
    session.ask.rules.iter().try_for_each(|dir| library::is_there(dir))?;
    let mut warnings = Vec::new();
    let mut lock = std::mem::take(&mut session.lock);
    let sources = session.sources()?;
    let locked_only = session.locked_only || locked_only;
    let inputs =
        supply::supply(session.stack.assets(), &mut lock, &sources, &session.publishers(), locked_only, &mut warnings)?;
    let render = of_inputs(session, inputs, prices, &sources)?;
    Ok(Made { render, lock, warnings })
}

/// Renders from bytes that are there.
pub(super) fn of_inputs(
    session: &Session,
    inputs: Vec<Input>,
    prices: &Prices,
    sources: &Sources<'_>,
) -> Result<Render, Error> {
    let rules = rules(session)?;
    let unchecked: Vec<_> = inputs.iter().filter(|i| !i.checked).map(|i| i.sha256).collect();
    let render = pipeline::render(&session.stack, &rules, inputs, prices, &|case| supply::is_valid(case, sources))?;
    supply::remember(unchecked.into_iter(), sources);
    supply::remember_valid(render.valid, sources);
    Ok(render)
}

/// With the place of `gitops/` in the repository, which follows the folder that is written.
pub(super) fn located(ask: Ask, file: &Ask, out: Option<&Path>) -> Ask {
    let named =
        ask.gitops_path.is_some() || file.gitops_path.is_some() || (ask.layout.is_none() && file.layout.is_none());
    let plain = |out: &Path| -> Option<String> {
        let parts = out.components().filter(|part| *part != Component::CurDir);
        let parts: Option<Vec<&str>> =
            parts.map(|part| if let Component::Normal(part) = part { part.to_str() } else { None }).collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/") + "/gitops")
    };
    match out.filter(|_| !named).and_then(plain) {
        Some(path) => Ask { gitops_path: Some(path), ..ask },
        None => ask,
    }
}

/// The built-in rules for the stack's components, then the user's own.
fn rules(session: &Session) -> Result<Vec<Rule>, Error> {
    let mut rules: Vec<Rule> = Vec::new();
    for chosen in &session.stack.components {
        rules.extend(library::builtin(&chosen.component)?);
    }
    for dir in &session.ask.rules {
        for rule in library::folder(dir, session.catalog.names())? {
            if let Some(first) = rules.iter().find(|first| first.reason.rule == rule.reason.rule) {
                let [at, first] = [&rule.reason.at, &first.reason.at].map(Clone::clone);
                return Err(RuleError::Twice { rule: rule.reason.rule.clone(), at, first }.into());
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// Writes the lock and says what is new in it, a line each.
pub(super) fn commit(lock: Lock) -> Result<Vec<String>, LockError> {
    let path = shown::path(lock.path().strip_prefix(".").unwrap_or(lock.path()));
    let line = |l: Locked| {
        let trust = l.trust();
        format!("locked {} v{} {} (sha256 {}{trust}), commit {path}", l.component, l.version, l.asset, l.sha256)
    };
    Ok(lock.commit()?.into_iter().map(line).collect())
}
