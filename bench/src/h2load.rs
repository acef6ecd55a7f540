//! h2load as the client for requests, over HTTP/1.1 and HTTP/2.

use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path, process::Command};

/// What it measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Requests that were answered with 2xx.
    pub(crate) operations: u64,
    /// Of the whole run.
    pub(crate) seconds: f64,
    /// Half of the requests took no longer, microseconds.
    pub(crate) p50: u64,
    /// 99 of 100 took no longer, microseconds.
    pub(crate) p99: u64,
}

/// How to load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) url: &'a str,
    pub(crate) http2: bool,
    pub(crate) requests: u64,
    pub(crate) connections: u32,
    /// Requests at once on one connection.
    pub(crate) streams: u32,
    pub(crate) fields: &'a [String],
    /// Sent with each request.
    pub(crate) upload: Option<&'a Path>,
}

/// Runs it on a core.
pub(crate) fn run(load: &Load<'_>, core: usize, folder: &Path) -> Result<Measured> {
    let log = folder.join("h2load.log");
    let _ = fs::remove_file(&log);
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string(), "h2load"]);
    if !load.http2 {
        command.arg("--h1");
    }
    command.args(["--requests", &load.requests.to_string()]);
    command.args(["--clients", &load.connections.to_string(), "--threads", "1"]);
    command.args(["--max-concurrent-streams", &load.streams.to_string()]);
    command.arg(format!("--log-file={}", log.display()));
    for field in load.fields {
        command.args(["--header", field]);
    }
    if let Some(file) = load.upload {
        command.arg("--data").arg(file);
    }
    let output = command.arg(load.url).output().context("h2load does not start")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (operations, seconds) = read(&said).with_context(|| format!("h2load said:\n{said}"))?;
    if operations != load.requests {
        bail!("only {operations} of {} requests succeeded:\n{said}", load.requests);
    }
    let mut times: Vec<u64> = fs::read_to_string(&log)
        .context("h2load wrote no log")?
        .lines()
        .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Ok(Measured { operations, seconds, p50: at(50), p99: at(99) })
}

/// `requests: N total, … N succeeded, …`, `status codes: N 2xx, …` and `finished in 1.23s, …`.
fn read(said: &str) -> Option<(u64, f64)> {
    let line = said.lines().find_map(|line| line.strip_prefix("status codes: "))?;
    let operations = line.split(" 2xx").next()?.trim().parse().ok()?;
    let took = said.lines().find_map(|line| line.strip_prefix("finished in "))?.split(',').next()?;
    let seconds = match (took.strip_suffix("ms"), took.strip_suffix("us")) {
        (Some(text), _) => text.parse::<f64>().ok()? / 1e3,
        (_, Some(text)) => text.parse::<f64>().ok()? / 1e6,
        _ => took.strip_suffix('s')?.parse().ok()?,
    };
    Some((operations, seconds))
}
