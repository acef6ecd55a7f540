//! The texts in the language of one owner; clones share them.

use crate::{Language, Sentence, Texts};
use std::sync::Arc;

/// What speaks to the owner.
#[derive(Clone)]
pub struct Words {
    texts: Arc<Texts>,
    language: Language,
}

impl Words {
    /// These texts, in this language.
    #[must_use]
    pub const fn new(texts: Arc<Texts>, language: Language) -> Self {
        Self { texts, language }
    }

    /// See [`Texts::sentence`].
    #[must_use]
    pub fn sentence(&self, sentence: &Sentence) -> String {
        self.texts.sentence(&self.language, sentence)
    }

    /// See [`Texts::terminal`].
    #[must_use]
    pub fn terminal(&self, sentence: &Sentence) -> String {
        self.texts.terminal(&self.language, sentence)
    }

    /// See [`Texts::whole`].
    #[must_use]
    pub fn whole(&self, sentence: &Sentence) -> String {
        self.texts.whole(&self.language, sentence)
    }
}
