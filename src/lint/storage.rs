//! What a pod may mount (F07, F08).

use crate::value::Value;

use super::set::{Object, Set};
use super::value::{entries, items};
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check::of("host-path-volume", host_path_volume),
    Check::of("volume-type", volume_type),
    Check::of("persistent-volume-type", persistent_volume_type),
    Check::of("volume-claim-dynamic", volume_claim_dynamic),
    Check::of("volume-claim-unbound", volume_claim_unbound),
];

/// The driver that Fargate has built in.
const EFS: &str = "efs.csi.aws.com";

/// Volumes that need something on the node which Fargate does not have.
const UNSUPPORTED: [&str; 24] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
    "hostPath",
];

/// Storage classes that EKS and the EBS driver's documentation give to EBS volumes.
const EBS_CLASSES: [&str; 7] = ["gp2", "gp3", "io1", "io2", "st1", "sc1", "ebs-sc"];

fn volume_types<'s>(set: &'s Set<'_>, found: &mut Found, wanted: impl Fn(&str) -> bool + 's, what: &str) {
    for pod in set.pods() {
        for (i, volume) in items(&pod.spec["volumes"]).enumerate() {
            let kind = entries(volume).map(|(key, _)| key).find(|key| UNSUPPORTED.contains(key) && wanted(key));
            if let Some(kind) = kind {
                let name = volume["name"].as_str().unwrap_or_default();
                let detail = match kind {
                    "hostPath" => volume[kind]["path"].as_str().unwrap_or_default(),
                    "csi" => volume[kind]["driver"].as_str().unwrap_or_default(),
                    _ => "",
                };
                let text = format!("volume `{name}` {what} {kind} {detail}");
                found.at(pod.object, pod.spec_field(&format!("/volumes/{i}/{kind}")), text.trim_end());
            }
        }
    }
}

fn host_path_volume(set: &Set<'_>, found: &mut Found) {
    volume_types(set, found, |kind| kind == "hostPath", "mounts a folder of the host:");
}

fn volume_type(set: &Set<'_>, found: &mut Found) {
    volume_types(set, found, |kind| kind != "hostPath", "is of a type that Fargate does not mount:");
}

/// What a `PersistentVolume` is made of, where that is not EFS: in words, with the field.
fn not_efs(volume: &Object<'_>) -> Option<(String, String)> {
    let spec = &volume.value["spec"];
    match spec["csi"]["driver"].as_str() {
        Some(EFS) => None,
        Some(driver) => Some(("/spec/csi/driver".to_owned(), driver.to_owned())),
        None => {
            let kind = entries(spec).map(|(key, _)| key).find(|key| UNSUPPORTED.contains(key))?;
            Some((format!("/spec/{kind}"), kind.to_owned()))
        }
    }
}

fn persistent_volume_type(set: &Set<'_>, found: &mut Found) {
    for volume in set.all("", "PersistentVolume") {
        if let Some((field, kind)) = not_efs(volume) {
            found.at(volume, field, format!("the volume is not on EFS: {kind}"));
        }
    }
}

/// A claim for a volume: a `PersistentVolumeClaim`, or a template of one in a `StatefulSet`.
struct Claim<'s> {
    object: &'s Object<'s>,
    field: String,
    spec: &'s Value,
}

fn claims<'s>(set: &Set<'s>) -> Vec<Claim<'s>> {
    let whole = set.all("", "PersistentVolumeClaim").map(|o| Claim {
        object: o,
        field: "/spec".to_owned(),
        spec: &o.value["spec"],
    });
    let mut claims: Vec<_> = whole.collect();
    for object in set.all("apps", "StatefulSet") {
        let templates = items(&object.value["spec"]["volumeClaimTemplates"]).enumerate();
        claims.extend(templates.map(|(i, template)| Claim {
            object,
            field: format!("/spec/volumeClaimTemplates/{i}/spec"),
            spec: &template["spec"],
        }));
    }
    claims
}

/// How a claim gets its volume, as far as the set tells.
enum Source {
    /// From a volume that is there already, or elsewhere in a way that cannot be seen.
    Fine,
    /// A provisioner makes it.
    Dynamic(String),
    /// Nothing says.
    Unknown,
}

impl Claim<'_> {
    fn source(&self, set: &Set<'_>) -> Source {
        let class = self.spec["storageClassName"].as_str();
        let named = self.spec["volumeName"].as_str().is_some_and(|name| !name.is_empty());
        let waits = set.all("", "PersistentVolume").any(|volume| {
            not_efs(volume).is_none()
                && volume.value["spec"]["storageClassName"].as_str().unwrap_or_default() == class.unwrap_or_default()
        });
        // An empty class is how a claim says that it waits for a volume made by hand.
        if named || waits || class == Some("") {
            return Source::Fine;
        }
        let Some(class) = class else { return Source::Unknown };
        let known = set.all("storage.k8s.io", "StorageClass").filter(|o| o.name() == class).last();
        match known.and_then(|c| Some((c, c.value["provisioner"].as_str()?))) {
            Some((_, "kubernetes.io/no-provisioner")) => Source::Fine,
            Some((class, EFS)) if class.value["parameters"]["provisioningMode"].is_null() => Source::Fine,
            Some((_, provisioner)) => Source::Dynamic(provisioner.to_owned()),
            None if EBS_CLASSES.contains(&class) => Source::Dynamic("EBS".to_owned()),
            None if class.contains("efs") => Source::Fine,
            None => Source::Unknown,
        }
    }
}

fn volume_claim_dynamic(set: &Set<'_>, found: &mut Found) {
    for claim in claims(set) {
        if let Source::Dynamic(by) = claim.source(set) {
            let class = claim.spec["storageClassName"].as_str().unwrap_or_default();
            let what = format!("the claim's storage class `{class}` has its volume made on demand, by {by}");
            found.at(claim.object, format!("{}/storageClassName", claim.field), what);
        }
    }
}

fn volume_claim_unbound(set: &Set<'_>, found: &mut Found) {
    for claim in claims(set) {
        if matches!(claim.source(set), Source::Unknown) {
            let what = match claim.spec["storageClassName"].as_str() {
                Some(class) => {
                    format!("nothing here says that storage class `{class}` is EFS with volumes made by hand")
                }
                None => "the claim names neither a volume nor a storage class".to_owned(),
            };
            found.at(claim.object, claim.field, what);
        }
    }
}
