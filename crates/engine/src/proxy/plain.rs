//! Plain HTTP on a TLS port: a redirect to the same place over HTTPS where the host is one of the door's own, else
//! the connection closes without an answer. Where the owner allows it for a tool, its door and the gate's sign-in answer.

use super::{
    body::Body,
    door::{Door, Serves},
    http, limits,
    snapshot::Snapshot,
    tls,
};
use crate::headers::{
    authority::{self, Authority, Host},
    path,
};
use drawbridge_protocol::Level;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The door that answers in clear itself, with what ends that; nothing where there is only a redirect.
pub(crate) fn spoken(
    doors: &RwLock<Vec<Arc<Door>>>,
    snapshot: &Snapshot,
) -> Option<(Arc<Door>, CancellationToken)> {
    let doors = doors.read().unwrap_or_else(PoisonError::into_inner);
    // Doors of the local network have a port each; where several share one, there is none of those among them.
    let [door] = doors.as_slice() else { return None };
    let closing = match &door.plan.serves {
        Serves::Tool(_) => door.plain()?,
        Serves::Gate if door.plan.level != Level::Lan => return None,
        // Somebody has to sign in there; the pages see to it that it is for such a door.
        Serves::Gate => snapshot.doors.iter().find_map(|door| door.plain()).map(|_| door.closing.clone())?,
    };
    Some((Arc::clone(door), closing))
}

/// Answers one request and closes.
pub(crate) async fn serve(stream: TcpStream, doors: &RwLock<Vec<Arc<Door>>>) -> hyper::Result<()> {
    let service = service_fn(async |request| answer(&request, doors).ok_or(io::Error::other("a stranger")));
    http::http1(limits::HEAD).keep_alive(false).serve_connection(TokioIo::new(stream), service).await
}

fn answer(request: &Request<Incoming>, doors: &RwLock<Vec<Arc<Door>>>) -> Option<Response<Body>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    let door = tls::door_of(doors, Some(&authority.host))?;
    // Without a port the visitor typed the name alone: that is port 80, which is never ours.
    if authority.port != Some(door.plan.port) {
        return None;
    }
    path::read(request.uri()).ok()?;
    let location = redirect(&authority.host, door.plan.port, request.uri().path_and_query()?.as_str());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(location).ok()?);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    // A browser that remembered it would not see that the owner allows plain HTTP now.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

fn redirect(host: &Host, port: u16, path: &str) -> String {
    format!("{}{path}", authority::https_origin(host, port))
}
