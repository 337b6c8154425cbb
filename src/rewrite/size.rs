//! What client-side `kubectl apply` can take: it keeps a copy of the object in an annotation, and Kubernetes refuses
//! annotations of more than 262,144 bytes. CRDs that pass it lose their descriptions, which is what most of them consist
//! of; an object that still passes it has to be applied with `--server-side`.

use std::sync::Arc;

use crate::value::{Map, Value, go_json_len, go_json_len_of_text, go_json_most};

use crate::ledger::{Deed, Entry, FieldChange, Ledger, Reason};
use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::manifest::secret::REPEATED;

/// The most that all annotations of an object may have, keys and values together, in bytes.
/// Source: <https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/validation/objectmeta.go> (`TotalAnnotationSizeLimitB`)
pub const LIMIT: usize = 256 * 1024;

const SEE: &str = "https://kubernetes.io/docs/reference/using-api/server-side-apply/#comparison-with-client-side-apply";

/// Finds the objects that client-side apply cannot take, and leaves out the descriptions of CRDs among them, unless they
/// are to be kept. Returns the objects that need `--server-side` all the same.
pub fn fit(documents: &mut [Document], keep: bool, ledger: &mut Ledger) -> Result<Vec<String>, ManifestError> {
    let mut too_large = Vec::new();
    for document in documents {
        if most(document.source_text()) + other_annotations(&document.head().metadata) <= LIMIT {
            continue;
        }
        let object = document.identity().to_string();
        let stays = keep || document.head().kind != "CustomResourceDefinition";
        if stays && least(document.source_text()) > LIMIT {
            too_large.push(object);
            continue;
        }
        let before = annotations(document.value()?);
        if before <= LIMIT {
            continue;
        }
        if stays {
            too_large.push(object);
            continue;
        }
        let mut value = document.value()?.clone();
        let left_out = without_descriptions(&mut value);
        let after = annotations(&value);
        if left_out > 0 {
            document.set_value(value)?;
            ledger.entries.push(Entry {
                object: object.clone(),
                at: document.at(),
                deed: Deed::Changed {
                    fields: vec![FieldChange {
                        path: "/spec/versions".to_owned(),
                        within: None,
                        before: Some(Value::from(format!("({left_out} descriptions; {before} bytes of annotations)"))),
                        after: Some(Value::from(format!("(no description; {after} bytes of annotations)"))),
                    }],
                },
                reason: Arc::new(Reason {
                    rule: "descriptions-left-out".into(),
                    at: "built in".into(),
                    why: format!(
                        "`kubectl apply` keeps a copy of the object in an annotation, and Kubernetes refuses more than {LIMIT} \
                         bytes of annotations. Descriptions are for `kubectl explain`; they decide nothing. \
                         --keep-descriptions keeps them, for those who apply with --server-side."
                    ),
                    see: vec![SEE.to_owned()],
                }),
            });
        }
        if after > LIMIT {
            too_large.push(object);
        }
    }
    Ok(too_large)
}

/// What to tell people about objects that need `--server-side`.
pub fn notice(too_large: &[String]) -> Option<String> {
    let (verb, whose) = if too_large.len() == 1 { ("is", "its") } else { ("are", "their") };
    (!too_large.is_empty()).then(|| {
        format!(
            "{} {verb} too large for client-side apply, which keeps a copy in {whose} annotations: apply with `kubectl apply \
             --server-side` ({SEE}).",
            too_large.join(", ")
        )
    })
}

/// More than client-side apply can make of an object with this text, in bytes, less the annotations that it has. Most texts
/// are far below the limit, and this costs little.
fn most(text: &str) -> usize {
    // Even if each byte were one that JSON writes as six.
    if text.len() * 6 <= LIMIT {
        return 0;
    }
    let bytes = text.as_bytes();
    let escaped = memchr::memchr3_iter(b'<', b'>', b'&', bytes).count();
    let quoted = memchr::memchr2_iter(b'"', b'\\', bytes).count();
    let lines = memchr::memchr_iter(b'\n', bytes).count();
    // A line gains quotes around key and value, a colon's or a comma's neighbours, and its own end as `\n`.
    text.len() + 5 * escaped + quoted + 7 * lines + 256
}

/// Less than an object with this text comes to, in bytes: its lines without indentation, comments and list marks.
fn least(text: &str) -> usize {
    let content = text.lines().map(|line| line.trim_start_matches([' ', '-']));
    content.filter(|line| !line.starts_with('#')).map(|line| line.trim_end().len()).sum()
}

/// Whether the annotations of an object are too large after client-side apply.
pub fn is_too_large(object: &Value) -> bool {
    // The object, its annotations once more, and what kubectl adds.
    2 * go_json_most(object) + 256 > LIMIT && annotations(object) > LIMIT
}

/// The bytes of all annotations of an object after client-side apply.
fn annotations(object: &Value) -> usize {
    REPEATED.len() + applied(object) + "\n".len() + object.get("metadata").map_or(0, other_annotations)
}

/// The bytes of the annotations that an object has, but for an old copy.
fn other_annotations(metadata: &Value) -> usize {
    let annotations = metadata.get("annotations").and_then(Value::as_object).into_iter().flatten();
    annotations.filter(|(key, _)| *key != REPEATED).map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum()
}

/// The bytes of an object as kubectl writes it into the annotation: compact JSON, `annotations` always there.
fn applied(object: &Value) -> usize {
    let metadata = object.get("metadata").and_then(Value::as_object);
    let missing = match metadata {
        Some(metadata) if metadata.contains_key("annotations") => 0,
        Some(metadata) => r#""annotations":{}"#.len() + usize::from(!metadata.is_empty()),
        None => 0,
    };
    let copy = object
        .pointer("/metadata/annotations")
        .and_then(|a| a.get(REPEATED))
        .map_or(0, |copy| go_json_len_of_text(REPEATED) + 1 + go_json_len(copy) + 1);
    go_json_len(object) + missing - copy
}

/// Takes the descriptions out of a CRD's schemas, and says how many there were.
fn without_descriptions(crd: &mut Value) -> usize {
    let mut left_out = 0;
    let Some(spec) = crd.get_mut("spec").and_then(Value::as_object_mut) else { return 0 };
    let mut schemas: Vec<&mut Value> = Vec::new();
    for (key, value) in spec {
        match key.as_str() {
            "validation" => schemas.push(value),
            "versions" => {
                schemas.extend(value.as_array_mut().into_iter().flatten().filter_map(|v| v.get_mut("schema")));
            }
            _ => {}
        }
    }
    for schema in schemas {
        if let Some(root) = schema.get_mut("openAPIV3Schema").and_then(Value::as_object_mut) {
            strip(root, &mut left_out);
        }
    }
    left_out
}

fn strip(schema: &mut Map, left_out: &mut usize) {
    if schema.get("description").is_some_and(Value::is_string) {
        schema.shift_remove("description");
        *left_out += 1;
    }
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "definitions", Value::Object(named)) => {
                named.values_mut().filter_map(Value::as_object_mut).for_each(|s| strip(s, left_out));
            }
            ("items" | "additionalProperties" | "not", Value::Object(one)) => strip(one, left_out),
            ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(many)) => {
                many.iter_mut().filter_map(Value::as_object_mut).for_each(|s| strip(s, left_out));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Source;
    use crate::value::json;
    use crate::yaml;

    fn document(value: Value) -> Document {
        let source = Arc::new(Source { component: "t".into(), name: "t".into(), text: String::new() });
        let text = yaml::emit(&value, yaml::Style::default());
        Document::from_value(source, 1, value, text).unwrap()
    }

    fn crd(fields: usize) -> Value {
        let properties: Map = (0..fields)
            .map(|i| (format!("field{i}"), json!({"type": "string", "description": "d".repeat(1000)})))
            .collect();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a"},
            "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"description": {"type": "string"}, "spec": {"type": "object", "properties": properties}},
            }}}]},
        })
    }

    fn config_map(bytes: usize) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "x".repeat(bytes)}})
    }

    #[test]
    fn the_size_is_what_kubectl_writes() {
        let object = json!({"kind": "A", "metadata": {"name": "a<b"}, "n": [1, true, null, "\"\n\u{2028}é"]});
        let written = "{\"kind\":\"A\",\"metadata\":{\"annotations\":{},\"name\":\"a\\u003cb\"},\"n\":[1,true,null,\"\\\"\\n\\u2028é\"]}\n";
        assert_eq!(annotations(&object), REPEATED.len() + written.len());
    }

    #[test]
    fn an_annotation_that_is_there_counts_and_an_old_copy_does_not() {
        let with = |annotations: Value| json!({"kind": "A", "metadata": {"annotations": annotations}});
        let plain = annotations(&with(json!({})));
        assert_eq!(annotations(&with(json!({"a": "bc"}))), plain + "\"a\":\"bc\"".len() + "abc".len());
        let copied = with(json!({"a": "bc", REPEATED: "old"}));
        assert_eq!(annotations(&copied), annotations(&with(json!({"a": "bc"}))));
    }

    #[test]
    fn the_bound_is_never_below_the_size() {
        for value in [
            crd(300),
            config_map(100_000),
            config_map(270_000),
            json!({"kind": "A", "metadata": {"a": "<".repeat(50_000)}}),
        ] {
            let text = yaml::emit(&value, yaml::Style::default());
            assert!(least(&text) <= annotations(&value));
            assert!(go_json_most(&value) >= go_json_len(&value));
            assert_eq!(is_too_large(&value), annotations(&value) > LIMIT);
            assert!(most(&text) >= annotations(&value) || text.len() * 6 <= LIMIT);
        }
    }

    #[test]
    fn a_crd_that_is_too_large_loses_its_descriptions_and_no_field() {
        let mut documents = [document(crd(300)), document(crd(10))];
        let mut ledger = Ledger::default();
        assert_eq!(fit(&mut documents, false, &mut ledger).unwrap(), Vec::<String>::new());
        assert_eq!(ledger.entries.len(), 1);
        let schema = &documents[0].value().unwrap()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(schema["properties"]["description"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["spec"]["properties"]["field7"], json!({"type": "string"}));
        let (text, bytes) = documents[0].rendered();
        assert_eq!(yaml::parse(&text).unwrap(), *documents[0].value().unwrap());
        assert_eq!(bytes, crate::manifest::document::Bytes::Edited);
        assert!(annotations(documents[0].value().unwrap()) <= LIMIT);
    }

    #[test]
    fn what_stays_too_large_is_named() {
        let mut ledger = Ledger::default();
        let mut kept = [document(crd(300)), document(config_map(262_100)), document(config_map(261_900))];
        let named = fit(&mut kept, true, &mut ledger).unwrap();
        assert_eq!(named, ["CustomResourceDefinition/a", "ConfigMap/a"]);
        assert!(ledger.entries.is_empty());
        assert!(notice(&named).unwrap().contains("are too large for client-side apply"));
        assert_eq!(notice(&[]), None);
    }
}
