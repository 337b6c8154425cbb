//! Custom resources against the CRDs among the objects, and the CRDs themselves.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::value::Value;

use super::at::At;
use super::model::Model;
use super::{Found, meta, shape, text, webhooks};
use crate::findings::{Finding, Place};
use crate::manifest::collection::Placed;
use crate::schema::cel::Rules;
use crate::schema::instance::Checked;
use crate::schema::{self, Problem, ProblemKind};

/// Rules in CEL that could not be evaluated, by group and kind.
pub(super) type Unchecked = BTreeMap<(String, String), BTreeSet<String>>;

/// The CRDs among the objects.
pub(super) struct Definitions<'o> {
    by_kind: BTreeMap<(&'o str, &'o str), (&'o Placed, &'o Value)>,
    groups: BTreeSet<&'o str>,
    /// Rules in CEL that could not be evaluated.
    unchecked: RefCell<Unchecked>,
    /// The rules of the versions that were asked for, compiled.
    rules: RefCell<BTreeMap<(String, String, String), Rc<Rules>>>,
}

impl<'o> Definitions<'o> {
    pub(super) fn of(objects: &'o [Placed]) -> Definitions<'o> {
        let mut definitions = Definitions {
            by_kind: BTreeMap::new(),
            groups: BTreeSet::new(),
            unchecked: RefCell::default(),
            rules: RefCell::default(),
        };
        for object in objects.iter().filter(|o| o.identity.kind == "CustomResourceDefinition") {
            let Some(spec) = object.value.get("spec") else { continue };
            let kind = spec.get("names").map_or("", |names| text(names, "kind"));
            definitions.by_kind.insert((text(spec, "group"), kind), (object, spec));
            definitions.groups.insert(text(spec, "group"));
        }
        definitions
    }

    /// Whether some CRD defines kinds in this group.
    pub(super) fn has_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// Checks an object, if there is a CRD for it.
    pub(super) fn check(&self, found: &mut Found<'_>, model: &Model) -> bool {
        let object = found.object;
        let (group, kind) = (object.identity.group.as_str(), object.identity.kind.as_str());
        let Some((_, spec)) = self.by_kind.get(&(group, kind)) else { return false };
        let wanted = object.head.api_version.rsplit('/').next().unwrap_or_default();
        let versions = spec.get("versions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let of_name = versions.iter().find(|v| text(v, "name") == wanted);
        let single = text(spec, "version") == wanted;
        let version = match of_name {
            Some(version) if version.get("served") != Some(&Value::Bool(false)) => version,
            None if single => *spec,
            _ => {
                let served = versions.iter().filter(|v| v.get("served") != Some(&Value::Bool(false)));
                let served: Vec<_> = served.map(|v| text(v, "name")).collect();
                found.at(
                    "api-unknown",
                    "/apiVersion",
                    format!("its CRD serves {} and not {wanted}", served.join(", ")),
                );
                return true;
            }
        };
        let schema = version.pointer("/schema/openAPIV3Schema").or_else(|| spec.pointer("/validation/openAPIV3Schema"));
        let subresources = version.get("subresources").or_else(|| spec.get("subresources"));
        let status = subresources.and_then(|s| s.get("status")).is_some_and(|s| !s.is_null());
        // In v1beta1, fields that the schema does not name were kept unless somebody said otherwise.
        let keeps = spec.get("versions").is_none_or(|_| version.get("schema").is_none())
            && spec.get("preserveUnknownFields") != Some(&Value::Bool(false));
        if let Some(schema) = schema {
            let Checked { mut problems, embedded } = schema::instance::problems(schema, &object.value, status);
            problems.retain(|problem| !(keeps && problem.kind == ProblemKind::Unknown));
            // Like the API server, which looks at rules where nothing else is wrong.
            if problems.is_empty() && schema::cel::has_rules(schema) {
                let key = (group.to_owned(), kind.to_owned(), wanted.to_owned());
                let rules = Rc::clone(self.rules.borrow_mut().entry(key).or_insert_with(|| Rc::new(Rules::of(schema))));
                let verdict = rules.check(schema, &object.value, status);
                problems = verdict.problems;
                let key = (group.to_owned(), kind.to_owned());
                self.unchecked.borrow_mut().entry(key).or_default().extend(verdict.unchecked);
            }
            for problem in problems {
                say(found, problem);
            }
            for path in embedded {
                let Some(value) = object.value.pointer(&path) else { continue };
                shape::part(model, "meta.v1.ObjectMeta", value, &path, found);
                meta::embedded(found, &At { value, path });
            }
        }
        true
    }

    /// The plural of a kind; empty where no CRD defines it.
    pub(super) fn plural(&self, group: &str, kind: &str) -> &str {
        self.by_kind.get(&(group, kind)).map_or("", |(_, spec)| webhooks::plural(spec))
    }

    /// The kind of a group that was probably meant.
    pub(super) fn near(&self, group: &str, kind: &str) -> Option<&str> {
        let kinds = self.by_kind.keys().filter(|(of, _)| *of == group).map(|(_, kind)| *kind);
        crate::shown::near(kind, kinds)
    }

    /// The rules that were not evaluated since this was last asked.
    pub(super) fn take_unchecked(&self) -> Unchecked {
        self.unchecked.take()
    }

    /// Adds rules that were not evaluated.
    pub(super) fn add_unchecked(&self, rules: Unchecked) {
        for (kind, rules) in rules {
            self.unchecked.borrow_mut().entry(kind).or_default().extend(rules);
        }
    }

    /// Says of each CRD which of its rules were not evaluated.
    pub(super) fn say_unchecked(&self, findings: &mut Vec<Finding>) {
        for ((group, kind), rules) in self.unchecked.borrow().iter().filter(|(_, rules)| !rules.is_empty()) {
            let Some((crd, _)) = self.by_kind.get(&(group.as_str(), kind.as_str())) else { continue };
            let rules = rules.iter().cloned().collect::<Vec<_>>().join(", ");
            let (place, what) = (Some(Place::of(crd, "")), format!("not evaluated: {rules}"));
            findings.push(Finding { code: "cel-not-checked", place, what, allowed: None });
        }
    }
}

fn say(found: &mut Found<'_>, problem: Problem) {
    let code = match problem.kind {
        ProblemKind::Unknown => "unknown-field",
        ProblemKind::Type => "wrong-type",
        ProblemKind::Missing => "missing-field",
        ProblemKind::Value => "bad-value",
    };
    found.at(code, &problem.field, problem.what);
}

/// A CRD.
pub(super) fn definition(found: &mut Found<'_>) {
    for problem in schema::structural::problems(&found.object.value, found.target.minor) {
        found.at("crd-invalid", &problem.field, problem.what);
    }
}

/// CEL in kinds of Kubernetes' own.
pub(super) fn expressions(found: &mut Found<'_>) {
    let object = found.object;
    for problem in schema::admission::problems(&object.identity.kind, &object.value, found.target.minor) {
        say(found, problem);
    }
}
