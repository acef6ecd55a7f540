//! Instructions per request of the hot path: the whole engine under callgrind, two runs that differ in nothing but the
//! number of requests. Nearly the same on every machine, so a change of some percent shows that times would hide.

use crate::{
    Options,
    h2load::{self, Load},
    peers::{LOAD_CORE, Stage},
};
use anyhow::{Context as _, Result};
use std::{fs, path::Path, process::Command};

/// Counts, and says so in one line for each protocol.
pub(crate) fn count(options: &Options) -> Result<String> {
    let mut text = String::from("\nInstructions per request in user space (callgrind, session):\n");
    for (name, http2) in [("HTTP/1.1, 1 KiB", false), ("HTTP/2, 1 KiB", true)] {
        let few = total(options, http2, FEW)?;
        let many = total(options, http2, MANY)?;
        text.push_str(&format!("- {name}: {}\n", many.saturating_sub(few) / (MANY - FEW)));
    }
    Ok(text)
}

/// Instructions of an engine that answered so many requests.
fn total(options: &Options, http2: bool, requests: u64) -> Result<u64> {
    let stage = Stage::under_callgrind(options)?;
    let peer = stage.peers.first().context("an engine")?;
    let load = Load {
        url: &peer.url("/small"),
        http2,
        requests,
        connections: 4,
        streams: if http2 { 8 } else { 1 },
        fields: &peer.session,
        upload: None,
    };
    h2load::run(&load, LOAD_CORE, stage.folder.path())?;
    dump(peer.pid(), stage.folder.path())
}

/// Asks callgrind for what it counted so far.
fn dump(pid: u32, folder: &Path) -> Result<u64> {
    let said = Command::new("callgrind_control").args(["--dump", &pid.to_string()]).output();
    said.context("callgrind_control does not start")?;
    let files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let dumped = files
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("callgrind.out"))
        })
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
    dumped.max().context("callgrind left no count")
}

/// Requests of the shorter run.
const FEW: u64 = 500;
/// Requests of the longer one.
const MANY: u64 = 2_500;
