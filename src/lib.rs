//! knrender makes Knative run on AWS EKS Fargate: it takes pinned upstream release YAML, rewrites it by rules that carry their
//! reasons, and gives the files that a cluster applies in order. The same input gives the same bytes.
//!
//! The command is `knrender`; this library is what it is made of, and what its tests use. It goes one way, from what was asked
//! for to the files of `out/`:
//!
//! ```
//! use knrender::{config::Ask, fargate::cost::Prices, pipeline, rewrite::library, stack::Stack};
//! use knrender::upstream::{catalog::Catalog, fetch::{Silent, Sources}, lock::Lock, supply, verify::Publishers};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if !std::path::Path::new("../shared/upstream").is_dir() { return Ok(println!("no mirror of upstream here")) }
//! let catalog = Catalog::embedded();
//! let stack = Stack::resolve(&Ask::default(), &catalog)?; // today's Knative with Kourier
//! let mut sources = Sources::new(&Silent); // cache, mirror, network: bytes from anywhere, held to digests
//! sources.mirror = Some("../shared/upstream".parse()?);
//! let inputs = supply::supply(
//!     stack.assets(), &mut Lock::default(), &sources, &Publishers::new(&catalog, None), false, &mut Vec::new(),
//! )?;
//! let mut rules = Vec::new();
//! for chosen in &stack.components {
//!     rules.extend(library::builtin(&chosen.component)?);
//! }
//! let render = pipeline::render(&stack, &rules, inputs, &Prices::embedded()?, &|_| false)?;
//! assert!(render.files.contains_key("apply.sh"));
//! # Ok(())
//! # }
//! ```
//!
//! The judges take manifests of any origin:
//!
//! ```
//! use knrender::lint::{self, set::{self, Set}};
//! use knrender::manifest::collection::Collection;
//!
//! let mut collection = Collection::default();
//! collection.add("agent.yaml", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}}");
//! let objects = set::objects(&collection.objects);
//! let findings = lint::run(&Set::new(&objects, None), &[]);
//! assert!(findings.iter().any(|finding| finding.code == "daemon-set")); // there are no nodes that could run it
//! ```
//!
//! # Where things are
//!
//! - What was asked for, and what it means: [`config`], [`options`], [`stack`].
//! - Bytes and whose they are: [`upstream`], [`digest`]; images and their registries: [`images`], [`registry`].
//! - The render: [`pipeline`] is the line from inputs to files, through [`manifest`], [`rewrite`] with its [`ledger`], [`batch`],
//!   [`delivery`] and [`output`]; [`report`] is what is said about it.
//! - The judges: [`lint`] (Fargate, the ALB, Knative there), [`validate`] (what servers refuse, with [`schema`] and [`cel`]),
//!   [`policy`] (lints for the cluster itself); [`findings`] is what they say.
//! - What Fargate makes of pods and what it costs: [`fargate`], [`bill`], [`simulate`], [`page`].
//! - Day two: [`diff`], [`upgrade`], [`doctor`].
//! - What several of these know: [`alb`], [`aws`], [`kubernetes`], [`knative`], [`app`], and the small tools [`value`], [`yaml`], [`mod@pointer`],
//!   [`regexp`], [`go`], [`regular`], [`script`], [`shown`], [`embedded`], [`error`].
//! - [`cli`] is the command line, and the only part that prints.
//!
//! No part promises its form to other crates: what is kept from version to version is the command, its files and its reports.

pub mod alb;
pub mod app;
pub mod aws;
pub mod batch;
pub mod bill;
pub mod cel;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod diff;
pub mod digest;
pub mod doctor;
pub mod embedded;
pub mod error;
pub mod fargate;
pub mod findings;
pub mod images;
pub mod knative;
pub mod kubernetes;
pub mod ledger;
pub mod lint;
pub mod manifest;
pub mod options;
pub mod output;
pub mod page;
mod parallel;
pub mod pipeline;
pub mod policy;
pub mod regexp;
pub mod registry;
pub mod regular;
pub mod report;
pub mod rewrite;
pub mod schema;
pub mod script;
pub mod shown;
pub mod simulate;
pub mod stack;
pub mod upgrade;
pub mod upstream;
pub mod validate;

pub use knrender_objects::{go, pointer, time, value, yaml};
