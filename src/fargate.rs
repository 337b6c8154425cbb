//! What is known about EKS Fargate: what a pod may contain, and what has to be true around it.

pub mod lint;
