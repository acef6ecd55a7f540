//! One table, in the words of `docs/performance.md`.

use crate::{
    account,
    peers::{Peer, Stage},
    workload::{Credential, Figures, Kind, Outcome, WORKLOADS, Workload},
};
use anyhow::Result;
use std::fmt::Write as _;

/// The table as Markdown: a row a workload, a column a program.
pub(crate) fn table(outcomes: &[Outcome], stage: &Stage) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "{}, proxy on one core, load and tool on the other.", account::processor())?;
    let versions: Vec<String> =
        stage.peers.iter().map(|peer| format!("{} {}", peer.name, peer.version)).collect();
    writeln!(text, "{}.\n", versions.join(", "))?;
    writeln!(text, "CPU time per operation, in microseconds; in brackets ours as a share of theirs.\n")?;
    let columns = columns(&stage.peers);
    header(&mut text, "workload (one operation)", &columns)?;
    each(&mut text, outcomes, &columns, |outcome, ours| {
        let ratio = if outcome.peer == "Drawbridge" {
            String::new()
        } else {
            format!(" ({:.2})", ours.cpu / outcome.figures.cpu)
        };
        format!("{:.1}{ratio}", outcome.figures.cpu)
    })?;
    writeln!(text, "\nOperations a second · p50 · p99 in milliseconds.\n")?;
    header(&mut text, "workload (one operation)", &columns)?;
    each(&mut text, outcomes, &columns, |outcome, _| speed(&outcome.figures, outcome.workload.kind))?;
    writeln!(text, "\nMemory (PSS), MiB: at the start, after all that, and by 9,000 idle WebSockets.\n")?;
    memory(&mut text, outcomes, &stage.peers)?;
    writeln!(text, "\nBars:\n")?;
    bars(&mut text, outcomes, &stage.peers)?;
    Ok(text)
}

type Column = (&'static str, Credential);

fn columns(peers: &[Peer]) -> Vec<Column> {
    let mut columns = vec![("Drawbridge", Credential::Session), ("Drawbridge", Credential::Basic)];
    let others = peers.iter().map(|peer| (peer.name, Credential::Session));
    columns.extend(others.filter(|(name, _)| *name != "Drawbridge"));
    columns
}

fn header(text: &mut String, first: &str, columns: &[Column]) -> Result<()> {
    let names: Vec<String> = columns
        .iter()
        .map(|(name, credential)| match (*name, credential) {
            ("Drawbridge", Credential::Session) => "Drawbridge, session".to_owned(),
            ("Drawbridge", Credential::Basic) => "Drawbridge, Basic".to_owned(),
            (name, _) => name.to_owned(),
        })
        .collect();
    writeln!(text, "| {first} | {} |", names.join(" | "))?;
    writeln!(text, "|---|{}", "---:|".repeat(columns.len()))?;
    Ok(())
}

fn each(
    text: &mut String,
    outcomes: &[Outcome],
    columns: &[Column],
    cell: impl Fn(&Outcome, &Figures) -> String,
) -> Result<()> {
    for workload in WORKLOADS {
        let Some(ours) = find(outcomes, &workload, ("Drawbridge", Credential::Session)) else { continue };
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                find(outcomes, &workload, *column)
                    .map_or_else(String::new, |found| cell(found, &ours.figures))
            })
            .collect();
        writeln!(text, "| {} ({}) | {} |", workload.name, workload.unit, cells.join(" | "))?;
    }
    Ok(())
}

fn find<'a>(outcomes: &'a [Outcome], workload: &Workload, column: Column) -> Option<&'a Outcome> {
    outcomes.iter().find(|outcome| {
        outcome.workload.name == workload.name && (outcome.peer, outcome.credential) == column
    })
}

fn speed(figures: &Figures, kind: Kind) -> String {
    if matches!(kind, Kind::Idle { .. }) {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "microseconds, far below 2^52")]
    let millis = |micros: u64| micros as f64 / 1e3;
    format!("{:.0} · {:.2} · {:.2}", figures.rate, millis(figures.p50), millis(figures.p99))
}

#[expect(clippy::cast_precision_loss, reason = "KiB, far below 2^52")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn memory(text: &mut String, outcomes: &[Outcome], peers: &[Peer]) -> Result<()> {
    writeln!(
        text,
        "| program | idle | wake-ups a second, idle | after the requests | 9,000 idle WebSockets |"
    )?;
    writeln!(text, "|---|---:|---:|---:|---:|")?;
    for peer in peers {
        let own = || outcomes.iter().filter(|outcome| outcome.peer == peer.name);
        let sockets = own().find(|outcome| matches!(outcome.workload.kind, Kind::Idle { .. }));
        let after = own().filter(|outcome| !matches!(outcome.workload.kind, Kind::Idle { .. }));
        let after = after.map(|outcome| outcome.figures.memory_kib).max();
        let shown =
            |kib: Option<u64>| kib.map_or_else(|| "–".to_owned(), |kib| format!("{:.1}", mebibytes(kib)));
        writeln!(
            text,
            "| {} | {:.1} | {:.1} | {} | {} |",
            peer.name,
            mebibytes(peer.idle.0),
            peer.idle.1,
            shown(after),
            shown(sockets.map(|outcome| outcome.figures.memory_kib)),
        )?;
    }
    Ok(())
}

fn bars(text: &mut String, outcomes: &[Outcome], peers: &[Peer]) -> Result<()> {
    let mut say = |what: &str, value: f64, most: f64, unit: &str| {
        let met = if value <= most { "met" } else { "missed" };
        writeln!(text, "- {what}: {value:.2}{unit}, bar {most}{unit}: {met}")
    };
    for workload in WORKLOADS {
        let Some(bar) = workload.bar else { continue };
        let ours = find(outcomes, &workload, ("Drawbridge", Credential::Session));
        let theirs = find(outcomes, &workload, (bar.peer, Credential::Session));
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let what = format!("{} to {}", workload.name, bar.peer);
            say(&what, ours.figures.cpu / theirs.figures.cpu, bar.ratio, "")?;
        }
    }
    for workload in WORKLOADS {
        let session = find(outcomes, &workload, ("Drawbridge", Credential::Session));
        let basic = find(outcomes, &workload, ("Drawbridge", Credential::Basic));
        if let (Some(session), Some(basic), Kind::Requests { path: "/small", .. }) =
            (session, basic, workload.kind)
        {
            let what = format!("{}, Basic to session", workload.name);
            say(&what, basic.figures.cpu / session.figures.cpu, 1.05, "")?;
        }
        let nginx = find(outcomes, &workload, ("nginx", Credential::Session));
        if let (Some(ours), Some(nginx), Kind::Requests { path: "/small", http2: false, .. }) =
            (session, nginx, workload.kind)
        {
            #[expect(clippy::cast_precision_loss, reason = "microseconds, far below 2^52")]
            let ratio = ours.figures.p99 as f64 / nginx.figures.p99.max(1) as f64;
            say("p99 at 16 connections to nginx", ratio, 1.0, "")?;
        }
    }
    let own = peers.iter().find(|peer| peer.name == "Drawbridge");
    if let Some(own) = own {
        say("idle memory", mebibytes(own.idle.0), 15.0, " MiB")?;
        say("idle wake-ups a second", own.idle.1, 1.0, "")?;
        if let Some(open) = own.open_wake_ups {
            say("idle wake-ups a second with a door open", open, 1.0, "")?;
        }
    }
    let idle = outcomes
        .iter()
        .find(|outcome| outcome.peer == "Drawbridge" && matches!(outcome.workload.kind, Kind::Idle { .. }));
    if let Some(idle) = idle {
        say("9,000 idle WebSockets", mebibytes(idle.figures.memory_kib), 180.0, " MiB")?;
    }
    Ok(())
}
