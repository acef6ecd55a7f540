//! `cargo xtask fuzz`: a coverage-guided look for inputs that break a promise of a parser.
//!
//! The targets live in the engine (`crates/engine/src/fuzzing`), the fuzzer around them in `fuzz/`, outside the workspace.
//! It is built by the stable compiler: the flags below make LLVM count edges and comparisons for libFuzzer, which is all
//! that cargo-fuzz adds besides the address sanitizer, and that would find little in code without `unsafe`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::parts::{self, Consent, Purpose};
use crate::places::Places;
use crate::shell;

/// What to look at, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One target, named like its folder in `fuzz/corpus`; all of them without it.
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Afterwards keep in `fuzz/corpus` the fewest inputs that reach everything reached so far.
    #[arg(long)]
    keep: bool,
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
}

/// Builds the fuzzer and runs it on each target; a broken promise does not stop the later ones.
///
/// # Errors
/// When it cannot be built, there is no such target, or a promise was broken.
pub(crate) fn run(options: &Options) -> Result<()> {
    let places = Places::find()?;
    if cfg!(target_os = "linux") {
        parts::ensure(&places, &[Purpose::Long], Consent::from_flag(options.yes))?;
    }
    let folder = places.root.join("fuzz");
    let mut targets = names(&folder.join("corpus"))?;
    if let Some(target) = &options.target {
        ensure!(targets.contains(target), "there is no target `{target}`, only {targets:?}");
        targets.retain(|name| name == target);
    }
    let program = build(&places, &folder)?;
    let mut broken = Vec::new();
    for target in targets {
        println!("\n== {target}, {} seconds", options.seconds);
        let field = Field::new(&places, &folder, &target)?;
        if !field.look(&program, options.seconds)? {
            broken.push(target);
        } else if options.keep {
            field.keep(&program)?;
        }
    }
    if !broken.is_empty() {
        bail!("broken promises: {}; the inputs are in fuzz/regressions", broken.join(", "));
    }
    Ok(())
}

/// The folders of one target.
struct Field {
    target: String,
    /// What the repository keeps.
    corpus: PathBuf,
    /// What was found here so far; the next run goes on from it.
    found: PathBuf,
    /// Inputs that broke a promise once.
    regressions: PathBuf,
}

impl Field {
    fn new(places: &Places, folder: &Path, target: &str) -> Result<Self> {
        let found = places.target.join("fuzz/found").join(target);
        let [corpus, regressions] = ["corpus", "regressions"].map(|kind| folder.join(kind).join(target));
        for path in [&found, &regressions] {
            fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        }
        Ok(Self { target: target.to_owned(), corpus, found, regressions })
    }

    /// Looks for new paths; whether every promise held.
    fn look(&self, program: &Path, seconds: u32) -> Result<bool> {
        let artifacts = format!("-artifact_prefix={}/", self.regressions.display());
        let mut command = self.command(program);
        command.args([format!("-max_total_time={seconds}"), format!("-timeout={HANG_SECONDS}"), artifacts]);
        command.args(["-print_final_stats=1", "-verbosity=0"]);
        command.args([&self.found, &self.corpus, &self.regressions]);
        let status = command.status().context("cannot start the fuzzer")?;
        // An empty folder would only be clutter.
        let _ = fs::remove_dir(&self.regressions);
        Ok(status.success())
    }

    /// Makes the corpus anew from what it has and what was found.
    fn keep(&self, program: &Path) -> Result<()> {
        let fresh = self.corpus.with_extension("new");
        fs::create_dir_all(&fresh).with_context(|| format!("cannot make the folder {}", fresh.display()))?;
        let mut command = self.command(program);
        // Without counters only edges count, not how often each was taken: a tenth of the inputs.
        command.args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"]).args([
            &fresh,
            &self.corpus,
            &self.found,
        ]);
        shell::run(&mut command)?;
        fs::remove_dir_all(&self.corpus).context("cannot replace the corpus")?;
        fs::rename(&fresh, &self.corpus).context("cannot replace the corpus")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("DRAWBRIDGE_FUZZ_TARGET", &self.target);
        command
    }
}

/// Names of the folders in a folder.
fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Builds into a target folder of its own. A target is named, because only then do build scripts and macros, which have no
/// fuzzer to count for, stay without the flags.
fn build(places: &Places, folder: &Path) -> Result<PathBuf> {
    let host = host()?;
    let target = places.target.join("fuzz");
    let mut command = shell::cargo();
    command.args(["build", "--release", "--target", &host]).current_dir(folder);
    command.env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    shell::run(&mut command)?;
    Ok(target.join(host).join("release").join(format!("drawbridge-fuzz{}", std::env::consts::EXE_SUFFIX)))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8(output.stdout).context("`rustc -vV` prints text")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// What cargo-fuzz gives a nightly compiler, without the sanitizer (LLVM's SanitizerCoverage: edges, their places,
/// comparisons). `fuzzing` is the name by which crates know that they are fuzzed.
const FLAGS: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// When one input counts as hanging, in seconds: beyond the deadline the targets give their own conversations.
const HANG_SECONDS: u32 = 30;
