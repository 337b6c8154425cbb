//! What pods cost. Prices are data (`data/prices/fargate.yaml`), replaceable by the user; sums are exact, and rounded only where
//! they are shown.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use super::size::{MIB, STORAGE_INCLUDED, Size};
use crate::{embedded, yaml};

/// Hours in a month, as AWS's own calculator counts them.
pub const HOURS: i128 = 730;

/// A price list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prices {
    /// The day on which they were read.
    pub date: String,
    /// Where.
    pub see: Vec<String>,
    /// How sure they are.
    pub confidence: String,
    /// Rates by region.
    pub regions: BTreeMap<String, Rates>,
    /// What else there is to pay.
    pub not_included: Vec<String>,
}

/// Dollars for an hour, as decimal texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rates {
    /// Of one vCPU.
    pub vcpu_hour: String,
    /// Of one GB of memory.
    pub gb_hour: String,
    /// Of one GB of ephemeral storage beyond 20.
    pub storage_gb_hour: String,
}

/// The rates of one region, ready to be used.
#[derive(Clone, Copy, Debug)]
pub struct Tariff {
    vcpu: i128,
    gb: i128,
    storage: i128,
}

/// An amount of dollars, exact: in units of a nano dollar by `Dollars::PARTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(i128);

impl Prices {
    /// The list in the binary.
    ///
    /// # Errors
    /// In words, why it is none; a test keeps that from happening.
    pub fn embedded() -> Result<Prices, String> {
        Prices::parse(embedded::text("data/prices/fargate.yaml").unwrap_or_default())
    }

    /// A list in the same form.
    ///
    /// # Errors
    /// In words, what is wrong with it, with line and column.
    pub fn parse(text: &str) -> Result<Prices, String> {
        let prices: Prices = yaml::parse_as(text).map_err(|e| e.to_string())?;
        if prices.regions.is_empty() {
            return Err("it lists no region".to_owned());
        }
        for (region, rates) in &prices.regions {
            rates.tariff().map_err(|why| format!("{region}: {why}"))?;
        }
        Ok(prices)
    }

    /// The rates of `region`, or of the first region of the list where it has none; and of which region they are.
    ///
    /// # Errors
    /// In words, why there are none.
    pub fn tariff(&self, region: Option<&str>) -> Result<(String, Tariff), String> {
        let named = region.and_then(|r| self.regions.get_key_value(r));
        let (name, rates) = named.or_else(|| self.regions.iter().next()).ok_or("the price list has no region")?;
        Ok((name.clone(), rates.tariff()?))
    }
}

impl Rates {
    fn tariff(&self) -> Result<Tariff, String> {
        let rate = |text: &str| {
            let rate = Quantity::parse(text).ok().filter(|q| !q.is_negative());
            rate.map(Quantity::nano).ok_or_else(|| format!("`{text}` is not a price"))
        };
        Ok(Tariff { vcpu: rate(&self.vcpu_hour)?, gb: rate(&self.gb_hour)?, storage: rate(&self.storage_gb_hour)? })
    }
}

impl Tariff {
    /// What a pod of this size costs in an hour.
    pub fn hour(&self, size: &Size) -> Dollars {
        let storage = size.storage - STORAGE_INCLUDED;
        let storage_gb = storage.div_euclid(1024 * MIB) + i128::from(storage.rem_euclid(1024 * MIB) != 0);
        Dollars(size.milli * self.vcpu * 1024 + size.mib * self.gb * 1000 + storage_gb * self.storage * Dollars::PARTS)
    }
}

impl Dollars {
    /// Units in a nano dollar: a thousandth of a vCPU and a MiB both come out whole.
    const PARTS: i128 = 1_024_000;

    /// The amount rounded to so many decimals, half up.
    pub fn rounded(self, decimals: u32) -> String {
        let unit = Dollars::PARTS * 10_i128.pow(9 - decimals.min(9));
        let value = (self.0.abs() * 2 + unit) / (2 * unit);
        let whole = 10_i128.pow(decimals.min(9));
        let width = decimals.min(9) as usize;
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", value / whole, value % whole)
    }
}

impl fmt::Display for Dollars {
    /// With cents: `$9.01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("${}", self.rounded(2)))
    }
}

impl Serialize for Dollars {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rounded(7))
    }
}

impl Add for Dollars {
    type Output = Dollars;
    fn add(self, other: Dollars) -> Dollars {
        Dollars(self.0 + other.0)
    }
}

impl Sub for Dollars {
    type Output = Dollars;
    fn sub(self, other: Dollars) -> Dollars {
        Dollars(self.0 - other.0)
    }
}

impl Mul<i128> for Dollars {
    type Output = Dollars;
    fn mul(self, times: i128) -> Dollars {
        Dollars(self.0.saturating_mul(times))
    }
}

impl Sum for Dollars {
    fn sum<I: Iterator<Item = Dollars>>(amounts: I) -> Dollars {
        amounts.fold(Dollars::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(milli: i128, mib: i128, storage_gib: i128) -> Dollars {
        let (_, tariff) = Prices::embedded().unwrap().tariff(None).unwrap();
        tariff.hour(&Size { milli, mib, storage: storage_gib * 1024 * MIB })
    }

    #[test]
    fn the_prices_of_the_rule_book_come_out_to_the_digit() {
        assert_eq!(hour(250, 512, 20).rounded(7), "0.0123425");
        assert_eq!((hour(250, 512, 20) * HOURS).to_string(), "$9.01");
        assert_eq!((hour(500, 1024, 20) * HOURS).to_string(), "$18.02");
        let stack = hour(250, 512, 20) * 5 + hour(500, 1024, 20);
        assert_eq!(stack.rounded(7), "0.0863975");
        assert_eq!((stack * HOURS).to_string(), "$63.07");
    }

    #[test]
    fn storage_beyond_what_is_included_costs() {
        assert_eq!((hour(250, 512, 30) - hour(250, 512, 20)).rounded(7), "0.0011100");
    }

    #[test]
    fn a_price_list_that_is_none_is_refused() {
        let list = |region: &str| {
            Prices::parse(&format!("date: a\nsee: []\nconfidence: b\nnot-included: []\nregions: {region}\n"))
        };
        assert!(list("{}").unwrap_err().contains("no region"));
        assert!(
            list("{x: {vcpu-hour: '1', gb-hour: a, storage-gb-hour: '0'}}").unwrap_err().contains("`a` is not a price")
        );
        assert!(list("{x: {vcpu-hour: '1', gb: '1'}}").unwrap_err().contains("line 5"));
    }
}
