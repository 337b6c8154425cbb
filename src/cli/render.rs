//! `knrender` and `knrender render`.

use super::session::Session;
use super::{Format, RenderArgs, check, out_folder, plan, print, say, warn};
use crate::error::Error;
use crate::output::{self, Files};
use crate::pipeline;
use crate::rewrite::library;
use crate::rewrite::rule::Rule;
use crate::upstream::lock::{LockError, Locked};
use crate::upstream::supply;

pub(super) fn run(args: RenderArgs) -> Result<(), Error> {
    let mut session = Session::open(args.ask, args.supply, &args.general)?;
    let out = out_folder(args.out, &session.config);
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
    let rules = rules(&session)?;
    let prices = plan::prices(args.prices.as_deref().or(session.config.prices.as_deref()))?;
    let mut warnings = Vec::new();
    let mut lock = std::mem::take(&mut session.lock);
    let sources = session.sources()?;
    let inputs =
        supply::supply(session.stack.assets(), &mut lock, &sources, session.locked_only || args.check, &mut warnings)?;
    let unchecked: Vec<_> = inputs.iter().filter(|i| !i.checked).map(|i| i.sha256).collect();
    let render = pipeline::render(&session.stack, &rules, inputs, &prices, &|case| supply::is_valid(case, &sources))?;
    supply::remember(unchecked.into_iter(), &sources);
    supply::remember_valid(render.valid, &sources);
    if let Some(out) = out.as_ref().filter(|_| args.check) {
        return check::run(out, &Files::from(render.files), args.format, args.general.quiet);
    }
    for entry in commit(lock)? {
        say(&entry);
    }
    warn(&warnings);
    let Some(out) = out else {
        warn(&render.summary.warnings);
        return print(&render.stream());
    };
    output::write(&out, &Files::from(render.files))?;
    let shown = out.display().to_string();
    let shown = shown.trim_end_matches('/');
    let summary = render.summary.naming(shown);
    match args.format {
        Format::Json => {
            let report = serde_json::json!({
                "out": shown, "summary": summary, "provenance": render.provenance,
            });
            print(format!("{report:#}\n").as_bytes())?;
        }
        Format::Text if args.general.quiet => warn(&summary.warnings),
        Format::Text => say(&summary.to_text(shown)),
    }
    Ok(())
}

/// The built-in rules for the stack's components, then the user's own.
fn rules(session: &Session) -> Result<Vec<Rule>, Error> {
    let mut rules = Vec::new();
    for chosen in &session.stack.components {
        rules.extend(library::builtin(&chosen.component)?);
    }
    for dir in &session.ask.rules {
        rules.extend(library::folder(dir, session.catalog.names())?);
    }
    Ok(rules)
}

/// Writes the lock and says what is new in it, a line each.
pub(super) fn commit(lock: crate::upstream::lock::Lock) -> Result<Vec<String>, LockError> {
    let path = lock.path().strip_prefix(".").unwrap_or(lock.path()).display().to_string();
    let line = |l: Locked| {
        let trust = if l.verified { "" } else { ", not verified against the publisher" };
        format!("locked {} v{} {} (sha256 {}{trust}), commit {path}", l.component, l.version, l.asset, l.sha256)
    };
    Ok(lock.commit()?.into_iter().map(line).collect())
}
