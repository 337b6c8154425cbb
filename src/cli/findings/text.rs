//! Findings for people: the worst first, those of one lint together, each with its line and a mark under what is meant, and what
//! is said about the lint once.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Report, counted};
use crate::error::Error;
use crate::findings::page::{Page, Severity};
use crate::findings::{Finding, Place, by_code};
use crate::shown::wrap;
use crate::{parallel, shown};

/// So many characters of a long line are looked at on both sides of what is marked.
const AROUND: usize = 400;

/// How wide a line may be where there is no terminal.
const WIDTH: usize = 120;

/// How a report looks.
pub(super) struct Look {
    renderer: Renderer,
    is_coloured: bool,
    width: usize,
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
        let width = width.max(40);
        Look { renderer: renderer.term_width(width), is_coloured, width }
    }

    fn severity(&self, severity: Severity) -> String {
        let colour = match severity {
            Severity::Error => "31",
            Severity::Warning => "33",
            Severity::Note => "36",
        };
        if self.is_coloured { format!("\u{1b}[1;{colour}m{severity}\u{1b}[0m") } else { severity.to_string() }
    }

    /// A line with a mark under the columns of a place.
    fn line(&self, line: &str, place: &Place, severity: Severity) -> Option<String> {
        let (from, to) = place.columns?;
        let is_ascii = line.is_ascii();
        let byte = |column: usize| {
            let at = if is_ascii { Some(column) } else { line.char_indices().nth(column).map(|(at, _)| at) };
            at.unwrap_or(line.len()).min(line.len())
        };
        let part = |skip: usize, count: usize| {
            let part = line[byte(skip)..byte(skip + count)].replace('\t', "    ");
            shown::line(&part).into_owned()
        };
        let before = part(from.saturating_sub(1 + AROUND), (from - 1).min(AROUND));
        let marked = part(from - 1, (to - from).min(AROUND));
        let after = part(to - 1, if to - from > AROUND { 0 } else { AROUND });
        let (start, end) = (before.len(), before.len() + marked.len());
        let source = format!("{before}{marked}{after}");
        if let Some(shown) = self.simple(&source, start..end, place.line) {
            return Some(shown);
        }
        Some(self.rendered(&source, start..end, place.line, severity))
    }

    /// A marked line as [`Look::rendered`] shows it, for most lines: without colours, in ASCII, and shorter than the terminal is wide.
    fn simple(&self, source: &str, marked: Range<usize>, number: usize) -> Option<String> {
        let number = number.to_string();
        let fits = number.len() + source.len() + 16 < self.width;
        if self.is_coloured || !source.is_ascii() || !fits || marked.is_empty() {
            return None;
        }
        let (gap, source) = (" ".repeat(number.len()), source.trim_end());
        let (before, mark) = (" ".repeat(marked.start), "^".repeat(marked.len()));
        Some(format!("  {gap} |\n  {number} | {source}\n  {gap} | {before}{mark}\n"))
    }

    fn rendered(&self, source: &str, marked: Range<usize>, number: usize, severity: Severity) -> String {
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let snippet = Snippet::source(source).line_start(number).annotation(AnnotationKind::Primary.span(marked));
        let shown = self.renderer.render(&[Group::with_level(level).element(snippet)]);
        shown.lines().map(|line| format!("  {}\n", line.trim_end())).collect()
    }
}

/// So many findings are made ready before they are said: there may be more to say than memory should hold.
const WINDOW: usize = 2048;

/// So many findings are made ready by one thread rather than by several.
const PARALLEL: usize = 64;

/// Says a report, part after part.
pub(super) fn report(
    report: &Report<'_>,
    look: &Look,
    say: &mut impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut text = String::new();
    let findings = by_code(report.findings);
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        for page in report.pages.all().iter().filter(|page| page.severity == severity) {
            if let Some(findings) = findings.get(page.code.as_str()) {
                section(&mut text, report, page, findings, look, say)?;
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
    for findings in findings.chunks(WINDOW) {
        let parts = parallel::over(
            findings,
            PARALLEL,
            || (),
            |(), part| part.iter().map(|finding| one(report, page, finding, look)).collect::<String>(),
        );
        for part in parts {
            text.push_str(&part);
        }
        if findings.len() == WINDOW {
            say(text)?;
            text.clear();
        }
    }
    let _ = writeln!(text, "  why: {}", wrap(&page.why, 7));
    let _ = writeln!(text, "  fix: {}", wrap(&page.fix, 7));
    for see in &page.see {
        let _ = writeln!(text, "  see: {see}");
    }
    let _ = writeln!(text, "  how sure: {}\n", page.confidence.words());
    Ok(())
}

/// What is said of one finding.
fn one(report: &Report<'_>, page: &Page, finding: &Finding, look: &Look) -> String {
    let what = wrap(&finding.what, 6);
    let what = shown::text(&what);
    let Some(place) = &finding.place else { return format!("  {what}\n") };
    let column = place.columns.map(|(from, _)| format!(":{from}")).unwrap_or_default();
    let mut text = format!("  {}:{}{column}\n", shown::line(&place.file), place.line);
    if let Some(line) = report.lines.get(place).and_then(|line| look.line(line, place, page.severity)) {
        text.push_str(&line);
    }
    if let Some(object) = &place.object {
        let _ = writeln!(text, "      {} {}", shown::line(object), shown::line(&place.field));
    }
    let _ = writeln!(text, "      {what}");
    text
}

pub(super) fn summary(report: &Report<'_>) -> String {
    let count = report.counts();
    let of = |severity, what| counted(count(severity), what);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_shown_quickly_looks_as_any_other(
            source in "[ -~]{1,130}",
            ends in (0..130_usize, 1..130_usize),
            number in 1..200_000_usize,
            width in 30..200_usize,
        ) {
            let from = ends.0 % source.len();
            let to = from + 1 + ends.1 % (source.len() - from);
            let look = Look::of(false, width);
            if let Some(simple) = look.simple(&source, from..to, number) {
                prop_assert_eq!(simple, look.rendered(&source, from..to, number, Severity::Error));
            }
        }
    }
}
