//! `knrender cache`: what the cache holds, and an end to it.

use super::session::cache_folder;
use super::{CacheArgs, Format, print_json, print_text};
use crate::error::Error;
use crate::shown;
use crate::upstream::store::Store;

pub(super) fn run(args: &CacheArgs) -> Result<(), Error> {
    let Some(folder) = cache_folder() else {
        return Err(Error::Usage("there is no cache: this user has no home; KNRENDER_CACHE names a folder".to_owned()));
    };
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Usage(format!("{}: it is no folder; KNRENDER_CACHE names one", shown::path(&folder))));
    }
    let store = Store::open(folder);
    let dir = shown::path(store.dir());
    let failed = |e: std::io::Error| Error::Write(format!("{dir}: {e}"));
    let held = store.usage().map_err(failed)?;
    if args.clear {
        store.clear().map_err(failed)?;
    }
    match args.format {
        Format::Json => print_json(&crate::value::json!({
            "dir": dir, "files": held.files, "bytes": held.bytes, "marks": held.marks, "cleared": args.clear,
        })),
        Format::Text => {
            let what = if args.clear { "removed from" } else { "in" };
            let (files, bytes, marks) = (held.files, held.bytes, held.marks);
            print_text(&format!(
                "{dir}\n  {files} upstream files of {bytes} bytes and {marks} verdicts {what} the cache\n"
            ))
        }
    }
}
