//! *No password on this network*: allowed by the owner for one tool and a time, ended by time, network, level or the owner.
//! It is never saved.

use super::{ControlError, State};
use crate::{
    clock::Timestamp,
    proxy::{anybody::Anybody, door::Door},
    tools::ToolId,
};
use drawbridge_protocol::{Level, ProblemKind, Surroundings, Tool, WithoutPassword};
use drawbridge_texts::{Sentence, Tell};
use std::{sync::Arc, time::Duration};

/// Why a tool was not opened to anybody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAnybody {
    /// Strangers are in the network too.
    #[error("the network is shared with strangers")]
    Shared,
    /// Its time is too long, or none.
    #[error("the time without a password is out of range")]
    Time,
    /// Nothing answers on the local network.
    #[error("`{0}` has no door on the local network now")]
    NoDoor(String),
}

impl Tell for BadAnybody {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Shared => Sentence::new("anybody-shared"),
            Self::Time => Sentence::new("anybody-time"),
            Self::NoDoor(tool) => Sentence::new("anybody-no-door").with("tool", tool),
        }
    }
}

impl BadAnybody {
    /// What shells make of it.
    pub(super) const fn kind(&self) -> ProblemKind {
        match self {
            Self::Shared | Self::NoDoor(_) => ProblemKind::Refused,
            Self::Time => ProblemKind::Invalid,
        }
    }
}

impl State {
    /// Opens a tool to anybody on this network. One that was closed closes at the same time; one that was open on the
    /// local network asks for a password again then.
    pub(super) async fn open_to_anybody(&mut self, wish: WithoutPassword) -> Result<Tool, ControlError> {
        let WithoutPassword { tool, network, for_seconds } = wish;
        let id = self.known_tool(&tool)?.id.clone();
        match network {
            Surroundings::Home => {}
            Surroundings::Shared => return Err(BadAnybody::Shared.into()),
        }
        let time = for_seconds.map_or(USUAL, Duration::from_secs);
        if time.is_zero() || time > LONGEST {
            return Err(BadAnybody::Time.into());
        }
        // What was seen at the last look may be seconds old.
        self.look_around().await;
        let in_force = self.levels().get(&id).copied().unwrap_or_default();
        if in_force > Level::Lan {
            self.lower(std::slice::from_ref(&id), Level::Lan).await?;
        }
        let raised = in_force < Level::Lan || self.lan_door(&id).is_none();
        if raised {
            self.raise(&id, Level::Lan, Some(time)).await?;
        }
        let Some(door) = self.lan_door(&id) else {
            if raised {
                self.lower(std::slice::from_ref(&id), Level::Local).await?;
            }
            return Err(BadAnybody::NoDoor(tool).into());
        };
        let now = self.shared.clock.timestamp();
        let own = self.known_tool(id.as_str())?.until.map(Timestamp);
        let until = own.map_or(now.plus(time), |own| own.min(now.plus(time)));
        let inside = self.network.addresses.iter().map(|(_, network)| *network).collect();
        end(&door);
        door.anybody.store(Some(Arc::new(Anybody::new(inside, now, until))));
        tracing::warn!(tool = %id, until = until.0, "a tool is open to anybody on this network, without a password");
        self.tool_model(&id)
    }

    /// Asks for a password again.
    pub(super) fn ask_for_password(&mut self, text: &str) -> Result<Tool, ControlError> {
        let id = self.known_tool(text)?.id.clone();
        self.end_anybody(|tool, _| *tool == id);
        self.tool_model(&id)
    }

    /// Ends it where this is so; whoever came in that way is out within a second.
    pub(super) fn end_anybody(&self, which: impl Fn(&ToolId, &Anybody) -> bool) {
        let mut any = false;
        for (id, door) in self.open_doors.lan_doors() {
            if door.anybody.load().as_ref().is_some_and(|anybody| which(&id, anybody)) {
                end(&door);
                any = true;
                tracing::info!(tool = %id, "a tool asks for a password again");
            }
        }
        if any {
            self.shared.visitors.forget();
        }
    }

    /// Until when anybody may use a tool without a password.
    pub(super) fn anybody_until(&self, id: &ToolId) -> Option<u64> {
        let now = self.shared.clock.timestamp();
        let door = self.lan_door(id)?;
        let anybody = door.anybody.load();
        anybody.as_ref().filter(|anybody| !anybody.is_over(now)).map(|anybody| anybody.until.0)
    }

    /// When the next of them ends by itself.
    pub(super) fn next_anybody_ends(&self) -> Option<u64> {
        let doors = self.open_doors.lan_doors();
        doors.iter().filter_map(|(_, door)| door.anybody.load().as_ref().map(|anybody| anybody.until.0)).min()
    }

    /// The door of a tool on the local network.
    pub(super) fn lan_door(&self, id: &ToolId) -> Option<Arc<Door>> {
        let doors = self.open_doors.lan_doors();
        doors.into_iter().find(|(tool, _)| tool == id).map(|(_, door)| door)
    }
}

fn end(door: &Door) {
    if let Some(anybody) = door.anybody.swap(None) {
        anybody.ended.cancel();
    }
}

/// How long unless told otherwise (chosen: an evening with guests).
const USUAL: Duration = Duration::from_secs(2 * 3600);
/// How long at most (chosen: nobody should forget it over night).
const LONGEST: Duration = Duration::from_secs(12 * 3600);
