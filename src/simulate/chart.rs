//! Curves: as SVG, and as lines of blocks on a terminal.
//!
//! The SVG is written here and not by a library: it has to follow the reader's light or dark scheme, which takes classes and
//! one style sheet where libraries write colours into every element; it needs a title, a description and rounded numbers, so
//! that it is read aloud and stays the same byte for byte; and axes and lines are all there is to draw.

use std::fmt::Write as _;

use super::outcome::Outcome;
use super::report::{count, dollars, time, trim};
use super::sweep::{Sweep, Trial};
use super::time::seconds;

/// Colours that people with colour blindness tell apart (Okabe and Ito), light and dark; lines differ by their dashes as well.
const STYLE: &str = "\
.kn{font:12px system-ui,sans-serif;--ink:#1b1b1b;--faint:#5c5c5c;--grid:#dcdcdc;--paper:#fff;--a:#0072b2;--b:#c2500a;--c:#00745a}\
@media (prefers-color-scheme:dark){.kn{--ink:#ededed;--faint:#b0b0b0;--grid:#3d3d3d;--paper:#16181c;--a:#56b4e9;--b:#f0a35c;--c:#3fc9a2}}\
.kn .paper{fill:var(--paper)}.kn text{fill:var(--ink)}.kn .faint{fill:var(--faint)}.kn .grid{stroke:var(--grid)}\
.kn .a,.kn .b,.kn .c{fill:none;stroke-width:2;stroke-linejoin:round}.kn .a{stroke:var(--a)}.kn .b{stroke:var(--b);stroke-dasharray:6 3}\
.kn .c{stroke:var(--c);stroke-dasharray:2 2}.kn .area{fill:var(--a);fill-opacity:.2;stroke:none}.kn .dot{fill:var(--grid);stroke:var(--faint)}\
.kn .on{fill:var(--a);stroke:var(--paper)}.kn .best{fill:var(--b);stroke:var(--ink)}.kn .head{font-weight:600}";

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 76.0;
/// The most points of a line.
const POINTS: usize = 400;

/// One line in a panel.
struct Line {
    class: &'static str,
    name: &'static str,
    points: Vec<(f64, f64)>,
    steps: bool,
    /// Points that are further apart than this are not joined.
    apart: Option<f64>,
}

struct Panel {
    title: &'static str,
    lines: Vec<Line>,
}

/// Requests, pods and latency over time.
pub fn svg(outcome: &Outcome, title: &str, id: &str) -> String {
    let end = (outcome.last_second as f64).max(1.0);
    let panels = panels(outcome);
    let height = 40.0 + panels.len() as f64 * (PANEL + GAP);
    let description = format!(
        "{} requests, {} failed; p50 {}, p95 {}, p99 {}; {} pods at the most; {}.",
        count(outcome.total),
        count(outcome.failed()),
        time(outcome.percentile(50.0)),
        time(outcome.percentile(95.0)),
        time(outcome.percentile(99.0)),
        outcome.most_pods,
        time(end)
    );
    let mut svg = head(height, title, &description, id);
    let (unit, divisor) = clock(end);
    for (number, panel) in panels.iter().enumerate() {
        let top = 62.0 + number as f64 * (PANEL + GAP);
        let most = panel.lines.iter().flat_map(|l| &l.points).map(|(_, y)| *y).fold(0.0, f64::max);
        let axis_y = Axis { least: 0.0, most: nice(most), from: top + PANEL, to: top };
        let axis_x = Axis { least: 0.0, most: end / divisor, from: LEFT, to: WIDTH - RIGHT };
        frame(&mut svg, panel.title, &format!("time in {unit}"), &axis_x, &axis_y, top);
        legend(&mut svg, &panel.lines, top);
        for line in &panel.lines {
            path(&mut svg, line, &axis_x, &axis_y, divisor);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Price against latency, of all that was tried.
pub fn frontier(sweep: &Sweep, title: &str, id: &str) -> String {
    let shown = |trial: &Trial| (trial.month, sweep.goal.measure(trial));
    let description = format!(
        "{} settings; {} of them are the cheapest for their {}, from {} to {} a month.",
        sweep.trials.len(),
        sweep.frontier.len(),
        sweep.goal.name(),
        sweep.frontier.first().map_or_else(String::new, |at| dollars(sweep.trials[*at].month)),
        sweep.frontier.last().map_or_else(String::new, |at| dollars(sweep.trials[*at].month)),
    );
    let top = 62.0;
    let tall = 240.0;
    let mut svg = head(top + tall + GAP, title, &description, id);
    let most = |of: fn(&(f64, f64)) -> f64| sweep.trials.iter().map(|t| of(&shown(t))).fold(0.0, f64::max);
    let axis_x = Axis { least: 0.0, most: nice(most(|p| p.0)), from: LEFT, to: WIDTH - RIGHT };
    let axis_y = Axis { least: 0.0, most: nice(most(|p| p.1)), from: top + tall, to: top };
    frame(&mut svg, sweep.goal.axis(), "dollars a month", &axis_x, &axis_y, top);
    for (number, trial) in sweep.trials.iter().enumerate() {
        if !sweep.frontier.contains(&number) {
            let (x, y) = shown(trial);
            let _ = write!(svg, r#"<circle class="dot" cx="{:.1}" cy="{:.1}" r="3"/>"#, axis_x.at(x), axis_y.at(y));
        }
    }
    let points: Vec<_> = sweep.frontier.iter().map(|at| shown(&sweep.trials[*at])).collect();
    path(
        &mut svg,
        &Line { class: "a", name: "", points: points.clone(), steps: false, apart: None },
        &axis_x,
        &axis_y,
        1.0,
    );
    for (at, (x, y)) in sweep.frontier.iter().zip(points) {
        let best = sweep.best == Some(*at);
        let (class, radius) = if best { ("best", 6) } else { ("on", 4) };
        let _ = write!(
            svg,
            r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="{radius}"><title>{}</title></circle>"#,
            axis_x.at(x),
            axis_y.at(y),
            escape(&sweep.trials[*at].words())
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panels(outcome: &Outcome) -> Vec<Panel> {
    let width = seconds(outcome.bins.width);
    let bins = || outcome.bins.bins.iter().enumerate().map(|(at, bin)| ((at as f64) * width, bin));
    let mut requests: Vec<_> = bins().map(|(at, bin)| (at, bin.requests as f64 / width)).collect();
    requests.push((outcome.bins.bins.len() as f64 * width, 0.0));
    let answered = || bins().filter(|(_, bin)| bin.answered > 0).map(|(at, bin)| (at + width / 2.0, bin));
    let longest = answered().map(|(at, bin)| (at, seconds(bin.longest))).collect();
    let mean = answered().map(|(at, bin)| (at, bin.sum as f64 / bin.answered as f64 / 1e6)).collect();
    let apart = Some(width * 1.5);
    let line = |class, name, points, steps: bool| Line { class, name, points, steps, apart: apart.filter(|_| !steps) };
    vec![
        Panel { title: "requests a second", lines: vec![line("a", "requests", requests, true)] },
        Panel {
            title: "pods",
            lines: vec![
                line("a", "ready", stretches(outcome, |row| row.1), true),
                line("b", "desired", stretches(outcome, |row| row.0), true),
                line("c", "there", stretches(outcome, |row| row.2), true),
            ],
        },
        Panel {
            title: "latency in seconds",
            lines: vec![line("a", "mean", mean, false), line("b", "longest", longest, false)],
        },
    ]
}

/// The most of a count in each of some stretches: desired, ready, there.
fn stretches(outcome: &Outcome, of: impl Fn((usize, usize, usize)) -> usize) -> Vec<(f64, f64)> {
    let stretch = (outcome.last_second + 1).div_ceil(POINTS as u64).max(1);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for row in outcome.timeline() {
        let value = of((row.desired, row.ready, row.pods)) as f64;
        let at = (row.time / stretch * stretch) as f64;
        match points.last_mut() {
            Some((time, most)) if *time >= at => *most = most.max(value),
            _ => points.push((at, value)),
        }
    }
    points
}

struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.least) / (self.most - self.least) * (self.to - self.from)
    }

    /// Round values along it.
    fn ticks(&self, about: f64) -> Vec<f64> {
        let step = step((self.most - self.least) / about);
        let count = ((self.most - self.least) / step + 1e-9).floor() as usize;
        (0..=count).map(|n| self.least + n as f64 * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least as much.
fn step(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= value * 0.999_999).unwrap_or(power * 10.0)
}

fn nice(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let step = step(most / 4.0);
    (most / step - 1e-9).ceil() * step
}

fn clock(end: f64) -> (&'static str, f64) {
    if end <= 300.0 {
        ("seconds", 1.0)
    } else if end <= 10_800.0 {
        ("minutes", 60.0)
    } else if end <= 172_800.0 {
        ("hours", 3600.0)
    } else {
        ("days", 86_400.0)
    }
}

fn head(height: f64, title: &str, description: &str, id: &str) -> String {
    let (title, description) = (escape(title), escape(description));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kn\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-description\"><title id=\"{id}-title\">{title}</title>\
         <desc id=\"{id}-description\">{description}</desc><style>{STYLE}</style>\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/><text class=\"head\" x=\"16\" y=\"24\">{title}</text>\n"
    )
}

fn frame(svg: &mut String, title: &str, below: &str, x: &Axis, y: &Axis, top: f64) {
    let _ = write!(svg, r#"<text class="faint" x="16" y="{:.0}">{title}</text>"#, top - 12.0);
    for value in y.ticks(4.0) {
        let at = y.at(value);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.0}" y1="{at:.1}" y2="{at:.1}"/><text class="faint" x="{:.0}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            short(value)
        );
    }
    for value in x.ticks(8.0) {
        let _ = write!(
            svg,
            r#"<text class="faint" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            x.at(value),
            y.from + 18.0,
            short(value)
        );
    }
    let _ = writeln!(
        svg,
        r#"<text class="faint" x="{:.0}" y="{:.1}" text-anchor="end">{below}</text>"#,
        WIDTH - RIGHT,
        y.from + 34.0
    );
}

fn legend(svg: &mut String, lines: &[Line], top: f64) {
    let mut at = WIDTH - RIGHT - 110.0 * lines.len() as f64;
    for line in lines {
        let y = top - 16.0;
        let _ = write!(
            svg,
            r#"<path class="{}" d="M{at:.0} {y:.0}h26"/><text x="{:.0}" y="{:.0}">{}</text>"#,
            line.class,
            at + 32.0,
            y + 4.0,
            line.name
        );
        at += 110.0;
    }
    svg.push('\n');
}

fn path(svg: &mut String, line: &Line, x: &Axis, y: &Axis, divisor: f64) {
    if line.points.is_empty() {
        return;
    }
    let mut data = String::new();
    let mut before = f64::NEG_INFINITY;
    for (at, value) in &line.points {
        let (across, up) = (x.at(at / divisor), y.at(*value));
        // Where nobody asked there is no latency to draw.
        let apart = line.apart.is_some_and(|apart| at - before > apart);
        let _ = match (before.is_finite() && !apart, line.steps) {
            (false, _) => write!(data, "M{across:.1} {up:.1}h1"),
            (true, true) => write!(data, "H{across:.1}V{up:.1}"),
            (true, false) => write!(data, "L{across:.1} {up:.1}"),
        };
        before = *at;
    }
    if line.steps {
        let _ = write!(data, "H{:.1}", x.to);
    }
    let _ = writeln!(svg, r#"<path class="{}" d="{data}"/>"#, line.class);
}

fn short(value: f64) -> String {
    if value >= 1_000_000.0 {
        format!("{}M", trim(value / 1e6))
    } else if value >= 10_000.0 {
        format!("{}k", trim(value / 1e3))
    } else if value != 0.0 && value < 0.01 {
        format!("{value:.0e}")
    } else {
        trim(value)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// How wide the lines of blocks are.
const COLUMNS: usize = 72;

/// Requests, pods and latency as lines of blocks.
pub fn blocks(outcome: &Outcome) -> String {
    let end = outcome.last_second.max(1);
    let width = seconds(outcome.bins.width);
    let at = |time: f64| ((time / (end as f64 + 1.0) * COLUMNS as f64) as usize).min(COLUMNS - 1);
    let (mut requests, mut longest) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for (number, bin) in outcome.bins.bins.iter().enumerate() {
        let column = at(number as f64 * width);
        requests[column] = f64::max(requests[column], bin.requests as f64 / width);
        longest[column] = f64::max(longest[column], seconds(bin.longest));
    }
    let (mut desired, mut ready) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for row in outcome.timeline() {
        let column = at(row.time as f64);
        desired[column] = f64::max(desired[column], row.desired as f64);
        ready[column] = f64::max(ready[column], row.ready as f64);
    }
    let mut text = String::new();
    for (name, values, unit) in [
        ("requests", requests, " a second"),
        ("desired", desired, ""),
        ("ready", ready, ""),
        ("latency", longest, " s"),
    ] {
        let most = values.iter().copied().fold(0.0, f64::max);
        let bars: String = values.iter().map(|value| block(*value, most)).collect();
        let _ = writeln!(text, "  {name:<8} |{bars}| {}{unit}", short((most * 10.0).round() / 10.0));
    }
    let _ = writeln!(text, "  {:<8} |0{:>w$}|", "", time(end as f64), w = COLUMNS - 1);
    text
}

fn block(value: f64, most: f64) -> char {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if value <= 0.0 || most <= 0.0 {
        return ' ';
    }
    BLOCKS[((value / most * 8.0).ceil() as usize).clamp(1, 8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "round numbers")]
    fn axes_end_at_round_numbers() {
        assert_eq!([nice(0.0), nice(15.0), nice(100.0), nice(0.33), nice(7.0)], [1.0, 15.0, 100.0, 0.4, 8.0]);
        assert_eq!([short(12_500.0), short(0.25), short(3.0), short(2e6)], ["12.5k", "0.25", "3", "2M"]);
    }

    #[test]
    fn blocks_show_something_for_all_that_is_not_zero() {
        assert_eq!([block(0.0, 5.0), block(0.01, 5.0), block(5.0, 5.0)], [' ', '▁', '█']);
    }
}
