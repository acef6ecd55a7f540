//! What the data path knows: one immutable picture per change, and the few live tables beside it.

use super::{
    Subject, access_log::AccessLog, door::Door, forms::Forms, identify::BadFront, inject::Injected, jar,
    visitors::Visitors,
};
use crate::{
    certificates::{Fingerprint, pinned},
    clock::Clock,
    headers::origin,
    identity::{
        UserId,
        approval::Approvals,
        invite::Invites,
        jwt::Signer,
        own_account::OwnAccount,
        pass::Passes,
        second_factor::{half::Halves, verify::Verifier},
        session::Sessions,
        sign_in::{SignIn, Users},
        socket_token::SocketTokens,
        token::Tokens,
        user::User,
    },
    injection::{self, Injection},
    pages::Pages,
    tools::{ToolId, target::Target},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use hyper::header::HeaderName;
use rustls::ClientConfig;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// A tool as the data path sees it.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) id: ToolId,
    pub(crate) name: String,
    pub(crate) target: Target,
    /// `http://HOST:PORT`, where the tool believes it is.
    pub(crate) origin: String,
    /// For a tool that speaks TLS: takes the one certificate it was added with.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// The secrets it is given.
    pub(crate) injected: Option<Arc<Injected>>,
    /// The field in which it is told who signed in.
    pub(crate) identity_header: Option<HeaderName>,
    /// What names its kept connections: they are of one tool at one target.
    pub(crate) route: Arc<str>,
    /// Origins of other websites whose pages may use it with a name and password, as browsers write them.
    pub(crate) allowed_origins: Vec<String>,
}

/// What a tool wants besides its requests.
#[derive(Debug, Default)]
pub(crate) struct Wants<'a> {
    pub(crate) certificate: Option<Fingerprint>,
    pub(crate) secrets: Vec<Injection>,
    pub(crate) identity_header: Option<&'a str>,
    pub(crate) allowed_origins: &'a [String],
}

impl Tool {
    /// With what is the same for every request of it. What is no origin allows nobody, what is no header says nothing.
    pub(crate) fn new(id: ToolId, name: String, target: Target, wants: &Wants<'_>) -> Self {
        let origin = target.origin();
        let pin = wants.certificate.map(|pin| pin.to_string()).unwrap_or_default();
        let route = format!("{id} {target} {pin}").into();
        Self {
            id,
            name,
            target,
            origin,
            tls: wants.certificate.and_then(pinned::client_config),
            injected: Injected::new(&wants.secrets).map(Arc::new),
            identity_header: wants.identity_header.and_then(injection::identity_header),
            allowed_origins: wants
                .allowed_origins
                .iter()
                .filter_map(|text| origin::parse(text).ok())
                .collect(),
            route,
        }
    }

    /// `HOST:PORT` as the tool expects it in `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }
}

/// One picture of everything that decides about requests.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tools: HashMap<ToolId, Arc<Tool>>,
    /// Accounts that may sign in.
    pub(crate) users: HashMap<UserId, Arc<User>>,
    pub(crate) names: HashMap<String, Arc<User>>,
    /// Names of those that may not: to visitors as unknown as any other, but no tool sees what was typed for them.
    pub(crate) disabled: HashSet<String>,
    pub(crate) doors: Vec<Arc<Door>>,
}

impl Users for Snapshot {
    fn by_name(&self, name: &str) -> Option<Arc<User>> {
        self.names.get(&name.to_lowercase()).cloned()
    }

    fn by_id(&self, id: UserId) -> Option<Arc<User>> {
        self.users.get(&id).cloned()
    }

    fn is_name(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.names.contains_key(&name) || self.disabled.contains(&name)
    }
}

/// Everything the data path shares between cores.
pub(crate) struct Shared {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) sessions: Sessions,
    pub(crate) sign_in: SignIn,
    /// Who waits for the owner to be let in.
    pub(crate) approvals: Approvals,
    pub(crate) tokens: Tokens,
    pub(crate) invites: Invites,
    pub(crate) passes: Passes,
    /// Signs what programs get at the gate's API; nothing while the keyring is closed.
    pub(crate) signer: ArcSwapOption<Signer>,
    pub(crate) socket_tokens: SocketTokens<Subject>,
    pub(crate) second_factor: Verifier,
    /// Who gave a right password and owes a code.
    pub(crate) halves: Halves,
    /// The same of those who came without TLS.
    pub(crate) plain_halves: Halves,
    /// Where people change their own accounts.
    pub(crate) own_account: OwnAccount,
    pub(crate) pages: Pages,
    pub(crate) visitors: Visitors,
    pub(crate) access_log: AccessLog,
    pub(crate) clock: Clock,
    pub(crate) tool_faults: ToolFaults,
    /// What the proxy before the internet doors does not say.
    pub(crate) front_fault: FrontFault,
    /// Who set which cookie on a shared host.
    pub(crate) cookie_names: jar::Names,
    /// Forms being read at the gate.
    pub(crate) forms: Forms,
    /// Large calls to aria2 being read and sent.
    pub(crate) calls: Arc<tokio::sync::Semaphore>,
    /// Tunnels of tools that are given secrets.
    pub(crate) message_tunnels: Arc<tokio::sync::Semaphore>,
    /// Connections to tools.
    pub(crate) upstreams: Arc<tokio::sync::Semaphore>,
    /// Wakes the control path when sessions change.
    pub(crate) changed: tokio::sync::Notify,
}

/// What was wrong with the last request of a front.
#[derive(Default)]
pub(crate) struct FrontFault(Mutex<Option<BadFront>>);

impl FrontFault {
    /// Notes what is wrong now; says whether that is news.
    pub(crate) fn note(&self, fault: Option<BadFront>) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, fault) != fault
    }

    /// What is wrong.
    pub(crate) fn last(&self) -> Option<BadFront> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a tool could not be reached the last time; the owner sees it in the status.
#[derive(Default)]
pub(crate) struct ToolFaults {
    faults: Mutex<HashMap<ToolId, super::upstream::ToolFault>>,
    /// Whether there are any, so that the everyday answer costs no lock.
    any: AtomicBool,
}

impl ToolFaults {
    /// Notes a failure, or that the tool answers; says whether that is news.
    pub(crate) fn note(&self, tool: &ToolId, fault: Option<super::upstream::ToolFault>) -> bool {
        if fault.is_none() && !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let news = match fault {
            Some(fault) => faults.insert(tool.clone(), fault) != Some(fault),
            None => faults.remove(tool).is_some(),
        };
        self.any.store(!faults.is_empty(), Ordering::Release);
        news
    }

    /// Forgets the others: of a tool that is closed nobody waits for an answer.
    pub(crate) fn keep(&self, which: impl Fn(&ToolId) -> bool) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.retain(|tool, _| which(tool));
        self.any.store(!faults.is_empty(), Ordering::Release);
    }

    /// The last failure of a tool that did not answer since.
    pub(crate) fn of(&self, tool: &ToolId) -> Option<super::upstream::ToolFault> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).get(tool).copied()
    }
}
