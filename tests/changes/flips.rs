//! P4 and P6 in numbers: a level that goes up and down under load is never wider in the kernel's tables than on the
//! disk, and after `local` nothing listens and nobody is connected.
//!
//! The watcher reads the disk, then the kernel, then the disk again. One change leads the stored level in one direction
//! only, so what was allowed in between is at most the higher of the two readings.

use super::stored::{Ports, Stored};
use crate::{
    faults::world::{Dice, granted, socket},
    promises::{Door, browser::Browser, tool::Tool, wire::Wire},
    support::{Trial, eventually_within, kernel, wire},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

#[test]
fn no_listener_is_ever_wider_than_the_stored_level() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos());
    let seed = std::env::var("DRAWBRIDGE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::try_from(now % (1 << 60)).unwrap_or(0));
    eprintln!("again with DRAWBRIDGE_TEST_SEED={seed}");
    let flips = if std::env::var_os("DRAWBRIDGE_LONG").is_some() { 1000 } else { 100 };
    let tool = Tool::echoing();
    let mut field = Field::new(&tool);
    let (board, visitors) = (Board::default(), field.visitors());
    let (address, ports) = (field.trial.address, field.ports);
    let stored = Stored::of(&field.trial.home());
    std::thread::scope(|scope| {
        let board = &board;
        scope.spawn(move || board.until_over(|| watch(board, &stored, &ports, address.into())));
        for visitor in &visitors {
            scope.spawn(move || board.until_over(|| visitor.comes(board)));
        }
        board.until_over_after(|| field.flip(board, &mut Dice(seed), flips));
    });
    let [judged, open, visits, kills] =
        [&board.judged, &board.open, &board.visits, &board.kills].map(|count| count.load(Ordering::SeqCst));
    eprintln!("{flips} flips, {kills} kills, {visits} answers; {judged} looks, {open} of them at open doors");
    assert!(visits > flips / 4, "visitors got in: {visits}");
    assert!(judged > 10 * flips && open > flips, "the watcher saw it: {judged}, {open}");
    assert!(kills > 0, "no kill in {flips} flips");
    assert_eq!(tool.broken(), [""; 0]);
}

/// What the threads tell each other.
#[derive(Default)]
struct Board {
    over: AtomicBool,
    /// Commands begun and answered; readings on both sides of a change of it say nothing together.
    phase: AtomicU64,
    judged: AtomicU64,
    open: AtomicU64,
    visits: AtomicU64,
    kills: AtomicU64,
}

impl Board {
    /// Does it again and again; what panics ends everything.
    fn until_over(&self, act: impl Fn()) {
        let _ends = Ends { over: &self.over, always: false };
        while !self.over.load(Ordering::SeqCst) {
            act();
        }
    }

    /// Does it once, and then it is over.
    fn until_over_after(&self, act: impl FnOnce()) {
        let _ends = Ends { over: &self.over, always: true };
        act();
    }
}

struct Ends<'a> {
    over: &'a AtomicBool,
    always: bool,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if self.always || std::thread::panicking() {
            self.over.store(true, Ordering::SeqCst);
        }
    }
}

/// One look at the disk and the kernel.
fn watch(board: &Board, stored: &Stored, ports: &Ports, address: std::net::IpAddr) {
    let phase = board.phase.load(Ordering::SeqCst);
    let before = stored.level();
    let listening = kernel::listeners_at(address);
    let after = stored.level();
    if board.phase.load(Ordering::SeqCst) != phase {
        return;
    }
    let allowed = ports.at(before.max(after));
    assert!(
        listening.is_subset(&allowed),
        "{listening:?} listen, but the disk allows {allowed:?} ({before}, {after})"
    );
    board.judged.fetch_add(1, Ordering::SeqCst);
    board.open.fetch_add(u64::from(!listening.is_empty()), Ordering::SeqCst);
    std::thread::sleep(Duration::from_micros(300));
}

/// Someone who is signed in at one of the doors.
struct Visitor {
    door: Door,
    cookie: String,
}

impl Visitor {
    /// Asks on a connection as long as it lives.
    fn comes(&self, board: &Board) {
        std::thread::sleep(Duration::from_millis(2));
        let Ok(mut wire) = Wire::try_open(self.door.address) else { return };
        for number in 0.. {
            let line = format!("GET /{}/{number}", self.door.address.port());
            if board.over.load(Ordering::SeqCst) || !wire.send(self.door.request(&line, &[&self.cookie])) {
                return;
            }
            let Some(reply) = wire.reply() else { return };
            match reply.status {
                200 => assert_eq!(reply.body, line, "the answer to another request"),
                403 | 503 => return,
                other => panic!("{line} was answered {other}: {}", reply.body),
            }
            board.visits.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Field {
    trial: Trial,
    ports: Ports,
}

impl Field {
    fn new(tool: &Tool) -> Self {
        let trial = Trial::sharing(&tool.url(), "internet");
        let ports = Ports::of(&trial.home());
        Self { trial, ports }
    }

    /// Two at the far door, one at the near one.
    fn visitors(&self) -> Vec<Visitor> {
        let at = |[gate, door]: [u16; 2]| {
            let [gate, door] = [gate, door].map(|port| Door { address: (self.trial.address, port).into() });
            Visitor { door, cookie: Browser::signed_in(door, gate).cookie() }
        };
        vec![at(self.ports.far), at(self.ports.far), at(self.ports.near)]
    }

    fn flip(&mut self, board: &Board, dice: &mut Dice, flips: u64) {
        for _ in 0..flips {
            if board.over.load(Ordering::SeqCst) {
                return;
            }
            let (request, level) = random(dice);
            board.phase.fetch_add(1, Ordering::SeqCst);
            if dice.below(20) == 0 {
                self.cut(&request, Duration::from_micros(dice.below(15_000)));
                board.kills.fetch_add(1, Ordering::SeqCst);
            } else {
                granted(&self.trial, &request);
                self.is_true(level);
            }
            board.phase.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(dice.below(20)));
        }
    }

    /// Kills the engine at some moment of a change and starts it again.
    fn cut(&mut self, request: &Value, after: Duration) {
        let asked = wire::ask(&socket(&self.trial), request).expect("the engine listens");
        let begin = Instant::now();
        while begin.elapsed() < after {
            std::hint::spin_loop();
        }
        self.trial.kill();
        drop(asked);
        self.trial.serve();
    }

    /// What was answered is so: at `local` nothing is left after a second.
    fn is_true(&self, level: u8) {
        let address = self.trial.address.into();
        assert_eq!(kernel::listeners_at(address), self.ports.at(level), "what listens at {level}");
        if level == 0 {
            let nobody = || kernel::connections_at(self.trial.pid(), address) == 0;
            eventually_within(Duration::from_secs(1), "nobody is connected", nobody);
        }
    }
}

/// A change and the level it leads to.
fn random(dice: &mut Dice) -> (Value, u8) {
    let to = |level: &str| json!({"request": "level", "tool": "Tool", "level": level});
    match dice.below(8) {
        0 | 1 => (to("local"), 0),
        2 | 3 => (to("lan"), 1),
        4..=6 => (to("internet"), 2),
        _ => (json!({"request": "close"}), 0),
    }
}
