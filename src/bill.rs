//! The whole bill: what the pods of a set cost, and everything that a render and its cluster bring besides. [`surroundings`] says
//! what that is, [`traffic`] what requests add, [`compare`] what has changed since another bill, [`offers`] reads AWS's own price
//! list.

use std::fmt::Write as _;

use serde::Serialize;

use crate::fargate::asked::Asked;
use crate::fargate::cost::{Dollars, HOURS, NoPrice, Prices};
use crate::fargate::plan::{Plan, Price};
use crate::fargate::size::{STORAGE_INCLUDED, Size};
use crate::shown::wrap;
use surroundings::Surroundings;
use traffic::Traffic;

pub mod compare;
pub mod offers;
pub mod surroundings;
pub mod traffic;

/// What is assumed of a bill that no manifest says.
#[derive(Clone, Debug, Default)]
pub struct Assumptions {
    /// The region.
    pub region: Option<String>,
    /// Requests to the load balancer.
    pub traffic: Option<Traffic>,
    /// What a Compute Savings Plan takes off Fargate's part, in percent.
    pub savings_plan: Option<u32>,
    /// Whether the control plane is in extended support.
    pub extended_support: bool,
}

/// A plan and what stands around its pods.
#[derive(Clone, Debug, Serialize)]
pub struct Bill {
    /// The pods of the set.
    #[serde(flatten)]
    pub plan: Plan,
    /// All that is paid for, a row each.
    pub bill: Rows,
    /// What is not in it.
    pub not_included: Vec<String>,
}

/// The rows of a bill and their sums.
#[derive(Clone, Debug, Serialize)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Item>,
    /// All of it while nobody asks for anything: what scales to zero costs nothing.
    pub total: Price,
    /// The same with everything that scales at its most; `None` where something has no bound.
    pub peak: Option<Price>,
}

/// One row of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What is paid for.
    pub name: String,
    /// How many, or how much.
    pub what: String,
    /// What it costs.
    #[serde(flatten)]
    pub price: Price,
    /// Why it is there, and where its size and number come from.
    pub because: String,
}

impl Bill {
    /// The bill of some objects, each with its name.
    ///
    /// # Errors
    /// The price list does not have the region.
    pub fn of(
        objects: &[(String, &crate::value::Value)],
        asked: &Asked,
        around: &Surroundings,
        prices: &Prices,
        assumed: &Assumptions,
    ) -> Result<Bill, NoPrice> {
        let region = assumed.region.as_deref().or(around.region.as_deref());
        let mut plan = Plan::of(objects, asked, prices, region)?;
        if assumed.extended_support && !around.cluster {
            plan.notes.push(
                "--extended-support is about the control plane, and this bill has none: it is there for a render with a cluster, or \
                 beside eksctl's file."
                    .to_owned(),
            );
        }
        let tariff = prices.tariff(region)?;
        let mut unpriced = Vec::new();
        let mut rows = Vec::new();
        let fargate = |price: Price| discounted(price, assumed.savings_plan);
        if !plan.pods.is_empty() {
            rows.push(Item {
                name: "pods".to_owned(),
                what: "those above".to_owned(),
                price: fargate(plan.total),
                because: "Fargate bills the size of each pod by the second.".to_owned(),
            });
        }
        for part in &around.pods {
            let each = Price::of(tariff.hour(&Size { milli: part.milli, mib: part.mib, storage: STORAGE_INCLUDED }));
            rows.push(Item {
                name: part.name.to_owned(),
                what: format!("{} of {}", part.count, Size { milli: part.milli, mib: part.mib, storage: 0 }),
                price: fargate(each.times(part.count)),
                because: part.because.to_owned(),
            });
        }
        for fixed in around.fixed(assumed.extended_support, &tariff) {
            match fixed.each {
                Some(each) => rows.push(Item {
                    name: fixed.name.to_owned(),
                    what: fixed.what,
                    price: Price::of(each * fixed.count),
                    because: fixed.because.to_owned(),
                }),
                None => unpriced.push(format!("{} (the price list has no price)", fixed.name)),
            }
        }
        let (more, left_out) = traffic::rows(assumed.traffic.as_ref(), around, &tariff);
        rows.extend(more);
        unpriced.extend(left_out);
        let total = sum(rows.iter().map(|row| row.price));
        let peak = at_most(&plan).map(|most| sum([total, fargate(most)].into_iter()).minus(fargate(plan.total)));
        unpriced.extend(prices.not_included.iter().cloned());
        Ok(Bill { plan, bill: Rows { rows, total, peak }, not_included: unpriced })
    }

    /// For people, at most 110 columns wide.
    pub fn to_text(&self) -> String {
        let mut text = self.plan.to_text();
        if self.bill.rows.is_empty() {
            return text;
        }
        let _ = writeln!(text, "\nThe whole bill, for a month of {HOURS} hours");
        let widths = [
            self.bill.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0),
            self.bill.rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0),
            self.bill.rows.iter().map(|row| row.price.month.to_string().len()).max().unwrap_or(0),
        ];
        for row in &self.bill.rows {
            let [name, what, month] = widths;
            let line = format!("  {:<name$}  {:<what$}  {:>month$}", row.name, row.what, row.price.month.to_string());
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "  {}: {} a month", self.all_of_it(), self.bill.total.month);
        match &self.bill.peak {
            Some(peak) if *peak != self.bill.total => {
                let _ = writeln!(text, "  with all that scales at its most, all the time: {} a month", peak.month);
            }
            Some(_) => {}
            None => {
                let _ = writeln!(text, "  at the most: no bound, as something scales without one");
            }
        }
        let _ = writeln!(text, "Why these, and from where");
        for row in &self.bill.rows {
            let _ = writeln!(text, "  {}", wrap(&format!("{}: {}", row.name, row.because), 4));
        }
        let _ = writeln!(text, "{}", wrap(&format!("Not included: {}.", self.not_included.join(", ")), 0));
        let _ = writeln!(text, "{}", wrap(&format!("Prices: {}", self.plan.confidence), 0));
        text
    }

    /// What the sum is of.
    fn all_of_it(&self) -> &'static str {
        let has_traffic = self.bill.rows.iter().any(|row| row.name == traffic::LCUS);
        if has_traffic { "all of it, with that traffic" } else { "all of it, while nobody asks for anything" }
    }

    /// As tables that fit a comment on a pull request.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("| pod | gets | runs | a month |\n| --- | --- | --- | ---: |\n");
        for pod in &self.plan.pods {
            let [object, _, size, runs, _, month] = pod.cells();
            let _ = writeln!(text, "| `{object}` | {size} | {runs} | {month} |");
        }
        text.push_str("\n| what is paid for | how much | a month |\n| --- | --- | ---: |\n");
        for row in &self.bill.rows {
            let _ = writeln!(text, "| {} | {} | {} |", row.name, row.what, row.price.month);
        }
        let _ = writeln!(text, "| **{}** | | **{}** |", self.all_of_it(), self.bill.total.month);
        if let Some(peak) = self.bill.peak.filter(|peak| *peak != self.bill.total) {
            let _ = writeln!(text, "| with all that scales at its most | | {} |", peak.month);
        }
        let _ = writeln!(
            text,
            "\n{} hours, {}, prices of {}. {} Not included: {}.",
            HOURS,
            self.plan.region,
            self.plan.prices_of,
            self.plan.notes.join(" "),
            self.not_included.join(", ")
        );
        text
    }
}

fn discounted(price: Price, percent: Option<u32>) -> Price {
    match percent {
        Some(percent) => Price::of(price.hour.thousandths(1000 - 10 * i128::from(percent.min(100)))),
        None => price,
    }
}

fn sum(prices: impl Iterator<Item = Price>) -> Price {
    Price::of(prices.map(|price| price.hour).sum())
}

/// What the pods of a plan cost when everything that scales is at its most; `None` where something has no bound.
fn at_most(plan: &Plan) -> Option<Price> {
    let hours = plan.pods.iter().map(|pod| pod.most.map(|most| pod.each.hour * i128::from(most)));
    Some(Price::of(hours.sum::<Option<Dollars>>()?))
}
