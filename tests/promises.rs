//! What knrender promises to the people who use it, a module for each part: one program, so that the tests of all of them run at
//! once, and a change is linked once.

mod support;

mod alb;
mod app;
mod apply;
mod cases;
mod catalog;
mod check;
mod cluster;
mod corpora;
mod diff;
mod docs;
mod doctor;
mod examples;
mod failures;
mod fargate;
mod fetch;
mod fleet;
mod gitops;
mod gloo;
mod held;
mod hostile;
mod https;
mod images;
mod init;
mod internal_tls;
mod judge;
mod kubernetes;
mod left_behind;
mod lint;
mod lints;
mod options;
mod policy;
mod prune;
mod registry;
mod report;
mod schemas;
mod simulate;
mod sources;
mod stacks;
mod told;
mod traces;
mod upgrade;
mod validate;
mod verify;
