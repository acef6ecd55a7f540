//! The two exceptions of the local network: for a while without a password, and one tool without encryption.

mod anybody;
mod anybody_ends;
