//! Moments as Kubernetes writes them, and what the cluster's own clock says: none of this machine's is asked.

use std::fmt;

use crate::time::{DAY, civil, rfc3339};

use crate::value::Value;

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

/// An hour, in seconds.
pub(super) const HOUR: i64 = 3600;

impl Moment {
    /// Of `2026-11-28T08:38:08Z`, with or without parts of a second.
    pub(super) fn parse(text: &str) -> Option<Moment> {
        i64::try_from(rfc3339(text)?.div_euclid(1_000_000_000)).ok().map(Moment)
    }

    /// Hours until another moment, rounded down; negative where that has passed.
    pub(super) fn hours_until(self, other: Moment) -> i64 {
        (other.0 - self.0).div_euclid(HOUR)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// What time it is in the cluster: API servers renew a lease every ten seconds.
pub(super) fn of_leases(leases: &[Value]) -> Option<Moment> {
    let renewed = |lease: &Value| Moment::parse(lease.pointer("/spec/renewTime")?.as_str()?);
    leases.iter().filter_map(renewed).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_counted_over_months_and_leap_days() {
        let moment = |text: &str| Moment::parse(text).unwrap();
        assert_eq!(moment("2028-02-28T23:00:00Z").hours_until(moment("2028-03-01T01:00:00.000000Z")), 26);
        assert_eq!(moment("2026-11-28T08:00:00Z").hours_until(moment("2026-11-28T07:59:59Z")), -1);
        assert_eq!(moment("2026-11-28T09:00:00+01:00").hours_until(moment("2026-11-28T09:00:00Z")), 1);
        assert_eq!(moment("2026-11-28T23:30:00-01:00").to_string(), "2026-11-29");
        assert_eq!(Moment::parse("yesterday"), None);
    }
}
