//! Where a password comes from: asked on a terminal, read from standard input, or left to the engine to make.

use crate::{Failure, output::Output};
use drawbridge_protocol::{Secret, SecretField};
use drawbridge_texts::Sentence;
use std::{
    io::{BufRead, IsTerminal, Read},
    path::Path,
};

/// The password for a user, or nothing: the engine makes one.
pub(crate) fn obtain(name: &str, from_stdin: bool, output: &Output) -> Result<Option<SecretField>, Failure> {
    if from_stdin {
        return read_line().map(Some);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    output.tell(&Sentence::new("password-hint"));
    let first = ask(&Sentence::new("password-prompt").with("name", name), output)?;
    if first.is_empty() {
        return Ok(None);
    }
    let second = ask(&Sentence::new("password-again"), output)?;
    if first != second {
        return Err(Failure::Refused(Sentence::new("passwords-differ")));
    }
    Ok(Some(Secret::new(first).into()))
}

/// Asks on the terminal for something that is not shown.
pub(crate) fn ask(prompt: &Sentence, output: &Output) -> std::io::Result<String> {
    rpassword::prompt_password(format!("{} ", output.text(prompt)))
}

/// One line of standard input, without its end.
pub(crate) fn read_line() -> Result<SecretField, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(LINE_BYTES).read_line(&mut text)?;
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    if text.is_empty() {
        return Err(Failure::Usage(Sentence::new("stdin-empty")));
    }
    Ok(Secret::new(text).into())
}

/// A list of users with their hashes: a file, or standard input for `-`.
pub(crate) fn read_list(path: &Path) -> Result<SecretField, Failure> {
    let read = |from: &mut dyn Read| {
        let mut text = String::new();
        from.take(LIST_BYTES).read_to_string(&mut text).map(|_| Secret::new(text))
    };
    let list = if path == Path::new("-") {
        read(&mut std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(|mut file| read(&mut file))
    };
    let unread = |error| Sentence::new("list-unread").with("path", path).quoting("cause", &error);
    Ok(list.map_err(|error| Failure::Refused(unread(error)))?.into())
}

/// Longest list handed to the engine, bytes: more than it takes, so that it says so, and less than a request has.
const LIST_BYTES: u64 = 160 * 1024;
/// Longest line read, bytes (longer than any password that is taken).
const LINE_BYTES: u64 = 8 * 1024;
