use super::*;
use crate::value::json;

/// The fields at which rules do not hold, and the rules that were not evaluated.
fn verdict(spec: &Value, given: &Value) -> (Vec<String>, Vec<String>) {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"}, "spec": given});
    let verdict = Rules::of(&schema).check(&schema, &object, true);
    let problems = verdict.problems.into_iter().map(|p| format!("{}: {}", p.field, p.what)).collect();
    (problems, verdict.unchecked.into_iter().collect())
}

fn schema(rule: &str) -> Value {
    json!({
        "type": "object",
        "x-kubernetes-validations": [{"rule": rule, "message": "no"}],
        "properties": {
            "from": {"type": "integer"}, "to": {"type": "integer"}, "ratio": {"type": "number"}, "size": {"type": "string"},
            "names": {"type": "array", "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "namespace": {"type": "string"}, "a-b": {"type": "integer"}, "name": {"type": "string", "default": "x"},
        },
    })
}

#[test]
fn a_rule_holds_or_is_named_at_its_field() {
    for (rule, good, bad) in [
        ("self.from <= self.to", json!({"from": 1, "to": 2}), json!({"from": 3, "to": 2})),
        ("!(has(self.from) && has(self.to))", json!({"from": 1}), json!({"from": 1, "to": 1})),
        ("self.ratio < 1.0", json!({"ratio": 0}), json!({"ratio": 1})),
        ("size(self.names) > 0", json!({"names": ["a"]}), json!({"names": []})),
        ("self.names.all(n, n.startsWith('a'))", json!({"names": ["a1"]}), json!({"names": ["b"]})),
        ("self.names.exists(n, n == 'a')", json!({"names": ["a"]}), json!({"names": []})),
        ("self.names.isSorted()", json!({"names": ["a", "b"]}), json!({"names": ["b", "a"]})),
        ("'a' in self.labels", json!({"labels": {"a": "b"}}), json!({"labels": {}})),
        ("self.labels.all(k, self.labels[k] != '')", json!({"labels": {"a.b/c": "d"}}), json!({"labels": {"a": ""}})),
        ("self.__namespace__ == 'a'", json!({"namespace": "a"}), json!({"namespace": "b"})),
        ("self.a__dash__b == 1", json!({"a-b": 1}), json!({"a-b": 2})),
        ("self.name == 'x'", json!({}), json!({"name": "y"})),
        ("self.size.matches('^[0-9]+$')", json!({"size": "1"}), json!({"size": "a"})),
        ("quantity(self.size).isGreaterThan(quantity('1Gi'))", json!({"size": "2Gi"}), json!({"size": "1Mi"})),
        ("quantity(self.size).compareTo(quantity('1k')) == 0", json!({"size": "1000"}), json!({"size": "1"})),
        ("isQuantity(self.size)", json!({"size": "1Gi"}), json!({"size": "1Gx"})),
        ("isCIDR(self.size)", json!({"size": "10.0.0.0/8"}), json!({"size": "10.0.0.0"})),
        ("isIP(self.size)", json!({"size": "::1"}), json!({"size": "::x"})),
        ("self.size.find('[0-9]+') == '12'", json!({"size": "a12"}), json!({"size": "a"})),
        ("self.size.lowerAscii() == 'a'", json!({"size": "A"}), json!({"size": "B"})),
        ("self.?from.orValue(1) == 1", json!({}), json!({"from": 2})),
    ] {
        assert_eq!(verdict(&schema(rule), &good), (vec![], vec![]), "{rule} {good}");
        assert_eq!(verdict(&schema(rule), &bad), (vec!["/spec: the CRD says: no".to_owned()], vec![]), "{rule} {bad}");
    }
}

#[test]
fn a_rule_about_a_field_that_is_not_there_fails() {
    let (problems, _) = verdict(&schema("self.from > 1"), &json!({}));
    assert_eq!(problems, ["/spec: the CRD says: its rule `self.from > 1` fails, as there is no `from`"]);
}

#[test]
fn a_rule_about_changes_says_nothing_of_an_object_that_is_made() {
    assert_eq!(verdict(&schema("self.from == oldSelf.from"), &json!({"from": 1})), (vec![], vec![]));
}

#[test]
fn a_rule_that_is_not_understood_is_held_against_nobody() {
    for rule in ["nope(self.size)", "self.from ===", "self.size + 1 == 2"] {
        let (problems, unchecked) = verdict(&schema(rule), &json!({"from": 1, "size": "a"}));
        assert_eq!(problems, Vec::<String>::new());
        assert!(unchecked.len() == 1 && unchecked[0].starts_with(&format!("`{rule}` (")), "{unchecked:?}");
    }
}

#[test]
fn a_rule_beyond_the_budget_is_told_and_not_waited_for() {
    let rule = "self.n.all(a, self.n.all(b, self.n.all(c, self.n.all(d, a + b + c + d < 5000))))";
    let spec = json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}],
        "properties": {"n": {"type": "array", "items": {"type": "integer"}}}});
    let (problems, unchecked) = verdict(&spec, &json!({"n": (0..200).collect::<Vec<_>>()}));
    assert_eq!((problems.len(), unchecked.len()), (0, 1));
}

#[test]
fn formats_are_typed_values() {
    let of = |rule: &str| {
        let format = |format: &str| json!({"type": "string", "format": format});
        json!({"type": "object", "x-kubernetes-validations": [{"rule": rule, "message": "no"}], "properties": {
            "a": format("duration"), "b": format("duration"), "c": format("date-time"), "d": format("date"), "e": format("byte"),
        }})
    };
    let given = json!({"a": "9s", "b": "10s", "c": "2024-01-01T00:00:00Z", "d": "2024-01-02", "e": "YWI="});
    for rule in ["self.a < self.b", "self.c < self.d", "self.e == b'ab'", "self.d.getFullYear() == 2024"] {
        assert_eq!(verdict(&of(rule), &given), (vec![], vec![]), "{rule}");
    }
}

#[test]
fn with_optional_old_self_a_rule_is_asked_when_the_object_is_made() {
    let rule = json!({"rule": "oldSelf.hasValue() || self == 'new'", "message": "no", "optionalOldSelf": true});
    let spec = json!({"type": "string", "x-kubernetes-validations": [rule]});
    assert_eq!(verdict(&spec, &json!("old")).0, ["/spec: the CRD says: no"]);
    assert_eq!(verdict(&spec, &json!("new")), (vec![], vec![]));
}

fn faults_of(spec: &Value) -> Vec<String> {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    faults(schema.as_object().unwrap(), 36)
        .into_iter()
        .map(|p| p.field.replace("/x-kubernetes-validations", "…"))
        .collect()
}

#[test]
fn rules_that_do_not_compile_or_cost_too_much_are_faults_of_the_crd() {
    let texts =
        |rule: &Value| json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-validations": [rule]});
    for (rule, field) in [
        (json!({"rule": "self.nope == 1"}), "rule"),
        (json!({"rule": "self.size()"}), "rule"),
        (json!({"rule": "self.all(x, self.all(y, x.matches('a.*') && y.matches('b.*')))"}), "rule"),
        (json!({"rule": "true", "messageExpression": "1"}), "messageExpression"),
        (json!({"rule": "true", "optionalOldSelf": true}), "optionalOldSelf"),
    ] {
        assert!(
            faults_of(&texts(&rule)).contains(&format!("/properties/spec…/0/{field}")),
            "{rule}: {:?}",
            faults_of(&texts(&rule))
        );
    }
    let bounded = json!({"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 10},
        "x-kubernetes-validations": [{"rule": "self.all(x, self.all(y, x == y))"}]});
    assert_eq!(faults_of(&bounded), Vec::<String>::new());
}

#[test]
fn old_values_cannot_be_told_within_lists() {
    let item = json!({"type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]});
    assert_eq!(faults_of(&json!({"type": "array", "maxItems": 9, "items": item})), ["/properties/spec/items…/0/rule"]);
}

#[test]
fn a_rule_names_its_own_field_and_makes_its_own_message() {
    let mut schema = schema("self.from < 3");
    schema["x-kubernetes-validations"][0]["messageExpression"] = json!("'from is ' + string(self.from)");
    schema["x-kubernetes-validations"][0]["fieldPath"] = json!(".labels['a.b']");
    assert_eq!(verdict(&schema, &json!({"from": 3})).0, ["/spec/labels/a.b: the CRD says: from is 3"]);
}

#[test]
fn rules_stand_on_items_and_see_the_name_of_the_object() {
    let item = json!({"type": "string", "x-kubernetes-validations": [{"rule": "self != 'b'"}]});
    let spec = json!({"type": "array", "items": item});
    assert_eq!(verdict(&spec, &json!(["a", "b"])).0, ["/spec/1: the CRD says: failed rule: self != 'b'"]);
    let root = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.metadata.name == 'default'"}]});
    let of = |name: &str| {
        Rules::of(&root).check(&root, &json!({"kind": "A", "metadata": {"name": name}}), true).problems.len()
    };
    assert_eq!((of("default"), of("other")), (0, 1));
}
