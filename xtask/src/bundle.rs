//! `cargo xtask bundle`: the package of this system, with tray, window, command line, desktop entry and icons.

use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::parts::{self, Consent, Purpose};
use crate::places::Places;
use crate::{shell, steps};

/// How to bundle.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
    /// The unoptimised build: larger and slower, and quickly there.
    #[arg(long)]
    debug: bool,
}

/// Builds everything and makes the package; says where it is.
///
/// # Errors
/// When a part cannot be installed, or something does not build.
pub(crate) fn run(options: &Options) -> Result<()> {
    let places = Places::find()?;
    parts::ensure(
        &places,
        &[Purpose::Run, Purpose::Window, Purpose::Bundle],
        Consent::from_flag(options.yes),
    )?;
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        shell::run(steps::window(arguments).current_dir(&places.root))?;
    }
    let mut cargo = shell::cargo();
    cargo.args(["build", "--package", "drawbridge", "--features", steps::DESKTOP, "--bins"]);
    if !options.debug {
        cargo.arg("--release");
    }
    shell::run(cargo.current_dir(&places.root))?;
    shell::run(package(&places, options.debug)?.current_dir(&places.root))?;
    let folder = places.target.join(profile(options.debug)).join("bundle");
    println!("The package is in {}.", shell::shown(&folder));
    Ok(())
}

/// What packs the programs that were built.
///
/// # Errors
/// When the path of the command line program is no text.
fn package(places: &Places, debug: bool) -> Result<Command> {
    // The command line rides along; where cargo put it is known only now.
    let program = places.target.join(profile(debug)).join("drawbridge");
    let program = program.to_str().context("the target folder's path is no text")?;
    let more = serde_json::json!({ "bundle": { "linux": { "deb": { "files": { "/usr/bin/drawbridge": program } } } } });
    let mut command = Command::new("node");
    command.arg(parts::bundler_program(places)).arg("bundle").arg("--config").arg(more.to_string());
    if debug {
        command.arg("--debug");
    }
    command.args(["--features", steps::DESKTOP]);
    if cfg!(target_os = "linux") {
        command.args(["--bundles", "deb"]);
    }
    Ok(command)
}

const fn profile(debug: bool) -> &'static str {
    if debug { "debug" } else { "release" }
}
