//! What the desktop program costs while nobody looks at it: promised in numbers, so asserted, with room for the
//! unoptimised build the tests use. The numbers themselves are printed. Counted is memory of its own, not pages of files:
//! how many of those are there depends on what else runs.

use crate::support::{desktop::Desktop, eventually, eventually_within};
use std::{fs, time::Duration};

#[test]
fn idle_it_sleeps_and_a_closed_window_gives_its_memory_back() {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    let idle = memory_kib(&desktop);
    item.activate();
    eventually("the window is there", || desktop.windows() == ["Drawbridge"] && draws(&desktop));
    let shown = memory_kib(&desktop);
    desktop.close_window();
    eventually("the window is gone", || desktop.windows().is_empty());
    eventually_within(PATIENCE, "what drew it has ended", || !draws(&desktop));
    let closed = memory_kib(&desktop);
    let switches = wake_ups(desktop.pid());
    std::thread::sleep(WATCHED);
    let switches = wake_ups(desktop.pid()) - switches;
    eprintln!(
        "own memory: {idle} KiB idle, {shown} with the window, {closed} after it; {switches} wake-ups in {WATCHED:?}"
    );
    assert!(idle <= 60 * 1024, "{idle} KiB idle");
    assert!(closed <= 100 * 1024, "{closed} KiB after the window");
    // Far more than it needs, far less than anything that spins.
    assert!(switches <= 20 * WATCHED.as_secs(), "{switches} wake-ups in {WATCHED:?}");
}

/// Whether a process lives that draws the window's page.
fn draws(desktop: &Desktop) -> bool {
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    family(desktop.pid()).into_iter().any(|pid| name(pid).starts_with("WebKitWebProces"))
}

/// Memory of the program's own, and of everything it started.
fn memory_kib(desktop: &Desktop) -> u64 {
    family(desktop.pid()).into_iter().map(own_kib).sum()
}

fn own_kib(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:"));
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
            family.extend(children.filter(|child| own_kib(*child) > 0));
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

/// How long its processes may take to end on a slow machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it is watched: long enough for what it does every few seconds.
const WATCHED: Duration = Duration::from_secs(10);
