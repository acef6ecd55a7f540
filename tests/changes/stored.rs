//! What a home says on disk about the level of its one tool, and which ports that allows.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The ports of an installation with one tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    /// Gate and door on the local network.
    pub(super) near: [u16; 2],
    /// Gate and door on the internet.
    pub(super) far: [u16; 2],
}

/// Where the level is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    settings: PathBuf,
    markers: PathBuf,
}

impl Ports {
    /// Of a home whose one tool was open to the internet once.
    pub(super) fn of(home: &Path) -> Self {
        let text = fs::read_to_string(home.join("settings.toml")).expect("a file");
        let port = |key: &str| -> u16 {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {key}: {text}"))
        };
        Self { near: ["gate_port", "lan_port"].map(port), far: ["port", "internet_port"].map(port) }
    }

    /// Those a level allows.
    pub(super) fn at(&self, level: u8) -> BTreeSet<u16> {
        match level {
            0 => BTreeSet::new(),
            1 => self.near.into(),
            _ => self.near.into_iter().chain(self.far).collect(),
        }
    }
}

impl Stored {
    pub(super) fn of(home: &Path) -> Self {
        Self { settings: home.join("settings.toml"), markers: home.join("open") }
    }

    /// The level a start would find at most: 0 is local, 1 lan, 2 internet. Both the settings and the markers must say
    /// so; the third, the sealed acknowledgement, is not for others to read.
    pub(super) fn level(&self) -> u8 {
        let text = fs::read_to_string(&self.settings).unwrap_or_default();
        let wanted = text.lines().find_map(|line| line.strip_prefix("level = ")).unwrap_or_default();
        let wanted = match wanted {
            "\"internet\"" => 2,
            "\"lan\"" => 1,
            _ => 0,
        };
        let marker = |level: &str| self.markers.join(format!("tool.{level}")).exists();
        let marked = match (marker("lan"), marker("internet")) {
            (true, true) => 2,
            (true, false) => 1,
            (false, _) => 0,
        };
        wanted.min(marked)
    }
}
