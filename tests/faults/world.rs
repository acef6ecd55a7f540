//! What an installation looks like from outside, changes to it, and what may be left of one that was cut short.

use crate::support::{Trial, eventually_within, kernel, wire};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

/// Numbers without order that can be had again from their seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let index = self.below(u64::try_from(all.len()).ok()?.max(1));
        all.get(usize::try_from(index).ok()?)
    }
}

/// A level, ordered by exposure.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    Local,
    Lan,
    Internet,
}

impl Level {
    pub(super) const ALL: [Self; 3] = [Self::Local, Self::Lan, Self::Internet];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Lan => "lan",
            Self::Internet => "internet",
        }
    }

    fn named(value: &Value) -> Self {
        let found = Self::ALL.into_iter().find(|level| *value == level.name());
        found.unwrap_or_else(|| panic!("no level: {value}"))
    }
}

/// Who there is and how far each tool is reachable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct World {
    pub(super) users: BTreeSet<String>,
    pub(super) tools: BTreeMap<String, Level>,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    AddUser(String),
    SetPassword(String, String),
    RemoveUser(String),
    AddTool(String),
    RemoveTool(String),
    Level(String, Level),
    Close,
}

impl Change {
    /// A change that fits a world; user `keeper` is never touched.
    pub(super) fn random(dice: &mut Dice, world: &World) -> Self {
        let users: Vec<_> = world.users.iter().filter(|name| *name != "keeper").cloned().collect();
        let tools: Vec<_> = world.tools.keys().cloned().collect();
        let fresh = |dice: &mut Dice| dice.below(1 << 40);
        match dice.below(16) {
            0 if users.len() < 4 => Self::AddUser(format!("u{}", fresh(dice))),
            1 => match dice.one_of(&users) {
                Some(name) => Self::SetPassword(name.clone(), format!("another password {}", fresh(dice))),
                None => Self::Close,
            },
            2 => dice.one_of(&users).map_or(Self::Close, |name| Self::RemoveUser(name.clone())),
            3 | 4 if tools.len() < 4 => Self::AddTool(format!("T{}", fresh(dice))),
            5 => dice.one_of(&tools).map_or(Self::Close, |name| Self::RemoveTool(name.clone())),
            6 => Self::Close,
            _ => match dice.one_of(&tools) {
                Some(name) => {
                    let level = dice.one_of(&Level::ALL).copied().unwrap_or(Level::Local);
                    Self::Level(name.clone(), level)
                }
                None => Self::AddTool(format!("T{}", fresh(dice))),
            },
        }
    }

    /// As it goes over the control socket.
    pub(super) fn request(&self, target: &str) -> Value {
        match self {
            Self::AddUser(name) => {
                json!({"request": "user-add", "name": name, "password": first_password(name)})
            }
            Self::SetPassword(name, password) => {
                json!({"request": "user-password", "name": name, "password": password})
            }
            Self::RemoveUser(name) => json!({"request": "user-remove", "name": name}),
            Self::AddTool(name) => json!({"request": "tool-add", "name": name, "target": target}),
            Self::RemoveTool(name) => json!({"request": "tool-remove", "tool": name}),
            Self::Level(name, level) => json!({"request": "level", "tool": name, "level": level.name()}),
            Self::Close => json!({"request": "close"}),
        }
    }
}

/// The password a user begins with.
pub(super) fn first_password(name: &str) -> String {
    format!("first password of {name}")
}

impl World {
    /// As it is once a change has happened.
    pub(super) fn after(&self, change: &Change) -> Self {
        let mut world = self.clone();
        match change {
            Change::AddUser(name) => _ = world.users.insert(name.clone()),
            Change::RemoveUser(name) => _ = world.users.remove(name),
            Change::SetPassword(..) => {}
            Change::AddTool(name) => _ = world.tools.insert(name.clone(), Level::Local),
            Change::RemoveTool(name) => _ = world.tools.remove(name),
            Change::Level(name, level) => _ = world.tools.insert(name.clone(), *level),
            Change::Close => world.tools.values_mut().for_each(|level| *level = Level::Local),
        }
        world
    }

    /// Whether this is what may be left when a change was cut short that would have led from one world to another:
    /// everyone as before or after, and every level between the two, so never above both.
    pub(super) fn lies_between(&self, before: &Self, after: &Self) -> bool {
        let same = |one: &Self| self.tools.keys().eq(one.tools.keys());
        let users = self.users == before.users || self.users == after.users;
        let level = |world: &Self, name: &String| world.tools.get(name).copied().unwrap_or(Level::Local);
        let between = |(name, found): (&String, &Level)| {
            let (one, other) = (level(before, name), level(after, name));
            (one.min(other)..=one.max(other)).contains(found)
        };
        users && (same(before) || same(after)) && self.tools.iter().all(between)
    }
}

/// The control socket of a trial.
pub(crate) fn socket(trial: &Trial) -> PathBuf {
    trial.home().join("run/control.sock")
}

/// Asks for something that must be granted.
pub(crate) fn granted(trial: &Trial, request: &Value) -> Value {
    let (status, value) = wire::exchange(&socket(trial), request).expect("an answer");
    assert_eq!(status, 200, "{request}: {value}");
    value
}

/// What the engine says there is; that nothing is wanted beyond what is in force; and that the kernel agrees.
pub(super) fn look(trial: &Trial) -> World {
    let users = granted(trial, &json!({"request": "user-list"}));
    let status = granted(trial, &json!({"request": "status"}));
    let mut world = World::default();
    for user in users.as_array().expect("a list") {
        world.users.insert(user["name"].as_str().expect("a name").to_owned());
    }
    for tool in status["tools"].as_array().expect("a list") {
        assert_eq!(tool["level"], tool["wanted"], "what is wanted is true: {tool}");
        world.tools.insert(tool["name"].as_str().expect("a name").to_owned(), Level::named(&tool["level"]));
    }
    let promised = promised(&status, trial);
    let wanted: usize = world.tools.values().map(|level| usize::from(*level > Level::Local)).sum();
    assert!(promised.len() >= wanted, "an open tool has a door: {status}");
    eventually_within(Duration::from_secs(1), &format!("only {promised:?} listen"), || {
        kernel::listeners(trial.pid()) == promised
    });
    world
}

/// The addresses a status says are open.
fn promised(status: &Value, trial: &Trial) -> BTreeSet<SocketAddr> {
    let gates = status["gate"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let doors = status["tools"].as_array().into_iter().flatten().flat_map(|tool| {
        let doors = tool["doors"].as_array().into_iter().flatten();
        doors
            .inspect(|door| assert_eq!(door["state"], "open", "{door}"))
            .filter_map(|door| door["url"].as_str())
    });
    gates.chain(doors).map(|url| trial.socket(url)).collect()
}
