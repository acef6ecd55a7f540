//! `cargo xtask test`: everything the public checks do, on this machine, with one table at the end.
//!
//! A failed step does not stop the later ones: one run shows everything that is wrong. The last line is for scripts.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::counts::Counts;
use crate::parts::{self, Consent, Purpose};
use crate::places::Places;
use crate::shell;
use crate::steps::{self, Kind, Selection, Step};

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also the long variants of tests that have one.
    #[arg(long)]
    long: bool,
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
    /// Only tests whose name contains this; no other checks.
    filter: Option<String>,
}

/// Runs the steps and prints the table; the exit code is 1 when something failed. A part that cannot be installed is a
/// failure like any other: the steps that do not need it still tell something.
///
/// # Errors
/// When cargo cannot read the workspace.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let places = Places::find()?;
    let selection = Selection { filter: options.filter.clone(), long: options.long };
    let steps = steps::chosen(&selection);
    let mut outcomes = Vec::new();
    if cfg!(target_os = "linux") {
        outcomes.push(timed("parts", || {
            parts::ensure(&places, &purposes(&steps), Consent::from_flag(options.yes))?;
            Ok(Counts::default())
        }));
    }
    for step in steps {
        outcomes.push(timed(step.name, || perform(step, &places, &selection)));
    }
    let failed = report(&outcomes).failed > 0;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What became of a step.
struct Outcome {
    name: &'static str,
    took: Duration,
    counts: Counts,
}

fn purposes(steps: &[&Step]) -> Vec<Purpose> {
    steps.iter().map(|step| step.purpose).collect()
}

/// What could not be done at all counts as one failure.
fn timed(name: &'static str, work: impl FnOnce() -> Result<Counts>) -> Outcome {
    let begin = Instant::now();
    let counts = work().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Counts::one(false)
    });
    Outcome { name, took: begin.elapsed(), counts }
}

fn perform(step: &Step, places: &Places, selection: &Selection) -> Result<Counts> {
    let mut command = (step.command)(places, selection);
    command.current_dir(&places.root).stdin(Stdio::null());
    println!("\n== {}: {}", step.name, shell::line(&command));
    match step.kind {
        Kind::Check | Kind::Groundwork => {
            let status =
                command.status().with_context(|| format!("cannot start `{}`", shell::line(&command)))?;
            Ok(Counts::one(status.success()))
        }
        Kind::Tests => count_tests(&mut command),
    }
}

/// Shows what the tests print and adds up their closing lines. A run that failed without a failed test (it did not compile,
/// or a test program crashed) counts as one failure more, and so does
/// one that ran no test: a misspelt filter must not look like a success.
fn count_tests(command: &mut Command) -> Result<Counts> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", shell::line(command)))?;
    let lines = lines_of(&mut child);
    let mut counts = Counts::default();
    let mut ended = None;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                println!("{line}");
                counts += Counts::of_line(&line);
            }
            Err(RecvTimeoutError::Timeout) if ended.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {
                ended = child.try_wait().context("cannot wait for the tests")?
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = match ended {
        Some(status) => status,
        None => child.wait().context("cannot wait for the tests")?,
    };
    if counts.failed == 0 && (!status.success() || counts.passed == 0) {
        counts.failed = 1;
    }
    Ok(counts)
}

/// The child's lines from a thread of their own: a process that a test left behind keeps the pipe open, and must not keep us.
fn lines_of(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(LINES);
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                if sender.send(text).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// Prints the table and, alone on the very last line, the sum.
fn report(outcomes: &[Outcome]) -> Counts {
    let mut sum = Counts::default();
    println!("\n{:<16} {:>8} {:>7} {:>7}  ok", "step", "seconds", "passed", "failed");
    for outcome in outcomes {
        let Counts { passed, failed } = outcome.counts;
        let ok = if failed == 0 { "yes" } else { "NO" };
        println!("{:<16} {:>8.1} {passed:>7} {failed:>7}  {ok}", outcome.name, outcome.took.as_secs_f64());
        sum += outcome.counts;
    }
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    println!("{:<16} {seconds:>8.1}\n", "together");
    println!("{} passed, {} failed", sum.passed, sum.failed);
    sum
}

/// How often we look whether the tests have ended while they print nothing (chosen: nobody notices half a second).
const LOOK: Duration = Duration::from_millis(500);

/// How many lines wait for the terminal before the tests do.
const LINES: usize = 1024;
