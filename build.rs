//! Puts the catalog, the built-in rules, the templates, the model of Kubernetes and what is said about findings into the
//! binary, so that it works alone.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut code = String::from("[\n");
    let folders = [
        "data/alb",
        "data/cel",
        "data/diff",
        "data/kubernetes",
        "data/prices",
        "data/validate",
        "patches",
        "templates",
        "upstream",
    ];
    for folder in folders {
        println!("cargo::rerun-if-changed={folder}");
        list(Path::new(&root), folder, &mut code)?;
    }
    println!("cargo::rerun-if-changed={PAGES}");
    embed(PAGES, &mut code)?;
    println!("cargo::rerun-if-changed={SIZES}");
    embed(SIZES, &mut code)?;
    code.push(']');
    fs::write(Path::new(&out).join("embedded.rs"), code)
}

/// The examples beside it are for the tests alone.
/// What `--scale` gives each component.
const SIZES: &str = "data/sizes.yaml";

const PAGES: &str = "data/lints/lints.yaml";

fn embed(path: &str, code: &mut String) -> io::Result<()> {
    writeln!(code, "({path:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{path}\"))),")
        .map_err(io::Error::other)
}

fn list(root: &Path, folder: &str, code: &mut String) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(root, &path, code)?;
        } else {
            embed(&path, code)?;
        }
    }
    Ok(())
}
