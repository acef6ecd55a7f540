//! Something the owner should know, before it has words. Making one decides nothing.

use drawbridge_protocol::{Fix, Trouble};
use drawbridge_texts::{Sentence, Words};
use std::path::Path;

/// What is wrong, why, what to do, and what one click could do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub(crate) what: Sentence,
    pub(crate) why: Sentence,
    pub(crate) remedy: Sentence,
    pub(crate) fix: Option<Fix>,
}

impl Finding {
    /// One that only a person can mend.
    pub(crate) const fn new(what: Sentence, why: Sentence, remedy: Sentence) -> Self {
        Self { what, why, remedy, fix: None }
    }

    /// The same with what one click could do.
    pub(crate) fn with(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }

    /// A file that could not be used and lies elsewhere now.
    pub(crate) fn file_kept_aside(file: &str, reason: Sentence, aside: &Path) -> Self {
        Self::new(
            Sentence::new("trouble-file-what").with("file", file),
            Sentence::new("trouble-file-why").with("aside", aside).with("reason", reason),
            Sentence::new("trouble-file-do"),
        )
    }

    /// A home that was used before, without its database.
    pub(crate) fn database_missing() -> Self {
        Self::new(
            Sentence::new("trouble-database-missing-what"),
            Sentence::new("trouble-database-missing-why"),
            Sentence::new("trouble-file-do"),
        )
    }

    /// An account that does not open.
    pub(super) fn account_closed(name: &str) -> Self {
        Self::new(
            Sentence::new("trouble-account-what").with("name", name),
            Sentence::new("trouble-account-why"),
            Sentence::new("trouble-account-do"),
        )
    }

    /// The key of programs' tokens does not open; there is a new one.
    pub(super) fn programs_signed_out() -> Self {
        Self::new(
            Sentence::new("trouble-programs-what"),
            Sentence::new("trouble-programs-why"),
            Sentence::new("trouble-programs-do"),
        )
    }

    /// In the words of both its readers.
    pub(super) fn trouble(&self, words: &Words) -> Trouble {
        Trouble {
            what: words.terminal(&self.what),
            why: words.terminal(&self.why),
            remedy: words.terminal(&self.remedy),
            reason: words.whole(&self.why),
            advice: words.whole(&self.remedy),
            fix: self.fix.clone(),
        }
    }
}
