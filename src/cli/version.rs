//! What `--version` says beside the number.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::upstream::bundle;

static LONG: LazyLock<String> = LazyLock::new(text);

/// Version, commit, catalog and bundle, a line each.
pub(super) fn long() -> &'static str {
    LONG.as_str()
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
