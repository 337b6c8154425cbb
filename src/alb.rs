//! Options of the Application Load Balancer: `alb:` in `knrender.yaml`, and the annotations that they become.
//!
//! Source of names, forms and limits, unless another is given:
//! <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/>

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;

use crate::aws::{self, Arn};

pub mod annotations;
pub mod json;

/// The longest that an ALB keeps an idle connection, in seconds.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
pub const IDLE_MAX: u32 = 4000;

/// The longest that an ALB keeps the connections of a target that goes, in seconds.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html>
pub const DEREGISTRATION_MAX: u32 = 3600;

/// Names and values, in the order in which they are written.
pub type Pairs = Vec<(String, String)>;

/// What the user wants of the ALB.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Alb {
    /// Place among the Ingresses that share the ALB; the lowest is asked first, and 0 is where all others are.
    pub group_order: Option<i32>,
    /// Name of the load balancer; cannot be changed later.
    pub load_balancer_name: Option<String>,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    pub ip_address_type: Option<String>,
    /// Subnets that the ALB is in, by id or by the tag `Name`.
    pub subnets: Vec<String>,
    /// Security groups of the user's own, by id or by the tag `Name`.
    pub security_groups: Vec<String>,
    /// Who may connect.
    pub inbound_cidrs: Vec<String>,
    /// Which versions and ciphers of TLS are spoken.
    pub ssl_policy: Option<String>,
    /// The web ACL of AWS WAF.
    pub wafv2_acl_arn: Option<String>,
    /// AWS Shield Advanced, which has to be subscribed to.
    pub shield_advanced: Option<bool>,
    /// Tags of everything that the controller makes for this Ingress.
    pub tags: BTreeMap<String, String>,
    /// Where access logs go.
    pub access_logs: Option<AccessLogs>,
    /// Whether the ALB cannot be deleted before this is taken back.
    pub deletion_protection: Option<bool>,
    /// Whether headers that are no HTTP headers are dropped.
    pub drop_invalid_headers: Option<bool>,
    /// Whether gRPC calls have a way of their own to the gateway.
    pub grpc: Option<bool>,
    /// Whether a gateway pod counts as ready only when the ALB has found it healthy.
    pub readiness_gates: Option<bool>,
}

/// An S3 bucket for access logs, in the ALB's region and with a policy that lets Elastic Load Balancing write.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessLogs {
    /// The bucket.
    #[serde(default)]
    pub bucket: String,
    /// Whether there are logs; `false` turns off what was turned on, which leaving the key out does not.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// What the names of the logs start with.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// What is around the options.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Whether the gateway is Kourier.
    pub kourier: bool,
    /// `--alb-group`.
    pub group: Option<&'a str>,
    /// `--certificate-arn`.
    pub certificate: Option<&'a str>,
    /// `--region`.
    pub region: Option<&'a str>,
    /// Whether eksctl makes the VPC.
    pub own_vpc: bool,
}

impl Alb {
    /// Checks the options.
    ///
    /// # Errors
    /// In words, with the key, what is wrong with which value.
    pub fn check(&self, around: Around<'_>) -> Result<(), String> {
        if let Some(order) = self.group_order {
            if around.group.is_none() {
                return Err(
                    "alb.group-order is the place among Ingresses that share an ALB; name it with --alb-group".into()
                );
            }
            if !(-1000..=1000).contains(&order) {
                return Err(format!("alb.group-order `{order}` is not between -1000 and 1000"));
            }
        }
        if let Some(name) = &self.load_balancer_name
            && !is_load_balancer_name(name)
        {
            return Err(format!(
                "alb.load-balancer-name `{name}` is not a name of a load balancer: 32 letters, digits and dashes at the most, no \
                 dash at either end, and not starting with `internal-`"
            ));
        }
        if let Some(kind) = self.ip_address_type.as_deref().filter(|kind| kind.starts_with("dualstack"))
            && around.own_vpc
        {
            return Err(format!(
                "alb.ip-address-type `{kind}` needs subnets with IPv6, and the VPC that out/cluster/eksctl.yaml makes is of IPv4 alone: \
                 name a VPC that has them with --vpc-id and --subnets, or leave the key out"
            ));
        }
        if let Some(kind) = &self.ip_address_type
            && !IP_ADDRESS_TYPES.contains(&kind.as_str())
        {
            return Err(format!("alb.ip-address-type `{kind}` is none of {}", IP_ADDRESS_TYPES.join(", ")));
        }
        check_ids("alb.subnets", &self.subnets)?;
        if self.subnets.len() == 1 {
            return Err("alb.subnets has one subnet; an ALB needs two or more, in different availability zones".into());
        }
        check_ids("alb.security-groups", &self.security_groups)?;
        if self.security_groups.len() > SECURITY_GROUPS {
            return Err(format!(
                "alb.security-groups has {}, and an ALB takes five, one of which is the controller's own, by which the pods let the ALB \
                 in",
                self.security_groups.len()
            ));
        }
        if self.tags.len() > TAGS {
            return Err(format!(
                "alb.tags has {}, and AWS lets a resource have 50, three of which are the controller's own",
                self.tags.len()
            ));
        }
        self.check_inbound_cidrs(around)?;
        if let Some(policy) = &self.ssl_policy {
            if !policy.strip_prefix("ELBSecurityPolicy-").is_some_and(|rest| is_made_of(rest, "-")) {
                return Err(format!(
                    "alb.ssl-policy `{policy}` is not a security policy, such as ELBSecurityPolicy-TLS13-1-2-2021-06"
                ));
            }
            let policies = &annotations::known().ssl_policies;
            if !policies.has(policy) {
                let near = policies.nearest(policy).map(|near| format!("; {near} is near it")).unwrap_or_default();
                return Err(format!(
                    "alb.ssl-policy `{policy}` is none of those that Elastic Load Balancing has{near}"
                ));
            }
            if around.certificate.is_none() {
                return Err("alb.ssl-policy is about HTTPS, and there is none without --certificate-arn".into());
            }
        }
        if let Some(arn) = self.wafv2_acl_arn.as_deref().filter(|arn| *arn != "none") {
            check_web_acl(arn, around.region)?;
        }
        if self.grpc == Some(true) {
            if !around.kourier {
                return Err("alb.grpc is known for Kourier only".into());
            }
            if around.certificate.is_none() {
                return Err(
                    "alb.grpc needs HTTPS, since an ALB takes gRPC in no other way: name a --certificate-arn".into()
                );
            }
        }
        for (key, value) in &self.tags {
            check_tag(key, value)?;
        }
        self.access_logs.as_ref().map_or(Ok(()), AccessLogs::check)
    }

    fn check_inbound_cidrs(&self, around: Around<'_>) -> Result<(), String> {
        if !self.inbound_cidrs.is_empty() && !self.security_groups.is_empty() {
            return Err(
                "alb.inbound-cidrs is ignored where alb.security-groups is given: put the ranges into the rules of these security \
                 groups, or leave one of the two keys out"
                    .into(),
            );
        }
        self.inbound_cidrs
            .iter()
            .try_for_each(|cidr| is_range(cidr).map_err(|why| format!("alb.inbound-cidrs `{cidr}` {why}")))?;
        let is_v4 = self.ip_address_type.as_deref().is_none_or(|kind| kind == "ipv4");
        if is_v4 && !self.inbound_cidrs.is_empty() && self.inbound_cidrs.iter().all(|cidr| cidr.contains(':')) {
            return Err(
                "alb.inbound-cidrs has ranges of IPv6 alone, and the ALB has IPv4 addresses alone: nobody would get in. Add ranges of \
                 IPv4, or `ip-address-type: dualstack`"
                    .into(),
            );
        }
        let rules = self.inbound_cidrs.len() * if around.certificate.is_some() { 2 } else { 1 };
        if rules > RULES {
            return Err(format!(
                "alb.inbound-cidrs has {}, which are {rules} rules, one for each port of the ALB; a security group has {RULES}, where \
                 the quota was not raised: have fewer, or put a prefix list into a security group of your own (alb.security-groups)",
                self.inbound_cidrs.len()
            ));
        }
        check_once("alb.inbound-cidrs", &self.inbound_cidrs)
    }

    /// The annotations, without the prefix `alb.ingress.kubernetes.io/`. The Ingress takes every request, so that in a group it
    /// comes last unless somebody says otherwise. A policy of TLS is the same for a whole group: there only the user names one.
    pub fn annotations(&self, group: Option<&str>, certificate: Option<&str>) -> Pairs {
        let mut pairs = Pairs::new();
        let mut set = |name: &str, value: Option<String>| {
            pairs.extend(value.map(|value| (name.to_owned(), value)));
        };
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        let order = self.group_order.or_else(|| group.map(|_| LAST));
        set("group.order", order.map(|order| order.to_string()));
        set("load-balancer-name", self.load_balancer_name.clone());
        set("ip-address-type", self.ip_address_type.clone());
        set("subnets", list(&self.subnets));
        set("security-groups", list(&self.security_groups));
        // Without it the pods' own security group would not let the ALB in.
        set("manage-backend-security-group-rules", list(&self.security_groups).map(|_| "true".to_owned()));
        set("inbound-cidrs", list(&self.inbound_cidrs));
        let policy = certificate.filter(|_| group.is_none()).map(|_| SSL_POLICY.to_owned());
        set("ssl-policy", self.ssl_policy.clone().or(policy));
        set("wafv2-acl-arn", self.wafv2_acl_arn.clone());
        set("shield-advanced-protection", self.shield_advanced.map(|on| on.to_string()));
        let tags: Vec<String> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        set("tags", list(&tags));
        pairs
    }

    /// What the annotation `load-balancer-attributes` has besides the idle time-out.
    /// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-attributes>
    pub fn attributes(&self) -> Pairs {
        let mut pairs = Pairs::new();
        let mut set = |name: &str, value: Option<String>| {
            pairs.extend(value.map(|value| (name.to_owned(), value)));
        };
        let logs = self.access_logs.as_ref();
        set("access_logs.s3.enabled", logs.map(|logs| logs.is_on().to_string()));
        let logs = logs.filter(|logs| logs.is_on());
        set("access_logs.s3.bucket", logs.map(|logs| logs.bucket.clone()));
        set("access_logs.s3.prefix", logs.and_then(|logs| logs.prefix.clone()));
        set("deletion_protection.enabled", self.deletion_protection.map(|on| on.to_string()));
        set("routing.http.drop_invalid_header_fields.enabled", self.drop_invalid_headers.map(|on| on.to_string()));
        pairs
    }
}

impl AccessLogs {
    fn is_on(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>
    fn check(&self) -> Result<(), String> {
        let AccessLogs { bucket, prefix, .. } = self;
        if !self.is_on() {
            return Ok(());
        }
        if bucket.is_empty() {
            return Err("alb.access-logs: missing field `bucket`, the S3 bucket that the logs go to".into());
        }
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
            && edge(bucket.as_bytes().first())
            && edge(bucket.as_bytes().last());
        if !is_bucket {
            return Err(format!(
                "alb.access-logs.bucket `{bucket}` is not the name of an S3 bucket: 3 to 63 lower-case letters, digits, dashes and \
                 dots"
            ));
        }
        match prefix {
            Some(prefix) if prefix.contains("AWSLogs") => Err(format!(
                "alb.access-logs.prefix `{prefix}` must not have AWSLogs in it, which Elastic Load Balancing adds by itself"
            )),
            Some(prefix) if !is_made_of(prefix, "-_./") || prefix.starts_with('/') || prefix.ends_with('/') => {
                Err(format!(
                    "alb.access-logs.prefix `{prefix}` is not a prefix: letters, digits, dashes, underscores, dots and slashes, no \
                     slash at either end"
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Security groups of the user's own beside that of the controller.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const SECURITY_GROUPS: usize = 4;

/// Tags of the user's own beside the three of the controller.
/// Source: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
pub const TAGS: usize = 47;

/// Rules that let somebody into a security group, where the quota was not raised.
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
pub const RULES: usize = 60;

/// Which versions of TLS are spoken where nobody says: 1.2 and 1.3, with forward secrecy. The controller's own default is of
/// 2016 and speaks 1.0.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>
const SSL_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06";

/// The last place in a group: what takes every request must not be asked before the others.
const LAST: i32 = 1000;

const IP_ADDRESS_TYPES: [&str; 3] = ["ipv4", "dualstack", "dualstack-without-public-ipv4"];

/// Letters, digits and some others, and not nothing.
fn is_made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>
pub fn is_load_balancer_name(name: &str) -> bool {
    name.len() <= 32
        && is_made_of(name, "-")
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-")
}

/// Ids, or values of the tag `Name`, in a list that commas separate.
fn check_ids(key: &str, values: &[String]) -> Result<(), String> {
    for value in values {
        if value.trim() != value || value.is_empty() || value.contains(',') || value.chars().any(char::is_control) {
            return Err(format!(
                "{key} `{value}` is neither an id nor a name: no commas, no white space at either end"
            ));
        }
    }
    check_once(key, values)
}

fn check_once(key: &str, values: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match values.iter().find(|value| !seen.insert(value.as_str())) {
        Some(twice) => Err(format!("{key} has `{twice}` twice")),
        None => Ok(()),
    }
}

/// An IP range with nothing beyond its prefix: AWS stores it so, and the controller would see a difference for ever.
pub fn is_range(text: &str) -> Result<(), String> {
    let form = "is not a range of IP addresses, such as 10.0.0.0/8 or 2001:db8::/32";
    let (address, prefix) = text.split_once('/').ok_or(form)?;
    let (bits, width) = match address.parse().map_err(|_| form)? {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let prefix = prefix.parse::<u32>().ok().filter(|p| *p <= width && prefix == p.to_string()).ok_or(form)?;
    if bits.checked_shl(prefix).unwrap_or(0) != 0 {
        return Err(format!("has bits beyond its /{prefix}; write the first address of the range"));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html>
fn check_web_acl(arn: &str, region: Option<&str>) -> Result<(), String> {
    let form = format!(
        "alb.wafv2-acl-arn `{arn}` is not the ARN of a regional web ACL, such as \
         arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/NAME/ID"
    );
    let Some(Arn { partition, service: "wafv2", region: of, resource, .. }) = Arn::parse(arn) else { return Err(form) };
    let resource: Vec<_> = resource.split('/').collect();
    let named = matches!(resource.as_slice(), ["regional", "webacl", name, id] if is_made_of(name, "-_") && is_made_of(id, "-"));
    if !named || partition != aws::partition_of(of) {
        return Err(form);
    }
    match region {
        Some(region) if region != of => Err(format!(
            "alb.wafv2-acl-arn is in {of}, and --region is {region}: an ALB takes a web ACL of its own region only"
        )),
        _ => Ok(()),
    }
}

/// What a tag starts with that the controller keeps for itself.
pub fn reserved_tag(key: &str) -> Option<&'static str> {
    ["elbv2.k8s.aws/", "ingress.k8s.aws/"].into_iter().find(|own| key.starts_with(own))
}

/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
fn check_tag(key: &str, value: &str) -> Result<(), String> {
    let is = |text: &str, most: usize| {
        text.chars().count() <= most && text.chars().all(|c| c.is_alphanumeric() || " _.:/+-@".contains(c))
    };
    if key.is_empty() || !is(key, 128) || !is(value, 256) || [key, value].iter().any(|text| text.trim() != *text) {
        return Err(format!(
            "alb.tags `{key}: {value}` cannot be a tag: letters, digits, spaces and _ . : / + - @, a key of 128 and a value of 256 \
             at the most"
        ));
    }
    match reserved_tag(key).or_else(|| key.starts_with("aws:").then_some("aws:")) {
        Some(own) => Err(format!("alb.tags `{key}`: tags that start with `{own}` are kept for AWS and the controller")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_nothing_beyond_its_prefix() {
        for good in ["0.0.0.0/0", "10.0.0.0/8", "192.168.1.1/32", "::/0", "2001:db8::/32", "2001:db8::1/128"] {
            assert_eq!(is_range(good), Ok(()), "{good}");
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0/8", "::/129", "x/8", "10.0.0.0/-1", ""] {
            assert!(is_range(bad).unwrap_err().starts_with("is not a range"), "{bad}");
        }
        for beyond in ["10.0.0.1/8", "1.0.0.0/0", "2001:db8::1/32"] {
            assert!(is_range(beyond).unwrap_err().starts_with("has bits beyond"), "{beyond}");
        }
    }

    #[test]
    fn nothing_asked_for_is_nothing_written() {
        assert_eq!((Alb::default().annotations(None, None), Alb::default().attributes()), (vec![], vec![]));
    }
}
