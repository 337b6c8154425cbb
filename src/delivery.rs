//! What goes to `out/` beside the batches: everything else between an empty account and a service that scales to zero.
//!
//! Each module makes the files of one folder, from the same view of a finished render; none of them reads or writes anything.

pub mod apps;
pub mod controller;

use std::collections::BTreeMap;

use crate::batch::Batches;
use crate::stack::Stack;

/// Files of `out/`, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A render whose batches are done.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'r> {
    /// The stack.
    pub stack: &'r Stack,
    /// Its objects.
    pub batches: &'r Batches,
    /// Whether an object is too large for client-side apply, so that everything is applied by the server.
    pub server_side: bool,
}

impl Delivery<'_> {
    /// The name of the file of the first batch.
    pub fn first(&self) -> String {
        self.batch("first")
    }

    /// The name of the file of the second batch, where there is one.
    pub fn second(&self) -> Option<String> {
        (!self.batches.second.is_empty()).then(|| self.batch("second"))
    }

    fn batch(&self, order: &str) -> String {
        format!("knative-{}-fargate-{order}-batch.yaml", self.stack.ingress.name())
    }
}
