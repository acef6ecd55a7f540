//! What the engine tells its shells without being asked.

use crate::{Approval, Device, Headline, Invite, Pass, Session, Status, Token, Tool, Trouble, User, Visitor};
use serde::{Deserialize, Serialize};

/// One line of the event stream: the whole state first, then changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The whole state; the first line of every stream, and again after a listener fell behind.
    State {
        /// Everything at a glance.
        status: Status,
        /// Every account.
        users: Vec<User>,
        /// Every sign-in.
        sessions: Vec<Session>,
        /// Every token.
        tokens: Vec<Token>,
        /// Every open invite.
        #[serde(default)]
        invites: Vec<Invite>,
        /// Everyone who waits for the owner.
        #[serde(default)]
        approvals: Vec<Approval>,
        /// Every device that need not.
        #[serde(default)]
        devices: Vec<Device>,
        /// Every open pass.
        #[serde(default)]
        passes: Vec<Pass>,
    },
    /// One word changed.
    Headline {
        /// The new word.
        headline: Headline,
        /// The gate's addresses.
        gate: Vec<String>,
    },
    /// A tool is new or changed.
    Tool {
        /// As it is now.
        tool: Tool,
    },
    /// A tool is gone.
    ToolRemoved {
        /// Its id.
        id: String,
    },
    /// The accounts changed.
    Users {
        /// All of them.
        users: Vec<User>,
    },
    /// The sign-ins changed.
    Sessions {
        /// All of them.
        sessions: Vec<Session>,
    },
    /// The tokens changed.
    Tokens {
        /// All of them.
        tokens: Vec<Token>,
    },
    /// The open invites changed.
    Invites {
        /// All of them.
        invites: Vec<Invite>,
    },
    /// Who waits for the owner changed.
    Approvals {
        /// All of them.
        approvals: Vec<Approval>,
    },
    /// The devices that need not wait changed.
    Devices {
        /// All of them.
        devices: Vec<Device>,
    },
    /// The open passes changed.
    Passes {
        /// All of them.
        passes: Vec<Pass>,
    },
    /// Who is in changed.
    Visitors {
        /// All of them.
        visitors: Vec<Visitor>,
    },
    /// What is wrong changed.
    Problems {
        /// All of them.
        problems: Vec<Trouble>,
    },
}
