//! What the writer owns: everything that is saved, everything that is open, and how it began.

use super::{
    Finding,
    apply::OpenDoors,
    certificates::Certificates,
    events,
    factors::Enrolments,
    injections::Injections,
    levels::{Acknowledged, Grounds, Markers},
    plain_http,
};
use crate::{
    certificates::Identities,
    clock::Timestamp,
    home::LockedHome,
    identity::user::User,
    network::interfaces::{self, Lan, Network},
    proxy::{listen::Ground, snapshot::Shared},
    secrets::{DataKey, SealedData, Vault},
    settings::{self, Settings, ToolSettings},
    store::database::{Database, StoreError},
    tools::ToolId,
};
use drawbridge_protocol::{Fix, Level};
use drawbridge_texts::{Sentence, Tell, Words};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Everything one engine knows and holds.
pub(crate) struct State {
    pub(super) home: LockedHome,
    pub(super) settings: Settings,
    /// Counts changes since the start.
    pub(super) revision: u64,
    pub(super) grounds: Grounds,
    pub(super) markers: Markers,
    pub(super) users: Vec<Arc<User>>,
    pub(super) vault: Vault,
    /// The data key, or why there is none.
    pub(super) key: Result<Arc<DataKey>, Sentence>,
    /// Whether a recovery code was ever made.
    pub(super) has_recovery_code: bool,
    pub(super) certificates: Certificates,
    pub(super) injections: Injections,
    /// Which tools were allowed plain HTTP.
    pub(super) plain_http: plain_http::Allowed,
    /// Second factors being set up.
    pub(super) enrolments: Enrolments,
    pub(super) database: Database,
    pub(super) lan: Lan,
    pub(super) network: Network,
    pub(super) identities: Arc<Identities>,
    pub(super) ground: Ground,
    pub(super) open_doors: Arc<OpenDoors>,
    /// Addresses that should listen and do not, with the reason.
    pub(super) failures: BTreeMap<SocketAddr, Sentence>,
    /// What the owner should know since the start.
    pub(super) notes: Vec<Finding>,
    pub(super) words: Words,
    pub(super) tidied: Instant,
    pub(super) looked: Instant,
    pub(crate) shared: Arc<Shared>,
}

/// What a state begins with.
pub(crate) struct Beginnings {
    pub(crate) home: LockedHome,
    pub(crate) settings: Settings,
    pub(crate) vault: Vault,
    pub(crate) database: Database,
    pub(crate) lan: Lan,
    pub(crate) ground: Ground,
    pub(crate) notes: Vec<Finding>,
    pub(crate) words: Words,
}

impl State {
    /// Reads the rest from disk and opens what may be open. Whatever is missing or damaged lowers.
    pub(crate) async fn begin(from: Beginnings) -> Result<Self, StoreError> {
        let Beginnings { home, settings, vault, database, lan, ground, notes, words } = from;
        let now = Instant::now();
        let mut state = Self {
            markers: Markers::new(home.home.markers()),
            grounds: Grounds::default(),
            revision: 0,
            users: Vec::new(),
            key: Err(Sentence::new("keyring-locked")),
            has_recovery_code: vault.has_recovery_code(),
            certificates: Certificates::default(),
            injections: Injections::default(),
            plain_http: plain_http::Allowed::new(),
            enrolments: Enrolments::new(),
            network: look(&lan).await,
            identities: Arc::clone(&ground.identities),
            open_doors: Arc::new(OpenDoors::default()),
            failures: BTreeMap::new(),
            tidied: now,
            looked: now,
            shared: Arc::clone(&ground.shared),
            home,
            settings,
            vault,
            database,
            lan,
            ground,
            notes,
            words,
        };
        state.grounds.markers = state.markers.read(state.settings.tools.iter().map(|tool| &tool.id));
        let sealed = state.sealed_data().await?;
        match state.vault.open(sealed).await {
            Ok(key) => state.unlocked(key).await?,
            Err(error) => {
                tracing::warn!(why = %error, "everything is closed");
                state.key = Err(error.sentence());
            }
        }
        state.shared.approvals.set_policy(state.settings.internet.approval);
        state.settle_interrupted().await;
        state.apply();
        for (tool, _) in state.levels().into_iter().filter(|(_, level)| *level > Level::Local) {
            state.look_at_tool(&tool).await;
        }
        Ok(state)
    }

    /// What the key opens: users, acknowledgements, certificates.
    pub(super) async fn unlocked(&mut self, key: Arc<DataKey>) -> Result<(), StoreError> {
        self.key = Ok(Arc::clone(&key));
        self.load_users().await?;
        let rows: Vec<(String, Vec<u8>)> = self
            .database
            .call(|transaction| {
                transaction
                    .prepare("SELECT tool, sealed FROM acknowledged")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await?;
        for (tool, sealed) in rows {
            let tool = ToolId::stored(tool);
            // One that does not open was not written by this engine: it acknowledges nothing.
            if let Ok(known) = Acknowledged::open(&key, &tool, &sealed) {
                self.grounds.acknowledged.insert(tool, known);
            }
        }
        self.load_plain_http(&key).await?;
        self.load_certificates().await?;
        self.load_signer().await?;
        self.load_secrets(&key).await
    }

    /// A lowering that was cut short (its markers are gone, its settings not yet saved) is finished now.
    pub(super) async fn settle_interrupted(&mut self) {
        let now = self.shared.clock.timestamp();
        let interrupted: Vec<(ToolId, Level)> = self
            .settings
            .tools
            .iter()
            .filter(|tool| self.key.is_ok() && !self.grounds.waits_for_owner(tool))
            .map(|tool| (tool.id.clone(), self.grounds.level(tool, now), tool.level))
            .filter(|(_, in_force, wanted)| in_force < wanted)
            .map(|(id, in_force, _)| (id, in_force))
            .collect();
        for (id, level) in interrupted {
            if let Err(error) = self.lower(&[id], level).await {
                self.note(Finding::new(
                    Sentence::new("trouble-unsaved-what"),
                    error.sentence(),
                    Sentence::new("trouble-unsaved-do"),
                ));
            }
        }
    }

    /// Timers, addresses, certificates, housekeeping.
    pub(crate) async fn tick(&mut self) {
        let now = self.shared.clock.timestamp();
        self.end_anybody(|_, anybody| anybody.is_over(now));
        self.close_what_is_over(now).await;
        self.end_passes_that_are_over().await;
        if self.until_look().is_zero() {
            self.look_at_tools_that_are_down();
            self.look_around().await;
        }
        if self.tidied.elapsed() >= TIDY {
            self.tidied = Instant::now();
            self.tidy(now).await;
        }
    }

    /// Forgets what is over, saves when the rest was last used, replaces a key that is old.
    async fn tidy(&self, now: Timestamp) {
        self.shared.socket_tokens.tidy();
        for tidied in [
            self.shared.sessions.tidy().await,
            self.shared.tokens.tidy().await,
            self.shared.passes.tidy().await,
            self.shared.invites.tidy().await,
            self.shared.approvals.devices.tidy().await,
            self.rotate_signer(now).await,
        ] {
            if let Err(error) = tidied {
                tracing::warn!(%error, "sign-ins could not be tidied");
            }
        }
    }

    /// Looks at addresses and certificates, and does what follows.
    pub(super) async fn look_around(&mut self) {
        self.looked = Instant::now();
        let network = look(&self.lan).await;
        if network != self.network {
            self.network = network;
            // Allowed for the network as it was; nobody knows who is in this one.
            self.end_anybody(|_, _| true);
            self.close_what_left().await;
            self.refresh_certificates();
            self.apply();
        } else if !self.failures.is_empty() || self.refresh_certificates() {
            self.apply();
        }
    }

    /// How soon something may have changed by itself: a timer ends, a visitor leaves the list, the next look is due.
    pub(super) fn next_tick(&self) -> Duration {
        let now = self.shared.clock.timestamp();
        let open = self.settings.tools.iter().filter(|tool| tool.level > Level::Local);
        // Asked at least every second although the end is known: the clock may jump.
        let timers = open.filter_map(|tool| tool.until).chain(self.next_anybody_ends());
        let timers = timers.map(|until| Duration::from_secs(until.saturating_sub(now.0)).min(super::TICK));
        let passes = self.shared.passes.next_end();
        let passes = passes.map(|left| if left > super::TICK { super::TICK } else { left.min(super::FINE) });
        let visitors = self.shared.visitors.next_leaves();
        let waiting = self.shared.approvals.next_ends();
        let soonest = timers.chain(passes).chain(visitors).chain(waiting).chain([self.until_look()]).min();
        soonest.unwrap_or(super::LOOK).max(SHORTEST)
    }

    /// How long until addresses and certificates are looked at again; seldom while nothing is open and nothing was asked
    /// to be.
    fn until_look(&self) -> Duration {
        let quiet =
            self.failures.is_empty() && self.settings.tools.iter().all(|tool| tool.level == Level::Local);
        let pause = if quiet { super::QUIET } else { super::LOOK };
        pause.saturating_sub(self.looked.elapsed())
    }

    /// Tools whose time is over go to local.
    async fn close_what_is_over(&mut self, now: Timestamp) {
        let open = |tool: &&ToolSettings| tool.level > Level::Local && !tool.is_in_time(now);
        let over: Vec<ToolId> = self.settings.tools.iter().filter(open).map(|tool| tool.id.clone()).collect();
        if over.is_empty() {
            return;
        }
        if let Err(error) = self.lower(&over, Level::Local).await {
            tracing::warn!(%error, "a timed closing could not be saved");
        }
    }

    /// Tools whose every LAN address is gone go to local: the network they were opened on was left.
    async fn close_what_left(&mut self) {
        let levels = self.levels();
        let network = &self.network;
        let left = |tool: &&ToolSettings| {
            levels.get(&tool.id).copied().unwrap_or_default() > Level::Local
                && !network.addresses.iter().any(|(_, inside)| tool.networks.contains(inside))
        };
        let gone: Vec<(ToolId, String)> = self
            .settings
            .tools
            .iter()
            .filter(left)
            .map(|tool| (tool.id.clone(), tool.name.clone()))
            .collect();
        for (id, name) in gone {
            let fix = Fix::Open { tool: id.to_string(), level: Level::Lan };
            let saved = self.lower(&[id], Level::Local).await;
            let why = match saved {
                Ok(()) => Sentence::new("trouble-left-why"),
                Err(error) => error.sentence(),
            };
            let what = Sentence::new("trouble-left-what").with("tool", &name);
            let remedy = Sentence::new("trouble-left-do").with("tool", &name);
            self.note(Finding::new(what, why, remedy).with(fix));
        }
    }

    /// The level in force of every tool.
    pub(super) fn levels(&self) -> BTreeMap<ToolId, Level> {
        let now = self.shared.clock.timestamp();
        let level =
            |tool: &ToolSettings| if self.key.is_ok() { self.grounds.level(tool, now) } else { Level::Local };
        self.settings.tools.iter().map(|tool| (tool.id.clone(), level(tool))).collect()
    }

    /// Whether the database holds anything a key once sealed.
    pub(super) async fn sealed_data(&self) -> Result<SealedData, StoreError> {
        let rows: i64 = self
            .database
            .call(|transaction| {
                transaction.query_row(
                    "SELECT (SELECT count(*) FROM user) + (SELECT count(*) FROM sealed) + (SELECT count(*) FROM acknowledged) + (SELECT count(*) FROM tool_secret) + (SELECT count(*) FROM plain_http)",
                    [],
                    |row| row.get(0),
                )
            })
            .await?;
        Ok(if rows > 0 { SealedData::Present } else { SealedData::Absent })
    }

    pub(super) fn save_settings(&self) -> io::Result<()> {
        settings::save(&self.home.home.settings(), &self.settings)
    }

    /// Keeps something the owner should know until the next start.
    pub(super) fn note(&mut self, finding: Finding) {
        let (what, why) = (self.words.terminal(&finding.what), self.words.terminal(&finding.why));
        tracing::warn!(what, why, "noted for the owner");
        self.notes.retain(|note| *note != finding);
        self.notes.push(finding);
        if self.notes.len() > MOST_NOTES {
            self.notes.remove(0);
        }
    }

    /// The doors, for *close everything*.
    pub(crate) fn open_doors(&self) -> Arc<OpenDoors> {
        Arc::clone(&self.open_doors)
    }

    pub(super) fn picture(&self) -> events::Picture {
        events::Picture {
            status: self.status(),
            users: self.user_models(),
            sessions: self.session_models(),
            tokens: self.token_models(),
            invites: self.invite_models(),
            approvals: self.approval_models(),
            devices: self.device_models(),
            passes: self.pass_models(),
        }
    }

    /// Closes every socket; levels stay as they are for the next start.
    pub(crate) async fn stop(&mut self) {
        self.open_doors.close_all();
        for saved in [
            self.shared.sessions.tidy().await,
            self.shared.tokens.tidy().await,
            self.shared.passes.tidy().await,
        ] {
            if let Err(error) = saved {
                tracing::warn!(%error, "sign-ins could not be saved at the end");
            }
        }
        self.database.checkpoint().await;
    }
}

/// Asks the interfaces on a thread that may wait for them.
async fn look(lan: &Lan) -> Network {
    let lan = lan.clone();
    tokio::task::spawn_blocking(move || interfaces::find(&lan)).await.unwrap_or_default()
}

/// How often sessions are tidied.
const TIDY: Duration = Duration::from_secs(60);
/// Between two ticks at least, so that none of what is due can make the writer spin.
const SHORTEST: Duration = Duration::from_millis(50);
/// Notes kept.
const MOST_NOTES: usize = 20;
