//! What the data path knows: one immutable picture per change, and the few live tables beside it.

use super::{access_log::AccessLog, door::Door, visitors::Visitors};
use crate::{
    clock::Clock,
    identity::{
        UserId,
        session::Sessions,
        sign_in::{SignIn, Users},
        user::User,
    },
    pages::Pages,
    tools::{ToolId, target::Target},
};
use arc_swap::ArcSwap;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A tool as the data path sees it.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) id: ToolId,
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// One picture of everything that decides about requests.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tools: HashMap<ToolId, Arc<Tool>>,
    pub(crate) users: HashMap<UserId, Arc<User>>,
    pub(crate) names: HashMap<String, Arc<User>>,
    pub(crate) doors: Vec<Arc<Door>>,
}

impl Users for Snapshot {
    fn by_name(&self, name: &str) -> Option<Arc<User>> {
        self.names.get(&name.to_lowercase()).cloned()
    }
}

/// Everything the data path shares between cores.
pub(crate) struct Shared {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) sessions: Sessions,
    pub(crate) sign_in: SignIn,
    pub(crate) pages: Pages,
    pub(crate) visitors: Visitors,
    pub(crate) access_log: AccessLog,
    pub(crate) clock: Clock,
    pub(crate) tool_faults: ToolFaults,
    /// Forms being read at the gate.
    pub(crate) forms: tokio::sync::Semaphore,
    /// Connections to tools.
    pub(crate) upstreams: Arc<tokio::sync::Semaphore>,
    /// Wakes the control path when sessions change.
    pub(crate) changed: tokio::sync::Notify,
}

/// Why a tool could not be reached the last time; the owner sees it in the status.
#[derive(Default)]
pub(crate) struct ToolFaults(Mutex<HashMap<ToolId, super::upstream::ToolFault>>);

impl ToolFaults {
    /// Notes a failure, or that the tool answers; says whether that is news.
    pub(crate) fn note(&self, tool: &ToolId, fault: Option<super::upstream::ToolFault>) -> bool {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => faults.insert(tool.clone(), fault) != Some(fault),
            None if faults.is_empty() => false,
            None => faults.remove(tool).is_some(),
        }
    }

    /// The last failure of a tool that did not answer since.
    pub(crate) fn of(&self, tool: &ToolId) -> Option<super::upstream::ToolFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tool).copied()
    }
}
