//! `knrender policy`: the lints as admission policies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::{General, print, say};
use crate::error::Error;
use crate::findings::page::{Book, Page, Pages};
use crate::output::{self, Files};
use crate::policy::{Engine, Policies};
use crate::yaml::{self, Style};

#[derive(Args, Debug)]
#[command(after_help = "\
Errors of lint are refused, warnings are warned about, notes are recorded in the audit log. All namespaces but kube-system,
kube-public and kube-node-lease are meant. Exit codes: 0 fine; 2 usage; 4 output not written.")]
pub(super) struct PolicyArgs {
    /// Who judges
    #[arg(long, value_enum, default_value_t = Engine::Vap)]
    engine: Engine,
    /// Folder for the policies, which `kubectl apply -f` takes; without it all goes to standard output
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Refuse nothing and warn of nothing: record only
    #[arg(long)]
    audit_only: bool,
    /// Say which lints have a policy, and which have none
    #[arg(long, conflicts_with_all = ["out", "audit_only"])]
    list: bool,
    #[command(flatten)]
    general: General,
}

pub(super) fn run(args: &PolicyArgs) -> Result<(), Error> {
    let policies = Policies::embedded().map_err(Error::Input)?;
    let pages = Pages::embedded(Book::Lint).map_err(Error::Input)?;
    let pages = pages.all();
    if args.list {
        return print(list(&policies, pages).as_bytes());
    }
    let mut files = BTreeMap::new();
    for policy in policies.all() {
        let Some(page) = pages.iter().find(|page| page.code == policy.code) else { continue };
        let objects = policies.objects(policy, page, args.engine, args.audit_only);
        let texts: Vec<String> = objects.iter().map(|object| yaml::emit(object, Style::default())).collect();
        files.insert(format!("{}.yaml", policy.code), texts.join("---\n"));
    }
    let Some(dir) = &args.out else {
        return print(files.into_values().collect::<Vec<_>>().join("---\n").as_bytes());
    };
    let count = files.len();
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    output::write(dir, &Files::from(files))?;
    if !args.general.quiet {
        say(&format!("{count} policies in {}", dir.display()));
    }
    Ok(())
}

/// Which lints the cluster can judge.
fn list(policies: &Policies, pages: &[Page]) -> String {
    let mut out = String::new();
    let covered = |page: &Page| policies.all().iter().find(|policy| policy.code == page.code);
    let count = pages.iter().filter(|page| covered(page).is_some()).count();
    for page in pages {
        let what = match covered(page) {
            Some(policy) if policy.beyond.is_empty() => "policy",
            Some(_) => "policy, for what one object shows",
            None => "no policy: it takes more than one object, or has no expression yet",
        };
        out.extend([format!("{:<30} {:<8} {what}\n", page.code, page.severity.name())]);
    }
    let share = count * 100 / pages.len().max(1);
    out + &format!("{count} of {} lints have a policy ({share} %)\n", pages.len())
}
