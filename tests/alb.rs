//! Promise: every option of `alb` becomes the annotation that the controller reads, and a value that the controller or AWS
//! would refuse is refused before anything is rendered, by its key.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::{Place, measured, shared};
use knrender::findings::page::{Book, Pages, Severity};
use knrender::lint::set::{self, Set};
use knrender::manifest::collection::Collection;
use knrender::{lint, yaml};

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const HTTPS: [&str; 4] = ["--domain", "apps.example.com", "--certificate-arn", ARN];

/// All options at once, but for `security-groups`, which excludes `inbound-cidrs`.
const EVERYTHING: &str = "\
alb-group: shared
alb:
  group-order: 10
  load-balancer-name: prod-knative
  ip-address-type: dualstack
  subnets: [subnet-0123456789abcdef0, public b]
  inbound-cidrs: [10.0.0.0/8, 2001:db8::/32]
  ssl-policy: ELBSecurityPolicy-TLS13-1-2-2021-06
  wafv2-acl-arn: arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/edge/11111111-2222
  shield-advanced: true
  tags: {team: platform, cost-centre: 'on'}
  access-logs: {bucket: our-logs, prefix: alb/prod}
  deletion-protection: true
  drop-invalid-headers: true
  readiness-gates: true
";

/// The document with the Ingress.
fn ingress(stream: &str) -> String {
    stream.split("---\n").find(|d| d.contains("\nkind: Ingress\n")).unwrap().to_owned()
}

#[test]
fn all_options_together_are_held() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", EVERYTHING);
    insta::assert_snapshot!(ingress(&place.run(&HTTPS).ok().stdout));
}

#[test]
fn each_option_becomes_its_annotation_and_lint_and_validate_find_no_fault() {
    let Some(place) = Place::with_upstream() else { return };
    for (options, annotations) in [
        ("{load-balancer-name: a}", vec![("load-balancer-name", "a")]),
        ("{ip-address-type: ipv4}", vec![("ip-address-type", "ipv4")]),
        ("{subnets: [a, b]}", vec![("subnets", "a,b")]),
        (
            "{security-groups: [sg-1, own]}",
            vec![("security-groups", "sg-1,own"), ("manage-backend-security-group-rules", "true")],
        ),
        ("{inbound-cidrs: [10.0.0.0/8]}", vec![("inbound-cidrs", "10.0.0.0/8")]),
        ("{ssl-policy: ELBSecurityPolicy-2016-08}", vec![("ssl-policy", "ELBSecurityPolicy-2016-08")]),
        (
            "{wafv2-acl-arn: 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b'}",
            vec![("wafv2-acl-arn", "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b")],
        ),
        ("{shield-advanced: false}", vec![("shield-advanced-protection", "false")]),
        ("{tags: {a: b, c: ''}}", vec![("tags", "a=b,c=")]),
        (
            "{access-logs: {bucket: our-logs}}",
            vec![(
                "load-balancer-attributes",
                "idle_timeout.timeout_seconds=610,access_logs.s3.enabled=true,access_logs.s3.bucket=our-logs",
            )],
        ),
        (
            "{deletion-protection: false}",
            vec![("load-balancer-attributes", "idle_timeout.timeout_seconds=610,deletion_protection.enabled=false")],
        ),
    ] {
        place.write("knrender.yaml", &format!("alb: {options}\n"));
        place.run(&[&HTTPS[..], &["--out", "out"]].concat()).ok();
        let ingress = ingress(&place.read("out/knative-kourier-fargate-first-batch.yaml"));
        let ingress = yaml::parse(&ingress).unwrap();
        for (name, value) in annotations {
            let is = &ingress["metadata"]["annotations"][format!("alb.ingress.kubernetes.io/{name}")];
            assert_eq!(is, value, "{options}");
        }
        place.run(&["lint", "out", "--strict"]).ok();
        place.run(&["validate", "out"]).ok();
    }
}

/// What real servers said to wrong Ingresses, each to stand in place of the default render's.
#[test]
fn every_mistake_that_can_be_told_from_the_ingress_is_told() {
    let Some(corpora) = shared("corpora") else { return };
    let corpus = std::fs::read_to_string(corpora.join("alb-open.jsonl")).unwrap();
    let Some(place) = Place::with_upstream() else { return };
    let render = place.run(&HTTPS).ok().stdout;
    let others: Vec<_> = render.split("\n---\n").filter(|d| !d.contains("\nkind: Ingress\n")).collect();
    let others = others.join("\n---\n");
    let pages = Pages::embedded(Book::Lint).unwrap();
    // These compare the Ingress with the time-outs of the render, whatever else is wrong with it.
    let of_its_time = ["gateway-grace", "deregistration-delay"];
    let (mut told, mut missed) = (0, Vec::new());
    for row in corpus.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        let mut collection = Collection::default();
        collection.add("render.yaml", &others);
        collection.add("ingress.yaml", &row["object"].to_string());
        let objects = set::objects(&collection.objects);
        let findings = lint::run(&Set::new(&objects, None), &[]);
        let is_told = findings.iter().any(|finding| {
            finding.place.as_ref().is_some_and(|place| place.file == "ingress.yaml")
                && !of_its_time.contains(&finding.code)
                && pages.of(finding.code).unwrap().severity != Severity::Note
        });
        match (is_told, row["decidable"] == true) {
            (true, true) => told += 1,
            (false, true) => missed.push(row["mistake"].to_string()),
            (_, false) => {}
        }
    }
    measured("wrong-ingresses", &format!("{told} of {} are told, where the Ingress tells", told + missed.len()));
    assert!(missed.is_empty(), "{}", missed.join(", "));
}

#[test]
fn what_was_turned_on_can_be_turned_off_and_tls_is_current() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "alb: {access-logs: {enabled: false}, wafv2-acl-arn: none, shield-advanced: false}\n");
    let ingress = yaml::parse(&ingress(&place.run(&HTTPS).ok().stdout)).unwrap();
    let is = |name: &str| ingress["metadata"]["annotations"][format!("alb.ingress.kubernetes.io/{name}")].as_str();
    assert!(is("load-balancer-attributes").unwrap().ends_with(",access_logs.s3.enabled=false"));
    assert_eq!((is("wafv2-acl-arn"), is("shield-advanced-protection")), (Some("none"), Some("false")));
    assert_eq!(is("ssl-policy"), Some("ELBSecurityPolicy-TLS13-1-2-Res-2021-06"));
}

#[test]
fn two_addresses_need_a_vpc_that_has_them() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "alb: {ip-address-type: dualstack}\n");
    let said = place.run(&["--cluster-name", "prod", "--region", "eu-west-1"]).fails(2);
    assert!(said.contains("eksctl.yaml makes is of IPv4 alone"), "{said}");
    let vpc = ["--cluster-name", "prod", "--region", "eu-west-1", "--vpc-id", "vpc-0123456789abcdef0"];
    place.run(&vpc).ok();
}

#[test]
fn a_group_is_joined_with_or_without_a_place_in_it() {
    let Some(place) = Place::with_upstream() else { return };
    let plain = place.run(&["--alb-group", "shared"]).ok().stdout;
    let annotations = &yaml::parse(&ingress(&plain)).unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["alb.ingress.kubernetes.io/group.name"], "shared");
    assert_eq!(annotations["alb.ingress.kubernetes.io/group.order"], "1000", "it takes every request, and comes last");
    place.write("knrender.yaml", "alb: {group-order: -1}\n");
    let placed = place.run(&["--alb-group", "on"]).ok().stdout;
    let annotations = &yaml::parse(&ingress(&placed)).unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["alb.ingress.kubernetes.io/group.name"], "on");
    assert_eq!(annotations["alb.ingress.kubernetes.io/group.order"], "-1");
}

#[test]
fn grpc_calls_have_a_target_group_of_their_own_and_are_asked_for_first() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "alb: {grpc: true}\n");
    place.run(&[&HTTPS[..], &["--out", "out"]].concat()).ok();
    place.run(&["lint", "out", "--strict"]).ok();
    place.run(&["validate", "out"]).ok();
    let batch = place.read("out/knative-kourier-fargate-first-batch.yaml");
    let ingress = yaml::parse(&ingress(&batch)).unwrap();
    let paths = ingress["spec"]["rules"][0]["http"]["paths"].as_array().unwrap();
    let services: Vec<_> = paths.iter().map(|path| path["backend"]["service"]["name"].as_str().unwrap()).collect();
    assert_eq!(services, ["kourier-grpc", "kourier"]);
    let condition = &ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/conditions.kourier-grpc"];
    let condition: serde_json::Value = serde_json::from_str(condition.as_str().unwrap()).unwrap();
    assert_eq!(condition[0]["httpHeaderConfig"]["values"][0], "application/grpc*");
    let of = |name: &str| {
        let named = format!("\n  name: {name}\n");
        let mut services = batch.split("---\n").filter(|d| d.contains("\nkind: Service\n") && d.contains(&named));
        yaml::parse(services.next().unwrap()).unwrap()
    };
    let (grpc, plain) = (of("kourier-grpc"), of("kourier"));
    assert_eq!(grpc["spec"]["selector"], plain["spec"]["selector"]);
    assert_eq!(grpc["spec"]["ports"][0]["targetPort"], plain["spec"]["ports"][0]["targetPort"]);
    assert_eq!(grpc["metadata"]["annotations"]["alb.ingress.kubernetes.io/backend-protocol-version"], "GRPC");
}

#[test]
fn grpc_is_for_kourier() {
    let place = Place::new();
    place.write("knrender.yaml", "alb: {grpc: true}\n");
    assert!(place.run(&["--gloo", "v1.8.0"]).fails(2).contains("alb.grpc is known for Kourier only"));
}

#[test]
fn readiness_gates_are_asked_for_by_the_label_of_the_gateways_namespace() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "alb: {readiness-gates: true}\n");
    for (flags, namespace) in [(&[][..], "kourier-system"), (&["--gloo", "v1.3.9"], "gloo-system")] {
        let stream = place.run(flags).ok().stdout;
        let labelled: Vec<_> = stream
            .split("---\n")
            .filter(|document| document.contains("pod-readiness-gate-inject"))
            .map(|document| yaml::parse(document).unwrap())
            .collect();
        assert_eq!(labelled.len(), 1);
        assert_eq!((&labelled[0]["kind"], &labelled[0]["metadata"]["name"]), (&"Namespace".into(), &namespace.into()));
        assert_eq!(labelled[0]["metadata"]["labels"]["elbv2.k8s.aws/pod-readiness-gate-inject"], "enabled");
    }
}

#[test]
fn a_value_that_would_be_refused_is_refused_by_its_key() {
    let place = Place::new();
    for (options, said) in [
        (
            "{group-order: 1}",
            "alb.group-order is the place among Ingresses that share an ALB; name it with --alb-group",
        ),
        ("{load-balancer-name: internal-a}", "alb.load-balancer-name `internal-a` is not a name of a load balancer"),
        ("{load-balancer-name: abcdefghijklmnopqrstuvwxyz-1234567}", "alb.load-balancer-name"),
        (
            "{ip-address-type: ipv6}",
            "alb.ip-address-type `ipv6` is none of ipv4, dualstack, dualstack-without-public-ipv4",
        ),
        ("{grpc: true}", "alb.grpc needs HTTPS, since an ALB takes gRPC in no other way: name a --certificate-arn"),
        ("{subnets: [a]}", "alb.subnets has one subnet"),
        ("{subnets: [a, a]}", "alb.subnets has `a` twice"),
        ("{subnets: ['a,b', c]}", "alb.subnets `a,b` is neither an id nor a name"),
        ("{security-groups: ['']}", "alb.security-groups `` is neither"),
        ("{inbound-cidrs: [10.0.0.0]}", "alb.inbound-cidrs `10.0.0.0` is not a range of IP addresses"),
        ("{inbound-cidrs: [10.1.0.0/8]}", "alb.inbound-cidrs `10.1.0.0/8` has bits beyond its /8"),
        (
            "{inbound-cidrs: [10.0.0.0/8], security-groups: [a]}",
            "alb.inbound-cidrs is ignored where alb.security-groups is given",
        ),
        (
            "{ssl-policy: ELBSecurityPolicy-2016-08}",
            "alb.ssl-policy is about HTTPS, and there is none without --certificate-arn",
        ),
        ("{ssl-policy: modern}", "alb.ssl-policy `modern` is not a security policy"),
        ("{wafv2-acl-arn: edge}", "alb.wafv2-acl-arn `edge` is not the ARN of a regional web ACL"),
        (
            "{wafv2-acl-arn: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b'}",
            "is not the ARN of a regional web ACL",
        ),
        (
            "{wafv2-acl-arn: 'arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/b'}",
            "alb.wafv2-acl-arn is in us-east-1, and --region is eu-west-1",
        ),
        ("{tags: {'aws:a': b}}", "alb.tags `aws:a`: tags that start with `aws:` are kept for AWS and the controller"),
        ("{tags: {a: 'b,c=d'}}", "alb.tags `a: b,c=d` cannot be a tag"),
        ("{access-logs: {bucket: Logs}}", "alb.access-logs.bucket `Logs` is not the name of an S3 bucket"),
        ("{access-logs: {bucket: logs, prefix: /a}}", "alb.access-logs.prefix `/a` is not a prefix"),
        (
            "{access-logs: {bucket: logs, prefix: AWSLogs}}",
            "alb.access-logs.prefix `AWSLogs` must not have AWSLogs in it",
        ),
        ("{access-logs: {prefix: a}}", "alb.access-logs: missing field `bucket`"),
        ("{ssl-policy: ELBSecurityPolicy-TLS13-1-2-2021}", "ELBSecurityPolicy-TLS13-1-2-2021-06 is near it"),
        ("{security-groups: [a, b, c, d, e]}", "alb.security-groups has 5, and an ALB takes five, one of which"),
        ("{inbound-cidrs: ['2001:db8::/32']}", "nobody would get in"),
        ("{waf: a}", "knrender.yaml, line 1, column 7: "),
    ] {
        place.write("knrender.yaml", &format!("alb: {options}\n"));
        let error = place.run(&["--region", "eu-west-1"]).fails(2);
        assert!(error.contains(said), "{options}: {error}");
    }
}

#[test]
fn an_order_beyond_what_the_controller_takes_is_refused() {
    let place = Place::new();
    place.write("knrender.yaml", "alb-group: a\nalb: {group-order: 1001}\n");
    assert!(place.run(&[]).fails(2).contains("alb.group-order `1001` is not between -1000 and 1000"));
}

#[test]
fn the_ancestors_ingress_takes_no_options() {
    let place = Place::new();
    place.write("knrender.yaml", "alb: {deletion-protection: true}\n");
    let error = place.run(&["--gloo", "v1.3.9", "--rule-set", "seed"]).fails(2);
    assert!(error.contains("take --rule-set fargate for the options of `alb`"), "{error}");
}
