//! `alb-controller/`: what the load balancer controller is installed with.

use super::{Delivery, Files};
use crate::embedded;
use crate::rewrite::rule::RuleSet;
use crate::rewrite::template;

/// The files, where the flags for them were given.
///
/// # Errors
/// In words, which template in the binary is at fault.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let stack = delivery.stack;
    let mut files = Files::new();
    if stack.rule_set != RuleSet::Fargate || !stack.missing_for_controller.is_empty() {
        return Ok(files);
    }
    for (path, text) in embedded::below("templates/aws-load-balancer-controller") {
        let file = path.rsplit('/').next().unwrap_or_default();
        let rendered = template::render(path, text, &stack.facts).map_err(|e| format!("{path}: {e}"))?;
        files.insert(format!("alb-controller/{}", file.trim_end_matches(".j2")), rendered.into_bytes());
    }
    Ok(files)
}
