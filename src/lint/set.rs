//! The objects of all inputs as one set, and what several checks ask of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::value::Value;

use super::value::{entries, items, number};
use super::{labels, node};
use crate::fargate::pod::Pod;
use crate::fargate::profile::Profiles;
use crate::findings::Place;
use crate::manifest::collection::Placed;
use crate::manifest::object::Identity;

/// One object of the set.
#[derive(Clone, Copy, Debug)]
pub struct Object<'d> {
    placed: &'d Placed,
    /// All of it.
    pub value: &'d Value,
}

impl<'d> Object<'d> {
    /// Which object.
    pub fn identity(&self) -> &'d Identity {
        &self.placed.identity
    }

    /// The kind.
    pub fn kind(&self) -> &'d str {
        &self.placed.identity.kind
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &'d str {
        &self.placed.identity.group
    }

    /// The namespace, which is `default` where the manifest leaves it out.
    pub fn namespace(&self) -> &'d str {
        self.placed.identity.namespace.as_deref().unwrap_or("default")
    }

    /// The name.
    pub fn name(&self) -> &'d str {
        &self.placed.identity.name
    }

    /// The object as it was read.
    pub(super) fn placed(&self) -> &'d Placed {
        self.placed
    }

    /// The file it stands in.
    pub fn file(&self) -> &'d str {
        &self.placed.file
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&'d str> {
        self.value["metadata"]["annotations"][key].as_str()
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&'d str> {
        self.value["metadata"]["labels"][key].as_str()
    }

    /// Whether it is of this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    pub(super) fn place(&self, field: &str) -> Place {
        Place::of(self.placed, field)
    }
}

/// A pod template, wherever it sits.
#[derive(Debug)]
pub struct Template<'s> {
    /// The object it is part of.
    pub object: &'s Object<'s>,
    /// The same, as sizes are reckoned from it.
    pub pod: Pod<'s>,
    /// JSON pointer to what holds its `metadata` and `spec`.
    pub at: &'static str,
    /// The pod's metadata, or null.
    pub metadata: &'s Value,
    /// The pod's spec.
    pub spec: &'s Value,
    /// Its containers: init, ordinary and ephemeral ones.
    pub containers: Vec<Container<'s>>,
}

/// A container of a pod template.
#[derive(Debug)]
pub struct Container<'s> {
    /// JSON pointer to it.
    pub at: String,
    /// Its name.
    pub name: &'s str,
    /// All of it.
    pub value: &'s Value,
}

impl Container<'_> {
    /// A JSON pointer below it.
    pub fn field(&self, below: &str) -> String {
        format!("{}{below}", self.at)
    }
}

impl<'s> Template<'s> {
    /// A JSON pointer below its spec.
    pub fn spec_field(&self, below: &str) -> String {
        format!("{}/spec{below}", self.at)
    }

    /// The labels of its pods, or null.
    pub fn labels(&self) -> &'s Value {
        &self.metadata["labels"]
    }

    /// Whether its pods ask for an EC2 node, so that Fargate never sees them.
    fn is_pinned_to_ec2(&self) -> bool {
        self.metadata["annotations"][COMPUTE_TYPE] == "ec2"
            || self.object.kind() == "DaemonSet" && node::shuns_fargate(self.spec)
    }
}

/// The label that tells Fargate nodes from others, and the annotation that chooses between them.
pub const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// Group of Knative's own kinds.
pub const KNATIVE: &str = "serving.knative.dev";

fn template<'s>(object: &'s Object<'s>) -> Option<Template<'s>> {
    let pod = Pod::of(object.value)?;
    let mut containers = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (i, value) in items(&pod.spec[list]).enumerate().filter(|(_, value)| value.is_object()) {
            let nameless = if object.group() == KNATIVE { "user-container" } else { "" }; // as Knative names it
            let name = value["name"].as_str().unwrap_or(nameless);
            containers.push(Container { at: format!("{}/{list}/{i}", pod.path), name, value });
        }
    }
    let at = pod.path.strip_suffix("/spec").unwrap_or_default();
    Some(Template { object, pod, at, metadata: pod.metadata, spec: pod.spec, containers })
}

/// Everything that is checked, as one.
pub struct Set<'s> {
    objects: &'s [Object<'s>],
    kinds: BTreeMap<&'s str, Vec<&'s Object<'s>>>,
    /// Group, kind, namespace, name.
    named: BTreeMap<[&'s str; 4], &'s Object<'s>>,
    templates: Vec<Template<'s>>,
    /// Templates by namespace.
    of_namespace: BTreeMap<&'s str, Vec<usize>>,
    /// Templates by namespace, and key and value of a label.
    labelled: BTreeMap<[&'s str; 3], Vec<usize>>,
    /// What the autoscaler of a workload (namespace, kind, name) keeps at least.
    scaled: BTreeMap<[&'s str; 3], i64>,
    /// The cluster's Fargate profiles, where the input tells them.
    pub profiles: Option<Profiles>,
    region: Option<&'s str>,
    /// The registries that images may come from; any where it is empty.
    pub registries: Vec<String>,
    /// The repositories in ECR that Knative's controller may read, where the configuration limits them.
    pub readable: Vec<String>,
}

/// The objects of what was read.
pub fn objects(placed: &[Placed]) -> Vec<Object<'_>> {
    placed.iter().map(|placed| Object { placed, value: &placed.value }).collect()
}

impl<'s> Set<'s> {
    /// The set of these objects, with the profiles that are known apart from them.
    pub fn new(objects: &'s [Object<'s>], profiles: Option<Profiles>) -> Set<'s> {
        let mut set = Set {
            objects,
            kinds: BTreeMap::new(),
            named: BTreeMap::new(),
            templates: objects.iter().filter_map(template).collect(),
            of_namespace: BTreeMap::new(),
            labelled: BTreeMap::new(),
            scaled: BTreeMap::new(),
            profiles: None,
            region: None,
            registries: Vec::new(),
            readable: Vec::new(),
        };
        for object in objects {
            set.kinds.entry(object.kind()).or_default().push(object);
            set.named.insert([object.group(), object.kind(), object.namespace(), object.name()], object);
        }
        for (i, pod) in set.templates.iter().enumerate() {
            set.of_namespace.entry(pod.object.namespace()).or_default().push(i);
            for (key, value) in entries(pod.labels()) {
                let label = [pod.object.namespace(), key, value.as_str().unwrap_or_default()];
                set.labelled.entry(label).or_default().push(i);
            }
        }
        set.scaled = set
            .all("autoscaling", "HorizontalPodAutoscaler")
            .filter_map(|hpa| {
                let target = &hpa.value["spec"]["scaleTargetRef"];
                let least = number(&hpa.value["spec"]["minReplicas"]).unwrap_or(1);
                Some(([hpa.namespace(), target["kind"].as_str()?, target["name"].as_str()?], least))
            })
            .collect();
        let clusters = set.all("eksctl.io", "ClusterConfig").map(|cluster| cluster.value);
        set.profiles = Profiles::with_clusters(profiles, clusters);
        set
    }

    /// The same, told which region it is for.
    #[must_use]
    pub fn in_region(self, region: Option<&'s str>) -> Set<'s> {
        Set { region, ..self }
    }

    /// The region that it is for, where that was told.
    pub fn region(&self) -> Option<&'s str> {
        self.region
    }

    /// Every object.
    pub fn objects(&self) -> impl Iterator<Item = &'s Object<'s>> {
        self.objects.iter()
    }

    /// The objects of a kind.
    pub fn all(&self, group: &'s str, kind: &str) -> impl Iterator<Item = &'s Object<'s>> {
        self.kinds.get(kind).into_iter().flatten().copied().filter(move |o| o.group() == group)
    }

    /// One object; the last where there are several.
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'s Object<'s>> {
        self.named.get(&[group, kind, namespace, name]).copied()
    }

    /// The pod templates of a namespace that a label selector selects, each with its number.
    pub(super) fn selected<'a>(&'a self, namespace: &str, selector: &Value) -> Vec<(usize, &'a Template<'s>)> {
        let mut rarest = self.of_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        for (key, value) in entries(&selector["matchLabels"]) {
            let found = self.labelled(namespace, key, value);
            if found.len() < rarest.len() {
                rarest = found;
            }
        }
        let mut candidates = Cow::Borrowed(rarest);
        for expression in items(&selector["matchExpressions"]).filter(|one| one["operator"] == "In") {
            let key = expression["key"].as_str().unwrap_or_default();
            let values = items(&expression["values"]);
            let found = values.map(|value| self.labelled(namespace, key, value)).collect::<Vec<_>>();
            if found.iter().map(|found| found.len()).sum::<usize>() < candidates.len() {
                let mut found = found.concat();
                found.sort_unstable();
                found.dedup();
                candidates = Cow::Owned(found);
            }
        }
        let candidates = candidates.iter().map(|i| (*i, &self.templates[*i]));
        candidates.filter(|(_, pod)| labels::selects(selector, pod.labels())).collect()
    }

    /// The numbers of the pod templates of a namespace that have a label with this value.
    fn labelled<'a>(&'a self, namespace: &'a str, key: &'a str, value: &'a Value) -> &'a [usize] {
        self.labelled.get(&[namespace, key, value.as_str().unwrap_or_default()]).map_or(&[][..], Vec::as_slice)
    }

    /// Pod templates whose pods run on Fargate.
    pub fn pods(&self) -> impl Iterator<Item = &Template<'s>> {
        self.templates.iter().filter(|template| !template.is_pinned_to_ec2())
    }

    /// All pod templates, those that ask for EC2 nodes included.
    pub fn templates(&self) -> impl Iterator<Item = &Template<'s>> {
        self.templates.iter()
    }

    /// The containers of all pods on Fargate, each with its template.
    pub fn containers(&self) -> impl Iterator<Item = (&Template<'s>, &Container<'s>)> {
        self.pods().flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)))
    }

    /// How many pods a workload has at its smallest: what its autoscaler says, else `replicas`, else one. `None` for what
    /// has no replicas.
    pub fn replicas(&self, workload: &Object<'_>) -> Option<i64> {
        let kind = workload.kind();
        if !matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController") {
            return None;
        }
        let scaled = self.scaled.get(&[workload.namespace(), kind, workload.name()]);
        Some(scaled.copied().or_else(|| number(&workload.value["spec"]["replicas"])).unwrap_or(1))
    }

    /// A `ConfigMap` of Knative Serving.
    pub fn config(&self, name: &str) -> Option<Config<'s>> {
        let is_knatives = |o: &&Object<'_>| o.identity().namespace.as_deref().is_none_or(|n| n == "knative-serving");
        let object = self.all("", "ConfigMap").filter(|o| o.name() == name).filter(is_knatives).last()?;
        Some(Config { object })
    }
}

/// A `ConfigMap` of Knative Serving.
#[derive(Clone, Copy, Debug)]
pub struct Config<'s> {
    /// The object.
    pub object: &'s Object<'s>,
}

impl<'s> Config<'s> {
    /// The value of a key, and where it is. Keys have been in kebab-case since 1.0, and the names of before are still read;
    /// `keys` has the current one first.
    pub fn get(&self, keys: &[&'static str]) -> Option<(&'s str, String)> {
        keys.iter().find_map(|key| {
            let value = self.object.value["data"][*key].as_str()?;
            Some((value, format!("/data/{key}")))
        })
    }

    /// The Knative version that its labels tell, as (major, minor).
    pub fn version(&self) -> Option<(u32, u32)> {
        let text =
            ["app.kubernetes.io/version", "serving.knative.dev/release"].iter().find_map(|l| self.object.label(l))?;
        let mut parts = text.trim_start_matches('v').split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }
}
