//! `cargo xtask`: what a developer runs from a clone.
//!
//! `run` starts the real program with a demo tool behind it, `test` does everything the public checks do, `fuzz` looks for
//! inputs that break a parser, `bench` measures the proxy beside others, `demo` serves the demo tool alone. Each installs what is missing first (see [`parts`]). Nothing here ships, and nothing in the product
//! depends on it.

#![expect(clippy::print_stdout, reason = "a developer's tool: its answers go to stdout")]

mod bench;
mod bundle;
mod counts;
mod demo;
mod engine;
mod fuzz;
mod parts;
mod pictures;
mod places;
mod run;
mod shell;
mod steps;
mod test;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

/// The developer's commands of Drawbridge.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build Drawbridge and run it with a demo tool to share, until Ctrl-C.
    Run(run::Options),
    /// Run every check the public CI runs, and say how long each took.
    Test(test::Options),
    /// Make the package of this system.
    Bundle(bundle::Options),
    /// Take the pictures in the README anew.
    Screenshots(pictures::Options),
    /// Draw the icons anew from their drawings.
    Icons(pictures::Options),
    /// Look for inputs that break a promise of a parser; one that is found stays in `fuzz/regressions`.
    Fuzz(fuzz::Options),
    /// Measure what Drawbridge costs beside nginx, HAProxy and Caddy.
    Bench(bench::Options),
    /// Serve the demo tool alone on 127.0.0.1, until Ctrl-C.
    Demo(demo::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => run::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Test(options) => test::run(&options),
        Command::Bundle(options) => bundle::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Screenshots(options) => pictures::screenshots(&options).map(|()| ExitCode::SUCCESS),
        Command::Icons(options) => pictures::icons(&options).map(|()| ExitCode::SUCCESS),
        Command::Fuzz(options) => fuzz::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Bench(options) => bench::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Demo(options) => demo(&options).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        // The sentence and its causes; the way through our code (which anyhow would add) helps nobody here.
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn demo(options: &demo::Options) -> Result<()> {
    runtime()?.block_on(demo::run(options))
}

/// One thread is enough for a demo and a child process.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
}
