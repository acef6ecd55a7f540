//! Changes to tools: add, remove, raise; and their share URLs.

use super::{
    ControlError, State,
    apply::{Proven, addresses_of},
    doors::Wishes,
    injections::BadSecret,
    levels::Acknowledged,
};
use crate::{
    certificates::Fingerprint,
    headers::origin,
    proxy::upstream::{self, ToolFault},
    settings::{self, Settings, ToolSettings},
    tools::{
        ToolId,
        target::{Speaks, Target, Way},
    },
};
use drawbridge_protocol::{Door, DoorState, Level, NetworkTarget, Tool, ToolAdd, ToolSet, Url};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

impl State {
    /// Adds a tool at local.
    pub(super) async fn add_tool(&mut self, add: &ToolAdd) -> Result<Tool, ControlError> {
        let name = add.name.trim();
        settings::check_tool_name(name)?;
        if self.settings.tools.iter().any(|tool| settings::same_name(&tool.name, name)) {
            return Err(ControlError::ToolExists(name.to_owned()));
        }
        let target = Target::parse(&add.target, add.network_target)?;
        self.check_port(&self.settings, &target)?;
        let certificate = certificate(&target).await?;
        let taken = |id: &ToolId| self.settings.tools.iter().any(|tool| tool.id == *id);
        let tool = ToolSettings {
            id: ToolId::from_name(name, taken),
            name: name.to_owned(),
            network_target: add.network_target == NetworkTarget::Allowed && !target.is_here(),
            target,
            certificate,
            identity_header: None,
            allowed_origins: Vec::new(),
            plain_http: false,
            level: Level::Local,
            lan_port: None,
            internet_port: None,
            networks: Vec::new(),
            opened: None,
            until: None,
        };
        let id = tool.id.clone();
        // Whatever a forerunner of this id left behind, in lists, acknowledgements and markers, is not this one's.
        self.forget_tool(&id).await?;
        self.acknowledge(std::slice::from_ref(&id)).await?;
        self.markers.lower(&id, Level::Local).map_err(ControlError::Save)?;
        let mut after = self.settings.clone();
        after.tools.push(tool);
        self.commit(after)?;
        self.grounds.markers.insert(id.clone(), Level::Local);
        self.publish();
        self.tool_model(&id)
    }

    /// Changes a tool's name, target or ports. Ports move live, proven before they are saved.
    pub(super) async fn set_tool(&mut self, set: &ToolSet) -> Result<Tool, ControlError> {
        let id = self.known_tool(&set.tool)?.id.clone();
        let mut after = self.settings.clone();
        let Some(tool) = after.tool_mut(&id) else { return Err(ControlError::UnknownTool(set.tool.clone())) };
        if let Some(name) = &set.name {
            settings::check_tool_name(name.trim())?;
            name.trim().clone_into(&mut tool.name);
        }
        if let Some(target) = &set.target {
            // The owner acknowledged a level for the old target only.
            if tool.level > Level::Local {
                return Err(ControlError::OpenTarget(tool.name.clone()));
            }
            tool.target = Target::parse(target, set.network_target)?;
            tool.network_target = !tool.target.is_here();
            if !tool.target.keeps_secrets() && !self.secret_names(&id).is_empty() {
                return Err(BadSecret::InClear(tool.name.clone()).into());
            }
            tool.certificate = certificate(&tool.target).await?;
            // It was allowed for the program that was meant before.
            tool.plain_http = false;
        }
        tool.plain_http = set.plain_http.unwrap_or(tool.plain_http);
        let wished = tool.clone();
        if let Some(name) = &set.identity_header {
            tool.identity_header = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        }
        if let Some(origins) = &set.allowed_origins {
            let read =
                |text: &String| origin::parse(text.trim()).map_err(|_| ControlError::Origin(text.clone()));
            tool.allowed_origins = origins.iter().map(read).collect::<Result<_, _>>()?;
        }
        tool.lan_port = set.lan_port.or(tool.lan_port);
        tool.internet_port = set.internet_port.or(tool.internet_port);
        after.tools.iter().try_for_each(|tool| self.check_port(&after, &tool.target))?;
        after.check()?;
        let levels = self.levels();
        let mut proven = Proven::new();
        self.prove(addresses_of(self.wishes(&after, &levels).listeners()), &mut proven)
            .map_err(ControlError::Bind)?;
        if self.settings.tool(id.as_str()).is_some_and(|old| old.target != wished.target) {
            // Guests were let in to another program.
            self.shared.passes.end(|pass| pass.tool == id).await?;
        }
        let ended = self.change_plain_http(set.plain_http, &wished).await?;
        if let Err(error) = self.commit(after) {
            return Err(ended.and(self.refuse_plain_http(set.plain_http, &id).await).err().unwrap_or(error));
        }
        if set.target.is_some()
            && let Some(tool) = self.settings.tool(id.as_str()).cloned()
        {
            // What is saved is in force, also where the secrets stay behind; then they are not sent, and the status says so.
            let moved = self.move_secrets(&tool).await;
            self.apply_with(proven);
            moved?;
        } else {
            self.apply_with(proven);
        }
        ended?;
        self.tool_model(&id)
    }

    /// Closes a tool, then forgets it.
    pub(super) async fn remove_tool(&mut self, text: &str) -> Result<(), ControlError> {
        let id = self.known_tool(text)?.id.clone();
        self.lower(std::slice::from_ref(&id), Level::Local).await?;
        self.forget_tool(&id).await?;
        let mut after = self.settings.clone();
        after.tools.retain(|tool| tool.id != id);
        self.commit(after)?;
        self.apply();
        Ok(())
    }

    /// Brings a tool to a level by the owner's explicit act.
    pub(super) async fn set_level(
        &mut self,
        text: &str,
        level: Level,
        time: Option<Duration>,
    ) -> Result<Tool, ControlError> {
        let id = self.known_tool(text)?.id.clone();
        let in_force = self.levels().get(&id).copied().unwrap_or_default();
        match (level, time) {
            (Level::Local, Some(_)) => return Err(ControlError::TimeForLocal),
            (_, Some(time)) if time.is_zero() || time > LONGEST => return Err(ControlError::Time),
            _ => {}
        }
        if level < in_force || level == Level::Local {
            self.lower(std::slice::from_ref(&id), level).await?;
            if time.is_some()
                && let Err(error) = self.raise_for_users(&id, level, time).await
            {
                // The owner asked for an end; without one it does not stay open.
                self.lower(std::slice::from_ref(&id), Level::Local).await?;
                return Err(error);
            }
        } else {
            // What was seen at the last look may be seconds old.
            self.look_around().await;
            self.raise_for_users(&id, level, time).await?;
        }
        self.tool_model(&id)
    }

    /// The address to hand to someone.
    pub(super) fn url(&self, text: Option<&str>) -> Result<Url, ControlError> {
        let status = self.status();
        let (urls, anybody_until) = match text {
            None => (status.gate, None),
            Some(text) => {
                let id = self.known_tool(text)?.id.clone();
                let tool = self.tool_model(&id)?;
                let mut doors = tool.doors;
                // The farthest door first: who can reach less far can still use it on the spot.
                doors.sort_by_key(|door| std::cmp::Reverse(door.level));
                // A door that failed has no address worth handing out, unless every door did.
                let works = |door: &Door| door.state == DoorState::Open;
                let any = doors.iter().any(works);
                doors.retain(|door| door.level <= tool.level && (works(door) || !any));
                let mut urls: Vec<String> = doors.into_iter().map(|door| door.url).collect();
                if urls.is_empty() {
                    return Err(ControlError::NoAddress { tool: tool.name, level: tool.level });
                }
                if self.speaks_plain(&id) {
                    urls.extend(self.lan_door(&id).and_then(|door| door.plain_url()));
                }
                (urls, tool.anybody_until)
            }
        };
        let mut urls = urls.into_iter();
        let url = urls.next().ok_or(ControlError::NoGate)?;
        Ok(Url { url, others: urls.collect(), anybody_until })
    }

    /// Raising for those who sign in; there must be somebody who can.
    async fn raise_for_users(
        &mut self,
        id: &ToolId,
        level: Level,
        time: Option<Duration>,
    ) -> Result<(), ControlError> {
        self.check_ready()?;
        self.check_users(id, level)?;
        self.raise(id, level, time).await
    }

    /// Raising: proven, saved, published, applied; refused as a whole where any of it fails.
    pub(super) async fn raise(
        &mut self,
        id: &ToolId,
        level: Level,
        time: Option<Duration>,
    ) -> Result<(), ControlError> {
        self.check_ready()?;
        let mut after = self.settings.clone();
        let now = self.shared.clock.timestamp();
        let networks = self.network.addresses.iter().map(|(_, network)| *network).collect();
        if let Some(tool) = after.tool_mut(id) {
            tool.level = level;
            tool.opened = Some(now.0);
            tool.until = time.map(|time| now.plus(time).0);
            tool.networks = networks;
        }
        self.prepare_certificates(level).await?;
        let mut proven = Proven::new();
        self.choose_ports(&mut after, id, level, &mut proven)?;
        let mut levels = self.levels();
        levels.insert(id.clone(), level);
        self.prove(addresses_of(self.wishes(&after, &levels).listeners()), &mut proven)
            .map_err(ControlError::Bind)?;
        self.save_raised(after, id, level).await?;
        // Another choice than the one without a password.
        self.end_anybody(|tool, _| tool == id);
        self.apply_with(proven);
        tracing::info!(tool = %id, %level, "a tool was raised");
        self.look_at_tool(id).await;
        Ok(())
    }

    /// Whether anything answers at a tool's address, so that a mistyped port is noticed here and not by a visitor.
    pub(super) async fn look_at_tool(&self, id: &ToolId) {
        let Some(tool) = self.settings.tool(id.as_str()) else { return };
        let fault = if answers(&tool.target).await { None } else { Some(ToolFault::Down) };
        self.shared.tool_faults.note(id, fault);
    }

    /// Looks again at open tools that did not run: whoever starts one wants to see that it is found. Nothing waits for it.
    pub(super) fn look_at_tools_that_are_down(&self) {
        for tool in self.settings.tools.iter().filter(|tool| tool.level > Level::Local) {
            let (id, shared) = (tool.id.clone(), Arc::clone(&self.shared));
            let target = tool.target.clone();
            if shared.tool_faults.of(&id) == Some(ToolFault::Down) {
                tokio::spawn(async move {
                    if answers(&target).await && shared.tool_faults.note(&id, None) {
                        shared.changed.notify_one();
                    }
                });
            }
        }
    }

    /// Acknowledgement, settings, marker, in this order: cut short anywhere, the tool is lower.
    async fn save_raised(&mut self, after: Settings, id: &ToolId, level: Level) -> Result<(), ControlError> {
        let key = self.key.as_ref().map_err(|why| ControlError::VaultClosed(why.clone()))?;
        let known = after.tools.iter().find(|tool| tool.id == *id).map(Acknowledged::of);
        let known = known.ok_or_else(|| ControlError::UnknownTool(id.to_string()))?;
        let mut both = self.grounds.acknowledged.get(id).cloned().unwrap_or_default();
        both.push(known);
        let row = (id.to_string(), Acknowledged::seal(&both, key, id)?);
        self.database
            .call(move |transaction| {
                transaction.execute("INSERT OR REPLACE INTO acknowledged VALUES (?1, ?2)", row).map(drop)
            })
            .await?;
        self.commit(after)?;
        if let Err(error) = self.markers.raise(id, level) {
            // Without its marker it would be closed after a restart, which is not what was acknowledged.
            self.lower(std::slice::from_ref(id), Level::Local).await?;
            return Err(ControlError::Save(error));
        }
        self.grounds.markers.insert(id.clone(), level);
        // From here on only the new one counts. Where that cannot be written both stay, and both were the owner's own.
        if let Err(error) = self.acknowledge(std::slice::from_ref(id)).await {
            tracing::warn!(%error, "an older acknowledgement could not be forgotten");
        }
        Ok(())
    }

    /// What every level needs before it may go up.
    fn check_ready(&self) -> Result<(), ControlError> {
        if let Err(why) = &self.key {
            return Err(ControlError::VaultClosed(why.clone()));
        }
        if self.network.addresses.is_empty() {
            let missing = self.network.missing.first();
            return Err(missing.map_or(ControlError::NoNetwork, |address| ControlError::NotHere(*address)));
        }
        Ok(())
    }

    /// Whether anybody could sign in at it.
    fn check_users(&self, id: &ToolId, level: Level) -> Result<(), ControlError> {
        let mut users = self.users.iter().filter(|user| user.may_use(id)).peekable();
        if users.peek().is_none() {
            return Err(if self.users.is_empty() {
                ControlError::NoUser
            } else {
                ControlError::NoUserOfTool
            });
        }
        if level == Level::Internet && !users.any(|user| user.is_strong()) {
            return Err(ControlError::NoStrongUser);
        }
        Ok(())
    }

    /// Chooses ports that were never chosen: the usual one or the next free, bound at once.
    fn choose_ports(
        &self,
        after: &mut Settings,
        id: &ToolId,
        level: Level,
        proven: &mut Proven,
    ) -> Result<(), ControlError> {
        let levels = BTreeMap::new();
        let slots = [Slot::LanGate, Slot::LanTool, Slot::InternetGate, Slot::InternetTool];
        for slot in slots.into_iter().filter(|slot| slot.level() <= level) {
            if slot.of(after, id).is_none_or(|place| place.is_some()) {
                continue;
            }
            let used: Vec<u16> =
                after.ports().chain(after.tools.iter().filter_map(|tool| tool.target.port())).collect();
            let addresses = self.wishes(after, &levels).addresses(slot.level());
            let free =
                (slot.first()..slot.first() + SEARCHED).filter(|port| !used.contains(port)).find(|port| {
                    let own = addresses.iter().map(|address| SocketAddr::new(*address, *port));
                    let bound = self.prove(own, proven).is_ok();
                    if !bound {
                        proven.retain(|address, _| address.port() != *port);
                    }
                    bound
                });
            let free = free.ok_or(ControlError::NoPort(slot.first()))?;
            if let Some(place) = slot.of(after, id) {
                *place = Some(free);
            }
        }
        Ok(())
    }

    fn wishes<'a>(&'a self, settings: &'a Settings, levels: &'a BTreeMap<ToolId, Level>) -> Wishes<'a> {
        Wishes { settings, levels, network: &self.network, lan: &self.lan }
    }

    /// Saves new settings; on failure nothing changed.
    pub(super) fn commit(&mut self, after: Settings) -> Result<(), ControlError> {
        let after = Settings { revision: self.settings.revision + 1, ..after };
        after.check()?;
        settings::save(&self.home.home.settings(), &after).map_err(ControlError::Save)?;
        self.settings = after;
        Ok(())
    }

    pub(super) fn known_tool(&self, text: &str) -> Result<&ToolSettings, ControlError> {
        self.settings.tool(text).ok_or_else(|| ControlError::UnknownTool(text.to_owned()))
    }

    fn is_here(&self, target: &Target) -> bool {
        let own = |address: &SocketAddr| {
            address.ip().is_loopback() || self.network.addresses.iter().any(|(own, _)| *own == address.ip())
        };
        matches!(target.way(), Way::Addresses(addresses) if addresses.iter().any(own))
    }

    /// A door that leads to a door of ours would go round in circles.
    fn check_port(&self, settings: &Settings, target: &Target) -> Result<(), ControlError> {
        match target.port().filter(|port| settings.ports().any(|own| own == *port)) {
            Some(port) if self.is_here(target) => Err(ControlError::OwnPort(port)),
            Some(_) | None => Ok(()),
        }
    }
}

/// A port to be chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Slot {
    LanGate,
    LanTool,
    InternetGate,
    InternetTool,
}

impl Slot {
    /// Where it stands in the settings.
    fn of<'a>(self, settings: &'a mut Settings, id: &ToolId) -> Option<&'a mut Option<u16>> {
        match self {
            Self::LanGate => Some(&mut settings.lan.gate_port),
            Self::InternetGate => Some(&mut settings.internet.port),
            Self::LanTool => settings.tool_mut(id).map(|tool| &mut tool.lan_port),
            // Under a domain, tools share the gate's port.
            Self::InternetTool if settings.internet.domain.is_some() => None,
            Self::InternetTool => settings.tool_mut(id).map(|tool| &mut tool.internet_port),
        }
    }

    /// The level it belongs to.
    const fn level(self) -> Level {
        match self {
            Self::LanGate | Self::LanTool => Level::Lan,
            Self::InternetGate | Self::InternetTool => Level::Internet,
        }
    }

    /// Where the search begins (design: LAN gate 8443, its tools from 8444; the internet's a thousand above).
    const fn first(self) -> u16 {
        match self {
            Self::LanGate => 8443,
            Self::LanTool => 8444,
            Self::InternetGate => 9443,
            Self::InternetTool => 9444,
        }
    }
}

/// Whether anything listens there.
async fn answers(target: &Target) -> bool {
    tokio::time::timeout(LOOK, upstream::answers(target)).await.unwrap_or(false)
}

/// The certificate of a tool that speaks TLS: this one, and no other, is taken from now on.
async fn certificate(target: &Target) -> Result<Option<Fingerprint>, ControlError> {
    if target.speaks() != Speaks::Https {
        return Ok(None);
    }
    let shown = tokio::time::timeout(HANDSHAKE, upstream::certificate(target)).await;
    let shown = shown.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    shown.map(Some).map_err(|why| ControlError::NoCertificate { target: target.to_string(), why })
}

/// How long a tool is waited for when it is raised (chosen: loopback answers at once).
const LOOK: Duration = Duration::from_millis(300);
/// How long its certificate is waited for.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Ports tried after the first.
const SEARCHED: u16 = 200;
/// Longest time limit (chosen: a year; longer is "until I close it").
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
