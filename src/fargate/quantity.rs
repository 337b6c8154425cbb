//! Kubernetes quantities (`250m`, `1.5Gi`, `1e3`), parsed exactly as apimachinery does: in whole nano units, with what is
//! smaller rounded up and what is larger than 2^63 - 1 cut off there.
//! Source: <https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/resource/quantity.go>

use std::fmt;

/// Nano units in one unit.
const NANO: i128 = 1_000_000_000;
/// The largest quantity, 2^63 - 1 units.
const MAX: i128 = (i64::MAX as i128) * NANO;

/// A quantity, in nano units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

/// A text that is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quantity: a number and one of n u m k M G T P E Ki Mi Gi Ti Pi Ei, or an exponent such as e3")]
pub struct QuantityError(String);

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(0);

    /// So many thousandths.
    pub fn from_milli(milli: i128) -> Quantity {
        Quantity(milli.saturating_mul(NANO / 1000).clamp(-MAX, MAX))
    }

    /// So many units.
    pub fn from_units(units: i128) -> Quantity {
        Quantity(units.saturating_mul(NANO).clamp(-MAX, MAX))
    }

    /// Nano units.
    pub fn nano(self) -> i128 {
        self.0
    }

    /// Thousandths, rounded up: CPU is counted in these.
    pub fn milli(self) -> i128 {
        divide_up(self.0, NANO / 1000)
    }

    /// Whole units, rounded up: memory is counted in these.
    pub fn units(self) -> i128 {
        divide_up(self.0, NANO)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum, cut off at the largest quantity.
    #[must_use]
    pub fn plus(self, other: Quantity) -> Quantity {
        Quantity((self.0 + other.0).clamp(-MAX, MAX))
    }

    /// The difference, cut off at the smallest quantity.
    #[must_use]
    pub fn minus(self, other: Quantity) -> Quantity {
        Quantity((self.0 - other.0).clamp(-MAX, MAX))
    }

    /// Reads a quantity.
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        read(text).ok_or_else(|| QuantityError(text.escape_debug().to_string()))
    }
}

fn read(text: &str) -> Option<Quantity> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // Like the API server, which takes `Mi` for 0.
    if fraction.contains('.') {
        return None;
    }
    let (base, power) = scale(suffix)?;
    // What is left of zeroes decides how large the number can be; 40 digits are more than any quantity has.
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Quantity::ZERO);
    }
    let places = i64::try_from(fraction.len()).ok()?;
    let nano = if base == 10 {
        scaled(digits, power.saturating_add(9).saturating_sub(places))
    } else {
        let factor = 1024_i128.checked_pow(u32::try_from(power).ok()?)?;
        let kept = digits.get(..38.min(digits.len()))?.parse::<i128>().ok()?;
        let cut = i64::try_from(digits.len()).ok()?.saturating_sub(38).max(0);
        match kept.checked_mul(factor) {
            Some(product) if cut == 0 => shifted(product, 9_i64.saturating_sub(places)),
            // Too many digits to multiply first: the magnitude decides, as any such number is cut off or below a nano unit.
            _ => scaled_binary(kept, factor, 9_i64.saturating_sub(places).saturating_add(cut)),
        }
    };
    let nano = nano.min(MAX);
    Some(Quantity(if negative { -nano } else { nano }))
}

/// `digits` times ten to the `power`, rounded up, or something larger than any quantity.
fn scaled(digits: &str, power: i64) -> i128 {
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    if length.saturating_add(power) > 37 {
        return i128::MAX;
    }
    if length.saturating_add(power) < 0 {
        return 1;
    }
    if power >= 0 {
        let zeroes = usize::try_from(power).unwrap_or(0);
        return format!("{digits}{}", "0".repeat(zeroes)).parse().unwrap_or(i128::MAX);
    }
    let keep = usize::try_from(length.saturating_add(power)).unwrap_or(0);
    let (kept, lost) = digits.split_at(keep);
    let kept: i128 = if kept.is_empty() { 0 } else { kept.parse().unwrap_or(i128::MAX) };
    kept.saturating_add(i128::from(lost.bytes().any(|b| b != b'0')))
}

/// `value` times ten to the `power`, rounded up.
fn shifted(value: i128, power: i64) -> i128 {
    scaled(&value.to_string(), power)
}

/// `value` times `factor` times ten to the `power`, rounded up, for values that do not fit before they are scaled down.
fn scaled_binary(value: i128, factor: i128, power: i64) -> i128 {
    let (high, low) = (value / NANO, value % NANO);
    let part = |v: i128, p: i64| v.checked_mul(factor).map_or(i128::MAX, |v| if v == 0 { 0 } else { shifted(v, p) });
    part(high, power.saturating_add(9)).saturating_add(part(low, power))
}

/// Base and power of a suffix.
fn scale(suffix: &str) -> Option<(u8, i64)> {
    let power = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        "Ki" => return Some((2, 1)),
        "Mi" => return Some((2, 2)),
        "Gi" => return Some((2, 3)),
        "Ti" => return Some((2, 4)),
        "Pi" => return Some((2, 5)),
        "Ei" => return Some((2, 6)),
        exponent => {
            let digits = exponent.strip_prefix(['e', 'E'])?;
            let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
            if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // As apimachinery: an exponent has to fit into 32 bits.
            return digits.parse::<i32>().ok().map(|power| (10, i64::from(power)));
        }
    };
    Some((10, power))
}

fn divide_up(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0)
}

/// CPU for people: `250m`, `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(pub Quantity);

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.0.milli();
        if milli % 1000 == 0 { write!(f, "{}", milli / 1000) } else { write!(f, "{milli}m") }
    }
}

/// Memory for people: `256Mi`, `2Gi`, `1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub Quantity);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.units();
        for (unit, size) in [("Gi", 1_i128 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
            if bytes != 0 && bytes % size == 0 {
                return write!(f, "{}{unit}", bytes / size);
            }
        }
        write!(f, "{bytes}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nano(text: &str) -> i128 {
        Quantity::parse(text).unwrap().0
    }

    #[test]
    fn every_suffix_means_what_it_means_to_kubernetes() {
        for (text, value) in [
            ("1", NANO),
            ("250m", NANO / 4),
            ("1n", 1),
            ("1u", 1000),
            ("1k", 1000 * NANO),
            ("1Ki", 1024 * NANO),
            ("1.5Gi", 3 * (1 << 29) * NANO),
            ("1e3", 1000 * NANO),
            ("1E3", 1000 * NANO),
            ("1E", 1_000_000_000_000_000_000 * NANO),
            ("1Ei", (1 << 60) * NANO),
            ("1e-3", NANO / 1000),
            (".5", NANO / 2),
            ("5.", 5 * NANO),
            ("+1", NANO),
            ("-1", -NANO),
            ("0", 0),
            ("000", 0),
            ("Mi", 0),
            ("e3", 0),
            ("+.", 0),
            ("0.0000000001", 1),
            ("0.5n", 1),
            ("1.0000000001", NANO + 1),
            ("-0.5n", -1),
            ("100E", MAX),
            ("1e400", MAX),
            ("9223372036854775807", MAX),
            ("9223372036854775808", MAX),
            ("8Ei", MAX),
            ("1e-400", 1),
            ("99999999999999999999999999999999999999999999999999Ki", MAX),
            ("0.00000000000000000000000000000000000000000000000001Ki", 1),
        ] {
            assert_eq!(nano(text), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "",
            "1e",
            "e",
            "1Ki5",
            "..",
            "1..2",
            "1.2.3",
            "1 Gi",
            " 1",
            "1KB",
            "0x10",
            "1e3.5",
            "--1",
            "1mi",
            "1e99999999999",
            "NaN",
        ] {
            let error = Quantity::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a quantity")), "{error}");
        }
    }

    #[test]
    fn cpu_and_memory_are_rounded_up() {
        assert_eq!(Quantity::parse("1n").unwrap().milli(), 1);
        assert_eq!(Quantity::parse("0.1").unwrap().units(), 1);
        assert_eq!(Quantity::parse("-1.5").unwrap().units(), -1);
    }

    #[test]
    fn people_see_the_usual_units() {
        let q = |text| Quantity::parse(text).unwrap();
        assert_eq!((Cpu(q("0.25")).to_string(), Cpu(q("2")).to_string()), ("250m".into(), "2".into()));
        assert_eq!((Memory(q("262144Ki")).to_string(), Memory(q("1000")).to_string()), ("256Mi".into(), "1000".into()));
    }

    /// The same, formulated otherwise: a fraction of two whole numbers.
    fn second_opinion(whole: u64, fraction: &str, suffix: &str) -> i128 {
        let (numerator, denominator): (i128, i128) = match suffix {
            "n" => (1, 1_000_000_000),
            "u" => (1, 1_000_000),
            "m" => (1, 1000),
            "k" | "e3" => (1000, 1),
            "M" => (1_000_000, 1),
            "Ki" => (1 << 10, 1),
            "Mi" => (1 << 20, 1),
            "Gi" => (1 << 30, 1),
            _ => (1, 1),
        };
        let ten = 10_i128.pow(u32::try_from(fraction.len()).unwrap());
        let value = (i128::from(whole) * ten + format!("0{fraction}").parse::<i128>().unwrap()) * numerator * NANO;
        let below = ten * denominator;
        ((value + below - 1) / below).min(MAX)
    }

    proptest! {
        #[test]
        fn a_second_formulation_agrees(
            whole in 0..10_000_000_u64,
            fraction in "[0-9]{0,6}",
            suffix in prop::sample::select(vec!["", "n", "u", "m", "k", "M", "Ki", "Mi", "Gi", "e3"]),
        ) {
            let text = if fraction.is_empty() { format!("{whole}{suffix}") } else { format!("{whole}.{fraction}{suffix}") };
            prop_assert_eq!(nano(&text), second_opinion(whole, &fraction, suffix), "{}", text);
        }

        #[test]
        fn nothing_panics(text in "[-+0-9.eEinumkKMGTP]{0,60}") {
            let _ = Quantity::parse(&text);
        }
    }
}
