//! A door: one origin of one tool, or of the gate, at one level.

use crate::{
    headers::authority::{self, Authority, Host},
    tools::ToolId,
};
use drawbridge_protocol::Level;
use tokio_util::sync::CancellationToken;

/// What answers behind a door.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Serves {
    /// Sign-in, home page and what else is ours.
    Gate,
    /// A tool.
    Tool(ToolId),
}

/// What makes a door this door; two equal plans need no change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DoorPlan {
    pub(crate) serves: Serves,
    pub(crate) level: Level,
    /// Hosts a request may name; the first is the one in the share URL.
    pub(crate) hosts: Vec<Host>,
    /// Whether the gate has its own name.
    pub(crate) gate: GateAddress,
    pub(crate) port: u16,
}

/// Where a visitor of this door signs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum GateAddress {
    /// On the host the visitor used, at another port.
    SameHost {
        /// The gate's port.
        port: u16,
    },
    /// Under its own name.
    Named {
        /// The gate's name.
        host: Host,
        /// The gate's port.
        port: u16,
    },
}

/// An open door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) plan: DoorPlan,
    /// Cancelled when the door closes; every connection and tunnel through it ends.
    pub(crate) closing: CancellationToken,
}

impl Door {
    /// Opens what was planned.
    pub(crate) fn new(plan: DoorPlan) -> Self {
        Self { plan, closing: CancellationToken::new() }
    }

    /// Whether a request's authority names this door.
    pub(crate) fn is_named_by(&self, authority: &Authority) -> bool {
        let port = authority.port.unwrap_or(authority::HTTPS_PORT);
        port == self.plan.port && self.plan.hosts.contains(&authority.host)
    }

    /// The gate's origin for a visitor who came by this host.
    pub(crate) fn gate_origin(&self, host: &Host) -> String {
        match &self.plan.gate {
            GateAddress::SameHost { port } => authority::https_origin(host, *port),
            GateAddress::Named { host, port } => authority::https_origin(host, *port),
        }
    }

    /// This door's origin for a visitor who came to the gate by this host.
    pub(crate) fn origin_from_gate(&self, gate_host: &Host) -> String {
        match &self.plan.gate {
            GateAddress::SameHost { .. } if self.plan.hosts.contains(gate_host) => {
                authority::https_origin(gate_host, self.plan.port)
            }
            GateAddress::SameHost { .. } | GateAddress::Named { .. } => self.url(),
        }
    }

    /// The address to hand to someone, without the final slash.
    pub(crate) fn url(&self) -> String {
        self.plan.url()
    }
}

impl DoorPlan {
    /// The address to hand to someone, without the final slash.
    pub(crate) fn url(&self) -> String {
        self.hosts.first().map_or_else(String::new, |host| authority::https_origin(host, self.port))
    }
}
