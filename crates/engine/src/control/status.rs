//! What is true, in the owner's words: a pure reading of the state.

use super::{ControlError, Finding, State, doors::Wishes};
use crate::{
    proxy::{door::DoorPlan, identify::BadFront, upstream::ToolFault},
    settings::ToolSettings,
    tools::ToolId,
};
use drawbridge_protocol::{Door, DoorState, Fix, Headline, Level, Status, Tool, Visitor};
use drawbridge_texts::Sentence;

/// A tool with what its first failed door is called, where it belongs, and why it failed.
struct Seen {
    tool: Tool,
    failed: Option<(String, Level, Sentence)>,
}

/// One door before its cause has words.
type SeenDoor = (String, Option<Sentence>, DoorState);

impl State {
    /// Everything at a glance.
    pub(super) fn status(&self) -> Status {
        let levels = self.levels();
        let wishes =
            Wishes { settings: &self.settings, levels: &levels, network: &self.network, lan: &self.lan };
        let seen: Vec<Seen> = self.settings.tools.iter().map(|tool| self.tool(tool, &wishes)).collect();
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
        let problems = self.findings(&seen).iter().map(|finding| finding.trouble(&self.words)).collect();
        let tools: Vec<Tool> = seen.into_iter().map(|seen| seen.tool).collect();
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

    fn tool(&self, tool: &ToolSettings, wishes: &Wishes<'_>) -> Seen {
        let level = wishes.levels.get(&tool.id).copied().unwrap_or_default();
        let (mut doors, mut failed) = (Vec::new(), None);
        for step in [Level::Lan, Level::Internet] {
            if step > level.max(tool.level) {
                continue;
            }
            let Some(plan) = wishes.tool(tool, step) else { continue };
            for (url, cause, state) in self.doors(tool, &plan, level, wishes) {
                let words = cause.as_ref().map(|cause| self.words.sentence(cause));
                if let (DoorState::Failed, None, Some(cause)) = (state, &failed, cause) {
                    failed = Some((url.clone(), step, cause));
                }
                doors.push(Door { level: step, url, state, cause: words });
            }
        }
        let tool = Tool {
            id: tool.id.to_string(),
            name: tool.name.clone(),
            target: tool.target.to_string(),
            certificate: tool.certificate.map(|certificate| certificate.to_string()),
            identity_header: tool.identity_header.clone(),
            allowed_origins: tool.allowed_origins.clone(),
            level,
            wanted: tool.level,
            doors,
            until: tool.until,
            secrets: self.secret_names(&tool.id),
            anybody_until: self.anybody_until(&tool.id),
            plain_http: self.plain_http_of(tool),
        };
        Seen { tool, failed }
    }

    fn doors(
        &self,
        tool: &ToolSettings,
        plan: &DoorPlan,
        level: Level,
        wishes: &Wishes<'_>,
    ) -> Vec<SeenDoor> {
        if plan.level > level {
            let why = match (&self.key, self.grounds.waits_for_owner(tool)) {
                (Err(why), _) => why.clone(),
                (Ok(_), true) => Sentence::new("door-waits"),
                (Ok(_), false) => Sentence::new("door-closed"),
            };
            return urls(plan).map(|url| (url, Some(why.clone()), DoorState::Failed)).collect();
        }
        if plan.level == Level::Internet && self.internet_unusable() {
            let why = Sentence::new("door-certificate");
            return urls(plan).map(|url| (url, Some(why.clone()), DoorState::Failed)).collect();
        }
        if plan.level == Level::Lan && wishes.lan_addresses(tool).is_empty() {
            return vec![(format!("https://…:{}", plan.port), Some(self.absent()), DoorState::Failed)];
        }
        let down = (self.shared.tool_faults.of(&tool.id) == Some(ToolFault::Down))
            .then(|| Sentence::new("door-tool-down"));
        let special = match plan.level {
            Level::Internet => self.internet_mark(),
            Level::Lan | Level::Local => self.exception(tool),
        };
        let mark = special.or(down);
        urls(plan)
            .map(|url| match self.failure(plan.listening_port()) {
                Some(why) => (url, Some(why), DoorState::Failed),
                None => (url, mark.clone(), DoorState::Open),
            })
            .collect()
    }

    /// What is special about a door on the local network.
    fn exception(&self, tool: &ToolSettings) -> Option<Sentence> {
        match (self.anybody_until(&tool.id), self.speaks_plain(&tool.id)) {
            (Some(_), true) => Some(Sentence::new("door-anybody-plain")),
            (Some(_), false) => Some(Sentence::new("door-anybody")),
            (None, true) => Some(Sentence::new("door-plain")),
            (None, false) => None,
        }
    }

    fn failure(&self, port: u16) -> Option<Sentence> {
        let mut failed = self.failures.iter().filter(|(address, _)| address.port() == port);
        failed.next().map(|(_, why)| why.clone())
    }

    fn absent(&self) -> Sentence {
        match self.network.missing.first() {
            Some(address) => Sentence::new("door-address-gone").with("address", *address),
            None if self.network.addresses.is_empty() => Sentence::new("door-no-network"),
            None => Sentence::new("door-other-network"),
        }
    }

    fn findings(&self, tools: &[Seen]) -> Vec<Finding> {
        let mut findings = self.notes.clone();
        if let Err(why) = &self.key {
            let what = Sentence::new("trouble-key-what");
            findings.push(Finding::new(what, why.clone(), Sentence::new("trouble-key-do")).with(Fix::Unlock));
        }
        findings.extend(self.certificate_troubles());
        findings.extend(self.secret_findings());
        findings.extend(self.shared.front_fault.last().filter(|_| self.has_internet()).map(front_finding));
        for seen in tools {
            // Without a key everything waits, and that was said above.
            if self.key.is_ok() {
                findings.extend(self.tool_finding(seen));
            }
            let tool = &seen.tool;
            findings.extend(tool.anybody_until.map(|_| anybody_finding(tool)));
            findings.extend(self.plain_finding(tool).filter(|_| self.key.is_ok()));
            let fault = self.settings.tool(&tool.id).and_then(|known| self.shared.tool_faults.of(&known.id));
            if let Some(fault) = fault.filter(|_| tool.level > Level::Local) {
                findings.push(fault_finding(tool, fault));
            }
        }
        if self.key.is_ok() && !self.users.is_empty() && !self.has_recovery_code {
            let [what, why, remedy] = [
                Sentence::new("trouble-recovery-what"),
                Sentence::new("trouble-recovery-why"),
                Sentence::new("trouble-recovery-do"),
            ];
            findings.push(Finding::new(what, why, remedy).with(Fix::CreateRecoveryCode));
        }
        if self.has_internet() && self.internet_mark().is_some() {
            let [what, why, remedy] = [
                Sentence::new("trouble-self-signed-what"),
                Sentence::new("trouble-self-signed-why"),
                Sentence::new("trouble-self-signed-do"),
            ];
            findings.push(Finding::new(what, why, remedy).with(Fix::ImportCertificate));
        }
        findings
    }

    /// What is not true of a tool although it is wanted.
    fn tool_finding(&self, Seen { tool, failed }: &Seen) -> Option<Finding> {
        let open = |level| Fix::Open { tool: tool.id.clone(), level };
        if tool.wanted > tool.level {
            // Without a port of its own yet there is no door that could say it.
            let cause = failed.as_ref().map(|(_, _, cause)| cause.clone());
            let what = Sentence::new("trouble-lower-what")
                .with("tool", &tool.name)
                .quoting("wanted", &tool.wanted)
                .quoting("level", &tool.level);
            let remedy =
                Sentence::new("trouble-lower-do").with("tool", &tool.name).quoting("wanted", &tool.wanted);
            let why = cause.unwrap_or_else(|| Sentence::new("trouble-lower-why"));
            return Some(Finding::new(what, why, remedy).with(open(tool.wanted)));
        }
        let (url, level, cause) = failed.as_ref()?;
        let what = Sentence::new("trouble-door-what").with("tool", &tool.name).with("url", url);
        let finding = |remedy| Finding::new(what, cause.clone(), remedy);
        if *level == Level::Internet && self.internet_unusable() {
            let remedy = Sentence::new("trouble-door-certificate-do");
            return Some(finding(remedy).with(Fix::ImportCertificate));
        }
        if *cause == Sentence::new("door-other-network") {
            let remedy = Sentence::new("trouble-door-network-do")
                .with("tool", &tool.name)
                .quoting("level", &tool.level);
            return Some(finding(remedy).with(open(tool.level)));
        }
        Some(finding(Sentence::new("trouble-door-do")).with(Fix::ShowTool { tool: tool.id.clone() }))
    }
}

fn anybody_finding(tool: &Tool) -> Finding {
    let what = Sentence::new("trouble-anybody-what").with("tool", &tool.name);
    let remedy = Sentence::new("trouble-anybody-do").with("tool", &tool.name);
    let fix = Fix::AskPassword { tool: tool.id.clone() };
    Finding::new(what, Sentence::new("trouble-anybody-why"), remedy).with(fix)
}

fn front_finding(fault: BadFront) -> Finding {
    let why = match fault {
        BadFront::NotSecure => Sentence::new("trouble-front-scheme-why"),
        BadFront::NoClient => Sentence::new("trouble-front-client-why"),
    };
    Finding::new(Sentence::new("trouble-front-what"), why, Sentence::new("trouble-front-do"))
}

fn fault_finding(tool: &Tool, fault: ToolFault) -> Finding {
    let (name, target) = (&tool.name, &tool.target);
    let finding = match fault {
        ToolFault::Down => Finding::new(
            Sentence::new("trouble-tool-down-what").with("tool", name),
            Sentence::new("trouble-tool-down-why").with("target", target),
            Sentence::new("trouble-tool-down-do"),
        ),
        ToolFault::Foreign => Finding::new(
            Sentence::new("trouble-tool-foreign-what").with("tool", name),
            Sentence::new("trouble-tool-foreign-why").with("target", target),
            Sentence::new("trouble-tool-foreign-do"),
        ),
        ToolFault::Changed => Finding::new(
            Sentence::new("trouble-tool-changed-what").with("tool", name),
            Sentence::new("trouble-tool-changed-why").with("target", target),
            Sentence::new("trouble-tool-changed-do").with("tool", name).with("target", target),
        ),
        ToolFault::Broken => Finding::new(
            Sentence::new("trouble-tool-broken-what").with("tool", name),
            Sentence::new("trouble-tool-broken-why").with("target", target),
            Sentence::new("trouble-tool-log-do"),
        ),
        ToolFault::Slow => Finding::new(
            Sentence::new("trouble-tool-slow-what").with("tool", name),
            Sentence::new("trouble-tool-slow-why").with("target", target),
            Sentence::new("trouble-tool-log-do"),
        ),
    };
    finding.with(Fix::ShowTool { tool: tool.id.clone() })
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
