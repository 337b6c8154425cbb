//! Which cluster a context leads to, as far as the names in kubectl's configuration say, and whether the render is for it.

use crate::value::Value;

/// The cluster behind a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What kubectl's configuration calls it.
    pub called: String,
    /// The name in EKS, where that says it.
    pub name: Option<String>,
    /// The region, where that or the server's address says it.
    pub region: Option<String>,
}

impl Place {
    /// Of what `kubectl config view --minify -o json` prints. `aws eks update-kubeconfig` names a cluster by its ARN, eksctl
    /// `NAME.REGION.eksctl.io`; of other names nothing is concluded.
    pub fn of(config: &Value) -> Place {
        let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (called, server) = (text("/clusters/0/name"), text("/clusters/0/cluster/server"));
        let mut place = Place { called: called.to_owned(), ..Place::default() };
        let arn: Vec<&str> = called.split(':').collect();
        if let ["arn", partition, "eks", region, _, cluster] = arn.as_slice()
            && partition.starts_with("aws")
            && let Some(name) = cluster.strip_prefix("cluster/")
        {
            place.name = Some(name.to_owned());
            place.region = Some((*region).to_owned());
        } else if let Some((name, region)) = called.strip_suffix(".eksctl.io").and_then(|rest| rest.split_once('.')) {
            place.name = Some(name.to_owned());
            place.region = Some(region.to_owned());
        }
        if place.region.is_none() {
            let host = server.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
            let before = [".eks.amazonaws.com", ".eks.amazonaws.com.cn"].iter().find_map(|end| host.strip_suffix(end));
            place.region = before.and_then(|host| host.rsplit('.').next()).map(str::to_owned);
        }
        place
    }

    /// In which way it is not the cluster of a render; `None` where nothing says so.
    pub fn other_than(&self, cluster: Option<&str>, region: Option<&str>) -> Option<String> {
        let other = |ours: Option<&str>, its: Option<&String>| match (ours, its) {
            (Some(ours), Some(its)) => ours != its,
            _ => false,
        };
        if !other(cluster, self.name.as_ref()) && !other(region, self.region.as_ref()) {
            return None;
        }
        let of = |name: Option<&str>, region: Option<&str>| {
            let name = name.map_or("a cluster".to_owned(), |name| format!("cluster {name}"));
            region.map_or(name.clone(), |region| format!("{name} in {region}"))
        };
        let this = of(self.name.as_deref(), self.region.as_deref());
        Some(format!("it leads to {this}, and the render is for {}", of(cluster, region)))
    }

    /// Whether its names say which cluster it is.
    pub fn is_known(&self) -> bool {
        self.name.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn place(name: &str, server: &str) -> Place {
        Place::of(&json!({"clusters": [{"name": name, "cluster": {"server": server}}]}))
    }

    #[test]
    fn the_names_that_aws_and_eksctl_write_say_which_cluster_it_is() {
        let aws = place("arn:aws:eks:eu-west-1:123456789012:cluster/prod", "https://a.gr7.eu-west-1.eks.amazonaws.com");
        let eksctl = place("prod.eu-west-1.eksctl.io", "https://a.gr7.eu-west-1.eks.amazonaws.com");
        for its in [aws, eksctl] {
            assert_eq!((its.name.as_deref(), its.region.as_deref()), (Some("prod"), Some("eu-west-1")));
            assert_eq!(its.other_than(Some("prod"), Some("eu-west-1")), None);
            let other = its.other_than(Some("test"), Some("eu-west-1")).unwrap();
            assert_eq!(other, "it leads to cluster prod in eu-west-1, and the render is for cluster test in eu-west-1");
        }
    }

    #[test]
    fn of_a_name_that_says_nothing_only_the_region_of_its_address_is_known() {
        let its = place("mine", "https://ABC.gr7.eu-west-1.eks.amazonaws.com");
        assert!(!its.is_known());
        assert_eq!(its.other_than(Some("prod"), Some("eu-west-1")), None);
        assert!(its.other_than(Some("prod"), Some("us-east-1")).unwrap().contains("a cluster in eu-west-1"));
        assert_eq!(place("c", "https://127.0.0.1:6449").other_than(Some("prod"), Some("us-east-1")), None);
    }
}
