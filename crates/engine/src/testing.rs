//! What unit tests share.

use drawbridge_texts::{Language, Sentence, Texts};

/// A sentence as the terminal says it. A missing message or argument fails the test.
pub(crate) fn said(sentence: &Sentence) -> String {
    Texts::new().terminal(&Language::accepted("en"), sentence)
}
