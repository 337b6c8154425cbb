//! What rules may ask about a stack (`when:`) and what they may write of it (`${name}` and templates).

use std::collections::BTreeMap;

use semver::{Version, VersionReq};

use crate::value::Value;

/// One fact about a stack.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A text, for example the domain.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A component's version.
    Version(Version),
    /// Several names, for example what `--with` adds.
    Names(Vec<String>),
    /// Several names with values, for example annotations.
    Pairs(Vec<(String, String)>),
    /// Not part of this stack.
    Absent,
}

/// All facts about a stack, by the name of the option that sets them. Names that are not in here are unknown, and a rule
/// that uses one is in error.
#[derive(Clone, Debug, Default)]
pub struct Facts(pub BTreeMap<&'static str, Fact>);

impl Facts {
    /// Whether a condition of `when:` holds: `true` and `false` ask whether there is such a thing, a text must be equal, a
    /// version must be in the semver range, a list must hold the name, and of several conditions in a list one must hold.
    ///
    /// # Errors
    /// In words, what is wrong with the condition.
    pub fn holds(&self, name: &str, condition: &Value) -> Result<bool, String> {
        let Some(fact) = self.0.get(name) else {
            return Err(self.unknown(name));
        };
        match (condition, fact) {
            (Value::Array(any), _) => {
                for one in any {
                    if self.holds(name, one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Bool(wanted), Fact::Flag(is)) => Ok(wanted == is),
            (Value::Bool(wanted), Fact::Names(names)) => Ok(*wanted != names.is_empty()),
            (Value::Bool(wanted), Fact::Pairs(pairs)) => Ok(*wanted != pairs.is_empty()),
            (Value::Bool(wanted), _) => Ok(*wanted == (*fact != Fact::Absent)),
            (Value::String(_), Fact::Absent) => Ok(false),
            (Value::String(wanted), Fact::Text(is)) => Ok(wanted == is),
            (Value::String(wanted), Fact::Names(names)) => Ok(names.iter().any(|name| name == wanted)),
            (Value::String(range), Fact::Version(version)) => Ok(VersionReq::parse(range)
                .map_err(|e| format!("`when: {name}: {range}` is not a version range: {e}"))?
                .matches(version)),
            _ => Err(format!("`when: {name}` takes a text, a version range, true, false or a list of these")),
        }
    }

    /// The text of a fact, for `${name}`.
    ///
    /// # Errors
    /// In words, why there is none.
    pub fn text(&self, name: &str) -> Result<String, String> {
        match self.0.get(name) {
            Some(Fact::Text(text)) => Ok(text.clone()),
            Some(Fact::Flag(flag)) => Ok(flag.to_string()),
            Some(Fact::Version(version)) => Ok(version.to_string()),
            Some(Fact::Names(names)) => Ok(names.join(",")),
            Some(Fact::Pairs(pairs)) => {
                Ok(pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","))
            }
            Some(Fact::Absent) => {
                Err(format!("`${{{name}}}` has no value in this stack; ask for it with `when: {{{name}: true}}`"))
            }
            None => Err(self.unknown(name)),
        }
    }

    /// The facts as templates see them: dashes become underscores, what is absent is `none`.
    pub fn context(&self) -> Value {
        let of = |fact: &Fact| match fact {
            Fact::Text(text) => Value::from(text.as_str()),
            Fact::Flag(flag) => Value::from(*flag),
            Fact::Version(version) => Value::from(version.to_string()),
            Fact::Names(names) => Value::from(names.clone()),
            Fact::Pairs(pairs) => pairs.iter().map(|(name, value)| vec![name.as_str(), value]).collect(),
            Fact::Absent => Value::Null,
        };
        self.0.iter().map(|(name, fact)| (name.replace('-', "_"), of(fact))).collect::<crate::value::Map>().into()
    }

    fn unknown(&self, name: &str) -> String {
        let known: Vec<_> = self.0.keys().copied().collect();
        format!("`{name}` is no fact about a stack; there are: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn facts() -> Facts {
        Facts(BTreeMap::from([
            ("ingress", Fact::Text("kourier".into())),
            ("knative", Fact::Version(Version::new(1, 23, 0))),
            ("gloo", Fact::Absent),
            ("with", Fact::Names(vec!["upgrade-jobs".into()])),
            ("internal-tls", Fact::Flag(false)),
        ]))
    }

    #[test]
    fn pairs_are_a_condition_a_text_and_a_list() {
        let pair = ("a".to_owned(), "b".to_owned());
        let facts = Facts([("some", Fact::Pairs(vec![pair.clone(), pair])), ("none", Fact::Pairs(vec![]))].into());
        assert!(facts.holds("some", &json!(true)).unwrap() && facts.holds("none", &json!(false)).unwrap());
        assert_eq!(facts.text("some").unwrap(), "a=b,a=b");
        assert_eq!(facts.context()["some"], json!([["a", "b"], ["a", "b"]]));
    }

    #[test]
    fn a_condition_reads_as_it_is_written() {
        let holds = |name, condition| facts().holds(name, &condition).unwrap();
        assert!(holds("ingress", json!("kourier")));
        assert!(!holds("ingress", json!("gloo")));
        assert!(holds("ingress", json!(["gloo", "kourier"])));
        assert!(holds("knative", json!(">=1.21, <2")));
        assert!(!holds("knative", json!("<1.21")));
        assert!(holds("gloo", json!(false)));
        assert!(!holds("gloo", json!(">=1.0")));
        assert!(holds("with", json!("upgrade-jobs")));
        assert!(!holds("internal-tls", json!(true)));
    }

    #[test]
    fn an_unknown_fact_is_an_error_that_lists_the_known_ones() {
        let error = facts().holds("kube", &json!("x")).unwrap_err();
        assert_eq!(error, "`kube` is no fact about a stack; there are: gloo, ingress, internal-tls, knative, with");
    }

    #[test]
    fn an_absent_fact_cannot_be_written() {
        assert!(facts().text("gloo").unwrap_err().contains("when: {gloo: true}"));
        assert_eq!(facts().text("knative").unwrap(), "1.23.0");
    }
}
