//! The control socket: HTTP/1.1 with JSON for programs of the same user, checked by the caller's uid and not only by
//! the folder's mode.

use super::Control;
use crate::{
    link::Changes,
    platform::{self, ControlListener, ControlStream},
};
use bytes::Bytes;
use drawbridge_protocol::{DESK, EVENTS_PATH, Event, Problem, ProblemKind, REQUEST_PATH, Request as Asked};
use drawbridge_texts::Sentence;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Serves callers until `stop`.
pub(crate) async fn serve(mut listener: ControlListener, control: Control, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CALLERS));
    let spare = Arc::new(Semaphore::new(SPARE));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok(stream) = accepted else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        if !platform::is_own_peer(&stream) {
            tracing::warn!("another user's program called the control socket and was turned away");
            continue;
        }
        // When every place is taken, the owner can still close everything (P10).
        let (place, may) = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => (place, May::Anything),
            // Each of these has its place for a moment only, so whoever comes next has a turn soon. Turning it away
            // instead would leave the owner to chance.
            Err(_) => match Arc::clone(&spare).acquire_owned().await {
                Ok(place) => (place, May::Close),
                Err(_) => return,
            },
        };
        let (control, stop) = (control.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = speak(stream, control, may) => {}
            }
            drop(place);
        });
    }
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum May {
    Anything,
    /// To close everything, and once.
    Close,
}

impl May {
    /// Time for a request.
    const fn time(self) -> Duration {
        match self {
            Self::Anything => HEAD,
            Self::Close => SPARE_HEAD,
        }
    }
}

async fn speak(stream: ControlStream, control: Control, may: May) {
    let service = service_fn(move |request| {
        let control = control.clone();
        async move { Ok::<_, Infallible>(answer(request, &control, may).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(may.time())
        .keep_alive(may == May::Anything)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a caller on the control socket went away");
    }
}

async fn answer(request: Request<Incoming>, control: &Control, may: May) -> Response<Reply> {
    // A browser cannot reach the socket, but a page might reach whatever forwards it: no Origin is ever ours.
    if request.headers().contains_key(header::ORIGIN) {
        return refuse(&control.invalid(&Sentence::new("request-from-page")));
    }
    match (request.method(), request.uri().path()) {
        (&Method::POST, REQUEST_PATH) => {
            let revision = match revision(request.headers()) {
                Ok(revision) => revision,
                Err(sentence) => return refuse(&control.invalid(&sentence)),
            };
            let collected = Limited::new(request.into_body(), MESSAGE_BYTES).collect();
            let Ok(Ok(body)) = tokio::time::timeout(may.time(), collected).await else {
                return refuse(&control.invalid(&Sentence::new("request-too-long")));
            };
            let asked: Asked = match serde_json::from_slice(&body.to_bytes()) {
                Ok(asked) => asked,
                Err(error) => {
                    let sentence = Sentence::new("request-not-understood").quoting("cause", &error);
                    return refuse(&control.invalid(&sentence));
                }
            };
            if may == May::Close && !matches!(asked, Asked::Close) {
                return refuse(&control.busy());
            }
            match control.request(asked, revision).await {
                Ok(value) => json(StatusCode::OK, &value),
                Err(problem) => refuse(&problem),
            }
        }
        (&Method::GET, EVENTS_PATH) if may == May::Close => refuse(&control.busy()),
        (&Method::GET, EVENTS_PATH) => match listen(control, request.uri().query() == Some(DESK)).await {
            Ok(changes) => stream(changes),
            Err(problem) => refuse(&problem),
        },
        _ => refuse(&control.invalid(&Sentence::new("request-no-path"))),
    }
}

async fn listen(control: &Control, at_desk: bool) -> Result<Changes, Problem> {
    let desk = at_desk.then(|| control.desk());
    Changes::near(control.clone(), desk).await
}

/// The revision a caller rests on: `If-Match: "7"`.
fn revision(headers: &hyper::HeaderMap) -> Result<Option<u64>, Sentence> {
    let Some(field) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let number = field.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
    number.map(Some).ok_or_else(|| Sentence::new("request-bad-revision"))
}

fn stream(mut changes: Changes) -> Response<Reply> {
    let (lines, queue) = mpsc::channel(LINES);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                () = lines.closed() => return,
                event = changes.next() => event,
            };
            let Some(event) = event else { return };
            if lines.send(line(&event)).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Reply::Lines(queue));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

fn line(event: &Event) -> Bytes {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(serde_json::to_vec(value).ok().map(Bytes::from)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refuse(problem: &Problem) -> Response<Reply> {
    let status = match problem.kind {
        ProblemKind::Invalid => StatusCode::BAD_REQUEST,
        ProblemKind::Unknown => StatusCode::NOT_FOUND,
        ProblemKind::Conflict => StatusCode::CONFLICT,
        ProblemKind::Refused | ProblemKind::NoNetwork => StatusCode::FORBIDDEN,
        ProblemKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        ProblemKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = json(status, problem);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// One document, or lines as they come.
enum Reply {
    Whole(Option<Bytes>),
    Lines(mpsc::Receiver<Bytes>),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Lines(queue) => queue.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line)))),
        }
    }
}

/// Callers at once (chosen: a window, a tray, scripts).
const CALLERS: usize = 64;
/// Callers beyond those, who may only close everything.
const SPARE: usize = 64;
/// Pause after a failed accept.
const RETRY: Duration = Duration::from_millis(50);
/// Time for a request.
const HEAD: Duration = Duration::from_secs(30);
/// Time for a request of those who may only close everything (chosen: a program of this computer says it at once; a thousand
/// callers have their turn in a second).
const SPARE_HEAD: Duration = Duration::from_millis(50);
/// Bytes of a request: a certificate chain and key with room.
const MESSAGE_BYTES: usize = 512 * 1024;
/// Lines a slow listener may leave unread.
const LINES: usize = 64;
