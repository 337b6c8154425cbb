//! Fargate profiles that take exactly the pods of a render and of the user's apps, within EKS' quotas.
//! Source of the quotas: <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>

use std::collections::BTreeSet;

use crate::fargate::profile::{Profile, ProfileSelector, fits};

/// How many selectors a profile may have.
const SELECTORS_MAX: usize = 5;
/// How many profiles a cluster may have.
const PROFILES_MAX: usize = 10;

/// More selectors than the profiles of one cluster can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{selectors} namespaces would need {profiles} Fargate profiles, and a cluster has {PROFILES_MAX} at the most, of \
     {SELECTORS_MAX} selectors each: name several namespaces at once in --app-namespace, such as team-*"
)]
pub struct TooMany {
    selectors: usize,
    profiles: usize,
}

/// The profiles for the namespaces that `system` and the render have pods in, and for the `apps` of the user.
///
/// # Errors
/// That EKS does not take so many.
pub fn pack(system: &[&str], render: &BTreeSet<String>, apps: &[ProfileSelector]) -> Result<Vec<Profile>, TooMany> {
    let all_of = |namespace: &str| ProfileSelector { namespace: namespace.to_owned(), ..ProfileSelector::default() };
    let system: Vec<_> = system.iter().map(|namespace| all_of(namespace)).collect();
    let render: Vec<_> = render.iter().map(|n| all_of(n)).filter(|s| !system.contains(s)).collect();
    let own: Vec<_> = system.iter().chain(&render).cloned().collect();
    let apps = merged(apps).into_iter().filter(|app| !own.iter().any(|other| covers(other, app))).collect();
    let groups = [("fp-system", system), ("fp-knative", render), ("fp-apps", apps)];
    let selectors = groups.iter().map(|(_, selectors)| selectors.len()).sum();
    let profiles: Vec<Profile> = groups.iter().flat_map(|(name, selectors)| split(name, selectors)).collect();
    if profiles.len() > PROFILES_MAX {
        return Err(TooMany { selectors, profiles: profiles.len() });
    }
    Ok(profiles)
}

/// As many profiles as it takes: `name`, `name-2` and so on.
fn split(name: &str, selectors: &[ProfileSelector]) -> Vec<Profile> {
    let chunks = selectors.chunks(SELECTORS_MAX).enumerate();
    let named = |i: usize| if i == 0 { name.to_owned() } else { format!("{name}-{}", i + 1) };
    chunks.map(|(i, selectors)| Profile { name: named(i), selectors: selectors.to_vec() }).collect()
}

/// The selectors without those that another one covers, in their order.
fn merged(selectors: &[ProfileSelector]) -> Vec<ProfileSelector> {
    let mut kept: Vec<ProfileSelector> = Vec::new();
    for selector in selectors {
        if kept.iter().any(|other| covers(other, selector)) {
            continue;
        }
        kept.retain(|other| !covers(selector, other));
        kept.push(selector.clone());
    }
    kept
}

/// Whether every pod that `other` selects is selected by `one`. Where that is hard to tell, it is not.
fn covers(one: &ProfileSelector, other: &ProfileSelector) -> bool {
    let label = |(key, value): (&String, &String)| {
        other.labels.iter().any(|(k, v)| covers_pattern(key, k) && covers_pattern(value, v))
    };
    covers_pattern(&one.namespace, &other.namespace) && one.labels.iter().all(label)
}

/// Whether every text that fits `other` fits `one`. A `*` may stand for a wildcard of the other, a `?` only for a `?`.
fn covers_pattern(one: &str, other: &str) -> bool {
    one == other || (fits(one, other) && !(one.contains('?') && other.contains('*')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selector(namespace: &str, labels: &[(&str, &str)]) -> ProfileSelector {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ProfileSelector { namespace: namespace.to_owned(), labels }
    }

    /// Profiles as `name: namespace namespace`.
    fn packed(render: &[&str], apps: &[&str]) -> Vec<String> {
        let render = render.iter().map(|n| (*n).to_owned()).collect();
        let apps: Vec<_> = apps.iter().map(|n| selector(n, &[])).collect();
        let show = |profile: Profile| {
            let names: Vec<_> = profile.selectors.into_iter().map(|s| s.namespace).collect();
            format!("{}: {}", profile.name, names.join(" "))
        };
        pack(&["kube-system"], &render, &apps).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn system_knative_and_apps_have_profiles_of_their_own() {
        assert_eq!(
            packed(&["kourier-system", "knative-serving"], &["default"]),
            ["fp-system: kube-system", "fp-knative: knative-serving kourier-system", "fp-apps: default"]
        );
    }

    #[test]
    fn what_does_not_fit_goes_into_a_second_profile() {
        let profiles = packed(&["a"], &["b", "c", "d", "e", "f", "g"]);
        assert_eq!(profiles[2..], ["fp-apps: b c d e f", "fp-apps-2: g"]);
    }

    #[test]
    fn what_another_pattern_covers_is_left_out() {
        assert_eq!(
            packed(&["a"], &["team-a", "team-*", "team-b", "t?", "kube-system", "a"])[2..],
            ["fp-apps: team-* t?"]
        );
        assert_eq!(packed(&["a"], &["*"]), ["fp-system: kube-system", "fp-knative: a", "fp-apps: *"]);
        let apps = [selector("shop", &[("app", "web")]), selector("shop", &[]), selector("shop", &[("tier", "x")])];
        assert_eq!(merged(&apps), [selector("shop", &[])]);
        let apps = [selector("shop", &[("app", "web")]), selector("shop", &[("app", "api")])];
        assert_eq!(merged(&apps), apps);
    }

    #[test]
    fn more_than_a_cluster_takes_is_an_error_that_says_what_to_do() {
        let names: Vec<_> = (0..41).map(|i| selector(&format!("n{i}"), &[])).collect();
        let render = BTreeSet::from(["a".to_owned()]);
        assert_eq!(pack(&["kube-system"], &render, &names[..40]).unwrap().len(), 10);
        let error = pack(&["kube-system"], &render, &names).unwrap_err().to_string();
        assert!(error.starts_with("43 namespaces would need 11 Fargate profiles"), "{error}");
    }

    proptest! {
        #[test]
        fn every_namespace_is_taken_and_no_quota_broken(
            render in prop::collection::btree_set("[ab]{1,3}", 0..8),
            apps in prop::collection::vec("[ab*?]{1,4}", 0..20),
            probes in prop::collection::vec("[abc]{1,4}", 20),
        ) {
            let apps: Vec<_> = apps.iter().map(|n| selector(n, &[])).collect();
            let profiles = pack(&["kube-system"], &render, &apps).unwrap();
            prop_assert!(profiles.len() <= PROFILES_MAX);
            prop_assert!(profiles.iter().all(|p| (1..=SELECTORS_MAX).contains(&p.selectors.len())));
            let names: BTreeSet<_> = profiles.iter().map(|p| &p.name).collect();
            prop_assert_eq!(names.len(), profiles.len());
            let taken = |namespace: &str| profiles.iter().flat_map(|p| &p.selectors).any(|s| fits(&s.namespace, namespace));
            prop_assert!(profiles[0].selectors.contains(&selector("kube-system", &[])));
            for namespace in render.iter().chain(&probes) {
                let wanted = render.contains(namespace) || apps.iter().any(|a| fits(&a.namespace, namespace));
                prop_assert_eq!(taken(namespace), wanted, "{}", namespace);
            }
        }
    }
}
