//! The way to the tool: connect, check whose program listens there, keep idle connections, send, and know whose fault
//! a failure is.

mod connect;
mod pool;

pub(crate) use connect::{answers, certificate};
pub(crate) use pool::{Pool, Return};

use super::{
    Permit,
    body::VisitorBody,
    exchange::{Ended, Exchange},
    pipeline::Connection,
    refusal::Refusal,
    rewrite::Outbound,
    snapshot::Tool,
};
use hyper::{Request, Response, body::Incoming, upgrade::OnUpgrade};
use pool::Sender;
use std::{io, pin::pin, rc::Rc, sync::Arc};
use tokio::sync::Semaphore;

/// Why a tool could not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ToolFault {
    /// Nothing listens there.
    Down,
    /// Another user's program listens there.
    Foreign,
    /// It shows another certificate than the one it was added with.
    Changed,
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

/// Sends a request to its tool.
pub(crate) async fn send(
    outbound: Outbound,
    permit: &Permit,
    connection: &Connection,
    under_way: &Exchange,
) -> Result<Answer, Refusal> {
    let shared = &connection.shared;
    let (request, upgrade) = outbound.into_parts();
    let sending = pin!(exchange(request, permit.tool(), &connection.pool, &shared.upstreams));
    let sent = match under_way.until_ended(sending).await {
        Ok(sent) => sent,
        Err(Ended::Withdrawn) => return Err(Refusal::Withdrawn),
        Err(Ended::Silent | Ended::Stalled) => return Err(Refusal::Silent),
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
    #[error("it shows another certificate")]
    Changed,
    #[error("TLS failed")]
    Tls(#[source] io::Error),
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
            Self::Changed => Some(ToolFault::Changed),
            Self::Tls(_) | Self::Broken(_) => Some(ToolFault::Broken),
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
            Some(ToolFault::Foreign | ToolFault::Changed) => Refusal::ToolForeign,
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
    let key = &tool.route;
    loop {
        let (mut sender, is_new) = match pool.take(key) {
            Some(sender) => (sender, false),
            None => {
                // Apart, as everything that is seldom: what a request carries with it is moved with every request.
                let sender = Box::pin(connect::connect(tool, pool, places)).await?;
                pool.share(key, &sender);
                (sender, true)
            }
        };
        match answer_of(&mut sender, request).await {
            Ok(response) => return Ok((response, Return::new(sender, key, pool))),
            // The tool closed the idle connection as we took it. hyper gives the message back if no byte of it left, so
            // it is safe to send again whatever its method.
            Err((_, Some(unsent))) if !is_new => request = *unsent,
            Err((failure, _)) => return Err(failure),
        }
    }
}

/// Sends a request and waits for the head of its answer.
async fn answer_of(
    sender: &mut Sender,
    request: Request<VisitorBody>,
) -> Result<Response<Incoming>, (Failure, Option<Box<Request<VisitorBody>>>)> {
    sender.send(request).await.map_err(|mut failed| {
        let unsent = failed.take_message().map(Box::new);
        (classify(failed.into_error()), unsent)
    })
}

/// Whose fault a broken exchange is: an error of the visitor's body is the visitor's.
fn classify(error: hyper::Error) -> Failure {
    if error.is_user() { Failure::Visitor(error) } else { Failure::Broken(error) }
}
