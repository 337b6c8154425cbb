//! Sizes that a user wants for components of a stack: `sizes:` in `knrender.yaml`, and presets by load (`--scale`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::quantity::{Cpu, Memory, Quantity};
use super::size::{Size, sizes};
use crate::value::Value;
use crate::{embedded, yaml};

/// A preset by load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The smallest sizes that upstream's requests fit
    #[default]
    Small,
    /// Memory near upstream's limits
    Medium,
    /// CPU and memory of upstream's limits
    Large,
}

impl Scale {
    /// The name as `--scale` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Scale::Small => "small",
            Scale::Medium => "medium",
            Scale::Large => "large",
        }
    }
}

/// What is wanted of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The Fargate size of its pods.
    pub size: Option<Size>,
    /// What its container asks for, in place of upstream's requests.
    pub requests: Option<[Quantity; 2]>,
    /// The least that its HPA keeps.
    pub min: Option<u32>,
    /// The most that its HPA makes.
    pub max: Option<u32>,
}

/// A component's value in the file, where it is more than a size.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parts {
    size: Option<String>,
    cpu: Option<Value>,
    memory: Option<Value>,
    min: Option<u32>,
    max: Option<u32>,
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Wanted, D::Error> {
        let parts = match Value::deserialize(deserializer)? {
            Value::String(size) => Parts { size: Some(size.to_string()), ..Parts::default() },
            value @ Value::Object(_) => crate::value::from_value(value).map_err(serde::de::Error::custom)?,
            _ => return Err(serde::de::Error::custom("a component takes a size, such as 1 vCPU / 2 GB, or a mapping")),
        };
        Wanted::of(&parts).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Wanted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Wanted {
    fn of(parts: &Parts) -> Result<Wanted, String> {
        let requests = match (&parts.cpu, &parts.memory) {
            (Some(cpu), Some(memory)) => Some([quantity(cpu)?, quantity(memory)?]),
            (None, None) => None,
            _ => return Err("`cpu` and `memory` go together".to_owned()),
        };
        if requests.is_some() && parts.size.is_some() {
            return Err("a component takes `size`, or `cpu` and `memory`, not both".to_owned());
        }
        if let (Some(min), Some(max)) = (parts.min, parts.max)
            && min > max
        {
            return Err(format!("`min` {min} is above `max` {max}"));
        }
        if parts.min == Some(0) || parts.max == Some(0) {
            return Err("an HPA keeps 1 pod at least; `min` and `max` start at 1".to_owned());
        }
        let size = parts.size.as_deref().map(read).transpose()?;
        Ok(Wanted { size, requests, min: parts.min, max: parts.max })
    }
}

fn quantity(value: &Value) -> Result<Quantity, String> {
    super::size::quantity(Some(value), "a component's request").map_err(|e| e.to_string())
}

/// A size as AWS writes it: `1 vCPU / 2 GB`.
///
/// # Errors
/// Fargate has no such size; the message names those with the same CPU.
pub fn read(text: &str) -> Result<Size, String> {
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
    let asked = plain(text);
    if let Some(size) = sizes().find(|size| plain(&size.to_string()) == asked) {
        return Ok(size);
    }
    let cpu = asked.split_once("vcpu").map(|(cpu, _)| format!("{cpu}vcpu/"));
    let near: Vec<_> = sizes()
        .map(|size| size.to_string())
        .filter(|size| cpu.as_deref().is_some_and(|cpu| plain(size).starts_with(cpu)))
        .collect();
    if near.is_empty() {
        Err(format!(
            "`{text}` is no Fargate size; they have 0.25, 0.5, 1, 2, 4, 8 or 16 vCPU, written like 0.25 vCPU / 0.5 GB"
        ))
    } else {
        Err(format!("`{text}` is no Fargate size; with this CPU there are {}", near.join(", ")))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size.as_ref().map(ToString::to_string);
        let requests = self.requests.map(|[cpu, memory]| format!("{} {}", Cpu(cpu), Memory(memory)));
        let bound = |name: &str, bound: Option<u32>| bound.map(|pods| format!("{name} {pods}"));
        let parts = [size, requests, bound("min", self.min), bound("max", self.max)];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// What is wanted of each component, by the name of its workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizing(pub BTreeMap<String, Wanted>);

/// The pod behind the ALB, and what the Deployments of the gateways are called.
const GATEWAY: (&str, [&str; 2]) = ("gateway", ["3scale-kourier-gateway", "knative-external-proxy"]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[allow(dead_code)] // for those who read the file
    see: Vec<String>,
    scales: BTreeMap<String, Preset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Preset {
    good_for: String,
    sizes: BTreeMap<String, Wanted>,
}

fn preset(scale: Scale) -> Option<Preset> {
    let mut file: File = yaml::parse_own(embedded::text("data/sizes.yaml").unwrap_or_default()).ok()?;
    file.scales.remove(scale.name())
}

impl Sizing {
    /// A preset, and over it what a user wants of single components.
    pub fn of(scale: Scale, own: &BTreeMap<String, Wanted>) -> Sizing {
        let mut all = preset(scale).map(|preset| preset.sizes).unwrap_or_default();
        for (name, wanted) in own {
            let kept = all.remove(name).filter(|_| wanted.size.is_none() && wanted.requests.is_none());
            let size = wanted.size.or(kept.and_then(|kept| kept.size));
            all.insert(name.clone(), Wanted { size, ..wanted.clone() });
        }
        Sizing(all)
    }

    /// What a preset is good for.
    pub fn good_for(scale: Scale) -> String {
        preset(scale).map(|preset| preset.good_for).unwrap_or_default()
    }

    /// What is wanted of a workload.
    pub fn wanted(&self, workload: &str) -> Option<&Wanted> {
        let (alias, names) = GATEWAY;
        self.0.get(workload).or_else(|| names.contains(&workload).then(|| self.0.get(alias)).flatten())
    }

    /// Whether a name of `sizes:` is that of a workload.
    pub fn is_name_of(name: &str, workload: &str) -> bool {
        name == workload || name == GATEWAY.0 && GATEWAY.1.contains(&workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Result<Wanted, String> {
        yaml::parse_as::<Wanted>(text).map_err(|e| e.to_string())
    }

    #[test]
    fn every_size_is_read_back() {
        for size in sizes() {
            assert_eq!(read(&size.to_string()), Ok(size));
        }
        assert_eq!(read("1vcpu/2gb").unwrap().mib, 2048);
        assert!(read("1 vCPU / 1 GB").unwrap_err().contains("1 vCPU / 2 GB, 1 vCPU / 3 GB"));
        assert!(read("3 vCPU / 6 GB").unwrap_err().contains("0.25, 0.5, 1, 2"));
    }

    #[test]
    fn a_component_takes_a_size_or_requests_and_bounds() {
        assert_eq!(wanted("0.5 vCPU / 1 GB").unwrap().to_string(), "0.5 vCPU / 1 GB");
        assert_eq!(wanted("{cpu: 250m, memory: 60Mi, max: 4}").unwrap().to_string(), "250m 60Mi, max 4");
        for (text, why) in [
            ("{cpu: 1}", "go together"),
            ("{size: 1 vCPU / 2 GB, cpu: 1, memory: 1Gi}", "not both"),
            ("{min: 4, max: 2}", "above"),
            ("{min: 0}", "start at 1"),
            ("{cpu: -1, memory: 1Gi}", "below zero"),
            ("3", "takes a size"),
        ] {
            assert!(wanted(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn every_preset_has_sizes_that_exist_and_a_word_about_itself() {
        for scale in [Scale::Small, Scale::Medium, Scale::Large] {
            assert!(!Sizing::good_for(scale).is_empty());
            assert_eq!(Sizing::of(scale, &BTreeMap::new()).0.is_empty(), scale == Scale::Small);
        }
        let own = BTreeMap::from([("gateway".to_owned(), wanted("{max: 5}").unwrap())]);
        let sizing = Sizing::of(Scale::Large, &own);
        assert_eq!(sizing.wanted("3scale-kourier-gateway").unwrap().to_string(), "1 vCPU / 2 GB, max 5");
    }
}
