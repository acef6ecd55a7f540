//! This computer's place in its networks.

pub(crate) mod interfaces;
