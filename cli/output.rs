//! Printing: data to stdout, talk to stderr, JSON when asked for. A reader that went away is no error.

use serde::Serialize;
use std::io::Write;

/// How replies are printed.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// As JSON or as text.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
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
}

/// One line of data.
pub(crate) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// One line of talk.
pub(crate) fn say(text: &str) {
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

/// How long ago or ahead, in words short enough for a table.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_secs())
}
