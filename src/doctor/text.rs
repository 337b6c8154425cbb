//! The report for people: what is the same of many objects is said once.

use std::fmt::Write as _;

use super::{Finding, Report};
use crate::shown::wrap;

/// So many objects of which the same is said are named on one line each; more are a list.
const LINES: usize = 3;

impl Report {
    /// For people.
    pub fn to_text(&self) -> String {
        let cluster = if self.cluster.is_empty() || self.cluster == self.context {
            String::new()
        } else {
            format!(", cluster {}", self.cluster)
        };
        let mut text =
            format!("context {}{cluster}, server {}, {} rendered objects\n", self.context, self.server, self.objects);
        let mut groups: Vec<Vec<&Finding>> = Vec::new();
        for finding in &self.findings {
            let same = |group: &&mut Vec<&Finding>| {
                group.first().is_some_and(|first| {
                    first.fields.is_empty()
                        && finding.fields.is_empty()
                        && (first.word, &first.what, &first.next) == (finding.word, &finding.what, &finding.next)
                })
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(finding),
                None => groups.push(vec![finding]),
            }
        }
        for group in &groups {
            one(&mut text, group);
        }
        for unread in &self.unread {
            let _ = writeln!(text, "\n{}", wrap(&format!("not read: {}: {}", unread.what, unread.why), 4));
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "{}", wrap(&format!("note: {note}"), 4));
        }
        for log in &self.logs {
            let _ = writeln!(text, "\nlog of {}", log.of);
            for line in &log.lines {
                let _ = writeln!(text, "  {line}");
            }
        }
        let _ =
            writeln!(text, "\n{} requests, all read-only; a server-side dry run stores nothing:", self.requests.len());
        let prefix = format!("kubectl --context {} ", self.context);
        for request in &self.requests {
            let short = request.strip_prefix(&prefix).and_then(|r| r.split_once("s ")).map(|(_, request)| request);
            let _ = writeln!(text, "  {}", short.unwrap_or(request));
        }
        let _ = writeln!(text, "\n{}", self.sum());
        text
    }
}

fn one(text: &mut String, group: &[&Finding]) {
    let Some(first) = group.first() else { return };
    let word = first.word.name();
    text.push('\n');
    if group.len() <= LINES {
        for (i, finding) in group.iter().enumerate() {
            let last = i + 1 == group.len();
            let line = if last { format!("{}: {}", finding.object, finding.what) } else { finding.object.clone() };
            let _ = writeln!(text, "{}", wrap(&format!("{word}: {line}"), 4));
        }
    } else {
        let _ = writeln!(text, "{}", wrap(&format!("{word}: {} objects: {}", group.len(), first.what), 4));
        let names: Vec<&str> = group.iter().map(|finding| finding.object.as_str()).collect();
        let _ = writeln!(text, "    {}", wrap(&names.join(", "), 4));
    }
    for field in &first.fields {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
        let _ = writeln!(text, "    {}", field.field);
        let _ = writeln!(text, "      rendered  {}", shown(&field.rendered));
        let _ = writeln!(text, "      cluster   {}", shown(&field.live));
    }
    if let Some(next) = &first.next {
        let _ = writeln!(text, "    {}", wrap(&format!("next: {next}"), 6));
    }
    if let Some(see) = &first.see {
        let _ = writeln!(text, "    see: {see}");
    }
}
