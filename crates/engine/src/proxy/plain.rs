//! Plain HTTP on a TLS port: a redirect to the same place over HTTPS where the host is one of the door's own, else
//! the connection closes without an answer.

use super::{body::Body, door::Door, http, limits, tls};
use crate::headers::{
    authority::{self, Authority, Host},
    path,
};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    io,
    sync::{Arc, RwLock},
};
use tokio::net::TcpStream;

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
    Some(response)
}

fn redirect(host: &Host, port: u16, path: &str) -> String {
    format!("{}{path}", authority::https_origin(host, port))
}
