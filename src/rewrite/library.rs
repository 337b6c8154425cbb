//! Where rules come from: the built-in ones in the binary, and a user's own folders.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::RuleError;
use super::rule::{self, Rule};
use crate::{embedded, regular, shown};

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

/// An error where a folder that rules are to come from is none: said before anything is fetched.
pub fn is_there(dir: &Path) -> Result<(), RuleError> {
    let what = match fs::metadata(dir) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "it is not a folder".to_owned(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        Err(e) => e.to_string(),
    };
    let why = format!("{what}; --rules, or `rules` in knrender.yaml, takes a folder with rule files");
    Err(RuleError::Unreadable { path: crate::shown::path(dir), why })
}

/// The rules in a user's folder: every `.yaml` and `.yml` file, in path order. A folder in it that is named like a
/// component holds rules for that component's objects; all other rules see every object. Templates are named relative to
/// the folder.
pub fn folder(dir: &Path, components: &[&str]) -> Result<Vec<Rule>, RuleError> {
    let unreadable = |path: &Path, why: String| RuleError::Unreadable { path: crate::shown::path(path), why };
    is_there(dir)?;
    let mut files: Vec<PathBuf> = Vec::new();
    // Links are followed: a rule that is there and silently not applied is worse than any error.
    for entry in walkdir::WalkDir::new(dir).follow_links(true).sort_by_file_name() {
        let entry = entry.map_err(|e| {
            unreadable(e.path().unwrap_or(dir), e.io_error().map_or_else(|| e.to_string(), ToString::to_string))
        })?;
        let extension = entry.path().extension().map(std::ffi::OsStr::to_ascii_lowercase);
        if !entry.file_type().is_dir() && extension.is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(unreadable(dir, "there is no .yaml file with rules in it".to_owned()));
    }
    let mut rules = Vec::new();
    for file in files {
        let text = regular::read_text(&file).map_err(|e| unreadable(&file, e.to_string()))?;
        let first = file.strip_prefix(dir).ok().and_then(|p| p.components().next());
        let component = first.and_then(|c| c.as_os_str().to_str()).filter(|c| components.contains(c));
        rules.extend(rule::parse(&shown(&file), &text, component, &|name| {
            template(dir, name).map_err(|e| format!("template {}: {e}", shown::line(name)))
        })?);
    }
    if rules.is_empty() {
        return Err(unreadable(dir, "its .yaml files have no rule in them".to_owned()));
    }
    Ok(rules)
}

/// The text of a template, which is in the folder with the rules.
fn template(dir: &Path, name: &str) -> io::Result<String> {
    let outside = || io::Error::other("it is not in the folder with the rules, and is not read");
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let path = dir.join(name);
    if !path.canonicalize()?.starts_with(dir.canonicalize()?) {
        return Err(outside());
    }
    regular::read_text(&path)
}

/// How a rule file is named in messages and in the ledger: as the user gave it, never as an absolute path.
fn shown(file: &Path) -> String {
    if file.is_absolute() {
        let parts: Vec<_> = file.components().rev().take(2).map(|c| c.as_os_str().to_string_lossy()).collect();
        return shown::line(&parts.into_iter().rev().collect::<Vec<_>>().join("/")).into_owned();
    }
    shown::path(file.strip_prefix(".").unwrap_or(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert!(folder(dir.path(), &[]).unwrap_err().to_string().contains("have no rule in them"));
    }

    #[cfg(unix)]
    #[test]
    fn rules_behind_links_and_in_capitals_are_applied_and_what_is_no_file_is_refused() {
        use std::os::unix::fs::symlink;
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let rule = "- {rule: a, why: b, match: {kind: Service}, drop: true}\n";
        fs::create_dir(other.path().join("more")).unwrap();
        fs::write(other.path().join("more/x.yaml"), rule).unwrap();
        symlink(other.path().join("more/x.yaml"), dir.path().join("link.yaml")).unwrap();
        symlink(other.path().join("more"), dir.path().join("folder")).unwrap();
        fs::write(dir.path().join("R.YAML"), rule).unwrap();
        fs::write(dir.path().join("R.Yml"), rule).unwrap();
        assert_eq!(folder(dir.path(), &[]).unwrap().len(), 4);
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s.yaml")).unwrap();
        assert!(folder(dir.path(), &[]).unwrap_err().to_string().contains("not a regular file"));
        fs::remove_file(dir.path().join("s.yaml")).unwrap();
        symlink("nowhere", dir.path().join("gone.yaml")).unwrap();
        assert!(folder(dir.path(), &[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_template_is_read_from_the_folder_alone() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(other.path().join("secret"), dir.path().join("t.j2")).unwrap();
        let absolute = other.path().join("secret").display().to_string();
        for name in ["t.j2", "../x/secret", absolute.as_str()] {
            fs::write(dir.path().join("r.yaml"), format!("- {{rule: a, why: b, add: {name}}}\n")).unwrap();
            let error = folder(dir.path(), &[]).unwrap_err().to_string();
            assert!(error.contains("not in the folder with the rules"), "{error}");
        }
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
