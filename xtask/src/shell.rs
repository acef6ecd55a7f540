//! Starting other programs and asking the person at the terminal; nothing here knows what for.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The cargo that started us, so that one toolchain does everything.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// npm; Windows has it as a script.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Is there a screen to show a window on?
pub(crate) fn display() -> bool {
    let named = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// Runs a command where the person sees what it prints.
///
/// # Errors
/// When it cannot start or exits with anything but 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("+ {}", line(command));
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// True when the program starts and exits with 0; what it prints is thrown away.
pub(crate) fn answers(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Finds a program on the path, or where Debian keeps those of the administrator (a plain user's path leaves them out).
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// The words of a command for people; long arguments (scripts) are cut.
pub(crate) fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| match word.to_string_lossy() {
            word if word.contains('\n') => "…".to_owned(),
            word => word.into_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A path as a person here would type it: from the current folder, quoted where a shell needs that.
pub(crate) fn shown(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    let text = path.strip_prefix(&here).unwrap_or(path).to_string_lossy().into_owned();
    let plain = |letter: char| letter.is_alphanumeric() || "/\\:._-+".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Asks a yes-or-no question on the terminal; no is the default and the end of input.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn agrees(question: &str) -> Result<bool> {
    eprint!("{question} [y/N] ");
    io::stderr().flush().context("cannot write to the terminal")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("cannot read from the terminal")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Is a person at the terminal who could be asked?
pub(crate) fn person() -> bool {
    io::stdin().is_terminal()
}

/// Are we on a machine of the public checks, where nobody can be asked?
pub(crate) fn ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// Are we allowed to install system packages as we are?
#[cfg(unix)]
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Are we allowed to install system packages as we are?
#[cfg(not(unix))]
pub(crate) fn root() -> bool {
    false
}
