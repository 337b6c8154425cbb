//! What `--version` says beside the number.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::upstream::bundle;

static LONG: LazyLock<String> = LazyLock::new(text);

/// Version, commit, catalog and bundle, a line each.
pub(super) fn long() -> &'static str {
    LONG.as_str()
}

/// What there is to say where the version alone is asked for. clap would say the same, having made ready every command and flag first,
/// which takes as long as all the rest.
pub(super) fn asked(arguments: &[OsString]) -> Option<String> {
    match arguments {
        [_, flag] if flag == "--version" => Some(format!("knrender {}\n", long())),
        [_, flag] if flag == "-V" => Some(format!("knrender {}\n", env!("CARGO_PKG_VERSION"))),
        _ => None,
    }
}

fn text() -> String {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    if let Some(commit) = option_env!("KNRENDER_COMMIT") {
        let _ = write!(text, "\ncommit {commit}");
    }
    let _ = write!(text, "\ncatalog of {}", env!("KNRENDER_CATALOG"));
    let _ = match bundle::count() {
        0 => write!(text, "\nno bundle: upstream files come from the cache, a mirror or the network"),
        count => write!(text, "\nbundle of {count} upstream files"),
    };
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_version_is_what_clap_would_say() {
        let asked = |flag: &str| asked(&["knrender".into(), flag.into()]).unwrap();
        let command = crate::cli::Cli::command();
        assert_eq!(asked("--version"), command.render_long_version());
        assert_eq!(asked("-V"), command.render_version());
        assert_eq!(super::asked(&["knrender".into(), "--version".into(), "plan".into()]), None);
    }
}
