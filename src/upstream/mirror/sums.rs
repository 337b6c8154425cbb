//! The list of digests at the top of a mirror folder, as `sha256sum` writes and checks it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{MirrorError, stay_inside};
use crate::digest::Sha256Hex;
use crate::regular;

/// How large a list may be, in bytes: some hundred thousand files.
const MAX_BYTES: u64 = 64 << 20;

/// The entries of the list at `path`, by name; none when there is no list. Empty lines and comments are passed over.
pub(super) fn read(path: &Path, root: &Path) -> Result<BTreeMap<String, Sha256Hex>, MirrorError> {
    let unreadable = |why| MirrorError::Unreadable { path: crate::shown::path(path), why };
    if path.symlink_metadata().is_ok() {
        stay_inside(path, root)?;
    }
    let bytes = regular::read_regular(path, MAX_BYTES).map_err(unreadable)?.unwrap_or_default();
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")))?;
    let mut entries = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, digest) =
            entry(line).ok_or_else(|| MirrorError::Sums { path: crate::shown::path(path), line: number })?;
        entries.insert(name.to_owned(), digest);
    }
    Ok(entries)
}

/// The list with these entries, sorted by name.
pub(super) fn write(entries: &BTreeMap<String, Sha256Hex>) -> String {
    let lines: Vec<_> = entries.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
    lines.concat()
}

/// `<sha256>  <name>`, or ` *<name>` as in binary mode. An escaped name, which begins with a backslash before the digest,
/// is none that knrender writes.
fn entry(line: &str) -> Option<(&str, Sha256Hex)> {
    let (digest, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
    let name = name.strip_prefix("./").unwrap_or(name);
    Some((name, digest.to_ascii_lowercase().parse().ok()?)).filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{SUMS, mirror_write};
    use super::*;

    const URL: &str = "https://github.com/a/b/v1+2/c.yaml";

    #[test]
    fn sums_are_merged_and_sorted() {
        let dir = tempfile::tempdir().unwrap();
        let (a, z) = (Sha256Hex::of(b"a"), Sha256Hex::of(b"z"));
        fs::write(dir.path().join(SUMS), format!("# mine\n{z}  ./z.example/z\n\n{a} *a.example/a\n")).unwrap();
        mirror_write(dir.path(), URL, b"c").unwrap();
        let c = Sha256Hex::of(b"c");
        let text = fs::read_to_string(dir.path().join(SUMS)).unwrap();
        assert_eq!(text, format!("{a}  a.example/a\n{c}  github.com/a/b/v1+2/c.yaml\n{z}  z.example/z\n"));
        for bad in ["x", &format!("{a}"), &format!("{a}  "), &format!("\\{a}  x\\n"), &"é".repeat(64)] {
            fs::write(dir.path().join(SUMS), format!("{text}{bad}\n")).unwrap();
            let error = mirror_write(dir.path(), URL, b"c").unwrap_err().to_string();
            assert!(error.contains("SHA256SUMS: line 4"), "{error}");
        }
    }
}
