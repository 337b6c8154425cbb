//! `knrender app`: a Knative Service on standard output, and what becomes of it on standard error.

use std::path::PathBuf;

use clap::Args;

use super::{Format, General, plan, print_json, print_text, say, warn, write_file};
use crate::app::summary::Summary;
use crate::app::{App, Terms};
use crate::aws::Arn;
use crate::config::{Ask, Config};
use crate::error::Error;
use crate::fargate::profile::{Profiles, fits};
use crate::findings::page::{Book, Pages, Severity};
use crate::lint;
use crate::lint::set::{self, Set};
use crate::manifest::collection::Collection;
use crate::stack::Stack;
use crate::upstream::catalog::Catalog;

#[derive(Args, Debug)]
pub(super) struct AppArgs {
    #[command(flatten)]
    app: App,
    /// The domain that Knative names Services below, for the URL [default: `domain` of knrender.yaml]
    #[arg(long, value_name = "DOMAIN", help_heading = "Its stack")]
    domain: Option<String>,
    /// AWS region, for the prices [default: `region` of knrender.yaml]
    #[arg(long, value_name = "REGION", help_heading = "Its stack")]
    region: Option<String>,
    /// Price list of your own, in the form of data/prices/aws.yaml
    #[arg(long, value_name = "FILE", help_heading = "Its stack")]
    prices: Option<PathBuf>,
    #[command(flatten)]
    general: General,
    /// File to write the Service to, anew each time [default: standard output]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// How to report: json puts object and summary on standard output
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true, help_heading = "Output")]
    format: Format,
}

pub(super) fn run(args: AppArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let prices = plan::prices(args.prices.as_deref().or(config.prices.as_deref()))?;
    let ask = Ask { domain: args.domain, region: args.region, ..Ask::default() }.over(config.ask.clone());
    let stack = Stack::resolve(&ask, &Catalog::embedded())?;
    let (app, terms) = (args.app, Terms::of(&stack));
    let usage = |e: crate::app::AppError| Error::Usage(e.to_string());
    let (object, text) = (app.object(&terms).map_err(usage)?, app.to_yaml(&terms).map_err(usage)?);
    let summary = Summary::of(&app, &terms, &prices).map_err(Error::Usage)?;
    let account = config.ask.account_id.clone();
    let known = terms.ecr_tags.as_deref() == Some("role");
    let mut warnings = warnings(&text, config, known)?;
    if let (Some(arn), Some(account)) = (app.role_arn.as_deref().and_then(Arn::of_role), account)
        && arn.account != account
    {
        warnings.push(format!(
            "--role-arn is a role of account {}, and `account-id` is {account}: a role trusts the pods of a cluster by the OIDC \
             provider of its own account, which has to be made there.",
            arn.account
        ));
    }
    // What the profiles of a cluster are is known where the stack makes them.
    if stack.cluster.is_some() && !stack.apps.iter().any(|selector| fits(&selector.namespace, app.namespace())) {
        warnings.push(format!(
            "No Fargate profile of this stack takes pods of {0}, where they would stay Pending: add it to `app-namespaces`, and \
             render again.",
            app.namespace()
        ));
    }
    match args.format {
        Format::Json => {
            let account = app.account();
            let report = crate::value::json!({"object": object, "service_account": account, "summary": summary, "warnings": warnings});
            if let Some(file) = args.out {
                write_file("--out", &file, text.as_bytes())?;
            }
            print_json(&report)
        }
        Format::Text => {
            if !args.general.quiet {
                say(&summary.to_text());
            }
            warn(&warnings);
            match args.out {
                None => print_text(&text),
                Some(file) => write_file("--out", &file, text.as_bytes()),
            }
        }
    }
}

/// What `knrender lint` warns of in this Service. What it calls an error is one here.
fn warnings(text: &str, config: Config, controller_has_role: bool) -> Result<Vec<String>, Error> {
    let pages = Pages::embedded(Book::Lint).map_err(Error::Input)?;
    let mut collection = Collection::default();
    collection.add("the Service", text);
    let objects = set::objects(&collection.objects);
    let mut warnings = Vec::new();
    for finding in lint::run(&Set::new(&objects, config.fargate_profiles.map(Profiles)), &[]) {
        let Some(page) = pages.of(finding.code) else { continue };
        // What the linted set does not show, the stack says.
        if finding.code == "ecr-tag-unknown" && controller_has_role {
            continue;
        }
        let line = format!("{}. {} (lint {})", finding.what, page.fix, page.code);
        match page.severity {
            Severity::Error => return Err(Error::Usage(format!("this Service would not run: {line}"))),
            Severity::Warning => warnings.push(line),
            Severity::Note => {}
        }
    }
    Ok(warnings)
}
