//! What `--rule-set seed` refuses: the ancestor had Gloo with the Knative that it bundles, and nothing that came later.

use super::StackError;
use crate::alb::Alb;
use crate::config::Ask;

/// Refuses what the ancestor did not have.
pub(super) fn check(ask: &Ask) -> Result<(), StackError> {
    let refused = [
        (
            ask.gloo.is_none(),
            "--rule-set seed is what mreferre/knative-on-fargate did to Gloo; name a version with --gloo, for example --gloo v1.3.9",
        ),
        (
            ask.knative.is_some(),
            "--rule-set seed renders the Knative 0.10 that is bundled with Gloo; leave --knative out, or take --rule-set fargate",
        ),
        (!ask.with.is_empty(), "--rule-set seed has nothing to add with --with; take --rule-set fargate"),
        (
            ask.domain.is_some(),
            "--rule-set seed sets no domain, as the ancestor did not; take --rule-set fargate for --domain",
        ),
        (
            ask.certificate_arn.is_some(),
            "--rule-set seed has no HTTPS, as the ancestor had none; take --rule-set fargate for --certificate-arn",
        ),
        (
            ask.alb_group.is_some(),
            "the classic ALB Ingress Controller of --rule-set seed knows no groups; take --rule-set fargate for --alb-group",
        ),
        (
            ask.alb != Alb::default(),
            "--rule-set seed writes the Ingress as the ancestor did, for the classic ALB Ingress Controller; take --rule-set fargate \
             for the options of `alb`",
        ),
        (
            ask.logging == Some(true),
            "--rule-set seed has no logging, as the ancestor had none; take --rule-set fargate for --logging",
        ),
        (
            ask.internal_tls == Some(true),
            "--rule-set seed has no internal TLS; take --rule-set fargate for --internal-tls",
        ),
        (
            ask.ha.is_some()
                || ask.hpa.is_some()
                || ask.cold_start.is_some()
                || ask.scale_to_zero_retention.is_some()
                || ask.queue_proxy_cpu.is_some()
                || ask.queue_proxy_memory.is_some(),
            "--rule-set seed leaves numbers, sizes and time-outs as they are; take --rule-set fargate for --ha, --hpa, \
             --cold-start, --scale-to-zero-retention, --queue-proxy-cpu and --queue-proxy-memory",
        ),
    ];
    match refused.into_iter().find(|(is, _)| *is) {
        Some((_, why)) => Err(StackError(why.to_owned())),
        None => Ok(()),
    }
}
