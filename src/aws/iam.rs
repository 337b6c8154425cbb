//! IAM: names of roles, and upstream's policy for the partition that a cluster is in.

use crate::value::Value;

use crate::aws;

/// The policy in the partition of `region`: the same statements, about that partition's resources.
///
/// # Errors
/// In words, why it is not a policy.
pub fn policy_in(policy: &str, region: &str) -> Result<String, String> {
    let parsed: Value = serde_json::from_str(policy).map_err(|e| format!("it is not JSON: {e}"))?;
    if !parsed["Version"].is_string() || !parsed["Statement"].is_array() {
        return Err("it is not an IAM policy: `Version` and `Statement` are not in it".to_owned());
    }
    Ok(policy.replace("\"arn:aws:", &format!("\"arn:{}:", aws::partition_of(region))))
}

/// The role of the load balancer controller, where eksctl does not make one.
pub fn controller_role(cluster: &str) -> String {
    named(cluster, "-alb-controller")
}

/// The role of Knative's controller.
pub fn knative_role(cluster: &str) -> String {
    named(cluster, "-knative-controller")
}

/// The role by which Fargate starts pods, where eksctl does not make one.
pub fn pod_execution_role(cluster: &str) -> String {
    named(cluster, "-fargate-pods")
}

/// A role's name has 64 characters at the most, a cluster's 100.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn named(cluster: &str, suffix: &str) -> String {
    cluster.chars().take(64 - suffix.len()).chain(suffix.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Resource": ["*", "arn:aws:ec2:*:*:vpc/*"]}]}"#;

    #[test]
    fn resources_are_those_of_the_partition_and_nothing_else_changes() {
        assert_eq!(policy_in(POLICY, "eu-west-1").unwrap(), POLICY);
        let china = policy_in(POLICY, "cn-north-1").unwrap();
        assert_eq!(china, POLICY.replace("arn:aws:ec2", "arn:aws-cn:ec2"));
        assert!(policy_in(POLICY, "us-gov-west-1").unwrap().contains("arn:aws-us-gov:ec2"));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        assert!(policy_in("<html>", "eu-west-1").unwrap_err().starts_with("it is not JSON"));
        assert!(policy_in("{}", "eu-west-1").unwrap_err().contains("`Statement`"));
    }

    #[test]
    fn a_role_has_a_name_that_iam_takes() {
        assert_eq!(controller_role("prod"), "prod-alb-controller");
        assert_eq!(pod_execution_role(&"x".repeat(100)).len(), 64);
    }
}
