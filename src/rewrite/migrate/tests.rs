#![allow(clippy::needless_pass_by_value)] // short to call

use crate::value::json;

use super::*;
use crate::yaml;

/// What `object` becomes for `minor`, with the ledger.
fn migrated(minor: u16, object: Value) -> Result<(Vec<Value>, Vec<Entry>), String> {
    let text = yaml::emit(&object, yaml::Style::default());
    let source = Arc::new(crate::manifest::document::Source {
        component: "test".into(),
        name: "test.yaml".into(),
        text: String::new(),
    });
    let document = Document::from_value(source, 1, object, text).unwrap();
    let mut ledger = Ledger::default();
    let documents = apply(Version::one(minor), vec![document], &mut ledger).map_err(|e| e.to_string())?;
    for document in &documents {
        let (text, _) = document.rendered();
        assert_eq!(yaml::parse(&text).unwrap(), *document.value().unwrap());
    }
    Ok((documents.iter().map(|d| d.value().unwrap().clone()).collect(), ledger.entries))
}

fn one(minor: u16, object: Value) -> Value {
    let (mut values, _) = migrated(minor, object).unwrap();
    values.remove(0)
}

fn crd(spec: Value) -> Value {
    let mut crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Thing", "plural": "things"}, "version": "v1"},
    });
    let mut merged = crd["spec"].take().into();
    json_patch::merge(&mut merged, &spec.into());
    crd["spec"] = merged.into();
    crd
}

fn schema(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

#[test]
fn an_object_that_the_target_serves_stays() {
    let (values, ledger) = migrated(21, crd(json!({}))).unwrap();
    assert_eq!((values[0]["apiVersion"].as_str(), ledger.len()), (Some("apiextensions.k8s.io/v1beta1"), 0));
}

#[test]
fn a_kind_without_a_successor_is_left_out_with_the_reason() {
    let psp = json!({"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": "a"}});
    let (values, ledger) = migrated(25, psp).unwrap();
    assert!(values.is_empty());
    assert!(ledger[0].deed == Deed::LeftOut && ledger[0].reason.why.contains("put nothing in its place"));
}

#[test]
fn an_api_that_the_target_does_not_serve_yet_is_an_error() {
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}});
    let error = migrated(20, scaler).unwrap_err();
    assert!(error.contains("serves since 1.23") && error.contains("Take --kubernetes 1.23 or newer"), "{error}");
}

#[test]
fn a_crd_without_a_schema_takes_anything_as_before() {
    let (values, ledger) = migrated(22, crd(json!({"subresources": {"status": {}}}))).unwrap();
    assert_eq!(
        values[0]["spec"],
        json!({
            "group": "example.com", "names": {"kind": "Thing", "plural": "things"}, "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        })
    );
    assert_eq!(ledger[0].reason.rule, "migrate-crd");
    assert!(ledger[0].reason.why.contains("keeps them in v1"), "{}", ledger[0].reason.why);
}

#[test]
fn a_crd_s_schema_columns_and_subresources_go_into_each_version() {
    let value = one(
        36,
        crd(json!({
            "versions": [{"name": "v1", "served": true, "storage": true}, {"name": "v2", "served": true, "storage": false}],
            "additionalPrinterColumns": [{"name": "Ready", "type": "string", "JSONPath": ".status.ready"}],
            "validation": {"openAPIV3Schema": {"type": "object"}},
        })),
    );
    for i in 0..2 {
        let version = &value["spec"]["versions"][i];
        assert_eq!(version["additionalPrinterColumns"][0]["jsonPath"], ".status.ready");
        assert_eq!(version["additionalPrinterColumns"][0].get("JSONPath"), None);
        assert_eq!(version["schema"]["openAPIV3Schema"]["type"], "object");
    }
    assert!(["version", "validation", "additionalPrinterColumns"].iter().all(|k| value["spec"].get(k).is_none()));
}

#[test]
fn a_pruning_crd_keeps_its_schema_to_the_letter() {
    let old =
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}});
    let value = one(36, crd(json!({"preserveUnknownFields": false, "validation": {"openAPIV3Schema": old}})));
    assert_eq!((schema(&value), &value["spec"]["preserveUnknownFields"]), (&old, &json!(false)));
}

#[test]
fn unknown_fields_are_kept_at_every_level_where_they_were_kept() {
    let value = one(
        36,
        crd(json!({"validation": {"openAPIV3Schema": {"properties": {
            "metadata": {"type": "object"},
            "spec": {"type": "object", "properties": {
                "anything": {},
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
                "bare": {"type": "array"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "open": {"type": "object", "additionalProperties": true},
                "port": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            }},
        }}}})),
    );
    let keep = json!({"x-kubernetes-preserve-unknown-fields": true});
    let root = schema(&value);
    assert_eq!(
        (&root["type"], root.get("x-kubernetes-preserve-unknown-fields")),
        (&json!("object"), Some(&json!(true)))
    );
    assert_eq!(root["properties"]["metadata"], json!({"type": "object"}));
    let spec = &root["properties"]["spec"]["properties"];
    assert_eq!(spec["anything"], keep);
    assert_eq!(spec["list"]["items"]["x-kubernetes-preserve-unknown-fields"], true);
    assert_eq!(spec["bare"]["items"], keep);
    assert_eq!(spec["map"], json!({"type": "object", "additionalProperties": {"type": "string"}}));
    assert_eq!(spec["open"], json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    assert_eq!(
        spec["port"],
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true})
    );
}

#[test]
fn what_a_junctor_names_is_named_outside_as_well() {
    let value = one(
        36,
        crd(json!({"validation": {"openAPIV3Schema": {"type": "object", "oneOf": [
            {"required": ["a"], "properties": {"a": {"description": "x", "minimum": 1}}}, {"required": ["b"]},
        ]}}})),
    );
    let root = schema(&value);
    assert_eq!(root["properties"]["a"], json!({"x-kubernetes-preserve-unknown-fields": true}));
    assert_eq!(root["oneOf"][0]["properties"]["a"], json!({"minimum": 1}));
}

#[test]
fn a_schema_without_a_structural_form_is_refused_with_its_place() {
    for (bad, place) in [
        (json!({"properties": {"a": {"$ref": "#/x"}}}), "/properties/a has `$ref`"),
        (json!({"properties": {"a": {"type": "object", "additionalProperties": false}}}), "/properties/a forbids"),
        (json!({"properties": {"a": {"not": {"type": "string"}}}}), "/properties/a/not has a `type`"),
        (json!({"properties": {"metadata": {"properties": {"labels": {}}}}}), "/properties/metadata restricts"),
        (json!({"anyOf": [{"type": "string"}, {"type": "boolean"}]}), "/anyOf/0 has a `type` of its own"),
    ] {
        let error = migrated(36, crd(json!({"validation": {"openAPIV3Schema": bad}}))).unwrap_err();
        assert!(error.contains(place) && error.contains("CustomResourceDefinition/things.example.com"), "{error}");
    }
}

#[test]
fn a_conversion_webhook_moves() {
    let value = one(
        36,
        crd(json!({"conversion": {"strategy": "Webhook", "webhookClientConfig": {"url": "https://x.example"}}})),
    );
    assert_eq!(
        value["spec"]["conversion"],
        json!({"strategy": "Webhook", "webhook": {
            "clientConfig": {"url": "https://x.example"}, "conversionReviewVersions": ["v1beta1"],
        }})
    );
}

#[test]
fn a_webhook_keeps_the_defaults_that_v1_changed() {
    let object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "a"}, "webhooks": [{"name": "a.b.c", "clientConfig": {}}],
    });
    assert_eq!(
        one(36, object)["webhooks"][0],
        json!({
            "name": "a.b.c", "clientConfig": {}, "failurePolicy": "Ignore", "matchPolicy": "Exact", "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1beta1"], "sideEffects": "None",
        })
    );
}

#[test]
fn a_webhook_with_side_effects_is_refused() {
    let object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "a"}, "webhooks": [{"name": "a.b.c", "sideEffects": "Some"}],
    });
    assert!(migrated(36, object).unwrap_err().contains("/webhooks/0/sideEffects is Some"));
}

#[test]
fn an_ingress_says_the_same_in_v1() {
    let object = json!({
        "apiVersion": "extensions/v1beta1", "kind": "Ingress",
        "metadata": {"name": "a", "annotations": {"kubernetes.io/ingress.class": "alb", "x": "y"}},
        "spec": {
            "backend": {"serviceName": "b", "servicePort": 80},
            "rules": [{"http": {"paths": [{"path": "/*", "backend": {"serviceName": "c", "servicePort": "web"}}]}}],
        },
    });
    let value = one(22, object);
    assert_eq!(value["metadata"]["annotations"], json!({"x": "y"}));
    assert_eq!(
        value["spec"],
        json!({
            "ingressClassName": "alb",
            "defaultBackend": {"service": {"name": "b", "port": {"number": 80}}},
            "rules": [{"http": {"paths": [{
                "path": "/*", "pathType": "ImplementationSpecific",
                "backend": {"service": {"name": "c", "port": {"name": "web"}}},
            }]}}],
        })
    );
}

#[test]
fn every_kind_of_metric_has_its_target_in_v2() {
    let object = json!({
        "apiVersion": "autoscaling/v2beta1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"},
        "spec": {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "a"}, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 100}},
            {"type": "Pods", "pods": {"metricName": "m", "targetAverageValue": "1k"}},
            {"type": "Object", "object": {"target": {"kind": "Ingress", "name": "i"}, "metricName": "m", "targetValue": 5}},
            {"type": "External", "external": {"metricName": "m", "metricSelector": {}, "targetValue": "2"}},
        ]},
    });
    assert_eq!(
        one(25, object)["spec"]["metrics"],
        json!([
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 100}}},
            {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
            {"type": "Object", "object": {"describedObject": {"kind": "Ingress", "name": "i"}, "metric": {"name": "m"},
                "target": {"type": "Value", "value": 5}}},
            {"type": "External", "external": {"metric": {"name": "m", "selector": {}}, "target": {"type": "Value", "value": "2"}}},
        ])
    );
}

#[test]
fn a_budget_that_chose_no_pods_still_chooses_none() {
    let budget = |selector: Value| {
        json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"},
            "spec": {"minAvailable": 1, "selector": selector}})
    };
    assert_eq!(one(25, budget(json!({})))["spec"], json!({"minAvailable": 1}));
    assert_eq!(
        one(25, budget(json!({"matchLabels": {"a": "b"}})))["spec"]["selector"],
        json!({"matchLabels": {"a": "b"}})
    );
}

#[test]
fn a_deployment_keeps_selector_and_defaults() {
    let object = json!({
        "apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"template": {"metadata": {"labels": {"app": "a"}}}},
    });
    let spec = &one(16, object)["spec"];
    assert_eq!(spec["selector"], json!({"matchLabels": {"app": "a"}}));
    assert_eq!(
        (&spec["revisionHistoryLimit"], &spec["progressDeadlineSeconds"]),
        (&json!(2_147_483_647), &json!(2_147_483_647))
    );
    assert_eq!(spec["strategy"]["rollingUpdate"], json!({"maxSurge": 1, "maxUnavailable": 1}));
}

#[test]
fn an_endpoint_s_topology_is_named() {
    let object = json!({
        "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "metadata": {"name": "a"}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "topology": {
            "kubernetes.io/hostname": "n", "topology.kubernetes.io/zone": "z", "x": "y",
        }}],
    });
    assert_eq!(
        one(25, object)["endpoints"][0],
        json!({"addresses": ["10.0.0.1"], "nodeName": "n", "zone": "z", "deprecatedTopology": {"x": "y"}})
    );
}

#[test]
fn kinds_whose_fields_did_not_change_change_their_api_alone() {
    for (api, kind, to) in [
        ("rbac.authorization.k8s.io/v1beta1", "Role", "rbac.authorization.k8s.io/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("apiregistration.k8s.io/v1beta1", "APIService", "apiregistration.k8s.io/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("storage.k8s.io/v1beta1", "StorageClass", "storage.k8s.io/v1"),
    ] {
        let object = |api: &str| json!({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}, "spec": {"a": 1}});
        assert_eq!(one(36, object(api)), object(to));
    }
}

#[test]
fn long_values_are_counted_in_the_ledger() {
    let long = json!({"openAPIV3Schema": {"type": "object", "description": "x".repeat(5000)}});
    let (_, ledger) = migrated(36, crd(json!({"validation": long}))).unwrap();
    let Deed::Changed { fields } = &ledger[0].deed else { panic!("{ledger:?}") };
    let moved = fields.iter().find(|f| f.path == "/spec/validation").unwrap();
    assert!(moved.before.as_ref().unwrap().as_str().unwrap().ends_with("bytes of JSON)"));
}

#[test]
fn from_the_last_successor_on_everything_is_served() {
    let table = RemovedApis::embedded().unwrap();
    assert_eq!(table.removed.iter().filter_map(|r| r.since).max(), Some(ALL_SERVED));
}
