//! How downloads look: bars on a terminal, a line for each file elsewhere, nothing when quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::upstream::fetch::{Progress, Silent};

/// The progress that suits standard error.
pub(super) fn stderr(quiet: bool) -> Box<dyn Progress> {
    if quiet {
        Box::new(Silent)
    } else if io::stderr().is_terminal() {
        Box::new(Bars::new(ProgressDrawTarget::stderr()))
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}

/// One line for each file: `fetched URL (N bytes)`, and one for each reason to try again, however often it comes. A line that cannot
/// be written is nobody's loss.
#[derive(Debug)]
struct Lines<W> {
    inner: Mutex<(W, BTreeMap<String, u64>)>,
    said: Said,
}

/// The reasons to try again that were said.
#[derive(Debug, Default)]
struct Said(Mutex<BTreeSet<String>>);

impl Said {
    /// Whether it is said for the first time.
    fn is_new(&self, why: &str) -> bool {
        lock(&self.0).insert(why.to_owned())
    }
}

impl<W: Write + Send> Lines<W> {
    /// Writes to `out`.
    fn new(out: W) -> Lines<W> {
        Lines { inner: Mutex::new((out, BTreeMap::new())), said: Said::default() }
    }
}

impl<W: Write + Send> Progress for Lines<W> {
    fn start(&self, url: &str, _: Option<u64>) {
        lock(&self.inner).1.insert(url.to_owned(), 0);
    }

    fn advance(&self, url: &str, bytes: u64) {
        *lock(&self.inner).1.entry(url.to_owned()).or_default() += bytes;
    }

    fn finish(&self, url: &str, ok: bool) {
        let (out, files) = &mut *lock(&self.inner);
        let bytes = files.remove(url).unwrap_or_default();
        if ok {
            let _ = writeln!(out, "{}", fetched(url, bytes));
        }
    }

    fn retry(&self, url: &str, _: u32, why: &str) {
        if self.said.is_new(why) {
            let _ = writeln!(lock(&self.inner).0, "{}", retried(url, why));
        }
    }
}

/// A bar for each running download, which gives way to the same line that [`Lines`] writes.
#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    running: Mutex<BTreeMap<String, ProgressBar>>,
    said: Said,
}

impl Bars {
    /// Draws to `target`.
    fn new(target: ProgressDrawTarget) -> Bars {
        Bars { all: MultiProgress::with_draw_target(target), running: Mutex::default(), said: Said::default() }
    }
}

impl Progress for Bars {
    fn start(&self, url: &str, total: Option<u64>) {
        let mut bars = lock(&self.running);
        let bar = bars.entry(url.to_owned()).or_insert_with(|| {
            let name = url.rsplit('/').next().unwrap_or(url).to_owned();
            let bar = ProgressBar::no_length().with_style(style("{spinner} {msg} {bytes}")).with_message(name);
            let bar = self.all.add(bar);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_position(0);
        if let Some(total) = total {
            bar.set_style(style("{spinner} {msg} [{bar:30}] {bytes}/{total_bytes}"));
            bar.set_length(total);
        }
    }

    fn advance(&self, url: &str, bytes: u64) {
        if let Some(bar) = lock(&self.running).get(url) {
            bar.inc(bytes);
        }
    }

    fn finish(&self, url: &str, ok: bool) {
        let Some(bar) = lock(&self.running).remove(url) else { return };
        bar.finish_and_clear();
        self.all.remove(&bar);
        if ok {
            let _ = self.all.println(fetched(url, bar.position()));
        }
    }

    fn retry(&self, url: &str, _: u32, why: &str) {
        if self.said.is_new(why) {
            let _ = self.all.println(retried(url, why));
        }
    }
}

fn fetched(url: &str, bytes: u64) -> String {
    format!("fetched {url} ({bytes} bytes)")
}

fn retried(url: &str, why: &str) -> String {
    format!("trying again, here and wherever it is the same: {url}: {why}")
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, and good.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// What a thread that panicked left behind is still good enough to count bytes.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(progress: &dyn Progress) {
        progress.start("https://x.example/a", None);
        progress.finish("https://x.example/a", false);
        progress.retry("https://x.example/a", 2, "the server answers 503");
        progress.retry("https://x.example/a", 3, "the server answers 503");
        progress.retry("https://x.example/b", 2, "the server answers 503");
        progress.start("https://x.example/a", None);
        progress.start("https://x.example/a", Some(7));
        progress.start("https://x.example/b", None);
        progress.advance("https://x.example/a", 3);
        progress.advance("https://x.example/b", 10);
        progress.advance("https://x.example/a", 4);
        progress.finish("https://x.example/a", true);
        progress.finish("https://x.example/b", true);
        progress.finish("https://x.example/never-started", false);
    }

    #[test]
    fn a_line_for_each_file_and_one_for_a_reason_to_try_again() {
        let lines = Lines::new(Vec::new());
        play(&lines);
        let text = String::from_utf8(lines.inner.into_inner().unwrap().0).unwrap();
        assert_eq!(
            text,
            "trying again, here and wherever it is the same: https://x.example/a: the server answers 503\n\
             fetched https://x.example/a (7 bytes)\n\
             fetched https://x.example/b (10 bytes)\n"
        );
    }

    #[test]
    fn bars_are_gone_in_the_end() {
        let bars = Bars::new(ProgressDrawTarget::hidden());
        play(&bars);
        assert!(lock(&bars.running).is_empty());
    }
}
