//! What lies on disk besides the settings: the database, atomic files, rotated logs.

pub(crate) mod database;
pub(crate) mod files;
pub(crate) mod rotation;
pub(crate) mod schema;
