//! What comes after a render: the summary's `Next`.

use super::{Delivery, Files, cluster, gitops, internal_tls};
use crate::report::Step;
use crate::rewrite::rule::RuleSet;
use crate::stack;

/// The steps from here to a Service that answers, for a render that consists of `files`. `OUT/` stands for its folder.
pub fn steps(delivery: &Delivery<'_>, files: &Files) -> Vec<Step> {
    let mut steps: Vec<Step> = cluster::step(delivery.stack).into_iter().collect();
    if let Some(engine) = gitops::next(delivery) {
        // It brings the controller as well, where the flags for it are there.
        steps.extend(controller(delivery).filter(|_| !delivery.stack.missing_for_controller.is_empty()));
        // This it does not bring.
        steps.extend(internal_tls::step(delivery));
        steps.push(engine);
    } else {
        steps.extend(controller(delivery));
        steps.extend(internal_tls::step(delivery));
        steps.push(step(
            "Apply in order, with preflight and waits. It asks before it changes anything.",
            ["sh OUT/apply.sh"],
        ));
        steps.push(by_hand(delivery));
    }
    steps.push(if files.contains_key("apps/hello.yaml") {
        step("Try it with a Service that scales to zero.", ["kubectl apply -f OUT/apps/hello.yaml"])
    } else {
        step(
            "There is no demo: every app namespace is a pattern or has labels. This makes a Service for one of them.",
            ["knrender app NAME --image IMAGE --namespace NAMESPACE"],
        )
    });
    if delivery.stack.open_to_everybody && delivery.stack.rule_set == RuleSet::Fargate {
        steps.push(step::<String>(
            "The ALB lets in everybody on the internet, by plain HTTP. --domain with --certificate-arn brings HTTPS; --scheme internal, or \
             `alb: {inbound-cidrs: [...]}` in knrender.yaml, lets fewer in.",
            [],
        ));
    }
    steps
}

fn step<S: Into<String>>(what: &str, commands: impl IntoIterator<Item = S>) -> Step {
    Step { what: what.to_owned(), commands: commands.into_iter().map(Into::into).collect() }
}

/// How the load balancer controller comes into the cluster.
fn controller(delivery: &Delivery<'_>) -> Option<Step> {
    let (stack, missing) = (delivery.stack, &delivery.stack.missing_for_controller);
    if !missing.is_empty() {
        let name = stack::controller_of(stack.rule_set);
        let brings = if missing.len() == 1 { "brings" } else { "bring" };
        let flags = missing.join(", ");
        return Some(step::<String>(
            &format!(
                "Nothing here makes the cluster or the {name}, without which the Ingress is not served; {flags} {brings} both."
            ),
            [],
        ));
    }
    (stack.rule_set == RuleSet::Fargate).then(|| {
        step(
            "Install the AWS Load Balancer Controller; this waits until its webhook answers, without which the cluster takes no \
             Ingress.",
            ["sh OUT/alb-controller/install.sh"],
        )
    })
}

/// The same as `apply.sh` without what it looks at and waits for.
fn by_hand(delivery: &Delivery<'_>) -> Step {
    let apply = if delivery.server_side { "kubectl apply --server-side" } else { "kubectl apply" };
    let Some(second) = delivery.second() else {
        return step("Or by hand, without any waits.", [format!("{apply} -f OUT/")]);
    };
    let controller = (!delivery.batches.controller.is_empty()).then(|| format!("{apply} -f OUT/alb-controller.yaml"));
    let batches = [
        format!("{apply} -f OUT/{}", delivery.first()),
        "kubectl wait --for=condition=Established --timeout=60s crd --all".to_owned(),
        format!("{apply} -f OUT/{second}"),
    ];
    step(
        "Or by hand, in two runs, since the objects of the second batch need CRDs of the first.",
        controller.into_iter().chain(batches),
    )
}
