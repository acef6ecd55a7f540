//! Bodies: ours, whole; a tool's, passed on as it comes. Both directions end when the permit is withdrawn, and no
//! trailer of a visitor reaches a tool.

use super::{activity::Busy, authorize::Lease, upstream::Return};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

/// What a visitor receives.
pub(crate) enum Body {
    /// A page or document of ours.
    Ours(Option<Bytes>),
    /// What the tool sends.
    Tool(Box<ToolBody>),
}

/// A tool's body on its way to the visitor.
pub(crate) struct ToolBody {
    incoming: Incoming,
    lease: LeaseWatch,
    /// Gives the connection back when the body has ended.
    give_back: Option<Return>,
    /// Keeps the visitor's connection from counting as idle.
    _busy: Option<Busy>,
    /// Tells the connection that this body is under way.
    _mark: Option<Rc<()>>,
}

/// A visitor's body on its way to the tool.
pub(crate) struct VisitorBody {
    incoming: Incoming,
    lease: LeaseWatch,
    sent: Sent,
}

/// Whether a visitor's body has been sent; from then on the tool owes an answer.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    /// Whether it has.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A lease, and the wait for its end, begun only where a body has to wait.
struct LeaseWatch {
    lease: Lease,
    withdrawn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Body {
    /// Nothing.
    pub(crate) const fn empty() -> Self {
        Self::Ours(None)
    }

    /// These bytes.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self::Ours(Some(bytes.into()))
    }

    /// A tool's body.
    pub(crate) fn tool(incoming: Incoming, lease: Lease, give_back: Return) -> Self {
        Self::Tool(Box::new(ToolBody {
            incoming,
            lease: LeaseWatch::new(lease),
            give_back: Some(give_back),
            _busy: None,
            _mark: None,
        }))
    }

    /// Holds a mark for as long as a tool's body is under way.
    pub(crate) fn hold(&mut self, mark: impl FnOnce() -> Rc<()>) {
        if let Self::Tool(body) = self
            && !body.incoming.is_end_stream()
        {
            body._mark = Some(mark());
        }
    }

    /// The same body, which keeps its connection busy while it is sent. Ours are sent in one piece.
    pub(crate) fn keeping(mut self, busy: Busy) -> Self {
        if let Self::Tool(body) = &mut self {
            body._busy = Some(busy);
        }
        self
    }
}

impl VisitorBody {
    /// A visitor's body under a lease.
    pub(crate) fn new(incoming: Incoming, lease: Lease) -> Self {
        let sent = Sent(Arc::new(AtomicBool::new(incoming.is_end_stream())));
        Self { incoming, lease: LeaseWatch::new(lease), sent }
    }

    /// To be asked later whether it has been sent.
    pub(crate) fn sent(&self) -> Sent {
        self.sent.clone()
    }
}

impl LeaseWatch {
    const fn new(lease: Lease) -> Self {
        Self { lease, withdrawn: None }
    }

    fn check(&mut self, context: &mut Context<'_>, waiting: bool) -> io::Result<()> {
        let withdrawn = if waiting {
            let lease = &self.lease;
            let future = self.withdrawn.get_or_insert_with(|| {
                let lease = lease.clone();
                Box::pin(async move { lease.withdrawn().await })
            });
            future.as_mut().poll(context).is_ready()
        } else {
            self.lease.is_withdrawn()
        };
        if withdrawn {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "the permit was withdrawn"))
        } else {
            Ok(())
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Ours(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Tool(body) => {
                let polled = poll(&mut body.incoming, &mut body.lease, context);
                if let Poll::Ready(None) = polled
                    && let Some(give_back) = body.give_back.take()
                {
                    give_back.now();
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(bytes) => bytes.is_none(),
            Self::Tool(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Tool(body) => body.incoming.size_hint(),
        }
    }
}

impl Drop for ToolBody {
    fn drop(&mut self) {
        // hyper does not ask again after the last byte of a known length.
        if self.incoming.is_end_stream()
            && let Some(give_back) = self.give_back.take()
        {
            give_back.now();
        }
    }
}

impl HttpBody for VisitorBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        let polled = poll(&mut body.incoming, &mut body.lease, context);
        if matches!(polled, Poll::Ready(None)) || body.incoming.is_end_stream() {
            body.sent.0.store(true, Ordering::Release);
        }
        match polled {
            // A trailer could name an identity after everything was checked.
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => Poll::Ready(None),
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

fn poll(
    incoming: &mut Incoming,
    lease: &mut LeaseWatch,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
    let polled = Pin::new(incoming).poll_frame(context);
    match lease.check(context, polled.is_pending()) {
        Err(error) => Poll::Ready(Some(Err(error))),
        Ok(()) => polled.map(|frame| frame.map(|result| result.map_err(io::Error::other))),
    }
}
