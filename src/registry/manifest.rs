//! Manifests: an index of images by platform, and the image for Fargate.

use crate::value::Value;

use crate::digest::Sha256Hex;

/// What is asked for: indexes and images, of OCI and of Docker.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                                 application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// What a registry has behind a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The digest that the reference stands for: that of the index, where there is one.
    pub digest: Sha256Hex,
    /// The sizes of the layers of the image for x86-64 Linux, compressed, in bytes.
    pub layers: Vec<u64>,
    /// The day on which the registry said so, as its answer tells.
    pub date: Option<String>,
}

impl Found {
    /// What is pulled, in bytes.
    pub fn size(&self) -> u64 {
        self.layers.iter().sum()
    }
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    /// An index, with the digest of its image for x86-64 Linux, or else the platforms that it has.
    Index(Result<Sha256Hex, Vec<String>>),
    /// An image.
    Image {
        /// The digest of its configuration, which names its platform.
        config: Sha256Hex,
        /// The sizes of its layers.
        layers: Vec<u64>,
    },
}

impl Manifest {
    /// Reads a manifest.
    pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("its manifest is not JSON: {e}"))?;
        if value["schemaVersion"] != 2 {
            return Err(
                "its manifest is not of schema version 2, which is the only one that containerd reads".to_owned()
            );
        }
        if let Some(manifests) = value["manifests"].as_array() {
            return Ok(Manifest::Index(choose(manifests)?));
        }
        let Some(layers) = value["layers"].as_array() else {
            return Err("its manifest is neither an index nor an image".to_owned());
        };
        let sizes: Option<Vec<u64>> = layers.iter().map(|layer| layer["size"].as_u64()).collect();
        let layers = sizes.ok_or("its manifest has a layer without a size")?;
        Ok(Manifest::Image { config: digest(&value["config"])?, layers })
    }
}

fn choose(manifests: &[Value]) -> Result<Result<Sha256Hex, Vec<String>>, String> {
    let mut others = Vec::new();
    for manifest in manifests {
        let platform = &manifest["platform"];
        let shown = platform_of(platform);
        if shown == FARGATE {
            return digest(manifest).map(Ok);
        }
        // Attestations are of no platform.
        if shown != "unknown/unknown" {
            others.push(shown);
        }
    }
    Ok(Err(others))
}

/// The platform of Fargate's machines (F09).
pub(super) const FARGATE: &str = "linux/amd64";

/// `linux/amd64` of an image's configuration or an index' entry.
pub(super) fn platform_of(value: &Value) -> String {
    let text = |key: &str| value[key].as_str().unwrap_or("unknown").chars().take(40).collect::<String>();
    format!("{}/{}", text("os"), text("architecture"))
}

fn digest(descriptor: &Value) -> Result<Sha256Hex, String> {
    let text = descriptor["digest"].as_str().and_then(|text| text.strip_prefix("sha256:"));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| "its manifest names a digest that is none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5";

    #[test]
    fn an_index_tells_its_image_for_fargate_or_what_it_has_instead() {
        let index = |arch: &str| {
            format!(
                r#"{{"schemaVersion": 2, "manifests": [{{"digest": "{DIGEST}", "platform": {{"os": "linux", "architecture": "{arch}"}}}},
                {{"digest": "{DIGEST}", "platform": {{"os": "unknown", "architecture": "unknown"}}}}]}}"#
            )
        };
        let amd64 = Manifest::parse(index("amd64").as_bytes()).unwrap();
        assert_eq!(amd64, Manifest::Index(Ok(DIGEST[7..].parse().unwrap())));
        let arm64 = Manifest::parse(index("arm64").as_bytes()).unwrap();
        assert_eq!(arm64, Manifest::Index(Err(vec!["linux/arm64".to_owned()])));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for (text, complaint) in [
            ("<html>", "not JSON"),
            (r#"{"schemaVersion": 1}"#, "schema version 2"),
            (r#"{"schemaVersion": 2}"#, "neither an index nor an image"),
            (r#"{"schemaVersion": 2, "layers": [{}], "config": {}}"#, "without a size"),
            (r#"{"schemaVersion": 2, "layers": [], "config": {"digest": "md5:1"}}"#, "a digest that is none"),
        ] {
            let error = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
