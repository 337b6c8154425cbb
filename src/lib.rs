//! knrender.
pub mod batch;
pub mod cli;
pub mod config;
pub mod digest;
pub mod embedded;
pub mod error;
pub mod images;
pub mod kubernetes;
pub mod ledger;
pub mod manifest;
pub mod output;
pub mod pipeline;
pub mod report;
pub mod rewrite;
pub mod stack;
pub mod upstream;
pub mod yaml;
