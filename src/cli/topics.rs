//! `knrender help TOPIC`: the three things that people look for.

use clap::Subcommand;

use super::print;
use crate::error::Error;

/// Pages that are no commands; `knrender help first-render` and `knrender first-render` print one.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Topic {
    /// From nothing to a Service that answers
    #[command(hide = true, long_about = FIRST_RENDER)]
    FirstRender,
    /// Renders in continuous integration
    #[command(hide = true, long_about = CI)]
    Ci,
    /// Rules of your own
    #[command(hide = true, long_about = OWN_RULES)]
    OwnRules,
}

const FIRST_RENDER: &str = "\
From nothing to a Service that answers

  knrender init --cluster-name prod --region eu-west-1    # a commented knrender.yaml
  knrender --out out/                                     # renders; says what it did and what comes next
  knrender explain Service/kourier-system/kourier         # what was done to one object, by which rule, why
  knrender plan                                           # what it costs, all of it
  eksctl create cluster -f out/cluster/eksctl.yaml        # or as out/cluster/README.md says
  sh out/alb-controller/install.sh                        # the load balancer controller, by helm
  sh out/apply.sh                                         # in order, with waits; asks before it changes anything
  knrender app shop --image IMAGE > shop.yaml             # a Service that fits Fargate
  kubectl apply -f shop.yaml

Without a network: upstream files come from --mirror DIR, which `knrender upstream mirror DIR` fills elsewhere.
Every page of documentation: docs/README.md of the repository.";

const CI: &str = "\
Renders in continuous integration

Commit knrender.yaml, knrender.lock and out/. Then, without a network where the mirror is committed too:

  knrender --check --locked --mirror mirror/ --offline    # 1: out/ is not what would be rendered now
  knrender lint out/ --strict                             # 1: something does not run on Fargate, or hurts there
  knrender validate out/                                  # 1: an API server would refuse it
  knrender plan out/ --compare origin/main --format markdown --max-month 400

--format sarif and github are for annotations, junit for GitLab. Exit codes: 0 fine, 1 findings, 2 usage or configuration, 3 input or
fetch, 4 output not written. The repository has a GitHub Action (action.yml), a GitLab job (packaging/gitlab-ci.yml) and hooks for
pre-commit.";

const OWN_RULES: &str = "\
Rules of your own

A rule is data: what it is for, what it does, why, and how many objects it must match. A rule that matches another number fails the
render and names the near misses.

  # rules/labels.yaml
  - rule: gateway-has-our-label
    why: Dashboards select by team.
    match: {kind: Service, namespace: kourier-system, name: kourier}
    merge: {metadata: {labels: {team: platform}}}

  knrender --rules rules/ --out out/
  knrender explain Service/kourier-system/kourier         # shows the rule, with its reason

merge (RFC 7386), patch (RFC 6902), drop: true, add: template.yaml.j2, fit: fargate-size. `knrender schema rule` is for editors;
README and docs/own-rules.md have the rest, examples/rules/ a worked example.";

pub(super) fn run(topic: Topic) -> Result<(), Error> {
    let text = match topic {
        Topic::FirstRender => FIRST_RENDER,
        Topic::Ci => CI,
        Topic::OwnRules => OWN_RULES,
    };
    print(format!("{text}\n").as_bytes())
}
