//! The page of each lint and check: all that is said about it, as data (`data/lints/lints.yaml`, `data/validate/checks.yaml`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{embedded, shown, yaml};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Fargate or Kubernetes refuses it, or no request gets through.
    Error,
    /// Works until it hurts.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The name, which is also SARIF's level.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure the rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Confidence {
    /// Read in a primary source.
    H,
    /// From a maintainer or an issue, or a sound inference from source.
    M,
    /// Not verified; a note at most.
    U,
}

impl Confidence {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Confidence::H => "high: read in a primary source",
            Confidence::M => "medium: from an issue or a maintainer, or inferred from source",
            Confidence::U => "unverified",
        }
    }
}

/// What is said about one lint.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The stable name, in kebab-case.
    pub code: String,
    /// The rule of the rule book: `F12`, `K06`, or a section's name.
    pub rule: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// What must not be, in a line.
    pub title: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub fix: String,
    /// Public sources.
    pub see: Vec<String>,
}

/// Which pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// Those of `knrender lint`.
    Lint,
    /// Those of `knrender validate`.
    Validate,
}

impl Book {
    /// The command whose findings it explains.
    pub fn command(self) -> &'static str {
        match self {
            Book::Lint => "lint",
            Book::Validate => "validate",
        }
    }

    /// What one of them is called.
    fn noun(self) -> &'static str {
        match self {
            Book::Lint => "lint",
            Book::Validate => "check",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Book::Lint => "data/lints/lints.yaml",
            Book::Validate => "data/validate/checks.yaml",
        }
    }
}

/// The pages of all lints or checks, in the order of their file.
#[derive(Clone, Debug)]
pub struct Pages {
    book: Book,
    pages: Vec<Page>,
}

impl Pages {
    /// The pages in the binary.
    ///
    /// # Errors
    /// In words, why the file holds no pages; a test keeps that from happening.
    pub fn embedded(book: Book) -> Result<Pages, String> {
        let path = book.path();
        let pages = yaml::parse_own(embedded::text(path).unwrap_or_default()).map_err(|e| format!("{path}: {e}"))?;
        Ok(Pages { book, pages })
    }

    /// The pages of the other command.
    ///
    /// # Errors
    /// As for [`Pages::embedded`].
    pub fn other(&self) -> Result<Pages, String> {
        Pages::embedded(match self.book {
            Book::Lint => Book::Validate,
            Book::Validate => Book::Lint,
        })
    }

    /// Which pages these are.
    pub fn book(&self) -> Book {
        self.book
    }

    /// The command whose findings they explain.
    pub fn command(&self) -> &'static str {
        self.book.command()
    }

    /// All pages.
    pub fn all(&self) -> &[Page] {
        &self.pages
    }

    /// The page of one lint.
    pub fn of(&self, code: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.code == code)
    }

    /// Where in the file a lint's page is.
    pub fn index(&self, code: &str) -> Option<usize> {
        self.pages.iter().position(|page| page.code == code)
    }

    /// What to say to somebody who asked for a lint or check that does not exist.
    pub fn unknown(&self, code: &str) -> String {
        let (command, noun) = (self.command(), self.book.noun());
        if let Some(other) = self.other().ok().filter(|other| other.of(code).is_some()) {
            let (command, its) = (other.command(), other.book.noun());
            return format!("`{code}` is no {noun} but a {its}: `knrender {command} --explain {code}`");
        }
        let words: Vec<&str> = code.split('-').filter(|w| w.len() > 2).collect();
        let plain = |code: &str| code.to_ascii_lowercase().replace(['-', '_'], "");
        let meant = shown::near(code, self.pages.iter().map(|p| p.code.as_str()));
        let mut near: Vec<_> = self
            .pages
            .iter()
            .map(|p| (p.code.as_str(), p))
            .filter(|(its, p)| {
                let alike = Some(*its) == meant || plain(its) == plain(code);
                alike || p.rule.eq_ignore_ascii_case(code) || words.iter().any(|w| its.contains(w))
            })
            .map(|(its, _)| its)
            .collect();
        near.sort_by_key(|its| Some(*its) != meant && plain(its) != plain(code));
        near.truncate(6);
        let near = if near.is_empty() { String::new() } else { format!("; near: {}", near.join(", ")) };
        format!("there is no {noun} `{code}`{near}. `knrender {command} --list` lists them")
    }
}
