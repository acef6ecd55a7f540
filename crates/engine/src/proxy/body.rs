//! Bodies: ours, whole; a tool's, passed on as it comes. Both directions end when the permit is withdrawn or the visitor
//! is no longer there. No trailer of a visitor reaches a tool; of a tool's, only those that decide nothing pass.

use super::{
    activity::Busy,
    exchange::{Exchange, Pace, Side},
    inject::Written,
    limits, respond,
    upstream::Return,
};
use crate::injection::redact::Redactor;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{HeaderMap, body::Incoming};
use std::{
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
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
    exchange: Rc<Exchange>,
    /// Gives the connection back when the body has ended.
    give_back: Option<Return>,
    /// Takes the tool's secrets out, where it is given any.
    redactor: Option<Redactor>,
    /// Since when nothing came while something was held back.
    silence: Option<Pin<Box<Sleep>>>,
    /// What follows what was held back.
    trailers: Option<HeaderMap>,
    /// Keeps the visitor's connection from counting as idle.
    _busy: Option<Busy>,
}

/// A visitor's body on its way to the tool.
pub(crate) struct VisitorBody {
    source: Source,
    exchange: Rc<Exchange>,
}

/// Where it comes from.
enum Source {
    /// As the visitor sends it.
    Visitor(Incoming),
    /// Read and written anew, with the place it takes.
    Written { bytes: Option<Bytes>, _place: Option<OwnedSemaphorePermit> },
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
    pub(crate) fn tool(
        incoming: Incoming,
        exchange: Rc<Exchange>,
        give_back: Return,
        redactor: Option<Redactor>,
    ) -> Self {
        let give_back = Some(give_back);
        let (silence, trailers) = (None, None);
        let body = ToolBody { incoming, exchange, give_back, redactor, silence, trailers, _busy: None };
        Self::Tool(Box::new(body))
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
    /// A visitor's body of an exchange.
    pub(crate) fn new(incoming: Incoming, exchange: Rc<Exchange>) -> Self {
        if incoming.is_end_stream() {
            exchange.is_sent();
        }
        Self { source: Source::Visitor(incoming), exchange }
    }

    /// A body that was read and written anew.
    pub(crate) fn written(Written { body, place }: Written, exchange: Rc<Exchange>) -> Self {
        Self { source: Source::Written { bytes: Some(body), _place: place }, exchange }
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
                let polled = body.poll(context).map(without_unfit);
                let is_over = match &polled {
                    Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
                    Poll::Ready(None) => true,
                    Poll::Ready(Some(Err(_))) | Poll::Pending => false,
                };
                if is_over && let Some(give_back) = body.give_back.take() {
                    give_back.now();
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(bytes) => bytes.is_none(),
            Self::Tool(body) => body.incoming.is_end_stream() && body.redactor.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Tool(body) => body.incoming.size_hint(),
        }
    }
}

impl ToolBody {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(trailers) = self.trailers.take() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            let polled = poll(&mut self.incoming, &self.exchange, Side::Download, context);
            let Some(redactor) = &mut self.redactor else { return polled };
            let certain = match polled {
                Poll::Ready(Some(Ok(frame))) => {
                    self.silence = None;
                    match frame.into_data() {
                        Ok(data) => redactor.push(data),
                        Err(frame) => {
                            let rest = redactor.finish();
                            self.trailers =
                                frame.into_trailers().ok().map(|trailers| starred(trailers, redactor));
                            rest
                        }
                    }
                }
                Poll::Ready(None) => {
                    let rest = redactor.finish();
                    self.redactor = None;
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
                }
                Poll::Pending if redactor.is_holding() => {
                    // What a tool said and left at that must arrive too.
                    let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(limits::HELD_BACK)));
                    ready!(silence.as_mut().poll(context));
                    self.silence = None;
                    redactor.finish()
                }
                Poll::Ready(Some(Err(_))) | Poll::Pending => return polled,
            };
            if !certain.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(certain))));
            }
        }
    }
}

/// Trailers with stars where the secrets were.
fn starred(mut trailers: HeaderMap, redactor: &Redactor) -> HeaderMap {
    for value in trailers.values_mut() {
        if let Some(starred) = redactor.value(value) {
            *value = starred;
        }
    }
    trailers
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
        let polled = match &mut body.source {
            Source::Visitor(incoming) => poll(incoming, &body.exchange, Side::Upload, context),
            Source::Written { bytes, .. } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
        };
        if matches!(polled, Poll::Ready(None)) || body.source.has_ended() {
            body.exchange.is_sent();
        }
        match polled {
            // A trailer could name an identity after everything was checked.
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {
                body.exchange.is_sent();
                Poll::Ready(None)
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Visitor(incoming) => incoming.size_hint(),
            Source::Written { bytes, .. } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}

impl Source {
    fn has_ended(&self) -> bool {
        match self {
            Self::Visitor(incoming) => incoming.is_end_stream(),
            Self::Written { bytes, .. } => bytes.is_none(),
        }
    }
}

fn poll(
    incoming: &mut Incoming,
    exchange: &Exchange,
    side: Side,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
    if let Err(error) = exchange.check() {
        return Poll::Ready(Some(Err(error)));
    }
    let polled = Pin::new(incoming).poll_frame(context);
    exchange.wait(side, context);
    exchange.note(side, if polled.is_pending() { Pace::Waits } else { Pace::Moves });
    polled.map(|frame| frame.map(|result| result.map_err(io::Error::other)))
}

/// What a tool's answer may still say after its end.
fn without_unfit(frame: Option<Result<Frame<Bytes>, io::Error>>) -> Option<Result<Frame<Bytes>, io::Error>> {
    match frame {
        Some(Ok(frame)) if frame.is_trailers() => {
            let mut trailers = frame.into_trailers().ok()?;
            respond::clean_trailers(&mut trailers);
            (!trailers.is_empty()).then(|| Ok(Frame::trailers(trailers)))
        }
        other => other,
    }
}
