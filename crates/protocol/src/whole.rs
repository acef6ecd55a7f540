//! The whole state as a listener knows it: the first event, and every change laid over it.

use crate::{Approval, Device, Event, Invite, Pass, Session, Status, Token, User};
use serde::{Deserialize, Serialize};

/// What the first line of an event stream carries.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Whole {
    /// Everything at a glance.
    pub status: Status,
    /// Every account.
    pub users: Vec<User>,
    /// Every sign-in.
    pub sessions: Vec<Session>,
    /// Every token.
    pub tokens: Vec<Token>,
    /// Every open invite.
    #[serde(default)]
    pub invites: Vec<Invite>,
    /// Everyone who waits for the owner.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Every device that need not.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Every open pass.
    #[serde(default)]
    pub passes: Vec<Pass>,
}

impl Whole {
    /// Lays a change over what was known.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::State { status, users, sessions, tokens, invites, approvals, devices, passes } => {
                *self = Self { status, users, sessions, tokens, invites, approvals, devices, passes };
            }
            Event::Headline { headline, gate } => {
                self.status.headline = headline;
                self.status.gate = gate;
            }
            Event::Tool { tool } => match self.status.tools.iter_mut().find(|known| known.id == tool.id) {
                Some(known) => *known = tool,
                None => self.status.tools.push(tool),
            },
            Event::ToolRemoved { id } => self.status.tools.retain(|tool| tool.id != id),
            Event::Users { users } => self.users = users,
            Event::Sessions { sessions } => self.sessions = sessions,
            Event::Tokens { tokens } => self.tokens = tokens,
            Event::Invites { invites } => self.invites = invites,
            Event::Approvals { approvals } => self.approvals = approvals,
            Event::Devices { devices } => self.devices = devices,
            Event::Passes { passes } => self.passes = passes,
            Event::Visitors { visitors } => self.status.visitors = visitors,
            Event::Problems { problems } => self.status.problems = problems,
        }
    }
}

impl From<Whole> for Event {
    fn from(whole: Whole) -> Self {
        let Whole { status, users, sessions, tokens, invites, approvals, devices, passes } = whole;
        Self::State { status, users, sessions, tokens, invites, approvals, devices, passes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Headline, Level, Tool};

    fn tool(id: &str, level: Level) -> Tool {
        Tool {
            id: id.to_owned(),
            name: id.to_uppercase(),
            target: "http://127.0.0.1:8888".to_owned(),
            certificate: None,
            identity_header: None,
            allowed_origins: Vec::new(),
            level,
            wanted: level,
            doors: Vec::new(),
            until: None,
            secrets: Vec::new(),
            anybody_until: None,
            plain_http: None,
        }
    }

    fn whole(tools: Vec<Tool>) -> Whole {
        let status = Status {
            headline: Headline::Closed,
            gate: Vec::new(),
            tools,
            visitors: Vec::new(),
            problems: Vec::new(),
            revision: 1,
        };
        Whole {
            status,
            users: Vec::new(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            invites: Vec::new(),
            approvals: Vec::new(),
            devices: Vec::new(),
            passes: Vec::new(),
        }
    }

    #[test]
    fn a_change_replaces_adds_and_removes_by_id() {
        let mut known = whole(vec![tool("a", Level::Local), tool("b", Level::Local)]);
        known.apply(Event::Tool { tool: tool("b", Level::Lan) });
        known.apply(Event::Tool { tool: tool("c", Level::Internet) });
        known.apply(Event::ToolRemoved { id: "a".to_owned() });
        known.apply(Event::Headline { headline: Headline::Internet, gate: vec!["https://x".to_owned()] });
        let expected = [tool("b", Level::Lan), tool("c", Level::Internet)];
        assert_eq!(known.status.tools, expected);
        assert_eq!((known.status.headline, known.status.gate.len()), (Headline::Internet, 1));
    }

    #[test]
    fn a_whole_state_replaces_everything_and_comes_back_as_an_event() {
        let mut known = whole(vec![tool("a", Level::Lan)]);
        let fresh = whole(vec![tool("z", Level::Local)]);
        known.apply(fresh.clone().into());
        assert_eq!(known, fresh);
    }
}
