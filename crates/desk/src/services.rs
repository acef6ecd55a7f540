//! What the window asks of the desktop around it: the clipboard and the browser.

#[cfg(target_os = "macos")]
use arboard::SetExtApple as _;
#[cfg(target_os = "linux")]
use arboard::SetExtLinux as _;
#[cfg(windows)]
use arboard::SetExtWindows as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Why the desktop did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// There is no clipboard, or another program holds it.
    #[error("{0}")]
    Clipboard(#[from] arboard::Error),
    /// No browser was found.
    #[error("{0}")]
    Browser(#[from] std::io::Error),
    /// Something else than a web address.
    #[error("it is no web address")]
    NoWebAddress,
}

/// What is copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Anybody may see it.
    Open,
    /// Programs that keep what was copied are asked not to.
    Secret,
}

/// The clipboard. On X11 a text lives as long as the program that offers it, so the hand that holds it is kept.
#[derive(Clone, Default)]
pub(crate) struct Clipboard(Arc<Mutex<Option<arboard::Clipboard>>>);

impl Clipboard {
    /// Puts a text on it.
    ///
    /// # Errors
    /// When there is no clipboard, or another program holds it.
    pub(crate) fn copy(&self, text: String, kind: Kind) -> Result<(), ServiceError> {
        let mut hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clipboard = match hand.take() {
            Some(clipboard) => clipboard,
            None => arboard::Clipboard::new()?,
        };
        let set = match kind {
            Kind::Open => clipboard.set(),
            Kind::Secret => clipboard.set().exclude_from_history(),
        };
        set.text(text)?;
        *hand = Some(clipboard);
        Ok(())
    }
}

/// Opens an address in the owner's browser: web addresses only, whatever stands in a tool's name or target.
///
/// # Errors
/// When it is no web address, or no browser is found.
pub(crate) fn browse(address: &str) -> Result<(), ServiceError> {
    let url = url::Url::parse(address).map_err(|_| ServiceError::NoWebAddress)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ServiceError::NoWebAddress);
    }
    Ok(open::that_detached(url.as_str())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        for address in
            ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "-h", "", "tauri://localhost"]
        {
            assert!(matches!(browse(address), Err(ServiceError::NoWebAddress)), "{address}");
        }
    }
}
