//! Promise: the cluster that `out/cluster/` describes runs what is beside it, and the controller gets the rights that upstream
//! asks for, in any partition of AWS.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::support::run::{GLOO, Place, own_mirror, shared, upstream};
use knrender::report::Provenance;
use knrender::value::Value;
use knrender::yaml;

const CLUSTER: [&str; 6] = ["--cluster-name", "prod", "--region", "eu-west-1", "--out", "out"];
const VPC: [&str; 4] =
    ["--vpc-id", "vpc-0123456789abcdef0", "--subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"];
const SEED: [&str; 4] = ["--gloo", "v1.3.9", "--rule-set", "seed"];

/// Flags, beside those that name the cluster.
fn variants() -> Vec<Vec<&'static str>> {
    vec![
        vec![],
        vec!["--logging", "--log-retention-days", "30"],
        vec!["--internal-tls", "--with", "autoscaler-hpa", "--account-id", "123456789012"],
        vec!["--app-namespace", "team-*", "--app-namespace", "shop:app=web,tier=on"],
        ["a", "b", "c", "d", "e", "f"].iter().flat_map(|n| ["--app-namespace", *n]).collect(),
        VPC.to_vec(),
        vec!["--gloo", "v1.8.0"],
        SEED.to_vec(),
        [&SEED[..], &["--account-id", "123456789012"]].concat(),
        [&SEED[..], &VPC].concat(),
    ]
}

fn eksctl(place: &Place) -> Value {
    yaml::parse(&place.read("out/cluster/eksctl.yaml")).unwrap()
}

#[test]
fn the_fargate_profiles_take_every_pod_of_the_render() {
    let Some(place) = Place::with_upstream() else { return };
    for flags in variants() {
        place.run(&[&CLUSTER[..], &flags].concat()).ok();
        let report = place.run(&["lint", "out", "--format", "json"]).stdout;
        for code in ["namespace-without-profile", "fargate-profiles-unknown", "fargate-profile-refused"] {
            assert!(!report.contains(code), "{flags:?}: {report}");
        }
    }
}

#[test]
fn a_profile_less_would_be_noticed() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&CLUSTER).ok();
    let less = place.read("out/cluster/eksctl.yaml").replace("  - namespace: \"kourier-system\"\n", "");
    place.write("out/cluster/eksctl.yaml", &less);
    let report = place.run(&["lint", "out"]);
    assert_eq!(report.code, 1);
    assert!(
        report.stdout.contains("no Fargate profile takes these pods of the namespace kourier-system"),
        "{}",
        report.stdout
    );
}

#[test]
fn a_namespace_that_a_rule_brings_pods_into_is_covered_as_well() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("rules/a.yaml", "- {rule: exporter, why: ours, add: exporter.yaml.j2}\n");
    place.write(
        "rules/exporter.yaml.j2",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: monitoring}\nspec: {containers: [{name: a, image: a:1.0.0}]}\n",
    );
    place.run(&[&CLUSTER[..], &["--rules", "rules"]].concat()).ok();
    assert!(place.read("out/cluster/eksctl.yaml").contains("  - namespace: \"monitoring\"\n"));
    place.run(&CLUSTER).ok();
    assert!(!place.read("out/cluster/eksctl.yaml").contains("monitoring"));
}

#[test]
fn eksctl_knows_every_key_and_misses_none() {
    let Some(place) = Place::with_upstream() else { return };
    let Some(schemas) = shared("schemas") else { return };
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(schemas.join("eksctl-v1alpha5.json")).unwrap()).unwrap();
    for flags in variants() {
        place.run(&[&CLUSTER[..], &flags].concat()).ok();
        fits(&eksctl(&place), &schema, &schema, "");
    }
}

/// Panics where `value` does not fit `schema`. Knows what eksctl's schema uses: types, enums, references, required and unknown
/// keys.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix('#').unwrap();
        return fits(value, root.pointer(name).unwrap(), root, at);
    }
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        _ => "integer",
    };
    assert!(schema["type"].as_str().is_none_or(|wanted| wanted == kind), "{at}: {value} is no {}", schema["type"]);
    assert!(schema["enum"].as_array().is_none_or(|known| known.contains(value)), "{at}: {value}");
    for key in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(key.as_str().unwrap()).is_some(), "{at} has no {key}");
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let (known, others) = (&schema["properties"][key], &schema["additionalProperties"]);
        assert!(!known.is_null() || *others != Value::Bool(false), "{at} knows no {key}");
        fits(inner, if known.is_null() { others } else { known }, root, &format!("{at}/{key}"));
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(item, &schema["items"], root, &format!("{at}/{i}"));
    }
}

#[test]
fn the_cluster_config_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    let labelled = ["--logging", "--internal-tls", "--app-namespace", "team-*", "--app-namespace", "shop:app=on"];
    for (name, flags) in [
        ("default", vec![]),
        ("existing-vpc", VPC.to_vec()),
        ("logging", labelled.to_vec()),
        ("seed", [&SEED[..], &["--account-id", "123456789012"]].concat()),
    ] {
        place.run(&[&CLUSTER[..], &flags].concat()).ok();
        insta::assert_snapshot!(format!("eksctl-{name}"), place.read("out/cluster/eksctl.yaml"));
    }
}

#[test]
fn the_page_for_terraform_and_the_aws_cli_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, flags) in [
        ("default", vec![]),
        ("logging-existing-vpc", [&["--logging", "--account-id", "123456789012"], &VPC[..]].concat()),
        ("vpc-without-subnets", VPC[..2].to_vec()),
        ("seed", SEED.to_vec()),
    ] {
        place.run(&[&CLUSTER[..], &flags].concat()).ok();
        insta::assert_snapshot!(format!("readme-{name}"), place.read("out/cluster/README.md"));
    }
}

#[test]
fn a_vpc_without_its_subnets_leaves_eksctl_out_and_says_why() {
    let Some(place) = Place::with_upstream() else { return };
    let said = place.run(&[&CLUSTER[..], &VPC[..2]].concat()).ok().stderr;
    assert!(said.contains("if it were told the private subnets of the\n    VPC: --subnets"), "{said}");
    assert!(!place.path("out/cluster/eksctl.yaml").exists());
    assert!(place.read("out/cluster/README.md").contains("There is no `eksctl.yaml` here"));
}

#[test]
fn without_name_and_region_there_is_no_cluster_to_describe() {
    let Some(place) = Place::with_upstream() else { return };
    for flags in [&["--cluster-name", "prod"][..], &["--region", "eu-west-1"], &[]] {
        place.run(&[flags, &["--out", "out"]].concat()).ok();
        assert!(!place.path("out/cluster").exists() && !place.path("out/alb-controller").exists());
    }
}

#[test]
fn more_namespaces_than_profiles_can_take_are_an_error_before_anything_is_written() {
    let Some(place) = Place::with_upstream() else { return };
    let names: Vec<String> = (0..41).map(|i| format!("n{i}")).collect();
    let flags: Vec<&str> = names.iter().flat_map(|name| ["--app-namespace", name]).collect();
    let error = place.run(&[&CLUSTER[..], &flags].concat()).fails(2);
    assert!(error.contains("44 namespaces would need 11 Fargate profiles") && error.contains("team-*"), "{error}");
    assert!(!place.path("out").exists());
}

#[test]
fn the_policy_is_upstreams_for_the_partition_of_the_region() {
    let Some(place) = Place::with_upstream() else { return };
    let path =
        "raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller/v3.5.0/docs/install/iam_policy.json";
    let published = fs::read_to_string(upstream().unwrap().join(path)).unwrap();
    assert!(published.contains("\"arn:aws:ec2:"));
    for (region, partition) in [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")] {
        let flags = ["--cluster-name", "prod", "--region", region, "--account-id", "123456789012", "--out", "out"];
        place.run(&flags).ok();
        let policy = place.read("out/alb-controller/iam-policy.json");
        assert_eq!(policy, published.replace("arn:aws:", &format!("arn:{partition}:")));
        // What IAM takes as a policy of a role, white space not counted.
        assert!(policy.chars().filter(|c| !c.is_whitespace()).count() <= 10_240);
        let account = yaml::parse(&place.read("out/alb-controller/service-account.yaml")).unwrap();
        assert_eq!(
            account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
            format!("arn:{partition}:iam::123456789012:role/prod-alb-controller")
        );
        assert!(
            place.read("out/cluster/README.md").contains(&format!("arn:{partition}:iam::aws:policy/AmazonEKSFargate"))
        );
    }
}

#[test]
fn the_policy_is_held_to_the_catalogs_digest_and_named_in_the_provenance() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&CLUSTER).ok();
    let provenance: Provenance = serde_json::from_str(&place.read("out/about/provenance.json")).unwrap();
    let source = provenance.sources.iter().find(|source| source.name.ends_with("iam_policy.json")).unwrap();
    assert_eq!((source.size, source.objects), (8955, 0));
    place.run(&["--out", "out"]).ok();
    assert!(!place.read("out/about/provenance.json").contains("iam_policy.json"));

    let place = Place::new();
    own_mirror(&place, GLOO);
    let path = "mirror/raw.githubusercontent.com/kubernetes-sigs/aws-alb-ingress-controller/v1.1.4/docs/examples/iam-policy.json";
    place.write(path, "{\"Version\": \"2012-10-17\", \"Statement\": []}");
    let flags = ["--gloo", "v1.0.0", "--rule-set", "seed", "--mirror", "mirror", "--offline"];
    let error = place.run(&[&CLUSTER[..], &flags].concat()).fails(3);
    assert!(error.contains("iam-policy.json") && error.contains("sha256"), "{error}");
}

#[test]
fn the_classic_controller_gets_the_ancestors_policy() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&[&CLUSTER[..], &SEED].concat()).ok();
    let policy: Value = serde_json::from_str(&place.read("out/alb-controller/iam-policy.json")).unwrap();
    let account = &eksctl(&place)["iam"]["serviceAccounts"][0];
    assert_eq!(account["metadata"]["name"], "alb-ingress-controller");
    assert_eq!(account["attachPolicy"], policy);
}

#[test]
fn logs_are_set_up_before_the_first_pod() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&[&CLUSTER[..], &["--logging", "--log-retention-days", "30"]].concat()).ok();
    let batch = place.read("out/knative-kourier-fargate-first-batch.yaml");
    let at = |what: &str| batch.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(at("aws-observability: enabled") < at("\n  name: aws-logging\n"));
    assert!(at("\n  name: aws-logging\n") < at("\nkind: Deployment\n"));
    assert!(batch.contains("log_retention_days 30\n"));
    place.run(&["lint", "out"]).ok();
    place.run(&["validate", "out"]).ok();
}

#[test]
fn what_a_rule_makes_of_the_log_configuration_is_held_to_what_eks_reads() {
    let Some(place) = Place::with_upstream() else { return };
    let rule = |text: &str| {
        format!(
            "- rule: own-logs\n  why: ours\n  match: {{kind: ConfigMap, name: aws-logging}}\n  merge: {{data: {{output.conf: {text:?}}}}}\n"
        )
    };
    let flags = [&CLUSTER[..], &["--logging", "--rules", "rules"]].concat();
    place.write("rules/a.yaml", &rule("[OUTPUT]\n  Name kinesis_firehose\n  Match *\n"));
    place.run(&flags).ok();
    place.write("rules/a.yaml", &rule("[OUTPUT]\n  Name s3\n  Match *\n"));
    let error = place.run(&flags).fails(2);
    assert!(error.contains("output.conf: line 1: [OUTPUT] `s3` is none that EKS takes"), "{error}");
}

#[test]
fn logs_are_refused_where_they_cannot_be_set_up() {
    let place = Place::new();
    for (flags, said) in [
        (vec!["--logging"], "give them with --cluster-name and --region"),
        (vec!["--log-retention-days", "60"], "is about the logs of --logging"),
        (vec!["--logging", "--log-retention-days", "61"], "--log-retention-days 61: CloudWatch keeps logs for 1, 3, 5"),
        ([&SEED[..], &["--logging"]].concat(), "take --rule-set fargate for --logging"),
    ] {
        let error = place.run(&flags).fails(2);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn the_commands_of_the_page_run_as_they_stand_there() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&[&CLUSTER[..], &["--logging", "--app-namespace", "shop-*:app=on"], &VPC].concat()).ok();
    let page = place.read("out/cluster/README.md");
    let blocks: Vec<_> = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    place.write("out/cluster/page.sh", &format!("set -eu\n{}", blocks.concat()));
    let aws = "\
case $* in
*get-caller-identity*) echo 123456789012 ;;
*oidc.issuer*) echo https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE ;;
*PodExecutionRoleArn*) echo arn:aws:iam::123456789012:role/path/pods ;;
*podExecutionRoleArn*) echo arn:aws:iam::123456789012:role/pods ;;
*'create-role --role-name prod-alb-controller'*) for last; do :; done; echo \"$last\" > trust ;;
esac";
    let output = script(&place, "out/cluster/page.sh", &[], &[("aws", aws), ("kubectl", ":"), ("eksctl", ":")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trust: Value = serde_json::from_str(&place.read("trust")).unwrap();
    let statement = &trust["Statement"][0];
    let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
    assert_eq!(statement["Principal"]["Federated"], format!("arn:aws:iam::123456789012:oidc-provider/{issuer}"));
    assert_eq!(
        statement["Condition"]["StringEquals"][format!("{issuer}:sub")],
        "system:serviceaccount:kube-system:aws-load-balancer-controller"
    );
    let calls = place.read("calls");
    assert!(calls.contains("put-role-policy --role-name pods --policy-name fargate-logging"), "{calls}");
    assert!(calls.contains("--selectors namespace=shop-*,labels={app=on}\n"), "{calls}");
    let policy: Value = serde_json::from_str(&place.read("out/cluster/logging-policy.json")).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:logs:eu-west-1:*:log-group:/aws/eks/prod/fargate*");
}

/// Runs a script with tools that answer as these scripts do, and write down how they were called.
fn script(place: &Place, path: &str, arguments: &[&str], tools: &[(&str, &str)]) -> Output {
    let bin = place.path("bin");
    for (name, script) in tools {
        place.write(&format!("bin/{name}"), &format!("#!/bin/sh\necho \"{name} $*\" >> \"$CALLS\"\n{script}\n"));
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    Command::new("sh")
        .arg(place.path(path))
        .args(arguments)
        .current_dir(place.path(""))
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("CALLS", place.path("calls"))
        .env("KNRENDER_WAIT", "0")
        .output()
        .unwrap()
}

fn install(place: &Place, kubectl: &str, helm: &str) -> Output {
    script(place, "out/alb-controller/install.sh", &["--yes"], &[("kubectl", kubectl), ("helm", helm)])
}

const KUBECTL: &str = "\
case $* in
*current-context*) echo mine ;;
*server*view*|*view*server*) echo https://ABC.gr7.eu-west-1.eks.amazonaws.com ;;
*view*) echo arn:aws:eks:eu-west-1:123456789012:cluster/prod ;;
*serviceaccount*) echo arn:aws:iam::123456789012:role/x ;;
*endpointslices*) echo 'false true' ;;
esac";

#[test]
fn every_file_of_the_controllers_is_explained_beside_the_cluster() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&[&CLUSTER[..], &["--account-id", "123456789012"]].concat()).ok();
    let page = place.read("out/cluster/README.md");
    for file in place.tree("out/alb-controller").keys() {
        assert!(page.contains(&format!("../alb-controller/{file}")), "{file}");
    }
}

#[test]
fn the_controller_is_installed_at_its_version_and_waited_for() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&CLUSTER).ok();
    let output = install(&place, KUBECTL, ":");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("is installed, and its webhook answers.\n"));
    let calls = place.read("calls");
    let helm = calls.lines().find(|call| call.starts_with("helm upgrade")).unwrap();
    assert!(
        helm.starts_with(
            "helm upgrade --install aws-load-balancer-controller aws-load-balancer-controller \
             --repo https://aws.github.io/eks-charts --version 3.5.0 --kube-context mine --namespace kube-system --values "
        ) && helm.ends_with("/out/alb-controller/values.yaml --wait --timeout 0s"),
        "{helm}"
    );
    assert!(
        calls.find("kubectl --context mine apply --server-side").unwrap() < calls.find("helm upgrade").unwrap(),
        "{calls}"
    );
}

#[test]
fn the_installation_asks_and_explains_itself_as_apply_sh_does() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&CLUSTER).ok();
    place.write("calls", "");
    let tools = [("kubectl", KUBECTL), ("helm", ":")];
    for (arguments, code, said) in [
        (&[][..], 2, "there is no terminal to ask at; --yes asks nothing"),
        (&["--yse"], 2, "`--yse` is not an option; --help lists them"),
        (&["--context"], 2, "--context takes a name"),
        (&["--help"], 0, "usage: sh install.sh [--yes] [--context NAME]"),
        (&["-h"], 0, "exit codes: 0 done"),
    ] {
        let output = script(&place, "out/alb-controller/install.sh", arguments, &tools);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
    assert_eq!(place.read("calls"), "");
}

#[test]
fn the_installation_stops_with_what_to_do_next() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&CLUSTER).ok();
    let without = |what: &str, instead: &str| KUBECTL.replace(what, instead);
    for (kubectl, helm, code, said) in [
        (without("echo mine", "exit 1"), ":", 3, "kubectl has no current context; --context names one"),
        (without("cluster/prod", "cluster/test"), ":", 3, "the current context is another cluster's"),
        (without("echo arn:aws:iam", "exit 1; echo"), ":", 3, "the server does not answer"),
        (
            without("echo arn:aws:iam::123456789012:role/x", ":"),
            ":",
            3,
            "eksctl create iamserviceaccount --config-file",
        ),
        (KUBECTL.to_owned(), "[ \"$1\" != upgrade ]", 1, "the controller did not become available"),
        (without("false true", "false"), ":", 1, "has no ready endpoint after 0 seconds"),
    ] {
        let output = install(&place, &kubectl, helm);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(said), "{said}: {error}");
        assert!(code == 1 || !place.read("calls").contains("apply"), "{said}");
    }
}

/// The annotation by which Knative's controller gets its role.
const ROLE: &str = "eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/prod-knative-controller";

#[test]
fn knatives_controller_gets_the_role_that_eksctl_makes() {
    let Some(place) = Place::with_upstream() else { return };
    let account = ["--account-id", "123456789012"];
    place.run(&[&CLUSTER[..], &account].concat()).ok();
    let accounts = eksctl(&place)["iam"]["serviceAccounts"].clone();
    let controller = accounts.as_array().unwrap().iter().find(|a| a["metadata"]["name"] == "controller").unwrap();
    assert_eq!(
        (&controller["metadata"]["namespace"], &controller["roleName"]),
        (&"knative-serving".into(), &"prod-knative-controller".into())
    );
    let narrow = &controller["attachPolicy"]["Statement"][1];
    assert_eq!(narrow["Resource"][0], "arn:aws:ecr:eu-west-1:123456789012:repository/*");
    assert!(place.read("out/knative-kourier-fargate-first-batch.yaml").contains(ROLE));
    // A Service with such an image passes beside the render, with the annotation or with eksctl's file alone.
    let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1.2.3";
    place.write("shop.yaml", &place.run(&["app", "shop", "--image", image]).ok().stdout);
    assert!(!place.run(&["lint", "out", "shop.yaml"]).ok().stdout.contains("ecr-tag"));
    place.run(&CLUSTER).ok();
    assert!(!place.read("out/knative-kourier-fargate-first-batch.yaml").contains("eks.amazonaws.com/role-arn"));
    assert!(!place.run(&["lint", "out", "shop.yaml"]).ok().stdout.contains("ecr-tag"));
    assert_eq!(place.run(&["lint", "out/knative-kourier-fargate-first-batch.yaml", "shop.yaml"]).code, 1);
}

#[test]
fn without_a_role_tags_are_left_alone_or_refused() {
    let Some(place) = Place::with_upstream() else { return };
    let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1.2.3";
    place.write("shop.yaml", &place.run(&["app", "shop", "--image", image]).ok().stdout);
    let with =
        |how: &str| place.run(&[&CLUSTER[..], &["--account-id", "123456789012", "--ecr-tags", how]].concat()).ok();
    with("skip");
    assert!(
        place
            .read("out/knative-kourier-fargate-first-batch.yaml")
            .contains("dev.local,123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    );
    place.run(&["lint", "out", "shop.yaml"]).ok();
    with("digest");
    let report = place.run(&["lint", "out", "shop.yaml"]);
    assert!(report.code == 1 && report.stdout.contains("ecr-tag-unreadable"), "{}", report.stdout);
    assert!(!place.read("out/cluster/eksctl.yaml").contains("knative-controller"));
    let alone = place.run(&[&CLUSTER[..], &["--ecr-tags", "skip"]].concat());
    assert!(alone.fails(2).contains("--account-id"));
}

#[test]
fn the_cluster_comes_as_terraform_too() {
    let Some(place) = Place::with_upstream() else { return };
    let named = ["--cluster-name", "prod", "--region", "eu-west-1", "--out", "out"];
    place.run(&[&named[..], &["--app-namespace", "shop:app=web", "--zones", "2"]].concat()).ok();
    let fargate = place.read("out/cluster/terraform/fargate.tf");
    for line in [
        "      { namespace = \"knative-serving\", labels = {} },\n",
        "      { namespace = \"shop\", labels = { \"app\" = \"web\" } },\n",
    ] {
        assert!(fargate.contains(line), "{fargate}");
    }
    assert!(place.read("out/cluster/terraform/irsa.tf").contains("system:serviceaccount:knative-serving:controller"));
    assert!(place.read("out/cluster/terraform/variables.tf").contains("default     = true\n"));
    assert!(place.read("out/cluster/terraform/vpc.tf").contains("resource \"aws_nat_gateway\" \"this\""));
    assert!(place.read("out/cluster/eksctl.yaml").contains("gateway: HighlyAvailable\n"));
    let existing =
        ["--vpc-id", "vpc-0123456789abcdef0", "--subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"];
    place.run(&[&named[..], &existing].concat()).ok();
    assert!(!place.read("out/cluster/terraform/vpc.tf").contains("aws_vpc"));
    assert!(place.read("out/cluster/terraform/variables.tf").contains("[\"subnet-0123456789abcdef0\", "));
}

#[test]
fn zones_that_cannot_be_had_are_refused() {
    let place = Place::new();
    assert!(place.run(&["--zones", "4", "--out", "out"]).fails(2).contains("1, 2 or 3 can be had"));
    let vpc = ["--cluster-name", "prod", "--region", "eu-west-1", "--vpc-id", "vpc-0123456789abcdef0", "--out", "out"];
    assert!(place.run(&[&vpc[..], &["--zones", "2"]].concat()).fails(2).contains("in each of 2 zones"));
}
