//! The two exceptions of the local network: for a while without a password, and one tool without encryption.

mod anybody;
mod anybody_ends;
mod clear;
mod plain;
mod plain_apart;
mod plain_ends;
