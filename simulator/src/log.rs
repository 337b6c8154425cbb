//! Requests from files: a CSV, or an ALB's access log, plain or gzip. They are read as they are needed and never held as a
//! whole.
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use knrender_objects::time::rfc3339;

use super::time::{Micros, SECOND, micros, seconds};
use super::traffic::{Arrival, MOST_REQUESTS, Traffic, too_many};

/// A log is in the order of its answers. So far ahead is read to put it into the order of its requests.
const AHEAD: Micros = 600 * SECOND;
/// The longest time that is simulated: 31 days.
const LONGEST: Micros = 31 * 86_400 * SECOND;
/// The most requests a second in a row of a CSV.
const MOST_RATE: f64 = 1_000_000.0;
/// The longest line, in bytes.
const LINE: u64 = 64 * 1024;
/// How many lines of a log may be none: one in twenty.
const BAD_SHARE: u64 = 20;
/// A stretch without a request that is worth telling.
const GAP: Micros = 3600 * SECOND;
/// What a duration is that the file does not give.
const NONE: Micros = Micros::MAX;

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A row a request: columns of time and duration.
    Requests { time: usize, duration: Option<usize> },
    /// A row a rate, which holds until the next row.
    Rates { time: usize, rate: usize },
    /// An ALB's access log.
    Alb,
}

/// Requests from a file, a folder of files, or standard input.
pub struct Reader {
    files: VecDeque<PathBuf>,
    lines: Option<Box<dyn BufRead>>,
    name: String,
    line: u64,
    form: Option<Form>,
    /// Only requests for this host.
    host: Option<String>,
    /// What is read ahead: time on the file's clock, number, duration.
    ahead: BinaryHeap<Reverse<(i64, u64, Micros)>>,
    number: u64,
    newest: i64,
    last_row: Option<i64>,
    /// The row with a rate that holds until the next one, and how long the one before held.
    row: Option<(i64, f64)>,
    held: i64,
    /// How many requests the rates come to so far.
    planned: f64,
    /// A stretch with a rate whose requests are still to come: from, rate, until.
    stretch: Option<(i64, f64, i64)>,
    /// The file's clock at the start.
    base: Option<i64>,
    next: Option<(Micros, Micros)>,
    last: Micros,
    /// Whether what the file says about how long requests took counts.
    pub with_durations: bool,
    /// What was noticed.
    pub notes: Notes,
}

/// What was noticed while reading.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Lines of a log in all.
    pub lines: u64,
    /// Requests for other hosts.
    pub other_hosts: u64,
    /// Lines that are none, and the first of them.
    pub bad: u64,
    first_bad: Vec<String>,
    /// Requests so late in the log that they were moved.
    pub late: u64,
    /// The longest stretch without a request: from when, how long.
    pub gap: Option<(Micros, Micros)>,
}

impl Notes {
    /// In words, where there is something to say.
    pub fn to_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.bad > 0 {
            lines.push(format!(
                "{} of {} lines are no lines of an ALB log: {}",
                self.bad,
                self.lines,
                self.first_bad.join("; ")
            ));
        }
        if self.other_hosts > 0 {
            lines.push(format!("{} requests for other hosts were passed over", self.other_hosts));
        }
        if self.late > 0 {
            lines.push(format!(
                "{} requests came more than ten minutes before their place in the log; they are taken later",
                self.late
            ));
        }
        if let Some((from, long)) = self.gap {
            lines.push(format!("there is no request for {:.0} s, from second {:.0} on", seconds(long), seconds(from)));
        }
        lines
    }
}

impl Reader {
    /// Opens a file, a folder, or standard input (`-`).
    ///
    /// # Errors
    /// In words, why it cannot be read.
    pub fn open(path: &Path, host: Option<&str>) -> Result<Reader, String> {
        let mut files = VecDeque::from([path.to_owned()]);
        if path.is_dir() {
            let found = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
            files = found
                .filter_map(Result::ok)
                .filter(|e| e.file_type().is_file())
                .map(walkdir::DirEntry::into_path)
                .collect();
            if files.is_empty() {
                return Err(format!("--traffic {}: there is no file in it", path.display()));
            }
        }
        let mut reader = Reader {
            files,
            lines: None,
            name: path.display().to_string(),
            line: 0,
            form: None,
            host: host.map(str::to_owned),
            ahead: BinaryHeap::new(),
            number: 0,
            newest: i64::MIN,
            last_row: None,
            row: None,
            held: 60 * SECOND as i64,
            planned: 0.0,
            stretch: None,
            base: None,
            next: None,
            last: 0,
            with_durations: true,
            notes: Notes::default(),
        };
        reader.advance()?;
        if reader.next.is_none() {
            let others = if reader.notes.other_hosts > 0 { " for this host" } else { "" };
            return Err(format!("--traffic {}: there is no request{others} in it", path.display()));
        }
        Ok(reader)
    }

    /// Whether the file says how long requests took.
    pub fn has_durations(&self) -> bool {
        matches!(self.form, Some(Form::Alb | Form::Requests { duration: Some(_), .. }))
    }

    fn at(&self, why: impl std::fmt::Display) -> String {
        format!("{}, line {}: {why}", self.name, self.line)
    }

    /// The next line; `None` after the last one of the last file.
    fn read_line(&mut self, text: &mut String) -> Result<bool, String> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(file) = self.files.pop_front() else { return Ok(false) };
                self.name = file.display().to_string();
                self.lines = Some(open(&file).map_err(|e| format!("--traffic {}: {e}", self.name))?);
                self.line = 0;
                continue;
            };
            let mut bytes = Vec::new();
            let read = lines.by_ref().take(LINE + 1).read_until(b'\n', &mut bytes);
            let read = read.map_err(|e| format!("{}, after line {}: {e}", self.name, self.line))?;
            if read == 0 {
                self.lines = None;
                continue;
            }
            self.line += 1;
            if read as u64 > LINE {
                return Err(self.at("it is longer than 64 KiB; this is no list of requests"));
            }
            text.clear();
            text.push_str(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
            if !text.trim().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads ahead as far as it takes to know the next request.
    fn advance(&mut self) -> Result<(), String> {
        let mut text = String::new();
        let mut more = true;
        loop {
            let ahead = if self.form == Some(Form::Alb) { AHEAD as i64 } else { 0 };
            if let Some(Reverse((time, _, _))) = self.ahead.peek()
                && (!more || *time <= self.newest.saturating_sub(ahead))
            {
                break;
            }
            if let Some((from, rate, until)) = self.stretch {
                self.stretch = (rate > 0.0 && from < until).then(|| {
                    self.add(from, NONE);
                    (from + micros(1.0 / rate).max(1) as i64, rate, until)
                });
                continue;
            }
            if !more {
                break;
            }
            more = self.read_line(&mut text)?;
            if more {
                self.take(&text)?;
            } else {
                self.finish()?;
            }
        }
        let Some(Reverse((time, _, duration))) = self.ahead.pop() else {
            self.next = None;
            return Ok(());
        };
        let base = *self.base.get_or_insert(time);
        let mut at = u64::try_from(time - base).unwrap_or(0);
        if time < base || at < self.last {
            self.notes.late += 1;
            at = self.last;
        }
        if at > LONGEST {
            return Err(self.at("this is more than 31 days after the start"));
        }
        let gap = at - self.last;
        if gap >= GAP && self.notes.gap.is_none_or(|(_, longest)| gap > longest) {
            self.notes.gap = Some((self.last, gap));
        }
        self.last = at;
        self.next = Some((at, duration));
        Ok(())
    }

    fn add(&mut self, time: i64, duration: Micros) {
        self.newest = self.newest.max(time);
        self.number += 1;
        self.ahead.push(Reverse((time, self.number, duration)));
    }

    /// Takes a line.
    fn take(&mut self, text: &str) -> Result<(), String> {
        match self.form {
            None => self.take_first(text),
            Some(Form::Alb) => {
                self.notes.lines += 1;
                match alb(text) {
                    Some((_, _, host))
                        if self.host.as_deref().is_some_and(|wanted| !host.eq_ignore_ascii_case(wanted)) =>
                    {
                        self.notes.other_hosts += 1;
                    }
                    Some((time, duration, _)) => self.add(time, duration),
                    None => {
                        self.notes.bad += 1;
                        if self.notes.first_bad.len() < 3 {
                            self.notes.first_bad.push(format!("{}, line {}", self.name, self.line));
                        }
                        if self.notes.bad * BAD_SHARE > self.notes.lines.max(200) {
                            return Err(self.too_bad());
                        }
                    }
                }
                Ok(())
            }
            Some(Form::Requests { time, duration }) => {
                let fields: Vec<&str> = fields(text);
                if self.line == 1 || is_header(&fields) {
                    return Ok(()); // of another file of the folder
                }
                let at = self.time(&fields, time)?;
                let took = match duration.and_then(|column| fields.get(column)).filter(|text| !text.is_empty()) {
                    None => NONE,
                    Some(text) => {
                        let took = text.parse::<f64>().ok().filter(|d| (0.0..=86_400.0).contains(d));
                        micros(took.ok_or_else(|| {
                            self.at(format!("duration `{text}` is no number of seconds from 0 to 86400"))
                        })?)
                    }
                };
                self.add(at, took);
                Ok(())
            }
            Some(Form::Rates { time, rate }) => {
                let fields: Vec<&str> = fields(text);
                if self.line == 1 || is_header(&fields) {
                    return Ok(());
                }
                let at = self.time(&fields, time)?;
                let text = fields.get(rate).copied().unwrap_or_default();
                let rate = text.parse::<f64>().ok().filter(|r| (0.0..=MOST_RATE).contains(r));
                let rate = rate.ok_or_else(|| {
                    self.at(format!("rate `{text}` is no number of requests a second from 0 to {MOST_RATE}"))
                })?;
                self.base.get_or_insert(at);
                if let Some((from, rate)) = self.row.replace((at, rate)) {
                    self.held = at - from;
                    return self.stretch(from, rate, at);
                }
                Ok(())
            }
        }
    }

    /// A rate holds for a while, if not too many requests come of it.
    fn stretch(&mut self, from: i64, rate: f64, until: i64) -> Result<(), String> {
        self.planned += rate * seconds(u64::try_from(until - from).unwrap_or(0));
        if self.planned > MOST_REQUESTS as f64 {
            return Err(self.at(too_many(self.planned)));
        }
        self.stretch = Some((from, rate, until));
        Ok(())
    }

    /// The rate of the last row holds as long as that of the row before did.
    fn finish(&mut self) -> Result<(), String> {
        if let Some((from, rate)) = self.row.take() {
            self.stretch(from, rate, from + self.held)?;
        }
        if self.notes.bad * BAD_SHARE > self.notes.lines {
            return Err(self.too_bad());
        }
        Ok(())
    }

    fn too_bad(&self) -> String {
        format!(
            "--traffic: {} of {} lines are no lines of an ALB log, more than one in {BAD_SHARE}: {}",
            self.notes.bad,
            self.notes.lines,
            self.notes.first_bad.join("; ")
        )
    }

    fn take_first(&mut self, text: &str) -> Result<(), String> {
        let text = text.trim_start_matches('\u{feff}');
        let fields = fields(text);
        let column = |name: &str| fields.iter().position(|field| field.eq_ignore_ascii_case(name));
        self.form = match (column("time"), column("rate")) {
            (Some(time), Some(rate)) => Some(Form::Rates { time, rate }),
            (Some(time), None) => Some(Form::Requests { time, duration: column("duration") }),
            _ => {
                self.form = Some(Form::Alb);
                let first = text.split(' ').next().unwrap_or_default();
                if alb(text).is_none() && !["http", "https", "h2", "grpcs", "ws", "wss"].contains(&first) {
                    return Err(self.at(
                        "this is neither the header of a CSV (time,duration or time,rate) nor a line of an ALB access log",
                    ));
                }
                return self.take(text);
            }
        };
        Ok(())
    }

    fn time(&mut self, fields: &[&str], column: usize) -> Result<i64, String> {
        let text = fields.get(column).copied().unwrap_or_default();
        let time = match text.parse::<f64>() {
            Ok(number) if number.abs() <= 1e11 => {
                if number < 0.0 {
                    return Err(self.at(format!("time `{text}` is below 0")));
                }
                // Seconds from the start, unless they are those since 1970.
                if number < 1e8 {
                    self.base.get_or_insert(0);
                }
                (number * 1e6).round() as i64
            }
            _ => time(text)
                .ok_or_else(|| self.at(format!("time `{text}` is neither a number of seconds nor RFC 3339")))?,
        };
        if let Some(last) = self.last_row.filter(|last| time < *last) {
            return Err(self.at(format!(
                "time `{text}` goes back by {:.3} s; the rows have to be in order",
                (last - time) as f64 / 1e6
            )));
        }
        self.last_row = Some(time);
        Ok(time)
    }
}

impl Traffic for Reader {
    fn peek(&mut self) -> Result<Option<Micros>, String> {
        if self.next.is_none() {
            self.advance()?;
        }
        Ok(self.next.map(|(at, _)| at))
    }

    fn pop(&mut self) -> Arrival {
        let duration = self.next.take().map(|(_, duration)| duration).filter(|d| *d != NONE && self.with_durations);
        Arrival { duration, closed: false }
    }

    fn answered(&mut self, _: Micros) -> bool {
        false
    }

    fn is_over(&self) -> bool {
        self.next.is_none()
            && self.ahead.is_empty()
            && self.lines.is_none()
            && self.files.is_empty()
            && self.stretch.is_none()
    }
}

impl Traffic for &mut Reader {
    fn peek(&mut self) -> Result<Option<Micros>, String> {
        (**self).peek()
    }

    fn pop(&mut self) -> Arrival {
        (**self).pop()
    }

    fn answered(&mut self, now: Micros) -> bool {
        (**self).answered(now)
    }

    fn is_over(&self) -> bool {
        (**self).is_over()
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut bytes: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(1 << 17, File::open(path)?))
    };
    let is_gzip = bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(bytes))) } else { bytes })
}

fn fields(text: &str) -> Vec<&str> {
    text.split(',').map(|field| field.trim().trim_matches('"').trim()).collect()
}

fn is_header(fields: &[&str]) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case("time"))
}

/// When a request of an ALB log came, how long its target took, and its host.
fn alb(text: &str) -> Option<(i64, Micros, &str)> {
    let mut rest = text;
    let mut field = || {
        rest = rest.trim_start_matches(' ');
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None if rest.is_empty() => return None,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        rest = after;
        Some(value)
    };
    let kind = field()?;
    if !["http", "https", "h2", "grpcs", "ws", "wss"].contains(&kind) {
        return None;
    }
    let answered = field()?;
    for _ in 0..4 {
        field()?;
    }
    let took: f64 = field()?.parse().ok()?;
    for _ in 0..5 {
        field()?;
    }
    let url = field()?.split(' ').nth(1)?;
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    // Eight more, then the time at which the request came; older logs end before it.
    let mut created = None;
    for at in 0..9 {
        let Some(value) = field() else { break };
        created = Some(value).filter(|_| at == 8);
    }
    let time = time(created.unwrap_or(answered))?;
    let duration = if (0.0..=86_400.0).contains(&took) { micros(took) } else { NONE };
    Some((time, duration, host))
}

/// A time as RFC 3339 writes it, or with a space in place of the T, in microseconds since 1970.
fn time(text: &str) -> Option<i64> {
    let text: Cow<'_, str> =
        if text.as_bytes().get(10) == Some(&b' ') { text.replacen(' ', "T", 1).into() } else { text.into() };
    i64::try_from(rfc3339(&text)?.div_euclid(1000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(f64, Option<f64>)>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut reader = Reader::open(file.path(), None)?;
        let mut found = Vec::new();
        while let Some(at) = reader.peek()? {
            found.push((seconds(at), reader.pop().duration.map(seconds)));
        }
        Ok(found)
    }

    fn line(created: &str, answered: &str, took: &str) -> String {
        format!(
            "https {answered} app/k8s-a/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:8080 0.000 {took} 0.000 200 200 34 366 \
             \"GET https://hello.apps.example.com:443/ HTTP/1.1\" \"curl/7.46.0 (x; \\y)\" ECDHE TLSv1.2 arn:aws:a \"Root=1-58\" \
             \"hello.apps.example.com\" \"arn:b\" 0 {created} \"forward\" \"-\" \"-\" \"10.0.0.1:8080\" \"200\" \"-\" \"-\" TID_a\n"
        )
    }

    #[test]
    fn a_csv_of_requests_is_read() {
        assert_eq!(read("time,duration\n1,0.5\n1.5,\n").unwrap(), [(1.0, Some(0.5)), (1.5, None)]);
        let absolute = "duration,time\n2,2026-01-01T00:00:00Z\n1,2026-01-01T01:00:01.25+01:00\n";
        assert_eq!(read(absolute).unwrap(), [(0.0, Some(2.0)), (1.25, Some(1.0))]);
        assert_eq!(read("time\n2026-01-01 00:00:00Z\n2026-01-01 00:00:02Z\n").unwrap(), [(0.0, None), (2.0, None)]);
    }

    #[test]
    fn a_csv_of_rates_holds_each_rate_until_the_next_row() {
        let times: Vec<f64> = read("time,rate\n0,2\n2,0\n10,1\n12,0\n").unwrap().into_iter().map(|(t, _)| t).collect();
        assert_eq!(times, [0.0, 0.5, 1.0, 1.5, 10.0, 11.0]);
        // The last rate holds as long as the one before.
        assert_eq!(read("time,rate\n0,0\n3,1\n").unwrap().len(), 3);
    }

    #[test]
    fn an_alb_log_comes_into_the_order_of_its_requests() {
        let log = line("2026-01-01T00:00:05.000000Z", "2026-01-01T00:00:06.000000Z", "1.000")
            + &line("2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:09.000000Z", "8.500")
            + &line("2026-01-01T00:00:07.000000Z", "2026-01-01T00:00:10.000000Z", "-1");
        assert_eq!(read(&log).unwrap(), [(0.0, Some(8.5)), (4.5, Some(1.0)), (6.5, None)]);
    }

    #[test]
    fn gzip_and_other_hosts() {
        use std::io::Write as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log.gz");
        let mut gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        let text = line("2026-01-01T00:00:05.000000Z", "2026-01-01T00:00:06.000000Z", "1.000");
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap();
        let mut reader = Reader::open(dir.path(), Some("HELLO.apps.example.com")).unwrap();
        assert_eq!(reader.peek(), Ok(Some(0)));
        let why = Reader::open(&path, Some("other")).err().unwrap();
        assert!(why.contains("no request for this host"), "{why}");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
        assert!(Reader::open(&path, None).err().is_some_and(|why| why.contains("a.log.gz")));
    }

    #[test]
    fn bad_input_is_refused_with_its_line() {
        for (text, word) in [
            ("", "no request"),
            ("time,duration\n", "no request"),
            ("time\n5\n4\n", "line 3: time `4` goes back by 1.000 s"),
            ("time\n-5\n", "line 2: time `-5` is below 0"),
            ("time,rate\n0,-1\n", "line 2: rate `-1`"),
            ("time,rate\n0,1e12\n", "line 2: rate `1e12`"),
            ("time,duration\n0,x\n", "line 2: duration `x`"),
            ("time\nyesterday\n", "neither a number"),
            ("time\n2026-02-31T00:00:00Z\n", "neither a number"),
            ("time\n1\n9000000\n", "31 days"),
            ("hello world\n", "neither the header"),
            ("\u{0}\u{1}\u{2}", "neither the header"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn a_few_bad_lines_are_counted_and_many_are_an_error() {
        let good = line("2026-01-01T00:00:05.000000Z", "2026-01-01T00:00:06.000000Z", "1.000");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), good.repeat(30) + "http rubbish\n").unwrap();
        let mut reader = Reader::open(file.path(), None).unwrap();
        while reader.peek().unwrap().is_some() {
            reader.pop();
        }
        assert!(reader.notes.to_lines()[0].contains("1 of 31 lines") && reader.notes.to_lines()[0].contains("line 31"));
        let why = read(&(good.repeat(10) + "http rubbish\n")).unwrap_err();
        assert!(why.contains("line 11"), "{why}");
    }

    #[test]
    fn a_long_gap_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "time\n0\n10\n20000\n").unwrap();
        let mut reader = Reader::open(file.path(), None).unwrap();
        while reader.peek().unwrap().is_some() {
            reader.pop();
        }
        assert_eq!(reader.notes.to_lines(), ["there is no request for 19990 s, from second 10 on"]);
    }
}
