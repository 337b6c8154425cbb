//! `--app-namespace`: where the user's apps run.

use std::collections::BTreeMap;

use super::StackError;
use crate::fargate::profile::ProfileSelector;

/// Which pods of the user's apps run on Fargate: each `NAMESPACE[:KEY=VALUE,...]`, with `*` and `?`.
pub(super) fn selectors(asked: &[String]) -> Result<Vec<ProfileSelector>, StackError> {
    let default = ["default".to_owned()];
    let asked = if asked.is_empty() { &default } else { asked };
    asked.iter().map(|text| selector(text)).collect()
}

fn selector(text: &str) -> Result<ProfileSelector, StackError> {
    let refused = |why: &str| StackError(format!("--app-namespace `{text}` {why}"));
    let (namespace, labels) = text.split_once(':').map_or((text, None), |(n, l)| (n, Some(l)));
    if !is_namespace_pattern(namespace) {
        return Err(refused(
            "is not a namespace: lower-case letters, digits and dashes, with `*` and `?` for several; labels come after a colon",
        ));
    }
    let mut selector = ProfileSelector { namespace: namespace.to_owned(), labels: BTreeMap::new() };
    for label in labels.into_iter().flat_map(|labels| labels.split(',')) {
        let (key, value) = label
            .split_once('=')
            .filter(|(key, value)| is_label_pattern(key) && (value.is_empty() || is_label_pattern(value)))
            .ok_or_else(|| {
                refused(&format!("has `{label}` for a label; write it as KEY=VALUE, with `*` and `?` for several"))
            })?;
        if selector.labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(refused(&format!("has the label {key} twice")));
        }
    }
    if selector.labels.len() > LABELS_MAX {
        return Err(refused(&format!("has more than {LABELS_MAX} labels, which a Fargate profile does not take")));
    }
    Ok(selector)
}

/// How many labels a selector of a Fargate profile may have.
/// Source: <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>
const LABELS_MAX: usize = 5;

/// A namespace as a Fargate profile selects it.
fn is_namespace_pattern(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-*?".contains(&b);
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Key or value of a label as a Fargate profile selects it.
fn is_label_pattern(text: &str) -> bool {
    (1..=316).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./*?".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_after_a_colon() {
        let selector = selector("team-*:app=web,example.com/tier=").unwrap();
        assert_eq!(selector.namespace, "team-*");
        let labels = [("app", "web"), ("example.com/tier", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(selector.labels, labels.into());
    }

    #[test]
    fn apps_are_in_the_namespace_default_unless_told_otherwise() {
        assert_eq!(selectors(&[]).unwrap()[0].namespace, "default");
    }

    #[test]
    fn what_no_profile_takes_is_refused() {
        for bad in ["", "A", "a b", "a:", "a:b", "a:=b", "a:b=$c", "a:b=c,b=d", "a:b=,c=,d=,e=,f=,g="] {
            let error = selector(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--app-namespace `{bad}` ")), "{error}");
        }
    }
}
