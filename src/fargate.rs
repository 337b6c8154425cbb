//! Fargate: what a pod becomes there. [`pod`] finds pod templates, [`quantity`] reads what they ask for, [`size`] says
//! which size AWS gives them.

pub mod pod;
pub mod quantity;
pub mod size;
