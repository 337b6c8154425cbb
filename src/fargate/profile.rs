//! Fargate profiles: which pods Fargate takes at all.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::value::{Text, Value};

/// One Fargate profile, as eksctl and `knrender.yaml` write it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Which pods it takes: those that one of these selects.
    #[serde(default)]
    pub selectors: Vec<ProfileSelector>,
}

/// Which pods a profile takes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSelector {
    /// Namespace, with `*` and `?`.
    pub namespace: String,
    /// Labels, all of which a pod has to have; keys and values with `*` and `?`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// The profiles of the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profiles(pub Vec<Profile>);

/// The label with which a pod chooses between profiles that would take it.
const CHOICE: &str = "eks.amazonaws.com/fargate-profile";

impl Profile {
    /// The profiles of an eksctl `ClusterConfig`. What is not as it should be there is read as far as it goes; the lint
    /// `fargate-profile-refused` tells it.
    pub fn of_cluster(cluster: &Value) -> impl Iterator<Item = Profile> {
        fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
            value[key].as_array().into_iter().flatten()
        }
        list(cluster, "fargateProfiles").map(|profile| Profile {
            name: profile["name"].as_str().unwrap_or_default().to_owned(),
            selectors: list(profile, "selectors").filter_map(ProfileSelector::of).collect(),
        })
    }
}

impl ProfileSelector {
    /// A selector as eksctl writes it; `None` without a namespace.
    pub fn of(value: &Value) -> Option<ProfileSelector> {
        let text = |(key, value): (&Text, &Value)| Some((key.to_string(), value.as_str()?.to_owned()));
        let labels = value["labels"].as_object().into_iter().flatten().filter_map(text).collect();
        Some(ProfileSelector { namespace: value["namespace"].as_str()?.to_owned(), labels })
    }
}

impl Profiles {
    /// The profiles that are given, and those of the eksctl `ClusterConfig`s; `None` where nothing tells any.
    pub fn with_clusters<'v>(given: Option<Profiles>, clusters: impl Iterator<Item = &'v Value>) -> Option<Profiles> {
        let mut clusters = clusters.peekable();
        if given.is_none() && clusters.peek().is_none() {
            return None;
        }
        let mut profiles = given.unwrap_or_default();
        profiles.0.extend(clusters.flat_map(Profile::of_cluster));
        Some(profiles)
    }

    /// Whether a pod with these labels runs on Fargate.
    pub fn take(&self, namespace: &str, labels: &[(&str, &str)]) -> bool {
        let choice = labels.iter().find(|(key, _)| *key == CHOICE).map(|(_, name)| *name);
        let chosen = self.0.iter().filter(|profile| choice.is_none_or(|name| profile.name == name));
        chosen.flat_map(|profile| &profile.selectors).any(|selector| {
            let has = |(key, value): (&String, &String)| labels.iter().any(|(k, v)| fits(key, k) && fits(value, v));
            fits(&selector.namespace, namespace) && selector.labels.iter().all(has)
        })
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters and `?` for exactly one.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` was, and how much of the text it stands for.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters_and_a_question_mark_exactly_one() {
        for (pattern, text) in [("*", ""), ("knative-*", "knative-serving"), ("a?c", "abc"), ("*-sys*m", "kube-system")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a?c", "ac"), ("knative-*", "kourier-system"), ("", "a"), ("a*b", "ac")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
