//! The field of a flood: an engine, its tool, a visitor who is signed in, an owner, and the kernel's view of it all.

use super::{is_long, length};
use crate::{
    promises::{Door, browser::Browser, tool::Tool, wire::Wire},
    support::{Trial, eventually_within, kernel, wire},
};
use serde_json::json;
use std::{
    fs,
    net::Ipv4Addr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// What one attacker does from one address until told to stop.
pub(super) type Attack = fn(&Field, Ipv4Addr, &dyn Fn() -> bool);

/// An engine with a tool that is open on the local network.
pub(super) struct Field {
    pub(super) trial: Trial,
    pub(super) door: Door,
    pub(super) gate: Door,
    /// The cookie field of the visitor who is signed in.
    pub(super) cookie: String,
    tool: Tool,
}

/// What the kernel says of the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    descriptors: usize,
    threads: usize,
    connections: usize,
    memory_kib: u64,
}

impl Field {
    /// A field on which everything that is made at its first use was used once.
    pub(super) fn new() -> Self {
        let tool = Tool::with_sockets();
        let trial = Trial::sharing(&tool.url(), "lan");
        let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
        let cookie = Browser::signed_in(door, gate).cookie();
        let field = Self { trial, door, gate, cookie, tool };
        for _ in 0..4 {
            field.visit(&mut Wire::open(door.address));
        }
        field
    }

    /// What the kernel says now.
    pub(super) fn measure(&self) -> Measure {
        let pid = self.trial.pid();
        Measure {
            descriptors: kernel::descriptors(pid),
            threads: kernel::threads(pid),
            connections: kernel::connections(pid),
            memory_kib: kernel::memory(pid).0,
        }
    }

    /// The same as soon as nobody is connected and connections to the tool that nobody uses were given back.
    pub(super) fn quiet(&self) -> Measure {
        eventually_within(RETURN, "the warm-up is over", || self.measure().connections == 0);
        self.measure()
    }

    /// Everything a flood took is given back in time.
    pub(super) fn is_as_before(&self, before: Measure, what: &str) {
        let begin = Instant::now();
        let mut now = self.measure();
        let is_back = || {
            now = self.measure();
            now.connections <= before.connections
                && now.descriptors <= before.descriptors
                && now.threads <= before.threads + POOL_THREADS
        };
        let waiting = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually_within(RETURN, what, is_back);
        }));
        assert!(waiting.is_ok(), "{what}: not as before: {:?}, but {before:?}", self.measure());
        let most = kernel::memory(self.trial.pid()).1;
        eprintln!("{what}: back after {:?}, most {} MiB: {now:?}", begin.elapsed(), most / 1024);
        let said = fs::metadata(self.trial.said()).map_or(0, |file| file.len());
        assert!(said < MOST_SAID, "{what}: strangers make it write: {said} bytes");
        assert!(most - before.memory_kib < MOST_KIB, "{what}: memory grew from {before:?} to {most} KiB");
    }

    /// Runs an attack from three addresses while something else is looked at.
    pub(super) fn under<T>(&self, attack: Attack, look: impl FnOnce() -> T) -> T {
        let goes_on = AtomicBool::new(true);
        std::thread::scope(|scope| {
            for host in 1..=3 {
                let goes_on = &goes_on;
                scope.spawn(move || {
                    attack(self, Ipv4Addr::new(127, 250, 0, host), &|| goes_on.load(Ordering::SeqCst));
                });
            }
            let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
            goes_on.store(false, Ordering::SeqCst);
            looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The visitor asks for a page; how long it took.
    fn visit(&self, wire: &mut Wire) -> Option<Duration> {
        let begin = Instant::now();
        wire.send(self.door.request("GET /page", &[&self.cookie]));
        let reply = wire.reply()?;
        assert_eq!((reply.status, reply.body.as_str()), (200, "GET /page"), "{}", reply.head);
        Some(begin.elapsed())
    }

    /// The visitor gets answers for a while, on a kept connection and on new ones; what 99 in 100 of them took at most.
    pub(super) fn visits(&self, what: &str) -> Duration {
        let arrive = || Wire::open_from(VISITOR, self.door.address);
        let begin = Instant::now();
        let (mut kept, mut waits) = (arrive(), Vec::new());
        while begin.elapsed() < length() {
            let fresh = Instant::now();
            assert!(self.visit(&mut arrive()).is_some(), "{what}: a new visitor");
            waits.push(fresh.elapsed());
            waits.push(self.visit(&mut kept).unwrap_or_else(|| panic!("{what}: a kept connection")));
            std::thread::sleep(Duration::from_millis(20));
        }
        waits.sort_unstable();
        let (p99, longest) = (waits[(waits.len() - 1) * 99 / 100], waits[waits.len() - 1]);
        eprintln!("{what}: {} visits, p99 {p99:?}, the longest {longest:?}", waits.len());
        assert!(longest < PATIENCE, "{what}: an answer took {longest:?}");
        p99
    }

    /// The owner closes everything over the control socket.
    fn closes(&self, what: &str) {
        let socket = self.trial.home().join("run/control.sock");
        let begin = Instant::now();
        let answer = wire::exchange(&socket, &json!({ "request": "close" }));
        let took = begin.elapsed();
        eprintln!("{what}: closed after {took:?}");
        assert!(answer.is_some_and(|(status, _)| status == 200), "{what}: the owner was not answered");
        assert!(took < Duration::from_secs(1), "{what}: closing took {took:?}");
        assert!(kernel::listeners(self.trial.pid()).is_empty(), "{what}: something is still open");
        assert_eq!(self.tool.broken(), Vec::<String>::new(), "{what}: the tool got half a request");
    }
}

/// Goes through attacks one after the other: someone signed in gets answers, the owner can close everything, and what
/// was taken comes back.
pub(super) fn withstands(attacks: &[(&str, Attack)]) {
    // One field at a time: a flood and the soak would measure each other.
    let _alone = alone();
    let field = Field::new();
    let before = field.quiet();
    for (what, attack) in attacks {
        if is_long() {
            field.under(*attack, || field.visits(what));
            field.is_as_before(before, what);
        }
        field.under(*attack, || {
            field.visits(what);
            field.closes(what);
        });
        let visitors = || kernel::connections_at(field.trial.pid(), field.door.address.ip()) == 0;
        eventually_within(RETURN, &format!("{what}: every visitor's connection has ended"), visitors);
        field.trial.ok(&["level", "Tool", "lan"]);
    }
    field.is_as_before(before, "all of them");
}

/// Waits for whoever else measures.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps this many things open, feeds each once a round, and opens another for each that ended.
pub(super) fn hold<T>(
    count: usize,
    goes_on: &dyn Fn() -> bool,
    open: impl Fn() -> Option<T>,
    feed: impl Fn(&mut T) -> bool,
) {
    let mut held: Vec<T> = Vec::new();
    while goes_on() {
        held.retain_mut(|one| !goes_on() || feed(one));
        // Not all at once, so that those that are open are fed too.
        for _ in 0..(count - held.len()).min(50) {
            match goes_on().then(&open).flatten() {
                Some(one) => held.push(one),
                None => break,
            }
        }
        std::thread::sleep(Duration::from_millis(if is_long() { 100 } else { 20 }));
    }
}

static ALONE: Mutex<()> = Mutex::new(());

/// Where the visitor calls from: no attacker's address, so that what is counted per address is counted apart.
const VISITOR: Ipv4Addr = Ipv4Addr::new(127, 250, 0, 9);
/// How long an answer may take under a flood (chosen: a person waits that long; all attackers share two cores with us).
const PATIENCE: Duration = Duration::from_secs(5);
/// P7.
const RETURN: Duration = Duration::from_secs(10);
/// Threads that hash passwords or look at the network end by themselves when nobody asked for ten seconds.
const POOL_THREADS: usize = 4;
/// Bytes on standard error, however much is thrown at it (chosen: a few lines for each flood).
const MOST_SAID: u64 = 64 * 1024;
/// How much more memory a flood may take: two password hashes of 64 MiB each, and 128 MiB for 512 connections.
const MOST_KIB: u64 = 256 * 1024;
