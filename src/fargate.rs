//! Fargate: what a pod becomes there. [`pod`] finds pod templates, [`quantity`] reads what they ask for, [`size`] says
//! which size AWS gives them, [`asked`] what they asked for before, [`cost`] what that costs, [`plan`] puts it together, [`fit`] makes templates fit, [`sizing`] what a user wants, [`headroom`] what is said about it,
//! [`profile`] says which pods Fargate takes at all,
//! and [`logging`] reads the log router's configuration.

pub mod asked;
pub mod cost;
pub mod fit;
pub mod headroom;
pub mod logging;
pub mod plan;
pub mod pod;
pub mod profile;
pub mod quantity;
pub mod size;
pub mod sizing;

/// How long a pod may take to start, in seconds (F27: plan for 30 to 90).
pub const COLD_START: u32 = 90;
