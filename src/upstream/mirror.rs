//! Mirrors: a folder or a base URL laid out as `<host>/<path>` of the public URLs. A source of bytes, never of trust.
//!
//! ```text
//! SHA256SUMS                                            of what knrender put there, for `sha256sum -c`
//! github.com/knative/serving/releases/download/...      one file for each URL
//! ```

mod sums;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::address::{self, AddressError};
use crate::digest::Sha256Hex;
use crate::regular;

/// The list of digests at the top of a mirror folder.
pub const SUMS: &str = "SHA256SUMS";

/// A mirror, read from `--mirror` or `KNRENDER_MIRROR`.
#[derive(Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A folder, as the user named it.
    Dir(PathBuf),
    /// A base URL: https, or http on this machine. May hold a user and a password, which are never shown.
    Url(Url),
}

/// What is wrong with a mirror, or with a file in it.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The text names no mirror. The user is to blame.
    #[error("{text:?} is no mirror: {why}. Give a folder, or an https URL (http on this machine alone)")]
    NotAMirror {
        /// The text, without secrets.
        text: String,
        /// The reason.
        why: String,
    },
    /// The mirror's folder is not there. The user is to blame.
    #[error("the mirror {dir} is not a folder ({why}); `knrender upstream mirror {dir}` makes it")]
    NoFolder {
        /// The folder, as the user gave it.
        dir: String,
        /// The reason.
        why: io::Error,
    },
    /// A file in the mirror cannot be read. Whoever keeps the mirror is to blame.
    #[error("{path}: cannot be read from the mirror: {why}")]
    Unreadable {
        /// The file, below the folder as the user gave it.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// A symlink leads out of the mirror. Whoever keeps the mirror is to blame.
    #[error("{path} leads out of the mirror, to {target}: put the file itself there")]
    Outside {
        /// The file, below the folder as the user gave it.
        path: String,
        /// Where the symlink leads.
        target: String,
    },
    /// A file in the mirror cannot be written.
    #[error("{path}: cannot be written: {why}")]
    Unwritable {
        /// The file or folder.
        path: String,
        /// The reason.
        why: io::Error,
    },
    /// `SHA256SUMS` is not a list of digests. Whoever wrote it is to blame.
    #[error("{path}: line {line} is not `<sha256>  <path>`: correct it, or move the file away and mirror again")]
    Sums {
        /// The list.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// The URL has no place in a mirror.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Where a mirror keeps the bytes of one public URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, below the folder as the user named it.
    File(PathBuf),
    /// A URL below the base URL.
    Url(Url),
}

/// What [`mirror_write`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file, below the folder as the user gave it.
    pub path: PathBuf,
    /// False: the same bytes were there already.
    pub changed: bool,
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Mirror, MirrorError> {
        let refuse = |why: &str| MirrorError::NotAMirror { text: address::shown(text), why: why.to_owned() };
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        // A path may hold a colon, and `C:\x` would be a URL; only `scheme://` is taken for one.
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Mirror::Dir(text.into())) };
        if scheme.len() < 2 || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return Ok(Mirror::Dir(text.into()));
        }
        if text.contains(['?', '#']) {
            return Err(refuse("a base URL has no query and no fragment"));
        }
        if scheme.eq_ignore_ascii_case("file") {
            let url = Url::parse(text).map_err(|e| refuse(&address::wrong(e)))?;
            let path = url.to_file_path().map_err(|()| refuse("a file URL names a folder on this machine"))?;
            return Ok(Mirror::Dir(path));
        }
        match address::parse(text) {
            Ok(url) => Ok(Mirror::Url(url)),
            Err(AddressError::NotAUrl { why, .. }) => Err(refuse(&why)),
            Err(_) => Err(refuse("it is neither https nor http on this machine")),
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mirror::Dir(dir) => f.write_str(&crate::shown::path(dir)),
            Mirror::Url(url) => f.write_str(&address::shown(url.as_str())),
        }
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mirror({self})")
    }
}

impl Mirror {
    /// Where this mirror keeps the bytes of a public URL.
    pub fn place(&self, url: &str) -> Result<Place, AddressError> {
        let segments = address::place(url)?;
        match self {
            Mirror::Dir(dir) => Ok(Place::File(below(dir, &segments))),
            Mirror::Url(base) => {
                let mut place = base.clone();
                place
                    .path_segments_mut()
                    .map_err(|()| AddressError::NoPlace {
                        url: address::shown(url),
                        why: "the mirror's URL cannot be a base".to_owned(),
                    })?
                    .pop_if_empty()
                    .extend(&segments);
                Ok(Place::Url(place))
            }
        }
    }
}

/// Reads the bytes of a public URL from the mirror folder `dir`. `Ok(None)`: the mirror does not have them.
///
/// An error: `dir` is not a folder, the URL has no place in a mirror, a symlink leads out of it, or what is there is not a
/// readable file of at most `max_bytes` bytes.
pub fn mirror_read(dir: &Path, url: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, MirrorError> {
    let path = below(dir, &address::place(url)?);
    let unreadable = |why| MirrorError::Unreadable { path: crate::shown::path(&path), why };
    let root = root(dir)?;
    match path.canonicalize() {
        Ok(real) if real.starts_with(&root) => regular::read_regular(&real, max_bytes).map_err(unreadable),
        Ok(real) => Err(MirrorError::Outside { path: crate::shown::path(&path), target: crate::shown::path(&real) }),
        Err(why) if why.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_ok() => {
            Err(unreadable(io::Error::new(io::ErrorKind::NotFound, "it is a symlink to nothing")))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(unreadable(why)),
    }
}

/// Puts the bytes of a public URL into the mirror folder `dir`, making folders as needed, and their digest into its
/// [`SUMS`]. A file with the same bytes is left alone. A file appears whole or not at all.
///
/// An error: the URL has no place in a mirror, a symlink leads out of `dir`, something cannot be written, or [`SUMS`] is
/// not a list of digests. Not for several writers of one folder at the same time: one could lose the other's line.
pub fn mirror_write(dir: &Path, url: &str, bytes: &[u8]) -> Result<Written, MirrorError> {
    let segments = address::place(url)?;
    let unwritable = |path: &Path, why| MirrorError::Unwritable { path: crate::shown::path(path), why };
    fs::create_dir_all(dir).map_err(|why| unwritable(dir, why))?;
    let root = root(dir)?;
    let list = dir.join(SUMS);
    let mut entries = sums::read(&list, &root)?;

    let path = below(dir, &segments);
    let mut folder = dir.to_owned();
    for segment in &segments[..segments.len().saturating_sub(1)] {
        folder.push(segment);
        match fs::create_dir(&folder) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(unwritable(&folder, why)),
            _ => stay_inside(&folder, &root)?,
        }
    }
    let changed = write_changed(&path, bytes, &root)?;

    let name = segments.join("/");
    let digest = Sha256Hex::of(bytes);
    if entries.insert(name, digest) != Some(digest) {
        write_changed(&list, sums::write(&entries).as_bytes(), &root)?;
    }
    Ok(Written { path, changed })
}

fn below(dir: &Path, segments: &[String]) -> PathBuf {
    let mut path = dir.to_owned();
    path.extend(segments);
    path
}

fn root(dir: &Path) -> Result<PathBuf, MirrorError> {
    let missing = |why| MirrorError::NoFolder { dir: crate::shown::path(dir), why };
    let root = dir.canonicalize().map_err(missing)?;
    if root.is_dir() { Ok(root) } else { Err(missing(io::ErrorKind::NotADirectory.into())) }
}

/// An error if `path`, which is there, is or passes a symlink that leads out of `root`.
fn stay_inside(path: &Path, root: &Path) -> Result<(), MirrorError> {
    match path.canonicalize() {
        Ok(real) if real.starts_with(root) => Ok(()),
        Ok(real) => Err(MirrorError::Outside { path: crate::shown::path(path), target: crate::shown::path(&real) }),
        Err(why) => Err(MirrorError::Unwritable { path: crate::shown::path(path), why }),
    }
}

/// Writes a file unless it has these bytes already. Returns whether it did.
fn write_changed(path: &Path, bytes: &[u8], root: &Path) -> Result<bool, MirrorError> {
    let unwritable = |why| MirrorError::Unwritable { path: crate::shown::path(path), why };
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            // Also when it leads to nothing: what it would lead to is not for knrender to make.
            stay_inside(path, root)?;
        }
        Ok(found) if found.is_dir() => return Err(unwritable(io::ErrorKind::IsADirectory.into())),
        Ok(_) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(unwritable(why)),
    }
    let same = u64::try_from(bytes.len()).is_ok_and(|size| {
        regular::read_regular(path, size).is_ok_and(|found| found.is_some_and(|found| found == bytes))
    });
    if !same {
        regular::write_whole(path, bytes).map_err(unwritable)?;
    }
    Ok(!same)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://github.com/a/b/v1+2/c.yaml";

    #[test]
    fn a_mirror_is_a_folder_or_a_url() {
        let dir = |text: &str| Mirror::Dir(text.into());
        for (text, expected) in [
            ("mirror", dir("mirror")),
            ("../m", dir("../m")),
            ("/srv/m:x", dir("/srv/m:x")),
            ("C:\\m", dir("C:\\m")),
            ("file:///srv/m%20x/", dir("/srv/m x/")),
            ("https://me:s3cret@m.example/a/", Mirror::Url("https://me:s3cret@m.example/a/".parse().unwrap())),
            ("http://127.0.0.1:8080", Mirror::Url("http://127.0.0.1:8080".parse().unwrap())),
        ] {
            let mirror: Mirror = text.parse().unwrap();
            assert_eq!(mirror, expected);
            assert!(!format!("{mirror} {mirror:?}").contains("s3cret"));
        }
        for text in [
            "",
            "http://m.example",
            "ftp://m.example",
            "s3://bucket",
            "https://",
            "https://m/?x=s3cret",
            "https://m/#x",
        ] {
            let error = text.parse::<Mirror>().unwrap_err().to_string();
            assert!(error.contains("is no mirror: ") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_place_in_a_mirror() {
        for (mirror, expected) in [
            ("https://m.example", "https://m.example/github.com/a/b/v1+2/c.yaml"),
            ("https://m.example/x/", "https://m.example/x/github.com/a/b/v1+2/c.yaml"),
            ("https://m.example/x", "https://m.example/x/github.com/a/b/v1+2/c.yaml"),
        ] {
            let mirror: Mirror = mirror.parse().unwrap();
            assert!(mirror.place(URL).unwrap() == Place::Url(expected.parse().unwrap()));
            let Place::Url(place) = mirror.place("https://h/%252e%252e/%2B").unwrap() else { panic!() };
            assert!(place.as_str().ends_with("/h/%252e%252e/+"), "{place}");
            assert!(mirror.place("https://h/../x").is_err());
        }
        assert!(dir_place("m") == Place::File("m/github.com/a/b/v1+2/c.yaml".into()));
    }

    fn dir_place(dir: &str) -> Place {
        Mirror::Dir(dir.into()).place(URL).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new/mirror");
        assert!(matches!(mirror_read(&dir, URL, 9), Err(MirrorError::NoFolder { .. })));
        let written = mirror_write(&dir, URL, b"a: 1\n").unwrap();
        assert_eq!(written, Written { path: dir.join("github.com/a/b/v1+2/c.yaml"), changed: true });
        assert_eq!(mirror_read(&dir, URL, 5).unwrap().unwrap(), b"a: 1\n");
        assert_eq!(mirror_read(&dir, "https://github.com/a/other", 5).unwrap(), None);
        let error = mirror_read(&dir, URL, 4).unwrap_err().to_string();
        assert!(error.contains("c.yaml") && error.contains("5 bytes, more than the 4"), "{error}");
        let error = mirror_read(&dir, "https://github.com/a/b", 9).unwrap_err().to_string();
        assert!(error.contains("it is a folder"), "{error}");
        let error = mirror_read(&dir, &format!("{URL}/x"), 9).unwrap_err().to_string();
        assert!(error.contains("c.yaml/x: cannot be read from the mirror"), "{error}");
        assert!(matches!(mirror_read(&dir, "https://github.com/../a", 9), Err(MirrorError::Address(_))));
    }

    #[test]
    fn same_bytes_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = mirror_write(dir.path(), URL, b"a: 1\n").unwrap().path;
        let before = (
            path.metadata().unwrap().modified().unwrap(),
            dir.path().join(SUMS).metadata().unwrap().modified().unwrap(),
        );
        assert!(!mirror_write(dir.path(), URL, b"a: 1\n").unwrap().changed);
        let after = (
            path.metadata().unwrap().modified().unwrap(),
            dir.path().join(SUMS).metadata().unwrap().modified().unwrap(),
        );
        assert_eq!(before, after);
        assert!(mirror_write(dir.path(), URL, b"a: 22\n").unwrap().changed);
        assert_eq!(fs::read(path).unwrap(), b"a: 22\n");
    }

    #[cfg(unix)]
    #[test]
    fn symlinks_out_of_the_mirror_are_refused() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("c.yaml"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = mirror_write(dir.path(), URL, b"a: 1\n").unwrap().path;

        // The file, to a file, to a file beside it, and to nothing.
        fs::remove_file(&path).unwrap();
        symlink(outside.path().join("c.yaml"), &path).unwrap();
        assert!(matches!(mirror_read(dir.path(), URL, 99), Err(MirrorError::Outside { .. })));
        assert!(matches!(mirror_write(dir.path(), URL, b"x"), Err(MirrorError::Outside { .. })));
        fs::remove_file(&path).unwrap();
        fs::write(path.with_file_name("real"), "in").unwrap();
        symlink("real", &path).unwrap();
        assert_eq!(mirror_read(dir.path(), URL, 99).unwrap().unwrap(), b"in");
        fs::remove_file(&path).unwrap();
        symlink(outside.path().join("nothing"), &path).unwrap();
        let error = mirror_read(dir.path(), URL, 99).unwrap_err().to_string();
        assert!(error.contains("symlink to nothing"), "{error}");
        assert!(mirror_write(dir.path(), URL, b"x").is_err());

        // A folder on the way.
        let folder = path.parent().unwrap();
        fs::remove_dir_all(folder).unwrap();
        symlink(outside.path(), folder).unwrap();
        assert!(matches!(mirror_read(dir.path(), URL, 99), Err(MirrorError::Outside { .. })));
        assert!(matches!(mirror_write(dir.path(), URL, b"x"), Err(MirrorError::Outside { .. })));

        // The list.
        fs::remove_file(folder).unwrap();
        fs::remove_file(dir.path().join(SUMS)).unwrap();
        symlink(outside.path().join("sums"), dir.path().join(SUMS)).unwrap();
        assert!(mirror_write(dir.path(), URL, b"x").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::read(outside.path().join("c.yaml")).unwrap(), b"secret");

        // A mirror that is a symlink itself is what the user asked for.
        let link = outside.path().join("link");
        fs::remove_file(dir.path().join(SUMS)).unwrap();
        symlink(dir.path(), &link).unwrap();
        mirror_write(&link, URL, b"a: 2\n").unwrap();
        assert_eq!(mirror_read(&link, URL, 99).unwrap().unwrap(), b"a: 2\n");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = mirror_write(dir.path(), URL, b"a: 1\n").unwrap().path;
        fs::remove_file(&path).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let error = mirror_read(dir.path(), URL, 99).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
}
