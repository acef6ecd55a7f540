//! Parts of the Rust toolchain, and parts under the private prefix: a Python environment, Node packages, a Rust program.
//!
//! Each private part writes a stamp naming its versions last, so that a half-finished or older installation is made anew;
//! and each is asked whether it really starts, because a stamp outlives the interpreter it was made with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::places::Places;
use crate::shell;

/// JupyterLab is a tool with everything hard behind a proxy; zig is the C compiler for macOS.
pub(super) const PYTHON: &[&str] = &["jupyterlab==4.6.6", "cargo-zigbuild==0.24.0", "ziglang==0.17.0"];

/// The first drives the system's Chromium and brings no browser of its own; the second packs the desktop program.
pub(super) const NODE: &[&str] = &["playwright-core@1.65.1", "@tauri-apps/cli@2.12.4"];

/// The version the public CI uses too.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

/// Adds a component to the toolchain in use.
///
/// # Errors
/// When rustup is missing or fails.
pub(super) fn component(name: &str) -> Result<()> {
    shell::run(Command::new("rustup").args(["component", "add", name]))
}

/// Adds the standard library for another system to the toolchain in use.
///
/// # Errors
/// When rustup is missing or fails.
pub(super) fn target(name: &str) -> Result<()> {
    shell::run(Command::new("rustup").args(["target", "add", name]))
}

/// Asks the compiler itself, so that toolchains without rustup count.
pub(super) fn has_target(name: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", name]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// A Python that can make environments: the first on the path may be one that cannot.
pub(super) fn python_program() -> Option<&'static str> {
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| shell::answers(python, &["-c", "import venv, ensurepip"]))
}

/// Makes the Python environment anew.
///
/// # Errors
/// When there is no usable Python, or a package cannot be installed.
pub(super) fn python(places: &Places) -> Result<()> {
    let folder = fresh(&places.parts().join("venv"))?;
    let python =
        python_program().context("there is no Python that can make environments (python3-venv on Debian)")?;
    shell::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    shell::run(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
            .args(PYTHON),
    )?;
    stamp(&folder, PYTHON)
}

/// Does the Python environment have our versions, and does it start?
pub(super) fn has_python(places: &Places) -> bool {
    let folder = places.parts().join("venv");
    stamped(&folder, PYTHON)
        && shell::answers(folder.join("bin/python"), &["-c", "import jupyterlab, ziglang"])
        && shell::answers(folder.join("bin/cargo-zigbuild"), &["--version"])
}

/// Installs the Node packages anew; their install scripts do not run.
///
/// # Errors
/// When npm is missing or fails.
pub(super) fn node(places: &Places) -> Result<()> {
    let folder = fresh(&places.parts().join("node"))?;
    shell::run(
        Command::new("npm")
            .arg("install")
            .arg("--prefix")
            .arg(&folder)
            .args([
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-progress",
                "--loglevel=error",
                "--save-exact",
            ])
            .args(NODE),
    )?;
    stamp(&folder, NODE)
}

/// Are our versions of the Node packages there?
pub(super) fn has_node(places: &Places) -> bool {
    let folder = places.parts().join("node");
    stamped(&folder, NODE)
        && folder.join("node_modules/playwright-core/package.json").is_file()
        && bundler_program(places).is_file()
}

/// Compiles cargo-deny (unoptimised: half a minute instead of several, and it is quick enough).
///
/// # Errors
/// When cargo cannot install it.
pub(super) fn cargo_deny(places: &Places) -> Result<()> {
    let folder = fresh(&places.parts().join("cargo"))?;
    shell::run(
        shell::cargo()
            .args(["install", "--quiet", "--debug", "--locked", "--root"])
            .arg(&folder)
            .arg(CARGO_DENY)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_INCREMENTAL", "0"),
    )?;
    fs::remove_dir_all(folder.join("target")).context("cannot remove what is left of building cargo-deny")?;
    stamp(&folder, &[CARGO_DENY])
}

/// Is our version of cargo-deny there?
pub(super) fn has_cargo_deny(places: &Places) -> bool {
    let folder = places.parts().join("cargo");
    stamped(&folder, &[CARGO_DENY]) && shell::answers(deny_program(places), &["--version"])
}

/// Where cargo-deny is.
pub(crate) fn deny_program(places: &Places) -> PathBuf {
    places.parts().join("cargo/bin/cargo-deny")
}

/// Where the packer of the desktop program is; Node runs it.
pub(crate) fn bundler_program(places: &Places) -> PathBuf {
    places.parts().join("node/node_modules/@tauri-apps/cli/tauri.js")
}

/// Where cargo-zigbuild is.
pub(crate) fn zigbuild_program(places: &Places) -> PathBuf {
    places.parts().join("venv/bin/cargo-zigbuild")
}

/// An empty folder at this path, whatever was there.
fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove the old {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder.to_owned())
}

fn stamp(folder: &Path, versions: &[&str]) -> Result<()> {
    fs::write(folder.join(STAMP), versions.join("\n"))
        .with_context(|| format!("cannot stamp {}", folder.display()))
}

fn stamped(folder: &Path, versions: &[&str]) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == versions.join("\n"))
}

/// Names the versions in a part's folder.
const STAMP: &str = "xtask-versions.txt";
