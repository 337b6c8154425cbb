//! Ingress to networking.k8s.io/v1.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/#ingress-v122>

use crate::value::{Map, Value, json};

use super::{Said, child, default, rename};

const CLASS: &str = "kubernetes.io/ingress.class";

/// From extensions/v1beta1 or networking.k8s.io/v1beta1.
pub(super) fn ingress(ingress: &mut Map, said: &mut Said) -> Result<(), String> {
    let class = class(ingress);
    let spec = child(ingress, "spec")?;
    if let Some(class) = class {
        match spec.get("ingressClassName").and_then(Value::as_str) {
            Some(named) if named != class => {
                return Err(format!("its annotation {CLASS} says {class}, and /spec/ingressClassName says {named}"));
            }
            _ => {
                spec.insert("ingressClassName".to_owned(), Value::from(class));
                said.add("The class moved from the annotation to ingressClassName; v1 refuses both together.");
            }
        }
    }
    rename(spec, "backend", "defaultBackend");
    if let Some(backend) = spec.get_mut("defaultBackend") {
        service(backend, "/spec/backend")?;
    }
    let rules = spec.get_mut("rules").and_then(Value::as_array_mut);
    for (i, rule) in rules.into_iter().flatten().enumerate() {
        let paths = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut);
        for (j, path) in paths.into_iter().flatten().enumerate().filter_map(|(j, p)| Some((j, p.as_object_mut()?))) {
            if default(path, "pathType", "ImplementationSpecific") {
                said.add("A path without a type meant what the controller made of it: ImplementationSpecific.");
            }
            let at = format!("/spec/rules/{i}/http/paths/{j}/backend");
            service(path.get_mut("backend").ok_or_else(|| format!("{at} is missing"))?, &at)?;
        }
    }
    Ok(())
}

/// The class that the annotation names, which is taken away, with the `annotations` that held nothing else.
fn class(ingress: &mut Map) -> Option<String> {
    let metadata = ingress.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let class = annotations.shift_remove(CLASS)?;
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
    class.as_str().map(str::to_owned)
}

/// `serviceName` and `servicePort` become `service`.
fn service(backend: &mut Value, at: &str) -> Result<(), String> {
    let Some(backend) = backend.as_object_mut() else { return Err(format!("{at} is not a mapping")) };
    if backend.contains_key("resource") && !backend.contains_key("serviceName") {
        return Ok(());
    }
    let name = backend.shift_remove("serviceName").ok_or_else(|| format!("{at}/serviceName is missing"))?;
    let port = match backend.shift_remove("servicePort") {
        Some(Value::Number(number)) => json!({"number": number}),
        // The old API took a number in quotes for a number.
        Some(Value::String(name)) => {
            name.parse::<u16>().map_or_else(|_| json!({"name": name}), |n| json!({"number": n}))
        }
        _ => return Err(format!("{at}/servicePort is missing, or neither a number nor a name")),
    };
    backend.insert("service".to_owned(), json!({"name": name, "port": port}));
    Ok(())
}
