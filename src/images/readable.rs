//! Which repositories of ECR Knative's controller may read: as `ecr-repositories` names them, and as the policy of its role does.

use super::reference::{Ecr, Reference, is_reference};
use crate::aws;
use crate::config::Ask;
use crate::fargate::profile::fits;
use crate::value::{Value, json};

/// A repository, or several by `*`: of the account and region of the cluster where it names no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable {
    account: Option<String>,
    region: Option<String>,
    repository: String,
}

/// The longest name of a repository in ECR.
const REPOSITORY_MAX: usize = 256;

impl Readable {
    /// What a text names: `shop`, `team-a/*`, or with a registry before it, which alone is all of its repositories.
    ///
    /// # Errors
    /// In words, why it names nothing.
    pub fn parse(text: &str) -> Result<Readable, String> {
        let (host, rest) = text.split_once('/').unwrap_or((text, ""));
        if let Some(Ecr { account, region }) = Ecr::of(host) {
            let repository = repository(if rest.is_empty() { "*" } else { rest })?;
            return Ok(Readable { account: Some(account.to_owned()), region: Some(region.to_owned()), repository });
        }
        if host.contains(".dkr.ecr") || host.contains(".dkr-ecr.") {
            return Err(
                "an ECR registry is ACCOUNT.dkr.ecr.REGION.amazonaws.com, with an account of 12 digits".to_owned()
            );
        }
        if host.contains('.') && !rest.is_empty() {
            return Err(format!("{host} is no ECR registry, and no other has IAM policies"));
        }
        Ok(Readable { account: None, region: None, repository: repository(text)? })
    }

    /// Those that were asked for; all of the cluster's account and region where none were.
    ///
    /// # Errors
    /// In words, which of them names nothing.
    pub fn all(ask: &Ask) -> Result<Vec<Readable>, String> {
        let named = ask.ecr_repositories.iter();
        let named: Vec<_> = named
            .map(|text| Readable::parse(text).map_err(|why| format!("--ecr-repository `{text}`: {why}")))
            .collect::<Result<_, _>>()?;
        if named.is_empty() { Ok(vec![Readable::parse("*")?]) } else { Ok(named) }
    }

    /// As templates see it, in a cluster's region and account: `null` where the account is not known.
    pub fn context(&self, region: &str, account: Option<&str>) -> Value {
        json!({
            "region": self.region.as_deref().unwrap_or(region),
            "account": self.account.as_deref().or(account),
            "elsewhere": self.account,
            "repository": self.repository,
        })
    }

    /// The resource of a policy, in a cluster's region and account.
    pub fn arn(&self, region: &str, account: Option<&str>) -> String {
        let at = self.region.as_deref().unwrap_or(region);
        let of = self.account.as_deref().or(account).unwrap_or("*");
        format!("arn:{}:ecr:{at}:{of}:repository/{}", aws::partition_of(region), self.repository)
    }

    /// Whether it is in another part of AWS than a region, whose roles reach nothing there.
    pub fn is_beyond(&self, region: &str) -> bool {
        self.region.as_deref().is_some_and(|own| aws::partition_of(own) != aws::partition_of(region))
    }
}

/// A repository's name, where `*` stands for any number of characters.
fn repository(text: &str) -> Result<String, String> {
    if text.contains(':') || text.contains('@') {
        return Err("name the repository, without a tag or a digest".to_owned());
    }
    // A letter in the place of each star makes it a name that is held to the grammar.
    if text.len() > REPOSITORY_MAX || !is_reference(&format!("a.example/{}", text.replace('*', "a"))) {
        return Err(format!(
            "a repository is a path of lower-case letters, digits and `.`, `_`, `-`, {REPOSITORY_MAX} characters at the most; `*` stands for \
             any of them"
        ));
    }
    Ok(text.to_owned())
}

/// The resources of the policy that a configuration makes; none where it limits nothing.
pub fn of_configuration(ask: &Ask) -> Vec<String> {
    let (Some(region), false) = (ask.region.as_deref(), ask.ecr_repositories.is_empty()) else { return Vec::new() };
    let all = Readable::all(ask).unwrap_or_default();
    all.iter().map(|readable| readable.arn(region, ask.account_id.as_deref())).collect()
}

/// The resources that a policy lets somebody read images of.
pub fn of_policy(policy: &Value) -> Vec<String> {
    let list = |value: &Value| -> Vec<String> {
        match value {
            Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            one => one.as_str().map(str::to_owned).into_iter().collect(),
        }
    };
    let statements = policy["Statement"].as_array().into_iter().flatten();
    statements
        .filter(|statement| statement["Effect"] == "Allow")
        .filter(|statement| {
            list(&statement["Action"]).iter().any(|action| fits(&action.to_ascii_lowercase(), "ecr:batchgetimage"))
        })
        .flat_map(|statement| list(&statement["Resource"]))
        .collect()
}

/// Whether one of these resources is the repository of an image in ECR. Their `*` and `?` are those of Fargate profiles, too.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub fn covers(resources: &[String], image: &Reference) -> bool {
    let Some(Ecr { account, region }) = image.ecr() else { return true };
    let arn = format!("arn:{}:ecr:{region}:{account}:repository/{}", aws::partition_of(region), image.repository);
    resources.iter().any(|resource| fits(resource, &arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(text: &str) -> Result<String, String> {
        Readable::parse(text).map(|readable| readable.arn("eu-west-1", Some("123456789012")))
    }

    #[test]
    fn a_repository_is_of_the_cluster_unless_it_says_otherwise() {
        for (text, resource) in [
            ("shop", "arn:aws:ecr:eu-west-1:123456789012:repository/shop"),
            ("team-a/*", "arn:aws:ecr:eu-west-1:123456789012:repository/team-a/*"),
            ("210987654321.dkr.ecr.us-east-1.amazonaws.com", "arn:aws:ecr:us-east-1:210987654321:repository/*"),
            ("210987654321.dkr.ecr.us-east-1.amazonaws.com/a/b", "arn:aws:ecr:us-east-1:210987654321:repository/a/b"),
        ] {
            assert_eq!(arn(text).as_deref(), Ok(resource));
        }
        assert_eq!(
            Readable::parse("shop").unwrap().arn("cn-north-1", None),
            "arn:aws-cn:ecr:cn-north-1:*:repository/shop"
        );
    }

    #[test]
    fn what_names_no_repository_is_refused() {
        for (text, why) in [
            ("", "lower-case"),
            ("Shop", "lower-case"),
            ("shop:1.2", "without a tag"),
            ("a b", "lower-case"),
            ("a\"]", "lower-case"),
            ("${a}", "lower-case"),
            ("/shop", "lower-case"),
            ("12.dkr.ecr.eu-west-1.amazonaws.com/shop", "account of 12 digits"),
            ("gcr.io/a/b", "gcr.io is no ECR registry"),
            ("arn:aws:ecr:eu-west-1:123456789012:repository/shop", "without a tag"),
        ] {
            let error = arn(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(arn(&"a".repeat(257)).is_err());
    }

    #[test]
    fn patterns_are_those_of_iam() {
        for (pattern, text, is) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*b", "abab", true),
            ("ecr:*", "ecr:batchgetimage", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn a_policy_covers_what_its_statements_allow() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Deny", "Action": "ecr:*", "Resource": "*"},
            {"Effect": "Allow", "Action": ["ecr:BatchGetImage"], "Resource": ["arn:aws:ecr:eu-west-1:*:repository/team-a/*"]},
        ]});
        let resources = of_policy(&policy);
        let image = |path: &str| Reference::parse(&format!("123456789012.dkr.ecr.{path}")).unwrap();
        assert!(covers(&resources, &image("eu-west-1.amazonaws.com/team-a/shop:1")));
        assert!(!covers(&resources, &image("eu-west-1.amazonaws.com/team-b/shop:1")));
        assert!(!covers(&resources, &image("us-east-1.amazonaws.com/team-a/shop:1")));
    }
}
