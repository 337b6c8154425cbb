//! What becomes of an app: its size, what it costs, how it starts, where it is reached.

use std::fmt::Write as _;

use serde::Serialize;

use super::{App, Terms, Visibility, image};
use crate::config::time::Lasting;
use crate::fargate::asked::Asked;
use crate::fargate::cost::Prices;
use crate::fargate::plan::{Plan, Price, Saving};
use crate::shown::wrap;

/// A request that has to give up to so many percent to fit a cheaper size is just over that size.
const JUST_OVER: i128 = 20;

/// Everything about an app on one screen.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The Service, as `Service.serving.knative.dev/NAMESPACE/NAME`.
    pub service: String,
    /// The image.
    pub image: String,
    /// Who pulls it, and with which right.
    pub pull: String,
    /// Who looks up the digest behind its tag, and with which right.
    pub resolve: String,
    /// What the pods may do in AWS, where a service account is named.
    pub identity: Option<String>,
    /// What each pod gets, such as `0.25 vCPU / 0.5 GB`.
    pub size: String,
    /// What the app has of it.
    pub app: Share,
    /// What queue-proxy has of it.
    pub queue_proxy: String,
    /// What one pod costs.
    pub pod: Price,
    /// What the pods that always run cost.
    pub least: Price,
    /// What all pods cost, where there is a most.
    pub most: Option<Price>,
    /// Where these prices come from.
    pub prices: PricesOf,
    /// What makes a pod cheaper, where it is just over a size.
    pub saving: Option<Saving>,
    /// How many pods run.
    pub runs: String,
    /// How it starts.
    pub cold_start: String,
    /// How long a request may take.
    pub timeout: String,
    /// Where it is reached.
    pub url: String,
}

/// Amounts of CPU and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// CPU, such as `225m`.
    pub cpu: String,
    /// Memory, such as `256Mi`.
    pub memory: String,
}

/// Where prices come from.
#[derive(Clone, Debug, Serialize)]
pub struct PricesOf {
    /// The region.
    pub region: String,
    /// The day on which they were read.
    pub date: String,
    /// What the reader should know about them, and how sure they are.
    pub notes: Vec<String>,
}

impl Summary {
    /// What becomes of an app under these terms.
    ///
    /// # Errors
    /// In words, why there is no summary.
    pub fn of(app: &App, terms: &Terms, prices: &Prices) -> Result<Summary, String> {
        let (asked, object) = match (app.asked(terms), app.object(terms)) {
            (Ok(asked), Ok(object)) => (asked, object),
            (Err(e), _) | (_, Err(e)) => return Err(e.to_string()),
        };
        let service = format!("Service.serving.knative.dev/{}/{}", app.namespace(), app.name);
        let region = terms.region.as_deref();
        let plan_of = |object| {
            Plan::of(&[(service.clone(), object)], &Asked::default(), prices, region).map_err(|e| e.to_string())
        };
        let fitted = plan_of(&object)?;
        // What would save something is told by what was asked for: the rest was filled up because it is paid for anyway.
        let plain = plan_of(&asked)?;
        let row = fitted.pods.first().ok_or("a Service without a pod")?;
        let notes = [fitted.notes, vec![fitted.confidence]].concat();
        let has = |what: &str| {
            let at = format!("/spec/template/spec/containers/0/resources/requests/{what}");
            object.pointer(&at).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
        };
        let [(_, cpu), (_, memory)] = &terms.queue_proxy;
        let queue_proxy = match (cpu.as_deref().unwrap_or("25m"), memory) {
            (cpu, Some(memory)) => format!("{cpu} and {memory}"),
            (cpu, None) => cpu.to_owned(),
        };
        Ok(Summary {
            service,
            image: app.image.clone(),
            pull: image::pull(app),
            resolve: image::resolve(app, terms),
            identity: image::identity(app),
            size: row.size.clone()?,
            app: Share { cpu: has("cpu"), memory: has("memory") },
            queue_proxy,
            pod: row.each,
            least: fitted.total,
            most: app.max_scale.map(|pods| row.each.times(pods.into())),
            prices: PricesOf { region: fitted.region, date: fitted.prices_of, notes },
            saving: plain.pods.first().and_then(|row| row.saving.clone()).filter(|saving| saving.percent <= JUST_OVER),
            runs: runs(app, terms),
            cold_start: cold_start(app, terms),
            timeout: timeout(app, terms),
            url: url(app, terms),
        })
    }

    /// For people, at most 110 columns wide.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.service);
        let (Share { cpu, memory }, PricesOf { region, date, notes }) = (&self.app, &self.prices);
        let mut row = |key: &str, value: &str| {
            let _ = writeln!(text, "  {key:<10}  {}", wrap(value, 14));
        };
        row("image", &self.image);
        row("", &self.pull);
        row("", &self.resolve);
        if let Some(identity) = &self.identity {
            row("identity", identity);
        }
        row(
            "size",
            &format!(
                "{} a pod: {cpu} CPU and {memory} for the app, {} for queue-proxy, 256Mi for Fargate",
                self.size, self.queue_proxy
            ),
        );
        if let Some(saving) = &self.saving {
            let Saving { change, fits, month, .. } = saving;
            let of = if self.least.month > self.pod.month { "all pods that always run" } else { "each pod" };
            row("saving", &format!("{change} fits {fits}, {month} a month less for {of}"));
        }
        let hour = self.pod.hour.rounded(7);
        let mut price = format!("${hour} an hour while a pod runs, {} a month of 730 hours", self.pod.month);
        match &self.most {
            Some(most) if *most != self.least => {
                let _ = write!(price, "; all of it {} to {} a month", self.least.month, most.month);
            }
            _ if self.least != self.pod && self.least != Price::default() => {
                let _ = write!(price, "; all of it {} a month or more", self.least.month);
            }
            _ => {}
        }
        let _ = write!(price, " ({region}, prices of {date})");
        row("price", &price);
        for note in notes {
            row("", note);
        }
        row("runs", &self.runs);
        row("cold start", &self.cold_start);
        row("time-out", &self.timeout);
        row("URL", &self.url);
        text
    }
}

fn pods(count: u32) -> String {
    if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") }
}

fn runs(app: &App, terms: &Terms) -> String {
    let most = app.max_scale.map_or_else(|| "as many pods as there is traffic for".to_owned(), pods);
    match app.min_scale.unwrap_or(0) {
        0 => {
            let retention = app.retention.as_ref().map(Lasting::as_str).or(terms.retention.as_deref()).unwrap_or("30s");
            format!(
                "0 to {most}; the last one goes about {retention} after the last request, and then there is nothing to pay"
            )
        }
        min if app.max_scale == Some(min) => format!("{} always", pods(min)),
        min => format!("{min} to {most}"),
    }
}

fn cold_start(app: &App, terms: &Terms) -> String {
    let seconds = terms.cold_start;
    match app.min_scale.unwrap_or(0) {
        0 => format!("the first request after that waits for a pod; count on up to {seconds} s on Fargate"),
        1 => format!(
            "none while one pod carries the traffic; more of it waits up to {seconds} s for the second, and so does all of it \
             when AWS replaces the one. --min-scale 2 outlives that"
        ),
        min => format!("none while {min} pods carry the traffic; more of it waits up to {seconds} s for the next"),
    }
}

fn timeout(app: &App, terms: &Terms) -> String {
    match app.timeout {
        Some(seconds) => format!("{seconds} s for a request, a cold start included"),
        None => format!("{} s for a request, a cold start included: the stack's", terms.timeout),
    }
}

fn url(app: &App, terms: &Terms) -> String {
    let (name, namespace) = (&app.name, app.namespace());
    if app.visibility() == Visibility::ClusterLocal {
        return format!("http://{name}.{namespace}.svc.cluster.local, from within the cluster only");
    }
    match &terms.domain {
        Some(domain) if terms.https => format!("https://{name}-{namespace}.{domain}"),
        Some(domain) => format!("http://{name}.{namespace}.{domain}"),
        None => {
            format!(
                "below the domain of the cluster (`kubectl get ksvc {name} -n {namespace}` tells); --domain names one"
            )
        }
    }
}
