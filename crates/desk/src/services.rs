//! What the window asks of the desktop around it: the clipboard and the browser.

use std::sync::{Mutex, PoisonError};

/// Why the desktop did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
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

/// The clipboard. On X11 a text lives as long as the program that offers it, so the hand that holds it is kept.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Puts a text on it.
    ///
    /// # Errors
    /// When there is no clipboard, or another program holds it.
    pub fn copy(&self, text: String) -> Result<(), ServiceError> {
        let mut hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clipboard = match hand.take() {
            Some(clipboard) => clipboard,
            None => arboard::Clipboard::new()?,
        };
        clipboard.set_text(text)?;
        *hand = Some(clipboard);
        Ok(())
    }
}

/// Opens an address in the owner's browser: web addresses only, whatever stands in a tool's name or target.
///
/// # Errors
/// When it is no web address, or no browser is found.
pub fn browse(address: &str) -> Result<(), ServiceError> {
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
