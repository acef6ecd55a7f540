//! Who waits for the owner: listed, let in or kept out; and the devices that need not wait any more.

use super::{ControlError, State};
use crate::identity::{
    UserId,
    approval::{Answer, BadAllow},
};
use drawbridge_protocol as model;
use drawbridge_protocol::ProblemKind;
use drawbridge_texts::{Sentence, Tell};
use std::sync::atomic::Ordering;

/// Why nobody was let in or forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadApproval {
    /// Nobody waits with this id.
    #[error("nobody waits as `{0}`")]
    Unknown(String),
    /// A program without a device cannot be let in for good.
    #[error("a program without a device cannot be let in for good")]
    Program,
    /// There is no device with this id.
    #[error("no device `{0}`")]
    UnknownDevice(String),
}

impl Tell for BadApproval {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown(id) => Sentence::new("approval-unknown").with("id", id),
            Self::Program => Sentence::new("approval-program-always"),
            Self::UnknownDevice(id) => Sentence::new("device-unknown").with("id", id),
        }
    }
}

impl BadApproval {
    /// What shells make of it.
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown(_) | Self::UnknownDevice(_) => ProblemKind::Unknown,
            Self::Program => ProblemKind::Refused,
        }
    }
}

impl State {
    /// Lets somebody in who waits.
    pub(super) fn allow(&self, id: &str, always: bool) -> Result<(), ControlError> {
        let answer = if always { Answer::Always } else { Answer::Once };
        self.shared.approvals.allow(id, answer).map_err(|bad| {
            ControlError::from(match bad {
                BadAllow::Unknown => BadApproval::Unknown(id.to_owned()),
                BadAllow::Program => BadApproval::Program,
            })
        })
    }

    /// Keeps somebody out who waits, or was let in and has not come yet.
    pub(super) fn refuse(&self, id: &str) -> Result<(), ControlError> {
        if self.shared.approvals.refuse(id) {
            return Ok(());
        }
        Err(BadApproval::Unknown(id.to_owned()).into())
    }

    /// The owner is asked about this device, or about this program, again.
    pub(super) async fn forget_device(&mut self, id: &str) -> Result<(), ControlError> {
        if self.shared.approvals.forget_program(id) {
            return Ok(());
        }
        match self.shared.approvals.devices.forget(|device| device.id == id).await {
            Ok(0) => Err(BadApproval::UnknownDevice(id.to_owned()).into()),
            Ok(_) => Ok(()),
            Err(error) => Err(ControlError::InForceUnsaved(error)),
        }
    }

    /// Forgets the devices of an account that goes; its rows in the database go with it.
    pub(super) async fn forget_devices(&self, user: UserId) {
        if let Err(error) = self.shared.approvals.devices.forget(|device| device.user == user).await {
            tracing::warn!(%error, "the devices of a removed user could not be deleted by themselves");
        }
    }

    /// Everyone who waits, as shells see it.
    pub(super) fn approval_models(&self) -> Vec<model::Approval> {
        let waiting = self.shared.approvals.list().into_iter();
        waiting
            .map(|waiting| model::Approval {
                user: waiting.user.name.clone(),
                number: waiting.number,
                address: waiting.address.to_string(),
                agent: waiting.agent,
                since: waiting.since.0,
                expires: waiting.expires.0,
                id: waiting.id,
            })
            .collect()
    }

    /// Every known device, and every program that was let in for a while, as shells see it.
    pub(super) fn device_models(&self) -> Vec<model::Device> {
        let devices = self.shared.approvals.devices.list().into_iter().filter_map(|device| {
            let user = self.users.iter().find(|user| user.id == device.user)?;
            Some(model::Device {
                id: device.id.clone(),
                user: user.name.clone(),
                agent: device.agent.clone(),
                created: device.created.0,
                last_seen: Some(device.last_seen.load(Ordering::Relaxed)),
                network: None,
                expires: None,
            })
        });
        let programs = self.shared.approvals.programs().into_iter().map(|program| model::Device {
            id: program.id,
            user: program.user.name.clone(),
            agent: program.agent,
            created: program.since.0,
            last_seen: None,
            network: Some(program.network.to_string()),
            expires: Some(program.expires.0),
        });
        devices.chain(programs).collect()
    }
}
