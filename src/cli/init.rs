//! `knrender init`: a commented knrender.yaml, from flags and, in a terminal, from a few questions.

use std::fs;
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::{Component, Path, PathBuf};

use clap::{Args, CommandFactory as _};

use super::{Cli, General, say};
use crate::config::{self, Ask, Config, Supply};
use crate::error::Error;
use crate::options::{self, file};
use crate::regular;
use crate::stack::{Stack, StackError};
use crate::upstream::catalog::Catalog;
use crate::value::{self, Map, Value};

#[derive(Args, Debug)]
pub(super) struct InitArgs {
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    supply: Supply,
    /// Folder that `knrender` will render to
    #[arg(long, short, value_name = "DIR", default_value = "out", help_heading = "Output")]
    out: PathBuf,
    /// Replace a knrender.yaml that is there
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Ask nothing in a terminal
    #[arg(long, short, help_heading = "Output")]
    yes: bool,
    #[command(flatten)]
    general: General,
}

pub(super) fn run(args: &InitArgs) -> Result<(), Error> {
    let path = args.general.config.clone().unwrap_or_else(|| config::FILE.into());
    let shown = crate::shown::path(&path);
    if !args.force && fs::symlink_metadata(&path).is_ok() {
        return Err(Error::Usage(format!("{shown} is there already; --force replaces it")));
    }
    let catalog = Catalog::embedded();
    Stack::resolve(&args.ask, &catalog)?;
    let fault = |why: String| Error::Input(format!("{why}; this is a fault of knrender"));
    let mut values = said(&args.ask).map_err(fault)?;
    if !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
        say("Enter leaves a question open; its key is then commented out.");
        interview(&mut values, &mut io::stdin().lock(), &mut io::stderr().lock(), &catalog)
            .map_err(|e| Error::Input(format!("standard input cannot be read: {e}")))?;
    }
    values.extend(said(&args.supply).map_err(fault)?);
    values.insert("out".to_owned(), args.out.display().to_string().into());
    let folder = path.parent().unwrap_or(Path::new(""));
    for key in ["out", "rules", "gloo-manifest", "mirror"] {
        if let Some(value) = values.get_mut(key) {
            seen_from(folder, value);
        }
    }
    let sections = options::sections(&Cli::command()).map_err(fault)?;
    write(&path, &file::write(&sections, &values), args.force, &catalog)?;
    if !args.general.quiet {
        let set: Vec<_> = sections.iter().flat_map(|s| &s.keys).filter(|k| values.contains_key(&k.name)).collect();
        let set: Vec<_> = set.iter().map(|k| k.name.as_str()).collect();
        say(&format!("{shown} is written, with {}; every other key is in it as a comment.", set.join(", ")));
        let named = args.general.config.as_ref().map(|_| format!(" --config {shown}")).unwrap_or_default();
        say(&format!("next: knrender{named}"));
    }
    Ok(())
}

/// What was said, by key.
fn said(options: &impl serde::Serialize) -> Result<Map, String> {
    match value::to_value(options) {
        Ok(Value::Object(map)) => {
            Ok(map.into_iter().filter(|(_, v)| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty())).collect())
        }
        Ok(_) => Err("options are no mapping".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

/// Paths in the file start from its folder, and flags from the current one.
fn seen_from(folder: &Path, value: &mut Value) {
    match value {
        Value::String(text) if !text.contains("://") && Path::new(text.as_str()).is_relative() => {
            let path = Path::new(text.as_str());
            if let Ok(below) = path.strip_prefix(folder) {
                *text = if below.as_os_str().is_empty() { ".".into() } else { below.display().to_string().into() };
            } else if folder.components().all(|c| matches!(c, Component::Normal(_))) {
                let up: PathBuf = folder.components().map(|_| Component::ParentDir).collect();
                *text = up.join(path).display().to_string().into();
            } else if let Ok(whole) = std::path::absolute(path) {
                *text = whole.display().to_string().into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| seen_from(folder, item)),
        _ => {}
    }
}

/// One question.
struct Question {
    key: &'static str,
    text: &'static str,
    /// The key that has to be set for the question to make sense.
    after: Option<&'static str>,
    is_list: bool,
}

const fn question(key: &'static str, text: &'static str) -> Question {
    Question { key, text, after: None, is_list: false }
}

const QUESTIONS: [Question; 10] = [
    question("cluster-name", "Name of the EKS cluster"),
    question("region", "AWS region, such as eu-west-1"),
    question("vpc-id", "Id of a VPC that exists already (open: eksctl makes one)"),
    Question { after: Some("vpc-id"), is_list: true, ..question("subnets", "Ids of its private subnets, with commas") },
    question("domain", "Domain of your apps, such as apps.example.com (open: the ALB's own name)"),
    Question {
        after: Some("domain"),
        ..question("certificate-arn", "ARN of an ACM certificate for *.DOMAIN (open: plain HTTP)")
    },
    question("gloo", "Version of Gloo, if it is to be Gloo (open: Kourier)"),
    Question {
        is_list: true,
        ..question("app-namespaces", "Namespaces of your apps, with commas, * and ? (open: default)")
    },
    question("layout", "What applies the render from Git: argocd or flux (open: neither)"),
    Question { after: Some("layout"), ..question("gitops-repo", "URL of the Git repository that it is committed to") },
];

/// Asks what was not said yet, and asks again where an answer cannot be. The end of the input ends the questions.
fn interview(values: &mut Map, input: &mut impl BufRead, output: &mut impl Write, catalog: &Catalog) -> io::Result<()> {
    for Question { key, text, after, is_list } in QUESTIONS {
        let makes_sense =
            after.is_none_or(|after| values.contains_key(after)) && !(key == "gloo" && values.contains_key("kourier"));
        while makes_sense && !values.contains_key(key) {
            write!(output, "{text}: ")?;
            output.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return writeln!(output);
            }
            let answer = line.trim();
            if answer.is_empty() {
                break;
            }
            let value = if is_list {
                answer.split([',', ' ']).filter(|part| !part.is_empty()).collect::<Vec<_>>().into()
            } else {
                Value::from(answer)
            };
            values.insert(key.to_owned(), value);
            if let Err(why) = resolve(values, catalog) {
                values.shift_remove(key);
                writeln!(output, "  {why}")?;
            }
        }
    }
    Ok(())
}

fn resolve(values: &Map, catalog: &Catalog) -> Result<Stack, String> {
    let ask: Ask = value::from_value(Value::Object(values.clone())).map_err(|e| e.to_string())?;
    Stack::resolve(&ask, catalog).map_err(|e: StackError| e.to_string())
}

/// Writes the file, once it is read back and found to be good.
fn write(path: &Path, text: &str, force: bool, catalog: &Catalog) -> Result<(), Error> {
    let unwritable = |why: io::Error| {
        Error::Write(format!("{}: cannot be written: {why}; nothing was changed", crate::shown::path(path)))
    };
    fs::create_dir_all(regular::folder_of(path)).map_err(unwritable)?;
    let staged = regular::stage(path, text.as_bytes()).map_err(unwritable)?;
    let read = Config::read(Some(staged.path()))?;
    Stack::resolve(&read.ask, catalog)?;
    let written = if force { staged.persist(path) } else { staged.persist_noclobber(path) };
    written.map(drop).map_err(|e| unwritable(e.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str, values: Map) -> (Map, String) {
        let (mut values, mut output) = (values, Vec::new());
        interview(&mut values, &mut answers.as_bytes(), &mut output, &Catalog::embedded()).unwrap();
        (values, String::from_utf8(output).unwrap())
    }

    #[test]
    fn an_answer_that_cannot_be_is_asked_for_again_and_none_leaves_the_key_open() {
        let (values, said) = asked("prod\neurope\neu-west-1\n\napps.example.com\n\n\nshop, team-*\n\n", Map::new());
        assert!(said.contains("  --region `europe` is not an AWS region"), "{said}");
        assert!(!said.contains("subnets") && !said.contains("Git repository"), "{said}");
        let expected = crate::value::json!({"cluster-name": "prod", "region": "eu-west-1", "domain": "apps.example.com",
            "app-namespaces": ["shop", "team-*"]});
        assert_eq!(Value::Object(values), expected);
    }

    #[test]
    fn what_flags_said_is_not_asked_and_the_end_of_the_input_ends_the_questions() {
        let given =
            Map::from_iter([("cluster-name".to_owned(), "prod".into()), ("kourier".to_owned(), "v1.23.0".into())]);
        let (values, said) = asked("eu-west-1\n", given.clone());
        assert!(!said.contains("Name of the EKS cluster") && said.ends_with("makes one): \n"), "{said}");
        assert_eq!(values["region"], "eu-west-1");
        assert!(!asked(&"\n".repeat(20), given).1.contains("Gloo"));
    }

    #[test]
    fn a_word_that_is_none_of_those_taken_is_said() {
        let (values, said) = asked("\n\n\n\n\n\nargo\nargocd\nhttps://git.example/a\n", Map::new());
        assert!(said.contains("unknown variant `argo`, expected `argocd` or `flux`"), "{said}");
        assert_eq!((&values["layout"], &values["gitops-repo"]), (&"argocd".into(), &"https://git.example/a".into()));
    }

    #[test]
    fn paths_are_written_as_seen_from_the_files_folder() {
        let of = |folder: &str, path: &str| {
            let mut value = Value::from(path);
            seen_from(Path::new(folder), &mut value);
            value
        };
        assert_eq!(of("", "out"), "out");
        assert_eq!(of("clusters/prod", "clusters/prod/out"), "out");
        assert_eq!(of("clusters/prod", "out"), "../../out");
        assert_eq!(of("clusters/prod", "/srv/out"), "/srv/out");
        assert_eq!(of("a", "https://mirror.example/x"), "https://mirror.example/x");
        assert!(Path::new(of("../a", "out").as_str().unwrap()).is_absolute());
    }
}
