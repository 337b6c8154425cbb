//! The configuration of Fargate's log router: the `ConfigMap` `aws-logging` of the namespace `aws-observability`. One that EKS
//! does not like is left aside without a word to whoever applied it.
//! Source: <https://docs.aws.amazon.com/eks/latest/userguide/fargate-logging.html>

use crate::value::Value;

/// The namespace that the router's configuration has to be in.
pub const NAMESPACE: &str = "aws-observability";
/// The name of the `ConfigMap`.
pub const NAME: &str = "aws-logging";
/// The label of the namespace, which has this value.
pub const LABEL: (&str, &str) = ("aws-observability", "enabled");

/// How many characters all of it may have.
const LENGTH_MAX: usize = 5300;

/// What stands under a key: the sections, and the settings that each must have. Names of settings are read without regard to
/// case, as Fluent Bit does.
const KEYS: [(&str, &str, [&str; 2]); 3] = [
    ("filters.conf", "FILTER", ["name", "match"]),
    ("output.conf", "OUTPUT", ["name", "match"]),
    ("parsers.conf", "PARSER", ["name", "format"]),
];

const OUTPUTS: [&str; 6] = ["es", "firehose", "kinesis_firehose", "cloudwatch", "cloudwatch_logs", "kinesis"];
const FILTERS: [&str; 8] =
    ["grep", "parser", "record_modifier", "rewrite_tag", "throttle", "nest", "modify", "kubernetes"];

/// What EKS sets by itself.
const KEPT: [&str; 4] = ["kube_url", "kube_ca_file", "kube_token_command", "kube_token_file"];

/// A section of a configuration.
struct Section<'t> {
    name: &'t str,
    line: usize,
    settings: Vec<(String, &'t str)>,
}

/// What EKS does not like about the `data` of the `ConfigMap`, each with the key that it is about; empty where all is fine.
pub fn problems(data: &Value) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let entries: Vec<(&str, &str)> = data
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    let length: usize = entries.iter().map(|(_, text)| text.chars().count()).sum();
    if length > LENGTH_MAX {
        problems.push((String::new(), format!("it has {length} characters, and EKS reads {LENGTH_MAX} at the most")));
    }
    let mut outputs = 0;
    for (key, text) in entries {
        let mut say = |what: String| problems.push((key.to_owned(), what));
        match KEYS.iter().find(|(name, ..)| *name == key) {
            Some((_, section, required)) => {
                let sections = sections(text, &mut say);
                outputs += sections.iter().filter(|section| section.name == "OUTPUT").count();
                for one in &sections {
                    check(one, section, required, &mut say);
                }
            }
            None if key == "flb_log_cw" && matches!(text, "true" | "false") => {}
            None if key == "flb_log_cw" => say(format!("`{text}` is neither \"true\" nor \"false\"")),
            None => say("EKS reads filters.conf, output.conf, parsers.conf and flb_log_cw only".to_owned()),
        }
    }
    if outputs == 0 {
        problems.push(("output.conf".to_owned(), "there is no [OUTPUT], and without one no pod has logs".to_owned()));
    }
    problems
}

fn sections<'t>(text: &'t str, say: &mut impl FnMut(String)) -> Vec<Section<'t>> {
    let mut sections: Vec<Section<'t>> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), i + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.contains("${") {
            say(format!("line {number}: EKS takes no environment variables (${{...}})"));
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name, line: number, settings: Vec::new() });
            continue;
        }
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match sections.last_mut() {
            Some(section) => section.settings.push((key.to_ascii_lowercase(), value.trim())),
            None => say(format!("line {number}: `{line}` stands before the first section")),
        }
    }
    sections
}

fn check(section: &Section<'_>, wanted: &str, required: &[&str], say: &mut impl FnMut(String)) {
    let Section { name, line, settings } = section;
    if *name != wanted {
        return say(format!("line {line}: [{name}] cannot stand here, only [{wanted}]"));
    }
    let setting = |key: &str| settings.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
    for key in required.iter().filter(|key| setting(key).is_none_or(str::is_empty)) {
        say(format!("line {line}: this [{name}] has no `{key}`"));
    }
    let plugin = setting("name").unwrap_or_default();
    let known: &[&str] = match *name {
        "OUTPUT" => &OUTPUTS,
        "FILTER" => &FILTERS,
        _ => return,
    };
    if !plugin.is_empty() && !known.contains(&plugin) {
        say(format!("line {line}: [{name}] `{plugin}` is none that EKS takes: {}", known.join(", ")));
    }
    for (key, _) in settings.iter().filter(|(key, _)| KEPT.contains(&key.as_str())) {
        say(format!("line {line}: `{key}` is set by EKS itself"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    const OUTPUT: &str = "[OUTPUT]\n    Name cloudwatch_logs\n    Match kube.*\n";

    fn found(data: &Value) -> String {
        problems(data).into_iter().map(|(key, what)| format!("{key}: {what}\n")).collect()
    }

    #[test]
    fn what_eks_reads_is_fine() {
        let data = json!({
            "output.conf": OUTPUT, "flb_log_cw": "false",
            "filters.conf": "# ours\n[FILTER]\n  name kubernetes\n  match kube.*\n[FILTER]\n  Name grep\n  Match *\n",
            "parsers.conf": "[PARSER]\n  Name crio\n  Format regex\n",
        });
        assert_eq!(found(&data), "");
    }

    #[test]
    fn each_thing_that_eks_does_not_read_is_named() {
        for (key, text, what) in [
            ("output.conf", "[OUTPUT]\nName s3\nMatch *\n", "line 1: [OUTPUT] `s3` is none that EKS takes"),
            ("output.conf", "[OUTPUT]\nName es\n", "line 1: this [OUTPUT] has no `match`"),
            ("output.conf", "Name es\n", "line 1: `Name es` stands before the first section"),
            ("output.conf", "[OUTPUT]\nName es\nMatch *\nHost ${HOST}\n", "line 4: EKS takes no environment variables"),
            ("output.conf", "\n[INPUT]\nName tail\n", "line 2: [INPUT] cannot stand here, only [OUTPUT]"),
            ("filters.conf", "[FILTER]\nName lua\nMatch *\n", "line 1: [FILTER] `lua` is none"),
            ("filters.conf", "[FILTER]\nName kubernetes\nMatch *\nKube_URL x\n", "`kube_url` is set by EKS itself"),
            ("parsers.conf", "[PARSER]\nName a\n", "line 1: this [PARSER] has no `format`"),
            ("flb_log_cw", "yes", "neither \"true\" nor \"false\""),
            ("fluent-bit.conf", "", "EKS reads filters.conf"),
        ] {
            let mut data = json!({"output.conf": OUTPUT});
            data[key] = text.into();
            assert!(found(&data).contains(&format!("{key}: ")) && found(&data).contains(what), "{}", found(&data));
        }
        assert!(found(&json!({})).contains("there is no [OUTPUT]"));
    }

    #[test]
    fn more_than_eks_reads_is_named_with_its_length() {
        let filler = "#".repeat(5300 - OUTPUT.len());
        let data = |extra: &str| json!({"output.conf": OUTPUT, "filters.conf": format!("{filler}{extra}")});
        assert_eq!(found(&data("")), "");
        assert!(found(&data("#")).contains("it has 5301 characters"), "{}", found(&data("#")));
    }
}
