//! Can a stranger tell from the time whether an account exists? Sign-ins that must all look the same, interleaved in random
//! order, and how far apart their times are: the difference of the means as a share of the spread (Cohen's d), and how often
//! one kind took longer than another (0.5 is chance).

use crate::{client, peers};
use anyhow::{Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The optimised `drawbridge`.
    #[arg(long)]
    program: PathBuf,
    /// Attempts of each kind, at the API and over Basic.
    #[arg(long, default_value_t = 1000)]
    samples: usize,
}

/// A kind of attempt that is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Unknown,
    Wrong,
    Disabled,
}

/// Measures, and prints a table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("drawbridge-timing-").tempdir()?;
    let engine = peers::alone(&options.program, folder.path())?;
    for number in 0..ACCOUNTS {
        for (kind, name) in [("wrong", format!("wrong{number}")), ("disabled", format!("disabled{number}"))] {
            engine.ask(&["user", "add", &name], "")?;
            if kind == "disabled" {
                engine.ask(&["user", "set", &name, "--disabled", "true"], "")?;
            }
        }
    }
    println!("{} attempts of each kind, interleaved; times in milliseconds\n", options.samples);
    println!("| way | kind | mean | median | spread | d to unknown | took longer than unknown |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for (way, address, ask) in [("API", engine.gate, login as Ask), ("Basic", engine.door, basic as Ask)] {
        let times = sample(address, ask, options.samples)?;
        let unknown = times_of(&times, Kind::Unknown);
        for kind in [Kind::Unknown, Kind::Wrong, Kind::Disabled] {
            let own = times_of(&times, kind);
            println!(
                "| {way} | {kind:?} | {:.2} | {:.2} | {:.2} | {:+.3} | {:.3} |",
                mean(&own),
                own.get(own.len() / 2).copied().unwrap_or_default(),
                spread(&own),
                effect(&own, &unknown),
                longer(&own, &unknown)
            );
        }
    }
    Ok(())
}

type Ask = fn(SocketAddr, &str) -> String;

fn login(gate: SocketAddr, name: &str) -> String {
    let body = format!(r#"{{"username":"{name}","password":"never the right one"}}"#);
    format!(
        "POST /.drawbridge/api/auth/login HTTP/1.1\r\nhost: {gate}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn basic(door: SocketAddr, name: &str) -> String {
    let credential = STANDARD.encode(format!("{name}:never the right one"));
    format!("GET / HTTP/1.1\r\nhost: {door}\r\nauthorization: Basic {credential}\r\n\r\n")
}

/// One attempt after the other over a kept connection; every kind as often, the order by chance.
fn sample(address: SocketAddr, ask: Ask, samples: usize) -> Result<Vec<(Kind, f64)>> {
    let mut order: Vec<(Kind, usize)> = (0..samples)
        .flat_map(|number| [Kind::Unknown, Kind::Wrong, Kind::Disabled].map(|kind| (kind, number)))
        .collect();
    shuffle_blocks(&mut order);
    let mut connection = connect(address)?;
    let mut times = Vec::with_capacity(order.len());
    for (kind, number) in order {
        let name = match kind {
            // A new one each time: a name that failed waits, known or not.
            Kind::Unknown => format!("nobody{number}"),
            Kind::Wrong => format!("wrong{}", number % ACCOUNTS),
            Kind::Disabled => format!("disabled{}", number % ACCOUNTS),
        };
        let (status, took) = attempt(&mut connection, &ask(address, &name))?;
        if status != 401 {
            bail!("{kind:?} was answered {status}");
        }
        times.push((kind, took.as_secs_f64() * 1000.0));
    }
    times.sort_by(|one, other| one.1.total_cmp(&other.1));
    Ok(times)
}

/// Each three attempts in another order, so that no kind stands in the wake of another.
fn shuffle_blocks(order: &mut [(Kind, usize)]) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for block in order.chunks_mut(3) {
        for place in (1..block.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.swap(place, usize::try_from(state >> 33).unwrap_or(0) % (place + 1));
        }
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(address: SocketAddr) -> Result<Tls> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let config = Arc::new(client::config("X25519")?);
    let name = ServerName::from(address.ip());
    Ok(StreamOwned::new(ClientConnection::new(config, name)?, stream))
}

fn attempt(connection: &mut Tls, request: &str) -> Result<(u16, Duration)> {
    let began = Instant::now();
    connection.write_all(request.as_bytes())?;
    connection.flush()?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    let mut took = None;
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            bail!("the connection ended");
        }
        took.get_or_insert_with(|| began.elapsed());
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if let Some(status) = whole(&answer) {
            return Ok((status, took.unwrap_or_default()));
        }
    }
}

/// The status of an answer that is complete.
fn whole(answer: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    (body.len() >= length).then(|| head.split(' ').nth(1)?.parse().ok()).flatten()
}

fn times_of(times: &[(Kind, f64)], kind: Kind) -> Vec<f64> {
    times.iter().filter(|(own, _)| *own == kind).map(|(_, took)| *took).collect()
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len().max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn spread(times: &[f64]) -> f64 {
    let middle = mean(times);
    (times.iter().map(|took| (took - middle).powi(2)).sum::<f64>() / times.len().max(2) as f64).sqrt()
}

/// Cohen's d: below 0.2 is called small.
fn effect(own: &[f64], other: &[f64]) -> f64 {
    let together = ((spread(own).powi(2) + spread(other).powi(2)) / 2.0).sqrt();
    (mean(own) - mean(other)) / together.max(f64::MIN_POSITIVE)
}

/// How often a time of the one is longer than one of the other (both sorted).
#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn longer(own: &[f64], other: &[f64]) -> f64 {
    let shorter: usize = own.iter().map(|took| other.partition_point(|than| than < took)).sum();
    shorter as f64 / (own.len() * other.len()).max(1) as f64
}

/// Accounts of each kind, taken in turn: each rests longer than the pause after a failure.
const ACCOUNTS: usize = 24;
