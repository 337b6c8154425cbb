//! CEL in Kubernetes' own kinds: admission policies, the conditions of webhooks, and the selectors of devices. Whether it
//! compiles, and to what type.
//! Sources: k8s.io/apiserver/pkg/admission/plugin/cel, pkg/apis/admissionregistration/validation/validation.go, and
//! k8s.io/dynamic-resource-allocation/cel.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::Value;

use super::{Problem, ProblemKind};
use crate::cel::types::{Decl, DeclKind, Type};
use crate::cel::{Environment, Program};

/// What the API server of Kubernetes 1.`minor` has against the CEL of an object of this kind.
pub fn problems(kind: &str, object: &Value, minor: u16) -> Vec<Problem> {
    let mut judge = Judge { minor: minor.saturating_sub(1), found: Vec::new() };
    match kind {
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => judge.policy(object, kind.starts_with('M')),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            for (i, webhook) in items(object, "/webhooks") {
                judge.conditions(webhook, &format!("/webhooks/{i}"), &webhook_environment(judge.minor));
            }
        }
        "DeviceClass" => judge.selectors(object.get("spec"), "/spec"),
        "ResourceClaim" => judge.claim(object, "/spec"),
        "ResourceClaimTemplate" => judge.claim(object, "/spec/spec"),
        _ => {}
    }
    judge.found
}

fn items<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// What an expression may come to.
type Wanted = &'static [Type];
const BOOL: Wanted = &[Type::Bool];
/// What an attribute of a device is, is not known before.
const BOOL_OR_UNKNOWN: Wanted = &[Type::Bool, Type::Dyn];
const TEXT: Wanted = &[Type::Text];
const TEXT_OR_NULL: Wanted = &[Type::Text, Type::Null];

/// What a selector of devices may cost.
const MOST_OF_SELECTOR: u64 = 1_000_000;

/// A device, with how much of it there may be.
fn device() -> Decl {
    let of = |kind: DeclKind, most: u64| Arc::new(Decl { kind, most, least_size: 0 });
    let domains = |value: DeclKind, most: u64| of(DeclKind::Map(of(DeclKind::Map(of(value, most)), 32)), 32);
    let quantity = DeclKind::Plain(Type::Opaque("kubernetes.Quantity"));
    let fields = BTreeMap::from([
        ("driver".to_owned(), of(DeclKind::Plain(Type::Text), 63)),
        ("attributes".to_owned(), domains(DeclKind::Plain(Type::Dyn), 64)),
        ("capacity".to_owned(), domains(quantity, 0)),
        ("allowMultipleAllocations".to_owned(), of(DeclKind::Plain(Type::Bool), 1)),
    ]);
    Decl { kind: DeclKind::Object(fields), most: 0, least_size: 0 }
}

/// What an admission policy may name.
pub fn environment(minor: u16, params: bool, authorizer: bool) -> Environment {
    let text = || Type::Text;
    let texts = || Type::list(Type::Text);
    let kind = Type::object("kubernetes.GroupVersionKind", [("group", text()), ("version", text()), ("kind", text())]);
    let resource =
        Type::object("kubernetes.GroupVersionResource", [("group", text()), ("version", text()), ("resource", text())]);
    let user = Type::object(
        "kubernetes.UserInfo",
        [("username", text()), ("uid", text()), ("groups", texts()), ("extra", Type::map(texts()))],
    );
    let request = Type::object(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", text()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", text()),
            ("name", text()),
            ("namespace", text()),
            ("operation", text()),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    );
    let variables =
        [("object", Type::Dyn), ("oldObject", Type::Dyn), ("request", request), ("namespaceObject", namespace())];
    let mut variables: BTreeMap<String, Type> = variables.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    if params {
        variables.insert("params".to_owned(), Type::Dyn);
    }
    if authorizer {
        variables.insert("authorizer".to_owned(), Type::Opaque("kubernetes.authorization.Authorizer"));
        let resource = Type::Opaque("kubernetes.authorization.ResourceCheck");
        variables.insert("authorizer.requestResource".to_owned(), resource);
    }
    Environment { variables, minor, objects: false }
}

fn namespace() -> Type {
    let (text, texts) = (|| Type::Text, || Type::list(Type::Text));
    let condition = Type::object(
        "kubernetes.NamespaceCondition",
        [
            ("status", text()),
            ("type", text()),
            ("lastTransitionTime", Type::Timestamp),
            ("message", text()),
            ("reason", text()),
        ],
    );
    let metadata = Type::object(
        "kubernetes.NamespaceMetadata",
        [
            ("name", text()),
            ("generateName", text()),
            ("namespace", text()),
            ("labels", Type::map(text())),
            ("annotations", Type::map(text())),
            ("UID", text()),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", text()),
            ("finalizers", texts()),
        ],
    );
    let spec = Type::object("kubernetes.NamespaceSpec", [("finalizers", texts())]);
    let status = Type::object("kubernetes.NamespaceStatus", [("conditions", Type::list(condition)), ("phase", text())]);
    Type::object("kubernetes.Namespace", [("metadata", metadata), ("spec", spec), ("status", status)])
}

fn webhook_environment(minor: u16) -> Environment {
    environment(minor, false, true)
}

/// The variables of a policy, by what they come to.
fn with_variables(mut environment: Environment, known: &BTreeMap<String, Type>) -> Environment {
    environment.variables.insert("variables".to_owned(), Type::object("kubernetes.variables", known.clone()));
    environment
}

/// The type that a variable has for those who use it, where its expression comes to another: the API server declares plain types,
/// lists and mappings, and knows nothing of all others until they are evaluated.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/composition.go>
fn of_variable(found: Type) -> Type {
    match found {
        Type::List(of) => Type::list(of_variable(*of)),
        Type::Map(key, of) => Type::Map(Box::new(of_variable(*key)), Box::new(of_variable(*of))),
        Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::Text
        | Type::Bytes
        | Type::Duration
        | Type::Timestamp => found,
        _ => Type::Dyn,
    }
}

struct Judge {
    minor: u16,
    found: Vec<Problem>,
}

impl Judge {
    fn say(&mut self, field: &str, what: impl Into<String>) {
        self.found.push(Problem { kind: ProblemKind::Value, field: field.to_owned(), what: what.into() });
    }

    /// An expression, where it compiles.
    fn expression(
        &mut self,
        of: &Value,
        key: &str,
        at: &str,
        environment: &Environment,
        wanted: Wanted,
    ) -> Option<Program> {
        let source = of.get(key).and_then(Value::as_str).filter(|source| !source.trim().is_empty())?;
        let field = format!("{at}/{key}");
        match environment.compile(source) {
            Err(fault) if fault.unknown => None,
            Err(fault) => {
                self.say(&field, format!("it does not compile: {fault}"));
                None
            }
            Ok(program) => {
                let found = program.result();
                if !wanted.is_empty() && !wanted.contains(found) {
                    let all: Vec<_> = wanted.iter().map(Type::to_string).collect();
                    self.say(&field, format!("it has to come to {}, and comes to {found}", all.join(" or ")));
                }
                Some(program)
            }
        }
    }

    fn conditions(&mut self, of: &Value, at: &str, environment: &Environment) {
        for (i, condition) in items(of, "/matchConditions") {
            self.expression(condition, "expression", &format!("{at}/matchConditions/{i}"), environment, BOOL);
        }
    }

    fn policy(&mut self, object: &Value, mutates: bool) {
        let Some(spec) = object.get("spec") else { return };
        let params = spec.get("paramKind").is_some_and(|kind| !kind.is_null());
        self.conditions(spec, "/spec", &environment(self.minor, params, true));
        let with = |authorizer: bool, known: &BTreeMap<String, Type>, minor: u16| {
            with_variables(environment(minor, params, authorizer), known)
        };
        let mut known = BTreeMap::new();
        for (i, variable) in items(spec, "/variables") {
            let (at, name) = (format!("/spec/variables/{i}"), super::text(variable, "name"));
            let found = self.expression(variable, "expression", &at, &with(true, &known, self.minor), &[]);
            let found = found.map_or(Type::Dyn, |program| of_variable(program.result().clone()));
            known.insert(name.to_owned(), found);
        }
        let environment = with(true, &known, self.minor);
        let plain = with(false, &known, self.minor);
        for (i, validation) in items(spec, "/validations") {
            let at = format!("/spec/validations/{i}");
            self.expression(validation, "expression", &at, &environment, BOOL);
            self.expression(validation, "messageExpression", &at, &plain, TEXT);
        }
        for (i, annotation) in items(spec, "/auditAnnotations") {
            let at = format!("/spec/auditAnnotations/{i}");
            self.expression(annotation, "valueExpression", &at, &environment, TEXT_OR_NULL);
        }
        // The types of what a mutation makes are known to mutations alone, and not to the variables that they use.
        let mutating = Environment { objects: mutates, ..environment };
        for (i, mutation) in items(spec, "/mutations") {
            for (key, wanted) in [
                ("applyConfiguration", Type::Made("Object".to_owned())),
                ("jsonPatch", Type::list(Type::Made("JSONPatch".to_owned()))),
            ] {
                let at = format!("/spec/mutations/{i}/{key}");
                let Some(of) = mutation.get(key) else { continue };
                let program = self.expression(of, "expression", &at, &mutating, &[]);
                if let Some(found) = program.map(|program| program.result().clone()).filter(|f| *f != wanted) {
                    let what = format!("it has to come to {wanted}, and comes to {found}");
                    self.say(&format!("{at}/expression"), what);
                }
            }
        }
    }

    fn claim(&mut self, object: &Value, at: &str) {
        for (i, request) in items(object, &format!("{at}/devices/requests")) {
            let at = format!("{at}/devices/requests/{i}");
            self.selectors(request.get("exactly"), &format!("{at}/exactly"));
            for (j, first) in items(request, "/firstAvailable") {
                self.selectors(Some(first), &format!("{at}/firstAvailable/{j}"));
            }
        }
    }

    fn selectors(&mut self, of: Option<&Value>, at: &str) {
        let Some(of) = of else { return };
        let device = device();
        let variables = BTreeMap::from([("device".to_owned(), device.to_type("kubernetes.DRADevice"))]);
        let environment = Environment { variables, minor: self.minor, objects: false };
        for (i, selector) in items(of, "/selectors") {
            let Some(cel) = selector.get("cel") else { continue };
            // A macro that only these expressions have.
            if !super::text(cel, "expression").contains("cel.bind(") {
                let at = format!("{at}/selectors/{i}/cel");
                let program = self.expression(cel, "expression", &at, &environment, BOOL_OR_UNKNOWN);
                if program.is_some_and(|program| program.cost_of("device", &device).max > MOST_OF_SELECTOR) {
                    let what = format!("it may cost more than {MOST_OF_SELECTOR}, which is the limit of one selector");
                    self.say(&format!("{at}/expression"), what);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn found(kind: &str, object: &Value) -> Vec<String> {
        problems(kind, object, 36).into_iter().map(|p| format!("{}: {}", p.field, p.what)).collect()
    }

    #[test]
    fn a_policy_whose_cel_compiles_is_taken() {
        let policy = json!({"spec": {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConditions": [{"name": "a", "expression": "request.operation in ['CREATE', 'UPDATE']"}],
            "variables": [{"name": "a", "expression": "object.spec.replicas"}, {"name": "b", "expression": "variables.a > 1"}],
            "validations": [{"expression": "variables.b && !has(params.data) || authorizer.group('apps').resource('deployments').check('create').allowed()",
                "messageExpression": "'is ' + string(variables.a) + namespaceObject.metadata.name"}],
            "auditAnnotations": [{"key": "a", "valueExpression": "null"}],
        }});
        assert_eq!(found("ValidatingAdmissionPolicy", &policy), Vec::<String>::new());
        let policy = json!({"spec": {"mutations": [
            {"applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: Object.metadata.labels{a: 'b'}}}"}},
            {"jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: 1}]"}},
        ]}});
        assert_eq!(found("MutatingAdmissionPolicy", &policy), Vec::<String>::new());
    }

    #[test]
    fn a_variable_of_no_plain_type_is_not_known_before_it_is_evaluated() {
        let policy = |variable: &str, validation: &str| json!({"spec": {"variables": [{"name": "a", "expression": variable}], "validations": [{"expression": validation}]}});
        for (variable, validation) in [
            ("optional.of(1)", "variables.a == 1"),
            ("optional.of(1)", "variables.a.value() == 'a'"),
            ("quantity('1')", "variables.a == 1"),
            ("[optional.of(1)]", "variables.a[0] < 2"),
            ("namespaceObject.metadata", "variables.a.nope == 1"),
        ] {
            assert_eq!(found("ValidatingAdmissionPolicy", &policy(variable, validation)), [""; 0], "{variable}");
        }
        for (variable, validation) in [("1", "variables.a == 'a'"), ("[1]", "variables.a[0] == 'a'")] {
            assert_eq!(found("ValidatingAdmissionPolicy", &policy(variable, validation)).len(), 1, "{variable}");
        }
    }

    #[test]
    fn cel_that_does_not_compile_or_is_of_another_type_is_named() {
        for (kind, object, field) in [
            (
                "ValidatingAdmissionPolicy",
                json!({"spec": {"validations": [{"expression": "object.a ="}]}}),
                "/spec/validations/0/expression",
            ),
            (
                "ValidatingAdmissionPolicy",
                json!({"spec": {"validations": [{"expression": "1"}]}}),
                "/spec/validations/0/expression",
            ),
            (
                "ValidatingAdmissionPolicy",
                json!({"spec": {"validations": [{"expression": "params.a == 1"}]}}),
                "/spec/validations/0/expression",
            ),
            (
                "ValidatingAdmissionPolicy",
                json!({"spec": {"validations": [{"expression": "variables.none == 1"}]}}),
                "/spec/validations/0/expression",
            ),
            (
                "MutatingAdmissionPolicy",
                json!({"spec": {"mutations": [{"jsonPatch": {"expression": "Object{}"}}]}}),
                "/spec/mutations/0/jsonPatch/expression",
            ),
            (
                "MutatingAdmissionPolicy",
                json!({"spec": {"variables": [{"name": "a", "expression": "Object{}"}]}}),
                "/spec/variables/0/expression",
            ),
            (
                "MutatingAdmissionPolicy",
                json!({"spec": {"variables": [{"name": "a", "expression": "jsonpatch.escapeKey('a')"}]}}),
                "/spec/variables/0/expression",
            ),
            (
                "ValidatingWebhookConfiguration",
                json!({"webhooks": [{"matchConditions": [{"name": "a", "expression": "1"}]}]}),
                "/webhooks/0/matchConditions/0/expression",
            ),
            (
                "DeviceClass",
                json!({"spec": {"selectors": [{"cel": {"expression": "device.nope"}}]}}),
                "/spec/selectors/0/cel/expression",
            ),
        ] {
            let found = found(kind, &object);
            assert!(found.len() == 1 && found[0].starts_with(&format!("{field}: ")), "{object}: {found:?}");
        }
    }
}
