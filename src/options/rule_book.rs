//! `docs/rule-book.md`: every rule that is looked for or obeyed, from the pages of findings and the built-in rewrites.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::findings::page::{Book, Page, Pages};
use crate::rewrite::library;
use crate::rewrite::rule::{Rule, RuleSet};
use crate::upstream::catalog::Catalog;

const HEADING: &str = "\
# The rule book

What has to be true of manifests that run on EKS Fargate with Knative behind an ALB, as knrender knows it: what `knrender lint` looks
for, what `knrender validate` holds to a server, and what a render rewrites, each with its reason, its sources and how sure it is. This
page is made from the data; `cargo test options::` holds it, and makes it anew with `KNRENDER_UPDATE=1`.

Ids such as F12 or K06 are stable names of rules: **F** is about Fargate, **K** about Knative, **G** about the gateway and the ALB;
other rules go by what they are about. Confidence: *high* was read in a primary source, *medium* comes from a maintainer or an issue or
is inferred from source, *unverified* was not confirmed and is a note at most. Nothing here was tried on an AWS account.
";

/// The page.
///
/// # Errors
/// In words, what of the data cannot be read; a test keeps that from happening.
pub fn page() -> Result<String, String> {
    let mut text = HEADING.to_owned();
    let lints = Pages::embedded(Book::Lint)?;
    let mut by_rule: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
    for page in lints.all() {
        by_rule.entry(&page.rule).or_default().push(page);
    }
    text.push_str("\n## What lint looks for\n");
    for (rule, pages) in by_rule {
        let _ = write!(text, "\n### {rule}\n");
        for page in pages {
            finding(&mut text, page);
        }
    }
    text.push_str("\n## What validate holds to a server\n");
    for page in Pages::embedded(Book::Validate)?.all() {
        finding(&mut text, page);
    }
    text.push_str("\n## What a render rewrites\n");
    for component in Catalog::embedded().names() {
        let rules = library::builtin(component).map_err(|e| e.to_string())?;
        if rules.is_empty() {
            continue;
        }
        let _ = write!(text, "\n### {component}\n");
        for rule in &rules {
            rewrite(&mut text, rule);
        }
    }
    Ok(text)
}

fn finding(text: &mut String, page: &Page) {
    let Page { code, severity, confidence, title, why, fix, see, .. } = page;
    let confidence = confidence.words();
    let _ = write!(
        text,
        "\n**`{code}`** ({severity}; {confidence}): {title}. {} *{}*{}\n",
        plain(why),
        plain(fix),
        sources(see)
    );
}

fn rewrite(text: &mut String, rule: &Rule) {
    let sets: Vec<_> = rule.sets.iter().map(RuleSet::to_string).collect();
    let sets = if sets.is_empty() { "every rule set".to_owned() } else { sets.join(", ") };
    let _ = write!(
        text,
        "\n**`{}`** ({sets}): {}{}\n",
        rule.reason.rule,
        plain(&rule.reason.why),
        sources(&rule.reason.see)
    );
}

fn sources(see: &[String]) -> String {
    see.iter().map(|url| format!(" <{url}>")).collect()
}

/// On one line, with what Markdown would read as something else escaped.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('*', "\\*").replace('<', "\\<")
}
