//! What the commands need beyond Rust itself: how to see whether it is there, and how to get it.
//!
//! System packages only where there is no other way; everything else goes under a private prefix (`DRAWBRIDGE_PARTS` in the
//! environment of the tests, `target/xtask-parts` here), which is laid out like this:
//!
//! ```text
//! venv/bin/jupyter-lab             JupyterLab, a real tool to put behind a door
//! venv/bin/cargo-zigbuild          the C compiler for macOS (with the `ziglang` package beside it)
//! node/node_modules/playwright-core   drives Chromium; start it with executablePath = the `chromium` on the path
//! node/node_modules/@tauri-apps/cli   packs the desktop program
//! cargo/bin/cargo-deny             licences, banned crates and sources
//! zig-cache/                       what zig compiles once
//! ```
//!
//! Programs that come as system packages (`chromium`, `WebKitWebDriver`, `xfce4-panel`, `gnome-keyring-daemon`, `dbus-run-session`, `ip`, `ps`, `curl`,
//! `openssl`, `certutil`, `slowhttptest`) are found on the path. Tests fail, and do not skip, when a part is missing.

mod debian;
mod prefix;
mod table;

use anyhow::{Result, bail};

pub(crate) use self::prefix::{bundler_program, deny_program, zigbuild_program};
pub(crate) use self::table::{MACOS, WINDOWS};

use crate::places::Places;
use crate::shell;

/// What a part is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building and running the program.
    Run,
    /// Building tray and window.
    Window,
    /// Packing the desktop program.
    Bundle,
    /// `cargo test`: unit tests and the black-box tests with their real browsers, keyrings and tools.
    Test,
    /// Format, lints and the dependency rules.
    Checks,
    /// Compiling for Windows and macOS from here.
    OtherSystems,
    /// What only the long run does: fuzzing, and floods by others' tools.
    Long,
    /// Measuring beside other proxies.
    Bench,
}

/// May something be installed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Yes, as told on the command line or because nobody can be asked in CI.
    Given,
    /// Ask the person at the terminal, if there is one; never use `sudo` without.
    Ask,
}

impl Consent {
    /// What `--yes` and the environment say.
    pub(crate) fn from_flag(yes: bool) -> Self {
        if yes || shell::ci() { Self::Given } else { Self::Ask }
    }
}

/// One line of the table: a thing that may be missing.
struct Part {
    name: &'static str,
    purposes: &'static [Purpose],
    present: fn(&Places) -> bool,
    source: Source,
}

/// Where a part comes from.
#[derive(Clone, Copy)]
enum Source {
    /// These Debian packages, without what they merely recommend.
    Debian(&'static [&'static str]),
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// The standard library for another system.
    Target(&'static str),
    /// The Python packages of [`prefix::PYTHON`], in a private environment.
    Python,
    /// The Node packages of [`prefix::NODE`], in a private folder.
    Node,
    /// A program from the Rust registry, in a private folder.
    Crate,
}

/// Installs what is missing for these purposes, and looks again afterwards.
///
/// # Errors
/// When the person says no, an installer fails, or a part is still missing after it was installed.
pub(crate) fn ensure(places: &Places, purposes: &[Purpose], consent: Consent) -> Result<()> {
    let missing = missing(places, purposes);
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("Missing here: {}.", names(&missing));
    if consent == Consent::Ask && shell::person() && !shell::agrees("Install it now?")? {
        bail!("nothing was installed; {} still missing", names(&missing));
    }
    install(places, &missing, consent)?;
    let still: Vec<&Part> = missing.into_iter().filter(|part| !(part.present)(places)).collect();
    if !still.is_empty() {
        bail!("still missing after the installation: {}", names(&still));
    }
    Ok(())
}

fn missing(places: &Places, purposes: &[Purpose]) -> Vec<&'static Part> {
    table::PARTS
        .iter()
        .filter(|part| part.purposes.iter().any(|purpose| purposes.contains(purpose)))
        .filter(|part| !(part.present)(places))
        .collect()
}

/// System packages first and in one go, because the others build on Python, Node and curl.
fn install(places: &Places, missing: &[&Part], consent: Consent) -> Result<()> {
    let packages: Vec<&str> = missing
        .iter()
        .filter_map(|part| match part.source {
            Source::Debian(packages) => Some(packages),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    if !packages.is_empty() {
        debian::install(&packages, consent)?;
    }
    for part in missing {
        match part.source {
            Source::Debian(_) => {}
            Source::Component(component) => prefix::component(component)?,
            Source::Target(target) => prefix::target(target)?,
            Source::Python => prefix::python(places)?,
            Source::Node => prefix::node(places)?,
            Source::Crate => prefix::cargo_deny(places)?,
        }
    }
    Ok(())
}

fn names(parts: &[&Part]) -> String {
    parts.iter().map(|part| part.name).collect::<Vec<_>>().join(", ")
}
