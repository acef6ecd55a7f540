//! Which doors there should be: a pure function of the settings, the levels in force and the network.

use crate::{
    headers::authority::Host,
    network::interfaces::{Lan, Network},
    proxy::{
        admit::From,
        door::{DoorPlan, Front, GateAddress, Serves},
    },
    settings::{Settings, ToolSettings},
    tools::{GATE_LABEL, ToolId},
};
use drawbridge_protocol::Level;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// One listening address and the doors behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ListenerPlan {
    pub(super) address: SocketAddr,
    pub(super) from: From,
    pub(super) level: Level,
    pub(super) doors: Vec<DoorPlan>,
}

impl ListenerPlan {
    /// Whether something of the owner's own ends TLS before it.
    pub(super) const fn is_fronted(&self) -> bool {
        matches!(self.from, From::Hops(_))
    }
}

/// What the plan is made from.
pub(super) struct Wishes<'a> {
    pub(super) settings: &'a Settings,
    pub(super) levels: &'a BTreeMap<ToolId, Level>,
    pub(super) network: &'a Network,
    pub(super) lan: &'a Lan,
}

impl Wishes<'_> {
    /// Every listener there should be. A door whose port is not chosen yet is left out.
    pub(super) fn listeners(&self) -> Vec<ListenerPlan> {
        let mut plans = self.lan();
        plans.extend(self.internet());
        plans
    }

    /// The addresses listeners of a level may be bound to.
    pub(super) fn addresses(&self, level: Level) -> Vec<IpAddr> {
        match level {
            Level::Local => Vec::new(),
            Level::Lan => self.network.addresses.iter().map(|(address, _)| *address).collect(),
            Level::Internet => self.internet_addresses(),
        }
    }

    /// The addresses a tool's LAN doors listen on: those inside the networks it was switched on for.
    pub(super) fn lan_addresses(&self, tool: &ToolSettings) -> Vec<IpAddr> {
        let known = |network| tool.networks.contains(network);
        self.network
            .addresses
            .iter()
            .filter(|(_, network)| known(network))
            .map(|(address, _)| *address)
            .collect()
    }

    /// The gate's plan at a level, where its port is chosen.
    pub(super) fn gate(&self, level: Level) -> Option<DoorPlan> {
        let (hosts, port) = match level {
            Level::Local => return None,
            Level::Lan => (self.lan_hosts(), self.settings.lan.gate_port?),
            Level::Internet => (self.internet_hosts(GATE_LABEL), self.settings.internet.visible_port()?),
        };
        let gate = self.gate_address(level, port);
        Some(DoorPlan { serves: Serves::Gate, level, hosts, gate, port, front: self.front(level) })
    }

    /// A tool's plan at a level, where its port is chosen.
    pub(super) fn tool(&self, tool: &ToolSettings, level: Level) -> Option<DoorPlan> {
        let gate = self.gate(level)?;
        let (hosts, port) = match level {
            Level::Local => return None,
            Level::Lan => {
                let mut hosts: Vec<Host> = self.lan_addresses(tool).into_iter().map(Host::Address).collect();
                hosts.extend(self.lan_names());
                (hosts, tool.lan_port?)
            }
            Level::Internet if self.settings.internet.domain.is_some() => {
                (self.internet_hosts(tool.id.as_str()), gate.port)
            }
            Level::Internet => (self.internet_hosts(tool.id.as_str()), tool.internet_port?),
        };
        let serves = Serves::Tool(tool.id.clone());
        let front = self.front(level);
        Some(DoorPlan { serves, level, hosts, gate: self.gate_address(level, gate.port), port, front })
    }

    /// What stands before the doors of a level.
    fn front(&self, level: Level) -> Option<Front> {
        let internet = &self.settings.internet;
        let fronted = level == Level::Internet && internet.is_fronted();
        let port = internet.port.filter(|_| fronted)?;
        Some(Front { hops: internet.front.clone(), port })
    }

    fn lan(&self) -> Vec<ListenerPlan> {
        let mut plans = Vec::new();
        for (address, network) in &self.network.addresses {
            let from = From::Networks { inside: vec![*network], except: self.network.gateways.clone() };
            let here = |tool: &&ToolSettings| {
                self.level(tool) >= Level::Lan && self.lan_addresses(tool).contains(address)
            };
            let tools: Vec<DoorPlan> = self
                .settings
                .tools
                .iter()
                .filter(here)
                .filter_map(|tool| self.tool(tool, Level::Lan))
                .collect();
            let gate = if tools.is_empty() { None } else { self.gate(Level::Lan) };
            plans.extend(gate.into_iter().chain(tools).map(|door| ListenerPlan {
                address: SocketAddr::new(*address, door.port),
                from: from.clone(),
                level: Level::Lan,
                doors: vec![door],
            }));
        }
        plans
    }

    fn internet(&self) -> Vec<ListenerPlan> {
        let open = self.settings.tools.iter().filter(|tool| self.level(tool) >= Level::Internet);
        let tools: Vec<DoorPlan> = open.filter_map(|tool| self.tool(tool, Level::Internet)).collect();
        let gate = if tools.is_empty() { None } else { self.gate(Level::Internet) };
        let mut by_port: BTreeMap<u16, Vec<DoorPlan>> = BTreeMap::new();
        for door in gate.into_iter().chain(tools) {
            by_port.entry(door.listening_port()).or_default().push(door);
        }
        let addresses = self.internet_addresses();
        let hops = &self.settings.internet.front;
        let from = if hops.is_empty() { From::Anyone } else { From::Hops(hops.clone()) };
        by_port
            .into_iter()
            .flat_map(|(port, doors)| {
                let from = from.clone();
                addresses.iter().map(move |address| ListenerPlan {
                    address: SocketAddr::new(*address, port),
                    from: from.clone(),
                    level: Level::Internet,
                    doors: doors.clone(),
                })
            })
            .collect()
    }

    fn level(&self, tool: &ToolSettings) -> Level {
        self.levels.get(&tool.id).copied().unwrap_or_default()
    }

    /// Given addresses bound every listener; otherwise the internet reaches any address of this computer, and a front on
    /// it its loopback alone.
    fn internet_addresses(&self) -> Vec<IpAddr> {
        let hops = &self.settings.internet.front;
        match self.lan {
            Lan::Given(_) => self.network.addresses.iter().map(|(address, _)| *address).collect(),
            Lan::Found if !hops.is_empty() && hops.iter().all(|hop| hop.network().addr().is_loopback()) => {
                let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                let used = |address: &IpAddr| {
                    hops.iter().any(|hop| hop.network().addr().is_ipv4() == address.is_ipv4())
                };
                loopback.into_iter().filter(used).collect()
            }
            Lan::Found => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
        }
    }

    fn internet_hosts(&self, label: &str) -> Vec<Host> {
        let internet = &self.settings.internet;
        let named = match (&internet.domain, &internet.host) {
            (Some(domain), _) => format!("{label}.{domain}").parse().ok(),
            (None, Some(host)) => host.parse().ok(),
            (None, None) => None,
        };
        match named {
            Some(host) => vec![host],
            None => self.network.addresses.iter().map(|(address, _)| Host::Address(*address)).collect(),
        }
    }

    fn lan_hosts(&self) -> Vec<Host> {
        let addresses = self.network.addresses.iter().map(|(address, _)| Host::Address(*address));
        addresses.chain(self.lan_names()).collect()
    }

    fn lan_names(&self) -> impl Iterator<Item = Host> {
        self.settings.lan.names.iter().filter_map(|name| name.parse().ok())
    }

    fn gate_address(&self, level: Level, port: u16) -> GateAddress {
        match &self.settings.internet.domain {
            Some(domain) if level == Level::Internet => match format!("{GATE_LABEL}.{domain}").parse() {
                Ok(host) => GateAddress::Named { host, port },
                Err(_) => GateAddress::SameHost { port },
            },
            Some(_) | None => GateAddress::SameHost { port },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(domain: Option<&str>) -> Settings {
        let domain = domain.map_or(String::new(), |domain| format!("domain = \"{domain}\"\n"));
        toml::from_str(&format!(
            "[lan]\ngate_port = 8443\n[internet]\nport = 9443\n{domain}\
             [[tool]]\nid = \"a\"\nname = \"A\"\ntarget = \"http://127.0.0.1:1\"\nlan_port = 8444\ninternet_port = 9444\n\
             networks = [\"192.168.1.0/24\"]"
        ))
        .unwrap()
    }

    fn plan(settings: &Settings, level: Level, network: &str, lan: &Lan) -> Vec<(String, String)> {
        let inside: ipnet::IpNet = network.parse().unwrap();
        let network = Network { addresses: vec![(inside.addr(), inside.trunc())], ..Network::default() };
        let levels = [(settings.tools[0].id.clone(), level)].into();
        let wishes = Wishes { settings, levels: &levels, network: &network, lan };
        let plans = wishes.listeners();
        plans
            .iter()
            .flat_map(|plan| plan.doors.iter().map(|door| (plan.address.to_string(), door.url())))
            .collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
    }

    #[test]
    fn local_opens_nothing() {
        assert!(plan(&settings(None), Level::Local, "192.168.1.5/24", &Lan::Found).is_empty());
    }

    #[test]
    fn lan_opens_gate_and_tool_on_the_private_address_only() {
        let expected = [
            ("192.168.1.5:8443", "https://192.168.1.5:8443"),
            ("192.168.1.5:8444", "https://192.168.1.5:8444"),
        ];
        assert_eq!(plan(&settings(None), Level::Lan, "192.168.1.5/24", &Lan::Found), pairs(&expected));
    }

    #[test]
    fn another_network_opens_nothing() {
        assert!(plan(&settings(None), Level::Lan, "10.0.0.5/24", &Lan::Found).is_empty());
    }

    #[test]
    fn internet_keeps_the_lan_door_and_given_addresses_bound_it() {
        let given = Lan::Given(vec!["192.168.1.5".parse().unwrap()]);
        let expected = [
            ("192.168.1.5:8443", "https://192.168.1.5:8443"),
            ("192.168.1.5:8444", "https://192.168.1.5:8444"),
            ("192.168.1.5:9443", "https://192.168.1.5:9443"),
            ("192.168.1.5:9444", "https://192.168.1.5:9444"),
        ];
        assert_eq!(plan(&settings(None), Level::Internet, "192.168.1.5/24", &given), pairs(&expected));
    }

    #[test]
    fn under_a_domain_each_tool_has_its_name_on_one_port() {
        let given = Lan::Given(vec!["192.168.1.5".parse().unwrap()]);
        let plans = plan(&settings(Some("example.org")), Level::Internet, "192.168.1.5/24", &given);
        let internet: Vec<_> = plans.into_iter().filter(|(address, _)| address.ends_with(":9443")).collect();
        let expected = [
            ("192.168.1.5:9443", "https://gate.example.org:9443"),
            ("192.168.1.5:9443", "https://a.example.org:9443"),
        ];
        assert_eq!(internet, pairs(&expected));
    }

    #[test]
    fn behind_a_front_only_the_hops_come_in_and_visitors_name_the_fronts_port() {
        let mut settings = settings(Some("example.org"));
        settings.internet.front = vec!["127.0.0.1".parse().unwrap()];
        let inside: ipnet::IpNet = "192.168.1.5/24".parse().unwrap();
        let network = Network { addresses: vec![(inside.addr(), inside.trunc())], ..Network::default() };
        let levels = [(settings.tools[0].id.clone(), Level::Internet)].into();
        let listeners = |settings: &Settings, lan: &Lan| -> Vec<(String, From, String)> {
            let wishes = Wishes { settings, levels: &levels, network: &network, lan };
            let plans = wishes.listeners().into_iter().filter(|plan| plan.level == Level::Internet);
            plans.map(|plan| (plan.address.to_string(), plan.from, plan.doors[1].url())).collect()
        };
        let from = |hop: &str| From::Hops(vec![hop.parse().unwrap()]);
        let url = "https://a.example.org".to_owned();
        let own = vec![("127.0.0.1:9443".to_owned(), from("127.0.0.1"), url.clone())];
        assert_eq!(listeners(&settings, &Lan::Found), own, "nobody else can even connect");
        let given = Lan::Given(vec!["192.168.1.5".parse().unwrap()]);
        assert_eq!(listeners(&settings, &given)[0].0, "192.168.1.5:9443");
        settings.internet.front = vec!["192.168.1.9".parse().unwrap()];
        settings.internet.front_port = Some(444);
        let elsewhere = listeners(&settings, &Lan::Found);
        assert_eq!(elsewhere[0], ("0.0.0.0:9443".into(), from("192.168.1.9"), format!("{url}:444")));
    }
}
