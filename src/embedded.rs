//! What is compiled into the binary: catalog (`upstream/`), built-in rules (`patches/`), templates (`templates/`), the
//! knowledge in `data/`: the fields of Kubernetes' own kinds, the pages of findings, prices.

static FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The files below `folder`, path and text, in path order.
pub fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let prefix = format!("{folder}/");
    FILES.iter().copied().filter(move |(path, _)| path.starts_with(&prefix))
}

/// The text of one file.
pub fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(p, _)| *p == path).map(|(_, text)| *text)
}
