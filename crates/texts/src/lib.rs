//! Every sentence a person can read, from the Fluent files in `locales/`, by language.
//!
//! Code makes a [`Sentence`]: the id of a message and what it is about. [`Texts`] turns it into words. What an owner
//! reads has up to two forms: the message's value names no command and fits a window; its attribute `.terminal`, where
//! there is one, says it to somebody at a terminal. Nothing here decides what is said.

mod language;
mod sentence;
mod texts;
mod words;

pub use language::Language;
pub use sentence::{Argument, Sentence, Tell};
pub use texts::Texts;
pub use words::Words;
