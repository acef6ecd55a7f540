//! The gate: sign-in, the home page with the visitor's tools, sign-out. The only origin where credentials are typed;
//! no tool answers here.

mod form;
mod home;
mod sign_in;
mod way;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use form::fields;

pub(super) use form::read_whole;

use super::api;
use crate::{
    headers::cookie,
    identity::{session::Session, user::User},
    proxy::{
        authenticate::cookie_name,
        body::Body,
        pipeline::{Connection, Picture},
        refusal::Refusal,
        route::Target,
        snapshot::Snapshot,
    },
};
use hyper::{HeaderMap, Method, Request, Response, body::Incoming};
use std::sync::Arc;

/// Answers a request on the gate.
pub(crate) async fn answer(
    connection: &Connection,
    request: Request<Incoming>,
    path: &str,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    if let Some(call) = path.strip_prefix(API) {
        return api::answer(connection, request, call, target, snapshot).await;
    }
    match (request.method(), path) {
        (&Method::GET | &Method::HEAD, "/") => home::home(connection, &request, target, snapshot),
        (&Method::GET | &Method::HEAD, "/sign-in") => sign_in::show(connection, &request, target, snapshot),
        (&Method::POST, "/sign-in") => sign_in::sign_in(connection, request, target, snapshot).await,
        (&Method::POST, "/sign-out") => sign_in::sign_out(connection, &request, target).await,
        _ => Err(Refusal::NoSuchPage),
    }
}

/// Ends a sign-in for good. Where that cannot be saved it has ended here all the same.
pub(super) async fn end(connection: &Connection, id: &str) -> Result<(), Refusal> {
    let ended = connection.shared.sessions.end(|session| session.id == id).await;
    connection.shared.changed.notify_one();
    ended.map(drop).map_err(|error| {
        tracing::error!(%error, "the end of a session could not be saved");
        Refusal::Internal
    })
}

fn signed_in(
    connection: &Connection,
    headers: &HeaderMap,
    snapshot: &Snapshot,
) -> Option<(Arc<Session>, Arc<User>)> {
    let value = cookie::value(headers, &cookie_name(connection.door.plan.port))?;
    let session = connection.shared.sessions.at_gate(value, connection.door.plan.level)?;
    let user = snapshot.users.get(&session.user)?;
    Some((session, Arc::clone(user)))
}

/// What programs ask begins so.
const API: &str = "/.drawbridge/api/";
