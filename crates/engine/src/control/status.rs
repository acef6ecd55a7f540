//! What is true, in the owner's words: a pure reading of the state.

use super::{ControlError, State, doors::Wishes};
use crate::{
    proxy::{door::DoorPlan, upstream::ToolFault},
    settings::ToolSettings,
    tools::ToolId,
};
use drawbridge_protocol::{Door, DoorState, Headline, Level, Status, Tool, Trouble, Visitor};
use std::{collections::BTreeMap, net::SocketAddr};

impl State {
    /// Everything at a glance.
    pub(super) fn status(&self) -> Status {
        let levels = self.levels();
        let wishes =
            Wishes { settings: &self.settings, levels: &levels, network: &self.network, lan: &self.lan };
        let tools: Vec<Tool> = self.settings.tools.iter().map(|tool| self.tool(tool, &wishes)).collect();
        let gate = [Level::Internet, Level::Lan]
            .into_iter()
            .filter(|level| levels.values().any(|in_force| in_force >= level))
            .filter_map(|level| wishes.gate(level))
            .flat_map(|plan| urls(&plan).collect::<Vec<_>>())
            .collect();
        let visitors = self.shared.visitors.list().into_iter().map(|seen| Visitor {
            user: seen.user,
            tool: seen.tool,
            address: seen.address.to_string(),
            since: seen.since.0,
        });
        let problems = self.problems(&tools);
        Status {
            headline: headline(&tools),
            gate,
            visitors: visitors.collect(),
            problems,
            tools,
            revision: self.revision,
        }
    }

    /// One tool as shells see it.
    pub(super) fn tool_model(&self, id: &ToolId) -> Result<Tool, ControlError> {
        let found = self.status().tools.into_iter().find(|tool| tool.id == id.as_str());
        found.ok_or_else(|| ControlError::UnknownTool(id.to_string()))
    }

    fn tool(&self, tool: &ToolSettings, wishes: &Wishes<'_>) -> Tool {
        let level = wishes.levels.get(&tool.id).copied().unwrap_or_default();
        let mut doors = Vec::new();
        for step in [Level::Lan, Level::Internet] {
            if step <= level.max(tool.level)
                && let Some(plan) = wishes.tool(tool, step)
            {
                doors.extend(self.doors(tool, &plan, level, wishes));
            }
        }
        Tool {
            id: tool.id.to_string(),
            name: tool.name.clone(),
            target: tool.target.to_string(),
            level,
            wanted: tool.level,
            doors,
            until: tool.until,
            secrets: Vec::new(),
        }
    }

    fn doors(&self, tool: &ToolSettings, plan: &DoorPlan, level: Level, wishes: &Wishes<'_>) -> Vec<Door> {
        let door = |url: String, cause: Option<String>, state| Door { level: plan.level, url, state, cause };
        if plan.level > level {
            let why = match (&self.key, self.grounds.waits_for_owner(tool)) {
                (Err(why), _) => why.clone(),
                (Ok(_), true) => format!("waits for you: drawbridge level \"{}\" {}", tool.name, plan.level),
                (Ok(_), false) => "closed".to_owned(),
            };
            return urls(plan).map(|url| door(url, Some(why.clone()), DoorState::Failed)).collect();
        }
        if plan.level == Level::Internet && self.internet_unusable() {
            let why =
                "the certificate expired or cannot be used; import a new one with `drawbridge certificate import`".to_owned();
            return urls(plan).map(|url| door(url, Some(why.clone()), DoorState::Failed)).collect();
        }
        if plan.level == Level::Lan && wishes.lan_addresses(tool).is_empty() {
            let url = format!("https://…:{}", plan.port);
            return vec![door(url, Some(self.absent()), DoorState::Failed)];
        }
        let down = (self.shared.tool_faults.of(&tool.id) == Some(ToolFault::Down))
            .then_some("nothing answers at the tool's own address now; start it");
        let mark = if plan.level == Level::Internet { self.internet_mark().or(down) } else { down };
        plan.hosts
            .iter()
            .map(|host| {
                let url = crate::headers::authority::https_origin(host, plan.port);
                match self.failure(plan.port) {
                    Some(why) => door(url, Some(why), DoorState::Failed),
                    None => door(url, mark.map(str::to_owned), DoorState::Open),
                }
            })
            .collect()
    }

    fn failure(&self, port: u16) -> Option<String> {
        let failed: BTreeMap<&SocketAddr, &String> =
            self.failures.iter().filter(|(address, _)| address.port() == port).collect();
        failed.into_values().next().cloned()
    }

    fn absent(&self) -> String {
        match self.network.missing.first() {
            Some(address) => format!("{address} is not an address of this computer now"),
            None if self.network.addresses.is_empty() => {
                "this computer is on no local network now".to_owned()
            }
            None => "this is another network than the one it was opened on; open it again to use it here"
                .to_owned(),
        }
    }

    fn problems(&self, tools: &[Tool]) -> Vec<Trouble> {
        let mut problems = self.notes.clone();
        if let Err(why) = &self.key {
            problems.push(trouble(
                "Nothing sealed can be opened, so everything is closed",
                why,
                "When that is mended, run: drawbridge unlock",
            ));
        }
        for (what, why) in self.certificate_troubles() {
            problems.push(trouble(
                what,
                why,
                "Put a backup of drawbridge.db back, or for the internet import a certificate again.",
            ));
        }
        for tool in tools {
            // Without a key everything waits, and that was said above.
            if self.key.is_ok() {
                problems.extend(tool_problems(tool));
            }
            let fault = self.settings.tool(&tool.id).and_then(|known| self.shared.tool_faults.of(&known.id));
            if let Some(fault) = fault.filter(|_| tool.level > Level::Local) {
                problems.push(fault_trouble(tool, fault));
            }
        }
        if self.key.is_ok() && !self.users.is_empty() && !self.has_recovery_code {
            problems.push(trouble(
                "There is no recovery code",
                "If the keyring is lost, everything sealed here is lost with it.",
                "Make one and keep it safe: drawbridge recovery create",
            ));
        }
        if self.has_internet() && self.internet_mark().is_some() {
            problems.push(trouble(
                "The internet door has a self-signed certificate",
                "Browsers warn, and visitors get used to clicking warnings away.",
                "Import your own: drawbridge certificate import --cert FILE --key FILE",
            ));
        }
        problems
    }
}

fn tool_problems(tool: &Tool) -> Option<Trouble> {
    let failed = tool.doors.iter().find(|door| door.state == DoorState::Failed);
    if tool.wanted > tool.level {
        // Without a port of its own yet there is no door that could say it.
        let cause = failed.and_then(|door| door.cause.clone());
        let cause =
            cause.unwrap_or_else(|| "The settings ask for more than you ever opened here.".to_owned());
        let what = format!("{} shall be open for {}, but is {}", tool.name, tool.wanted, tool.level);
        return Some(trouble(
            &what,
            &cause,
            &format!("To open it: drawbridge level \"{}\" {}", tool.name, tool.wanted),
        ));
    }
    let failed = failed?;
    let cause = failed.cause.clone().unwrap_or_default();
    let what = format!("{} cannot be reached at {}", tool.name, failed.url);
    Some(trouble(
        &what,
        &cause,
        "It is tried again every two seconds; or choose another port with drawbridge tool set",
    ))
}

fn fault_trouble(tool: &Tool, fault: ToolFault) -> Trouble {
    let (what, why, remedy) = match fault {
        ToolFault::Down => {
            ("is not running", format!("Nothing answers at {}.", tool.target), "Start the tool.")
        }
        ToolFault::Foreign => (
            "is not yours",
            format!("Another user's program listens at {}; nothing was sent to it.", tool.target),
            "Find out who took the port, and start the tool again.",
        ),
        ToolFault::Broken => (
            "answers strangely",
            format!("What came from {} made no sense.", tool.target),
            "Look at the tool's own log.",
        ),
        ToolFault::Slow => (
            "takes too long",
            format!("{} gave no answer in ten minutes.", tool.target),
            "Look at the tool's own log.",
        ),
    };
    trouble(&format!("{} {what}", tool.name), &why, remedy)
}

fn headline(tools: &[Tool]) -> Headline {
    let failed = |tool: &Tool| {
        tool.wanted > tool.level || tool.doors.iter().any(|door| door.state == DoorState::Failed)
    };
    if tools.iter().any(failed) {
        return Headline::Trouble;
    }
    match tools.iter().map(|tool| tool.level).max().unwrap_or_default() {
        Level::Local => Headline::Closed,
        Level::Lan => Headline::Lan,
        Level::Internet => Headline::Internet,
    }
}

fn urls(plan: &DoorPlan) -> impl Iterator<Item = String> {
    plan.hosts.iter().map(|host| crate::headers::authority::https_origin(host, plan.port))
}

fn trouble(what: &str, why: &str, remedy: &str) -> Trouble {
    Trouble { what: what.to_owned(), why: why.to_owned(), remedy: remedy.to_owned() }
}
