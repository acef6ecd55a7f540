//! Tray and window, driven as a panel and a person would.

mod access;
mod anybody;
mod approvals;
mod confined;
mod cost;
mod devices;
mod hostile;
mod invites;
mod passes;
mod passkeys;
mod people;
mod picture;
mod place;
mod plain;
mod tray;
mod trouble;
mod visitor;
mod window;
