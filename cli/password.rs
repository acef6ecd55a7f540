//! Where a password comes from: asked on a terminal, read from standard input, or left to the engine to make.

use crate::{Failure, output};
use drawbridge_protocol::{Secret, SecretField};
use std::io::{BufRead, IsTerminal, Read};

/// The password for a user, or nothing: the engine makes one.
pub(crate) fn obtain(name: &str, from_stdin: bool) -> Result<Option<SecretField>, Failure> {
    if from_stdin {
        return read_line().map(Some);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    output::say(
        "15 characters or more are of use on the internet too. Leave it empty to have one made for you.",
    );
    let first = rpassword::prompt_password(format!("Password for {name}: "))?;
    if first.is_empty() {
        return Ok(None);
    }
    let second = rpassword::prompt_password("Once more: ")?;
    if first != second {
        return Err(Failure::Refused("the two passwords differ; try again".to_owned()));
    }
    Ok(Some(Secret::new(first).into()))
}

/// One line of standard input, without its end.
pub(crate) fn read_line() -> Result<SecretField, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(LINE_BYTES).read_line(&mut text)?;
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    if text.is_empty() {
        return Err(Failure::Usage(
            "nothing came on standard input; write the secret there as one line".to_owned(),
        ));
    }
    Ok(Secret::new(text).into())
}

/// Longest line read, bytes (longer than any password that is taken).
const LINE_BYTES: u64 = 8 * 1024;
