//! Whether the panel is likely light or dark: GNOME's is dark always, elsewhere the desktop's own wish counts.
//!
//! It is a guess; the drawings carry a faint outline for when it is wrong.

use std::thread;
use zbus::{
    blocking::{Connection, Proxy},
    zvariant::{OwnedValue, Value},
};

/// The shade of the panel behind the icon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shade {
    /// Light, so the drawing is dark.
    Light,
    /// Dark, so the drawing is light.
    Dark,
}

impl Shade {
    /// What is believed until the desktop was asked: most panels are dark.
    #[must_use]
    pub const fn usual() -> Self {
        Self::Dark
    }

    /// Tells what it is, and of every change, until the listener has enough; from a thread of its own, because a desktop may
    /// take its time to answer.
    pub fn follow(tell: impl Fn(Self) -> bool + Send + 'static) {
        if is_gnome() {
            return;
        }
        let thread = thread::Builder::new().name("tray shade".to_owned()).spawn(move || {
            let Ok(connection) = Connection::session() else { return };
            if let Some(shade) = Self::asked(&connection)
                && !tell(shade)
            {
                return;
            }
            let Some(signals) =
                proxy(&connection).and_then(|portal| portal.receive_signal("SettingChanged").ok())
            else {
                return;
            };
            for signal in signals {
                let body = signal.body();
                let Ok((namespace, key, value)) = body.deserialize::<(&str, &str, Value<'_>)>() else {
                    continue;
                };
                if (namespace, key) == (NAMESPACE, KEY)
                    && let Some(shade) = Self::of(&value)
                    && !tell(shade)
                {
                    return;
                }
            }
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "changes of light and dark will not be seen");
        }
    }

    fn asked(connection: &Connection) -> Option<Self> {
        let scheme: OwnedValue = proxy(connection)?.call("Read", &(NAMESPACE, KEY)).ok()?;
        Self::of(&scheme)
    }

    /// `color-scheme` of the desktop portal: 1 prefers dark, 2 prefers light; `Read` wraps its answer once more.
    fn of(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Value(inner) => Self::of(inner),
            Value::U32(1) => Some(Self::Dark),
            Value::U32(2) => Some(Self::Light),
            _ => None,
        }
    }
}

fn proxy(connection: &Connection) -> Option<Proxy<'static>> {
    let (name, path) = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop");
    Proxy::new(connection, name, path, "org.freedesktop.portal.Settings").ok()
}

fn is_gnome() -> bool {
    std::env::var("XDG_CURRENT_DESKTOP").is_ok_and(|desktops| desktops.split(':').any(|name| name == "GNOME"))
}

const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";
