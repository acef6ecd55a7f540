//! This computer's place in its networks.

pub(crate) mod hops;
pub(crate) mod interfaces;
