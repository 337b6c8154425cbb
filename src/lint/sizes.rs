//! What a pod asks for, against what Fargate sells (F21, sizing).

use super::set::{KNATIVE, Set};
use super::{Check, Found};
use crate::fargate::pod::Workload;
use crate::fargate::quantity::{Memory, Quantity};
use crate::fargate::size::{Requests, STORAGE_MAX, Size, SizeError};

pub(super) const CHECKS: &[Check] = &[
    Check::of("ephemeral-storage", ephemeral_storage),
    Check::of("too-large", too_large),
    Check::of("quantity-refused", quantity_refused),
    Check::of("queue-proxy-tips-size", queue_proxy_tips_size),
];

fn ephemeral_storage(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        if let Ok(requests) = Requests::of(&pod.pod)
            && requests.storage.units() > STORAGE_MAX
        {
            let what = format!("the pod asks for {} of ephemeral storage", Memory(requests.storage));
            found.at(pod.object, pod.spec_field("/containers"), what);
        }
    }
}

fn too_large(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        if let Ok(mut requests) = Requests::of(&pod.pod) {
            requests.storage = Quantity::default();
            if let Err(SizeError::DoesNotFit(what)) = Size::of(&requests) {
                found.at(pod.object, pod.spec_field("/containers"), format!("no Fargate size fits the pod: {what}"));
            }
        }
    }
}

fn quantity_refused(set: &Set<'_>, found: &mut Found) {
    for pod in set.templates() {
        match Requests::of(&pod.pod) {
            Err(SizeError::Quantity { field, why }) => found.at(pod.object, field, why.to_string()),
            Err(SizeError::Invalid { field, what }) => found.at(pod.object, field, format!("of this amount, {what}")),
            _ => {}
        }
    }
}

fn queue_proxy_tips_size(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods().filter(|pod| pod.object.group() == KNATIVE) {
        let alone = crate::fargate::pod::Pod { workload: Workload::Replicated, ..pod.pod };
        let size = |pod| Requests::of(pod).ok().and_then(|requests| Size::of(&requests).ok());
        if let (Some(with), Some(without)) = (size(&pod.pod), size(&alone))
            && with.milli > without.milli
        {
            let what = format!("queue-proxy's share makes it {with} in place of {without}");
            found.at(pod.object, pod.spec_field("/containers"), what);
        }
    }
}
