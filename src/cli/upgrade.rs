//! `knrender upgrade`: the steps from what is rendered to a newer Knative, each with its diff.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use semver::Version;

use super::diff::{self, DiffFormat};
use super::{General, newer, one_folder, plan, print};
use crate::config::{Ask, Config, Supply};
use crate::diff::Side;
use crate::error::Error;
use crate::upgrade::{Names, Part, Upgrade, Versions};
use crate::value::{Map, Value};

#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct UpgradeArgs {
    /// The Knative version to go to [default: the newest in the catalog]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// The folder that was rendered, and is in the cluster [default: `out` of knrender.yaml, else out]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    format: DiffFormat,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    supply: Supply,
    #[command(flatten)]
    general: General,
}

const HELP: &str = "\
It reads the folder's about/provenance.json, renders every step in memory with the same options, and writes nothing.
--kubernetes names the version that the cluster has now [default: the one that the folder was rendered for].
Exit codes: 0 these are the steps, or there is nothing to do; 1 something stands in the way; 2 usage; 3 input or fetch.";

pub(super) fn run(args: &UpgradeArgs) -> Result<(), Error> {
    let config = Config::read(args.general.config.as_deref())?;
    let prices = plan::prices(config.prices.as_deref())?;
    let out = one_folder(args.out.clone(), &config)?;
    let shown = out.display().to_string();
    if !out.join("about/provenance.json").is_file() {
        return Err(Error::Input(format!(
            "{shown}/about/provenance.json: there is none, so that nothing says what was rendered; `knrender --out {shown}` renders, \
             and --out names another folder"
        )));
    }
    let before = diff::folder(&out, &shown)?;
    as_rendered(&before, shown.trim_end_matches('/'))?;
    let facts = before.provenance.as_ref().map(|p| p.stack.clone()).unwrap_or_default();
    let catalog = newer::catalog(&config)?;
    let now = versions(&facts, &args.ask, &shown)?;
    let serving = catalog.component("knative-serving").map_err(Error::Input)?;
    let wanted = match args.to.as_ref().or(args.ask.knative.as_ref()) {
        Some(text) => serving.version(text).map_err(Error::Usage)?,
        None => serving.newest().cloned().unwrap_or_else(|| now.knative.clone()),
    };
    if wanted < now.knative {
        return Err(Error::Usage(format!(
            "{shown} is of Knative {}, and --to {wanted} is older: Knative documents no way back. `knrender diff {shown} --knative {wanted}` \
             says what would change",
            now.knative
        )));
    }
    let component = catalog.component("aws-load-balancer-controller").map_err(Error::Input)?;
    let controller = match &args.ask.controller {
        Some(text) => Some(component.version(text).map_err(Error::Usage)?),
        None => component.newest().cloned(),
    };
    let text = |key: &str| facts.get(key).and_then(Value::as_str).map(str::to_owned);
    let names = Names {
        out: shown.trim_end_matches('/').to_owned(),
        cluster: text("cluster_name"),
        region: text("region"),
        installs_controller: Path::new(&out).join("alb-controller/install.sh").is_file(),
    };
    let mut upgrade = Upgrade::of(&now, &wanted, controller.as_ref(), &catalog, &names).map_err(Error::Input)?;
    let base = args.ask.clone().over(asked(&facts));
    let mut before = before;
    for step in upgrade.steps.iter_mut().filter(|step| step.part == Part::Knative) {
        let ask =
            Ask { knative: Some(step.to.clone()), kourier: None, kubernetes: Some(step.kubernetes), ..base.clone() };
        let after = diff::rendered(&format!("--knative {}", step.to), ask, &args.supply, &args.general, &prices)?;
        step.diff = Some(diff::with_money(&before, &after, &prices, &config)?);
        before = after;
    }
    let report = match args.format {
        DiffFormat::Text => upgrade.to_text(),
        DiffFormat::Json => format!("{:#}\n", crate::value::json!(upgrade)),
        DiffFormat::Markdown => upgrade.to_markdown(),
    };
    print(report.as_bytes())?;
    match upgrade.obstacles.first() {
        None => Ok(()),
        Some(obstacle) => Err(Error::Findings(format!("something stands in the way: {}", obstacle.what))),
    }
}

/// That a folder has the objects that its provenance lists, and no others in their files: half an upgrade is no place to start from.
fn as_rendered(side: &Side, shown: &str) -> Result<(), Error> {
    let Some(provenance) = &side.provenance else { return Ok(()) };
    let listed: BTreeSet<(String, String)> =
        provenance.objects.iter().map(|o| (format!("{shown}/{}", o.file), o.object.clone())).collect();
    let files: BTreeSet<&str> = listed.iter().map(|(file, _)| file.as_str()).collect();
    let there: BTreeSet<(String, String)> = side
        .objects
        .iter()
        .filter(|o| files.contains(&*o.file))
        .map(|o| (o.file.to_string(), o.identity.to_string()))
        .collect();
    let lacks = listed.difference(&there).next().map(|(file, object)| format!("{file} lacks {object}, which is in it"));
    let has = there.difference(&listed).next().map(|(file, object)| format!("{file} has {object}, which is not in it"));
    match lacks.or(has) {
        None => Ok(()),
        Some(what) => Err(Error::Input(format!(
            "{shown} is not what {shown}/about/provenance.json speaks of: {what}. It was changed since, or is half of two renders; \
             `knrender --out {shown}` renders it anew, with the options that it was rendered with"
        ))),
    }
}

/// The versions that a render is of.
fn versions(facts: &Value, ask: &Ask, out: &str) -> Result<Versions, Error> {
    let version = |key: &str| facts.get(key).and_then(Value::as_str).and_then(|text| Version::parse(text).ok());
    let knative = version("knative").ok_or_else(|| {
        Error::Usage(format!(
            "{out} has the Knative that Gloo bundles, from which no way leads up: make a new cluster, and move the Services to it"
        ))
    })?;
    let rendered = version("kubernetes").map(|v| crate::kubernetes::Version {
        major: u16::try_from(v.major).unwrap_or(1),
        minor: u16::try_from(v.minor).unwrap_or_default(),
    });
    let kubernetes = ask.kubernetes.or(rendered).ok_or_else(|| {
        Error::Input(format!(
            "{out}/about/provenance.json does not say for which Kubernetes; name the cluster's with --kubernetes"
        ))
    })?;
    Ok(Versions { knative, kubernetes, controller: version("controller") })
}

/// What was asked for when the folder was rendered, as far as its facts say it.
fn asked(facts: &Value) -> Ask {
    const TEXTS: [&str; 16] = [
        "domain",
        "certificate-arn",
        "scheme",
        "cluster-name",
        "region",
        "vpc-id",
        "account-id",
        "alb-group",
        "gloo",
        "hpa",
        "scale-to-zero-retention",
        "queue-proxy-cpu",
        "queue-proxy-memory",
        "layout",
        "gitops-repo",
        "internal-tls",
    ];
    const OTHERS: [&str; 5] = ["subnets", "app-namespaces", "logging", "ha", "with"];
    let mut values = Map::new();
    for key in TEXTS.into_iter().chain(OTHERS) {
        let value = facts.get(key.replace('-', "_")).filter(|value| !value.is_null());
        values.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
    if values.contains_key("layout") {
        for key in ["gitops-revision", "gitops-path"] {
            values.extend(facts.get(key.replace('-', "_")).map(|value| (key.to_owned(), value.clone())));
        }
    }
    for (key, usual) in [("cold-start", "90"), ("log-retention-days", "60")] {
        let set = facts.get(key.replace('-', "_")).and_then(Value::as_str).filter(|value| *value != usual);
        values.extend(set.and_then(|text| text.parse::<u32>().ok()).map(|number| (key.to_owned(), number.into())));
    }
    crate::value::from_value(Value::Object(values)).unwrap_or_default()
}
