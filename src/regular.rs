//! Files that are read for what they say: regular ones, of a size that people write. A FIFO or a device is refused, not waited
//! for.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

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
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
    }
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file (a FIFO, a socket or a device)"));
    }
    if found.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {MAX_BYTES} bytes")));
    }
    File::open(path)
}
