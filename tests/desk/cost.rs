//! What the desktop program costs while nobody looks at it: promised in numbers, so asserted, with room for the
//! unoptimised build the tests use. The numbers themselves are printed.

use crate::support::{desktop::Desktop, eventually};
use std::{fs, time::Duration};

#[test]
fn idle_it_sleeps_and_a_closed_window_gives_its_memory_back() {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    let idle = memory_kib(&desktop);
    item.activate();
    eventually("the window is there", || desktop.windows() == ["Drawbridge"]);
    let shown = memory_kib(&desktop);
    desktop.close_window();
    eventually("the window is gone", || desktop.windows().is_empty());
    let mut closed = 0;
    eventually("the window's memory is given back", || {
        closed = memory_kib(&desktop);
        closed <= 200 * 1024
    });
    let switches = wake_ups(desktop.pid());
    std::thread::sleep(WATCHED);
    let switches = wake_ups(desktop.pid()) - switches;
    eprintln!(
        "PSS: {idle} KiB idle, {shown} with the window, {closed} after it; {switches} wake-ups in {WATCHED:?}"
    );
    assert!(idle <= 150 * 1024, "{idle} KiB idle");
    // Far more than it needs, far less than anything that spins.
    assert!(switches <= 20 * WATCHED.as_secs(), "{switches} wake-ups in {WATCHED:?}");
}

/// Proportional memory of the program and everything it started.
fn memory_kib(desktop: &Desktop) -> u64 {
    family(desktop.pid()).into_iter().map(pss_kib).sum()
}

fn pss_kib(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// The process and its living descendants.
fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        for task in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|child| child.parse().ok());
            family.extend(children.filter(|child| pss_kib(*child) > 0));
        }
    }
    family
}

/// Voluntary context switches of all its threads: each is a thread that slept and was woken.
fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten();
    let switches = |status: String| {
        let line =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned));
        line.and_then(|line| line.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).map(switches).sum()
}

/// How long it is watched: long enough for what it does every few seconds.
const WATCHED: Duration = Duration::from_secs(10);
