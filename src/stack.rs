//! The stack: what was asked for, resolved. Versions are exact, values are checked for form, and nothing after this
//! stage looks at a flag.

mod apps;
mod facts;
mod gitops;
mod internal_tls;
mod seed;
mod timeouts;
pub mod values;

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;

use crate::alb::DEREGISTRATION_MAX;
use crate::aws;
use crate::config::{self, Ask, Scheme};
use crate::fargate::profile::ProfileSelector;
use crate::fargate::sizing::{Scale, Sizing, Wanted};
use crate::images::readable::Readable;
use crate::kubernetes;
use crate::kubernetes::eks::Calendar;
use crate::kubernetes::target::{self, KubernetesRange, Part};
use crate::policy;
use crate::rewrite::facts::Facts;
use crate::rewrite::rule::RuleSet;
use crate::upstream::catalog::{Asset, Catalog, Component};
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
    /// The cert-manager that is installed for TLS between Knative's own parts, where that was asked for.
    pub cert_manager: Option<Version>,
    /// The cluster, where it was named with its region.
    pub cluster: Option<Cluster>,
    /// Which pods of the user's apps run on Fargate.
    pub apps: Vec<ProfileSelector>,
    /// Whether CRDs keep their descriptions even where they are too large for client-side apply.
    pub keep_descriptions: bool,
    /// Whether the ALB lets in everybody on the internet, by plain HTTP.
    pub open_to_everybody: bool,
    /// What the user should be told.
    pub warnings: Vec<String>,
    /// How much Knative's own pods can bear.
    pub scale: Scale,
    /// What is wanted of single components: those that `sizes` names.
    pub sizes: BTreeMap<String, Wanted>,
    /// The same with what the scale gives the others.
    pub sizing: Sizing,
    /// Images to be replaced, each with what it is replaced by.
    pub images: BTreeMap<String, String>,
    /// Images by tag, each with the same by the digest that the lock has; none without `--locked`.
    pub locked_images: BTreeMap<String, String>,
    /// What is wanted of the admission policies, where they are part of it.
    pub policies: Option<policy::Wanted>,
}

/// The cluster that the render is for.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The repositories in ECR that Knative's controller may read.
    pub readable: Vec<Readable>,
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
            seed::check(ask)?;
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
        let controller = controller_version(ask, rule_set, catalog.component(controller_name)?)?;
        if missing_for_controller.is_empty() && rule_set == RuleSet::Seed {
            choose(controller_name, &controller)?;
        }
        versions.insert("controller", controller.clone());
        if let Some(file) = &ask.gloo_manifest {
            let gloo = components.iter_mut().find(|c| c.component == "gloo").ok_or_else(|| {
                "--gloo-manifest needs the version that the file is of: name it with --gloo".to_owned()
            })?;
            gloo.assets = vec![handed_over(gloo, file)];
        }
        values::check(ask)?;
        let cert_manager = internal_tls::resolve(ask, versions.get("knative"), ingress, catalog)?;
        versions.extend(cert_manager.clone().map(|version| (internal_tls::CERT_MANAGER, version)));
        let cluster = cluster(ask, catalog.component(controller_name)?, &controller)?;
        let apps = apps::selectors(&ask.app_namespaces)?;
        let (kubernetes, supported, mut warnings) = target(ask, rule_set, catalog, &components, &versions)?;
        if ask.with.contains(&config::Part::Policies) {
            policy::served(policy::Engine::Vap, Some(kubernetes)).map_err(|why| format!("--with policies: {why}"))?;
        }
        for chosen in &components {
            let component = catalog.component(&chosen.component)?;
            warnings.extend(component.notices_for(&chosen.version).map(str::to_owned));
        }
        if let Some(knative) = versions.get("knative") {
            let read = Calendar::embedded()?.read;
            warnings.extend(catalog.component("knative-serving")?.end_of_support(knative, &read, "knative"));
            warnings.extend(versions.get("kourier").and_then(|kourier| other_release(knative, kourier)));
        }
        warnings.extend(questionable(ask, rule_set, versions.get("gloo")));
        Ok(Stack {
            rule_set,
            ingress,
            components,
            kubernetes,
            supported,
            facts: facts::of(ask, rule_set, ingress, kubernetes, versions, with, &apps),
            missing_for_controller,
            cert_manager,
            cluster,
            apps,
            keep_descriptions: ask.keep_descriptions.unwrap_or(false),
            open_to_everybody: open_to_everybody(ask),
            warnings,
            scale: ask.scale.unwrap_or_default(),
            sizing: Sizing::of(ask.scale.unwrap_or_default(), &ask.sizes),
            sizes: ask.sizes.clone(),
            images: BTreeMap::new(),
            locked_images: BTreeMap::new(),
            policies: None,
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
    Version::parse(plain).map_err(|_| StackError(format!("`{text}` is not a version of gloo; write it as v1.2.3")))
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
        own: false,
    }
}

/// The load balancer controller that a rule set is for.
pub fn controller_of(rule_set: RuleSet) -> &'static str {
    match rule_set {
        RuleSet::Seed => "aws-alb-ingress-controller",
        RuleSet::Fargate => "aws-load-balancer-controller",
    }
}

/// What that controller's Deployment and service account are called in the cluster, and its label `app.kubernetes.io/name`.
pub fn called_in_cluster(rule_set: RuleSet) -> &'static str {
    match rule_set {
        RuleSet::Seed => "alb-ingress-controller",
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

/// The load balancer controller's version: the one that was asked for, else the newest whose bytes are known.
fn controller_version(ask: &Ask, rule_set: RuleSet, controller: &Component) -> Result<Version, StackError> {
    match &ask.controller {
        Some(_) if rule_set == RuleSet::Seed => Err(StackError(
            "--controller is about the AWS Load Balancer Controller; the rule set seed brings the classic one, v1.1.4"
                .to_owned(),
        )),
        Some(text) => Ok(controller.version(text)?),
        None => {
            Ok(controller.newest().cloned().ok_or_else(|| format!("the catalog lists no {}", controller.component))?)
        }
    }
}

/// A Kourier that was released with another Knative.
fn other_release(knative: &Version, kourier: &Version) -> Option<String> {
    ((knative.major, knative.minor) != (kourier.major, kourier.minor)).then(|| {
        format!(
            "Kourier {kourier} was released with Knative {}.{}, and this is Knative {knative}: nobody tests the pair. Without \
             --kourier the one that belongs to it is taken.",
            kourier.major, kourier.minor
        )
    })
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
        // Kourier follows Knative, unless it was named.
        let flag = match name {
            "knative-serving" => Some("knative"),
            "net-kourier" if ask.kourier.is_some() => Some("kourier"),
            _ => None,
        };
        let other = ask.kubernetes.and_then(|kubernetes| catalog.component(name).ok()?.newest_for(kubernetes));
        let instead = flag.zip(other).map(|(flag, other)| format!("--{flag} {}.{}", other.major, other.minor));
        parts.push(Part { name: called, range, instead });
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
    if let Some(version) = versions.get(internal_tls::CERT_MANAGER) {
        add(internal_tls::CERT_MANAGER, version, format!("cert-manager {version}"))?;
    }
    if ask.allow_unsupported != Some(true) {
        refuse_what_ends_itself(ask.kubernetes, &supported, &parts)?;
    }
    let (version, mut warnings) = target::choose(ask.kubernetes, &parts, &Calendar::embedded()?)?;
    if rule_set == RuleSet::Seed && ask.kubernetes.is_none() {
        // That no cluster runs it is said once, by `questionable`.
        warnings.clear();
    }
    Ok((version, supported, warnings))
}

/// Components whose binaries end themselves on a Kubernetes that is older than their minimum (knative.dev/pkg/version).
const END_THEMSELVES: [&str; 2] = ["knative-serving", "net-kourier"];

/// Refuses a render of which nothing would start.
fn refuse_what_ends_itself(
    asked: Option<kubernetes::Version>,
    supported: &[Supported],
    parts: &[Part<'_>],
) -> Result<(), StackError> {
    let Some(asked) = asked else { return Ok(()) };
    let too_new =
        |s: &&Supported| END_THEMSELVES.contains(&s.component.as_str()) && s.range.min.is_some_and(|min| min > asked);
    let ends: Vec<&Supported> = supported.iter().filter(too_new).collect();
    let Some(least) = ends.iter().filter_map(|s| s.range.min).max() else { return Ok(()) };
    let outside = |part: &&Part<'_>| part.range.is_some_and(|range| !range.holds(asked));
    let instead: Vec<&str> = parts.iter().filter(outside).filter_map(|part| part.instead.as_deref()).collect();
    let instead = if instead.is_empty() {
        "no version in the catalog does".to_owned()
    } else {
        format!("take {}", instead.join(" "))
    };
    let why: Vec<_> = ends.iter().map(|s| format!("{} takes {} ({})", s.part, s.range, s.range.see)).collect();
    Err(StackError(format!(
        "on Kubernetes {asked} this render ends itself at start: {}. For this cluster, {instead}; or bring the cluster to {least} \
         and say --kubernetes {least}. --allow-unsupported renders it all the same",
        why.join("; ")
    )))
}

/// The cluster, where name and region are known. Logs and the policy are for one region.
fn cluster(ask: &Ask, controller: &Component, version: &Version) -> Result<Option<Cluster>, StackError> {
    let (Some(name), Some(region)) = (&ask.cluster_name, &ask.region) else {
        if ask.logging == Some(true) {
            return Err(StackError(
                "--logging names the logs after the cluster and its region; give them with --cluster-name and --region"
                    .to_owned(),
            ));
        }
        return Ok(None);
    };
    let policy = controller.assets(version, &[]).into_iter().find(|asset| asset.asset == "iam-policy");
    let policy = policy.ok_or_else(|| format!("the catalog has no IAM policy of {}", controller.component))?;
    Ok(Some(Cluster { name: name.clone(), region: region.clone(), readable: Readable::all(ask)?, policy }))
}

/// Less than this is hoped for, not measured, in seconds (F27).
const COLD_START_LEAST: u32 = 30;

/// Whether nothing stands between the internet and plain HTTP: see the lint `alb-open-to-everybody`.
fn open_to_everybody(ask: &Ask) -> bool {
    let alb = &ask.alb;
    let guarded = !alb.inbound_cidrs.is_empty()
        || !alb.security_groups.is_empty()
        || alb.wafv2_acl_arn.as_deref().is_some_and(|acl| acl != "none");
    ask.scheme.unwrap_or(Scheme::InternetFacing) == Scheme::InternetFacing && ask.certificate_arn.is_none() && !guarded
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
    if let Some(region) = ask.region.as_deref().filter(|region| !aws::is_known_region(region))
        && let Some(near) = aws::near_region(region)
    {
        warnings.push(format!(
            "--region {region}: knrender knows no such region. Did you mean {near}? Regions are added, and this one may be new."
        ));
    }
    if let Some(seconds) = ask.cold_start.filter(|seconds| seconds.0 < COLD_START_LEAST) {
        warnings.push(format!(
            "--cold-start {seconds}: a pod takes 30 to 90 seconds to start on Fargate \
             (https://github.com/aws/containers-roadmap/issues/649)."
        ));
    }
    if ask.cold_start.is_some() && timeouts::request(ask) == timeouts::LEAST {
        warnings.push(format!(
            "--cold-start {}: the time-outs are {} seconds all the same, Knative's own maximum, and never less; they move with a \
             cold start of more than {}.",
            ask.cold_start.map_or(0, |s| s.0),
            timeouts::LEAST,
            timeouts::LEAST - 300
        ));
    }
    if timeouts::deregistration_delay(ask) < timeouts::gateway_drain(ask) {
        warnings.push(format!(
            "--cold-start {}: an ALB keeps the connections of a gateway pod that goes for {DEREGISTRATION_MAX} seconds at the most, so \
             that longer requests through it are cut; a request may take {} seconds.",
            ask.cold_start.map_or(0, |s| s.0),
            timeouts::request(ask)
        ));
    }
    if ask.region.as_deref().is_some_and(|region| region.starts_with("cn-")) {
        warnings.push(
            "The AWS Load Balancer Controller's image and its use of WAF and Shield were not checked for the regions of China: see \
             https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/ before install.sh."
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
    warnings.extend(internal_tls::notice(ask));
    warnings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // short to call
    use super::*;
    use crate::config::Part;

    pub(super) fn resolve(ask: Ask) -> Result<Stack, String> {
        Stack::resolve(&ask, &Catalog::embedded()).map_err(|e| e.to_string())
    }

    pub(super) fn some(text: &str) -> Option<String> {
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
    fn what_would_end_itself_at_start_is_refused_with_the_knative_that_would_not() {
        let ask = Ask { kubernetes: Some(kubernetes::Version::one(33)), ..Ask::default() };
        let error = resolve(ask.clone()).unwrap_err();
        assert!(
            error.contains("on Kubernetes 1.33 this render ends itself at start: knative-serving 1.23.0"),
            "{error}"
        );
        assert!(error.contains("take --knative 1.21; or bring the cluster to 1.34"), "{error}");
        let insisted = resolve(Ask { allow_unsupported: Some(true), ..ask.clone() }).unwrap();
        assert!(
            insisted.warnings.iter().any(|w| w.contains("for this cluster take --knative 1.21")),
            "{:?}",
            insisted.warnings
        );
        assert!(resolve(Ask { knative: some("1.21"), ..ask }).is_ok());
    }

    #[test]
    fn a_knative_at_its_end_is_told_with_the_day_and_the_way_out() {
        let said = resolve(Ask { knative: some("1.22"), ..Ask::default() }).unwrap().warnings;
        assert!(
            said.iter().any(|w| w.contains("1.22 has had no support since 2026-11-03")
                && w.contains("--knative 1.23 is supported until 2027-02-02")),
            "{said:?}"
        );
        assert!(resolve(Ask::default()).unwrap().warnings.is_empty());
    }

    #[test]
    fn a_kourier_of_another_release_is_told() {
        let ask = Ask { knative: some("1.21"), kourier: some("1.23"), ..Ask::default() };
        let said = resolve(ask).unwrap().warnings;
        assert!(said.iter().any(|w| w.starts_with("Kourier 1.23.0 was released with Knative 1.23")), "{said:?}");
    }

    #[test]
    fn a_controller_that_the_catalog_does_not_list_is_taken_by_its_version() {
        let ask =
            Ask { controller: some("3.7.0"), region: some("eu-west-1"), cluster_name: some("a"), ..Ask::default() };
        let stack = resolve(ask).unwrap();
        let policy = stack.cluster.unwrap().policy;
        assert!(policy.urls[0].contains("/v3.7.0/") && policy.known.is_none(), "{policy:?}");
        assert!(resolve(Ask { controller: some("2.11.0"), ..Ask::default() }).unwrap_err().contains("Before 3.0"));
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
