//! The steps of `cargo xtask test`, in order; a new check is one more entry.
//!
//! The public CI runs the same list on Linux; on other systems only the first steps make sense.

use std::process::Command;

use crate::parts::{self, Purpose};
use crate::places::Places;
use crate::shell;

/// One check.
pub(crate) struct Step {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Whether its output has test counts; any other step counts as one.
    pub(crate) kind: Kind,
    /// What must be there before.
    pub(crate) purpose: Purpose,
    /// Builds the command.
    pub(crate) command: fn(&Places, &Selection) -> Command,
}

/// What a step prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words only.
    Check,
    /// The same, and the tests need what it makes.
    Groundwork,
    /// The closing lines of test programs.
    Tests,
}

/// Which tests, and how long they may take.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only tests whose name contains this.
    pub(crate) filter: Option<String>,
    /// Also the long variants: the tests see `DRAWBRIDGE_LONG=1`.
    pub(crate) long: bool,
}

/// The steps for this system and selection: a filter means tests only.
pub(crate) fn chosen(selection: &Selection) -> Vec<&'static Step> {
    STEPS
        .iter()
        .filter(|step| selection.filter.is_none() || step.kind != Kind::Check)
        .filter(|step| selection.long || step.purpose != Purpose::Long)
        .filter(|step| {
            cfg!(target_os = "linux")
                || matches!(step.purpose, Purpose::Test | Purpose::Checks | Purpose::Window)
        })
        .collect()
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        kind: Kind::Check,
        purpose: Purpose::Checks,
        command: |_, _| cargo(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "window packages",
        kind: Kind::Groundwork,
        purpose: Purpose::Window,
        command: |_, _| window(&["ci", "--no-audit", "--no-fund", "--no-progress"]),
    },
    Step {
        name: "window checks",
        kind: Kind::Check,
        purpose: Purpose::Window,
        command: |_, _| window(&["run", "check"]),
    },
    Step {
        name: "window build",
        kind: Kind::Groundwork,
        purpose: Purpose::Window,
        command: |_, _| window(&["run", "build"]),
    },
    Step {
        name: "lints",
        kind: Kind::Check,
        purpose: Purpose::Checks,
        command: |_, _| {
            cargo(&["clippy", "--workspace", "--features", GUI, "--all-targets", "--", "-D", "warnings"])
        },
    },
    Step { name: "tests", kind: Kind::Tests, purpose: Purpose::Test, command: tests },
    Step { name: "dependencies", kind: Kind::Check, purpose: Purpose::Checks, command: dependencies },
    Step {
        name: "fuzzing",
        kind: Kind::Check,
        purpose: Purpose::Long,
        // Three minutes for each target (chosen: an hour in all; what is new is found in the first minute or in days).
        command: |_, _| cargo(&["xtask", "fuzz", "--seconds", "180"]),
    },
    Step {
        name: "windows lints",
        kind: Kind::Check,
        purpose: Purpose::OtherSystems,
        command: |_, _| shipped(cargo(&["clippy", "--target", parts::WINDOWS]), &["--", "-D", "warnings"]),
    },
    Step {
        name: "windows program",
        kind: Kind::Check,
        purpose: Purpose::OtherSystems,
        command: |_, _| shipped(cargo(&["build", "--target", parts::WINDOWS]), &[]),
    },
    Step { name: "macos lints", kind: Kind::Check, purpose: Purpose::OtherSystems, command: macos },
];

fn cargo(arguments: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(arguments);
    command
}

/// What npm does for the window's folder; `cargo xtask run` does the same.
pub(crate) fn window(arguments: &[&str]) -> Command {
    let mut command = shell::npm();
    command.args(["--prefix", "ui", "--loglevel=error"]).args(arguments);
    command
}

/// The packages that ship, without their tests: those for other systems are compiled by the public CI there.
fn shipped(mut command: Command, more: &[&str]) -> Command {
    for package in ["drawbridge", "drawbridge-engine", "drawbridge-protocol", "drawbridge-texts"] {
        command.args(["--package", package]);
    }
    command.args(["--lib", "--bins"]).args(more);
    command
}

fn tests(places: &Places, selection: &Selection) -> Command {
    let mut command = cargo(&["test", "--workspace", "--features", GUI, "--no-fail-fast"]);
    command.env("DRAWBRIDGE_PARTS", places.parts());
    if selection.long {
        command.env("DRAWBRIDGE_LONG", "1");
        // Properties of the parsers, each tried this often.
        command.env("PROPTEST_CASES", "200000");
    }
    if let Some(filter) = &selection.filter {
        command.args(["--", filter]);
    }
    command
}

/// Everything but the advisories, which need the network on every run: the public CI asks for those.
fn dependencies(places: &Places, _: &Selection) -> Command {
    let mut command = Command::new(parts::deny_program(places));
    command.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    command
}

/// Lints only: the C code is compiled by zig, but linking would need Apple's own frameworks. Zig's caches stay in our prefix.
fn macos(places: &Places, _: &Selection) -> Command {
    let mut command = Command::new(parts::zigbuild_program(places));
    command.args(["clippy", "--target", parts::MACOS]);
    let folder = places.parts();
    command.env("CARGO_ZIGBUILD_CACHE_DIR", folder.join("zig-cache/wrappers"));
    command.env("CARGO_ZIGBUILD_PYTHON_PATH", folder.join("venv/bin/python"));
    for variable in ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
        command.env(variable, folder.join("zig-cache"));
    }
    shipped(command, &["--", "-D", "warnings"])
}

/// Tray and window are built on demand, because they link the system's webview.
pub(crate) const DESKTOP: &str = if cfg!(target_os = "linux") { "gui" } else { "native-tray" };

/// The same, said in the workspace.
const GUI: &str = if cfg!(target_os = "linux") { "drawbridge/gui" } else { "drawbridge/native-tray" };
