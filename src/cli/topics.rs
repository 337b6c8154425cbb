//! `knrender help TOPIC`: the three things that people look for.

use clap::Subcommand;
use clap::error::{ContextKind, ContextValue};

use super::print;
use crate::error::Error;
use crate::shown;

/// Pages that are no commands; `knrender help first-render` and `knrender first-render` print one.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Topic {
    /// From nothing to a Service that answers
    #[command(hide = true, long_about = FIRST_RENDER, help_template = "{about-with-newline}")]
    FirstRender,
    /// Renders in continuous integration
    #[command(hide = true, long_about = CI, help_template = "{about-with-newline}")]
    Ci,
    /// Rules of your own
    #[command(hide = true, long_about = OWN_RULES, help_template = "{about-with-newline}")]
    OwnRules,
}

/// Says which topic was probably meant by a command that there is not: clap knows none, since they are no commands.
pub(super) fn suggest(error: &mut clap::Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let topics = Topic::augment_subcommands(clap::Command::new("help"));
    if let Some(topic) = shown::near(word, topics.get_subcommands().map(clap::Command::get_name)) {
        let topic = ContextValue::Strings(vec![topic.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, topic);
    }
}

const FIRST_RENDER: &str = "\
From nothing to a Service that answers

  knrender init --cluster-name prod --region eu-west-1   # knrender.yaml
  knrender                                           # renders to out/
  knrender explain Service/kourier-system/kourier    # what was done, and why
  knrender plan                                      # what it costs
  eksctl create cluster -f out/cluster/eksctl.yaml   # the cluster
  sh out/alb-controller/install.sh                   # its controller, by helm
  sh out/apply.sh                                    # in order; asks before
  knrender app shop --image IMAGE > shop.yaml        # a Service that fits
  kubectl apply -f shop.yaml

Without eksctl, or with a cluster that is there already: out/cluster/README.md.
Without a network: `knrender upstream mirror DIR`, where there is one, fills
a folder, which --mirror DIR takes. Pages: docs/start.md and docs/README.md of
the repository.";

const CI: &str = "\
Renders in continuous integration

Commit knrender.yaml, knrender.lock (where there is one) and out/. Then:

  knrender --check --locked     # 1: out/ is not what would be rendered now
  knrender lint out/ --strict   # 1: something does not run on Fargate
  knrender validate out/        # 1: an API server would refuse it
  knrender plan out/ --compare origin/main --format markdown --max-month 400

Without a network, --mirror DIR --offline takes upstream's files from a folder
that is committed too. For annotations: --format sarif or github; for GitLab,
junit. Exit codes: 0 fine; 1 findings; 2 usage or configuration; 3 input or
fetch; 4 output not written. The repository has a GitHub Action (action.yml),
a GitLab job (packaging/gitlab-ci.yml) and hooks for pre-commit; page:
docs/ci.md.";

const OWN_RULES: &str = "\
Rules of your own

A rule is data: what it is for, what it does, why, and how many objects it
must match. A rule that matches another number fails the render and names the
near misses.

  # rules/labels.yaml
  - rule: gateway-has-our-label
    why: Dashboards select by team.
    match: {kind: Service, namespace: kourier-system, name: kourier}
    merge: {metadata: {labels: {team: platform}}}

  knrender --rules rules/ --out out/
  knrender explain Service/kourier-system/kourier    # with the rule's reason

merge (RFC 7386), patch (RFC 6902), drop: true, add: template.yaml.j2,
fit: fargate-size. `knrender schema rule` is for editors. Page:
docs/own-rules.md; a worked example: examples/rules/.";

pub(super) fn run(topic: Topic) -> Result<(), Error> {
    let text = match topic {
        Topic::FirstRender => FIRST_RENDER,
        Topic::Ci => CI,
        Topic::OwnRules => OWN_RULES,
    };
    print(format!("{text}\n").as_bytes())
}
