//! What can be typed. The list is a contract (`docs/cli.md`).

use crate::{
    approval, certificate, level, output, pass, place::Place, recovery, secret, serve, session, settings,
    share, token, tool, user,
};
use clap::{Parser, Subcommand};
use drawbridge_texts::Sentence;
use std::time::Duration;

/// Reach your own local web tools from elsewhere, safely.
#[derive(Parser)]
#[command(name = "drawbridge", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON (documented in docs/cli.md)
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the engine in the foreground, without a window
    Serve(serve::Serve),
    /// Share one tool in one go: address, QR code, credentials
    Share(share::Share),
    /// Add, remove and list tools
    #[command(subcommand)]
    Tool(tool::Command),
    /// Give tools secrets that no browser holds
    #[command(subcommand)]
    Secret(secret::Command),
    /// Choose how far a tool is reachable
    Level(level::Set),
    /// Print a tool's share URL, or the gate's
    Url(level::Url),
    /// Close every tool, now
    Close,
    /// Add, change, remove and list users
    #[command(subcommand)]
    User(user::Command),
    /// List and end sign-ins
    #[command(subcommand)]
    Session(session::Command),
    /// Answer sign-ins from new devices, and forget devices
    #[command(subcommand)]
    Approval(approval::Command),
    /// Make, list and revoke passwords for devices and programs
    #[command(subcommand)]
    Token(token::Command),
    /// Make, list and revoke links for guests without an account
    #[command(subcommand)]
    Pass(pass::Command),
    /// List, import, renew and export certificates
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// Read and change settings
    #[command(subcommand)]
    Settings(settings::Command),
    /// Make or use the recovery code
    #[command(subcommand)]
    Recovery(recovery::Command),
    /// Ask the keyring again, after unlocking it
    Unlock,
    /// Show what is true now
    Status,
    /// Follow every change, one JSON object per line
    Events,
}

/// What would be good; said while the arguments are read, so by texts of its own.
fn hint(sentence: &Sentence) -> String {
    output::words().terminal(sentence)
}

/// A duration such as `90s`, `30m`, `8h` or `30d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let hint = || hint(&Sentence::new("hint-duration"));
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(hint)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return Err(hint()),
    };
    let number: u64 = number.parse().map_err(|_| hint())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(hint)
}

/// A level by its name.
pub(crate) fn level_named(text: &str) -> Result<drawbridge_protocol::Level, String> {
    use drawbridge_protocol::Level;
    [Level::Local, Level::Lan, Level::Internet]
        .into_iter()
        .find(|level| level.to_string() == text)
        .ok_or_else(|| hint(&Sentence::new("hint-level")))
}

/// `on` or `off`.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(hint(&Sentence::new("hint-switch"))),
    }
}

/// Who else is in a network, in a word.
pub(crate) fn network_named(text: &str) -> Result<drawbridge_protocol::Surroundings, String> {
    use drawbridge_protocol::Surroundings;
    match text {
        "home" => Ok(Surroundings::Home),
        "shared" => Ok(Surroundings::Shared),
        _ => Err(hint(&Sentence::new("hint-network"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_refused() {
        assert_eq!(duration("8h"), Ok(Duration::from_secs(28_800)));
        assert_eq!(duration("1s"), Ok(Duration::from_secs(1)));
        for text in [
            "",
            "8",
            "h",
            "0h",
            "-1h",
            "1.5h",
            "8 h",
            "8w",
            "99999999999999999999d",
            "18446744073709551615d",
            "8é",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
