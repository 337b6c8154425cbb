//! Durations and times, as Go reads and writes them.

use crate::go::duration;

const DAY: i64 = 86_400;
/// The first and last second that a time may be: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

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

/// A point in time, in nanoseconds since 1970.
pub(crate) fn timestamp(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten()
    };
    let sign = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|b| wanted.contains(b));
    if !(sign(4, b"-") && sign(7, b"-") && sign(10, b"Tt") && sign(13, b":") && sign(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanos: i64 = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return None;
        }
        let digits = &fraction[..length.min(9)];
        nanos = digits.parse::<i64>().ok()? * 10_i64.pow(u32::try_from(9 - digits.len()).ok()?);
        rest = &fraction[length..];
    }
    let offset = match rest {
        "Z" | "z" => 0,
        _ => offset(rest)?,
    };
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    SECONDS.contains(&seconds).then(|| i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

/// A day, such as `2024-02-29`, as a point in time.
pub(crate) fn date(text: &str) -> Option<i128> {
    (text.len() == 10).then(|| timestamp(&format!("{text}T00:00:00Z"))).flatten()
}

/// `+01:00` in seconds.
pub(super) fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let number = |part: &str| (part.len() == 2).then(|| part.parse::<i64>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Parts {
        year,
        month,
        day: of_year - (153 * month_shifted + 2) / 5 + 1,
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

/// Whether a point in time is one that CEL knows.
pub(super) fn is_time(nanos: i128) -> bool {
    i64::try_from(nanos.div_euclid(1_000_000_000)).is_ok_and(|seconds| SECONDS.contains(&seconds))
}
