//! Days of our calendar, and times as RFC 3339 and Go write them.

/// Seconds in a day.
pub const DAY: i64 = 86_400;
/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;
/// The first and last second that a time may be: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time such as `2024-02-29T23:59:59.5+01:00`, in nanoseconds since 1970. Go takes no leap second either.
pub fn rfc3339(text: &str) -> Option<i128> {
    let (day, rest) = text.split_at_checked(10)?;
    let (clock, mut rest) = rest.strip_prefix(['T', 't'])?.split_at_checked(8)?;
    let at = |index: usize| (clock.as_bytes()[index] == b':').then_some(());
    let (hour, minute, second) = (number(clock, 0, 2)?, number(clock, 3, 5)?, number(clock, 6, 8)?);
    at(2).and(at(5))?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
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
    let seconds = date(day)? * DAY + hour * 3600 + minute * 60 + second - offset;
    SECONDS.contains(&seconds).then(|| i128::from(seconds) * SECOND + i128::from(nanos))
}

/// Whether a point in time, in nanoseconds since 1970, is in the years 1 to 9999.
pub fn is_time(nanos: i128) -> bool {
    i64::try_from(nanos.div_euclid(SECOND)).is_ok_and(|seconds| SECONDS.contains(&seconds))
}

/// `+01:00` in seconds.
pub fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes) = (number(hours, 0, 2)?, number(minutes, 0, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A day such as `2024-02-29`, in days since 1970.
pub fn date(text: &str) -> Option<i64> {
    let dash = |index: usize| (text.as_bytes()[index] == b'-').then_some(());
    (text.len() == 10).then_some(())?;
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?);
    dash(4).and(dash(7))?;
    ((1..=12).contains(&month) && (1..=length(year, month)).contains(&day)).then(|| days(year, month, day))
}

/// Digits in a text as a number.
fn number(text: &str, from: usize, to: usize) -> Option<i64> {
    let part = text.get(from..to)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
}

/// How many days a month has.
fn length(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970 of a day of our calendar.
/// Source: <https://howardhinnant.github.io/date_algorithms.html>
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    // The year starts in March, so that the leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of so many days since 1970.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * month_shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_counted_back() {
        assert_eq!(
            (date("1970-01-01"), date("2000-03-01"), date("0001-01-01")),
            (Some(0), Some(11_017), Some(-719_162))
        );
        let mut last = days(1, 1, 1) - 1;
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=length(year, month) {
                    last += 1;
                    assert_eq!((days(year, month, day), civil(last)), (last, (year, month, day)));
                }
            }
        }
    }

    #[test]
    fn times_are_read_to_the_nanosecond_and_from_any_zone() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:01.5z", 1_500_000_000),
            ("1970-01-01T01:00:00.0000000019+01:00", 1),
            ("2024-02-29T00:00:00-00:30", 1_709_166_600 * SECOND),
        ] {
            assert_eq!(rfc3339(text), Some(nanos), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-02-31T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T23:59:60Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01-00",
            "2026/01/01T00:00:00Z",
            "2026-01-01T00-00-00Z",
            "2026-01-0\u{e9}T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
