//! Connections to tools that wait for the next request, on one core.
//!
//! An HTTP/1 connection is taken and given back; an HTTP/2 one stays here and is used by many requests at once.

use super::VisitorBody;
use crate::proxy::limits;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::Instant,
};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// Idle and shared connections of one core, by tool and target.
#[derive(Default)]
pub(crate) struct Pool {
    idle: RefCell<HashMap<Key, Vec<Idle>>>,
    /// Whether a task is there that ends what nobody takes.
    swept: Cell<bool>,
}

type Key = Arc<str>;

/// One end of a connection to a tool.
pub(super) enum Sender {
    /// For one request after another. The connection ends with it, whatever either side still wants to send: it is given
    /// back, or nobody needs it.
    One(http1::SendRequest<VisitorBody>, AbortOnDropHandle<()>),
    /// For many at once; the second counts those who use it.
    Many(http2::SendRequest<VisitorBody>, Rc<()>),
}

struct Idle {
    sender: Sender,
    since: Instant,
}

/// A connection in use, to be given back when both bodies have ended.
pub(crate) struct Return {
    sender: Sender,
    key: Key,
    pool: Rc<Pool>,
}

impl Sender {
    /// Sends a request and waits for the head of its answer; what did not leave comes back.
    pub(super) async fn send(
        &mut self,
        request: Request<VisitorBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<VisitorBody>>> {
        match self {
            Self::One(sender, _) => sender.try_send_request(request).await,
            Self::Many(sender, _) => Box::pin(sender.try_send_request(request)).await,
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            Self::One(sender, _) => sender.is_ready(),
            Self::Many(sender, users) => sender.is_ready() && Rc::strong_count(users) <= limits::TOOL_STREAMS,
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::One(sender, _) => sender.is_closed(),
            Self::Many(sender, _) => sender.is_closed(),
        }
    }

    /// Another end of the same connection, where it takes many requests.
    fn shared(&self) -> Option<Self> {
        match self {
            Self::One(..) => None,
            Self::Many(sender, users) => Some(Self::Many(sender.clone(), Rc::clone(users))),
        }
    }
}

impl Pool {
    /// A connection that can take a request.
    pub(super) fn take(&self, key: &Key) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let list = idle.get_mut(key)?;
        if let Some(shared) = list.iter_mut().rev().find(|candidate| candidate.is_shared_and_ready()) {
            shared.since = Instant::now();
            return shared.sender.shared();
        }
        while let Some(candidate) = list.pop_if(|candidate| matches!(candidate.sender, Sender::One(..))) {
            if candidate.since.elapsed() < limits::POOL_IDLE && candidate.sender.is_ready() {
                return Some(candidate.sender);
            }
        }
        if list.is_empty() {
            idle.remove(key);
        }
        None
    }

    /// Keeps an end of a new connection that takes many requests.
    pub(super) fn share(self: &Rc<Self>, key: &Key, sender: &Sender) {
        if let Some(shared) = sender.shared() {
            self.put(Arc::clone(key), shared);
        }
    }

    /// Ends every connection nobody uses.
    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }

    fn put(self: &Rc<Self>, key: Key, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        let list = idle.entry(key).or_default();
        // Tidied by the sweep; here only where there is no room, because each look at an age asks the clock.
        if list.len() >= limits::POOL_SIZE {
            list.retain(Idle::is_good);
        }
        if list.len() < limits::POOL_SIZE {
            list.push(Idle { sender, since: Instant::now() });
        }
        // A tool that never ends an idle connection would else hold it, and a descriptor of ours, for ever.
        if !self.swept.replace(true) {
            let pool = Rc::clone(self);
            tokio::task::spawn_local(async move {
                while !pool.sweep() {
                    tokio::time::sleep(limits::POOL_IDLE / 2).await;
                }
                pool.swept.set(false);
            });
        }
    }

    /// Ends what has been idle for too long; whether nothing is left.
    fn sweep(&self) -> bool {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|_, list| {
            list.retain(Idle::is_good);
            !list.is_empty()
        });
        idle.is_empty()
    }
}

impl Idle {
    fn is_good(&self) -> bool {
        let used = matches!(&self.sender, Sender::Many(_, users) if Rc::strong_count(users) > 1);
        (used || self.since.elapsed() < limits::POOL_IDLE) && !self.sender.is_closed()
    }

    fn is_shared_and_ready(&self) -> bool {
        matches!(self.sender, Sender::Many(..)) && self.is_good() && self.sender.is_ready()
    }
}

impl Return {
    /// The way back of a connection.
    pub(super) fn new(sender: Sender, key: &Key, pool: &Rc<Pool>) -> Self {
        Self { sender, key: Arc::clone(key), pool: Rc::clone(pool) }
    }

    /// Gives the connection back, at once or as soon as the request's body has ended too.
    pub(crate) fn now(self) {
        let Self { sender, key, pool } = self;
        // One for many requests never left.
        let Sender::One(mut sender, task) = sender else { return };
        if sender.is_ready() {
            pool.put(key, Sender::One(sender, task));
        } else if !sender.is_closed() {
            tokio::task::spawn_local(async move {
                if let Ok(Ok(())) = timeout(limits::POOL_IDLE, sender.ready()).await {
                    pool.put(key, Sender::One(sender, task));
                }
            });
        }
    }
}
