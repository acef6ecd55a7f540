//! The way to the tool: connect, check whose program listens there, keep idle connections, send, and know whose fault
//! a failure is.

use super::{
    Permit,
    body::VisitorBody,
    exchange::{Ended, Exchange},
    limits,
    pipeline::Connection,
    refusal::Refusal,
    rewrite::Outbound,
    snapshot::Tool,
};
use crate::platform::{self, ListenerOwner};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Instant,
};
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};

/// Why a tool could not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ToolFault {
    /// Nothing listens there.
    Down,
    /// Another user's program listens there.
    Foreign,
    /// Its answer made no sense.
    Broken,
    /// It did not answer in time.
    Slow,
}

/// A tool's answer, with what is needed to pass it on.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    pub(crate) give_back: Return,
    pub(crate) upgrade: Option<OnUpgrade>,
}

/// Idle connections of one core, by tool and target.
#[derive(Default)]
pub(crate) struct Pool {
    idle: RefCell<HashMap<Key, Vec<Idle>>>,
    /// Whether a task is there that ends what nobody takes.
    swept: Cell<bool>,
}

type Key = Arc<str>;
type Sender = SendRequest<VisitorBody>;

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

/// Sends a request to its tool.
pub(crate) async fn send(
    outbound: Outbound,
    permit: &Permit,
    connection: &Connection,
    under_way: &Exchange,
) -> Result<Answer, Refusal> {
    let shared = &connection.shared;
    let (request, upgrade) = outbound.into_parts();
    let sending = exchange(request, permit.tool(), &connection.pool, &shared.upstreams);
    let sent = match under_way.until_ended(sending).await {
        Ok(sent) => sent,
        Err(Ended::Withdrawn) => return Err(Refusal::Withdrawn),
        Err(Ended::Slow) => Err(Failure::Slow),
    };
    if shared.tool_faults.note(&permit.tool().id, sent.as_ref().err().and_then(|failure| failure.fault())) {
        shared.changed.notify_one();
    }
    match sent {
        Ok((response, give_back)) => Ok(Answer { response, give_back, upgrade }),
        Err(failure) => {
            tracing::warn!(tool = %permit.tool().id, %failure, "a tool could not be used");
            Err(failure.refusal())
        }
    }
}

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("nothing answers at its address")]
    Connect(#[source] io::Error),
    #[error("another user's program (uid {0}) listens at its address")]
    Foreign(u32),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the visitor's request broke off")]
    Visitor(#[source] hyper::Error),
    #[error("it gave no answer in time")]
    Slow,
    #[error("too many connections to tools are open")]
    Full,
}

impl Failure {
    fn fault(&self) -> Option<ToolFault> {
        match self {
            Self::Connect(_) => Some(ToolFault::Down),
            Self::Foreign(_) => Some(ToolFault::Foreign),
            Self::Broken(_) => Some(ToolFault::Broken),
            Self::Slow => Some(ToolFault::Slow),
            Self::Visitor(_) | Self::Full => None,
        }
    }

    fn refusal(&self) -> Refusal {
        if matches!(self, Self::Full) {
            return Refusal::Busy;
        }
        match self.fault() {
            None => Refusal::BadRequest,
            Some(ToolFault::Down) => Refusal::ToolDown,
            Some(ToolFault::Foreign) => Refusal::ToolForeign,
            Some(ToolFault::Broken) => Refusal::ToolBroken,
            Some(ToolFault::Slow) => Refusal::ToolSlow,
        }
    }
}

async fn exchange(
    mut request: Request<VisitorBody>,
    tool: &Tool,
    pool: &Rc<Pool>,
    places: &Arc<Semaphore>,
) -> Result<(Response<Incoming>, Return), Failure> {
    let key = Arc::clone(&tool.route);
    while let Some(mut sender) = pool.take(&key) {
        match answer_of(&mut sender, request).await {
            Ok(response) => return Ok((response, Return { sender, key, pool: Rc::clone(pool) })),
            // The tool closed the idle connection as we took it. hyper gives the message back if no byte of it left, so
            // it is safe to send again whatever its method.
            Err((_, Some(unsent))) => request = *unsent,
            Err((failure, None)) => return Err(failure),
        }
    }
    let mut sender = connect(tool, pool, places).await?;
    match answer_of(&mut sender, request).await {
        Ok(response) => Ok((response, Return { sender, key, pool: Rc::clone(pool) })),
        Err((failure, _)) => Err(failure),
    }
}

/// Sends a request and waits for the head of its answer.
async fn answer_of(
    sender: &mut Sender,
    request: Request<VisitorBody>,
) -> Result<Response<Incoming>, (Failure, Option<Box<Request<VisitorBody>>>)> {
    sender.try_send_request(request).await.map_err(|mut failed| {
        let unsent = failed.take_message().map(Box::new);
        (classify(failed.into_error()), unsent)
    })
}

/// Whose fault a broken exchange is: an error of the visitor's body is the visitor's.
fn classify(error: hyper::Error) -> Failure {
    if error.is_user() { Failure::Visitor(error) } else { Failure::Broken(error) }
}

async fn connect(tool: &Tool, pool: &Pool, places: &Arc<Semaphore>) -> Result<Sender, Failure> {
    if places.available_permits() == 0 {
        // What is kept for later must not be in the way of what is wanted now.
        pool.idle.borrow_mut().clear();
    }
    let connecting = async {
        let place = Arc::clone(places).acquire_owned().await.map_err(|_| Failure::Full)?;
        Ok::<_, Failure>((connect_any(tool).await?, place))
    };
    let (stream, place) = match timeout(limits::CONNECT, connecting).await {
        Err(_) if places.available_permits() == 0 => return Err(Failure::Full),
        Err(_) => return Err(Failure::Connect(io::ErrorKind::TimedOut.into())),
        Ok(connected) => connected?,
    };
    // Without this, small requests wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(limits::RESPONSE_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(Failure::Broken)?;
    tokio::task::spawn_local(async move {
        // Its end is seen by whoever holds the sender.
        let _ = connection.with_upgrades().await;
        drop(place);
    });
    Ok(sender)
}

async fn connect_any(tool: &Tool) -> Result<TcpStream, Failure> {
    let addresses: Vec<SocketAddr> = match tool.target.addresses() {
        Ok(addresses) => addresses,
        Err(name) => {
            tokio::net::lookup_host((name, tool.target.port())).await.map_err(Failure::Connect)?.collect()
        }
    };
    let mut last = Failure::Connect(io::ErrorKind::NotFound.into());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => match check_owner(address) {
                Ok(()) => return Ok(stream),
                Err(failure) => last = failure,
            },
            Err(error) => last = Failure::Connect(error),
        }
    }
    Err(last)
}

/// On loopback, the listening socket must be the owner's or root's before a byte leaves: a stopped tool's port could
/// be taken by another user of this computer.
fn check_owner(address: SocketAddr) -> Result<(), Failure> {
    if !address.ip().is_loopback() {
        return Ok(());
    }
    match platform::listener_owner(address) {
        ListenerOwner::Us | ListenerOwner::Root | ListenerOwner::Unknown => Ok(()),
        ListenerOwner::Nobody => Err(Failure::Connect(io::ErrorKind::ConnectionRefused.into())),
        ListenerOwner::Other(uid) => Err(Failure::Foreign(uid)),
    }
}

impl Pool {
    fn take(&self, key: &Key) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let list = idle.get_mut(key)?;
        while let Some(candidate) = list.pop() {
            if candidate.since.elapsed() < limits::POOL_IDLE && candidate.sender.is_ready() {
                return Some(candidate.sender);
            }
        }
        idle.remove(key);
        None
    }

    fn put(self: &Rc<Self>, key: Key, sender: Sender) {
        let mut idle = self.idle.borrow_mut();
        let list = idle.entry(key).or_default();
        list.retain(Idle::is_good);
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
        self.since.elapsed() < limits::POOL_IDLE && !self.sender.is_closed()
    }
}

impl Return {
    /// Gives the connection back, at once or as soon as the request's body has ended too.
    pub(crate) fn now(self) {
        let Self { mut sender, key, pool } = self;
        if sender.is_ready() {
            pool.put(key, sender);
        } else if !sender.is_closed() {
            tokio::task::spawn_local(async move {
                if let Ok(Ok(())) = timeout(limits::POOL_IDLE, sender.ready()).await {
                    pool.put(key, sender);
                }
            });
        }
    }
}
