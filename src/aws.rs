//! What AWS calls things: partitions, regions, accounts, clusters, ids and ARNs.

pub mod iam;

/// What a region's name begins with, and its partition.
/// Source: <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// The part of AWS that a region is in, as ARNs begin with it.
pub fn partition_of(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// The ECR registry of an account in a region.
/// Source: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>
pub fn ecr_registry(account: &str, region: &str) -> String {
    let domain = if partition_of(region) == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// What stands between the first and the last part of a region's name.
const WORDS: [&str; 14] = [
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
    "gov",
    "iso",
    "isob",
    "isoe",
    "isof",
];

/// The name of a region, such as eu-west-1.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    (2..=4).contains(&area.len())
        && !middle.is_empty()
        && area.bytes().all(|b| b.is_ascii_lowercase())
        && middle.iter().all(|word| WORDS.contains(word))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// What [`is_region`] takes, as a regular expression.
pub fn region_pattern() -> String {
    format!("^[a-z]{{2,4}}(-({}))+-[0-9]{{1,2}}$", WORDS.join("|"))
}

/// The regions of the partition `aws`.
/// Source: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether it is a region of the partition `aws` that is known by name. Regions are added; one that is not known may exist.
pub fn is_known_region(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// The region that was probably meant by one that is not known.
pub fn near_region(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase();
    let of_aws = partition_of(&text) == "aws";
    let known = REGIONS.iter().map(|known| (strsim::damerau_levenshtein(known, &text), *known));
    known.min().filter(|(distance, _)| of_aws && (1..=2).contains(distance)).map(|(_, known)| known)
}

/// The number of an account.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The name of an EKS cluster.
/// Source: <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>
pub fn is_cluster_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The id of a VPC.
pub fn is_vpc_id(text: &str) -> bool {
    text.strip_prefix("vpc-").is_some_and(is_resource_id)
}

/// The id of a subnet.
pub fn is_subnet_id(text: &str) -> bool {
    text.strip_prefix("subnet-").is_some_and(is_resource_id)
}

/// What follows the kind in the id of an EC2 resource.
fn is_resource_id(id: &str) -> bool {
    matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The parts of an ARN.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Clone, Copy, Debug)]
pub struct Arn<'t> {
    /// The part of AWS.
    pub partition: &'t str,
    /// The service.
    pub service: &'t str,
    /// The region; empty for what is of all regions.
    pub region: &'t str,
    /// The account.
    pub account: &'t str,
    /// What it is of the service's, with its kind.
    pub resource: &'t str,
}

impl<'t> Arn<'t> {
    /// The ARN of something that an account has.
    pub fn parse(text: &'t str) -> Option<Arn<'t>> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let &["arn", partition, service, region, account, resource] = parts.as_slice() else { return None };
        is_account(account).then_some(Arn { partition, service, region, account, resource })
    }

    /// The ARN of an IAM role.
    pub fn of_role(text: &'t str) -> Option<Arn<'t>> {
        let is_known = |partition: &str| partition == "aws" || PARTITIONS.iter().any(|(_, known)| *known == partition);
        let of_role = |char: u8| char.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&char);
        Arn::parse(text).filter(|arn| {
            let name = arn.resource.strip_prefix("role/").filter(|name| !name.is_empty() && !name.ends_with('/'));
            let is_role = arn.service == "iam" && arn.region.is_empty() && name.is_some_and(|n| n.bytes().all(of_role));
            is_role && is_known(arn.partition)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition_of(region), partition, "{region}");
        }
    }
}
