//! Which Kubernetes versions EKS offers, and until when (`upstream/eks.yaml`).

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
        (offered.standard_until < *read).then(|| {
            format!(
                "Kubernetes {version} has been in EKS's extended support, which costs more, since {}; it ends on {} ({see}).",
                offered.standard_until, offered.extended_until
            )
        })
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
    fn a_version_past_its_end_is_called_so() {
        assert!(notice(30).unwrap().starts_with("EKS ended its support of Kubernetes 1.30 on 2026-07-23"));
        assert!(notice(21).unwrap().starts_with("EKS offers Kubernetes 1.21 no longer"));
        assert!(notice(33).unwrap().contains("extended support"));
        assert!(notice(37).unwrap().starts_with("EKS did not offer Kubernetes 1.37"));
    }
}
