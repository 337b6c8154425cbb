//! Durations and times, as Go reads and writes them.

use crate::time::{DAY, civil, days, rfc3339};

use crate::go::duration;

/// Units by their names, in nanoseconds.
const UNITS: [(&[&str], i64); 8] = [
    (&["ns", "nano"], 1),
    (&["us", "µs", "micro"], 1000),
    (&["ms", "milli"], 1_000_000),
    (&["s", "sec"], 1_000_000_000),
    (&["m", "min"], 60_000_000_000),
    (&["h", "hr", "hour"], 3_600_000_000_000),
    (&["d", "day"], DAY * 1_000_000_000),
    (&["w", "wk", "week"], 7 * DAY * 1_000_000_000),
];

/// The duration of a CRD's `format: duration`: Go's, or words such as `2 days`, which are added up wherever they stand.
pub(crate) fn loose_duration(text: &str) -> Option<i64> {
    if let Some(exact) = duration(text) {
        return Some(exact);
    }
    let mut total: Option<i64> = None;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let number = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        let (count, after) = rest[start..].split_at(number);
        let after = after.trim_start();
        let length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let unit = after[..length].to_lowercase();
        for (names, scale) in UNITS {
            // The last of the names may go on: `seconds`.
            let (last, others) = names.split_last()?;
            if others.contains(&unit.as_str()) || unit.starts_with(last) {
                total = Some(total.unwrap_or(0).checked_add(count.parse::<i64>().ok()?.checked_mul(scale)?)?);
            }
        }
        rest = &after[length..];
    }
    total
}

/// Whether a text is such a duration.
pub(crate) fn is_loose_duration(text: &str) -> bool {
    loose_duration(text).is_some()
}

/// A duration as CEL writes it: `1.5s`.
pub(super) fn show_duration(nanos: i64) -> String {
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if fraction == 0 {
        return format!("{sign}{seconds}s");
    }
    format!("{sign}{seconds}.{}s", format!("{fraction:09}").trim_end_matches('0'))
}

/// A day, such as `2024-02-29`, as a point in time.
pub(crate) fn date(text: &str) -> Option<i128> {
    (text.len() == 10).then(|| rfc3339(&format!("{text}T00:00:00Z"))).flatten()
}

/// The parts of a point in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub day_of_year: i64,
    pub weekday: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub nanos: i64,
}

pub(super) fn parts(nanos: i128, offset: i64) -> Parts {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default() + offset;
    let rest = i64::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, of_month) = civil(day);
    Parts {
        year,
        month,
        day: of_month,
        day_of_year: day - days(year, 1, 1),
        weekday: (day + 4).rem_euclid(7),
        hour: second / 3600,
        minute: second / 60 % 60,
        second: second % 60,
        nanos: rest,
    }
}

/// A point in time as CEL writes it.
pub(super) fn show_timestamp(nanos: i128) -> String {
    let p = parts(nanos, 0);
    let fraction =
        if p.nanos == 0 { String::new() } else { format!(".{}", format!("{:09}", p.nanos).trim_end_matches('0')) };
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z", p.year, p.month, p.day, p.hour, p.minute, p.second)
}
