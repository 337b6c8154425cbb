//! Times as people write them, in flags and in `knrender.yaml` alike: `90`, `90s`, `1m30s`, `5m`. A number alone is seconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::go::{duration, seconds};

fn wrong(text: &str) -> String {
    format!("`{text}` is not a time such as 90, 90s or 5m")
}

/// A time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seconds(pub u32);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seconds, String> {
        let seconds = seconds(text).ok_or_else(|| wrong(text))?;
        if seconds.fract() > 0.0 || seconds > f64::from(u32::MAX) {
            return Err(format!("`{text}` is not a number of whole seconds"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // both were looked at
        Ok(Seconds(seconds as u32))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A duration as Go and Knative write it. A number alone becomes seconds; all else stays as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lasting(String);

impl Lasting {
    /// The text, which Go's `time.ParseDuration` reads.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it is, in seconds.
    pub fn seconds(&self) -> f64 {
        seconds(&self.0).unwrap_or_default()
    }
}

impl FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Lasting, String> {
        let wrong = || format!("{}, 2562047h at the most", wrong(text));
        let seconds = seconds(text).ok_or_else(wrong)?;
        let text = text.trim();
        let is_plain = text.parse::<f64>().is_ok();
        let go = if is_plain { format!("{seconds}s") } else { text.to_owned() };
        if duration(&go).is_none() { Err(wrong()) } else { Ok(Lasting(go)) }
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a time that YAML may hold as a number or as a text.
fn number_or_text<'de, D: Deserializer<'de>, T: FromStr<Err = String>>(deserializer: D) -> Result<T, D::Error> {
    struct Visitor<T>(std::marker::PhantomData<T>);
    impl<T: FromStr<Err = String>> de::Visitor<'_> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time such as 90, 90s or 5m")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Visitor(std::marker::PhantomData))
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        number_or_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lasting, D::Error> {
        number_or_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lasting, Seconds};

    #[test]
    fn a_number_a_number_with_its_unit_and_minutes_are_read_alike() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("1m30s", 90), ("5m", 300), ("1h", 3600), (" 60 ", 60)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
            assert_eq!(crate::yaml::parse_as::<Seconds>(text).ok(), Some(Seconds(seconds)), "{text} in YAML");
        }
    }

    #[test]
    fn what_is_no_time_is_told_with_one_that_is() {
        for text in ["banana", "-5", "-5s", "5d", "", ".", "1.2.3"] {
            let why = text.parse::<Seconds>().expect_err(text);
            assert!(why.contains("90, 90s or 5m"), "{text}: {why}");
        }
        assert!("1.5s".parse::<Seconds>().expect_err("half").contains("whole seconds"));
        assert!("99999999999".parse::<Seconds>().is_err());
    }

    #[test]
    fn what_is_longer_than_go_can_hold_is_no_time() {
        for text in ["9999999h", "9223372037", "1e300"] {
            assert!(text.parse::<Lasting>().expect_err(text).contains("2562047h at the most"), "{text}");
        }
    }

    #[test]
    fn a_duration_stays_as_it_was_written_and_a_number_alone_becomes_seconds() {
        for (text, kept) in [("10m", "10m"), ("600", "600s"), ("1h30m", "1h30m"), ("0", "0s")] {
            assert_eq!(text.parse::<Lasting>().map(|l| l.to_string()).as_deref(), Ok(kept), "{text}");
        }
    }
}
