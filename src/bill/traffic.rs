//! What requests add to a bill: load balancer capacity units (LCUs), and bytes that leave AWS.
//!
//! AWS bills the largest of four dimensions of an LCU: 25 new connections a second, 3,000 active connections, 1 GB an hour, and
//! 1,000 rule evaluations a second, of which the first ten rules of each request are free.
//! Source: <https://aws.amazon.com/elasticloadbalancing/pricing/>

use super::Item;
use super::surroundings::Surroundings;
use crate::fargate::cost::{Dollars, HOURS, Tariff};
use crate::fargate::plan::Price;
use crate::fargate::quantity::Quantity;

/// What the row of the load balancer's capacity units is called.
pub(super) const LCUS: &str = "LCUs";

/// Requests to the load balancer, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Requests in a thousand seconds.
    pub per_kilosecond: i128,
    /// Bytes of a request and its answer.
    pub bytes: i128,
}

impl Traffic {
    /// Reads `10rps,20KB`: requests a second, and the bytes of one with its answer.
    ///
    /// # Errors
    /// In words, how it is written.
    pub fn parse(text: &str) -> Result<Traffic, String> {
        let wrong =
            || format!("`{text}` is no traffic; write requests a second and the size of one, such as 10rps,20KB");
        let (rate, size) = text.split_once(',').ok_or_else(wrong)?;
        let rate = rate.trim().strip_suffix("rps").ok_or_else(wrong)?;
        let rate = Quantity::parse(rate).ok().filter(|rate| !rate.is_negative()).ok_or_else(wrong)?;
        let size = size.trim();
        let units = [("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("B", 1)];
        let (number, unit) =
            units.iter().find_map(|(unit, bytes)| Some((size.strip_suffix(unit)?, *bytes))).ok_or_else(wrong)?;
        let number = Quantity::parse(number).ok().filter(|size| !size.is_negative()).ok_or_else(wrong)?;
        let (per_kilosecond, bytes) = (rate.milli(), number.milli().saturating_mul(unit) / 1000);
        if per_kilosecond > 1_000_000_000 || bytes > 1_000_000_000_000 {
            return Err(format!("`{text}` is more than a million requests a second, or more than 1 TB for one"));
        }
        Ok(Traffic { per_kilosecond, bytes })
    }

    /// Bytes in an hour.
    fn bytes_an_hour(self) -> i128 {
        self.per_kilosecond * self.bytes * 36 / 10
    }

    /// Capacity units in thousandths: the largest of the dimensions, each request with a connection of its own that lasts less
    /// than a minute.
    fn milli_units(self) -> i128 {
        let connections = up(self.per_kilosecond, 25);
        let processed = up(self.bytes_an_hour(), 1_000_000);
        connections.max(processed)
    }
}

/// The quotient, rounded up.
fn up(amount: i128, by: i128) -> i128 {
    (amount + by - 1) / by
}

/// The rows of a traffic; what is left out where nothing says how much there is, or what it costs.
pub(super) fn rows(traffic: Option<&Traffic>, around: &Surroundings, tariff: &Tariff) -> (Vec<Item>, Vec<String>) {
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    let Some(traffic) = traffic else {
        if around.load_balancers > 0 {
            left_out.push("LCUs of the ALB and data to the internet (say --traffic 10rps,20KB)".to_owned());
        }
        if around.nat_gateways > 0 {
            left_out.push("what goes through NAT, such as images (each start of a pod pulls its images)".to_owned());
        }
        return (rows, left_out);
    };
    let units = traffic.milli_units();
    let mut row = |name: &str, what: String, hour: Option<Dollars>, because: &str| match hour {
        Some(hour) => {
            rows.push(Item { name: name.to_owned(), what, price: Price::of(hour), because: because.to_owned() });
        }
        None => left_out.push(format!("{name} (the price list has no price)")),
    };
    let lcu = tariff.lcu.map(|lcu| lcu.thousandths(units));
    let decimal = |milli: i128| format!("{}.{:03}", milli / 1000, milli % 1000);
    row(
        LCUS,
        format!("{} at {} requests a second", decimal(units), decimal(traffic.per_kilosecond)),
        lcu,
        "The largest of AWS's four dimensions; each request is reckoned with a connection of its own: \
         https://aws.amazon.com/elasticloadbalancing/pricing/",
    );
    if around.public_load_balancers > 0 {
        // The first 100 GB of a month are free.
        let month = (traffic.bytes_an_hour() * HOURS / 1_000_000 - 100_000).max(0);
        let out = tariff.out_gb.map(|gb| gb.thousandths(month / HOURS));
        row(
            "data to the internet",
            format!("{} GB a month above the free 100", month / 1000),
            out,
            "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
        );
    }
    if around.nat_gateways > 0 {
        left_out.push("what goes through NAT, such as images (each start of a pod pulls its images)".to_owned());
    }
    (rows, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traffic_reads_as_it_is_written() {
        let read = |text: &str| Traffic::parse(text).map(|t| (t.per_kilosecond, t.bytes));
        assert_eq!(read("10rps,20KB"), Ok((10_000, 20_000)));
        assert_eq!(read("0.5rps, 1.5MB"), Ok((500, 1_500_000)));
        for wrong in ["10", "10rps", "10,20KB", "-1rps,1KB", "1rps,1", "1rps,-1KB", "9999999999rps,1B", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_largest_dimension_decides() {
        let units = |text: &str| Traffic::parse(text).unwrap().milli_units();
        // 100 new connections a second are 4 units; 100 KB of each are 36 GB an hour.
        assert_eq!(units("100rps,1KB"), 4000);
        assert_eq!(units("100rps,100KB"), 36_000);
        assert_eq!(units("0rps,1KB"), 0);
    }
}
