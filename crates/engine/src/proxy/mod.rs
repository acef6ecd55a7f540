//! The life of a request, one file per stage, in this order. Plain functions on typed values; each stage needs what
//! the one before it made, so skipping one does not compile.

pub(crate) mod accept;
pub(crate) mod access_log;
pub(crate) mod admit;
pub(crate) mod authenticate;
mod authorize;
pub(crate) mod http;
pub(crate) mod identify;
mod inject;
pub(crate) mod limits;
pub(crate) mod listen;
pub(crate) mod pipeline;
pub(crate) mod refusal;
pub(crate) mod respond;
pub(crate) mod rewrite;
pub(crate) mod route;
pub(crate) mod tls;
pub(crate) mod upgrade;
pub(crate) mod upstream;

pub(crate) mod activity;
pub(crate) mod anybody;
pub(crate) mod body;
pub(crate) mod cores;
pub(crate) mod cors;
pub(crate) mod door;
pub(crate) mod exchange;
pub(crate) mod forms;
pub(crate) mod fronted;
mod gather;
pub(crate) mod jar;
mod linger;
mod messages;
mod pace;
pub(crate) mod plain;
pub(crate) mod snapshot;
pub(crate) mod visitors;

pub use authorize::Permit;
pub(crate) use authorize::{Lease, Purpose, Subject, authorize};
