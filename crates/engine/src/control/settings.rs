//! Settings the owner may read and set by name.

use super::{ControlError, State};
use crate::{headers::authority::Host, identity::approval::Policy, network::hops::Hop, settings::Settings};
use drawbridge_protocol::Level;
use drawbridge_texts::Sentence;
use std::collections::BTreeMap;

/// One key: its name, how it reads, how it is written, what would be good.
struct Key {
    name: &'static str,
    read: fn(&Settings) -> String,
    write: fn(&mut Settings, &str) -> Option<()>,
    hint: fn() -> Sentence,
}

impl State {
    /// One value, or all.
    pub(super) fn get_setting(&self, key: Option<&str>) -> Result<BTreeMap<String, String>, ControlError> {
        let wanted: Vec<&Key> = match key {
            None => KEYS.iter().collect(),
            Some(name) => vec![find(name)?],
        };
        Ok(wanted.into_iter().map(|key| (key.name.to_owned(), (key.read)(&self.settings))).collect())
    }

    /// Sets one value; doors move live.
    pub(super) async fn set_setting(
        &mut self,
        name: &str,
        value: &str,
    ) -> Result<BTreeMap<String, String>, ControlError> {
        let key = find(name)?;
        let mut after = self.settings.clone();
        let value = value.trim();
        (key.write)(&mut after, value).ok_or_else(|| ControlError::BadSetting {
            key: name.to_owned(),
            value: value.to_owned(),
            hint: (key.hint)(),
        })?;
        if self.has_internet() && after.internet.front_of() != self.settings.internet.front_of() {
            return Err(ControlError::FrontOfOpen);
        }
        after.check()?;
        self.check_lan_names(&after)?;
        self.check_names(&after)?;
        // Proven before it is saved: a port that is taken changes nothing.
        let levels = self.levels();
        let wishes = super::doors::Wishes {
            settings: &after,
            levels: &levels,
            network: &self.network,
            lan: &self.lan,
        };
        let steps =
            |in_force| [Level::Lan, Level::Internet].into_iter().filter(move |step| *step <= in_force);
        let loses_door = after.tools.iter().any(|tool| {
            steps(levels.get(&tool.id).copied().unwrap_or_default())
                .any(|step| wishes.tool(tool, step).is_none())
        });
        if loses_door {
            return Err(ControlError::BadSetting {
                key: name.to_owned(),
                value: value.to_owned(),
                hint: Sentence::new("setting-hint-loses-door"),
            });
        }
        let mut proven = super::apply::Proven::new();
        self.prove(super::apply::addresses_of(wishes.listeners()), &mut proven)
            .map_err(ControlError::Bind)?;
        self.commit(after)?;
        self.shared.approvals.set_policy(self.settings.internet.approval);
        self.follow_names().await?;
        self.refresh_certificates();
        self.apply_with(proven);
        self.get_setting(Some(name))
    }

    /// The local authority may not speak for names outside its constraints, so they are refused here.
    fn check_lan_names(&self, after: &Settings) -> Result<(), ControlError> {
        match after.lan.names.iter().find(|name| !crate::certificates::is_local_name(name)) {
            None => Ok(()),
            Some(name) => Err(ControlError::BadSetting {
                key: "lan.names".to_owned(),
                value: name.clone(),
                hint: Sentence::new("setting-hint-local-names"),
            }),
        }
    }

    /// The level a setting's trouble belongs to, for the status.
    pub(super) fn has_internet(&self) -> bool {
        self.levels().values().any(|level| *level == Level::Internet)
    }
}

fn find(name: &str) -> Result<&'static Key, ControlError> {
    KEYS.iter().find(|key| key.name == name).ok_or_else(|| ControlError::UnknownSetting(name.to_owned()))
}

fn port_text(port: Option<u16>) -> String {
    port.map_or_else(String::new, |port| port.to_string())
}

fn set_port(place: &mut Option<u16>, value: &str) -> Option<()> {
    *place = if value.is_empty() { None } else { Some(value.parse().ok().filter(|port| *port > 0)?) };
    Some(())
}

fn set_host(place: &mut Option<String>, value: &str) -> Option<()> {
    *place = if value.is_empty() { None } else { Some(value.parse::<Host>().ok()?.to_string()) };
    Some(())
}

fn approval_text(policy: Policy) -> String {
    match policy {
        Policy::Desk => "desk",
        Policy::Always => "always",
        Policy::Never => "never",
    }
    .to_owned()
}

fn set_approval(place: &mut Policy, value: &str) -> Option<()> {
    *place = match value {
        "" | "desk" => Policy::Desk,
        "always" => Policy::Always,
        "never" => Policy::Never,
        _ => return None,
    };
    Some(())
}

fn set_front(place: &mut Vec<Hop>, value: &str) -> Option<()> {
    let hops = value.split(',').map(str::trim).filter(|hop| !hop.is_empty());
    *place = hops.map(|hop| hop.parse().ok()).collect::<Option<_>>()?;
    Some(())
}

/// Every key.
const KEYS: &[Key] = &[
    Key {
        name: "lan.gate_port",
        read: |settings| port_text(settings.lan.gate_port),
        write: |settings, value| set_port(&mut settings.lan.gate_port, value),
        hint: || Sentence::new("setting-hint-port"),
    },
    Key {
        name: "lan.names",
        read: |settings| settings.lan.names.join(","),
        write: |settings, value| {
            let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
            settings.lan.names = names
                .map(|name| name.parse::<Host>().ok().map(|host| host.to_string()))
                .collect::<Option<_>>()?;
            Some(())
        },
        hint: || Sentence::new("setting-hint-names"),
    },
    Key {
        name: "internet.port",
        read: |settings| port_text(settings.internet.port),
        write: |settings, value| set_port(&mut settings.internet.port, value),
        hint: || Sentence::new("setting-hint-port"),
    },
    Key {
        name: "internet.host",
        read: |settings| settings.internet.host.clone().unwrap_or_default(),
        write: |settings, value| set_host(&mut settings.internet.host, value),
        hint: || Sentence::new("setting-hint-host"),
    },
    Key {
        name: "internet.domain",
        read: |settings| settings.internet.domain.clone().unwrap_or_default(),
        write: |settings, value| set_host(&mut settings.internet.domain, value),
        hint: || Sentence::new("setting-hint-domain"),
    },
    Key {
        name: "internet.front",
        read: |settings| {
            settings.internet.front.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        },
        write: |settings, value| set_front(&mut settings.internet.front, value),
        hint: || Sentence::new("setting-hint-front"),
    },
    Key {
        name: "internet.front_port",
        read: |settings| port_text(settings.internet.front_port),
        write: |settings, value| set_port(&mut settings.internet.front_port, value),
        hint: || Sentence::new("setting-hint-port"),
    },
    Key {
        name: "internet.approval",
        read: |settings| approval_text(settings.internet.approval),
        write: |settings, value| set_approval(&mut settings.internet.approval, value),
        hint: || Sentence::new("setting-hint-approval"),
    },
];
