//! A price list made from AWS's own: the offer files of its public price list, region by region.
//!
//! An offer file has `products` (SKU to attributes) and `terms.OnDemand` (SKU to price dimensions); which product is meant is told
//! by `usagetype` and `operation`. The file of Amazon EC2 has hundreds of megabytes: nothing is kept of a file but the products
//! and terms that count.
//! Source: <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html>

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::fargate::cost::Rates;
use crate::fargate::quantity::Quantity;

/// One thing that is looked for: the offer that has it, how its usage type ends, what its operation is, and where it goes.
struct Wanted {
    offer: &'static str,
    usage: &'static str,
    operation: Option<&'static str>,
    set: fn(&mut Rates, String),
}

/// The offers that are read for each region, as their folders are called.
pub const OFFERS: [&str; 4] = ["AmazonEKS", "AWSELB", "AmazonVPC", "AmazonEC2"];

const WANTED: [Wanted; 11] = [
    Wanted { offer: "AmazonEKS", usage: "Fargate-vCPU-Hours:perCPU", operation: None, set: |r, p| r.vcpu_hour = p },
    Wanted { offer: "AmazonEKS", usage: "Fargate-GB-Hours", operation: None, set: |r, p| r.gb_hour = p },
    Wanted {
        offer: "AmazonEKS",
        usage: "Fargate-EphemeralStorage-GB-Hours",
        operation: None,
        set: |r, p| r.storage_gb_hour = p,
    },
    Wanted {
        offer: "AmazonEKS",
        usage: "AmazonEKS-Hours:perCluster",
        operation: None,
        set: |r, p| r.cluster_hour = Some(p),
    },
    Wanted {
        offer: "AmazonEKS",
        usage: "AmazonEKS-Hours:extendedSupport",
        operation: None,
        set: |r, p| r.extended_cluster_hour = Some(p),
    },
    Wanted {
        offer: "AWSELB",
        usage: "LoadBalancerUsage",
        operation: Some("LoadBalancing:Application"),
        set: |r, p| r.alb_hour = Some(p),
    },
    Wanted {
        offer: "AWSELB",
        usage: "LCUUsage",
        operation: Some("LoadBalancing:Application"),
        set: |r, p| r.lcu_hour = Some(p),
    },
    Wanted { offer: "AmazonVPC", usage: "PublicIPv4:InUseAddress", operation: None, set: |r, p| r.ipv4_hour = Some(p) },
    Wanted { offer: "AmazonEC2", usage: "NatGateway-Hours", operation: None, set: |r, p| r.nat_hour = Some(p) },
    Wanted { offer: "AmazonEC2", usage: "NatGateway-Bytes", operation: None, set: |r, p| r.nat_gb = Some(p) },
    Wanted { offer: "AmazonEC2", usage: "DataTransfer-Out-Bytes", operation: None, set: |r, p| r.out_gb = Some(p) },
];

/// The path of a region's offer file below the root of a price list.
pub fn path(offer: &str, region: &str) -> String {
    format!("offers/v1.0/aws/{offer}/current/{region}/index.json")
}

/// What an offer file says.
#[derive(Debug, Default)]
pub struct Offer {
    /// When AWS published it.
    pub published: Option<String>,
    /// Prices that count, by the index of what is wanted.
    prices: BTreeMap<usize, String>,
}

impl Offer {
    /// Reads an offer file.
    ///
    /// # Errors
    /// In words, with line and column, why it is none; or a product that has two prices.
    pub fn read(offer: &str, from: impl Read) -> Result<Offer, String> {
        let mut found = Offer::default();
        let mut deserializer = serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(1 << 16, from));
        let seed = File { offer, found: &mut found, skus: Skus::new(), complete: false };
        seed.deserialize(&mut deserializer)
            .and_then(|()| deserializer.end())
            .map_err(|e| format!("not an offer file: {e}"))?;
        Ok(found)
    }

    /// Puts what was found into a region's rates.
    pub fn fill(&self, rates: &mut Rates) {
        for (index, price) in &self.prices {
            (WANTED[*index].set)(rates, price.clone());
        }
    }
}

/// What a region's rates lack without which they are none.
pub fn lacking(rates: &Rates) -> Option<&'static str> {
    let needed = [(&rates.vcpu_hour, "Fargate-vCPU-Hours:perCPU"), (&rates.gb_hour, "Fargate-GB-Hours")];
    needed.into_iter().find(|(price, _)| price.is_empty()).map(|(_, usage)| usage)
}

#[derive(Deserialize)]
struct Product {
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    usagetype: String,
    operation: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    begin_range: String,
    price_per_unit: BTreeMap<String, String>,
}

/// Which of the wanted products this is. The usage type of other regions than us-east-1 has a short name of the region before it.
fn wanted(offer: &str, attributes: &Attributes) -> Option<usize> {
    let usage = attributes.usagetype.as_str();
    let is = |wanted: &Wanted| {
        let before = usage.strip_suffix(wanted.usage)?.strip_suffix('-').or((usage == wanted.usage).then_some(""))?;
        let region = before.is_empty() || before.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        (wanted.offer == offer && region && wanted.operation.is_none_or(|o| o == attributes.operation)).then_some(())
    };
    WANTED.iter().position(|w| is(w).is_some())
}

/// The price of a term: that of its cheapest dimension which is not free, as the first tier of what is counted in tiers is.
fn price(terms: &BTreeMap<String, Term>) -> Option<String> {
    let dimensions = terms.values().flat_map(|term| term.price_dimensions.values());
    let mut priced: Vec<_> = dimensions
        .filter_map(|dimension| {
            let text = dimension.price_per_unit.get("USD")?;
            let from = Quantity::parse(&dimension.begin_range).unwrap_or_default();
            Quantity::parse(text).ok().filter(|price| *price > Quantity::ZERO).map(|_| (from, text))
        })
        .collect();
    priced.sort();
    priced.first().map(|(_, text)| plain(text))
}

/// `0.0404800000` as `0.04048`.
fn plain(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// Reads a mapping entry by entry and keeps nothing of what does not count.
macro_rules! mapping {
    ($name:ident, $expected:literal, $this:ident, $map:ident, $key:ident, $entry:block, $end:expr) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_map(self)
            }
        }
        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expected)
            }
            #[allow(unused_mut)]
            fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<(), A::Error> {
                let mut $this = self;
                while let Some($key) = $map.next_key::<String>()? {
                    $entry
                }
                $end
            }
        }
    };
}

/// SKUs that count, with the index of what they are.
type Skus = BTreeMap<String, usize>;

struct File<'f> {
    offer: &'f str,
    found: &'f mut Offer,
    skus: Skus,
    complete: bool,
}

mapping!(
    File,
    "an offer file with `products` and `terms`",
    this,
    map,
    key,
    {
        match key.as_str() {
            "publicationDate" => this.found.published = Some(map.next_value()?),
            "products" => {
                this.complete = true;
                map.next_value_seed(Products { offer: this.offer, skus: &mut this.skus })?;
            }
            "terms" => map.next_value_seed(Terms { skus: &this.skus, found: &mut *this.found })?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    },
    if this.complete { Ok(()) } else { Err(serde::de::Error::custom("it has no `products`")) }
);

struct Products<'f> {
    offer: &'f str,
    skus: &'f mut Skus,
}

mapping!(
    Products,
    "products by SKU",
    this,
    map,
    sku,
    {
        let product: Product = map.next_value()?;
        if let Some(index) = wanted(this.offer, &product.attributes) {
            this.skus.insert(sku, index);
        }
    },
    Ok(())
);

struct Terms<'f> {
    skus: &'f Skus,
    found: &'f mut Offer,
}

mapping!(
    Terms,
    "terms by kind",
    this,
    map,
    kind,
    {
        if kind == "OnDemand" {
            map.next_value_seed(OnDemand { skus: this.skus, found: &mut *this.found })?;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
    },
    Ok(())
);

struct OnDemand<'f> {
    skus: &'f Skus,
    found: &'f mut Offer,
}

mapping!(
    OnDemand,
    "terms by SKU",
    this,
    map,
    sku,
    {
        let Some(index) = this.skus.get(&sku) else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        let terms: BTreeMap<String, Term> = map.next_value()?;
        if let Some(price) = price(&terms) {
            match this.found.prices.get(index) {
                Some(other) if *other != price => {
                    let usage = WANTED[*index].usage;
                    return Err(serde::de::Error::custom(format!("{usage} has two prices, {other} and {price}")));
                }
                _ => this.found.prices.insert(*index, price),
            };
        }
    },
    Ok(())
);

#[cfg(test)]
mod tests {
    use super::*;

    /// SKU, usage type, operation, price.
    type Line = (&'static str, &'static str, &'static str, &'static str);

    fn offer(products: &[Line]) -> String {
        let list = |text: fn(&Line) -> String| products.iter().map(text).collect::<Vec<_>>().join(",");
        let attributes = list(|(sku, usage, operation, _)| {
            format!(r#""{sku}":{{"sku":"{sku}","attributes":{{"usagetype":"{usage}","operation":"{operation}"}}}}"#)
        });
        let terms = list(|(sku, _, _, price)| {
            format!(
                r#""{sku}":{{"{sku}.T":{{"priceDimensions":{{"{sku}.T.D":{{"beginRange":"0","pricePerUnit":{{"USD":"{price}"}}}}}}}}}}"#
            )
        });
        format!(
            r#"{{"publicationDate":"2026-11-20T00:00:00Z","products":{{{attributes}}},"terms":{{"OnDemand":{{{terms}}},"Reserved":{{"x":1}}}}}}"#
        )
    }

    fn rates(name: &str, text: &str) -> Result<Rates, String> {
        let mut rates = Rates::default();
        Offer::read(name, text.as_bytes())?.fill(&mut rates);
        Ok(rates)
    }

    #[test]
    fn fargate_on_x86_is_told_from_the_rest() {
        let text = offer(&[
            ("A", "EUC1-Fargate-vCPU-Hours:perCPU", "", "0.0465600000"),
            ("B", "EUC1-Fargate-GB-Hours", "", "0.0051100000"),
            ("C", "EUC1-Fargate-ARM-vCPU-Hours:perCPU", "", "0.03"),
            ("D", "EUC1-Fargate-Windows-GB-Hours", "", "0.01"),
            ("E", "EUC1-AmazonEKS-Hours:perCluster", "CreateOperation", "0.10"),
            ("F", "EUC1-AmazonEKS-Hours:extendedSupport", "ExtendedSupport", "0.60"),
        ]);
        let rates = rates("AmazonEKS", &text).unwrap();
        assert_eq!((rates.vcpu_hour.as_str(), rates.gb_hour.as_str()), ("0.04656", "0.00511"));
        assert_eq!((rates.cluster_hour.as_deref(), rates.extended_cluster_hour.as_deref()), (Some("0.1"), Some("0.6")));
        assert_eq!(lacking(&rates), None);
    }

    #[test]
    fn the_operation_tells_an_application_load_balancer_from_others() {
        let text = offer(&[
            ("A", "LoadBalancerUsage", "LoadBalancing:Network", "0.03"),
            ("B", "LoadBalancerUsage", "LoadBalancing:Application", "0.0225"),
            ("C", "LCUUsage", "LoadBalancing:Application", "0.008"),
        ]);
        let rates = rates("AWSELB", &text).unwrap();
        assert_eq!((rates.alb_hour.as_deref(), rates.lcu_hour.as_deref()), (Some("0.0225"), Some("0.008")));
        assert_eq!(lacking(&rates), Some("Fargate-vCPU-Hours:perCPU"));
        let vcpu = Rates { vcpu_hour: "0.04".to_owned(), ..Rates::default() };
        assert_eq!(lacking(&vcpu), Some("Fargate-GB-Hours"));
    }

    #[test]
    fn what_is_no_offer_file_is_said() {
        assert!(rates("AmazonEKS", "{}").unwrap_err().contains("no `products`"));
        assert!(rates("AmazonEKS", "[]").unwrap_err().contains("line 1"));
        let twice = offer(&[("A", "Fargate-GB-Hours", "", "0.1"), ("B", "Fargate-GB-Hours", "", "0.2")]);
        assert!(rates("AmazonEKS", &twice).unwrap_err().contains("two prices, 0.1 and 0.2"));
    }
}
