//! A door: one origin of one tool, or of the gate, at one level.

use super::{anybody::Anybody, authenticate};
use crate::{
    headers::{
        authority::{self, Authority, Host, Scheme},
        tool_cookie,
    },
    network::hops::Hop,
    tools::ToolId,
};
use arc_swap::ArcSwapOption;
use drawbridge_protocol::Level;
use std::sync::Arc;
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
    /// The port visitors name.
    pub(crate) port: u16,
    /// What stands before it, if anything does.
    pub(crate) front: Option<Front>,
}

/// A proxy of the owner's own that ends TLS: the door speaks plain HTTP, to it alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Front {
    /// Who is believed.
    pub(crate) hops: Vec<Hop>,
    /// Where the door listens.
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

/// One of a door's hosts as a visitor writes it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    port: u16,
    /// `SCHEME://HOST:PORT`; the default port is left out, as browsers do.
    pub(crate) text: String,
}

/// An open door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) plan: DoorPlan,
    /// Of each host in the plan.
    origins: Vec<Arc<Origin>>,
    /// The same without TLS.
    plain_origins: Vec<Arc<Origin>>,
    /// What marks its tool's cookies, where its host has other doors too.
    pub(crate) cookie_mark: Option<String>,
    /// The name of its session cookie.
    pub(crate) session_cookie: String,
    /// Set while its tool is spoken to without TLS too; cancelled when that ends, or the door closes.
    plain: ArcSwapOption<CancellationToken>,
    /// Set while anybody may come in without a password.
    pub(crate) anybody: ArcSwapOption<Anybody>,
    /// Cancelled when the door closes; every connection and tunnel through it ends.
    pub(crate) closing: CancellationToken,
}

impl Door {
    /// Opens what was planned.
    pub(crate) fn new(plan: DoorPlan) -> Self {
        let origins = |scheme| {
            let of = |host: &Host| Arc::new(Origin::new(scheme, host.clone(), plan.port));
            plan.hosts.iter().map(of).collect()
        };
        let (plain_origins, origins) = (origins(Scheme::Http), origins(Scheme::Https));
        let cookie_mark = match &plan.gate {
            GateAddress::SameHost { .. } => Some(tool_cookie::mark(plan.port)),
            GateAddress::Named { .. } => None,
        };
        let session_cookie = authenticate::cookie_name(Scheme::Https, plan.port);
        let (anybody, plain) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        let closing = CancellationToken::new();
        Self { plan, origins, cookie_mark, session_cookie, plain, anybody, closing, plain_origins }
    }

    /// The origin a `Host` names, if it is written as browsers write it: the everyday case, without parsing.
    pub(crate) fn origin_written(&self, scheme: Scheme, host: &[u8]) -> Option<&Arc<Origin>> {
        self.origins(scheme).iter().find(|origin| origin.authority().as_bytes() == host)
    }

    /// The origin an authority names.
    pub(crate) fn origin_of(&self, scheme: Scheme, authority: &Authority) -> Option<&Arc<Origin>> {
        self.origins(scheme).iter().find(|origin| origin.is_named_by(authority))
    }

    /// Whether a request's authority names this door.
    pub(crate) fn is_named_by(&self, scheme: Scheme, authority: &Authority) -> bool {
        self.origin_of(scheme, authority).is_some()
    }

    fn origins(&self, scheme: Scheme) -> &[Arc<Origin>] {
        match scheme {
            Scheme::Https => &self.origins,
            Scheme::Http => &self.plain_origins,
        }
    }

    /// The gate's origin for a visitor who came by this origin.
    pub(crate) fn gate_origin(&self, by: &Origin) -> String {
        match &self.plan.gate {
            GateAddress::SameHost { port } => authority::origin(by.scheme, &by.host, *port),
            GateAddress::Named { host, port } => authority::origin(by.scheme, host, *port),
        }
    }

    /// The gate as the door's first host names it.
    pub(crate) fn gate_url(&self) -> Option<String> {
        self.origins.first().map(|origin| self.gate_origin(origin))
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

    /// What ends when its tool is no longer spoken to without TLS; nothing where it is not now. Only on the local network.
    pub(crate) fn plain(&self) -> Option<CancellationToken> {
        let is_tool = matches!(self.plan.serves, Serves::Tool(_)) && self.plan.level == Level::Lan;
        self.plain.load().as_ref().filter(|_| is_tool).map(|ends| CancellationToken::clone(ends))
    }

    /// Its address without TLS.
    pub(crate) fn plain_url(&self) -> Option<String> {
        self.plain_origins.first().map(|origin| origin.text.clone())
    }

    /// Speaks to its tool without TLS too, from now on.
    pub(crate) fn begin_plain(&self) {
        if self.plain.load().is_none() {
            self.plain.store(Some(Arc::new(self.closing.child_token())));
        }
    }

    /// No longer; whatever runs in clear ends.
    pub(crate) fn end_plain(&self) {
        if let Some(ends) = self.plain.swap(None) {
            ends.cancel();
        }
    }

    /// Whether this word of the owner's is still the one for this door.
    pub(crate) fn allows(&self, anybody: &Arc<Anybody>) -> bool {
        let now = self.anybody.load();
        self.plan.level == Level::Lan && now.as_ref().is_some_and(|now| Arc::ptr_eq(now, anybody))
    }

    /// The address to hand to someone, without the final slash.
    pub(crate) fn url(&self) -> String {
        self.plan.url()
    }
}

impl Origin {
    /// The origin of a host at a port.
    pub(crate) fn new(scheme: Scheme, host: Host, port: u16) -> Self {
        let text = authority::origin(scheme, &host, port);
        Self { scheme, host, port, text }
    }

    /// `HOST:PORT`, as it stands in `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    fn is_named_by(&self, authority: &Authority) -> bool {
        authority.port.unwrap_or(self.scheme.port()) == self.port && authority.host == self.host
    }
}

impl DoorPlan {
    /// The port it listens on.
    pub(crate) fn listening_port(&self) -> u16 {
        self.front.as_ref().map_or(self.port, |front| front.port)
    }

    /// The address to hand to someone, without the final slash.
    pub(crate) fn url(&self) -> String {
        self.hosts.first().map_or_else(String::new, |host| authority::https_origin(host, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_marked_where_doors_share_a_host_only() {
        let door = |gate| {
            let serves = Serves::Tool(ToolId::stored("a".into()));
            let hosts = vec!["a.example.org".parse().unwrap()];
            Door::new(DoorPlan { serves, level: Level::Internet, hosts, gate, port: 9443, front: None })
        };
        let shared = door(GateAddress::SameHost { port: 9443 });
        assert_eq!(shared.cookie_mark.as_deref(), Some("__Http-drawbridge-tool-9443-"));
        let host = "gate.example.org".parse().unwrap();
        assert_eq!(door(GateAddress::Named { host, port: 9443 }).cookie_mark, None);
    }
}
