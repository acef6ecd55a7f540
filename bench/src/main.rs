//! Drawbridge beside nginx, HAProxy and Caddy: the same tool behind each, the proxy alone on one core, load and tool on the
//! other, CPU time per operation from the kernel's accounting. What decides is the ratio within one run; no number here
//! is a test.
//!
//! Drawbridge runs *with* its session sign-in and every guard; the others forward without a password.

#![expect(clippy::print_stdout, reason = "a developer's tool: its answers go to stdout")]

mod account;
mod client;
mod h2load;
mod instructions;
mod origin;
mod peers;
mod report;
mod timing;
mod workload;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything, and one table.
    Run(Options),
    /// Whether time tells strangers which accounts there are.
    Timing(timing::Options),
    /// The tool behind every proxy.
    Origin {
        /// Where it listens.
        port: u16,
    },
    /// A client h2load cannot play.
    Client(client::Options),
}

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The optimised `drawbridge`.
    #[arg(long)]
    program: PathBuf,
    /// How often each measurement is repeated; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the workloads whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Only Drawbridge and these (for example `nginx,haproxy`).
    #[arg(long, value_delimiter = ',')]
    beside: Option<Vec<String>>,
    /// Also count instructions per request with callgrind; takes a minute.
    #[arg(long)]
    instructions: bool,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => run(&options),
        Command::Timing(options) => timing::run(&options),
        Command::Origin { port } => origin::serve(port),
        Command::Client(options) => client::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let stage = peers::Stage::set(options)?;
    let results = workload::all(options, &stage)?;
    println!("{}", report::table(&results, &stage)?);
    if options.instructions {
        println!("{}", instructions::count(options)?);
    }
    Ok(())
}
