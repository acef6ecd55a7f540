//! What strangers write in requests, parsed once into types: authority, origin, path, cookies, connection options.
//!
//! Decisions and forwarded bytes both come from these types (P5); nothing else in the engine reads them raw.

pub(crate) mod authority;
pub(crate) mod cookie;
pub(crate) mod forwarding;
pub(crate) mod hop_by_hop;
pub(crate) mod origin;
pub(crate) mod path;
pub(crate) mod tool_cookie;
