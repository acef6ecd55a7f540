//! Where a password comes from: asked on a terminal, read from standard input, or left to the engine to make.

use crate::{Failure, output::Output};
use drawbridge_protocol::{Secret, SecretField};
use drawbridge_texts::Sentence;
use std::io::{BufRead, IsTerminal, Read};

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

/// Longest line read, bytes (longer than any password that is taken).
const LINE_BYTES: u64 = 8 * 1024;
