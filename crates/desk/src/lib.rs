//! What tray and window stand on: the engine as this process knows it, the tray's menu as plain data, and the
//! panel's shade. No toolkit is known here, so all of it is tested without a screen.

mod desk;
mod face;
mod menu;
mod notice;
mod pending;
mod services;
#[cfg(target_os = "linux")]
mod shade;

pub use desk::{Desk, EngineState, View, follow};
pub use face::{Act, Face};
pub use menu::Entry;
pub use notice::announce;
pub use pending::{Pending, Show};
pub use services::Kind;
#[cfg(target_os = "linux")]
pub use shade::Shade;
