//! Fargate: what a pod becomes there. [`pod`] finds pod templates, [`quantity`] reads what they ask for, [`size`] says
//! which size AWS gives them, and [`lint`] holds them, and all that is around them, against the rule book.

pub mod lint;
pub mod pod;
pub mod quantity;
pub mod size;
