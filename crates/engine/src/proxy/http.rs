//! One connection on its core: TLS, then HTTP/1 or HTTP/2 as agreed, with the limits hyper leaves to us. It ends when
//! its door closes.

use super::{
    accept::Accepted,
    activity::Activity,
    body::Body,
    door::Serves,
    fronted, limits,
    pipeline::{self, Connection},
    plain,
    tls::{self, Opening, Secured},
    upstream::Pool,
};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{cell::Cell, convert::Infallible, future::Future, rc::Rc, sync::Arc};
use tokio::net::TcpStream;
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
    match opening {
        // Strangers and broken handshakes are the everyday noise of any open port.
        Err(error) => tracing::debug!(%peer, %error, "a connection did not get through its handshake"),
        Ok(Opening::Plain(stream)) => {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                _ = plain::serve(stream, &doors) => {}
            }
        }
        Ok(Opening::Tls(secured)) => {
            let closing = secured.door.closing.clone();
            let connection = Connection {
                door: Arc::clone(&secured.door),
                client: admitted.client(),
                admitted: Arc::new(admitted),
                server_name: secured.server_name.clone(),
                shared: Arc::clone(&ground.shared),
                pool,
                activity: Activity::default(),
                exchanges: Rc::default(),
                noted: Cell::default(),
            };
            let exchanges = Rc::clone(&connection.exchanges);
            // A task of its own, so that a byte on the connection does not ask after everything that may end it.
            let speaking = AbortOnDropHandle::new(tokio::task::spawn_local(speak(*secured, connection)));
            tokio::select! {
                biased;
                () = closing.cancelled() => {}
                () = stop.cancelled() => {}
                () = exchanges.overdue() => {}
                _ = speaking => {}
            }
        }
    }
}

async fn speak(secured: Secured, connection: Connection) {
    let http2 = secured.is_http2();
    let gate = secured.door.plan.serves == Serves::Gate;
    let connection = Rc::new(connection);
    let activity = connection.activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Rc::clone(&connection);
        async move { Ok::<Response<Body>, Infallible>(pipeline::answer(&connection, request).await) }
    });
    let io = TokioIo::new(secured.stream);
    let ended = if http2 {
        let (streams, stream, window) = if gate {
            (limits::GATE_STREAMS, limits::GATE_WINDOW, limits::GATE_WINDOW)
        } else {
            (limits::STREAMS, limits::STREAM_WINDOW, limits::CONNECTION_WINDOW)
        };
        let serving = hyper::server::conn::http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams)
            .initial_stream_window_size(stream)
            .initial_connection_window_size(window)
            .max_send_buf_size(limits::SEND_BUFFER)
            .max_header_list_size(u32::try_from(limits::HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(limits::PING)
            .keep_alive_timeout(limits::PING_ANSWER)
            .serve_connection(io, service);
        tokio::select! {
            ended = serving => ended,
            // hyper has no idle limit for HTTP/2: a client that answers pings would stay for ever.
            () = activity.idle_for(limits::IDLE) => Ok(()),
        }
    } else {
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD)
            .max_buf_size(limits::HEAD_BYTES)
            .max_headers(limits::HEAD_FIELDS)
            .serve_connection(io, service)
            .with_upgrades()
            .await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Runs hyper's tasks on this core.
#[derive(Clone, Copy)]
pub(super) struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
