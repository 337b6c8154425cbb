//! Registries of container images, asked by the OCI distribution protocol: which digest is behind a tag, whether there is an image
//! for Fargate, and how large it is.
//!
//! It is our own, over the HTTP client that is there already: two kinds of requests, a token, and the manifests that Fargate
//! needs. Nothing is pushed, and no layer is pulled.
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

mod client;
mod credentials;
mod manifest;

pub use client::{Answer, Registry, RegistryError};
pub use credentials::{Credentials, Login};
pub use manifest::Found;
