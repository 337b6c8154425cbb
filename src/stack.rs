//! The stack: what was asked for, resolved. Versions are exact, values are checked for form, and nothing after this
//! stage looks at a flag.

mod apps;

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;

use crate::alb::{Alb, Around};
use crate::config::{Ask, Scaling, Scheme};
use crate::fargate::lint::profiles::ProfileSelector;
use crate::fargate::quantity::Quantity;
use crate::kubernetes;
use crate::kubernetes::eks::Calendar;
use crate::kubernetes::target::{self, Part};
use crate::rewrite::facts::{Fact, Facts};
use crate::rewrite::rule::RuleSet;
use crate::upstream::catalog::{Asset, Catalog, Component, KubernetesRange};
use crate::upstream::local;

/// The resolved answer to "what do you want rendered".
#[derive(Clone, Debug)]
pub struct Stack {
    /// The rule set.
    pub rule_set: RuleSet,
    /// The ingress.
    pub ingress: Ingress,
    /// The components whose manifests are rendered, in the order in which their rules apply.
    pub components: Vec<Chosen>,
    /// The Kubernetes version that it is for.
    pub kubernetes: kubernetes::Version,
    /// The Kubernetes versions that its parts support, as far as anybody states it.
    pub supported: Vec<Supported>,
    /// What rules and templates can ask.
    pub facts: Facts,
    /// The flags that would bring the load balancer controller's arguments, where they are missing.
    pub missing_for_controller: Vec<&'static str>,
    /// The cluster, where it was named with its region.
    pub cluster: Option<Cluster>,
    /// Which pods of the user's apps run on Fargate.
    pub apps: Vec<ProfileSelector>,
    /// Whether CRDs keep their descriptions even where they are too large for client-side apply.
    pub keep_descriptions: bool,
    /// What the user should be told.
    pub warnings: Vec<String>,
    /// Images to be replaced, each with what it is replaced by.
    pub images: BTreeMap<String, String>,
}

/// The cluster that the render is for.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The IAM policy of the load balancer controller.
    pub policy: Asset,
}

/// A component at a version.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The component's name.
    pub component: String,
    /// The version.
    pub version: Version,
    /// The assets to render.
    pub assets: Vec<Asset>,
}

/// The Kubernetes versions that a part of a stack supports.
#[derive(Clone, Debug)]
pub struct Supported {
    /// The part's component.
    pub component: String,
    /// What people call it, with its version.
    pub part: String,
    /// The versions.
    pub range: KubernetesRange,
}

/// What stands between the ALB and Knative's Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// Kourier, the default.
    Kourier,
    /// Gloo.
    Gloo,
}

impl Ingress {
    /// The name as it stands in file names and rules.
    pub fn name(self) -> &'static str {
        match self {
            Ingress::Kourier => "kourier",
            Ingress::Gloo => "gloo",
        }
    }
}

/// What was asked for cannot be rendered. The message says why and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StackError(String);

impl From<String> for StackError {
    fn from(message: String) -> Self {
        StackError(message)
    }
}

impl Stack {
    /// Resolves what was asked for.
    pub fn resolve(ask: &Ask, catalog: &Catalog) -> Result<Stack, StackError> {
        let rule_set = ask.rule_set.unwrap_or(RuleSet::Fargate);
        let ingress = if ask.gloo.is_some() { Ingress::Gloo } else { Ingress::Kourier };
        let with: Vec<String> = ask.with.iter().map(|part| part.name().to_owned()).collect();
        let mut components = Vec::new();
        let mut choose = |name: &str, version: &Version| -> Result<(), StackError> {
            let component = catalog.component(name)?;
            let assets = component.assets(version, &with).into_iter().filter(|a| !a.reference).collect();
            components.push(Chosen { component: name.to_owned(), version: version.clone(), assets });
            Ok(())
        };
        let mut versions = BTreeMap::new();
        if rule_set == RuleSet::Seed {
            seed_only_has_gloo(ask)?;
        } else {
            let serving = catalog.component("knative-serving")?;
            let knative = match &ask.knative {
                Some(text) => serving.version(text)?,
                None => serving.newest().cloned().ok_or_else(|| "the catalog lists no Knative".to_owned())?,
            };
            choose("knative-serving", &knative)?;
            if ingress == Ingress::Kourier {
                let kourier = kourier_for(&knative, ask.kourier.as_deref(), catalog)?;
                choose("net-kourier", &kourier)?;
                versions.insert("kourier", kourier);
            }
            versions.insert("knative", knative);
        }
        if let Some(text) = &ask.gloo {
            let component = catalog.component("gloo")?;
            let gloo = match ask.gloo_manifest {
                Some(_) => exact(text)?,
                None => component.version(text)?,
            };
            choose("gloo", &gloo)?;
            versions.insert("gloo", gloo);
        }
        let missing_for_controller = missing_for_controller(ask, rule_set);
        let controller_name = controller_of(rule_set);
        if let Some(controller) = catalog.component(controller_name)?.newest() {
            versions.insert("controller", controller.clone());
            if missing_for_controller.is_empty() && rule_set == RuleSet::Seed {
                choose(controller_name, controller)?;
            }
        }
        if let Some(file) = &ask.gloo_manifest {
            let gloo = components.iter_mut().find(|c| c.component == "gloo").ok_or_else(|| {
                "--gloo-manifest needs the version that the file is of: name it with --gloo".to_owned()
            })?;
            gloo.assets = vec![handed_over(gloo, file)];
        }
        check_values(ask)?;
        let cluster = cluster(ask, catalog.component(controller_name)?)?;
        let apps = apps::selectors(&ask.app_namespaces)?;
        let (kubernetes, supported, mut warnings) = target(ask, rule_set, catalog, &components, &versions)?;
        for chosen in &components {
            let component = catalog.component(&chosen.component)?;
            warnings.extend(component.notices_for(&chosen.version).map(str::to_owned));
        }
        warnings.extend(questionable(ask, rule_set, versions.get("gloo")));
        Ok(Stack {
            rule_set,
            ingress,
            components,
            kubernetes,
            supported,
            facts: facts(ask, rule_set, ingress, kubernetes, versions, with, &apps),
            missing_for_controller,
            cluster,
            apps,
            keep_descriptions: ask.keep_descriptions.unwrap_or(false),
            warnings,
            images: BTreeMap::new(),
        })
    }

    /// Whether this is the ancestor's own render, for a Kubernetes of its day, of which nothing is changed but by its rules.
    pub fn is_as_of_2020(&self) -> bool {
        self.rule_set == RuleSet::Seed && self.kubernetes < kubernetes::Version::one(22)
    }

    /// For people: `knative-serving 1.23.0, net-kourier 1.23.0`.
    pub fn title(&self) -> String {
        self.components.iter().map(|c| format!("{} {}", c.component, c.version)).collect::<Vec<_>>().join(", ")
    }

    /// All assets that the render is made of, in order: manifests, and last the controller's policy.
    pub fn assets(&self) -> impl Iterator<Item = &Asset> {
        let manifests = self.components.iter().flat_map(|c| &c.assets);
        manifests.chain(self.cluster.iter().map(|cluster| &cluster.policy))
    }
}

/// A version in full, of which the catalog need not know anything.
fn exact(text: &str) -> Result<Version, StackError> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    Version::parse(plain).map_err(|_| StackError(format!("`{text}` is not a version; write it as v1.2.3")))
}

/// The manifest that the user hands over in place of the published one.
fn handed_over(chosen: &Chosen, file: &Path) -> Asset {
    Asset {
        component: chosen.component.clone(),
        version: chosen.version.clone(),
        asset: "manifest".to_owned(),
        urls: vec![local::ORIGIN.to_owned()],
        known: None,
        local: Some(file.to_owned()),
        reference: false,
    }
}

/// The load balancer controller that a rule set is for.
pub fn controller_of(rule_set: RuleSet) -> &'static str {
    match rule_set {
        RuleSet::Seed => "aws-alb-ingress-controller",
        RuleSet::Fargate => "aws-load-balancer-controller",
    }
}

/// The flags without which the load balancer controller and the cluster cannot be described. The classic controller finds no
/// VPC by itself; for the current one, the tag that eksctl gives the VPC does.
fn missing_for_controller(ask: &Ask, rule_set: RuleSet) -> Vec<&'static str> {
    let vpc_is_found = rule_set == RuleSet::Fargate;
    [
        ("--cluster-name", ask.cluster_name.is_none()),
        ("--region", ask.region.is_none()),
        ("--vpc-id", ask.vpc_id.is_none() && !vpc_is_found),
    ]
    .into_iter()
    .filter(|(_, missing)| *missing)
    .map(|(flag, _)| flag)
    .collect()
}

fn seed_only_has_gloo(ask: &Ask) -> Result<(), StackError> {
    let refused = [
        (
            ask.gloo.is_none(),
            "--rule-set seed is what mreferre/knative-on-fargate did to Gloo; name a version with --gloo, for example --gloo v1.3.9",
        ),
        (
            ask.knative.is_some(),
            "--rule-set seed renders the Knative 0.10 that is bundled with Gloo; leave --knative out, or take --rule-set fargate",
        ),
        (!ask.with.is_empty(), "--rule-set seed has nothing to add with --with; take --rule-set fargate"),
        (
            ask.domain.is_some(),
            "--rule-set seed sets no domain, as the ancestor did not; take --rule-set fargate for --domain",
        ),
        (
            ask.certificate_arn.is_some(),
            "--rule-set seed has no HTTPS, as the ancestor had none; take --rule-set fargate for --certificate-arn",
        ),
        (
            ask.alb_group.is_some(),
            "the classic ALB Ingress Controller of --rule-set seed knows no groups; take --rule-set fargate for --alb-group",
        ),
        (
            ask.alb != Alb::default(),
            "--rule-set seed writes the Ingress as the ancestor did, for the classic ALB Ingress Controller; take --rule-set fargate \
             for the options of `alb`",
        ),
        (
            ask.logging == Some(true),
            "--rule-set seed has no logging, as the ancestor had none; take --rule-set fargate for --logging",
        ),
        (
            ask.internal_tls == Some(true),
            "--rule-set seed has no internal TLS; take --rule-set fargate for --internal-tls",
        ),
        (
            ask.ha.is_some()
                || ask.hpa.is_some()
                || ask.cold_start.is_some()
                || ask.scale_to_zero_retention.is_some()
                || ask.queue_proxy_cpu.is_some()
                || ask.queue_proxy_memory.is_some(),
            "--rule-set seed leaves numbers, sizes and time-outs as they are; take --rule-set fargate for --ha, --hpa, \
             --cold-start, --scale-to-zero-retention, --queue-proxy-cpu and --queue-proxy-memory",
        ),
    ];
    match refused.into_iter().find(|(is, _)| *is) {
        Some((_, why)) => Err(StackError(why.to_owned())),
        None => Ok(()),
    }
}

fn kourier_for(knative: &Version, asked: Option<&str>, catalog: &Catalog) -> Result<Version, StackError> {
    if let Some(text) = asked {
        return Ok(catalog.component("net-kourier")?.version(text)?);
    }
    let serving = catalog.component("knative-serving")?;
    serving.known(knative).and_then(|known| known.pairs.get("net-kourier")).cloned().ok_or_else(|| {
        StackError(format!(
            "the catalog does not know which Kourier goes with Knative {knative}; name it with --kourier, for example \
             --kourier v{}.{}.0 (its releases: https://github.com/knative-extensions/net-kourier/releases)",
            knative.major, knative.minor
        ))
    })
}

/// The Kubernetes version of the stack, those that its parts support, and what to tell about it.
fn target(
    ask: &Ask,
    rule_set: RuleSet,
    catalog: &Catalog,
    components: &[Chosen],
    versions: &BTreeMap<&'static str, Version>,
) -> Result<(kubernetes::Version, Vec<Supported>, Vec<String>), StackError> {
    let (mut parts, mut supported) = (Vec::new(), Vec::new());
    let mut add = |name: &str, version: &Version, called: String| -> Result<(), StackError> {
        let range = catalog.component(name)?.kubernetes(version);
        supported.extend(range.map(|range| Supported {
            component: name.to_owned(),
            part: called.clone(),
            range: range.clone(),
        }));
        parts.push(Part { name: called, range });
        Ok(())
    };
    for chosen in components {
        if chosen.component != controller_of(rule_set) {
            add(&chosen.component, &chosen.version, format!("{} {}", chosen.component, chosen.version))?;
        }
    }
    if rule_set == RuleSet::Seed {
        let bundled = Version::new(0, 10, 0);
        add("knative-serving", &bundled, format!("knative-serving {bundled}, which Gloo bundles"))?;
    }
    if let Some(controller) = versions.get("controller") {
        let name = controller_of(rule_set);
        add(name, controller, format!("{name} {controller}"))?;
    }
    let (version, mut warnings) = target::choose(ask.kubernetes, &parts, &Calendar::embedded()?)?;
    if rule_set == RuleSet::Seed && ask.kubernetes.is_none() {
        // That no cluster runs it is said once, by `questionable`.
        warnings.clear();
    }
    Ok((version, supported, warnings))
}

fn facts(
    ask: &Ask,
    rule_set: RuleSet,
    ingress: Ingress,
    kubernetes: kubernetes::Version,
    mut versions: BTreeMap<&'static str, Version>,
    with: Vec<String>,
    apps: &[ProfileSelector],
) -> Facts {
    let text = |value: &Option<String>| value.clone().map_or(Fact::Absent, Fact::Text);
    let mut version = |name| versions.remove(name).map_or(Fact::Absent, Fact::Version);
    Facts(BTreeMap::from([
        ("rule-set", Fact::Text(rule_set.to_string())),
        ("ingress", Fact::Text(ingress.name().to_owned())),
        ("kubernetes", Fact::Version(Version::new(kubernetes.major.into(), kubernetes.minor.into(), 0))),
        ("knative", version("knative")),
        ("kourier", version("kourier")),
        ("gloo", version("gloo")),
        ("controller", version("controller")),
        ("with", Fact::Names(with)),
        ("domain", text(&ask.domain)),
        ("certificate-arn", text(&ask.certificate_arn)),
        ("scheme", Fact::Text(ask.scheme.unwrap_or(Scheme::InternetFacing).name().to_owned())),
        ("internal-tls", Fact::Flag(ask.internal_tls.unwrap_or(false))),
        ("cluster-name", text(&ask.cluster_name)),
        ("region", text(&ask.region)),
        ("vpc-id", text(&ask.vpc_id)),
        ("subnets", Fact::Names(ask.subnets.clone())),
        ("account-id", text(&ask.account_id)),
        ("alb-group", text(&ask.alb_group)),
        ("alb-annotations", Fact::Pairs(ask.alb.annotations())),
        ("alb-attributes", Fact::Pairs(ask.alb.attributes())),
        ("alb-grpc", Fact::Flag(ask.alb.grpc.unwrap_or(false))),
        ("alb-readiness-gates", Fact::Flag(ask.alb.readiness_gates.unwrap_or(false))),
        ("app-namespaces", Fact::Names(apps.iter().map(|selector| selector.namespace.clone()).collect())),
        ("logging", Fact::Flag(ask.logging.unwrap_or(false))),
        ("log-retention-days", Fact::Text(ask.log_retention_days.unwrap_or(60).to_string())),
        ("layout", ask.layout.map_or(Fact::Absent, |layout| Fact::Text(layout.name().to_owned()))),
        ("gitops-repo", text(&ask.gitops_repo)),
        ("gitops-revision", Fact::Text(ask.gitops_revision.clone().unwrap_or_else(|| "main".to_owned()))),
        ("gitops-path", Fact::Text(ask.gitops_path.clone().unwrap_or_else(|| "out/gitops".to_owned()))),
        ("ha", Fact::Flag(ask.ha.unwrap_or(true))),
        ("hpa", Fact::Text(if ask.hpa == Some(Scaling::Fixed) { "fixed" } else { "keep" }.to_owned())),
        ("cold-start", Fact::Text(ask.cold_start.unwrap_or(COLD_START).to_string())),
        ("timeout", Fact::Text(timeout(ask).to_string())),
        ("scale-to-zero-retention", Fact::Text(ask.scale_to_zero_retention.clone().unwrap_or_else(|| "5m".to_owned()))),
        ("queue-proxy-cpu", text(&ask.queue_proxy_cpu)),
        ("queue-proxy-memory", text(&ask.queue_proxy_memory)),
    ]))
}

/// The cluster, where name and region are known. Logs and the policy are for one region.
fn cluster(ask: &Ask, controller: &Component) -> Result<Option<Cluster>, StackError> {
    let (Some(name), Some(region)) = (&ask.cluster_name, &ask.region) else {
        if ask.logging == Some(true) {
            return Err(StackError(
                "--logging names the logs after the cluster and its region; give them with --cluster-name and --region"
                    .to_owned(),
            ));
        }
        return Ok(None);
    };
    let assets = controller.newest().map(|version| controller.assets(version, &[])).unwrap_or_default();
    let policy = assets.into_iter().find(|asset| asset.asset == "iam-policy");
    let policy = policy.ok_or_else(|| format!("the catalog has no IAM policy of {}", controller.component))?;
    Ok(Some(Cluster { name: name.clone(), region: region.clone(), policy }))
}

/// The longest that an ALB keeps an idle connection, in seconds.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
const ALB_IDLE_MAX: u32 = 4000;
/// How long a pod takes to start on Fargate where the user says nothing, in seconds (F27: plan for 30 to 90).
const COLD_START: u32 = 90;

/// The one time-out that the whole chain has, in seconds: ALB, revision, response start, activator and progress deadline.
/// Knative's own 300 seconds of work come on top of the cold start, in whole minutes, and never less than Knative's own
/// maximum of 600.
fn timeout(ask: &Ask) -> u32 {
    ask.cold_start.unwrap_or(COLD_START).min(100_000).saturating_add(300).next_multiple_of(60).max(600)
}

/// For how many days `CloudWatch` can be told to keep logs.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const LOG_RETENTION: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Checks the form of what ends up in manifests.
fn check_values(ask: &Ask) -> Result<(), StackError> {
    let check = |flag: &str, value: &Option<String>, is_good: fn(&str) -> bool, form: &str| match value {
        Some(value) if !is_good(value) => Err(StackError(format!("{flag} `{value}` {form}"))),
        _ => Ok(()),
    };
    check(
        "--domain",
        &ask.domain,
        is_domain,
        "is not a domain name: lower-case letters, digits and dashes, with dots, such as apps.example.com",
    )?;
    check(
        "--cluster-name",
        &ask.cluster_name,
        is_cluster_name,
        "is not an EKS cluster name: 1 to 100 letters, digits, dashes and underscores, the first a letter or digit",
    )?;
    check("--region", &ask.region, is_region, "is not an AWS region, such as eu-west-1")?;
    check("--vpc-id", &ask.vpc_id, is_vpc_id, "is not a VPC id: `vpc-` and 8 or 17 hexadecimal digits")?;
    check(
        "--certificate-arn",
        &ask.certificate_arn,
        |arns| arns.split(',').all(is_certificate_arn),
        "is not the ARN of a certificate, such as arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
    )?;
    check(
        "--scale-to-zero-retention",
        &ask.scale_to_zero_retention,
        is_duration,
        "is not a duration such as 30s, 10m or 1h",
    )?;
    check("--account-id", &ask.account_id, is_account, "is not an AWS account: 12 digits")?;
    check(
        "--alb-group",
        &ask.alb_group,
        is_alb_group,
        "is not the name of a group: lower-case letters, digits, dashes and dots, 63 at the most, letter or digit at both ends",
    )?;
    let all = |flag: &str, values: &[String], is_good: fn(&str) -> bool, form: &str| {
        values.iter().try_for_each(|value| check(flag, &Some(value.clone()), is_good, form))
    };
    all("--subnets", &ask.subnets, is_subnet_id, "is not a subnet id: `subnet-` and 8 or 17 hexadecimal digits")?;
    if let [subnet] = ask.subnets.as_slice() {
        return Err(StackError(format!(
            "--subnets {subnet}: an EKS cluster needs two subnets or more, in different availability zones"
        )));
    }
    if !ask.subnets.is_empty() && ask.vpc_id.is_none() {
        return Err(StackError("--subnets are those of a VPC that exists; name it with --vpc-id".to_owned()));
    }
    if let Some(days) = ask.log_retention_days {
        if ask.logging != Some(true) {
            return Err(StackError("--log-retention-days is about the logs of --logging".to_owned()));
        }
        if !LOG_RETENTION.contains(&days) {
            let known: Vec<_> = LOG_RETENTION.iter().map(ToString::to_string).collect();
            return Err(StackError(format!(
                "--log-retention-days {days}: CloudWatch keeps logs for {} days",
                known.join(", ")
            )));
        }
    }
    ask.alb.check(Around {
        kourier: ask.gloo.is_none(),
        group: ask.alb_group.as_deref(),
        certificate: ask.certificate_arn.as_deref(),
        region: ask.region.as_deref(),
    })?;
    check_gitops(ask)?;
    check("--queue-proxy-cpu", &ask.queue_proxy_cpu, is_request, "is not a quantity such as 25m")?;
    check("--queue-proxy-memory", &ask.queue_proxy_memory, is_request, "is not a quantity such as 64Mi")?;
    if timeout(ask) > ALB_IDLE_MAX {
        return Err(StackError(format!(
            "--cold-start {}: with 300 seconds of work on top, no ALB would wait that long; it can be told to wait {ALB_IDLE_MAX} \
             seconds at the most, so that a cold start may take {}",
            ask.cold_start.unwrap_or(COLD_START),
            ALB_IDLE_MAX - ALB_IDLE_MAX % 60 - 300
        )));
    }
    if let (Some(arns), Some(region)) = (&ask.certificate_arn, &ask.region)
        && let Some(other) = arns.split(',').filter_map(certificate_region).find(|r| r != region)
    {
        return Err(StackError(format!(
            "--certificate-arn is in {other}, and --region is {region}: an ALB takes certificates of its own region only"
        )));
    }
    Ok(())
}

/// Checks what `--layout` writes down about the Git repository.
fn check_gitops(ask: &Ask) -> Result<(), StackError> {
    let values = [
        (
            "--gitops-repo",
            &ask.gitops_repo,
            is_git_url as fn(&str) -> bool,
            "is not a URL that Argo CD and Flux both take: https://HOST/PATH, or ssh://git@HOST/PATH in place of git@HOST:PATH; \
             credentials do not belong in it",
        ),
        (
            "--gitops-revision",
            &ask.gitops_revision,
            is_git_revision,
            "is not a branch, tag, full reference or commit (https://git-scm.com/docs/git-check-ref-format)",
        ),
        (
            "--gitops-path",
            &ask.gitops_path,
            is_path_in_repository,
            "is not a path inside of a repository: relative, of letters, digits, dots, dashes and underscores, without `..`",
        ),
    ];
    for (flag, value, is_good, form) in values {
        let Some(value) = value else { continue };
        if ask.layout.is_none() {
            return Err(StackError(format!("{flag} is for --layout argocd or --layout flux; name one of them")));
        }
        if !is_good(value) {
            return Err(StackError(format!("{flag} `{value}` {form}")));
        }
    }
    Ok(())
}

/// What can be rendered, and is probably not what was meant.
fn questionable(ask: &Ask, rule_set: RuleSet, gloo: Option<&Version>) -> Vec<String> {
    let mut warnings = Vec::new();
    if rule_set == RuleSet::Seed && gloo.is_some_and(|gloo| *gloo >= Version::new(1, 2, 9)) {
        warnings.push(
            "Knative 0.10, which Gloo bundles, calls APIs that Kubernetes dropped in 1.22: no cluster that EKS offers can run \
             this render. It is for reference (https://kubernetes.io/docs/reference/using-api/deprecation-guide/#v1-22)."
                .to_owned(),
        );
    }
    if ask.certificate_arn.is_some() && ask.domain.is_none() {
        warnings.push(
            "--certificate-arn without --domain: Knative will name Services below svc.cluster.local, which no certificate \
             covers. Give the certificate's domain with --domain."
                .to_owned(),
        );
    }
    if rule_set == RuleSet::Fargate && ask.gloo.is_some() {
        warnings.push(
            "Gloo with a current Knative is not verified: the pair was rendered and read, never run together."
                .to_owned(),
        );
    }
    if gloo.is_some_and(|gloo| *gloo >= Version::new(1, 15, 0)) {
        warnings.push(
            "knrender's rules for Gloo were read against 1.0 to 1.14; a rule that does not find in a newer one what it expects \
             fails the render and says so."
                .to_owned(),
        );
    }
    if ask.internal_tls == Some(true) {
        warnings.push(
            "--internal-tls: Knative's controller does not start before cert-manager and its CRDs are in the cluster \
             (https://knative.dev/docs/serving/encryption/system-internal-tls/)."
                .to_owned(),
        );
    }
    warnings
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_dns_label)
}

/// A DNS label as Kubernetes takes it (RFC 1123).
pub(crate) fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// A duration as Knative's configuration takes it, in one unit.
fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['s', 'm', 'h']).unwrap_or_default();
    (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

fn is_request(text: &str) -> bool {
    Quantity::parse(text).is_ok_and(|q| !q.is_negative())
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>
fn is_cluster_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    (2..=4).contains(&area.len())
        && !middle.is_empty()
        && middle.iter().chain([area]).all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase()))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

fn is_vpc_id(text: &str) -> bool {
    text.strip_prefix("vpc-").is_some_and(is_resource_id)
}

fn is_subnet_id(text: &str) -> bool {
    text.strip_prefix("subnet-").is_some_and(is_resource_id)
}

/// What follows the kind in the id of an EC2 resource.
fn is_resource_id(id: &str) -> bool {
    matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#group.name>
fn is_alb_group(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.chars().all(|c| edge(c) || c == '-' || c == '.')
        && text.starts_with(edge)
        && text.ends_with(edge)
}

/// Flux takes no scp-like address: <https://fluxcd.io/flux/components/source/gitrepositories/#url>.
fn is_git_url(text: &str) -> bool {
    let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("ssh://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return false,
    };
    let Some((authority, path)) = rest.split_once('/') else { return false };
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if !is_https && !user.is_empty() && !user.contains(':') => host,
        Some(_) => return false,
        None => authority,
    };
    let (name, port) = host.split_once(':').unwrap_or((host, "22"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%/+".contains(&b);
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && port.parse::<u16>().is_ok()
        && !path.is_empty()
        && path.bytes().all(plain)
}

fn is_git_revision(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/+".contains(&b);
    (1..=200).contains(&text.len())
        && text.bytes().all(plain)
        && !text.contains("..")
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
}

fn is_path_in_repository(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    text.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain))
}

fn is_certificate_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let kind = match service {
        "acm" => is_region(region) && resource.starts_with("certificate/"),
        "iam" => region.is_empty() && resource.starts_with("server-certificate/"),
        _ => false,
    };
    kind && partition.starts_with("aws")
        && is_account(account)
        && resource.split('/').all(|part| !part.is_empty())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

fn certificate_region(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|r| !r.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // short to call
    use super::*;
    use crate::config::{Layout, Part};

    fn resolve(ask: Ask) -> Result<Stack, String> {
        Stack::resolve(&ask, &Catalog::embedded()).map_err(|e| e.to_string())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_default_stack_is_the_newest_knative_with_its_kourier() {
        let stack = resolve(Ask::default()).unwrap();
        assert_eq!(stack.title(), "knative-serving 1.23.0, net-kourier 1.23.0");
        assert_eq!(stack.assets().map(|a| a.asset.as_str()).collect::<Vec<_>>(), ["serving-core", "kourier"]);
        assert_eq!(stack.missing_for_controller, ["--cluster-name", "--region"]);
    }

    #[test]
    fn a_known_knative_brings_its_own_kourier_whatever_the_patch_number() {
        let stack = resolve(Ask { knative: some("v1.21.3"), ..Ask::default() }).unwrap();
        assert_eq!(stack.title(), "knative-serving 1.21.3, net-kourier 1.21.1");
    }

    #[test]
    fn an_unlisted_knative_asks_for_a_kourier() {
        let error = resolve(Ask { knative: some("v1.20.1"), ..Ask::default() }).unwrap_err();
        assert!(error.contains("name it with --kourier, for example --kourier v1.20.0"), "{error}");
        let stack = resolve(Ask { knative: some("1.20.1"), kourier: some("1.20.0"), ..Ask::default() }).unwrap();
        assert!(stack.assets().all(|a| a.known.is_none()));
    }

    #[test]
    fn gloo_brings_its_own_knative_in_the_seed_and_a_current_one_on_fargate() {
        let gloo = Ask { gloo: some("v1.3.9"), ..Ask::default() };
        assert_eq!(resolve(gloo.clone()).unwrap().title(), "knative-serving 1.23.0, gloo 1.3.9");
        let seed = resolve(Ask { rule_set: Some(RuleSet::Seed), ..gloo }).unwrap();
        assert_eq!(seed.title(), "gloo 1.3.9");
        assert!(
            resolve(Ask { rule_set: Some(RuleSet::Seed), ..Ask::default() }).unwrap_err().contains("--gloo v1.3.9")
        );
    }

    #[test]
    fn parts_are_added_by_name() {
        let stack = resolve(Ask { with: vec![Part::UpgradeJobs], ..Ask::default() }).unwrap();
        assert!(stack.assets().any(|a| a.asset == "serving-post-install-jobs"));
    }

    #[test]
    fn values_are_checked_for_form() {
        let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222";
        for good in [
            Ask { domain: some("apps.example.com"), ..Ask::default() },
            Ask {
                certificate_arn: some(&format!("{arn},arn:aws-cn:iam::123456789012:server-certificate/a")),
                ..Ask::default()
            },
            Ask {
                cluster_name: some("My_cluster-1"),
                region: some("us-gov-east-1"),
                vpc_id: some("vpc-0123456789abcdef0"),
                ..Ask::default()
            },
        ] {
            resolve(good.clone()).unwrap_or_else(|e| panic!("{good:?}: {e}"));
        }
        for bad in [
            Ask { domain: some("https://example.com"), ..Ask::default() },
            Ask { domain: some("example"), ..Ask::default() },
            Ask { domain: some("*.example.com"), ..Ask::default() },
            Ask { domain: some("Apps.example.com"), ..Ask::default() },
            Ask { certificate_arn: some("arn:aws:acm:eu-west-1:1234:certificate/x"), ..Ask::default() },
            Ask { certificate_arn: some(&format!("{arn}, {arn}")), ..Ask::default() },
            Ask { cluster_name: some("-a"), ..Ask::default() },
            Ask { region: some("eu-west-1a"), ..Ask::default() },
            Ask { region: some("europe"), ..Ask::default() },
            Ask { vpc_id: some("vpc-XYZ"), ..Ask::default() },
            Ask { subnets: vec!["subnet-01234567".into(), "subnet-01234568".into()], ..Ask::default() },
            Ask { vpc_id: some("vpc-01234567"), subnets: vec!["subnet-01234567".into()], ..Ask::default() },
            Ask { vpc_id: some("vpc-01234567"), subnets: vec!["subnet-1".into()], ..Ask::default() },
            Ask { account_id: some("1234"), ..Ask::default() },
            Ask { alb_group: some("Shared"), ..Ask::default() },
            Ask { app_namespaces: vec!["team_a".into()], ..Ask::default() },
            Ask { logging: Some(true), cluster_name: some("a"), ..Ask::default() },
            Ask { log_retention_days: Some(60), ..Ask::default() },
            Ask { certificate_arn: some(arn), region: some("us-east-1"), ..Ask::default() },
        ] {
            assert!(resolve(bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_a_git_engine_is_told_is_checked_for_form() {
        let ask = |repo: &str, revision: &str, path: &str| Ask {
            layout: Some(Layout::Flux),
            gitops_repo: some(repo),
            gitops_revision: some(revision),
            gitops_path: some(path),
            ..Ask::default()
        };
        let repo = "https://git.example/org/repo";
        for (repo, revision, path) in
            [(repo, "main", "out/gitops"), ("ssh://git@git.example:2222/org/repo.git", "refs/tags/v1.2.3", "a")]
        {
            resolve(ask(repo, revision, path)).unwrap_or_else(|e| panic!("{repo}: {e}"));
        }
        for (repo, revision, path, said) in [
            ("git@git.example:org/repo", "main", "a", "ssh://git@HOST/PATH in place of git@HOST:PATH"),
            ("http://git.example/org/repo", "main", "a", "--gitops-repo"),
            ("https://me:secret@git.example/a", "main", "a", "credentials do not belong in it"),
            ("https://git.example/", "main", "a", "--gitops-repo"),
            (repo, "a..b", "a", "--gitops-revision"),
            (repo, "-x", "a", "--gitops-revision"),
            (repo, "main", "/a", "--gitops-path"),
            (repo, "main", "a/../b", "--gitops-path"),
            (repo, "main", "a//b", "--gitops-path"),
        ] {
            let error = resolve(ask(repo, revision, path)).unwrap_err();
            assert!(error.contains(said), "{repo} {revision} {path}: {error}");
        }
        let error = resolve(Ask { layout: None, ..ask(repo, "main", "a") }).unwrap_err();
        assert_eq!(error, "--gitops-repo is for --layout argocd or --layout flux; name one of them");
    }

    #[test]
    fn only_the_classic_controller_has_to_be_told_its_vpc() {
        let ask = Ask { region: some("eu-west-1"), ..Ask::default() };
        assert_eq!(resolve(ask.clone()).unwrap().missing_for_controller, ["--cluster-name"]);
        let classic = Ask { gloo: some("v1.3.9"), rule_set: Some(RuleSet::Seed), ..ask };
        assert_eq!(resolve(classic).unwrap().missing_for_controller, ["--cluster-name", "--vpc-id"]);
    }

    #[test]
    fn a_certificate_without_a_domain_is_questioned() {
        let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222";
        let stack = resolve(Ask { certificate_arn: some(arn), ..Ask::default() }).unwrap();
        assert!(stack.warnings[0].contains("--domain"), "{:?}", stack.warnings);
    }
}
