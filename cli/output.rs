//! Printing: data to stdout, talk to stderr, JSON when asked for. A reader that went away is no error.

use drawbridge_texts::{Language, Sentence, Texts, Words};
use serde::Serialize;
use std::{io::Write, sync::Arc};

/// How replies are printed, and in which words.
pub(crate) struct Output {
    json: bool,
    words: Words,
}

impl Output {
    /// As JSON or as text.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, words: words() }
    }

    /// Prints a reply: as JSON, or by this function as text.
    pub(crate) fn print<T: Serialize>(&self, reply: &T, text: impl FnOnce(&T) -> String) {
        if self.json {
            line(&serde_json::to_string(reply).unwrap_or_default());
        } else {
            let text = text(reply);
            if !text.is_empty() {
                line(text.trim_end());
            }
        }
    }

    /// Whether talk beside the data is welcome.
    pub(crate) const fn is_text(&self) -> bool {
        !self.json
    }

    /// A sentence as text.
    pub(crate) fn text(&self, sentence: &Sentence) -> String {
        self.words.terminal(sentence)
    }

    /// One line of talk, where talk is welcome.
    pub(crate) fn say(&self, sentence: &Sentence) {
        if self.is_text() {
            self.tell(sentence);
        }
    }

    /// One line of talk that must be seen, also beside JSON.
    pub(crate) fn tell(&self, sentence: &Sentence) {
        say(&self.text(sentence));
    }

    /// Why the command failed, as the last line.
    pub(crate) fn complain(&self, sentence: &Sentence) {
        self.tell(&Sentence::new("failure").with("sentence", sentence.clone()));
    }

    /// How long ago something was last used.
    pub(crate) fn seen(&self, at: u64) -> String {
        self.text(&Sentence::new("seen-ago").with("span", self.span(now().saturating_sub(at))))
    }

    /// When something ends by itself.
    pub(crate) fn until(&self, at: u64) -> String {
        self.text(&Sentence::new("ends-in").with("span", self.span(at.saturating_sub(now()))))
    }

    /// How long ago or ahead, in words short enough for a table.
    pub(crate) fn span(&self, seconds: u64) -> String {
        self.text(&match seconds {
            0..60 => Sentence::new("span-seconds").with("seconds", seconds),
            60..3600 => Sentence::new("span-minutes").with("minutes", seconds / 60),
            3600..172_800 => {
                Sentence::new("span-hours").with("hours", seconds / 3600).with("minutes", seconds % 3600 / 60)
            }
            _ => Sentence::new("span-days").with("days", seconds / 86_400),
        })
    }
}

/// The words of whoever sits at this terminal.
pub(crate) fn words() -> Words {
    Words::new(Arc::new(Texts::new()), Language::of_process())
}

/// One line of data.
pub(crate) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// One line of talk.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Columns, as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut printed = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            printed.push_str(cell);
            printed.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        text.push_str(printed.trim_end());
        text.push('\n');
    }
    text
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_secs())
}
