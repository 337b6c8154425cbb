//! The content-addressed cache: bytes under their own digest, re-hashed whenever they are read.
//!
//! ```text
//! sha256/ab/abcdef...             bytes whose SHA-256 is abcdef...
//! marks/ab/abcdef.../NAME         an empty file: somebody found NAME to hold for these bytes
//! ```
//! There are no locks: every file appears by a rename, and two writers of one file write the same bytes. Nothing is ever
//! trusted because it is in the cache; anybody may delete any of it at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use crate::digest::Sha256Hex;
use crate::regular;

/// A cache folder. Opening it touches nothing; folders are made when something is first kept.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

/// The cache is of no use at the moment. The user's disk or permissions are to blame; a render can do without.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file is there and cannot be read.
    #[error("the cache folder {dir} cannot be read: {file}: {why}")]
    Unreadable {
        /// The cache folder, as the user gave it.
        dir: String,
        /// The file or folder in it.
        file: String,
        /// The reason.
        why: io::Error,
    },
    /// Nothing can be kept: read-only, full, or not a folder. Names the folder and not the file, so that the same
    /// trouble with several assets reads the same.
    #[error(
        "the cache folder {dir} cannot be written ({why}), so the next run fetches again; \
         name a folder that can with KNRENDER_CACHE"
    )]
    Unwritable {
        /// The cache folder, as the user gave it.
        dir: String,
        /// The reason.
        why: io::Error,
    },
    /// A bug in knrender: marks are named in ASCII letters, digits, `.`, `_`, `+` and `-`, and do not begin with a dot.
    #[error("{mark:?} cannot be the name of a mark (this is a bug in knrender)")]
    MarkName {
        /// The name.
        mark: String,
    },
}

/// Of how many bytes and renders the cache remembers something.
const MARKS_MAX: usize = 1000;

/// How many upstream files the cache keeps, and how many bytes: some hundred stacks.
const FILES_MAX: usize = 2000;
const BYTES_MAX: u64 = 1 << 30;

/// How much a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Upstream files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files and renders of which something is remembered.
    pub marks: usize,
}

/// What is in a folder; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

impl Store {
    /// The cache in `dir`.
    pub fn open(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into() }
    }

    /// Where the cache is when nobody says otherwise (`KNRENDER_CACHE` does): `knrender` in the user's cache folder.
    /// `None` when the user has no home.
    pub fn default_dir() -> Option<PathBuf> {
        Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("knrender"))
    }

    /// The cache folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The bytes with this digest, if they are kept. A file whose bytes are not what its name says is removed and
    /// counts as absent.
    pub fn get(&self, digest: &Sha256Hex) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path("sha256", digest);
        match regular::read_regular(&path, u64::MAX) {
            Ok(Some(bytes)) if Sha256Hex::of(&bytes) == *digest => Ok(Some(bytes)),
            Ok(Some(_)) => {
                // Where it cannot be removed, it is found wanting again the next time; a `put` replaces it.
                let _ = fs::remove_file(&path);
                Ok(None)
            }
            Ok(None) => Ok(None),
            Err(why) => {
                let file = path.strip_prefix(&self.dir).unwrap_or(&path).display().to_string();
                Err(StoreError::Unreadable { dir: crate::shown::path(&self.dir), file, why })
            }
        }
    }

    /// Keeps `bytes` and returns their digest. A caller may turn the error into a warning: the bytes are good without.
    pub fn put(&self, bytes: &[u8]) -> Result<Sha256Hex, StoreError> {
        let digest = Sha256Hex::of(bytes);
        self.keep(&self.path("sha256", &digest), bytes)?;
        self.drop_oldest(FILES_MAX, BYTES_MAX);
        Ok(digest)
    }

    /// Removes the files that were fetched first, where there are more than `most` or they have more than `most_bytes`, until
    /// half of that is left. The last one stays. What is removed is fetched again.
    fn drop_oldest(&self, most: usize, most_bytes: u64) {
        let files = entries(&self.dir.join("sha256")).into_iter().flat_map(|folder| entries(&folder));
        let mut files: Vec<_> = files
            .filter_map(|path| path.metadata().ok().map(|meta| (meta.modified().ok(), path, meta.len())))
            .collect();
        let mut bytes: u64 = files.iter().map(|(_, _, size)| size).sum();
        if files.len() <= most && bytes <= most_bytes {
            return;
        }
        files.sort_unstable();
        let mut left = files.len();
        for (_, path, size) in files {
            if left <= 1 || left <= most / 2 && bytes <= most_bytes / 2 {
                break;
            }
            let _ = fs::remove_file(path);
            left -= 1;
            bytes -= size;
        }
    }

    /// Whether [`Store::set_mark`] was called with this name for these bytes. A cache that cannot be read has no marks.
    ///
    /// A mark says only what knrender once found out about the bytes; put its version into the name.
    pub fn has_mark(&self, digest: &Sha256Hex, mark: &str) -> bool {
        is_mark(mark) && self.path("marks", digest).join(mark).is_file()
    }

    /// Remembers that `mark` holds for the bytes with this digest.
    pub fn set_mark(&self, digest: &Sha256Hex, mark: &str) -> Result<(), StoreError> {
        if !is_mark(mark) {
            return Err(StoreError::MarkName { mark: mark.to_owned() });
        }
        self.keep(&self.path("marks", digest).join(mark), b"")?;
        self.forget_oldest(MARKS_MAX);
        Ok(())
    }

    /// Forgets the older half of what was found out where more than `most` bytes have marks. What is forgotten is found out
    /// again.
    fn forget_oldest(&self, most: usize) {
        let mut marked: Vec<_> = entries(&self.dir.join("marks")).iter().flat_map(|folder| entries(folder)).collect();
        if marked.len() <= most {
            return;
        }
        marked.sort_by_cached_key(|path| path.metadata().and_then(|m| m.modified()).ok());
        for path in &marked[..marked.len() - most / 2] {
            let _ = fs::remove_dir_all(path);
        }
    }

    /// What the cache holds.
    ///
    /// # Errors
    /// A file cannot be looked at.
    pub fn usage(&self) -> io::Result<Usage> {
        let mut usage = Usage::default();
        for file in entries(&self.dir.join("sha256")).iter().flat_map(|folder| entries(folder)) {
            usage.files += 1;
            usage.bytes += file.metadata()?.len();
        }
        usage.marks = entries(&self.dir.join("marks")).iter().flat_map(|folder| entries(folder)).count();
        Ok(usage)
    }

    /// Removes all that the cache holds, and nothing else that is in its folder.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        for kind in ["sha256", "marks"] {
            match fs::remove_dir_all(self.dir.join(kind)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, kind: &str, digest: &Sha256Hex) -> PathBuf {
        let name = digest.to_string();
        let mut path = self.dir.join(kind);
        path.push(name.get(..2).unwrap_or_default());
        path.push(name);
        path
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| regular::write_whole(path, bytes))
            .map_err(|why| StoreError::Unwritable { dir: crate::shown::path(&self.dir), why })
    }
}

fn is_mark(mark: &str) -> bool {
    !mark.is_empty()
        && !mark.starts_with('.')
        && mark.len() <= 100
        && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("deep/cache"));
        (dir, store)
    }

    #[test]
    fn bytes_are_kept_under_their_digest() {
        let (_dir, store) = store();
        let digest = Sha256Hex::of(b"kind: Service\n");
        assert_eq!(store.get(&digest).unwrap(), None);
        assert_eq!(store.put(b"kind: Service\n").unwrap(), digest);
        assert_eq!(store.put(b"kind: Service\n").unwrap(), digest);
        assert_eq!(store.get(&digest).unwrap().unwrap(), b"kind: Service\n");
        let name = digest.to_string();
        let folder = store.dir().join("sha256").join(&name[..2]);
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(files, [name.as_str()], "and no temporary file stays");
    }

    #[test]
    fn bytes_that_changed_are_removed_and_fetched_again() {
        let (_dir, store) = store();
        let digest = store.put(b"good").unwrap();
        for bad in [b"evil".as_slice(), b"goo", b"", b"good\n"] {
            let path = store.path("sha256", &digest);
            fs::write(&path, bad).unwrap();
            assert_eq!(store.get(&digest).unwrap(), None);
            assert!(!path.exists());
        }
        store.put(b"good").unwrap();
        assert_eq!(store.get(&digest).unwrap().unwrap(), b"good");
    }

    #[test]
    fn many_may_put_the_same_bytes_at_once() {
        let (_dir, store) = store();
        let bytes = vec![b'x'; 300_000];
        let digest = Sha256Hex::of(&bytes);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert_eq!(store.put(&bytes).unwrap(), digest);
                        assert_eq!(store.get(&digest).unwrap().as_ref(), Some(&bytes));
                    }
                });
            }
        });
    }

    #[test]
    fn a_cache_that_cannot_be_used_is_an_error_value() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let store = Store::open(file.join("cache"));
        let one = store.put(b"1").unwrap_err().to_string();
        let two = store.put(b"2").unwrap_err().to_string();
        assert!(one.contains("KNRENDER_CACHE") && one.contains("file/cache"), "{one}");
        assert_eq!(one, two);
        assert!(!store.has_mark(&Sha256Hex::of(b"1"), "checked"));
        let folder = Store::open(dir.path());
        let digest = Sha256Hex::of(b"3");
        fs::create_dir_all(folder.path("sha256", &digest)).unwrap();
        let error = folder.get(&digest).unwrap_err().to_string();
        assert!(error.contains("it is a folder") && error.contains("sha256"), "{error}");
        let one = folder.put(b"3").unwrap_err().to_string();
        assert!(!one.contains(".knrender-"), "{one}");
    }

    #[test]
    fn the_cache_does_not_grow_for_ever_and_can_be_cleared() {
        let (_dir, store) = store();
        store.put(b"four").unwrap();
        for n in 0..10_u8 {
            store.set_mark(&Sha256Hex::of(&[n]), "valid").unwrap();
        }
        store.forget_oldest(10);
        assert_eq!(store.usage().unwrap(), Usage { files: 1, bytes: 4, marks: 10 });
        store.forget_oldest(8);
        assert_eq!(store.usage().unwrap().marks, 4);
        store.clear().unwrap();
        store.clear().unwrap();
        assert_eq!(store.usage().unwrap(), Usage::default());
    }

    #[test]
    fn files_that_were_fetched_first_go_first() {
        let (_dir, store) = store();
        let digests: Vec<_> = (0..10_u8)
            .map(|n| {
                let digest = store.put(&[n; 100]).unwrap();
                let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(n));
                fs::File::options().write(true).open(store.path("sha256", &digest)).unwrap().set_modified(at).unwrap();
                digest
            })
            .collect();
        let kept = || digests.iter().filter(|digest| store.get(digest).unwrap().is_some()).count();
        store.drop_oldest(10, 1000);
        assert_eq!(kept(), 10);
        store.drop_oldest(9, 1000);
        assert_eq!(kept(), 4);
        store.drop_oldest(9, 399);
        assert_eq!(kept(), 1);
        store.drop_oldest(0, 0);
        assert!(store.get(&digests[9]).unwrap().is_some(), "the last one is there for its run");
    }

    #[test]
    fn marks_are_remembered() {
        let (_dir, store) = store();
        let digest = Sha256Hex::of(b"x");
        assert!(!store.has_mark(&digest, "checked-0.1.0+k8s-1.36"));
        store.set_mark(&digest, "checked-0.1.0+k8s-1.36").unwrap();
        store.set_mark(&digest, "checked-0.1.0+k8s-1.36").unwrap();
        assert!(store.has_mark(&digest, "checked-0.1.0+k8s-1.36"));
        assert!(!store.has_mark(&digest, "checked-0.1.1"));
        assert!(!store.has_mark(&Sha256Hex::of(b"y"), "checked-0.1.0+k8s-1.36"));
        for bad in ["", ".", "..", "../x", "a/b", "a b", "a\0", "é"] {
            assert!(matches!(store.set_mark(&digest, bad), Err(StoreError::MarkName { .. })), "{bad:?}");
            assert!(!store.has_mark(&digest, bad));
        }
    }
}
