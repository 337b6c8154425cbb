//! Kubernetes objects, and YAML as Kubernetes reads it: what knrender spends its time in.
//!
//! A crate of its own for the sake of the binary: this is built for speed, and the rest of knrender for size.

#[doc(hidden)]
pub use serde_json; // for `json!`

pub mod go;
pub mod near;
pub mod pointer;
pub mod time;
pub mod value;
pub mod yaml;
