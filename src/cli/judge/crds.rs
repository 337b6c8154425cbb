//! `--crds`: CRDs that are not among the inputs, to hold custom resources against.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::value::Value;

use super::super::inputs::{self, Reading};
use crate::error::Error;
use crate::manifest::collection::Placed;
use crate::manifest::object::Identity;
use crate::shown;

/// The CRDs in files and folders, each once, but for those that are among the objects.
pub(in crate::cli) fn read(paths: &[PathBuf], objects: &[Placed]) -> Result<Vec<Placed>, Error> {
    let mut crds: Vec<Placed> = Vec::new();
    let mut known: BTreeMap<Identity, usize> = BTreeMap::new();
    for path in paths {
        for crd in in_path(path)? {
            match known.get(&crd.identity) {
                None => {
                    known.insert(crd.identity.clone(), crds.len());
                    crds.push(crd);
                }
                Some(first) if crds[*first].value == crd.value => {}
                Some(first) => {
                    let at = |crd: &Placed| format!("{}, line {}", crd.file, crd.line);
                    return Err(Error::Input(format!(
                        "--crds: {} is defined twice, and the two differ: {} and {}; leave out one of them",
                        crd.identity,
                        at(&crds[*first]),
                        at(&crd)
                    )));
                }
            }
        }
    }
    let own: Vec<&Identity> = objects.iter().map(|object| &object.identity).filter(|own| is_crd(own)).collect();
    crds.retain(|crd| !own.contains(&&crd.identity));
    Ok(crds)
}

fn is_crd(identity: &Identity) -> bool {
    identity.kind == "CustomResourceDefinition" && identity.group == "apiextensions.k8s.io"
}

fn in_path(path: &Path) -> Result<Vec<Placed>, Error> {
    let shown = shown::path(path);
    if path.as_os_str() == "-" {
        return Err(Error::Usage("--crds takes a file or a folder; standard input is for objects".to_owned()));
    }
    if !path.exists() {
        return Err(Error::Input(format!("--crds {shown}: there is no such file or folder")));
    }
    let mut reading = Reading::default();
    reading.paths(&[path.to_owned()])?;
    let collection = reading.collection;
    inputs::broken(&collection).map_err(|error| Error::Input(format!("--crds {shown}: {error}")))?;
    let crds: Vec<Placed> = collection.objects.into_iter().filter(|object| is_crd(&object.identity)).collect();
    if !crds.is_empty() {
        return Ok(crds);
    }
    let what = if has_json_schema(path) {
        "these are JSON Schemas, as catalogs for other tools have them, and CRDs are asked for: \
         `kubectl get crd NAME -o yaml`, or the manifests that install the operator"
    } else {
        "there is no CustomResourceDefinition in it"
    };
    Err(Error::Input(format!("--crds {shown}: {what}")))
}

/// Whether a file, or the first JSON file in a folder, is a JSON Schema.
fn has_json_schema(path: &Path) -> bool {
    let files = walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_map(Result::ok);
    let mut files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
    let read = files.next().and_then(|file| fs::read(file.path()).ok());
    let value: Option<Value> = read.and_then(|text| serde_json::from_slice(&text).ok());
    value.is_some_and(|value| {
        value.get("apiVersion").is_none() && (value.get("$schema").is_some() || value.get("properties").is_some())
    })
}
