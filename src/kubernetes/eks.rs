//! Which Kubernetes versions EKS offers, and until when (`upstream/eks.yaml`).

use crate::time::date;
use serde::Deserialize;

use super::Version;
use crate::{embedded, yaml};

/// EKS's calendar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The day as of which it is so, as `2026-11-24`.
    pub read: String,
    /// Where it is stated.
    pub see: String,
    /// The versions, oldest first.
    pub versions: Vec<Offered>,
}

/// One Kubernetes version of EKS. Days are as `2026-11-24`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Offered {
    /// The version.
    pub version: Version,
    /// The last day of standard support.
    pub standard_until: String,
    /// The last day of extended support, which costs more; clusters are upgraded after it.
    pub extended_until: String,
}

impl Calendar {
    /// The calendar in the binary.
    ///
    /// # Errors
    /// In words, why the file is no calendar; a test keeps that from happening.
    pub fn embedded() -> Result<Calendar, String> {
        let path = "upstream/eks.yaml";
        yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))
    }

    /// The versions that EKS offers on the day of the calendar, oldest first.
    pub fn offered(&self) -> impl DoubleEndedIterator<Item = &Offered> {
        self.versions.iter().filter(|v| v.extended_until >= self.read)
    }

    /// The newest version that EKS offers.
    pub fn newest(&self) -> Option<Version> {
        self.offered().map(|v| v.version).max()
    }

    /// What the calendar knows of a version.
    pub fn of(&self, version: Version) -> Option<&Offered> {
        self.versions.iter().find(|v| v.version == version)
    }

    /// What to tell people who target a version; nothing while it is in standard support.
    pub fn notice(&self, version: Version) -> Option<String> {
        let (read, see) = (&self.read, &self.see);
        let newest = self.newest()?;
        let Some(offered) = self.of(version) else {
            return Some(if version > newest {
                format!("EKS did not offer Kubernetes {version} as of {read}; its newest was {newest} ({see}).")
            } else {
                format!("EKS offers Kubernetes {version} no longer; its newest was {newest} as of {read} ({see}).")
            });
        };
        if offered.extended_until < *read {
            return Some(format!(
                "EKS ended its support of Kubernetes {version} on {}; its newest was {newest} as of {read} ({see}).",
                offered.extended_until
            ));
        }
        if offered.standard_until < *read {
            return Some(format!(
                "Kubernetes {version} has been in EKS's extended support, which costs more, since {}; it ends on {} ({see}).",
                offered.standard_until, offered.extended_until
            ));
        }
        let left = date(&offered.standard_until)? - date(read)?;
        (left <= SOON).then(|| {
            format!(
                "Kubernetes {version} leaves EKS's standard support on {}; from then on it costs more, and --kubernetes {newest} is \
                 the way on ({see}).",
                offered.standard_until
            )
        })
    }
}

/// An end of support that is so many days away is told.
const SOON: i64 = 30;

/// What is known of eksctl, which makes the cluster (`upstream/eksctl.yaml`).
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Eksctl {
    /// The version that what is written for it was read for.
    pub version: String,
    /// The Kubernetes of a cluster for which none is named.
    pub default: Version,
    /// The newest Kubernetes that it makes.
    pub newest: Version,
    /// Where it is stated.
    pub see: String,
}

impl Eksctl {
    /// What the binary knows.
    ///
    /// # Errors
    /// In words, why the file is none such; a test keeps that from happening.
    pub fn embedded() -> Result<Eksctl, String> {
        let path = "upstream/eksctl.yaml";
        yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(minor: u16) -> Option<String> {
        Calendar::embedded().unwrap().notice(Version::one(minor))
    }

    #[test]
    fn the_calendar_in_the_binary_is_in_order() {
        let calendar = Calendar::embedded().unwrap();
        assert!(calendar.versions.windows(2).all(|w| w[0].version < w[1].version));
        assert!(calendar.versions.iter().all(|v| v.standard_until < v.extended_until));
    }

    #[test]
    fn a_version_in_standard_support_needs_no_word() {
        assert_eq!(notice(36), None);
    }

    #[test]
    fn an_end_that_is_near_is_told_with_the_way_on() {
        let said = notice(34).unwrap();
        assert!(
            said.contains("leaves EKS's standard support on 2026-12-02") && said.contains("--kubernetes 1.36"),
            "{said}"
        );
        assert_eq!(notice(35), None);
    }

    #[test]
    fn eksctl_is_known() {
        let eksctl = Eksctl::embedded().unwrap();
        assert!(eksctl.default <= eksctl.newest);
    }

    #[test]
    fn a_version_past_its_end_is_called_so() {
        assert!(notice(30).unwrap().starts_with("EKS ended its support of Kubernetes 1.30 on 2026-07-23"));
        assert!(notice(31).unwrap().starts_with("EKS ended its support of Kubernetes 1.31 on 2026-11-26"));
        assert!(notice(21).unwrap().starts_with("EKS offers Kubernetes 1.21 no longer"));
        assert!(notice(33).unwrap().contains("extended support"));
        assert!(notice(37).unwrap().starts_with("EKS did not offer Kubernetes 1.37"));
    }
}
