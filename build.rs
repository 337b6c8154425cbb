//! Puts the catalog, the built-in rules, the templates, the model of Kubernetes and what is said about findings into the
//! binary, so that it works alone.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut code = String::from("[\n");
    for folder in ["data", "patches", "templates", "upstream"] {
        println!("cargo::rerun-if-changed={folder}");
        list(Path::new(&root), folder, Path::new(&out), &mut code)?;
    }
    println!("cargo::rerun-if-env-changed=KNRENDER_COMMIT");
    println!("cargo::rustc-env=KNRENDER_CATALOG={}", newest_date(&Path::new(&root).join("upstream"))?);
    let code = format!("static FILES: [File; {}] = {code}];", code.matches("File::of").count());
    fs::write(Path::new(&out).join("embedded.rs"), code)?;
    bundle(Path::new(&out))
}

/// The newest day that the catalog's files speak of reading something: lines such as `read: 2026-11-24`.
fn newest_date(folder: &Path) -> io::Result<String> {
    let mut newest = String::new();
    for entry in fs::read_dir(folder)? {
        for line in fs::read_to_string(entry?.path())?.lines() {
            let read = ["read: ", "date: "].iter().find_map(|key| line.trim_start().strip_prefix(key));
            let date = read.map(|date| date.trim_matches(['"', '\'', ' '])).unwrap_or_default();
            if date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-') && *date > *newest {
                date.clone_into(&mut newest);
            }
        }
    }
    Ok(newest)
}

/// Compresses the upstream files of the mirror folder that `KNRENDER_BUNDLE` names, with a list of them, for a binary that needs no
/// network; without it the list is empty.
fn bundle(out: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=KNRENDER_BUNDLE");
    let mut code = String::from("[\n");
    if let Some(folder) = env::var_os("KNRENDER_BUNDLE").filter(|folder| !folder.is_empty()) {
        let folder = Path::new(&folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        if files.is_empty() {
            return Err(io::Error::other(format!("KNRENDER_BUNDLE: there is no file in {}", folder.display())));
        }
        for (i, file) in files.iter().enumerate() {
            fs::write(out.join(format!("bundle-{i}")), deflated(&fs::read(file)?)?)?;
            let place = file.strip_prefix(folder).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
            writeln!(code, "({place:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/bundle-{i}\")) as &[u8]),")
                .map_err(io::Error::other)?;
        }
    }
    code.push(']');
    fs::write(out.join("bundle.rs"), code)
}

/// The files below a folder, in path order.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Examples of lints, which are for the tests alone.
const EXAMPLES: &str = "data/lints/examples";

/// Files of this many bytes and more are compressed.
const LARGE: usize = 4096;

/// A line of the table of files, compressed where that is worth it.
fn embed(root: &Path, path: &str, out: &Path, code: &mut String) -> io::Result<()> {
    let text = fs::read_to_string(root.join(path))?; // it has to be UTF-8
    let packed = text.len() >= LARGE;
    let bytes = if packed {
        let name = format!("packed-{}", path.replace('/', "-"));
        fs::write(out.join(&name), deflated(text.as_bytes())?)?;
        format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))")
    } else {
        format!("include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{path}\"))")
    };
    writeln!(code, "File::of({path:?}, {bytes}, {packed}),").map_err(io::Error::other)
}

fn deflated(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes)?;
    packed.finish()
}

fn list(root: &Path, folder: &str, out: &Path, code: &mut String) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if path == EXAMPLES {
            continue;
        }
        if entry.file_type()?.is_dir() {
            list(root, &path, out, code)?;
        } else {
            embed(root, &path, out, code)?;
        }
    }
    Ok(())
}
