//! `kill -9` at random points of changes, between saving and applying too. What was acknowledged holds, what was in
//! flight happened or did not, nothing is higher than either says, and it always starts again.

use super::world::{Change, Dice, Level, World, first_password, granted, look, socket};
use crate::support::{Recorder, Trial, raw, trial::PASSWORD, wire};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

#[test]
fn no_acknowledged_change_is_lost_and_no_level_rises_over_200_kills() {
    let seed = std::env::var("DRAWBRIDGE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis());
    let seed: u64 = seed.unwrap_or_else(|| u64::try_from(now).unwrap_or(0));
    let rounds = if std::env::var_os("DRAWBRIDGE_LONG").is_some() { 1000 } else { 50 };
    let tool = Arc::new(Recorder::start());
    let lanes = (0..4_u64).map(|lane| {
        let tool = Arc::clone(&tool);
        thread::spawn(move || Lane::new(seed.wrapping_add(lane << 48), tool.url()).run(rounds))
    });
    let lanes: Vec<_> = lanes.collect();
    let mut moments = BTreeMap::new();
    for lane in lanes {
        let counts = lane.join().unwrap_or_else(|_| panic!("again with DRAWBRIDGE_TEST_SEED={seed}"));
        counts.into_iter().for_each(|(moment, count)| *moments.entry(moment).or_insert(0) += count);
    }
    let (cut, whole) = (moments["in flight"], moments["answered"]);
    assert!(
        cut >= 40,
        "the kills must hit changes, not the pauses between: {cut} cut short, {whole} answered"
    );
    assert!(moments["happened"] > 0 && moments["did not"] > 0, "both sides of a change are hit: {moments:?}");
}

/// One installation and its changes.
struct Lane {
    trial: Trial,
    dice: Dice,
    target: String,
    world: World,
    /// What each user's password may be, the likeliest first.
    passwords: BTreeMap<String, Vec<String>>,
    counts: BTreeMap<&'static str, u32>,
}

impl Lane {
    fn new(seed: u64, target: String) -> Self {
        let trial = Trial::running();
        trial.add_user("keeper", PASSWORD);
        let world = look(&trial);
        let counts =
            ["in flight", "answered", "happened", "did not"].into_iter().map(|name| (name, 0)).collect();
        Self { trial, dice: Dice(seed), target, world, passwords: BTreeMap::new(), counts }
    }

    fn run(mut self, rounds: u32) -> BTreeMap<&'static str, u32> {
        for round in 0..rounds {
            for _ in 0..self.dice.below(3) {
                let change = Change::random(&mut self.dice, &self.world);
                granted(&self.trial, &change.request(&self.target));
                self.acknowledge(&change);
            }
            assert_eq!(look(&self.trial), self.world, "round {round}, before the kill");
            let change = Change::random(&mut self.dice, &self.world);
            let is_acknowledged = self.cut(&change);
            self.trial.serve();
            self.judge(round, &change, is_acknowledged);
        }
        self.counts
    }

    /// Begins a change and kills the engine at some moment of it; says whether it was acknowledged.
    fn cut(&mut self, change: &Change) -> bool {
        let moment = Moment::random(&mut self.dice, &self.trial.home());
        let request = change.request(&self.target);
        let mut asked = wire::ask(&socket(&self.trial), &request).expect("the engine listens");
        moment.await_it(|| asked.is_answered());
        self.trial.kill();
        match asked.answer() {
            Some((status, value)) => {
                assert_eq!(status, 200, "{request}: {value}");
                self.count("answered");
                true
            }
            None => {
                self.count("in flight");
                false
            }
        }
    }

    fn judge(&mut self, round: u32, change: &Change, is_acknowledged: bool) {
        let found = look(&self.trial);
        let after = self.world.after(change);
        if is_acknowledged {
            assert_eq!(found, after, "round {round}: {change:?} was acknowledged");
            self.acknowledge(change);
        } else {
            let before = &self.world;
            assert!(
                found.lies_between(before, &after),
                "round {round}: {change:?} was cut short\nbefore {before:?}\nfound  {found:?}"
            );
            if after != *before {
                self.count(if found == after { "happened" } else { "did not" });
            }
            self.remember_password(change, is_acknowledged);
            self.world = found;
        }
        let leftovers = leftovers(&self.trial.home());
        assert!(leftovers.is_empty(), "round {round}: a start tidies up what a kill left: {leftovers:?}");
        if let Change::AddUser(name) | Change::SetPassword(name, _) = change
            && self.world.users.contains(name)
        {
            self.sign_in(name);
        }
    }

    fn acknowledge(&mut self, change: &Change) {
        self.world = self.world.after(change);
        self.remember_password(change, true);
    }

    fn remember_password(&mut self, change: &Change, is_acknowledged: bool) {
        let (name, password) = match change {
            Change::AddUser(name) => (name, first_password(name)),
            Change::SetPassword(name, password) => (name, password.clone()),
            _ => return,
        };
        let known = self.passwords.entry(name.clone()).or_default();
        if is_acknowledged {
            known.clear();
        }
        known.insert(0, password);
    }

    /// Whoever is listed gets in, with a password that was set; with the acknowledged one where none was in flight.
    fn sign_in(&mut self, name: &str) {
        let tool = self.world.tools.keys().next().cloned().unwrap_or_else(|| "Probe".to_owned());
        if !self.world.tools.contains_key(&tool) {
            let change = Change::AddTool(tool.clone());
            granted(&self.trial, &change.request(&self.target));
            self.acknowledge(&change);
        }
        if self.world.tools[&tool] == Level::Local {
            let change = Change::Level(tool.clone(), Level::Lan);
            granted(&self.trial, &change.request(&self.target));
            self.acknowledge(&change);
        }
        let url = granted(&self.trial, &json!({"request": "tool-list"}));
        let url = url.as_array().into_iter().flatten().find(|listed| listed["name"] == *tool);
        let door = url.and_then(|listed| listed["doors"][0]["url"].as_str()).expect("a door").to_owned();
        let address = self.trial.socket(&door);
        let candidates = self.passwords[name].clone();
        let deadline = Instant::now() + Duration::from_secs(40);
        let mut next = 0;
        loop {
            let candidate = &candidates[next % candidates.len()];
            match status(address, &raw::basic(name, candidate)).as_deref() {
                Some("200") => break,
                Some("401") => next += 1,
                // After a wrong one there is a pause, so the same is tried again.
                _ => thread::sleep(Duration::from_secs(1)),
            }
            assert!(
                Instant::now() < deadline,
                "{name} does not get in with any of {} passwords",
                candidates.len()
            );
        }
        let right = candidates[next % candidates.len()].clone();
        self.passwords.insert(name.to_owned(), vec![right]);
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_insert(0) += 1;
    }
}

/// The status a door answers to a credential; nothing where there was no answer.
fn status(address: SocketAddr, credential: &str) -> Option<String> {
    let mut tls = raw::connect(address, &address.ip().to_string(), &["http/1.1"]).ok()?;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nauthorization: {credential}\r\nconnection: close\r\n\r\n"
    );
    tls.write_all(head.as_bytes()).ok()?;
    raw::read_to_end(&mut tls).split(' ').nth(1).map(str::to_owned)
}

/// When to kill.
enum Moment {
    After(Duration),
    /// As soon as one of these is another than it was: that is between two steps of a save.
    Changed(Vec<PathBuf>, Duration),
}

impl Moment {
    fn random(dice: &mut Dice, home: &Path) -> Self {
        let settings = home.join("settings.toml");
        let (open, log) = (home.join("open"), home.join("drawbridge.db-wal"));
        let little = Duration::from_micros(dice.below(400));
        match dice.below(8) {
            0 => Self::Changed(vec![settings], little),
            1 => Self::Changed(vec![open], little),
            2 => Self::Changed(vec![log], little),
            3 => Self::Changed(vec![settings, open, log, home.to_owned()], little),
            4 => Self::After(Duration::from_micros(dice.below(60_000))),
            5 => Self::After(Duration::from_micros(dice.below(2_000))),
            _ => Self::After(Duration::from_micros(dice.below(12_000))),
        }
    }

    /// Returns at the moment, or when there is an answer, or when neither comes.
    fn await_it(&self, mut is_answered: impl FnMut() -> bool) {
        let start = Instant::now();
        match self {
            Self::After(pause) => while start.elapsed() < *pause && !is_answered() {},
            Self::Changed(paths, more) => {
                let mut before: Option<Vec<_>> = None;
                while start.elapsed() < LONGEST && !is_answered() {
                    let now: Vec<_> = paths.iter().map(|path| mark(path)).collect();
                    if *before.get_or_insert_with(|| now.clone()) != now {
                        let seen = Instant::now();
                        while seen.elapsed() < *more {}
                        return;
                    }
                }
            }
        }
    }
}

/// What differs when a file was replaced, grew, or a folder's names changed.
fn mark(path: &Path) -> Option<(u64, u64, i64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.size(), found.mtime_nsec()))
}

/// Files of half a save.
fn leftovers(home: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(home).into_iter().flatten().flatten().map(|file| file.path());
    files
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".new-")))
        .collect()
}

/// For a change that never touches what is watched.
const LONGEST: Duration = Duration::from_millis(80);
