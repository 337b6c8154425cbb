//! Whether `sizes` of `knrender.yaml` names what the render has.

use std::collections::BTreeMap;

use super::RenderError;
use crate::fargate::pod::Pod;
use crate::fargate::sizing::{Sizing, Wanted};
use crate::manifest::document::Document;

/// Whether each component that `sizes` names is in the render, with an HPA where its number is bounded.
pub(super) fn hold(sizes: &BTreeMap<String, Wanted>, documents: &[Document]) -> Result<(), RenderError> {
    for (name, wanted) in sizes {
        let is_it = |document: &&Document| Sizing::is_name_of(name, &document.identity().name);
        let workloads = || documents.iter().filter(|d| Pod::is_in(d.head().group(), &d.head().kind));
        if !workloads().any(|document| is_it(&document)) {
            let mut names: Vec<_> = workloads().map(|document| document.identity().name).collect();
            names.sort_unstable();
            return Err(RenderError::NoSuchSize { name: name.to_owned(), known: names.join(", ") });
        }
        if wanted.min.is_some() || wanted.max.is_some() {
            let mut scaled = documents.iter().filter(|d| d.head().kind == "HorizontalPodAutoscaler");
            let mut found = false;
            for hpa in &mut scaled {
                let target = hpa.value()?["spec"]["scaleTargetRef"]["name"].as_str().unwrap_or_default();
                found |= Sizing::is_name_of(name, target);
            }
            if !found {
                return Err(RenderError::NoScaler { name: name.to_owned() });
            }
        }
    }
    Ok(())
}
