//! What stands around the pods of a render and is paid for as well: the load balancer controller, `CoreDNS` and metrics-server on
//! Fargate, the control plane, the load balancers, NAT.

use std::collections::BTreeSet;

use crate::value::Value;

use crate::fargate::cost::{Dollars, Tariff};
use crate::manifest::object::Identity;

/// What stands around the pods.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The region that a cluster's description names.
    pub region: Option<String>,
    /// Pods that the cluster brings.
    pub pods: Vec<ClusterPod>,
    /// Whether there is a cluster to be paid for.
    pub cluster: bool,
    /// How many Application Load Balancers the Ingresses become.
    pub load_balancers: i128,
    /// How many of them are reachable from the internet.
    pub public_load_balancers: i128,
    /// How many NAT gateways the cluster's VPC gets.
    pub nat_gateways: i128,
}

/// Pods that no manifest of a render has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterPod {
    /// What people call it.
    pub name: &'static str,
    /// How many run.
    pub count: i128,
    /// vCPU of each, in thousandths.
    pub milli: i128,
    /// Memory of each, in MiB.
    pub mib: i128,
    /// Where number and size come from.
    pub because: &'static str,
}

/// Something that is paid for by the hour and is no pod.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub(super) name: &'static str,
    pub(super) what: String,
    pub(super) count: i128,
    /// What one costs in an hour; `None` where the price list does not say.
    pub(super) each: Option<Dollars>,
    pub(super) because: &'static str,
}

/// How many zones eksctl spreads a VPC of its own over where nothing else is said.
/// Source: <https://github.com/eksctl-io/eksctl/blob/v0.230.0/pkg/az/az.go> (three; two in us-east-1)
fn zones_of_eksctl(region: &str) -> i128 {
    if region == "us-east-1" { 2 } else { 3 }
}

/// An Application Load Balancer has an address in each of its zones, of which there are two at least.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-subnets.html>
const ADDRESSES: i128 = 2;

impl Surroundings {
    /// What these objects bring: Ingresses that become load balancers, and eksctl's `ClusterConfig`.
    pub fn of<'v>(objects: impl Iterator<Item = &'v Value>) -> Surroundings {
        let mut around = Surroundings::default();
        let mut groups = BTreeSet::new();
        for object in objects {
            match (object["kind"].as_str(), object["apiVersion"].as_str()) {
                (Some("Ingress"), _) if is_alb(object) => {
                    let annotation = |name: &str| {
                        object["metadata"]["annotations"][format!("alb.ingress.kubernetes.io/{name}")].as_str()
                    };
                    let name = ["namespace", "name"].map(|key| object["metadata"][key].as_str().unwrap_or_default());
                    if groups.insert(annotation("group.name").map_or_else(|| name.join("/"), str::to_owned)) {
                        around.load_balancers += 1;
                        around.public_load_balancers += i128::from(annotation("scheme") == Some("internet-facing"));
                    }
                }
                (Some("ClusterConfig"), Some(api)) if api.starts_with("eksctl.io/") => around.read_cluster(object),
                _ => {}
            }
        }
        around
    }

    /// Whether an object has a say in what stands around the pods.
    pub fn reads(object: &Identity) -> bool {
        matches!(object.kind.as_str(), "Ingress" | "ClusterConfig")
    }

    fn read_cluster(&mut self, config: &Value) {
        let region = config["metadata"]["region"].as_str().unwrap_or_default();
        self.region = Some(region.to_owned());
        let has = |pointer: &str, name: &str| {
            let list = config.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
            list.into_iter().any(|item| item["name"] == name || item["metadata"]["name"] == name)
        };
        let controller = has("/iam/serviceAccounts", "aws-load-balancer-controller");
        let profiles = config["fargateProfiles"].as_array().into_iter().flatten();
        let mut selectors = profiles.filter_map(|profile| profile["selectors"].as_array()).flatten();
        let cert_manager = selectors.any(|selector| selector["namespace"] == "cert-manager");
        self.add_cluster(controller.then_some(2), cert_manager.then_some(4));
        if config["vpc"]["id"].is_null() {
            self.nat_gateways = match config["vpc"]["nat"]["gateway"].as_str() {
                Some("Disable") => 0,
                Some("HighlyAvailable") => zones_of_eksctl(region),
                _ => 1,
            };
        }
    }

    /// The same with what the facts of a render say: a cluster that was named is there without a `ClusterConfig` too, and the
    /// number of the controller's pods is known.
    #[must_use]
    pub fn with_facts(mut self, facts: &Value) -> Surroundings {
        if facts["cluster_name"].is_string() && facts["region"].is_string() {
            self.region = facts["region"].as_str().map(str::to_owned);
            if facts["vpc_id"].is_null() && !self.cluster {
                let zones = facts["zones"].as_str().and_then(|zones| zones.parse().ok()).unwrap_or(1);
                self.nat_gateways = zones;
            }
            let ha = facts["ha"] == true;
            let cert_manager = facts["internal_tls"] == true;
            self.add_cluster(Some(if ha { 2 } else { 1 }), cert_manager.then_some(if ha { 4 } else { 3 }));
        }
        self
    }

    fn add_cluster(&mut self, controllers: Option<i128>, cert_manager: Option<i128>) {
        self.cluster = true;
        let mut pods = vec![
            ClusterPod {
                name: "CoreDNS",
                count: 2,
                milli: 250,
                mib: 512,
                because: "EKS's add-on runs two, each asking for 100m and 70Mi: \
                          https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html",
            },
            ClusterPod {
                name: "metrics-server",
                count: 2,
                milli: 250,
                mib: 512,
                because: "EKS's add-on runs two, each asking for 100m and 200Mi: \
                          https://docs.aws.amazon.com/eks/latest/userguide/metrics-server.html",
            },
        ];
        if let Some(count) = controllers {
            pods.push(ClusterPod {
                name: "aws-load-balancer-controller",
                count,
                milli: 250,
                mib: 512,
                because: "replicaCount and requests of alb-controller/values.yaml",
            });
        }
        if let Some(count) = cert_manager {
            pods.push(ClusterPod {
                name: "cert-manager",
                count,
                milli: 250,
                mib: 512,
                because: "replicaCount and requests of internal-tls/values.yaml: controller, cainjector and webhooks",
            });
        }
        self.pods = pods;
    }

    /// What is paid for by the hour and is no pod.
    pub(super) fn fixed(&self, extended: bool, tariff: &Tariff) -> Vec<Fixed> {
        let mut fixed = Vec::new();
        if self.cluster {
            fixed.push(Fixed {
                name: "control plane",
                what: if extended { "1, in extended support" } else { "1, in standard support" }.to_owned(),
                count: 1,
                each: if extended { tariff.extended_cluster } else { tariff.cluster },
                because: "https://aws.amazon.com/eks/pricing/",
            });
        }
        if self.load_balancers > 0 {
            fixed.push(Fixed {
                name: "ALB",
                what: format!("{}, without its LCUs", self.load_balancers),
                count: self.load_balancers,
                each: tariff.alb,
                because: "https://aws.amazon.com/elasticloadbalancing/pricing/",
            });
        }
        let nat = self.nat_gateways;
        let addresses = self.public_load_balancers * ADDRESSES + nat;
        if nat > 0 {
            fixed.push(Fixed {
                name: "NAT",
                what: format!("{nat}, without what goes through"),
                count: nat,
                each: tariff.nat,
                because: "https://aws.amazon.com/vpc/pricing/",
            });
        }
        if addresses > 0 {
            fixed.push(Fixed {
                name: "public IPv4",
                what: format!(
                    "{addresses} or more: two for each ALB that faces the internet, one for each NAT gateway"
                ),
                count: addresses,
                each: tariff.ipv4,
                because: "Two for each ALB that faces the internet, one for each NAT gateway: https://aws.amazon.com/vpc/pricing/",
            });
        }
        fixed
    }
}

/// Whether the load balancer controller makes an ALB from an Ingress.
fn is_alb(ingress: &Value) -> bool {
    let class = &ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"];
    ingress["spec"]["ingressClassName"] == "alb" || *class == "alb"
}
