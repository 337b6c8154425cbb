//! Upstream: what exists ([`catalog`]), which bytes this user's renders are held to ([`lock`]), and how they get here.

pub mod address;
pub mod bundle;
pub mod catalog;
pub mod fetch;
pub mod local;
pub mod lock;
pub mod mirror;
pub mod own;
pub mod signature;
pub mod store;
pub mod supply;
pub mod verify;
