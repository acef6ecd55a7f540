//! Tray and window, driven as a panel and a person would.

mod cost;
mod picture;
mod tray;
