//! A version of Kubernetes, as far as APIs depend on it: major and minor.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Kubernetes version such as `1.36`. A patch number is read and forgotten: no API comes or goes with a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// The major version.
    pub major: u16,
    /// The minor version.
    pub minor: u16,
}

impl Version {
    /// Kubernetes `1.minor`.
    pub const fn one(minor: u16) -> Version {
        Version { major: 1, minor }
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `1.36`, `v1.36` and `1.36.2`.
    fn from_str(text: &str) -> Result<Version, String> {
        let number = |part: Option<&str>| {
            part.filter(|p| p.len() < 5 && p.bytes().all(|b| b.is_ascii_digit())).and_then(|p| p.parse::<u16>().ok())
        };
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        match (number(parts.next()), number(parts.next()), parts.next(), parts.next()) {
            (Some(major), Some(minor), patch, None) if patch.is_none() || number(patch).is_some() => {
                Ok(Version { major, minor })
            }
            _ => Err(format!("`{text}` is not a Kubernetes version; write it as 1.36")),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Version, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_with_or_without_v_and_patch() {
        for text in ["1.36", "v1.36", "1.36.2", "v1.36.0"] {
            assert_eq!(text.parse(), Ok(Version::one(36)), "{text}");
        }
        assert_eq!(Version::one(9).to_string(), "1.9");
        assert!(Version::one(9) < Version::one(36));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1", "1.", "36", "1.x", "1.36.", "1.36.1.1", "latest", "1.36-eks", "-1.3", "1.99999"] {
            assert!(text.parse::<Version>().unwrap_err().contains("write it as 1.36"), "{text}");
        }
    }
}
