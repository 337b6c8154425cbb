//! Fargate: what a pod becomes there. [`pod`] finds pod templates, [`quantity`] reads what they ask for, [`size`] says
//! which size AWS gives them, [`cost`] what that costs, and [`plan`] puts it together.

pub mod cost;
pub mod fit;
pub mod plan;
pub mod pod;
pub mod quantity;
pub mod size;
