//! Where rules come from: the built-in ones in the binary, and a user's own folders.

use std::fs;
use std::path::{Path, PathBuf};

use super::RuleError;
use super::rule::{self, Rule};
use crate::embedded;

/// The built-in rules for the objects of `component`, in file order.
pub fn builtin(component: &str) -> Result<Vec<Rule>, RuleError> {
    let mut rules = Vec::new();
    for (path, text) in embedded::below(&format!("patches/{component}")) {
        rules.extend(rule::parse_own(path, text, component, &|name| {
            embedded::text(&format!("templates/{name}"))
                .map(str::to_owned)
                .ok_or_else(|| format!("there is no template templates/{name}"))
        })?);
    }
    Ok(rules)
}

/// The rules in a user's folder: every `.yaml` and `.yml` file, in path order. A folder in it that is named like a
/// component holds rules for that component's objects; all other rules see every object. Templates are named relative to
/// the folder.
pub fn folder(dir: &Path, components: &[&str]) -> Result<Vec<Rule>, RuleError> {
    let unreadable = |path: &Path, why: String| RuleError::Unreadable { path: path.display().to_string(), why };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = entry.map_err(|e| {
            unreadable(e.path().unwrap_or(dir), e.io_error().map_or_else(|| e.to_string(), ToString::to_string))
        })?;
        let is_rule_file = entry.path().extension().is_some_and(|e| e == "yaml" || e == "yml");
        if entry.depth() == 0 && !dir.is_dir() {
            return Err(unreadable(dir, "it is not a folder; --rules takes a folder with rule files".to_owned()));
        }
        if entry.file_type().is_file() && is_rule_file {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(unreadable(dir, "there is no .yaml file with rules in it".to_owned()));
    }
    let mut rules = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|e| unreadable(&file, e.to_string()))?;
        let first = file.strip_prefix(dir).ok().and_then(|p| p.components().next());
        let component = first.and_then(|c| c.as_os_str().to_str()).filter(|c| components.contains(c));
        rules.extend(rule::parse(&shown(&file), &text, component, &|name| {
            fs::read_to_string(dir.join(name)).map_err(|e| format!("template {name}: {e}"))
        })?);
    }
    Ok(rules)
}

/// How a rule file is named in messages and in the ledger: as the user gave it, never as an absolute path.
fn shown(file: &Path) -> String {
    if file.is_absolute() {
        let parts: Vec<_> = file.components().rev().take(2).map(|c| c.as_os_str().to_string_lossy()).collect();
        return parts.into_iter().rev().collect::<Vec<_>>().join("/");
    }
    file.strip_prefix(".").unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::catalog::Catalog;

    #[test]
    fn the_built_in_rules_are_sound_and_carry_reason_and_source() {
        let mut names = std::collections::BTreeSet::new();
        for component in Catalog::embedded().names() {
            for rule in builtin(component).unwrap() {
                assert!(!rule.reason.see.is_empty(), "{} names no source", rule.reason.rule);
                assert!(!rule.sets.is_empty(), "{} is in no rule set", rule.reason.rule);
                assert!(names.insert((component, rule.reason.rule.clone())), "{}", rule.reason.rule);
            }
        }
        assert!(!names.is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_or_holds_no_rules_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(folder(&dir.path().join("none"), &[]).is_err());
        assert!(folder(dir.path(), &[]).unwrap_err().to_string().contains("no .yaml file"));
        fs::write(dir.path().join("a.yaml"), "[]").unwrap();
        assert!(folder(&dir.path().join("a.yaml"), &[]).unwrap_err().to_string().contains("not a folder"));
        assert_eq!(folder(dir.path(), &[]).unwrap().len(), 0);
    }

    #[test]
    fn a_folder_named_like_a_component_scopes_its_rules() {
        let dir = tempfile::tempdir().unwrap();
        let rule = "- {rule: a, why: b, match: {kind: Service}, drop: true}\n";
        fs::create_dir_all(dir.path().join("gloo")).unwrap();
        fs::write(dir.path().join("gloo/x.yaml"), rule).unwrap();
        fs::write(dir.path().join("y.yml"), rule).unwrap();
        let scopes: Vec<_> = folder(dir.path(), &["gloo"]).unwrap().into_iter().map(|r| r.component).collect();
        assert_eq!(scopes, [Some("gloo".to_owned()), None]);
    }
}
