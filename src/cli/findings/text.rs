//! Findings for people: the worst first, those of one lint together, each with its line and a mark under what is meant, and what
//! is said about the lint once.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Report, counted};
use crate::error::Error;
use crate::findings::page::{Page, Severity};
use crate::findings::{Finding, Place};
use crate::report::wrap;
use crate::shown;

/// So many characters of a long line are looked at on both sides of what is marked.
const AROUND: usize = 400;

/// How wide a line may be where there is no terminal.
const WIDTH: usize = 120;

/// How a report looks.
pub(super) struct Look {
    renderer: Renderer,
    is_coloured: bool,
}

impl Look {
    /// As the terminal is: its width, and colours if there is one that nobody has told not to have them.
    pub(super) fn of_terminal() -> Look {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_coloured = io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_set("CI") && !is_dumb;
        let width = terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0));
        Look::of(is_coloured, width)
    }

    fn of(is_coloured: bool, width: usize) -> Look {
        let renderer = if is_coloured { Renderer::styled() } else { Renderer::plain() };
        Look { renderer: renderer.term_width(width.max(40)), is_coloured }
    }

    fn severity(&self, severity: Severity) -> String {
        let colour = match severity {
            Severity::Error => "31",
            Severity::Warning => "33",
            Severity::Note => "36",
        };
        if self.is_coloured { format!("\u{1b}[1;{colour}m{severity}\u{1b}[0m") } else { severity.to_string() }
    }

    /// A line with a mark under the columns of a place. What is written in a Secret is not shown.
    fn line(&self, line: &str, place: &Place, severity: Severity) -> Option<String> {
        let is_secret = place.object.as_deref().is_some_and(|object| object.starts_with("Secret/"));
        if is_secret && (place.field.starts_with("/data") || place.field.starts_with("/stringData")) {
            return None;
        }
        let (from, to) = place.columns?;
        let part = |skip: usize, count: usize| {
            let part: String = line.chars().skip(skip).take(count).collect();
            shown::line(&part.replace('\t', "    ")).into_owned()
        };
        let before = part(from.saturating_sub(1 + AROUND), (from - 1).min(AROUND));
        let marked = part(from - 1, (to - from).min(AROUND));
        let after = part(to - 1, if to - from > AROUND { 0 } else { AROUND });
        let (start, end) = (before.len(), before.len() + marked.len());
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let source = format!("{before}{marked}{after}");
        let snippet =
            Snippet::source(source).line_start(place.line).annotation(AnnotationKind::Primary.span(start..end));
        let shown = self.renderer.render(&[Group::with_level(level).element(snippet)]);
        Some(shown.lines().map(|line| format!("  {}\n", line.trim_end())).collect())
    }
}

/// So much of a report is made before it is said.
const FULL: usize = 1 << 16;

/// Says a report, part after part: there may be more to say than memory should hold.
pub(super) fn report(
    report: &Report<'_>,
    look: &Look,
    say: &mut impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut text = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        for page in report.pages.all().iter().filter(|page| page.severity == severity) {
            let of_page = |f: &&Finding| f.code == page.code && f.allowed.is_none();
            let findings: Vec<_> = report.findings.iter().filter(of_page).collect();
            if !findings.is_empty() {
                section(&mut text, report, page, &findings, look, say)?;
            }
        }
    }
    let _ = writeln!(text, "{}", shown::text(&summary(report)));
    say(&text)
}

fn section(
    text: &mut String,
    report: &Report<'_>,
    page: &Page,
    findings: &[&Finding],
    look: &Look,
    say: &mut impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let _ = writeln!(text, "{}: {} [{}, {}]", look.severity(page.severity), page.title, page.code, page.rule);
    for finding in findings {
        if text.len() > FULL {
            say(text)?;
            text.clear();
        }
        let what = wrap(&finding.what, 6);
        let Some(place) = &finding.place else {
            let _ = writeln!(text, "  {}", shown::text(&what));
            continue;
        };
        let column = place.columns.map(|(from, _)| format!(":{from}")).unwrap_or_default();
        let _ = writeln!(text, "  {}:{}{column}", shown::line(&place.file), place.line);
        if let Some(line) = report.lines.get(place).and_then(|line| look.line(line, place, page.severity)) {
            text.push_str(&line);
        }
        if let Some(object) = &place.object {
            let _ = writeln!(text, "      {} {}", shown::line(object), shown::line(&place.field));
        }
        let _ = writeln!(text, "      {}", shown::text(&what));
    }
    let _ = writeln!(text, "  why: {}", wrap(&page.why, 7));
    let _ = writeln!(text, "  fix: {}", wrap(&page.fix, 7));
    for see in &page.see {
        let _ = writeln!(text, "  see: {see}");
    }
    let _ = writeln!(text, "  how sure: {}\n", page.confidence.words());
    Ok(())
}

pub(super) fn summary(report: &Report<'_>) -> String {
    let of = |severity, what| counted(report.count(severity), what);
    let mut line = format!(
        "{}, {}, {} in {} of {}",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Note, "note"),
        counted(report.collection.objects.len(), "object"),
        counted(report.files(), "file"),
    );
    if report.allowed() > 0 {
        let _ = write!(line, "; {} allowed", report.allowed());
    }
    if report.collection.skipped > 0 {
        let _ = write!(line, "; {} passed over, being no objects", counted(report.collection.skipped, "document"));
    }
    line
}
