//! The same with real files, when a mirror of upstream is at hand. Nothing of upstream is in this repository.
#![allow(clippy::print_stdout, reason = "the figures are what this test is for")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::value::{Value, json};

use super::super::edit;
use super::random::changed_lines;
use crate::yaml;

fn mirror() -> Option<PathBuf> {
    let mirror = std::env::var_os("KNRENDER_MIRROR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream"), PathBuf::from);
    mirror.is_dir().then_some(mirror)
}

/// What a change does; false when the document has no place for it.
type Change = fn(&mut Value) -> bool;

const CHANGES: [(&str, Change); 12] = [
    ("replace /spec/type", |doc| doc.pointer_mut("/spec/type").map(|t| *t = json!("ClusterIP")).is_some()),
    ("remove /metadata/labels", |doc| object(doc, "/metadata").is_some_and(|m| m.shift_remove("labels").is_some())),
    ("remove one label", |doc| {
        object(doc, "/metadata/labels").is_some_and(|labels| {
            let first = labels.keys().next().cloned();
            first.is_some_and(|key| labels.shift_remove(&key).is_some())
        })
    }),
    ("add a data key", |doc| {
        object(doc, "/data").map(|d| d.insert("added".to_owned(), json!("a: 1\nb: yes\n"))).is_some()
    }),
    ("remove an annotation", |doc| {
        object(doc, "/metadata/annotations").is_some_and(|annotations| {
            let last = annotations.keys().next_back().cloned();
            last.is_some_and(|key| annotations.shift_remove(&key).is_some())
        })
    }),
    ("add an annotation", |doc| {
        object(doc, "/metadata")
            .map(|m| {
                let annotations = m.entry("annotations").or_insert_with(|| json!({}));
                annotations["example.com/on"] = json!("on");
            })
            .is_some()
    }),
    ("change an env var", |doc| {
        container(doc)
            .and_then(|c| c.pointer_mut("/env/0"))
            .map(|env| *env = json!({"name": env["name"], "value": "yes"}))
            .is_some()
    }),
    ("add an env var", |doc| {
        container(doc)
            .and_then(|c| list(c, "env"))
            .map(|env| env.insert(0, json!({"name": "NEW", "value": "1"})))
            .is_some()
    }),
    ("set resources", |doc| {
        container(doc)
            .map(|c| {
                c["resources"] =
                    json!({"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "1", "memory": "2Gi"}});
            })
            .is_some()
    }),
    ("remove an argument or port", |doc| {
        container(doc).is_some_and(|c| {
            ["args", "ports"].iter().any(|k| list(c, k).is_some_and(|l| !l.is_empty() && !l.remove(0).is_null()))
        })
    }),
    ("insert a rule first", |doc| {
        list(doc, "rules")
            .map(|rules| rules.insert(0, json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})))
            .is_some()
    }),
    ("change a line of a long text", |doc| {
        object(doc, "/data")
            .and_then(|data| {
                data.values_mut()
                    .find_map(|v| v.as_str().filter(|t| t.lines().count() > 3).map(str::to_owned).map(|t| (v, t)))
            })
            .map(|(value, text)| {
                let mut lines: Vec<&str> = text.split('\n').collect();
                let middle = lines.len() / 2;
                lines[middle] = "changed: \"yes\"";
                *value = lines.join("\n").into();
            })
            .is_some()
    }),
];

fn object<'a>(doc: &'a mut Value, pointer: &str) -> Option<&'a mut crate::value::Map> {
    doc.pointer_mut(pointer)?.as_object_mut()
}

fn list<'a>(doc: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    doc.get_mut(key)?.as_array_mut()
}

fn container(doc: &mut Value) -> Option<&mut Value> {
    doc.pointer_mut("/spec/template/spec/containers/0")
}

#[test]
fn edits_of_upstream_files_stay_small() {
    let Some(mirror) = mirror() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no mirror of upstream, and CI=true");
        println!("passed without looking, since ../shared/upstream is missing");
        return;
    };
    let files = walkdir::WalkDir::new(&mirror).sort_by_file_name();
    let mut totals = [(0_usize, 0_usize, 0_usize, 0_usize); CHANGES.len()];
    let (mut slowest, mut documents, mut same) = (Duration::ZERO, 0_usize, 0_usize);
    for file in files.into_iter().filter_map(Result::ok) {
        let name = file.path().strip_prefix(&mirror).unwrap_or(file.path()).display().to_string();
        if file.path().extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).expect("a readable mirror");
        for source in split(&text) {
            let old = yaml::parse(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
            if old.is_null() {
                continue;
            }
            documents += 1;
            let emitted = yaml::emit(&old, yaml::detect_style(&source));
            assert_eq!(yaml::parse(&emitted).as_ref(), Ok(&old), "{name}");
            same += usize::from(changed_lines(&source, &emitted) == 0);
            for ((title, change), total) in CHANGES.iter().zip(&mut totals) {
                let mut new = old.clone();
                if !change(&mut new) || new == old {
                    continue;
                }
                let start = Instant::now();
                let edited = edit(&source, &old, &new);
                slowest = slowest.max(start.elapsed());
                assert_eq!(yaml::parse(&edited.text), Ok(new), "{name}: {title}");
                total.0 += 1;
                if edited.preserved {
                    let lines = changed_lines(&source, &edited.text);
                    *total = (total.0, total.1 + 1, total.2 + lines, total.3.max(lines));
                } else {
                    println!("not in place: {name}: {title}: {} {}", old["kind"], old["metadata"]["name"]);
                }
            }
        }
    }
    println!("{documents} documents, of which emit writes {same} as they are; slowest edit {slowest:?}");
    for ((title, _), (edits, preserved, lines, most)) in CHANGES.iter().zip(totals) {
        println!("{title:30} {edits:5} edits, {preserved:5} in place, {lines} lines in all, at most {most}");
    }
    let (edits, preserved) = totals.iter().fold((0, 0), |sum, total| (sum.0 + total.0, sum.1 + total.1));
    assert!(preserved * 100 >= edits * 99, "{preserved} of {edits} edits in place");
}

fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents
}
