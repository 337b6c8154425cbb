use clap::CommandFactory as _;

use super::*;
use crate::cli::Cli;
use crate::config::Config;
use crate::rewrite::library;
use crate::stack::Stack;
use crate::upstream::catalog::Catalog;

fn keys() -> Vec<Key> {
    sections(&Cli::command()).unwrap().into_iter().flat_map(|section| section.keys).collect()
}

fn read(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(config::FILE);
    std::fs::write(&path, text).unwrap();
    Config::read(Some(&path)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn every_key_is_told_of_once_with_what_it_does() {
    let keys = keys();
    let mut names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), keys.len());
    assert_eq!(names.len(), config::KEYS.len());
    for key in keys {
        assert!(key.about.len() > 10, "{key:?}");
    }
}

#[test]
fn every_example_can_stand_in_the_file() {
    for key in keys() {
        read(&file::example(&key.name, &key.example));
    }
    let all: String = keys()
        .into_iter()
        .filter(|key| !key.name.starts_with("gloo"))
        .map(|key| file::example(&key.name, &key.example))
        .collect();
    Stack::resolve(&read(&all).ask, &Catalog::embedded()).unwrap();
}

#[test]
fn the_example_of_alb_has_every_key_of_it() {
    let all = crate::yaml::parse_as::<crate::alb::Alb>("nothing: x").unwrap_err().to_string();
    let example = keys().into_iter().find(|key| key.name == "alb").unwrap().example;
    let (_, known) = all.split_once("known are ").unwrap_or_else(|| panic!("{all}"));
    assert!(known.split(", ").all(|key| example.contains(&format!(" {key}:"))), "{known}");
}

#[test]
fn every_rewrite_that_a_key_names_is_a_rule() {
    let mut rules = Vec::new();
    for component in Catalog::embedded().names() {
        rules.extend(library::builtin(component).unwrap().into_iter().map(|rule| rule.reason.rule.clone()));
    }
    for key in keys() {
        for rewrite in &key.rewrites {
            assert!(rules.contains(rewrite), "{}: {rewrite}", key.name);
        }
    }
}

#[test]
fn a_default_is_taken_out_of_the_help() {
    assert_eq!(split_default("Two [default: true]; else one"), ("Two; else one".to_owned(), Some("true".to_owned())));
    assert_eq!(split_default("Two"), ("Two".to_owned(), None));
}
