//! Pods, wherever their template stands.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use std::collections::BTreeSet;

use super::at::At;
use super::{Found, config, meta, resources};

mod annotations;
mod containers;
mod env;
mod probes;
mod scheduling;
mod security;
mod volumes;
mod windows;

pub(super) use scheduling::tolerations;

/// A pod's spec together with what stands around it.
pub(super) struct Pod<'p, 'v> {
    /// The spec.
    spec: &'p At<'v>,
    /// The metadata of the pod or of its template.
    metadata: Option<&'p At<'v>>,
    /// Whether it is a pod itself, and no template of pods.
    single: bool,
    /// Volumes that a `StatefulSet` adds: their names.
    claims: Vec<&'v str>,
}

impl<'p, 'v> Pod<'p, 'v> {
    /// The pod of a `Pod`.
    pub(super) fn itself(spec: &'p At<'v>, metadata: Option<&'p At<'v>>) -> Pod<'p, 'v> {
        Pod { spec, metadata, single: true, claims: Vec::new() }
    }

    /// The pods of a template.
    pub(super) fn of_template(spec: &'p At<'v>, metadata: Option<&'p At<'v>>) -> Pod<'p, 'v> {
        Pod { spec, metadata, single: false, claims: Vec::new() }
    }

    /// The pods of a `StatefulSet`, each of which has a volume for each of these claims.
    pub(super) fn with_claims(self, claims: Vec<&'v str>) -> Pod<'p, 'v> {
        Pod { claims, ..self }
    }

    /// All containers, and whether each is an init container.
    fn containers(&self) -> impl Iterator<Item = (At<'v>, bool)> {
        let init = self.spec.list("initContainers").into_iter().map(|container| (container, true));
        init.chain(self.spec.list("containers").into_iter().map(|container| (container, false)))
    }

    /// The names of the volumes that a container may mount.
    fn volumes(&self) -> BTreeSet<&'v str> {
        let own = self.spec.list("volumes").into_iter().map(|volume| volume.text("name"));
        own.chain(self.claims.iter().copied()).filter(|name| !name.is_empty()).collect()
    }

    fn has_host_users(&self) -> bool {
        self.spec.value.get("hostUsers") != Some(&crate::value::Value::Bool(false))
    }

    /// How long it may take to stop, in seconds.
    fn grace(&self) -> i64 {
        self.spec.int("terminationGracePeriodSeconds").unwrap_or(30)
    }
}

/// Checks a pod.
pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let spec = pod.spec;
    volumes::check(found, pod);
    containers::check(found, pod);
    claims(found, spec);
    resources::of_pod(found, spec);
    meta::labels(found, spec, "nodeSelector");
    // A StatefulSet writes both itself.
    if found.object.identity.kind != "StatefulSet" {
        found.form(spec, "hostname", "label");
        found.form(spec, "subdomain", "label");
    }
    // The old name of serviceAccountName counts where the new one says nothing.
    if spec.text("serviceAccountName").is_empty() {
        found.form(spec, "serviceAccount", "subdomain");
    }
    security::of_pod(found, pod);
    windows::check(found, pod);
    scheduling::check(found, pod);
    dns(found, spec);
    host_users(found, pod);
    annotations::check(found, pod);
    if !spec.list("ephemeralContainers").is_empty() {
        found.at("conflict", &spec.field("ephemeralContainers"), "they are added to running pods only");
    }
    if !spec.text("nodeName").is_empty() && pod.single && spec.len("schedulingGates") > 0 {
        found.at("conflict", &spec.field("nodeName"), "a pod with schedulingGates has no node yet");
    }
    if let Some(overhead) = spec.get("overhead") {
        resources::limits_alone(found, &overhead);
    }
    if pod.single
        && let Some(priority) = spec.int("priority")
    {
        let known = config::system_priority(spec.text("priorityClassName"));
        if known.is_some_and(|known| known != priority) {
            found.at("conflict", &spec.field("priority"), "the priorityClassName says another one");
        }
    }
    if found.since(35)
        && let Some(name) = spec.get("hostnameOverride")
    {
        for (key, with) in [("setHostnameAsFQDN", "setHostnameAsFQDN"), ("hostNetwork", "hostNetwork")] {
            if spec.is_true(key) {
                found.conflict(&name, format!("it does not go with {with}"));
            }
        }
        if name.own().len() > 64 {
            found.bad(&name, "64 characters are the limit");
        }
        found.formed(&name, "subdomain");
    }
}

/// Claims of devices.
fn claims(found: &mut Found<'_>, spec: &At<'_>) {
    let claims = spec.list("resourceClaims");
    let mut seen = BTreeSet::new();
    for claim in &claims {
        let name = claim.text("name");
        if !name.is_empty() && !seen.insert(name) {
            found.at("duplicate-entry", &claim.field("name"), format!("a second claim is called `{name}`"));
        }
        match (claim.has("resourceClaimName"), claim.has("resourceClaimTemplateName")) {
            (true, true) => found.conflict(claim, "it has a resourceClaimName or a resourceClaimTemplateName"),
            (false, false) => {
                found.at("missing-field", &claim.path, "it needs a resourceClaimName or a resourceClaimTemplateName");
            }
            _ => {}
        }
    }
}

fn dns(found: &mut Found<'_>, spec: &At<'_>) {
    let config = spec.get("dnsConfig");
    if spec.text("dnsPolicy") == "None" && config.as_ref().is_none_or(|config| config.len("nameservers") == 0) {
        found.at("missing-field", &spec.field("dnsConfig"), "dnsPolicy None needs a nameserver");
    }
    let Some(config) = config else { return };
    found.at_most(&config, "nameservers", 3);
    found.at_most(&config, "searches", 32);
    let searches = config.texts("searches");
    let length = searches.iter().map(|search| search.len() + 1).sum::<usize>();
    if length > 2049 {
        found.at("bad-value", &config.field("searches"), "all of them together have more than 2048 characters");
    }
}

/// A pod with users of its own shares nothing of the node's.
fn host_users(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    if pod.has_host_users() || !found.since(33) {
        return;
    }
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.spec.is_true(key) {
            found.at("conflict", &pod.spec.field(key), "it does not go with hostUsers: false");
        }
    }
    for (container, _) in pod.containers() {
        if container.len("volumeDevices") > 0 {
            found.at("conflict", &container.field("volumeDevices"), "they do not go with hostUsers: false");
        }
    }
}
