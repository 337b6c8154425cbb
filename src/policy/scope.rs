//! Where policies judge: in the namespaces of the Fargate profiles, and there the pods that a profile takes. Elsewhere pods may
//! run on nodes.

use crate::value::{Value, json};

use super::{SYSTEM, text};
use crate::fargate::profile::{ProfileSelector, Profiles, fits};

/// The namespaces and pods that are judged; `None` where no profiles are known: everywhere but in what is the system's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope(Option<Vec<ProfileSelector>>);

impl Scope {
    /// The scope that the profiles of a cluster give.
    ///
    /// # Errors
    /// In words, which profiles contradict each other, or that nothing is left to judge.
    pub fn of(profiles: Option<&Profiles>) -> Result<Scope, String> {
        let Some(Profiles(profiles)) = profiles else { return Ok(Scope(None)) };
        let mut seen: Vec<(&str, &ProfileSelector)> = Vec::new();
        for profile in profiles {
            if profile.selectors.is_empty() {
                return Err(format!(
                    "the Fargate profile {} has no selectors, which EKS refuses: give it one, or leave it out",
                    profile.name
                ));
            }
            for selector in &profile.selectors {
                if selector.namespace.is_empty() {
                    return Err(format!("a selector of the Fargate profile {} has no namespace", profile.name));
                }
                if let Some((other, _)) = seen.iter().find(|(_, s)| *s == selector) {
                    return Err(format!(
                        "the Fargate profiles {other} and {} have one selector, {}: which of them takes a pod is chance. Leave it \
                         to one of them",
                        profile.name,
                        shown(selector)
                    ));
                }
                seen.push((&profile.name, selector));
            }
        }
        let is_system = |selector: &&ProfileSelector| SYSTEM.contains(&selector.namespace.as_str());
        let kept: Vec<ProfileSelector> = seen.iter().map(|(_, s)| *s).filter(|s| !is_system(s)).cloned().collect();
        if kept.is_empty() {
            return Err(format!(
                "no Fargate profile takes a namespace other than {}, so that there is nothing for policies to judge: add the \
                 namespaces of your apps",
                SYSTEM.join(", ")
            ));
        }
        Ok(Scope(Some(kept)))
    }

    /// Holds namespaces, or patterns of some, of which something is known to run there against the profiles.
    ///
    /// # Errors
    /// In words, which of them no profile takes.
    pub fn hold<'n>(&self, namespaces: impl Iterator<Item = &'n str>) -> Result<(), String> {
        let missing: Vec<&str> = namespaces.filter(|n| !SYSTEM.contains(n) && !self.takes(n)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!(
            "no Fargate profile takes {}: its pods would wait for nodes, and no policy would judge them. Add a selector for it to \
             `fargate-profiles`",
            missing.join(", ")
        ))
    }

    /// Whether something in a namespace is judged.
    pub fn takes(&self, namespace: &str) -> bool {
        self.0.as_ref().is_none_or(|all| all.iter().any(|selector| fits(&selector.namespace, namespace)))
    }

    /// Whether there is a namespace of which Fargate takes every pod.
    pub fn takes_whole_namespaces(&self) -> bool {
        self.0.as_ref().is_none_or(|all| all.iter().any(|selector| selector.labels.is_empty()))
    }

    /// The namespaces, with wildcards; `None`: all that are not the system's.
    pub(super) fn namespaces(&self) -> Option<Vec<&str>> {
        let all = self.0.as_ref()?;
        let mut names: Vec<&str> = all.iter().map(|selector| selector.namespace.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// The same as a selector of namespaces by their labels, as far as that goes without wildcards.
    pub(super) fn selector(&self) -> Value {
        let (operator, values) = match self.namespaces().filter(|all| !all.iter().any(|name| is_pattern(name))) {
            Some(names) => ("In", names),
            None => ("NotIn", SYSTEM.to_vec()),
        };
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": operator, "values": values}]})
    }

    /// What has to hold beside that, in CEL. `template`: where the pods' labels are; `namespace`: that of an object that is in none.
    pub(super) fn condition(&self, template: Option<&str>, namespace: Option<&str>) -> Option<String> {
        let here = namespace.unwrap_or("OBJECT.metadata.?namespace.orValue('')");
        let Some(all) = &self.0 else {
            let names: Vec<String> = SYSTEM.iter().map(|name| text(name)).collect();
            return namespace.map(|_| format!("!({here} in [{}])", names.join(", ")));
        };
        let by_selector = namespace.is_none() && !all.iter().any(|s| is_pattern(&s.namespace));
        let relevant: Vec<&ProfileSelector> =
            all.iter().filter(|selector| template.is_some() || selector.labels.is_empty()).collect();
        let whole = |namespace: &str| relevant.iter().any(|s| s.namespace == namespace && s.labels.is_empty());
        let everything = all.iter().all(|selector| whole(&selector.namespace));
        if by_selector && everything {
            return None;
        }
        let one = |selector: &&ProfileSelector| {
            let place = matches(here, &selector.namespace);
            let labels = selector.labels.iter().map(|(key, value)| label(template.unwrap_or_default(), key, value));
            std::iter::once(place).chain(labels).collect::<Vec<_>>().join(" && ")
        };
        Some(relevant.iter().map(one).collect::<Vec<_>>().join(" ||\n"))
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether an expression is a text, or fits a pattern.
fn matches(expression: &str, pattern: &str) -> String {
    if is_pattern(pattern) {
        format!("{expression}.matches({})", text(&regexp(pattern)))
    } else {
        format!("{expression} == {}", text(pattern))
    }
}

/// A pattern with `*` and `?` as a regular expression.
fn regexp(pattern: &str) -> String {
    let mut out = String::from("^");
    for c in pattern.chars() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/') => out.push(c),
            c => out.extend(['\\', c]),
        }
    }
    out.push('$');
    out
}

/// Knative gives its pods these labels, with the name of the object that it made them for.
const GIVEN: [&str; 2] = ["serving.knative.dev/configuration", "serving.knative.dev/service"];

/// Whether pods get a label that a profile asks for.
fn label(template: &str, key: &str, value: &str) -> String {
    let labels = format!("({template}).?metadata.?labels");
    let there = if is_pattern(key) {
        format!(
            "{labels}.orValue({{}}).exists(k, {} && {})",
            matches("k", key),
            matches(&format!("{labels}.orValue({{}})[k]"), value)
        )
    } else {
        matches(&format!("{labels}[?{}].orValue('')", text(key)), value)
    };
    if GIVEN.iter().any(|given| fits(key, given)) {
        let named = matches("OBJECT.metadata.?name.orValue('')", value);
        format!("({there} || OBJECT.apiVersion.startsWith('serving.knative.dev/') && {named})")
    } else {
        there
    }
}

fn shown(selector: &ProfileSelector) -> String {
    let labels: Vec<String> = selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if labels.is_empty() { selector.namespace.clone() } else { format!("{}:{}", selector.namespace, labels.join(",")) }
}
