//! What changed between two pictures of the state, as events.

use drawbridge_protocol::{Approval, Device, Event, Invite, Pass, Session, Status, Token, User};

/// Everything shells see.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Picture {
    pub(super) status: Status,
    pub(super) users: Vec<User>,
    pub(super) sessions: Vec<Session>,
    pub(super) tokens: Vec<Token>,
    pub(super) invites: Vec<Invite>,
    pub(super) approvals: Vec<Approval>,
    pub(super) devices: Vec<Device>,
    pub(super) passes: Vec<Pass>,
}

impl Picture {
    /// The first line of a stream.
    pub(super) fn whole(&self) -> Event {
        Event::State {
            status: self.status.clone(),
            users: self.users.clone(),
            sessions: self.sessions.clone(),
            tokens: self.tokens.clone(),
            invites: self.invites.clone(),
            approvals: self.approvals.clone(),
            devices: self.devices.clone(),
            passes: self.passes.clone(),
        }
    }

    /// What to tell those who know this picture.
    pub(super) fn changes_to(&self, now: &Self) -> Vec<Event> {
        let mut events = Vec::new();
        let (old, new) = (&self.status, &now.status);
        for tool in &new.tools {
            if !old.tools.contains(tool) {
                events.push(Event::Tool { tool: tool.clone() });
            }
        }
        for gone in old.tools.iter().filter(|tool| !new.tools.iter().any(|kept| kept.id == tool.id)) {
            events.push(Event::ToolRemoved { id: gone.id.clone() });
        }
        if self.users != now.users {
            events.push(Event::Users { users: now.users.clone() });
        }
        if self.sessions != now.sessions {
            events.push(Event::Sessions { sessions: now.sessions.clone() });
        }
        if self.tokens != now.tokens {
            events.push(Event::Tokens { tokens: now.tokens.clone() });
        }
        if self.invites != now.invites {
            events.push(Event::Invites { invites: now.invites.clone() });
        }
        if self.approvals != now.approvals {
            events.push(Event::Approvals { approvals: now.approvals.clone() });
        }
        if self.devices != now.devices {
            events.push(Event::Devices { devices: now.devices.clone() });
        }
        if self.passes != now.passes {
            events.push(Event::Passes { passes: now.passes.clone() });
        }
        if old.visitors != new.visitors {
            events.push(Event::Visitors { visitors: new.visitors.clone() });
        }
        if old.problems != new.problems {
            events.push(Event::Problems { problems: new.problems.clone() });
        }
        if (old.headline, &old.gate) != (new.headline, &new.gate) {
            events.push(Event::Headline { headline: new.headline, gate: new.gate.clone() });
        }
        events
    }
}
