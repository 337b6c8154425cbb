//! Lints as admission policies: what can be judged from one object, refused, warned about or recorded by the cluster itself.
//!
//! A lint and its policy stand side by side as data: `data/lints/lints.yaml` says what is said, `data/lints/policies.yaml` has
//! the expression. One test holds them together.
//! Source: <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::alb::annotations::{self, Plain};
use crate::findings::page::{Book, Page, Pages};
use crate::ledger::Reason;
use crate::manifest::object::is_kubernetes_group;
use crate::value::{Value, json};
use crate::{embedded, kubernetes, yaml};
pub use exceptions::Exceptions;
pub use scope::Scope;

mod exceptions;
mod kyverno;
pub mod list;
mod scope;
mod vap;

const PARAMETERS: &str =
    "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#parameter-resources";

/// Where the policies are.
pub const PATH: &str = "data/lints/policies.yaml";

/// Who judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// `ValidatingAdmissionPolicy`, which the API server has itself
    #[default]
    Vap,
    /// Kyverno
    Kyverno,
}

/// Namespaces that are nobody's workloads: what EKS itself puts there must not wait for anybody's policies.
const SYSTEM: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

/// All policies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    pods: Vec<Variable>,
    kinds: BTreeMap<String, Kind>,
    #[serde(rename = "policies")]
    each: Vec<Policy>,
    beyond: BTreeMap<String, String>,
}

/// What a policy looks at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    rules: Vec<Resources>,
    /// Where the template of pods is, in CEL; OBJECT stands for the object.
    #[serde(default)]
    template: Option<String>,
    /// What policies on it may name, beside what pods have.
    #[serde(default)]
    variables: Vec<Variable>,
    /// The namespace that it belongs to, in CEL, where that is not its own.
    #[serde(default)]
    namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    api: String,
    /// Resource and kind.
    resources: BTreeMap<String, String>,
}

impl Resources {
    fn group(&self) -> &str {
        self.api.rsplit_once('/').map_or("", |(group, _)| group)
    }

    fn version(&self) -> &str {
        self.api.rsplit('/').next().unwrap_or_default()
    }
}

/// A named expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub expression: String,
}

/// One lint as a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The lint's code.
    pub code: String,
    on: String,
    /// What only this policy needs.
    #[serde(default)]
    variables: Vec<Variable>,
    /// CEL: a list of texts, one for each thing that is wrong.
    pub found: String,
    /// Examples of the lint that a single object does not show, each with the reason.
    #[serde(default)]
    pub beyond: BTreeMap<String, String>,
}

/// What is said about what has a policy: the pages of lints, and of what `validate` checks.
#[derive(Clone, Debug)]
pub struct Words {
    /// Lints.
    pub lint: Pages,
    /// Checks.
    pub validate: Pages,
}

impl Words {
    /// Those in the binary.
    ///
    /// # Errors
    /// In words, that the data is broken; a test keeps that from happening.
    pub fn embedded() -> Result<Words, String> {
        Ok(Words { lint: Pages::embedded(Book::Lint)?, validate: Pages::embedded(Book::Validate)? })
    }

    /// The page of one code.
    pub fn of(&self, code: &str) -> Option<&Page> {
        self.lint.of(code).or_else(|| self.validate.of(code))
    }
}

/// What is wanted of the policies.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whether nothing is refused and nobody warned.
    pub audit_only: bool,
    /// Where they judge.
    pub scope: Scope,
    /// What they let pass.
    pub exceptions: Exceptions,
}

/// The policies as objects.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Files, in the order in which they are applied.
    pub files: BTreeMap<String, Vec<Value>>,
    /// How many policies there are.
    pub policies: usize,
    /// What the user should know.
    pub told: Vec<String>,
}

impl Policies {
    /// The policies in the binary.
    ///
    /// # Errors
    /// In words, that the data is broken; a test keeps that from happening.
    pub fn embedded() -> Result<Policies, String> {
        yaml::parse_as(embedded::text(PATH).unwrap_or_default()).map_err(|e| format!("{PATH}: {e}"))
    }

    /// The policies, in the order of the file.
    pub fn all(&self) -> &[Policy] {
        &self.each
    }

    /// The policy of a lint.
    pub fn of(&self, code: &str) -> Option<&Policy> {
        self.each.iter().find(|policy| policy.code == code)
    }

    /// Why lints have no policy, by code.
    pub fn beyond(&self) -> &BTreeMap<String, String> {
        &self.beyond
    }

    /// The variables that a policy's expression names, in their order, `found` last.
    pub fn variables<'p>(&'p self, policy: &'p Policy) -> Vec<(&'p str, &'p str)> {
        let template = self.kind(policy).and_then(|kind| kind.template.as_deref());
        let template = template.map(|text| ("template", text));
        let pods = if template.is_some() { self.pods.as_slice() } else { &[] };
        let of_kind = self.kind(policy).map_or(&[][..], |kind| &kind.variables);
        let own = pods.iter().chain(of_kind).chain(&policy.variables).map(|v| (v.name.as_str(), v.expression.as_str()));
        let all: Vec<(&str, &str)> = template.into_iter().chain(own).collect();
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        let mut texts = vec![policy.found.as_str()];
        while let Some(text) = texts.pop() {
            for (name, expression) in &all {
                if names(text, name) && needed.insert(name) {
                    texts.push(expression);
                }
            }
        }
        let found = std::iter::once(("found", policy.found.as_str()));
        all.iter().filter(|(name, _)| needed.contains(name)).copied().chain(found).collect()
    }

    /// Whether a policy is about objects of this group and kind.
    pub fn is_about(&self, policy: &Policy, group: &str, kind: &str) -> bool {
        self.rules(policy).iter().any(|rule| rule.group() == group && rule.resources.values().any(|of| of == kind))
    }

    /// What has to hold for an object to be judged at all, each with its name.
    pub fn conditions(&self, policy: &Policy, scope: &Scope) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let template = self.kind(policy).and_then(|kind| kind.template.as_deref());
        all.push(("no-controller-made-it", MADE.to_owned()));
        all.push(("changed", changed(template.is_some())));
        if let Some(condition) = scope.condition(template, self.namespace(policy)) {
            all.push(("on-fargate", condition));
        }
        all
    }

    /// All policies as objects, those that are wanted nowhere left out.
    pub fn written(&self, pages: &Words, wanted: &Wanted, engine: Engine) -> Written {
        let mut written = Written { told: wanted.exceptions.told().to_vec(), ..Written::default() };
        let mut nowhere = Vec::new();
        for policy in &self.each {
            let Some(page) = pages.of(&policy.code) else { continue };
            if wanted.exceptions.everywhere(&policy.code) {
                continue;
            }
            if !self.has_template(policy) && !wanted.scope.takes_whole_namespaces() {
                nowhere.push(policy.code.as_str());
                continue;
            }
            written.policies += 1;
            written.files.insert(format!("{}.yaml", policy.code), self.objects(policy, page, wanted, engine));
        }
        if !nowhere.is_empty() {
            written.told.push(format!(
                "no policy is written for {}: they judge objects without pods, and the profiles take no namespace as a whole",
                nowhere.join(", ")
            ));
        }
        if let Some(object) = wanted.exceptions.object().filter(|_| engine == Engine::Vap) {
            written.files.insert("exceptions.yaml".to_owned(), vec![object]);
        }
        written
    }

    /// The objects of a policy: itself, and what binds it.
    pub fn objects(&self, policy: &Policy, page: &Page, wanted: &Wanted, engine: Engine) -> Vec<Value> {
        match engine {
            Engine::Vap => self.vap(policy, page, wanted),
            Engine::Kyverno => vec![self.kyverno(policy, page, wanted)],
        }
    }

    /// Where the policy that a file is of stands in [`PATH`]; the first line for what is of none.
    pub fn line(&self, file: &str) -> usize {
        let start = format!("- code: {}", file.trim_end_matches(".yaml"));
        embedded::text(PATH).unwrap_or_default().lines().position(|line| line == start).map_or(1, |at| at + 1)
    }

    /// Why a render has the objects of a file.
    pub fn reason(&self, pages: &Words, file: &str) -> Reason {
        let code = file.trim_end_matches(".yaml");
        let (why, see) = match pages.of(code) {
            Some(page) => {
                (format!("The lint {code} as the cluster's own: {}. {}", page.title, page.why), page.see.clone())
            }
            None => (
                "What `allow` of knrender.yaml accepts, the policies let pass.".to_owned(),
                vec![PARAMETERS.to_owned()],
            ),
        };
        Reason { rule: "policies".to_owned(), at: format!("{PATH}, line {}", self.line(file)), why, see }
    }

    fn kind(&self, policy: &Policy) -> Option<&Kind> {
        self.kinds.get(&policy.on)
    }

    fn rules(&self, policy: &Policy) -> &[Resources] {
        self.kind(policy).map_or(&[], |kind| &kind.rules)
    }

    fn has_template(&self, policy: &Policy) -> bool {
        self.kind(policy).is_some_and(|kind| kind.template.is_some())
    }

    /// The namespace of what a policy is about, in CEL, where it is not the object's own.
    fn namespace(&self, policy: &Policy) -> Option<&str> {
        self.kind(policy).and_then(|kind| kind.namespace.as_deref())
    }

    /// The kinds that a policy is about, as people write them.
    fn kinds(&self, policy: &Policy) -> Vec<String> {
        let with_group = |rule: &Resources, kind: &String| {
            let group = rule.group();
            if is_kubernetes_group(group) { kind.clone() } else { format!("{kind}.{group}") }
        };
        self.rules(policy)
            .iter()
            .flat_map(|rule| rule.resources.values().map(move |kind| with_group(rule, kind)))
            .collect()
    }

    fn named_variables(&self, policy: &Policy) -> Vec<Value> {
        let variable = |(name, expression): (&str, &str)| json!({"name": name, "expression": here(expression)});
        self.variables(policy).into_iter().map(variable).collect()
    }

    fn named_conditions(&self, policy: &Policy, scope: &Scope) -> Vec<Value> {
        let condition = |(name, expression): (&str, String)| json!({"name": name, "expression": here(&expression)});
        self.conditions(policy, scope).into_iter().map(condition).collect()
    }
}

/// What a controller makes is judged where people write it.
const MADE: &str = "!object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && o.kind in\n  \
    ['Configuration', 'CronJob', 'DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'Revision', 'Service', 'StatefulSet'])";

/// What is there already is judged when what was judged changes: otherwise nothing of it could be scaled or deleted any more.
/// EKS annotates pods that run.
fn changed(has_template: bool) -> String {
    let differs = |field: &str| {
        let of = |object: &str| format!("dyn({object}).{field}.orValue({{}})");
        format!("{} != {}", of("OBJECT"), of("oldObject"))
    };
    if has_template {
        let (template, job) = (differs("?spec.?template"), differs("?spec.?jobTemplate"));
        format!("oldObject == null || {template} ||\n{job} ||\nobject.kind == 'Pod' && {}", differs("?spec"))
    } else {
        format!("oldObject == null || {} ||\n{}", differs("?spec"), differs("?metadata.?annotations"))
    }
}

/// An expression about the object that is judged, with what is known of the controller's annotations where it asks for that.
pub fn here(expression: &str) -> String {
    let mut text = expression.trim_end().replace("OBJECT", "object");
    for (word, literal) in [
        ("ALB_ANNOTATIONS", alb_names as fn(&str) -> String),
        ("ALB_PREFIXES", alb_names),
        ("ALB_BOOLS", alb_values),
        ("ALB_NUMBERS", alb_values),
        ("ALB_WORDS", alb_values),
    ] {
        if text.contains(word) {
            text = text.replace(word, &literal(word));
        }
    }
    text
}

/// The names of all annotations of the controller, or the beginnings of those that end freely, as a list in CEL.
fn alb_names(word: &str) -> String {
    let names = annotations::known().names().filter(|name| name.ends_with('*') == (word == "ALB_PREFIXES"));
    let names: Vec<String> = names.map(|name| alb(name.trim_end_matches('*'))).collect();
    format!("[{}]", names.join(", "))
}

/// The annotations that take a truth value as a list in CEL, those that take numbers or words as a map with what they take.
fn alb_values(word: &str) -> String {
    let entry = |(name, takes): (&str, Plain<'_>)| match (word, takes) {
        ("ALB_BOOLS", Plain::Bool) => Some(alb(name)),
        ("ALB_NUMBERS", Plain::Number([least, most])) => Some(format!("{}: [{least}, {most}]", alb(name))),
        ("ALB_WORDS", Plain::Words(words)) => {
            let words: Vec<String> = words.iter().map(|word| self::text(word)).collect();
            Some(format!("{}: [{}]", alb(name), words.join(", ")))
        }
        _ => None,
    };
    let all = annotations::known().plain().filter_map(entry).collect::<Vec<_>>().join(", ");
    if word == "ALB_BOOLS" { format!("[{all}]") } else { format!("{{{all}}}") }
}

fn alb(name: &str) -> String {
    text(&format!("{}{name}", annotations::PREFIX))
}

/// Whether an expression names a variable.
fn names(expression: &str, variable: &str) -> bool {
    let of = |rest: &str| {
        rest.strip_prefix(variable).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    expression.split("variables.").skip(1).any(of)
}

/// Why a Kubernetes has no such engine.
///
/// # Errors
/// In words, with what to do.
pub fn served(engine: Engine, target: Option<kubernetes::Version>) -> Result<(), String> {
    match target {
        Some(target) if engine == Engine::Vap && target < kubernetes::Version::one(30) => Err(format!(
            "Kubernetes {target} has no ValidatingAdmissionPolicy of v1, which came with 1.30: bring the cluster to 1.30 or newer, or \
             take `knrender policy --engine kyverno`"
        )),
        _ => Ok(()),
    }
}

/// Labels of all that is written here.
fn labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "knrender", "app.kubernetes.io/part-of": "knrender-policies"})
}

/// The name of a policy.
fn name_of(policy: &Policy) -> String {
    format!("knrender-{}", policy.code)
}

/// What has to hold, and what is said where it does not.
fn validation(page: &Page, expression: &str) -> Value {
    let see = page.see.first().map(|see| format!(" See {see}")).unwrap_or_default();
    let rest = text(&format!(". {} [knrender {}, {}]{see}", page.fix.trim_end(), page.code, page.rule));
    json!({
        "expression": expression,
        "message": page.title,
        "messageExpression": format!("variables.found.join('; ') + {rest}"),
    })
}

/// A text as CEL writes it.
fn text(plain: &str) -> String {
    format!("'{}'", plain.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', " "))
}
