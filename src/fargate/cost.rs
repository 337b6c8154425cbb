//! What pods cost. Prices are data (`data/prices/aws.yaml`), replaceable by the user; sums are exact, and rounded only where
//! they are shown.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use super::size::{MIB, STORAGE_INCLUDED, Size};
use crate::{aws, embedded, yaml};

/// Hours in a month, as AWS's own calculator counts them.
pub const HOURS: i128 = 730;

/// A price list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Prices {
    /// The day on which they were read.
    pub date: String,
    /// Where.
    pub see: Vec<String>,
    /// How sure they are.
    pub confidence: String,
    /// What costs the same in every region.
    #[serde(default)]
    pub everywhere: Everywhere,
    /// Rates by region.
    pub regions: BTreeMap<String, Rates>,
    /// What else there is to pay.
    pub not_included: Vec<String>,
}

/// What costs the same in every region, in dollars for an hour, as decimal texts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Everywhere {
    /// An EKS control plane in standard support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_hour: Option<String>,
    /// An EKS control plane in extended support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_cluster_hour: Option<String>,
    /// A public IPv4 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4_hour: Option<String>,
}

/// What a region charges, in dollars, as decimal texts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rates {
    /// Why these are less sure than the list as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<String>,
    /// One vCPU for an hour.
    pub vcpu_hour: String,
    /// One GB of memory for an hour.
    pub gb_hour: String,
    /// One GB of ephemeral storage beyond 20 for an hour.
    pub storage_gb_hour: String,
    /// An Application Load Balancer for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alb_hour: Option<String>,
    /// A load balancer capacity unit for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lcu_hour: Option<String>,
    /// A NAT gateway for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_hour: Option<String>,
    /// One GB through a NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gb: Option<String>,
    /// One GB out to the internet, the first 100 GB of a month aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_gb: Option<String>,
    /// An EKS control plane in standard support, where it is not as everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_hour: Option<String>,
    /// An EKS control plane in extended support, where it is not as everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_cluster_hour: Option<String>,
    /// A public IPv4 address for an hour, where it is not as everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4_hour: Option<String>,
}

/// The rates of one region, ready to be used. What a list does not have is `None`.
#[derive(Clone, Debug)]
pub struct Tariff {
    /// The region.
    pub region: String,
    /// Why its rates are less sure than the list as a whole.
    pub unconfirmed: Option<String>,
    vcpu: i128,
    gb: i128,
    storage: i128,
    /// An Application Load Balancer for an hour.
    pub alb: Option<Dollars>,
    /// A load balancer capacity unit for an hour.
    pub lcu: Option<Dollars>,
    /// A NAT gateway for an hour.
    pub nat: Option<Dollars>,
    /// One GB through a NAT gateway.
    pub nat_gb: Option<Dollars>,
    /// One GB out to the internet.
    pub out_gb: Option<Dollars>,
    /// A control plane in standard support for an hour.
    pub cluster: Option<Dollars>,
    /// A control plane in extended support for an hour.
    pub extended_cluster: Option<Dollars>,
    /// A public IPv4 address for an hour.
    pub ipv4: Option<Dollars>,
}

/// A region that a price list does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// AWS has no such region.
    #[error("{region} is no AWS region{near}")]
    NoRegion {
        /// What was given.
        region: String,
        /// What was probably meant, in words.
        near: String,
    },
    /// The list has no prices of it.
    #[error(
        "the price list of {date} has no {region}; it has {known}. Make one that does with `knrender prices --region {region}`, \
         and name it with --prices"
    )]
    NotListed {
        /// The region.
        region: String,
        /// The day of the list.
        date: String,
        /// The regions of the list.
        known: String,
    },
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
        Prices::parse(embedded::text("data/prices/aws.yaml").unwrap_or_default())
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
            rates.tariff(region, &prices.everywhere).map_err(|why| format!("{region}: {why}"))?;
        }
        Ok(prices)
    }

    /// The rates of `region`; where none is named, those of us-east-1 or else of the list's first region.
    ///
    /// # Errors
    /// The list does not have the region.
    pub fn tariff(&self, region: Option<&str>) -> Result<Tariff, NoPrice> {
        let default = || self.regions.get_key_value(DEFAULT_REGION).or_else(|| self.regions.iter().next());
        let found = region.map_or_else(default, |region| self.regions.get_key_value(region));
        let tariff = found.and_then(|(name, rates)| rates.tariff(name, &self.everywhere).ok());
        tariff.ok_or_else(|| self.no_price(region.unwrap_or(DEFAULT_REGION)))
    }

    fn no_price(&self, region: &str) -> NoPrice {
        let region = region.to_owned();
        let near = self.regions.keys().map(|known| (strsim::damerau_levenshtein(known, &region), known)).min();
        match near {
            Some((1..=2, near)) if !aws::is_known_region(&region) => {
                NoPrice::NoRegion { region, near: format!("; did you mean {near}?") }
            }
            _ if !aws::is_region(&region) => {
                NoPrice::NoRegion { region, near: "; a region is written like eu-west-1".to_owned() }
            }
            _ => {
                let known = self.regions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                NoPrice::NotListed { region, date: self.date.clone(), known }
            }
        }
    }
}

/// Whose prices are shown where no region is named.
const DEFAULT_REGION: &str = "us-east-1";

/// A rate in nano dollars.
fn rate(text: &str) -> Result<i128, String> {
    let rate = Quantity::parse(text).ok().filter(|q| !q.is_negative());
    rate.map(Quantity::nano).ok_or_else(|| format!("`{text}` is not a price"))
}

impl Rates {
    fn tariff(&self, region: &str, everywhere: &Everywhere) -> Result<Tariff, String> {
        let dollars = |text: &Option<String>| {
            text.as_deref().map(|text| rate(text).map(|nano| Dollars(nano * Dollars::PARTS))).transpose()
        };
        let or = |own: &Option<String>, general: &Option<String>| dollars(if own.is_some() { own } else { general });
        Ok(Tariff {
            region: region.to_owned(),
            unconfirmed: self.unconfirmed.clone(),
            vcpu: rate(&self.vcpu_hour)?,
            gb: rate(&self.gb_hour)?,
            storage: rate(&self.storage_gb_hour)?,
            alb: dollars(&self.alb_hour)?,
            lcu: dollars(&self.lcu_hour)?,
            nat: dollars(&self.nat_hour)?,
            nat_gb: dollars(&self.nat_gb)?,
            out_gb: dollars(&self.out_gb)?,
            cluster: or(&self.cluster_hour, &everywhere.cluster_hour)?,
            extended_cluster: or(&self.extended_cluster_hour, &everywhere.extended_cluster_hour)?,
            ipv4: or(&self.ipv4_hour, &everywhere.ipv4_hour)?,
        })
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

    /// What so many seconds cost at so much an hour.
    pub fn for_seconds(hour: Dollars, seconds: i128) -> Dollars {
        Dollars(hour.0.saturating_mul(seconds) / 3600)
    }

    /// The amount in nano dollars, rounded up.
    pub fn nano(self) -> i128 {
        self.0.div_euclid(Dollars::PARTS) + i128::from(self.0.rem_euclid(Dollars::PARTS) != 0)
    }

    /// So many thousandths of the amount.
    #[must_use]
    pub fn thousandths(self, count: i128) -> Dollars {
        Dollars(self.0.saturating_mul(count) / 1000)
    }

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
        Prices::embedded().unwrap().tariff(None).unwrap().hour(&Size { milli, mib, storage: storage_gib * 1024 * MIB })
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
