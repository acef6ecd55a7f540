//! Certificates: making, reading, checking and choosing them.
//!
//! What is here is pure: values in, values out, the clock handed in. Nothing in these files touches the disk,
//! the keyring or the network; keeping and sealing belongs to the store, obtaining public certificates to the
//! ACME driver.
//!
//! ```text
//! authority   ─┐
//! self_signed ─┼─→ Leaf ─→ CertifiedKey ─→ resolver::Table ─→ tls_config::server_config
//! imported    ─┘
//! ```
//!
//! Every certificate, wherever it came from, becomes a [`Leaf`] through [`Leaf::load`], which reads names and
//! dates from the certificate itself and proves that the key belongs to it. [`Names::covers`] is the one
//! reading of "does this certificate speak for that host", shared by imports, doors and the handshake.

mod authority;
mod chain;
mod constraints;
mod fingerprint;
mod identities;
mod import_error;
mod imported;
mod key;
mod leaf;
mod names;
mod pem;
pub(crate) mod pinned;
mod resolver;
mod self_signed;
mod template;
mod tls_config;
mod x509;

#[cfg(test)]
mod testing;

pub(crate) use authority::{Authority, AuthorityError};
pub(crate) use constraints::is_local_name;
pub(crate) use fingerprint::Fingerprint;
pub(crate) use identities::Identities;
pub(crate) use import_error::ImportError;
pub(crate) use imported::check;
pub(crate) use leaf::{Issuer, Leaf, LeafError};
pub(crate) use names::Names;
pub(crate) use resolver::{Resolver, Table};
pub(crate) use self_signed::self_signed;
pub(crate) use tls_config::{TlsConfigError, provider, server_config, ticketer};
