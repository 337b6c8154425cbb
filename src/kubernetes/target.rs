//! Which Kubernetes version a stack is for: the one that was asked for, or else the newest of EKS that all parts support.

use std::fmt;

use semver::VersionReq;
use serde::Deserialize;

use super::Version;
use super::eks::Calendar;

/// The Kubernetes versions that some versions of a component support, with the source that states it. An end that nobody
/// states is open.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesRange {
    /// The component's versions that it is about.
    pub versions: VersionReq,
    /// The oldest Kubernetes.
    #[serde(default)]
    pub min: Option<Version>,
    /// The newest Kubernetes.
    #[serde(default)]
    pub max: Option<Version>,
    /// Where it is stated.
    pub see: String,
}

impl KubernetesRange {
    /// Whether a version is in it.
    pub fn holds(&self, version: Version) -> bool {
        self.min.is_none_or(|min| min <= version) && self.max.is_none_or(|max| version <= max)
    }
}

impl fmt::Display for KubernetesRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "{min} or newer"),
            (None, Some(max)) => write!(f, "{max} or older"),
            (None, None) => write!(f, "any version"),
        }
    }
}

/// A part of a stack, as far as Kubernetes versions go.
#[derive(Debug)]
pub struct Part<'c> {
    /// What people call it, with its version.
    pub name: String,
    /// The Kubernetes versions that it supports, where anybody states it.
    pub range: Option<&'c KubernetesRange>,
    /// What to say in place of it for the Kubernetes that was asked for, such as `--knative 1.21`.
    pub instead: Option<String>,
}

impl Part<'_> {
    fn holds(&self, version: Version) -> bool {
        self.range.is_none_or(|range| range.holds(version))
    }
}

/// Chooses the version, and says what people should know about it.
///
/// # Errors
/// In words, that the calendar in the binary lists no version; a test keeps that from happening.
pub fn choose(
    asked: Option<Version>,
    parts: &[Part<'_>],
    calendar: &Calendar,
) -> Result<(Version, Vec<String>), String> {
    let newest = calendar.newest().ok_or("upstream/eks.yaml lists no version that EKS offers")?;
    let version = asked.or_else(|| newest_of_all(parts, calendar)).unwrap_or(newest);
    let mut warnings = Vec::new();
    let outside: Vec<String> = parts
        .iter()
        .filter(|part| !part.holds(version))
        .filter_map(|part| part.range.map(|range| format!("{} supports {range} ({})", part.name, range.see)))
        .collect();
    if !outside.is_empty() {
        let other: Vec<&str> =
            parts.iter().filter(|part| !part.holds(version)).filter_map(|part| part.instead.as_deref()).collect();
        let best = newest_of_all(parts, calendar).map(|best| format!("--kubernetes {best}"));
        let instead = match (other.is_empty(), best) {
            (true, None) => "no Kubernetes version is in all ranges; choose another version of the part".to_owned(),
            (true, Some(best)) => format!("take {best}"),
            (false, None) => format!("take {}", other.join(" ")),
            (false, Some(best)) => {
                format!("for this cluster take {}, or for one that is upgraded {best}", other.join(" "))
            }
        };
        let outside = outside.join("; ");
        warnings.push(format!("Kubernetes {version} is outside of what is supported: {outside}. Instead, {instead}."));
    }
    let unknown: Vec<&str> = parts.iter().filter(|p| p.range.is_none()).map(|p| p.name.as_str()).collect();
    if !unknown.is_empty() {
        warnings.push(format!("Which Kubernetes versions {} supports is not known.", unknown.join(" and ")));
    }
    warnings.extend(calendar.notice(version));
    Ok((version, warnings))
}

/// The newest version of EKS that all parts support; where there is none, the newest of any time that they state.
fn newest_of_all(parts: &[Part<'_>], calendar: &Calendar) -> Option<Version> {
    let all = |version: &Version| parts.iter().all(|part| part.holds(*version));
    let stated = || parts.iter().filter_map(|part| part.range.and_then(|range| range.max)).min().filter(all);
    calendar.offered().rev().map(|offered| offered.version).find(all).or_else(stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: Option<u16>, max: Option<u16>) -> KubernetesRange {
        KubernetesRange {
            versions: semver::VersionReq::STAR,
            min: min.map(Version::one),
            max: max.map(Version::one),
            see: "https://example.com".to_owned(),
        }
    }

    fn chosen(asked: Option<u16>, ranges: &[Option<KubernetesRange>]) -> (Version, Vec<String>) {
        let parts: Vec<_> = ranges
            .iter()
            .zip(["a 1", "b 2"])
            .map(|(r, n)| Part { name: n.to_owned(), range: r.as_ref(), instead: None })
            .collect();
        choose(asked.map(Version::one), &parts, &Calendar::embedded().unwrap()).unwrap()
    }

    #[test]
    fn without_a_flag_it_is_the_newest_of_eks_that_all_parts_support() {
        assert_eq!(chosen(None, &[Some(range(Some(34), None))]), (Version::one(36), vec![]));
        assert_eq!(chosen(None, &[Some(range(Some(31), Some(35)))]).0, Version::one(35));
    }

    #[test]
    fn parts_that_no_offered_version_suits_take_the_newest_that_they_state() {
        let (version, warnings) = chosen(None, &[Some(range(Some(14), Some(21))), Some(range(None, Some(25)))]);
        assert_eq!(version, Version::one(21));
        assert!(warnings[0].starts_with("EKS offers Kubernetes 1.21 no longer"), "{warnings:?}");
    }

    #[test]
    fn parts_that_exclude_each_other_take_the_newest_of_eks_with_a_warning() {
        let (version, warnings) = chosen(None, &[Some(range(Some(34), None)), Some(range(Some(23), Some(25)))]);
        assert_eq!(version, Version::one(36));
        assert!(
            warnings[0]
                .starts_with("Kubernetes 1.36 is outside of what is supported: b 2 supports 1.23 to 1.25 (https://"),
            "{warnings:?}"
        );
        assert!(warnings[0].contains("no Kubernetes version is in all ranges"));
    }

    #[test]
    fn a_version_outside_a_stated_range_is_one_warning_with_what_to_choose_instead() {
        let (version, warnings) = chosen(Some(33), &[Some(range(Some(34), None)), Some(range(Some(34), None))]);
        assert_eq!(version, Version::one(33));
        assert_eq!(warnings.iter().filter(|w| w.contains("outside")).count(), 1);
        assert!(warnings[0].ends_with("Instead, take --kubernetes 1.36."), "{warnings:?}");
    }

    #[test]
    fn another_version_of_the_part_is_advised_before_another_cluster() {
        let range = range(Some(34), None);
        let part = Part { name: "a 2".to_owned(), range: Some(&range), instead: Some("--a 1".to_owned()) };
        let (_, warnings) = choose(Some(Version::one(33)), &[part], &Calendar::embedded().unwrap()).unwrap();
        assert!(
            warnings[0]
                .ends_with("Instead, for this cluster take --a 1, or for one that is upgraded --kubernetes 1.36."),
            "{warnings:?}"
        );
    }

    #[test]
    fn an_unknown_range_is_said_and_refuses_nothing() {
        let (version, warnings) = chosen(Some(36), &[None]);
        assert_eq!(version, Version::one(36));
        assert_eq!(warnings, ["Which Kubernetes versions a 1 supports is not known."]);
    }
}
