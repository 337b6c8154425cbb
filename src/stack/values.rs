//! Values that end up in manifests, checked for form.

pub(crate) use super::timeouts::longest_cold_start;
use super::{StackError, gitops, timeouts};
use crate::alb::{Around, IDLE_MAX};
use crate::aws::{self, Arn};
use crate::config::{Ask, EcrTags};
use crate::fargate::COLD_START;
use crate::fargate::quantity::Quantity;
use crate::images::readable::Readable;
use crate::kubernetes::names;
use crate::rewrite::rule::RuleSet;

/// For how many days `CloudWatch` can be told to keep logs.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub const LOG_RETENTION: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Checks the form of what ends up in manifests.
pub(super) fn check(ask: &Ask) -> Result<(), StackError> {
    let check = |flag: &str, value: &Option<String>, is_good: fn(&str) -> bool, form: &str| match value {
        Some(value) if !is_good(value) => Err(StackError(format!("{flag} `{value}` {form}"))),
        _ => Ok(()),
    };
    check(
        "--domain",
        &ask.domain,
        is_domain,
        "is not a domain name: lower-case letters, digits and dashes, with dots, such as apps.example.com",
    )?;
    check(
        "--cluster-name",
        &ask.cluster_name,
        aws::is_cluster_name,
        "is not an EKS cluster name: 1 to 100 letters, digits, dashes and underscores, the first a letter or digit",
    )?;
    zones(ask)?;
    if let Some(region) = ask.region.as_deref().filter(|region| !aws::is_region(region)) {
        let near =
            aws::near_region(region).map_or(", such as eu-west-1".to_owned(), |near| format!("; did you mean {near}?"));
        return Err(StackError(format!("--region `{region}` is not an AWS region{near}")));
    }
    check("--vpc-id", &ask.vpc_id, aws::is_vpc_id, "is not a VPC id: `vpc-` and 8 or 17 hexadecimal digits")?;
    check(
        "--certificate-arn",
        &ask.certificate_arn,
        |arns| arns.split(',').all(is_certificate_arn),
        "is not the ARN of a certificate, such as arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
    )?;
    check("--account-id", &ask.account_id, aws::is_account, "is not an AWS account: 12 digits")?;
    check(
        "--alb-group",
        &ask.alb_group,
        is_alb_group,
        "is not the name of a group: lower-case letters, digits, dashes and dots, 63 at the most, letter or digit at both ends",
    )?;
    let all = |flag: &str, values: &[String], is_good: fn(&str) -> bool, form: &str| {
        values.iter().try_for_each(|value| check(flag, &Some(value.clone()), is_good, form))
    };
    all("--subnets", &ask.subnets, aws::is_subnet_id, "is not a subnet id: `subnet-` and 8 or 17 hexadecimal digits")?;
    if let [subnet] = ask.subnets.as_slice() {
        return Err(StackError(format!(
            "--subnets {subnet}: an EKS cluster needs two subnets or more, in different availability zones"
        )));
    }
    if let Some(twice) = ask.subnets.iter().enumerate().find(|(i, id)| ask.subnets[..*i].contains(id)) {
        return Err(StackError(format!("--subnets names {} twice", twice.1)));
    }
    if !ask.subnets.is_empty() && ask.vpc_id.is_none() {
        return Err(StackError("--subnets are those of a VPC that exists; name it with --vpc-id".to_owned()));
    }
    if ask.ecr_tags == Some(EcrTags::Skip) && (ask.account_id.is_none() || ask.region.is_none()) {
        return Err(StackError(
            "--ecr-tags skip names the account's registry in Knative's configuration; give --account-id and --region"
                .to_owned(),
        ));
    }
    repositories(ask)?;
    if let Some(days) = ask.log_retention_days {
        if ask.logging != Some(true) {
            return Err(StackError("--log-retention-days is about the logs of --logging".to_owned()));
        }
        if !LOG_RETENTION.contains(&days) {
            let known: Vec<_> = LOG_RETENTION.iter().map(ToString::to_string).collect();
            return Err(StackError(format!(
                "--log-retention-days {days}: CloudWatch keeps logs for {} days",
                known.join(", ")
            )));
        }
    }
    ask.alb.check(Around {
        kourier: ask.gloo.is_none(),
        group: ask.alb_group.as_deref(),
        certificate: ask.certificate_arn.as_deref(),
        region: ask.region.as_deref(),
        own_vpc: ask.cluster_name.is_some() && ask.region.is_some() && ask.vpc_id.is_none(),
    })?;
    gitops::check(ask)?;
    check("--queue-proxy-cpu", &ask.queue_proxy_cpu, is_request, "is not a quantity such as 25m")?;
    check("--queue-proxy-memory", &ask.queue_proxy_memory, is_request, "is not a quantity such as 64Mi")?;
    if timeouts::alb_idle(ask) > IDLE_MAX {
        return Err(StackError(format!(
            "--cold-start {}: with 300 seconds of work on top, no ALB would wait that long; it can be told to wait {IDLE_MAX} \
             seconds at the most, so that a cold start may take {}",
            ask.cold_start.map_or(COLD_START, |time| time.0),
            timeouts::longest_cold_start()
        )));
    }
    if let (Some(arns), Some(region)) = (&ask.certificate_arn, &ask.region)
        && let Some(other) =
            arns.split(',').filter_map(Arn::parse).map(|arn| arn.region).find(|r| !r.is_empty() && r != region)
    {
        return Err(StackError(format!(
            "--certificate-arn is in {other}, and --region is {region}: an ALB takes certificates of its own region only"
        )));
    }
    Ok(())
}

/// The repositories that the role of Knative's controller may read.
fn repositories(ask: &Ask) -> Result<(), StackError> {
    let readable = Readable::all(ask)?;
    let Some(first) = ask.ecr_repositories.first() else { return Ok(()) };
    if ask.ecr_tags.unwrap_or_default() != EcrTags::Role || ask.rule_set == Some(RuleSet::Seed) {
        return Err(StackError(format!(
            "--ecr-repository {first} limits the role of --ecr-tags role, and here Knative's controller has none"
        )));
    }
    let (Some(_), Some(region)) = (&ask.cluster_name, &ask.region) else {
        return Err(StackError(format!(
            "--ecr-repository {first} limits a policy that comes with --cluster-name and --region: name them, too"
        )));
    };
    for (i, text) in ask.ecr_repositories.iter().enumerate() {
        if ask.ecr_repositories[..i].contains(text) {
            return Err(StackError(format!("--ecr-repository names {text} twice")));
        }
        if readable.get(i).is_some_and(|readable| readable.is_beyond(region)) {
            return Err(StackError(format!(
                "--ecr-repository {text} is in another partition of AWS than {region}, and roles reach nothing there"
            )));
        }
    }
    Ok(())
}

fn is_domain(text: &str) -> bool {
    text.contains('.') && names::is_domain(text)
}

fn is_request(text: &str) -> bool {
    Quantity::parse(text).is_ok_and(|q| !q.is_negative())
}

/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#group.name>
fn is_alb_group(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.chars().all(|c| edge(c) || c == '-' || c == '.')
        && text.starts_with(edge)
        && text.ends_with(edge)
}

fn is_certificate_arn(text: &str) -> bool {
    let Some(arn) = Arn::parse(text) else { return false };
    let kind = match arn.service {
        "acm" => aws::is_region(arn.region) && arn.resource.starts_with("certificate/"),
        "iam" => arn.region.is_empty() && arn.resource.starts_with("server-certificate/"),
        _ => false,
    };
    kind && arn.partition.starts_with("aws")
        && arn.resource.split('/').all(|part| !part.is_empty())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Zones that can be had: an ALB needs two, and where the VPC exists a subnet is needed in each.
fn zones(ask: &Ask) -> Result<(), StackError> {
    let Some(zones) = ask.zones else { return Ok(()) };
    if !(1..=3).contains(&zones) {
        return Err(StackError(format!("--zones {zones}: 1, 2 or 3 can be had")));
    }
    if zones > 1 && ask.vpc_id.is_some() && ask.subnets.len() < zones as usize {
        return Err(StackError(format!(
            "--zones {zones}: the VPC exists, so that its NAT gateways are yours; name a private subnet in each of {zones} zones \
             with --subnets, so that pods can run in each"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{resolve, some};
    use super::*;

    #[test]
    fn values_are_checked_for_form() {
        let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222";
        for good in [
            Ask { domain: some("apps.example.com"), ..Ask::default() },
            Ask {
                certificate_arn: some(&format!("{arn},arn:aws-cn:iam::123456789012:server-certificate/a")),
                ..Ask::default()
            },
            Ask {
                cluster_name: some("My_cluster-1"),
                region: some("us-gov-east-1"),
                vpc_id: some("vpc-0123456789abcdef0"),
                ..Ask::default()
            },
        ] {
            resolve(good.clone()).unwrap_or_else(|e| panic!("{good:?}: {e}"));
        }
        #[allow(clippy::useless_vec)] // an array of these would be large for a stack
        for bad in vec![
            Ask { domain: some("https://example.com"), ..Ask::default() },
            Ask { domain: some("example"), ..Ask::default() },
            Ask { domain: some("*.example.com"), ..Ask::default() },
            Ask { domain: some("Apps.example.com"), ..Ask::default() },
            Ask { certificate_arn: some("arn:aws:acm:eu-west-1:1234:certificate/x"), ..Ask::default() },
            Ask { certificate_arn: some(&format!("{arn}, {arn}")), ..Ask::default() },
            Ask { cluster_name: some("-a"), ..Ask::default() },
            Ask { region: some("eu-west-1a"), ..Ask::default() },
            Ask { region: some("europe"), ..Ask::default() },
            Ask { vpc_id: some("vpc-XYZ"), ..Ask::default() },
            Ask { subnets: vec!["subnet-01234567".into(), "subnet-01234568".into()], ..Ask::default() },
            Ask { vpc_id: some("vpc-01234567"), subnets: vec!["subnet-01234567".into()], ..Ask::default() },
            Ask { vpc_id: some("vpc-01234567"), subnets: vec!["subnet-1".into()], ..Ask::default() },
            Ask { vpc_id: some("vpc-01234567"), subnets: vec!["subnet-01234567".into(); 2], ..Ask::default() },
            Ask { account_id: some("1234"), ..Ask::default() },
            Ask { ecr_repositories: vec!["shop".into()], ..Ask::default() },
            Ask { alb_group: some("Shared"), ..Ask::default() },
            Ask { app_namespaces: vec!["team_a".into()], ..Ask::default() },
            Ask { logging: Some(true), cluster_name: some("a"), ..Ask::default() },
            Ask { log_retention_days: Some(60), ..Ask::default() },
            Ask { certificate_arn: some(arn), region: some("us-east-1"), ..Ask::default() },
        ] {
            assert!(resolve(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
