//! Jobs: pods that end, and names that `kubectl apply` can address (F18, K05).

use super::set::Set;
use super::value::{entries, number};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check::of("job-ttl", job_ttl),
    Check::of("generate-name", generate_name),
    Check::of("default-domain-job", default_domain_job),
];

fn job_ttl(set: &Set<'_>, found: &mut Found) {
    for job in set.all("batch", "Job") {
        if job.value["spec"]["ttlSecondsAfterFinished"].is_null() {
            found.at(job, "/spec", "the Job's pods stay when it is done, since it has no ttlSecondsAfterFinished");
        }
    }
    for cron in set.all("batch", "CronJob") {
        let spec = &cron.value["spec"];
        let low = |key: &str| number(&spec[key]).is_some_and(|limit| limit <= 1);
        let few_stay = low("successfulJobsHistoryLimit") && low("failedJobsHistoryLimit");
        if spec["jobTemplate"]["spec"]["ttlSecondsAfterFinished"].is_null() && !few_stay {
            let what = "the pods of finished Jobs stay, since the Jobs have no ttlSecondsAfterFinished";
            found.at(cron, "/spec/jobTemplate/spec", what);
        }
    }
}

fn generate_name(set: &Set<'_>, found: &mut Found) {
    for object in set.objects().filter(|object| object.name().is_empty()) {
        if let Some(prefix) = object.value["metadata"]["generateName"].as_str() {
            let what = format!("the {} has a generateName, `{prefix}`, and no name", object.kind());
            found.at(object, "/metadata/generateName", what);
        }
    }
}

fn default_domain_job(set: &Set<'_>, found: &mut Found) {
    let answered = set.config("config-domain").is_some_and(|c| {
        entries(&c.object.value["data"])
            .any(|(key, value)| key != "_example" && value.as_str().is_none_or(|v| v.trim().is_empty()))
    });
    for pod in set.pods().filter(|pod| pod.object.is("batch", "Job") && !answered) {
        let runs_it = pod.containers.iter().any(|container| {
            container.value["image"].as_str().is_some_and(|image| image.contains("serving/cmd/default-domain"))
        });
        if runs_it || pod.object.namespace() == "knative-serving" && pod.object.name().starts_with("default-domain") {
            let what = "the Job waits for the address of a load balancer Service, which there is none of";
            found.at(pod.object, "/metadata/name", what);
        }
    }
}
