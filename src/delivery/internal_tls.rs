//! `internal-tls/`: cert-manager as Fargate takes it, and the issuer that Knative asks for the certificates of its own parts.

use super::{Delivery, Files, add, apply};
use crate::report::Step;

/// The files of the folder.
const FILES: [&str; 3] = ["values.yaml", "issuers.yaml", "install.sh"];

/// The files, where `--internal-tls` asks for them.
///
/// # Errors
/// In words, which template in the binary is at fault.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let mut files = Files::new();
    let Some(version) = &delivery.stack.cert_manager else { return Ok(files) };
    let mut context = delivery.context();
    context["cert_manager"] = version.to_string().into();
    context["which_cluster"] = apply::which_cluster(&context).into();
    for file in FILES {
        add(&mut files, &format!("internal-tls/{file}"), &format!("internal-tls/{file}"), &context)?;
    }
    Ok(files)
}

/// What the summary says about it: before Knative, whose controller ends itself without cert-manager.
pub fn step(delivery: &Delivery<'_>) -> Option<Step> {
    delivery.stack.cert_manager.as_ref()?;
    Some(Step {
        what: "Install cert-manager and the issuer for Knative's own certificates; this waits until the issuer is ready. Knative's \
               controller does not start without."
            .to_owned(),
        commands: vec!["sh OUT/internal-tls/install.sh".to_owned()],
    })
}
