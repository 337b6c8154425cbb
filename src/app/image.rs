//! What happens to an app's image before its first line runs: who pulls it, who looks up its tag, and what the pods may do then.

use super::{App, Terms};
use crate::images::inventory::skip_list;
use crate::images::reference::{DOCKER_HUB, Reference};

/// Who pulls the image, and with which right.
pub(super) fn pull(app: &App) -> String {
    let Some(parts) = Reference::parse(&app.image) else { return String::new() };
    let secrets = app.pull_secret.join(", ");
    match parts.ecr() {
        Some(ecr) => format!(
            "each new pod pulls it from ECR with the pod execution role; another account than {}'s lets it by a policy of the \
             repository",
            ecr.account
        ),
        None if !secrets.is_empty() => {
            format!("each new pod pulls it from {} with the Secret {secrets}", parts.registry)
        }
        None if parts.registry == DOCKER_HUB => {
            "each new pod pulls it from Docker Hub without an account, whose pulls are limited; --pull-secret names one"
                .to_owned()
        }
        None => format!("each new pod pulls it from {} without a login; --pull-secret names one", parts.registry),
    }
}

/// Who looks up the digest behind its tag, and with which right.
pub(super) fn resolve(app: &App, terms: &Terms) -> String {
    let Some(parts) = Reference::parse(&app.image) else { return String::new() };
    if parts.digest.is_some() {
        return "it is named by digest, so that nobody looks up a tag".to_owned();
    }
    if skip_list(None).contains(&parts.registry) {
        return "nobody looks up its tag: Knative leaves this registry alone".to_owned();
    }
    let secrets = if app.pull_secret.is_empty() { "without a login" } else { "with the same Secret" };
    let who = "Knative's controller looks up its tag once for each Revision";
    match (parts.ecr(), terms.ecr_tags.as_deref()) {
        (None, _) => format!("{who}, {secrets}"),
        (Some(_), Some("role")) => format!(
            "{who}, with the role of ServiceAccount/knative-serving/controller that OUT/cluster/ describes; without that it is told \
             401, and the Service never becomes ready"
        )
        .replace("OUT/", "out/"),
        (Some(ecr), Some("skip")) if terms.account.as_deref() == Some(ecr.account) && terms.region.as_deref() == Some(ecr.region) => {
            "nobody looks up its tag (`ecr-tags: skip`): each new pod runs what it stands for then".to_owned()
        }
        (Some(_), _) => format!(
            "{who}, and needs an IAM role to read from ECR: without one it is told 401, and the Service never becomes ready. \
             `cluster-name`, `region` and `account-id` in knrender.yaml bring it (out/cluster/); a digest does without"
        ),
    }
}

/// What the pods may do in AWS, and what makes it so.
pub(super) fn identity(app: &App) -> Option<String> {
    let (account, namespace) = (app.service_account.as_ref()?, app.namespace());
    Some(match &app.role_arn {
        Some(arn) => {
            let role = arn.rsplit('/').next().unwrap_or_default();
            format!(
                "the pods are {arn}, which has to trust system:serviceaccount:{namespace}:{account} of this cluster. eksctl makes it: \
                 in iam.serviceAccounts of eksctl.yaml, `{{metadata: {{name: {account}, namespace: {namespace}}}, roleName: {role}, \
                 roleOnly: true, attachPolicyARNs: [...]}}`, then eksctl create iamserviceaccount --config-file eksctl.yaml --approve"
            )
        }
        None => format!(
            "the pods run as ServiceAccount/{namespace}/{account}, which has to be there; --role-arn writes it with an IAM role"
        ),
    })
}
