//! `cargo xtask screenshots` and `cargo xtask icons`: every picture in the repository, made anew.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::parts::{self, Consent, Purpose};
use crate::places::Places;
use crate::{shell, steps};

/// How to make pictures.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
}

/// Takes the README's pictures: the tests that look at window and panel take them of the real program.
///
/// # Errors
/// When a part cannot be installed, a test fails, or a picture is missing then.
pub(crate) fn screenshots(options: &Options) -> Result<()> {
    let places = Places::find()?;
    parts::ensure(&places, &[Purpose::Test, Purpose::Window], Consent::from_flag(options.yes))?;
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        shell::run(steps::window(arguments).current_dir(&places.root))?;
    }
    let mut cargo = shell::cargo();
    cargo.args(["test", "--package", "drawbridge", "--features", "gui", "--test", "black_box", "--"]);
    cargo.arg("desk::").env("DRAWBRIDGE_PARTS", places.parts());
    shell::run(cargo.current_dir(&places.root))?;
    let folder = places.root.join("docs/pictures");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for (taken, name) in PICTURES {
        let (from, to) = (places.target.join("tmp/pictures").join(taken), folder.join(name));
        fs::copy(&from, &to).with_context(|| format!("there is no picture {}", from.display()))?;
        println!("{}", shell::shown(&to));
    }
    Ok(())
}

/// Draws the icons from the drawings in `icons/`.
///
/// # Errors
/// When a part cannot be installed, or the drawing fails.
pub(crate) fn icons(options: &Options) -> Result<()> {
    let places = Places::find()?;
    parts::ensure(&places, &[Purpose::Test], Consent::from_flag(options.yes))?;
    let playwright = places.parts().join("node/node_modules/playwright-core");
    let mut node = Command::new("node");
    shell::run(node.arg("icons/draw.mjs").arg(playwright).arg("icons").current_dir(&places.root))
}

/// Where the tests leave them, and what they are called in the documents.
const PICTURES: &[(&str, &str)] = &[
    ("desk-visitor/overview-with-a-visitor.png", "overview.png"),
    ("desk-first-run/1-what.png", "first-run.png"),
    ("desk-panel-menu/display.png", "tray.png"),
];
