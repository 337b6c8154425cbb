//! Promise: the documentation is true to the repository: links lead somewhere, files that are named exist, commands that are shown are
//! commands of today, and no room of the house is missing from the page about it. Nothing here asks the network.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use knrender::cli::Cli;

/// A page in Markdown.
struct Page {
    /// Its path from the root.
    name: String,
    text: String,
}

/// What a line of a page is.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    Prose,
    Code,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages of the repository.
fn pages() -> Vec<Page> {
    let entries = walkdir::WalkDir::new(root()).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_str().unwrap();
        entry.depth() == 0
            || !(["target", "node_modules", "out"].contains(&name) || (name.starts_with('.') && name != ".ci"))
    });
    let pages: Vec<_> = entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"))
        .map(|entry| Page {
            name: entry.path().strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"),
            text: fs::read_to_string(entry.path()).unwrap(),
        })
        .collect();
    assert!(pages.len() > 15, "only {} pages were found", pages.len());
    pages
}

/// The pages for people who use or change knrender: not those of fixtures.
fn guides() -> impl Iterator<Item = Page> {
    pages().into_iter().filter(|page| !page.name.contains("fixtures") && page.name != "CHANGELOG.md")
}

impl Page {
    /// Its lines, numbered from 1, each with what it is. Code is fenced, or indented by four after an empty line.
    fn lines(&self) -> Vec<(usize, Line, &str)> {
        let (mut fenced, mut indented, mut after_empty) = (false, false, true);
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let fence = line.trim_start().starts_with("```");
            indented = !fenced && line.starts_with("    ") && (indented || after_empty);
            after_empty = line.trim().is_empty();
            let is_code = fenced || fence || indented;
            fenced ^= fence;
            lines.push((index + 1, if is_code { Line::Code } else { Line::Prose }, line));
        }
        lines
    }

    /// The anchors that GitHub gives its headings.
    fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for (_, kind, line) in self.lines() {
            let title = line.trim_start_matches('#');
            if kind == Line::Code || title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let slug: String = title
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            let mut anchor = slug.clone();
            let mut number = 0;
            while !anchors.insert(anchor) {
                number += 1;
                anchor = format!("{slug}-{number}");
            }
        }
        anchors
    }

    /// What links of its prose point at.
    fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, kind, line) in self.lines() {
            if kind == Line::Prose {
                // Text between backticks is no link.
                let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
                let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
                links.extend(targets.map(|target| (number, target.to_owned())));
            }
        }
        links
    }

    /// The texts between backticks of its prose.
    fn names(&self) -> Vec<(usize, &str)> {
        let prose = self.lines().into_iter().filter(|(_, kind, _)| *kind == Line::Prose);
        prose.flat_map(|(number, _, line)| line.split('`').skip(1).step_by(2).map(move |name| (number, name))).collect()
    }
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages = pages();
    let mut wrong = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for (line, link) in page.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let folder = Path::new(&page.name).parent().unwrap();
            let target = if file.is_empty() { PathBuf::from(&page.name) } else { folder.join(file) };
            let Ok(there) = root().join(&target).canonicalize() else {
                wrong.push(format!("{}:{line}: there is no {link}", page.name));
                continue;
            };
            let target = pages.iter().find(|other| root().join(&other.name).canonicalize().unwrap() == there);
            if let Some(anchor) = anchor
                && target.is_some_and(|target| !target.anchors().contains(anchor))
            {
                wrong.push(format!("{}:{line}: {link}: no heading there is called so", page.name));
            }
        }
    }
    assert!(followed > 50, "only {followed} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_list_of_pages() {
    let list = fs::read_to_string(root().join("docs/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") && name != "README.md" {
            assert!(list.contains(&format!("]({name})")), "docs/README.md does not name {name}");
        }
    }
}

/// Folders whose files are named by their path from the root.
const ROOMS: &[&str] = &[
    "src/",
    "data/",
    "tests/",
    "docs/",
    "patches/",
    "templates/",
    "upstream/",
    "packaging/",
    "examples/",
    "scripts/",
    ".ci/",
    ".github/",
];

#[test]
fn files_that_the_pages_name_are_there() {
    let mut wrong = Vec::new();
    let mut named = 0;
    for page in guides() {
        for (line, name) in page.names() {
            // `patches/COMPONENT/fargate.yaml`, `fail-*.yaml` and `a/{b,c}` stand for many; a command is none.
            let stands_for_many =
                name.contains(['*', '<', '{', ' ', '|']) || name.split(['/', '.']).any(is_placeholder);
            if stands_for_many || !ROOMS.iter().any(|room| name.starts_with(room)) {
                continue;
            }
            named += 1;
            let path = root().join(name);
            if !path.exists() && !path.with_extension("rs").exists() {
                wrong.push(format!("{}:{line}: there is no {name}", page.name));
            }
        }
    }
    assert!(named > 20, "only {named} names were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `COMPONENT`, which the reader replaces; `README` and `DIGESTS` are files.
fn is_placeholder(word: &str) -> bool {
    word.len() > 1
        && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        && !["README", "DIGESTS", "LICENSE"].contains(&word)
}

#[test]
fn commands_that_the_pages_show_are_commands_of_today() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for page in guides() {
        for (line, kind, text) in page.lines() {
            if kind != Line::Code {
                continue;
            }
            for words in commands(text) {
                read += 1;
                if let Err(why) = understood(&words) {
                    wrong.push(format!("{}:{line}: {}: {why}", page.name, words.join(" ")));
                }
            }
        }
    }
    assert!(read > 50, "only {read} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The calls of knrender in a line of shell.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.trim();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let line = line.strip_prefix("- ").unwrap_or(line);
    let line = line.strip_prefix("run: ").unwrap_or(line);
    let mut calls = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for word in shell_words(line) {
        match word.as_str() {
            "#" => break,
            "&&" | "||" | "|" | ";" => calls.push(std::mem::take(&mut words)),
            _ => words.push(word),
        }
    }
    calls.push(words);
    calls.retain(|words| words.first().is_some_and(|word| word == "knrender"));
    for words in &mut calls {
        let to_a_file = words.iter().position(|word| word.starts_with('>')).unwrap_or(words.len());
        words.truncate(to_a_file);
    }
    calls
}

/// The words of a line, in which quotes keep blanks together.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, ' ') => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Whether knrender knows the command and its flags. Values may be placeholders.
fn understood(words: &[String]) -> Result<(), String> {
    match Cli::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::InvalidValue
            | ErrorKind::ValueValidation => Ok(()),
            _ => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
        },
    }
}

#[test]
fn an_unknown_flag_or_command_would_be_seen() {
    assert_eq!(commands("$ a | knrender lint - && knrender plan 'a b' > x # y").len(), 2);
    for line in ["knrender --no-such-flag", "knrender no-such-command", "knrender lint --cluster-nam x"] {
        let [words]: [Vec<String>; 1] = commands(line).try_into().unwrap();
        understood(&words).unwrap_err();
    }
}

#[test]
fn every_file_of_tests_is_run() {
    let program = fs::read_to_string(root().join("tests/promises.rs")).unwrap();
    let files =
        fs::read_dir(root().join("tests")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in files.filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)).filter(|name| name != "promises") {
        assert!(program.contains(&format!("\nmod {name};\n")), "tests/promises.rs has no `mod {name};`");
    }
}

#[test]
fn the_page_about_the_house_has_every_room() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = library.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let missing: Vec<_> = modules
        .filter(|module| {
            ![format!("`src/{module}`"), format!("`src/{module}/`")].iter().any(|name| page.contains(name))
        })
        .collect();
    assert!(missing.is_empty(), "docs/architecture.md has no room {}", missing.join(", "));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let crates: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert!(!crates.is_empty() && crates.iter().all(|name| page.contains(&format!("| `{name}/` |"))), "{crates:?}");
}

/// What every room may import: see docs/architecture.md, below the table of rooms.
const EVERYBODYS: [&str; 16] = [
    "alb",
    "aws",
    "digest",
    "embedded",
    "go",
    "knative",
    "kubernetes",
    "near",
    "parallel",
    "pointer",
    "regular",
    "script",
    "shown",
    "time",
    "value",
    "yaml",
];

#[test]
fn rooms_import_what_the_page_about_the_house_lets_them_know() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| `src/")) {
        let [_, rooms, _, knows, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else { panic!("{row}") };
        let plain = |room: &str| room.trim_matches('`').trim_start_matches("src/").trim_end_matches('/').to_owned();
        let rooms: BTreeSet<_> = rooms.split(", ").map(plain).collect();
        let mut imported: BTreeSet<_> = rooms.iter().flat_map(|room| imports(room)).collect();
        imported.retain(|its| !rooms.contains(its) && !EVERYBODYS.contains(&its.as_str()));
        let is_right = match knows {
            "everything" => true,
            "everything but cli" => !imported.contains("cli"),
            knows => knows.split(", ").filter(|room| !room.is_empty()).map(str::to_owned).eq(imported.iter().cloned()),
        };
        rows += 1;
        if !is_right {
            wrong.push(format!("{rooms:?} imports {imported:?}"));
        }
    }
    assert!(rows > 10 && wrong.is_empty(), "docs/architecture.md says something else: {wrong:#?}");
}

/// The modules of the crate that a module and what is below it name, but for their tests.
fn imports(room: &str) -> BTreeSet<String> {
    let of_room = |entry: &walkdir::DirEntry| {
        let below = entry.path().strip_prefix(root().join("src")).unwrap();
        below == Path::new(&format!("{room}.rs")) || below.starts_with(room)
    };
    let files = walkdir::WalkDir::new(root().join("src")).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.path().extension().is_some_and(|its| its == "rs") && of_room(entry));
    let mut imports = BTreeSet::new();
    for file in files.filter(|file| !file.path().to_string_lossy().contains("tests")) {
        let text = fs::read_to_string(file.path()).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for rest in code.join("\n").split("crate::").skip(1) {
            let word =
                |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
            match rest.strip_prefix('{').and_then(|list| list.split_once(';')) {
                Some((list, _)) => imports.extend(top_level(list).iter().map(|part| word(part))),
                None => drop(imports.insert(word(rest))),
            }
        }
    }
    imports.remove("");
    imports
}

/// The parts of `a, b::{c, d}, e}`, with what is in braces left out.
fn top_level(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut plain = String::new();
    for c in list.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 && c != '}' {
            plain.push(c);
        }
    }
    plain.split(',').map(|part| part.trim().to_owned()).collect()
}

/// Needs `../shared/upstream`.
#[test]
fn what_the_readme_shows_of_a_render_is_what_a_render_says() {
    let Some(place) = run::Place::with_upstream() else { return };
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    place.run(&["init", "--cluster-name", "prod", "--region", "eu-west-1"]).ok();
    for args in [&[][..], &["explain", "Service/kourier-system/kourier"]] {
        let ran = place.run(args).ok();
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let said: BTreeSet<_> = said.lines().map(plain).collect();
        let shown = [&["$ knrender"][..], args].concat().join(" ");
        let (_, block) = readme.split_once(&format!("```console\n{shown}\n")).unwrap();
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines().filter(|line| line.trim() != "...").map(plain) {
            assert!(said.contains(&line), "README.md shows what `{shown}` does not say: {line}");
        }
    }
}

/// A line without the numbers of lines in it, which move with every release, and without the width of columns.
fn plain(line: &str) -> String {
    let line = line.split(", line ").next().unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Needs `../shared/upstream`.
#[test]
fn the_hooks_for_pre_commit_pass_on_a_render_whatever_file_was_changed() {
    let hooks = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    let entries: Vec<_> = hooks.lines().filter_map(|line| line.trim().strip_prefix("entry: knrender ")).collect();
    assert_eq!(entries.len(), 3);
    // With the names of changed files, a workflow or a kustomization alone would fail: they are no manifests.
    assert_eq!(hooks.matches("pass_filenames: false").count(), entries.len());
    let Some(place) = run::Place::with_upstream() else { return };
    place.write("knrender.yaml", "out: out\n");
    place.run(&[]).ok();
    for entry in entries {
        place.run(&entry.split(' ').collect::<Vec<_>>()).ok();
    }
}
