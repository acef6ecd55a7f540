//! What the kernel knows of a program and everything it started: CPU time, memory, how often it was woken.

use anyhow::{Context as _, Result};
use std::{fs, time::Duration};

/// CPU time of a process and its descendants so far, from the scheduler's own nanoseconds.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let tasks = family(pid)?.into_iter().flat_map(tasks);
    let nanoseconds = tasks.filter_map(|task| {
        fs::read_to_string(format!("{task}/schedstat")).ok()?.split(' ').next()?.parse::<u64>().ok()
    });
    Ok(Duration::from_nanos(nanoseconds.sum()))
}

/// Proportional memory of a process and its descendants, KiB.
pub(crate) fn memory_kib(pid: u32) -> Result<u64> {
    let of = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    Ok(family(pid)?.into_iter().filter_map(of).sum())
}

/// How often a thread of it slept and was woken so far.
pub(crate) fn wake_ups(pid: u32) -> Result<u64> {
    let of = |task: String| {
        let status = fs::read_to_string(format!("{task}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    Ok(family(pid)?.into_iter().flat_map(tasks).filter_map(of).sum())
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "an unnamed processor".to_owned(), |(_, name)| name.to_owned())
}

fn tasks(pid: u32) -> Vec<String> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).collect()
}

fn family(pid: u32) -> Result<Vec<u32>> {
    fs::metadata(format!("/proc/{pid}")).with_context(|| format!("process {pid} is gone"))?;
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        for task in tasks(parent) {
            let children = fs::read_to_string(format!("{task}/children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    Ok(family)
}
