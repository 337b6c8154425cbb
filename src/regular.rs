//! Files as they should be: read where they are regular ones (a FIFO or a device is refused, not waited for), and written whole or
//! not at all.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// How large such a file may be.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file.
///
/// # Errors
/// It is not there, no regular file, too large, or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// A regular file, opened.
///
/// # Errors
/// It is not there, no regular file, or too large.
pub fn open(path: &Path) -> io::Result<File> {
    open_up_to(path, MAX_BYTES)
}

fn open_up_to(path: &Path, max_bytes: u64) -> io::Result<File> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
    }
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file (a FIFO, a socket or a device)"));
    }
    if found.len() > max_bytes {
        let why = format!("it has {} bytes, more than the {max_bytes} that it may have", found.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    File::open(path)
}

/// Writes `bytes` to a temporary file next to `path`, then renames it to `path`, so that the file is the old one or the new one. The
/// folder must exist. A link is followed; what is no regular file, such as /dev/stdout, is written to as it is.
///
/// # Errors
/// The system's.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = real.as_path();
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::write(path, bytes);
    }
    stage(path, bytes)?.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes `bytes` to a temporary file next to `path`, which is gone unless it is renamed. The folder must exist.
///
/// # Errors
/// The system's.
pub fn stage(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".knrender-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the user's umask
    let mut file = builder.tempfile_in(folder).map_err(without_path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// tempfile puts the random name of its file into its errors: nobody needs it, and equal troubles should read equal.
fn without_path(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => error,
        None => match error.get_ref().and_then(std::error::Error::source).and_then(|e| e.downcast_ref::<io::Error>()) {
            Some(inner) => inner.raw_os_error().map_or_else(|| inner.kind().into(), io::Error::from_raw_os_error),
            None => error.kind().into(),
        },
    }
}

/// The bytes of a file that must be a regular file. Never waits on a FIFO or reads a device.
///
/// `Ok(None)`: there is nothing at `path`.
///
/// # Errors
/// It is something else, it cannot be read, or it is larger than `max_bytes`.
pub fn read_regular(path: &Path, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match open_up_to(path, max_bytes) {
        Ok(file) => file.take(max_bytes).read_to_end(&mut bytes).map(|_| Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_without_the_name_of_a_temporary_file() {
        let place = tempfile::tempdir().unwrap();
        let error = write_whole(&place.path().join("nowhere/a.svg"), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(".knrender-"), "{error}");
    }
}
