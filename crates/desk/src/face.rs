//! What the tray looks like for a view, and what a click on it asks for.

use crate::{
    desk::{EngineState, View},
    menu::{self, Entry},
};
use drawbridge_protocol::{Headline, Level};
use drawbridge_texts::Words;

/// What a click asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// The window, as it is.
    Window,
    /// The window's settings.
    Settings,
    /// A tool's level: its id.
    Level(String, Level),
    /// A password asked for again where anybody may come in: the tool's id.
    WithPassword(String),
    /// A tool's share URL onto the clipboard: its id.
    Copy(String),
    /// A tool's QR code in the window: its id.
    Qr(String),
    /// A tool itself, on this computer: its address.
    Open(String),
    /// Every tool to local.
    Close,
    /// The engine again.
    Start,
    /// The end of this program.
    Quit,
}

/// What the tray shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Face {
    /// Chooses the icon.
    pub headline: Headline,
    /// What is true, in one line.
    pub tooltip: String,
    /// The menu, from top to bottom.
    pub menu: Vec<Entry>,
}

impl Face {
    /// The face for a view.
    #[must_use]
    pub fn of(words: &Words, view: &View) -> Self {
        let headline = view.whole.as_ref().map(|whole| whole.status.headline);
        // An engine that is gone is trouble; one that is starting has nothing open yet.
        let unknown = match view.engine {
            EngineState::Gone { .. } => Headline::Trouble,
            EngineState::Starting | EngineState::Running { .. } => Headline::Closed,
        };
        Self {
            headline: headline.unwrap_or(unknown),
            tooltip: menu::status_line(words, view),
            menu: menu::entries(words, view),
        }
    }
}
