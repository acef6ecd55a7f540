//! What is measured, and how: each workload on every program in turn, several rounds, the median of each figure.

use crate::{
    Options, account,
    h2load::{self, Load, Measured},
    origin,
    peers::{LOAD_CORE, Peer, Stage},
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
    time::Duration,
};

/// One kind of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) unit: &'static str,
    pub(crate) kind: Kind,
    /// Ours, with the session, may cost this much of a peer's.
    pub(crate) bar: Option<Bar>,
}

/// A bar of the project: a ratio of CPU time per operation to that of a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) peer: &'static str,
    pub(crate) ratio: f64,
}

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Requests through h2load.
    Requests {
        /// HTTP/2 instead of HTTP/1.1.
        http2: bool,
        /// The path asked for.
        path: &'static str,
        /// How many in a round.
        count: u64,
        connections: u32,
        streams: u32,
        /// Whether each sends the large file.
        upload: bool,
    },
    /// Our own client, by the name of its play.
    Client {
        /// What it plays.
        play: &'static str,
        /// How many in a round.
        count: usize,
    },
    /// So many WebSockets that say nothing; what counts is the memory.
    Idle {
        /// How many.
        sockets: usize,
    },
}

/// Who sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Credential {
    /// A browser with a session; the peers ask for nothing.
    Session,
    /// A program with name and password; Drawbridge only.
    Basic,
}

/// Medians of one workload on one program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// CPU time per operation, microseconds.
    pub(crate) cpu: f64,
    /// Operations a second.
    pub(crate) rate: f64,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    /// Memory at the end, KiB; less what it had idle, for sockets.
    pub(crate) memory_kib: u64,
}

/// One cell of the table.
pub(crate) struct Outcome {
    pub(crate) workload: Workload,
    pub(crate) peer: &'static str,
    pub(crate) credential: Credential,
    pub(crate) figures: Figures,
}

/// Everything.
pub(crate) const WORKLOADS: [Workload; 9] = [
    Workload {
        name: "HTTP/1.1, 1 KiB",
        unit: "request",
        kind: requests(false, 60_000),
        bar: Some(Bar { peer: "nginx", ratio: 1.0 }),
    },
    Workload {
        name: "HTTP/2, 1 KiB",
        unit: "request",
        kind: requests(true, 60_000),
        bar: Some(Bar { peer: "HAProxy", ratio: 1.0 }),
    },
    Workload {
        name: "TLS 1.3 handshake, full",
        unit: "handshake",
        kind: Kind::Client { play: "full", count: 3_000 },
        bar: Some(Bar { peer: "nginx", ratio: 0.7 }),
    },
    Workload {
        name: "TLS 1.3 handshake, resumed",
        unit: "handshake",
        kind: Kind::Client { play: "resumed", count: 3_000 },
        bar: None,
    },
    Workload {
        name: "HTTP/1.1 download",
        unit: "16 MiB",
        kind: bulk(false, false),
        bar: Some(Bar { peer: "HAProxy", ratio: 0.85 }),
    },
    Workload {
        name: "HTTP/1.1 upload",
        unit: "16 MiB",
        kind: bulk(false, true),
        bar: Some(Bar { peer: "HAProxy", ratio: 0.85 }),
    },
    Workload { name: "HTTP/2 download", unit: "16 MiB", kind: bulk(true, false), bar: None },
    Workload {
        name: "WebSocket message",
        unit: "64 bytes to and fro",
        kind: Kind::Client { play: "messages", count: 64_000 },
        bar: None,
    },
    Workload {
        name: "9,000 idle WebSockets",
        unit: "socket",
        kind: Kind::Idle { sockets: 9_000 },
        bar: None,
    },
];

const fn requests(http2: bool, count: u64) -> Kind {
    Kind::Requests {
        http2,
        path: "/small",
        count,
        connections: 16,
        streams: if http2 { 8 } else { 1 },
        upload: false,
    }
}

const fn bulk(http2: bool, upload: bool) -> Kind {
    let path = if upload { "/sink" } else { "/large" };
    Kind::Requests { http2, path, count: 60, connections: 4, streams: 1, upload }
}

/// Measures everything that was asked for.
pub(crate) fn all(options: &Options, stage: &Stage) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for workload in WORKLOADS {
        if options.only.as_ref().is_some_and(|only| !workload.name.contains(only.as_str())) {
            continue;
        }
        let runs: Vec<(&Peer, Credential)> = stage
            .peers
            .iter()
            .flat_map(|peer| [(peer, Credential::Session), (peer, Credential::Basic)])
            .filter(|(peer, credential)| {
                *credential == Credential::Session
                    || (!peer.basic.is_empty()
                        && matches!(workload.kind, Kind::Requests { upload: false, .. }))
            })
            .collect();
        let rounds = if matches!(workload.kind, Kind::Idle { .. }) { 1 } else { options.rounds.max(1) };
        let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); runs.len()];
        for round in 0..rounds {
            for ((peer, credential), into) in runs.iter().zip(&mut figures) {
                eprintln!("{} ({}/{rounds}): {} {credential:?}", workload.name, round + 1, peer.name);
                match measure(&workload, peer, *credential, stage) {
                    Ok(figures) => into.push(figures),
                    // An empty cell says it too; the others are still worth having.
                    Err(error) => eprintln!("  failed: {error:#}"),
                }
            }
        }
        for ((peer, credential), figures) in runs.into_iter().zip(figures) {
            if let Some(figures) = median(&figures) {
                outcomes.push(Outcome { workload, peer: peer.name, credential, figures });
            }
        }
    }
    Ok(outcomes)
}

fn measure(workload: &Workload, peer: &Peer, credential: Credential, stage: &Stage) -> Result<Figures> {
    let fields = match credential {
        Credential::Session => &peer.session,
        Credential::Basic => &peer.basic,
    };
    let before = account::cpu(peer.pid())?;
    let (measured, memory_kib) = match workload.kind {
        Kind::Requests { http2, path, count, connections, streams, upload } => {
            let file = stage.folder.path().join("large");
            if upload && !file.exists() {
                fs::write(&file, vec![b'x'; origin::LARGE])?;
            }
            let mut fields = fields.clone();
            if upload && !peer.session.is_empty() {
                // A browser's upload says where it comes from.
                fields.push(format!("origin: https://{}", peer.address));
            }
            let load = Load {
                url: &peer.url(path),
                http2,
                requests: count,
                connections,
                streams,
                fields: &fields,
                upload: upload.then_some(file.as_path()),
            };
            (h2load::run(&load, LOAD_CORE, stage.folder.path())?, account::memory_kib(peer.pid())?)
        }
        Kind::Client { play, count } => {
            let output = client(peer, play, count, fields)?.stderr(Stdio::inherit()).output()?;
            let measured = read(&output.stdout).context("the client said nothing")?;
            (measured, account::memory_kib(peer.pid())?)
        }
        Kind::Idle { sockets } => idle(peer, sockets, fields)?,
    };
    let cpu = account::cpu(peer.pid())?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let operations = measured.operations as f64;
    Ok(Figures {
        cpu: cpu.as_secs_f64() * 1e6 / operations,
        rate: operations / measured.seconds,
        p50: measured.p50,
        p99: measured.p99,
        memory_kib,
    })
}

/// Opens the sockets, looks at the memory while they are open, and asks each whether it still is.
fn idle(peer: &Peer, sockets: usize, fields: &[String]) -> Result<(Measured, u64)> {
    let before = account::memory_kib(peer.pid())?;
    let mut process = client(peer, "idle", sockets, fields)?.stdin(Stdio::piped()).spawn()?;
    let stdin = process.stdin.take();
    let mut output = BufReader::new(process.stdout.take().context("it was piped")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let open: u64 = line.trim().parse().context("the client could not open them all")?;
    std::thread::sleep(Duration::from_secs(2));
    let memory = account::memory_kib(peer.pid())?.saturating_sub(before);
    drop(stdin);
    output.read_to_string(&mut line)?;
    if !process.wait()?.success() {
        bail!("some WebSockets did not live");
    }
    Ok((Measured { operations: open, seconds: 1.0, p50: 0, p99: 0 }, memory))
}

fn client(peer: &Peer, play: &str, count: usize, fields: &[String]) -> Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &LOAD_CORE.to_string()]).arg(std::env::current_exe()?);
    command.args(["client", play, &peer.address.to_string(), &count.to_string()]);
    for field in fields {
        command.args(["--field", field]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// `operations microseconds p50 p99`.
fn read(said: &[u8]) -> Option<Measured> {
    let text = String::from_utf8_lossy(said);
    let mut numbers = text.split_whitespace().map_while(|word| word.parse::<u64>().ok());
    let (operations, micros) = (numbers.next()?, numbers.next()?);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let seconds = micros as f64 / 1e6;
    Some(Measured { operations, seconds, p50: numbers.next()?, p99: numbers.next()? })
}

fn median(all: &[Figures]) -> Option<Figures> {
    let middle = |of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "microseconds and KiB, far below 2^52"
    )]
    Some(Figures {
        cpu: middle(|figures| figures.cpu)?,
        rate: middle(|figures| figures.rate)?,
        p50: middle(|figures| figures.p50 as f64)? as u64,
        p99: middle(|figures| figures.p99 as f64)? as u64,
        memory_kib: middle(|figures| figures.memory_kib as f64)? as u64,
    })
}
