//! One connection on its core: TLS, then HTTP/1 or HTTP/2 as agreed, with the limits hyper leaves to us; or HTTP/1 in
//! clear, where a door allows that. It ends when its door closes.

use super::{
    accept::Accepted,
    access_log::Caller,
    activity::Activity,
    body::Body,
    door::Serves,
    exchange::Exchanges,
    fronted,
    gather::Gathering,
    limits,
    linger::Lingering,
    pipeline::{self, Connection},
    plain,
    tls::{self, Opening, Secured},
    upstream::Pool,
};
use crate::headers::authority::Scheme;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::Cell,
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

/// Serves a connection until either side ends it.
pub(crate) async fn serve(accepted: Accepted, pool: Rc<Pool>) {
    let Accepted { stream, peer, local, level, admitted, doors, stop, ground } = accepted;
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    let _ = stream.set_nodelay(true);
    if fronted::is_fronted(&doors) {
        return fronted::serve(stream, admitted, doors, stop, ground, pool).await;
    }
    let opening = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        opening = tls::open(stream, local, level, &doors, &ground.identities) => opening,
    };
    let (door, server_name, scheme, closing, line) = match opening {
        // Strangers and broken handshakes are the everyday noise of any open port.
        Err(error) => {
            tracing::debug!(%peer, %error, "a connection did not get through its handshake");
            return;
        }
        Ok(Opening::Plain(stream)) => match plain::spoken(&doors, &ground.shared.snapshot.load()) {
            Some((door, closing)) => (door, None, Scheme::Http, closing, Line::Plain(stream)),
            None => {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    _ = plain::serve(stream, &doors) => {}
                }
                return;
            }
        },
        Ok(Opening::Tls(secured)) => {
            let Secured { stream, door, server_name } = *secured;
            let closing = door.closing.clone();
            (door, server_name, Scheme::Https, closing, Line::Tls(Box::new(stream)))
        }
    };
    let client = admitted.client();
    let connection = Connection {
        caller: Caller::new(client, &door),
        door,
        scheme,
        client,
        forwarded_for: client.forwarded_for(),
        admitted: Arc::new(admitted),
        server_name,
        shared: Arc::clone(&ground.shared),
        pool,
        activity: Activity::default(),
        exchanges: Rc::default(),
        noted: Cell::default(),
    };
    let exchanges = Rc::clone(&connection.exchanges);
    // A task of its own, so that a byte on the connection does not ask after everything that may end it.
    let speaking = AbortOnDropHandle::new(tokio::task::spawn_local(speak(line, connection)));
    tokio::select! {
        biased;
        () = closing.cancelled() => {}
        () = stop.cancelled() => {}
        () = exchanges.overdue() => {}
        _ = speaking => {}
    }
}

/// What requests come over.
enum Line {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

async fn speak(line: Line, connection: Connection) {
    let gate = connection.door.plan.serves == Serves::Gate;
    let connection = Rc::new(connection);
    let (activity, exchanges) = (connection.activity.clone(), Rc::clone(&connection.exchanges));
    let answer = move |request: Request<Incoming>| {
        let connection = Rc::clone(&connection);
        async move { Ok::<Response<Body>, Infallible>(pipeline::answer(&connection, request).await) }
    };
    let ended = match line {
        Line::Plain(stream) => speak_http1(stream, answer).await,
        Line::Tls(stream) if !is_http2(&stream) => speak_http1(*stream, answer).await,
        Line::Tls(secured) => {
            let (streams, stream, window) = if gate {
                (limits::GATE_STREAMS, limits::GATE_WINDOW, limits::GATE_WINDOW)
            } else {
                (limits::STREAMS, limits::STREAM_WINDOW, limits::CONNECTION_WINDOW)
            };
            let streams_of = LocalExecutor { exchanges };
            // Boxed, because a stream becomes a task, and is moved from place to place until it is one.
            let service = service_fn(move |request| Box::pin(answer(request)));
            let gathering = Gathering::new(*secured);
            let serving = hyper::server::conn::http2::Builder::new(streams_of)
                .timer(TokioTimer::new())
                .max_concurrent_streams(streams)
                .initial_stream_window_size(stream)
                .initial_connection_window_size(window)
                .max_send_buf_size(limits::SEND_BUFFER)
                .max_header_list_size(u32::try_from(limits::HEAD_BYTES).unwrap_or(u32::MAX))
                .keep_alive_interval(limits::PING)
                .keep_alive_timeout(limits::PING_ANSWER)
                .serve_connection(TokioIo::new(gathering.end()), service);
            tokio::select! {
                ended = gathering.after(serving) => ended,
                // hyper has no idle limit for HTTP/2: a client that answers pings would stay for ever.
                () = activity.idle_for(limits::IDLE) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn speak_http1<S, A, F>(stream: S, answer: A) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let stream = TokioIo::new(Lingering::new(stream));
    http1(limits::HEAD).serve_connection(stream, service_fn(answer)).with_upgrades().await
}

fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// HTTP/1 with the limits hyper leaves to us; so long for a head, and for an idle connection.
pub(super) fn http1(head: Duration) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head);
    builder.max_buf_size(limits::HEAD_BYTES).max_headers(limits::HEAD_FIELDS);
    builder
}

/// Runs hyper's tasks on this core: one for each HTTP/2 stream.
#[derive(Clone, Default)]
pub(super) struct LocalExecutor {
    exchanges: Rc<Exchanges>,
}

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        let exchanges = Rc::clone(&self.exchanges);
        tokio::task::spawn_local(async move {
            let mut future = pin!(future);
            // A stream whose visitor takes nothing waits for that only, and hyper does not ask its body. Dropped, it is
            // reset, and the connection goes on.
            poll_fn(|context| match future.as_mut().poll(context) {
                Poll::Pending if !exchanges.is_over_for(context.waker()) => Poll::Pending,
                Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
            })
            .await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{
        Lease,
        exchange::{Exchange, Pace, Side},
    };
    use bytes::Bytes;
    use http_body::{Body as HttpBody, Frame};
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2::SendRequest;
    use std::{io, pin::Pin, task::Context};
    use tokio::{
        io::DuplexStream,
        task::{LocalSet, spawn_local},
        time::sleep,
    };
    use tokio_util::sync::CancellationToken;

    /// A download of so many pieces that never waits for its tool.
    struct Pieces {
        exchange: Rc<Exchange>,
        left: usize,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            self.exchange.check()?;
            self.exchange.wait(Side::Download, context);
            self.exchange.note(Side::Download, Pace::Moves);
            let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
            self.left = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024])))))
        }
    }

    /// Serves `/small` and `/endless`.
    async fn serve(io: DuplexStream, exchanges: Rc<Exchanges>) {
        let streams_of = LocalExecutor { exchanges: Rc::clone(&exchanges) };
        let service = service_fn(move |request: Request<Incoming>| {
            let exchange = exchanges.begin(Lease::until(CancellationToken::new()));
            exchange.is_sent();
            async move {
                exchange.until_ended(pin!(std::future::ready(()))).await.unwrap();
                let left = if request.uri().path() == "/small" { 1 } else { usize::MAX };
                Ok::<_, Infallible>(Response::new(Pieces { exchange, left }))
            }
        });
        let serving = hyper::server::conn::http2::Builder::new(streams_of);
        let _ = serving.serve_connection(TokioIo::new(io), service).await;
    }

    async fn get(sender: &mut SendRequest<Empty<Bytes>>, path: &str) -> Response<Incoming> {
        sender.send_request(Request::get(path).body(Empty::new()).unwrap()).await.unwrap()
    }

    /// Takes more of an endless download than any window holds; whether that came.
    async fn take(response: &mut Response<Incoming>) -> bool {
        for _ in 0..256 {
            if !matches!(response.body_mut().frame().await, Some(Ok(_))) {
                return false;
            }
        }
        true
    }

    async fn whole(response: Response<Incoming>) -> Result<usize, hyper::Error> {
        response.into_body().collect().await.map(|body| body.to_bytes().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_nobody_takes_is_reset_and_its_connection_lives_on() {
        let talk = async {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let exchanges = Rc::<Exchanges>::default();
            let looking = Rc::clone(&exchanges);
            let looks = spawn_local(async move { looking.overdue().await });
            spawn_local(serve(near, exchanges));
            let executor = LocalExecutor { exchanges: Rc::default() };
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(executor, TokioIo::new(far)).await.unwrap();
            spawn_local(connection);
            let mut stalled = get(&mut sender, "/endless").await;
            let mut paused = get(&mut sender, "/endless").await;
            for _ in 0..5 {
                sleep(limits::DOWNLOAD_STALL / 4).await;
                assert!(take(&mut paused).await, "what is taken now and then goes on");
                assert_eq!(whole(get(&mut sender, "/small").await).await.unwrap(), 16 * 1024);
            }
            assert!(!take(&mut stalled).await, "what nobody took has ended");
            assert!(!looks.is_finished(), "the connection was not given up");
        };
        LocalSet::new().run_until(talk).await;
    }
}
