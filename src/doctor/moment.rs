//! Moments as Kubernetes writes them, and what the cluster's own clock says: none of this machine's is asked.

use std::fmt;

use crate::value::Value;

use crate::kubernetes::eks::days;

/// Seconds since some day long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    seconds: i64,
    /// Year, month, day, for people.
    day: (u16, u8, u8),
}

/// An hour, in seconds.
pub(super) const HOUR: i64 = 3600;

impl Moment {
    /// Of `2026-11-28T08:38:08Z`, with or without parts of a second.
    pub(super) fn parse(text: &str) -> Option<Moment> {
        let (day, time) = text.trim_end_matches('Z').split_once('T')?;
        let mut date = day.split('-');
        let ymd = (date.next()?.parse().ok()?, date.next()?.parse().ok()?, date.next()?.parse().ok()?);
        let time = time.split('.').next()?;
        let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
        Some(Moment { seconds: days(day)? * 24 * HOUR + hours * HOUR + minutes * 60 + seconds, day: ymd })
    }

    /// Hours until another moment, rounded down; negative where that has passed.
    pub(super) fn hours_until(self, other: Moment) -> i64 {
        (other.seconds - self.seconds).div_euclid(HOUR)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.day;
        write!(f, "{year}-{month:02}-{day:02}")
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
        assert_eq!(Moment::parse("yesterday"), None);
    }
}
