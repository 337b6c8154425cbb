//! References from one object to another.

use std::collections::BTreeMap;

use crate::value::Value;

use super::at::At;
use super::model::Model;
use super::{Found, Validation};
use crate::alb::{annotations, json};
use crate::findings::Finding;
use crate::manifest::collection::Placed;
use crate::{parallel, pointer};

/// What every cluster has, or what a controller of the render makes when it runs: kind, namespace, name (`*`: any end).
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("ClusterRole", "", "admin"),
    ("ClusterRole", "", "cluster-admin"),
    ("ClusterRole", "", "edit"),
    ("ClusterRole", "", "system:*"),
    ("ClusterRole", "", "view"),
    ("ConfigMap", "*", "kube-root-ca.crt"),
    ("Namespace", "", "default"),
    ("Namespace", "", "kube-*"),
    ("Role", "kube-system", "*"),
    ("ServiceAccount", "*", "default"),
    // Those of Kubernetes' own controllers, and of what EKS brings.
    ("ServiceAccount", "kube-system", "*"),
    // Knative's controller makes the certificates of its own parts where TLS between them is asked for.
    ("Secret", "knative-serving", "*-certs"),
    ("Secret", "kourier-system", "*-certs"),
    // Gloo's certificate generator, a Job, makes it.
    ("Secret", "gloo-system", "gateway-validation-certs"),
    ("Secret", "gloo-system", "gloo-mtls-certs"),
];

struct Index<'o> {
    /// Kind, namespace and name.
    names: BTreeMap<(&'o str, &'o str, &'o str), &'o Placed>,
    /// The labels of pod templates, by namespace and each label's key and value.
    labelled: BTreeMap<(&'o str, &'o str, &'o str), Vec<&'o Value>>,
}

fn namespace_of(object: &Placed) -> &str {
    object.identity.namespace.as_deref().unwrap_or("default")
}

impl<'o> Index<'o> {
    fn of(objects: &'o [Placed], model: &Model) -> Index<'o> {
        let mut index = Index { names: BTreeMap::new(), labelled: BTreeMap::new() };
        for object in objects {
            let kind = object.identity.kind.as_str();
            let own = model.kind(&object.head.api_version, kind);
            let namespace = if own.is_some_and(|k| !k.namespaced) { "" } else { namespace_of(object) };
            index.names.entry((kind, namespace, object.identity.name.as_str())).or_insert(object);
            let labels = labels_of_pods(kind).and_then(|path| object.value.pointer(path));
            for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
                let label = (namespace_of(object), key.as_str(), value.as_str().unwrap_or_default());
                index.labelled.entry(label).or_default().extend(labels);
            }
        }
        index
    }

    fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let like = |pattern: &str, text: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => text.ends_with(end),
            (_, Some(start)) => text.starts_with(start),
            _ => pattern == text,
        };
        self.names.contains_key(&(kind, namespace, name))
            || ELSEWHERE.iter().any(|(k, ns, n)| *k == kind && like(ns, namespace) && like(n, name))
    }

    /// Whether some pod template of a namespace has all these labels. Those with the rarest of them are looked at.
    fn selects(&self, namespace: &str, selector: &[(&str, At<'_>)]) -> bool {
        let mut rarest: Option<&[&Value]> = None;
        for (key, value) in selector {
            let found = self.labelled.get(&(namespace, *key, value.own())).map_or(&[][..], Vec::as_slice);
            if rarest.is_none_or(|rarest| found.len() < rarest.len()) {
                rarest = Some(found);
            }
        }
        rarest.unwrap_or_default().iter().any(|labels| selects(selector, labels))
    }
}

/// Where the labels of the pods of a kind are.
fn labels_of_pods(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some("/metadata/labels"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => Some("/spec/template/metadata/labels"),
        _ => None,
    }
}

/// Finds references that lead nowhere.
pub(super) fn check(validation: &Validation<'_>, model: &Model, findings: &mut Vec<Finding>) {
    let index = Index::of(validation.objects, model);
    let target = model.version();
    let code = if validation.complete { "reference-dangling" } else { "reference-outside" };
    let due: Vec<&Placed> = validation.due().collect();
    let found = parallel::over(
        &due,
        500,
        || (),
        |(), objects| {
            let mut findings = Vec::new();
            for object in objects {
                let found = Found { object, target, findings: &mut findings };
                Look { index: &index, code, found }.object();
            }
            findings
        },
    );
    findings.extend(found.into_iter().flatten());
}

struct Look<'i, 'f> {
    index: &'i Index<'i>,
    code: &'static str,
    found: Found<'f>,
}

impl Look<'_, '_> {
    fn object(&mut self) {
        let object = self.found.object;
        let root = At::root(&object.value);
        let namespace = namespace_of(object);
        match object.identity.kind.as_str() {
            "Pod" => self.pod(root.get("spec")),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                self.pod(root.down(&["spec", "template", "spec"]));
            }
            "CronJob" => self.pod(root.down(&["spec", "jobTemplate", "spec", "template", "spec"])),
            "Ingress" => self.ingress(&root, namespace),
            "IngressClass" => self.ingress_class(&root),
            "Service" => self.service(&root, namespace),
            "RoleBinding" | "ClusterRoleBinding" => self.binding(&root, namespace),
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
                for webhook in root.list("webhooks") {
                    if let Some(service) = webhook.down(&["clientConfig", "service"]) {
                        self.named("Service", service.text("namespace"), &service, "name");
                    }
                }
            }
            "APIService" => {
                if let Some(service) = root.down(&["spec", "service"]) {
                    self.named("Service", service.text("namespace"), &service, "name");
                }
            }
            "HorizontalPodAutoscaler" => {
                if let Some(target) = root.down(&["spec", "scaleTargetRef"]) {
                    self.named(target.text("kind"), namespace, &target, "name");
                }
            }
            "ResourceClaim" => self.devices(root.down(&["spec", "devices"])),
            "ResourceClaimTemplate" => self.devices(root.down(&["spec", "spec", "devices"])),
            "PodDisruptionBudget" => {
                if let Some(selector) = root.down(&["spec", "selector"]) {
                    let wanted = selector.map("matchLabels");
                    let plain = selector.list("matchExpressions").is_empty() && !wanted.is_empty();
                    if plain && !self.index.selects(namespace, &wanted) {
                        self.found.at(self.code, &selector.path, "it selects no pod of these objects");
                    }
                }
            }
            _ => {}
        }
    }

    /// A name at `field` of `at`, which has to be that of an object.
    fn named(&mut self, kind: &str, namespace: &str, at: &At<'_>, field: &str) {
        let name = at.text(field);
        if !name.is_empty() && !self.index.has(kind, namespace, name) {
            let place = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
            self.found.at(
                self.code,
                &at.field(field),
                format!("there is no {kind} `{name}`{place} among these objects"),
            );
        }
    }

    fn pod(&mut self, spec: Option<At<'_>>) {
        let Some(spec) = spec else { return };
        let namespace = namespace_of(self.found.object);
        self.named("ServiceAccount", namespace, &spec, "serviceAccountName");
        for secret in spec.list("imagePullSecrets") {
            self.named("Secret", namespace, &secret, "name");
        }
        for container in spec.list("initContainers").into_iter().chain(spec.list("containers")) {
            for env in container.list("env") {
                for (key, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                    if let Some(source) = env.down(&["valueFrom", key]) {
                        self.unless_optional(kind, &source, "name");
                    }
                }
            }
            for source in container.list("envFrom") {
                for (key, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                    if let Some(source) = source.get(key) {
                        self.unless_optional(kind, &source, "name");
                    }
                }
            }
        }
        for volume in spec.list("volumes") {
            if let Some(source) = volume.get("configMap") {
                self.unless_optional("ConfigMap", &source, "name");
            }
            if let Some(source) = volume.get("secret") {
                self.unless_optional("Secret", &source, "secretName");
            }
            if let Some(claim) = volume.get("persistentVolumeClaim") {
                self.named("PersistentVolumeClaim", namespace, &claim, "claimName");
            }
            for source in volume.get("projected").map(|p| p.list("sources")).unwrap_or_default() {
                for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                    if let Some(source) = source.get(key) {
                        self.unless_optional(kind, &source, "name");
                    }
                }
            }
        }
    }

    fn unless_optional(&mut self, kind: &str, source: &At<'_>, field: &str) {
        if !source.is_true("optional") {
            self.named(kind, namespace_of(self.found.object), source, field);
        }
    }

    /// What an `IngressClass` is set up by: without it, the load balancer controller passes over every Ingress of the class.
    fn ingress_class(&mut self, root: &At<'_>) {
        let Some(parameters) = root.down(&["spec", "parameters"]) else { return };
        let (kind, name) = (parameters.text("kind"), parameters.text("name"));
        // A kind that is not Kubernetes' own is known by a namespace, even if it is in none.
        let is_there = |namespace: &&str| self.index.has(kind, namespace, name);
        if !name.is_empty() && !["", "default", parameters.text("namespace")].iter().any(is_there) {
            let what = format!("there is no {kind} `{name}` among these objects");
            self.found.at(self.code, &parameters.field("name"), what);
        }
    }

    /// The Secret by which an ALB knows itself to who tells it who somebody is. It comes from where the password is kept, and so
    /// beside what is rendered.
    fn oidc_secret(&mut self, namespace: &str) {
        let head = &self.found.object.head;
        let text = |name: &str| head.annotation(&format!("{}{name}", annotations::PREFIX));
        if text("auth-type") != Some("oidc") {
            return;
        }
        let provider: Value = text("auth-idp-oidc").and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
        let name = json::get(&provider, "secretName").as_str().unwrap_or_default();
        if !name.is_empty() && !self.index.has("Secret", namespace, name) {
            let field = pointer::below("/metadata/annotations", &format!("{}auth-idp-oidc", annotations::PREFIX));
            let what = format!("there is no Secret `{name}` in {namespace} among these objects");
            self.found.at("reference-outside", &field, what);
        }
    }

    fn ingress(&mut self, root: &At<'_>, namespace: &str) {
        self.oidc_secret(namespace);
        let rules = root.get("spec").map(|spec| spec.list("rules")).unwrap_or_default();
        let paths = rules.iter().flat_map(|rule| rule.get("http").map(|h| h.list("paths")).unwrap_or_default());
        let backends = paths.filter_map(|path| path.get("backend"));
        for backend in backends.chain(root.down(&["spec", "defaultBackend"])) {
            let Some(service) = backend.get("service") else { continue };
            let name = service.text("name");
            // `use-annotation` is the load balancer controller's own: an annotation says what happens.
            if service.down(&["port"]).is_some_and(|port| port.text("name") == "use-annotation") {
                continue;
            }
            self.named("Service", namespace, &service, "name");
            let (Some(object), Some(port)) = (self.index.names.get(&("Service", namespace, name)), service.get("port"))
            else {
                continue;
            };
            let ports = At::root(&object.value).get("spec").map(|spec| spec.list("ports")).unwrap_or_default();
            let named = port.text("name");
            let there = ports.iter().any(|p| {
                (!named.is_empty() && p.text("name") == named)
                    || (port.has("number") && p.int("port") == port.int("number"))
            });
            if !there {
                self.found.at(self.code, &port.path, format!("Service `{name}` has no such port"));
            }
        }
    }

    /// Admin access to devices is for namespaces that are labelled for it.
    fn devices(&mut self, devices: Option<At<'_>>) {
        const LABEL: &str = "resource.kubernetes.io/admin-access";
        let namespace = namespace_of(self.found.object);
        let of_set = self.index.names.get(&("Namespace", "", namespace));
        if of_set.is_some_and(|namespace| namespace.head.label(LABEL) == Some("true")) {
            return;
        }
        for request in devices.map(|devices| devices.list("requests")).unwrap_or_default() {
            let request = request.get("exactly").unwrap_or(request);
            if request.is_true("adminAccess") {
                let code = if of_set.is_some() { "conflict" } else { self.code };
                let what = format!("admin access needs the label {LABEL}: \"true\" on the namespace {namespace}");
                self.found.at(code, &request.field("adminAccess"), what);
            }
        }
    }

    fn service(&mut self, root: &At<'_>, namespace: &str) {
        let Some(spec) = root.get("spec") else { return };
        let selector = spec.map("selector");
        if selector.is_empty() {
            return;
        }
        if !self.index.selects(namespace, &selector) {
            self.found.at(self.code, &spec.field("selector"), "it selects no pod of these objects");
        }
    }

    fn binding(&mut self, root: &At<'_>, namespace: &str) {
        if let Some(role) = root.get("roleRef") {
            let kind = role.text("kind");
            self.named(kind, if kind == "Role" { namespace } else { "" }, &role, "name");
        }
        for subject in root.list("subjects") {
            if subject.text("kind") == "ServiceAccount" {
                // Without a namespace, it is one of the binding's own.
                let named = subject.text("namespace");
                self.named("ServiceAccount", if named.is_empty() { namespace } else { named }, &subject, "name");
            }
        }
    }
}

fn selects(selector: &[(&str, At<'_>)], labels: &Value) -> bool {
    selector.iter().all(|(key, wanted)| labels.get(*key) == Some(wanted.value))
}
