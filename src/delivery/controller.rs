//! `alb-controller/`: what the load balancer controller is installed with.

use super::{Delivery, Files, add, apply, cluster};
use crate::rewrite::rule::RuleSet;

/// What Helm installs the AWS Load Balancer Controller with.
const HELM: [&str; 3] = ["values.yaml", "args.txt", "install.sh"];
/// The service account, which needs an account for the ARN of its role.
const ACCOUNT: &str = "service-account.yaml";

/// The files, where the flags for them were given.
///
/// # Errors
/// In words, which template in the binary is at fault.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let stack = delivery.stack;
    let mut files = Files::new();
    if let Some(policy) = delivery.policy {
        files.insert("alb-controller/iam-policy.json".to_owned(), policy.into());
    }
    if stack.rule_set != RuleSet::Fargate || !stack.missing_for_controller.is_empty() {
        return Ok(files);
    }
    let mut context = delivery.context();
    context["eksctl"] = cluster::has_eksctl(stack).into();
    context["which_cluster"] = apply::which_cluster(&context).into();
    let account = (!context["account_id"].is_null()).then_some(ACCOUNT);
    for file in HELM.into_iter().chain(account) {
        let template = format!("aws-load-balancer-controller/{file}");
        add(&mut files, &template, &format!("alb-controller/{file}"), &context)?;
    }
    Ok(files)
}
