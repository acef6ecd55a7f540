//! Passes for guests: made, listed and revoked by the owner; those that people make at the gate are listed and end here too.

use super::{ControlError, State};
use crate::{
    identity::{
        UserId,
        pass::{LONGEST, MOST, Maker, Pass, Rights, SHORTEST, USUAL, Wish},
        token,
    },
    proxy::door::Serves,
    tools::ToolId,
};
use drawbridge_protocol as model;
use drawbridge_protocol::{DoorState, Level, PassCreate, PassCreated, ProblemKind, Secret};
use drawbridge_texts::{Sentence, Tell};
use std::time::Duration;

/// Why a pass was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadPass {
    /// There is no open one with this id.
    #[error("no open pass `{0}`")]
    Unknown(String),
    /// Its tool is not open anywhere.
    #[error("tool `{0}` is closed")]
    Closed(String),
    /// Its label is too long or has control characters.
    #[error("a pass's label is too long or has control characters")]
    Label,
    /// Its time is too short or too long.
    #[error("a pass's time is out of range")]
    Time,
    /// There are too many.
    #[error("at most {0} passes are open at once")]
    TooMany(usize),
}

impl Tell for BadPass {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown(id) => Sentence::new("pass-unknown").with("id", id),
            Self::Closed(tool) => Sentence::new("pass-tool-closed").with("tool", tool),
            Self::Label => Sentence::new("pass-label"),
            Self::Time => Sentence::new("pass-time"),
            Self::TooMany(most) => Sentence::new("pass-too-many").with("most", *most),
        }
    }
}

impl BadPass {
    /// What shells make of it.
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown(_) => ProblemKind::Unknown,
            Self::Label | Self::Time => ProblemKind::Invalid,
            Self::Closed(_) | Self::TooMany(_) => ProblemKind::Refused,
        }
    }
}

impl State {
    /// Makes a pass, to be shown once.
    pub(super) async fn create_pass(&mut self, create: PassCreate) -> Result<PassCreated, ControlError> {
        let PassCreate { tool, label, for_seconds, read_only } = create;
        self.key()?;
        let tool = self.known_tool(&tool)?.id.clone();
        let label = label.trim();
        if !token::is_name(label) {
            return Err(BadPass::Label.into());
        }
        let lifetime = for_seconds.map_or(USUAL, Duration::from_secs);
        if !(SHORTEST..=LONGEST).contains(&lifetime) {
            return Err(BadPass::Time.into());
        }
        // A link nobody can open is not made.
        let gate = self.gate_of(&tool)?;
        let rights = if read_only { Rights::ReadOnly } else { Rights::All };
        let wish = Wish { tool, maker: Maker::Owner, label: label.to_owned(), rights, lifetime };
        let made = self.shared.passes.create(wish).await?;
        let (pass, code) = made.ok_or(BadPass::TooMany(MOST))?;
        let url = Secret::new(format!("{gate}/pass?code={}", code.expose()));
        let pass = self.pass_model(&pass).ok_or_else(|| BadPass::Unknown(pass.id.to_string()))?;
        Ok(PassCreated { pass, url })
    }

    /// Revokes a pass; its guest is out at once.
    pub(super) async fn revoke_pass(&mut self, id: &str) -> Result<(), ControlError> {
        let revoked = self.shared.passes.end(|pass| pass.id.to_string() == id).await;
        self.forget_visitors();
        match revoked {
            Ok(0) => Err(BadPass::Unknown(id.to_owned()).into()),
            Ok(_) => Ok(()),
            Err(error) => Err(ControlError::InForceUnsaved(error)),
        }
    }

    /// Ends passes whose time is over; their guests are out at once.
    pub(super) async fn end_passes_that_are_over(&self) {
        match self.shared.passes.end_over().await {
            Ok(0) => {}
            Ok(_) => self.forget_visitors(),
            // They are over all the same, and gone with the next start.
            Err(error) => {
                self.forget_visitors();
                tracing::warn!(%error, "passes that are over could not be deleted");
            }
        }
    }

    /// Every open pass as shells see it.
    pub(super) fn pass_models(&self) -> Vec<model::Pass> {
        self.shared.passes.list().iter().filter_map(|pass| self.pass_model(pass)).collect()
    }

    fn pass_model(&self, pass: &Pass) -> Option<model::Pass> {
        let name_of = |id: UserId| self.users.iter().find(|user| user.id == id).map(|user| user.name.clone());
        Some(model::Pass {
            id: pass.id.to_string(),
            tool: self.settings.tools.iter().find(|tool| tool.id == pass.tool)?.name.clone(),
            label: pass.label.clone(),
            maker: match pass.maker {
                Maker::Owner => None,
                Maker::User(id) => Some(name_of(id)?),
            },
            read_only: pass.rights == Rights::ReadOnly,
            created: pass.created.0,
            expires: pass.expires.0,
            device: pass.device().map(|device| model::PassDevice {
                level: device.level,
                address: device.address.clone(),
                agent: device.agent.clone(),
                since: device.since.0,
                last_seen: pass.last_seen(),
            }),
        })
    }

    /// The gate at the farthest level at which a tool is open.
    fn gate_of(&self, id: &ToolId) -> Result<String, ControlError> {
        let tool = self.tool_model(id)?;
        let open = tool.doors.iter().filter(|door| door.state == DoorState::Open && door.level <= tool.level);
        let level = open.map(|door| door.level).max().unwrap_or(Level::Local);
        let snapshot = self.shared.snapshot.load();
        let is_its = |serves: &Serves| matches!(serves, Serves::Tool(known) if known == id);
        let door = snapshot.doors.iter().find(|door| door.plan.level == level && is_its(&door.plan.serves));
        let gate = door.and_then(|door| door.gate_url());
        gate.ok_or_else(|| BadPass::Closed(tool.name).into())
    }
}
