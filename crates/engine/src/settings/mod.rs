//! `settings.toml`: what the owner may read, edit, copy and restore. Tools, wanted levels, ports, names.
//!
//! Nothing secret lies here, and nothing here can raise a level by itself: a level above the one last acknowledged
//! waits for the owner (see `control::levels`).

mod file;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use file::parse;
pub(crate) use file::{LoadError, load, save};

use crate::{
    certificates::Fingerprint,
    clock::Timestamp,
    headers::authority::{HTTPS_PORT, Host},
    identity::approval::Policy,
    injection,
    network::hops::Hop,
    tools::{ToolId, target::Target},
};
use drawbridge_protocol::Level;
use drawbridge_texts::{Sentence, Tell};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Counts saved changes.
    pub(crate) revision: u64,
    /// The local network.
    pub(crate) lan: Lan,
    /// The internet.
    pub(crate) internet: Internet,
    /// Every tool.
    #[serde(rename = "tool")]
    pub(crate) tools: Vec<ToolSettings>,
}

/// The local network.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lan {
    /// Port of the gate; chosen at its first opening (8443 or the next free).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gate_port: Option<u16>,
    /// Names this computer has on the local network besides its addresses.
    pub(crate) names: Vec<String>,
}

/// The internet.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Internet {
    /// Port of the gate, and of every tool where there is a domain; chosen at its first opening (9443 or the next free).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// Name or address by which this computer is reached, where each tool has its own port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Domain under which each tool has its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    /// Proxies of the owner's own that end TLS before the doors; these then speak plain HTTP, to them alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) front: Vec<Hop>,
    /// Port at which visitors reach such a proxy (443 where it is missing).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) front_port: Option<u16>,
    /// When the owner is asked about sign-ins from devices nobody knows.
    pub(crate) approval: Policy,
}

/// One tool.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolSettings {
    /// Short and stable.
    pub(crate) id: ToolId,
    /// The name people see.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) target: Target,
    /// Whether it may be on another machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) network_target: bool,
    /// SHA-256 of the certificate it showed when it was added, where it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Fingerprint>,
    /// Name of the header field in which it is told who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity_header: Option<String>,
    /// Origins of other websites whose pages may use it with a name and password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed_origins: Vec<String>,
    /// Whether its door on the local network shall answer without TLS too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) plain_http: bool,
    /// How far it shall be reachable.
    #[serde(default)]
    pub(crate) level: Level,
    /// Port of its LAN door; chosen at its first opening and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lan_port: Option<u16>,
    /// Port of its internet door where there is no domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) internet_port: Option<u16>,
    /// Networks it was switched on for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) networks: Vec<IpNet>,
    /// Seconds since 1970 when it was opened; a clock before that closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) opened: Option<u64>,
    /// Seconds since 1970 when it closes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
}

impl Settings {
    /// The tool with this id, or else with this name in any case of letters.
    pub(crate) fn tool(&self, text: &str) -> Option<&ToolSettings> {
        let by_id = self.tools.iter().find(|tool| tool.id.as_str() == text);
        by_id.or_else(|| self.tools.iter().find(|tool| tool.name.to_lowercase() == text.to_lowercase()))
    }

    /// The same, to be changed.
    pub(crate) fn tool_mut(&mut self, id: &ToolId) -> Option<&mut ToolSettings> {
        self.tools.iter_mut().find(|tool| tool.id == *id)
    }

    /// Every port already given to one of our doors.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        let own = [self.lan.gate_port, self.internet.port];
        let tools = self.tools.iter().flat_map(|tool| [tool.lan_port, tool.internet_port]);
        own.into_iter().chain(tools).flatten()
    }

    /// Checks what a hand may have edited wrongly.
    pub(crate) fn check(&self) -> Result<(), BadSettings> {
        for (index, tool) in self.tools.iter().enumerate() {
            let earlier = self.tools.iter().take(index);
            if earlier.clone().any(|other| other.id == tool.id || same_name(&other.name, &tool.name)) {
                return Err(BadSettings::Twice(tool.name.clone()));
            }
            if !tool.network_target && !tool.target.is_here() {
                return Err(BadSettings::NetworkTarget(tool.name.clone()));
            }
            if tool.allowed_origins.len() > MOST_ORIGINS {
                return Err(BadSettings::Origins(tool.name.clone()));
            }
            if let Some(name) = &tool.identity_header
                && injection::identity_header(name).is_none()
            {
                return Err(BadSettings::IdentityHeader(name.clone()));
            }
            check_tool_name(&tool.name).map_err(|_| BadSettings::Name(tool.name.clone()))?;
        }
        if self.internet.is_fronted() && self.internet.domain.is_none() {
            return Err(BadSettings::FrontWithoutDomain);
        }
        if self.internet.front.len() > MOST_HOPS {
            return Err(BadSettings::Hops);
        }
        let ports: Vec<u16> = self.ports().collect();
        if let Some((_, port)) =
            ports.iter().enumerate().find(|(index, port)| ports.iter().take(*index).any(|p| p == *port))
        {
            return Err(BadSettings::Port(*port));
        }
        let hosts = self.lan.names.iter().chain(&self.internet.host).chain(&self.internet.domain);
        for host in hosts {
            host.parse::<Host>().map_err(|_| BadSettings::Host(host.clone()))?;
        }
        Ok(())
    }
}

impl Internet {
    /// Whether a proxy of the owner's own stands before the doors.
    pub(crate) fn is_fronted(&self) -> bool {
        !self.front.is_empty()
    }

    /// What stands before the doors, and where it is reached.
    pub(crate) fn front_of(&self) -> (&[Hop], Option<u16>) {
        (&self.front, self.front_port)
    }

    /// The port visitors name, where there is a domain.
    pub(crate) fn visible_port(&self) -> Option<u16> {
        let own = self.port?;
        Some(if self.is_fronted() { self.front_port.unwrap_or(HTTPS_PORT) } else { own })
    }
}

impl ToolSettings {
    /// The one program that is meant: where it is, and what it shows.
    pub(crate) fn meant(&self) -> String {
        let Some(certificate) = self.certificate else { return self.target.to_string() };
        format!("{} {certificate}", self.target)
    }

    /// Whether the clock allows the door to be open now.
    pub(crate) fn is_in_time(&self, now: Timestamp) -> bool {
        let before_end = self.until.is_none_or(|until| now.0 < until);
        let after_start = self.opened.is_none_or(|opened| now.0 + CLOCK_SLACK >= opened);
        before_end && (self.until.is_none() || after_start)
    }
}

/// Whether two names are the same to a person.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Checks a tool's name.
///
/// # Errors
/// When it is empty, long, or holds control characters.
pub(crate) fn check_tool_name(name: &str) -> Result<(), BadSettings> {
    let length = name.chars().count();
    let good = (1..=MAX_NAME).contains(&length) && name.trim() == name && !name.chars().any(char::is_control);
    if good { Ok(()) } else { Err(BadSettings::Name(name.to_owned())) }
}

/// What is wrong with an edited file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadSettings {
    /// Two tools of one id or name.
    #[error("two tools `{0}`")]
    Twice(String),
    /// A name nobody can read.
    #[error("`{0}` is no tool's name")]
    Name(String),
    /// Outside this computer without the owner's word.
    #[error("`{0}` points to another machine")]
    NetworkTarget(String),
    /// One port twice.
    #[error("port {0} twice")]
    Port(u16),
    /// More than anyone uses.
    #[error("too many origins for `{0}`")]
    Origins(String),
    /// A field that is not free.
    #[error("`{0}` cannot tell who signed in")]
    IdentityHeader(String),
    /// A front, but one name for all tools.
    #[error("a front without a domain")]
    FrontWithoutDomain,
    /// A longer list than anyone has proxies.
    #[error("too many hops")]
    Hops,
    /// Not a host.
    #[error("`{0}` is no host")]
    Host(String),
}

impl Tell for BadSettings {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Twice(name) => Sentence::new("settings-tool-twice").with("name", name),
            Self::Name(name) => Sentence::new("settings-tool-name").with("name", name),
            Self::NetworkTarget(name) => Sentence::new("settings-network-target").with("name", name),
            Self::Port(port) => Sentence::new("settings-port-twice").with("port", *port),
            Self::Origins(name) => {
                Sentence::new("settings-origins").with("name", name).with("most", MOST_ORIGINS)
            }
            Self::IdentityHeader(name) => Sentence::new("settings-identity-header").with("name", name),
            Self::FrontWithoutDomain => Sentence::new("settings-front-domain"),
            Self::Hops => Sentence::new("settings-front-hops").with("most", MOST_HOPS),
            Self::Host(host) => Sentence::new("settings-host").with("host", host),
        }
    }
}

/// Origins of one tool (chosen: each is compared with every request from elsewhere).
const MOST_ORIGINS: usize = 16;
/// Trusted hops (chosen: one proxy has a few addresses).
const MOST_HOPS: usize = 16;
/// How far a clock may be set back without closing timed doors, seconds (chosen: more than any correction by NTP).
const CLOCK_SLACK: u64 = 300;
/// Letters in a tool's name (chosen: fits a tray menu).
const MAX_NAME: usize = 60;
