//! What is written for aria2, bounded: a short call may become a long one, because each gets the secret.

use super::{MOST_BYTES, Refused, TOKEN};
use drawbridge_protocol::Secret;
use zeroize::Zeroizing;

/// A text that ends at [`MOST_BYTES`].
pub(super) struct Output(String);

impl Output {
    /// For about as many bytes as were read.
    pub(super) fn new(bytes: usize) -> Self {
        Self(String::with_capacity(bytes.saturating_add(ROOM).min(MOST_BYTES)))
    }

    /// Appends, or says that it became too long.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Refused> {
        if self.0.len() + text.len() > MOST_BYTES {
            return Err(Refused::TooLarge);
        }
        self.0.push_str(text);
        Ok(())
    }

    /// Appends items with something between them.
    pub(super) fn push_list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut push: impl FnMut(&mut Self, T) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(",")?;
            }
            push(self, item)?;
        }
        Ok(())
    }

    /// What was written.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// The parameter as aria2 wants it.
pub(super) fn token(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(format!("{TOKEN}{}", secret.expose()))
}

/// Room for one secret, bytes (a usual one is a tenth of it; a longer one only costs another allocation).
const ROOM: usize = 256;
