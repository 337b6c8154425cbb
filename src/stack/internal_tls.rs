//! `--internal-tls`: what it can be had with, and what it brings along.

use semver::Version;

use super::{Ingress, StackError};
use crate::config::Ask;
use crate::upstream::catalog::Catalog;

/// The component that makes the certificates.
pub(super) const CERT_MANAGER: &str = "cert-manager";

/// From here on, what asks cert-manager for Knative's certificates is part of Knative's own controller; before, it was
/// net-certmanager, a component by itself.
/// Source: <https://github.com/knative/serving/pull/15066>
const PART_OF_THE_CONTROLLER: Version = Version::new(1, 15, 0);

/// The cert-manager that goes with it.
///
/// # Errors
/// What it cannot be had with, in words.
pub(super) fn resolve(
    ask: &Ask,
    knative: Option<&Version>,
    ingress: Ingress,
    catalog: &Catalog,
) -> Result<Option<Version>, StackError> {
    if ask.internal_tls != Some(true) {
        return Ok(None);
    }
    if let Some(knative) = knative.filter(|knative| **knative < PART_OF_THE_CONTROLLER) {
        return Err(StackError(format!(
            "--internal-tls needs Knative 1.15 or newer, and this is {knative}: before, certificates came by net-certmanager, a \
             component by itself that knrender does not render. Take a newer --knative, or leave --internal-tls out \
             (https://github.com/knative/serving/pull/15066)"
        )));
    }
    if ingress == Ingress::Gloo {
        return Err(StackError(
            "--internal-tls works with Kourier alone: Knative sends requests to the TLS ports of its own parts then, and Gloo \
             speaks plain HTTP to them, so that none is answered. Leave out --gloo or --internal-tls \
             (https://knative.dev/docs/serving/encryption/system-internal-tls/)"
                .to_owned(),
        ));
    }
    let newest = catalog.component(CERT_MANAGER)?.newest().cloned();
    Ok(Some(newest.ok_or_else(|| format!("the catalog lists no {CERT_MANAGER}"))?))
}

/// What is still to be said of it.
pub(super) fn notice(ask: &Ask) -> Option<String> {
    (ask.internal_tls == Some(true)).then(|| {
        "--internal-tls is experimental in Knative (https://knative.dev/docs/serving/encryption/system-internal-tls/), and this way \
         of installing it was read from sources and never tried on a cluster. Knative's controller ends itself where cert-manager \
         is not there first."
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{resolve, some};
    use crate::config::Ask;

    fn asked() -> Ask {
        Ask { internal_tls: Some(true), ..Ask::default() }
    }

    #[test]
    fn it_brings_the_newest_cert_manager_with_the_kubernetes_that_it_supports() {
        let stack = resolve(asked()).unwrap();
        assert_eq!(stack.cert_manager.unwrap().to_string(), "1.21.1");
        let range = &stack.supported.iter().find(|s| s.component == "cert-manager").unwrap().range;
        assert!(range.holds(stack.kubernetes), "{range} {}", stack.kubernetes);
        assert!(resolve(Ask::default()).unwrap().supported.iter().all(|s| s.component != "cert-manager"));
    }

    #[test]
    fn a_knative_whose_controller_has_no_cert_manager_in_it_is_refused() {
        let old = Ask { knative: some("1.14.0"), kourier: some("1.14.0"), ..asked() };
        let error = resolve(old.clone()).unwrap_err();
        assert!(error.contains("needs Knative 1.15 or newer, and this is 1.14.0"), "{error}");
        assert!(resolve(Ask { knative: some("1.15.0"), kourier: some("1.15.0"), ..old }).is_ok());
    }

    #[test]
    fn gloo_which_speaks_no_tls_to_knatives_parts_is_refused() {
        let error = resolve(Ask { gloo: some("v1.8.0"), ..asked() }).unwrap_err();
        assert!(error.contains("works with Kourier alone"), "{error}");
    }
}
