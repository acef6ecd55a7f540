//! The few requests a tool's door answers itself: the way to the gate, in with a one-time code, a token for a WebSocket,
//! and out.

use super::{
    api,
    routes::{self, Door},
    see_other,
};
use crate::{
    headers::{authority::Scheme, cookie, path},
    identity::session::{self, Kind, SessionError},
    proxy::{
        authenticate::cookie_name,
        body::Body,
        door::Door as Origin,
        pipeline::{self, Connection, Picture},
        refusal::Refusal,
        route::Target,
        snapshot::Shared,
    },
    random,
    tools::ToolId,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_protocol::Level;
use hyper::{Request, Response, header, http::HeaderValue};
use std::time::Duration;
use url::form_urlencoded;

/// Sends a person without a session to the gate. A cookie marks this browser as the one that began.
pub(crate) fn begin<B>(
    door: &Origin,
    request: &Request<B>,
    target: &Target,
) -> Result<Response<Body>, Refusal> {
    let name = begin_cookie(target.origin.scheme, door.plan.port);
    let known = cookie::value(request.headers(), &name).filter(|value| value.len() == TOKEN_LETTERS);
    let nonce = match known {
        Some(nonce) => nonce.to_owned(),
        None => random::token().map_err(|_| Refusal::Internal)?,
    };
    let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("door", &target.origin.text)
        .append_pair("state", &state(&nonce))
        .append_pair("to", if path::is_local_reference(to) { to } else { "/" })
        .finish();
    let mut response = see_other(&format!("{}/sign-in?{query}", door.gate_origin(&target.origin)))?;
    set(&mut response, cookie::set(&name, &nonce, BEGIN))?;
    Ok(response)
}

/// Answers `/.drawbridge/…` on a tool's door.
pub(crate) async fn answer<B>(
    connection: &Connection,
    request: Request<B>,
    path: &str,
    target: &Target,
    tool: &ToolId,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    match routes::at_door(request.method(), path).ok_or(Refusal::NoSuchPage)? {
        Door::Enter => enter(connection, &request, target, tool).await,
        Door::Leave => leave(connection, &request, target, tool).await,
        // In clear a token would be anybody's who listens.
        Door::SocketToken if connection.scheme == Scheme::Http => Err(Refusal::NoSuchPage),
        Door::SocketToken => api::socket_token(connection, &request, target, tool, snapshot).await,
    }
}

async fn enter<B>(
    connection: &Connection,
    request: &Request<B>,
    target: &Target,
    tool: &ToolId,
) -> Result<Response<Body>, Refusal> {
    let (door, scheme) = (&connection.door, connection.scheme);
    let (begin, kind) = (begin_cookie(scheme, door.plan.port), kind(scheme));
    let (code, to) = entry(request.uri().query().unwrap_or_default());
    let begun = cookie::value(request.headers(), &begin).ok_or(Refusal::StaleCode)?;
    let entered = take(&connection.shared, &code, (tool, door.plan.level, kind), &state(begun)).await;
    let (token, lifetime) = match entered {
        Ok(entered) => entered.ok_or(Refusal::StaleCode)?,
        Err(error) => {
            tracing::error!(%error, "a session could not be saved");
            return Err(Refusal::Internal);
        }
    };
    connection.shared.changed.notify_one();
    let mut response = see_other(&format!("{}{to}", target.origin.text))?;
    set(&mut response, cookie::set(&cookie_name(scheme, door.plan.port), &token, lifetime))?;
    set(&mut response, cookie::set(&begin, "", Duration::ZERO))?;
    Ok(response)
}

/// The cookie a code is worth, of a sign-in or, over HTTPS, of a pass, and for how long.
async fn take(
    shared: &Shared,
    code: &str,
    (tool, level, kind): (&ToolId, Level, Kind),
    state: &str,
) -> Result<Option<(String, Duration)>, SessionError> {
    if let Some(token) = shared.sessions.enter(code, tool, (level, kind), state).await? {
        return Ok(Some((token, kind.lifetime())));
    }
    if kind == Kind::Plain {
        return Ok(None);
    }
    let entered = shared.passes.enter(code, tool, level, state).await?;
    Ok(entered.map(|(token, pass)| (token, pass.left(shared.clock.timestamp()))))
}

/// The one-time code of a query, and where on this origin it leads.
pub(crate) fn entry(query: &str) -> (String, String) {
    let (mut code, mut to) = (String::new(), String::from("/"));
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "code" => code = value.into_owned(),
            "to" if path::is_local_reference(&value) => to = value.into_owned(),
            _ => {}
        }
    }
    (code, to)
}

async fn leave<B>(
    connection: &Connection,
    request: &Request<B>,
    target: &Target,
    tool: &ToolId,
) -> Result<Response<Body>, Refusal> {
    pipeline::check_own_form(request, target)?;
    let (door, scheme) = (&connection.door, connection.scheme);
    let name = cookie_name(scheme, door.plan.port);
    if let Some(value) = cookie::value(request.headers(), &name) {
        match connection.shared.sessions.at_door(value, tool, door.plan.level, kind(scheme)) {
            Some(session) => super::gate::end(connection, &session.id).await?,
            None if scheme == Scheme::Http => {}
            None => connection.shared.passes.leave(value).await.map_err(|error| {
                tracing::error!(%error, "the end of a guest's visit could not be saved");
                Refusal::Internal
            })?,
        }
    }
    let mut response = see_other(&format!("{}/sign-in?left", door.gate_origin(&target.origin)))?;
    set(&mut response, cookie::set(&name, "", Duration::ZERO))?;
    Ok(response)
}

/// Adds a `Set-Cookie`.
pub(super) fn set(response: &mut Response<Body>, cookie: Option<HeaderValue>) -> Result<(), Refusal> {
    response.headers_mut().append(header::SET_COOKIE, cookie.ok_or(Refusal::Internal)?);
    Ok(())
}

/// What the gate learns of a browser's mark: its digest, so that the mark itself never stands in a URL.
fn state(nonce: &str) -> String {
    URL_SAFE_NO_PAD.encode(session::digest(nonce))
}

/// What opens a door to browsers that come this way.
const fn kind(scheme: Scheme) -> Kind {
    match scheme {
        Scheme::Https => Kind::Browser,
        Scheme::Http => Kind::Plain,
    }
}

fn begin_cookie(scheme: Scheme, port: u16) -> String {
    format!("{}begin-{port}", cookie::prefix(scheme))
}

/// How long a browser may take to sign in (chosen: looking for the password in the next room).
const BEGIN: Duration = Duration::from_secs(3600);
/// Letters of a token (256 bits in base 64).
const TOKEN_LETTERS: usize = 43;
