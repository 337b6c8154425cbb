//! What Go's standard library reads, and Knative's settings are written in.

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in an hour.
pub const HOUR: i64 = 3600 * SECOND;

/// `time.ParseDuration`, in nanoseconds: `1m30s`, up to 292 years.
/// Source: <https://github.com/golang/go/blob/go1.25.0/src/time/format.go>
pub fn duration(text: &str) -> Option<i64> {
    // One more than an i64 holds, for the shortest of all durations.
    const MOST: u64 = 1 << 63;
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, after) = after.split_at(after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len()));
        let unit: u64 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part = whole.checked_mul(unit)?.checked_add(part_of(unit, fraction))?;
        total = total.checked_add(part).filter(|total| part <= MOST && *total <= MOST)?;
        rest = after;
    }
    if negative { 0_i64.checked_sub_unsigned(total) } else { total.try_into().ok() }
}

/// A text's leading digits, and what follows.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// What the digits behind a dot are of a unit, with what Go's floats make of them. Go has no use for more digits than an int64 holds.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn part_of(unit: u64, digits: &str) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        if number > (i64::MAX as u64) / 10 {
            break;
        }
        number = number * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

/// A duration as Go writes it, in seconds.
#[allow(clippy::cast_precision_loss)] // far below a nanosecond for what lasts less than months
pub fn duration_seconds(text: &str) -> Option<f64> {
    duration(text).map(|nanos| nanos as f64 / 1e9)
}

/// Seconds, read from `90`, `0.5`, `90s` or `5m`; `None` for what is no time, and for less than nothing.
pub fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
    let seconds = plain.or_else(|| duration_seconds(text));
    seconds.filter(|s| s.is_finite() && *s >= 0.0)
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("600s", 600 * SECOND),
            ("1h2m3.5s", 3723 * SECOND + SECOND / 2),
            (".5s", SECOND / 2),
            ("5.s", 5 * SECOND),
            ("-2s", -2 * SECOND),
            ("+2\u{b5}s3\u{3bc}s", 5000),
            ("0", 0),
            ("0.1ns", 0),
            ("0.100000000000000000000h", HOUR / 10),
            ("0.9223372036854775807h", 3_320_413_933_267),
            ("2562047h47m16.854775807s", i64::MAX),
            ("-2562047h47m16.854775808s", i64::MIN),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(duration(text), Some(nanos), "{text}");
        }
        let wrong = ["banana", "600", "5", "10 m", " 5s", "1s ", "30S", "", "-", "+", ".", "s", ".s", "1..5s", "1d"];
        let too_long = ["9999999h", "2562047h47m16.854775808s", "9223372036854775808ns", "-9223372036854775809ns"];
        for text in wrong.into_iter().chain(too_long) {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_read_with_a_unit_and_without() {
        for (text, read) in [("90", 90.0), ("0.5", 0.5), (" 1m30s ", 90.0), ("1.5s", 1.5)] {
            assert_eq!(seconds(text), Some(read), "{text}");
        }
        for text in ["-5", "-5s", "inf", "5d", "9999999h"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
