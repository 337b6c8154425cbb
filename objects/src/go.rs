//! What Go's standard library reads, and Knative's settings are written in.

/// A duration as Go writes it, `1m30s`, in seconds.
pub fn duration(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    let mut total = None;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..end])?;
        total = Some(total.unwrap_or(0.0) + amount * unit);
        rest = &rest[end..];
    }
    total.map(|nanos| sign * nanos / 1e9)
}

/// Seconds, read from `90`, `0.5`, `90s` or `5m`; `None` for what is no time, and for less than nothing.
pub fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit() || c == '.'));
    let seconds = plain.or_else(|| duration(text));
    seconds.filter(|s| s.is_finite() && *s >= 0.0)
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in
            [("600s", 600.0), ("10m", 600.0), ("1h30m", 5400.0), ("1.5s", 1.5), ("-2s", -2.0), ("0", 0.0)]
        {
            assert_eq!(duration(text), Some(seconds), "{text}");
        }
        for text in ["banana", "600", "10 m", "", "s", "1..5s", "1d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
