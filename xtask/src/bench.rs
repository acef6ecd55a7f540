//! `cargo xtask bench`: what Drawbridge costs beside nginx, HAProxy and Caddy (see `bench/` and `docs/performance.md`).

use anyhow::{Result, bail};
use clap::Args;

use crate::parts::{self, Consent, Purpose};
use crate::places::Places;
use crate::shell;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
    /// Measure instead whether time tells strangers which accounts there are.
    #[arg(long)]
    timing: bool,
    /// What `drawbridge-bench run` takes: `--rounds 5`, `--only WORKLOAD`, `--beside nginx`, `--instructions`;
    /// with `--timing`: `--samples 1000`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Builds what is shipped and what measures it, and measures.
///
/// # Errors
/// When a part cannot be installed, something does not build, or nothing could be measured.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the comparison reads Linux's own accounting of CPU time; there is none here");
    }
    let places = Places::find()?;
    parts::ensure(&places, &[Purpose::Run, Purpose::Bench], Consent::from_flag(options.yes))?;
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--package", "drawbridge", "--package", "drawbridge-bench"]);
    shell::run(cargo.args(["--bin", "drawbridge", "--bin", "drawbridge-bench"]).current_dir(&places.root))?;
    let built = places.target.join("release");
    let mut bench = std::process::Command::new(built.join("drawbridge-bench"));
    let what = if options.timing { "timing" } else { "run" };
    bench.arg(what).arg("--program").arg(built.join("drawbridge")).args(&options.more);
    shell::run(&mut bench)
}
