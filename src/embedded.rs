//! What is compiled into the binary: catalog (`upstream/`), built-in rules (`patches/`), templates (`templates/`), the
//! knowledge in `data/`: the fields of Kubernetes' own kinds, the pages of findings, prices. Large files are compressed, and
//! unpacked when they are first asked for.

use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;

include!(concat!(env!("OUT_DIR"), "/embedded.rs")); // FILES, by build.rs

/// A file of the binary.
struct File {
    path: &'static str,
    /// The bytes, by Deflate where they are `packed`.
    bytes: &'static [u8],
    packed: bool,
    text: OnceLock<String>,
}

impl File {
    const fn of(path: &'static str, bytes: &'static [u8], packed: bool) -> File {
        File { path, bytes, packed, text: OnceLock::new() }
    }

    /// Text that the build has read as such; a binary that was damaged since has none.
    fn text(&'static self) -> &'static str {
        if !self.packed {
            return std::str::from_utf8(self.bytes).unwrap_or_default();
        }
        self.text.get_or_init(|| {
            let mut text = String::new();
            let read = DeflateDecoder::new(self.bytes).read_to_string(&mut text);
            read.map(|_| text).unwrap_or_default()
        })
    }
}

/// The files below `folder`, path and text, in path order.
pub fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let prefix = format!("{folder}/");
    FILES.iter().filter(move |file| file.path.starts_with(&prefix)).map(|file| (file.path, file.text()))
}

/// The text of one file.
pub fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|file| file.path == path).map(File::text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_what_it_was_when_the_binary_was_built() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in &super::FILES {
            assert_eq!(file.text(), std::fs::read_to_string(root.join(file.path)).unwrap(), "{}", file.path);
        }
        assert!(super::FILES.iter().any(|file| file.packed) && super::FILES.iter().any(|file| !file.packed));
    }
}
