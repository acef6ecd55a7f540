//! The gate's API for programs (`docs/openapi.json`): sign in, get the next pair of tokens, sign out. And the one-time token
//! for a WebSocket, which a tool's door gives out itself. JSON in and out, no cookie, refusals as problem documents.

use super::{gate, harden, routes::Call};
use crate::{
    identity::{
        approval::{self, Asked, Shown, Tokens},
        basic::Credential,
        jwt::{self, Bearer},
        own_account::{Answer, Declined, Wish},
        presented::{self, Presented},
        second_factor::verify,
        session::{Refreshed, Session, Visit},
        sign_in::{Outcome, Users},
        socket_token,
        user::User,
    },
    proxy::{
        authenticate,
        body::Body,
        pipeline::{Connection, Picture},
        refusal::Refusal,
        route::Target,
    },
    tools::ToolId,
};
use drawbridge_protocol::Secret;
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};

/// Answers a program at the gate.
pub(super) async fn answer(
    connection: &Connection,
    request: Request<Incoming>,
    call: Call,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    match call {
        Call::Login => login(connection, request, target, snapshot).await,
        Call::Refresh => refresh(connection, request, target, snapshot).await,
        Call::Logout => logout(connection, &request, target).await,
        Call::ChangePassword => change_password(connection, request, target, snapshot).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: Secret,
    /// Of an account with a second factor: what its app shows, or a recovery code.
    code: Option<Secret>,
    /// What an earlier answer called so: a device the owner let in for good, a question that was asked.
    device: Option<Secret>,
    approval: Option<Secret>,
}

async fn login(
    connection: &Connection,
    request: Request<Incoming>,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    let visit = super::Visit::of(&request, connection.scheme);
    let (headers, mut login) = read::<Login>(connection, request, target).await?;
    let (device, question) = (login.device.take(), login.approval.take());
    let tokens = Tokens {
        device: device.as_ref().map(Secret::expose),
        question: question.as_ref().map(Secret::expose),
    };
    match who(connection, login, tokens, &headers, snapshot).await? {
        Who::Welcome(user) => begin(connection, &headers, &user, None).await,
        Who::Allowed(user, answer) => allowed(connection, &headers, &user, answer, tokens).await,
        Who::Waits { token, number, left } => {
            super::pending::answer(connection, &visit, &token, number, left)
        }
    }
}

/// What came of a sign-in that was not refused.
enum Who {
    Welcome(Arc<User>),
    /// The owner said yes.
    Allowed(Arc<User>, approval::Answer),
    /// The owner is asked about the device that holds this token from here on.
    Waits {
        token: Secret,
        number: u8,
        left: Duration,
    },
}

/// A sign-in the owner said yes to, on a device that may be known from here on. Where it fails the yes stays good.
async fn allowed(
    connection: &Connection,
    headers: &HeaderMap,
    user: &User,
    answer: approval::Answer,
    tokens: Tokens<'_>,
) -> Result<Response<Body>, Refusal> {
    let approvals = &connection.shared.approvals;
    let device = match answer {
        approval::Answer::Once => None,
        approval::Answer::Always => approvals
            .devices
            .add(user.id, tokens.device, agent(headers))
            .await
            .inspect_err(|error| tracing::warn!(%error, "a device was not made known"))
            .ok(),
    };
    let begun = begin(connection, headers, user, device.as_ref()).await;
    approvals.settle(&Shown::Call(tokens), begun.is_ok());
    begun
}

/// A new sign-in, with its first pair of tokens.
async fn begin(
    connection: &Connection,
    headers: &HeaderMap,
    user: &User,
    device: Option<&Secret>,
) -> Result<Response<Body>, Refusal> {
    let level = connection.door.plan.level;
    let visit = Visit { level, address: connection.client.address(), agent: agent(headers).to_owned() };
    let (session, once) = connection.shared.sessions.begin_program(user.id, visit).await.map_err(unsaved)?;
    connection.shared.changed.notify_one();
    // The account may have changed while the password was verified.
    if user.withdrawn.is_cancelled() {
        gate::end(connection, &session.id).await?;
        return Err(Refusal::Withdrawn);
    }
    pair(connection, user, &session, &once, device)
}

/// Whose name, password and code these are.
async fn who(
    connection: &Connection,
    login: Login,
    tokens: Tokens<'_>,
    headers: &HeaderMap,
    snapshot: &Picture,
) -> Result<Who, Refusal> {
    let Connection { shared, door, client, .. } = connection;
    let credential = Credential { name: login.username.trim().to_owned(), password: login.password };
    let wrong = || {
        tracing::info!(client = %client.address(), "a program's sign-in failed");
        Refusal::WrongCredential
    };
    let shown = Shown::Call(tokens);
    let lets_in = |user: &User| shared.approvals.lets_in(user, door.plan.level, &shown);
    let user = match shared.sign_in.attempt(&**snapshot, door.plan.level, credential, lets_in).await {
        Outcome::Welcome(user) => return Ok(Who::Welcome(user)),
        Outcome::Halfway(user) => user,
        Outcome::Unapproved(user) => {
            let asked = shared.approvals.ask(&user, (client.address(), agent(headers)), &shown);
            shared.changed.notify_one();
            return match asked.map_err(|_| Refusal::Internal)? {
                Asked::Allowed(answer) => Ok(Who::Allowed(user, answer)),
                Asked::Waits { token, number, left } => Ok(Who::Waits { token, number, left }),
                Asked::Later(left) => Err(Refusal::ApprovalLater(left)),
                Asked::Busy => Err(Refusal::Busy),
                Asked::ProgramWaits | Asked::Claimed => Err(Refusal::ApprovalPending),
            };
        }
        Outcome::Wrong => return Err(wrong()),
        Outcome::Wait(left) => return Err(Refusal::Wait(left)),
        Outcome::Busy => return Err(Refusal::Busy),
    };
    let code = login.code.ok_or(Refusal::CodeNeeded)?;
    match shared.second_factor.verify(&shared.sign_in, &user, verify::Evidence::Code(&code), || true).await {
        verify::Outcome::Right => Ok(Who::Welcome(user)),
        verify::Outcome::Wrong => Err(wrong()),
        verify::Outcome::Wait(left) => Err(Refusal::Wait(left)),
        verify::Outcome::Busy => Err(Refusal::Busy),
        verify::Outcome::Over => Err(Refusal::Withdrawn),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: Secret,
}

async fn refresh(
    connection: &Connection,
    request: Request<Incoming>,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    let (_, Refresh { refresh_token }) = read(connection, request, target).await?;
    let shared = &connection.shared;
    let signer = shared.signer.load_full().ok_or(Refusal::Internal)?;
    let claims = signer.read(refresh_token.expose(), jwt::Kind::Refresh, shared.clock.timestamp());
    let claims = claims.ok_or(Refusal::WrongCredential)?;
    let once = claims.jti.as_deref().unwrap_or_default();
    let refreshed = shared.sessions.refresh(&claims.sid, once, connection.door.plan.level).await;
    shared.changed.notify_one();
    match refreshed.map_err(unsaved)? {
        Refreshed::Granted(session, next) => {
            let user = snapshot.by_id(session.user).filter(|user| user.name == claims.sub);
            pair(connection, &*user.ok_or(Refusal::WrongCredential)?, &session, &next, None)
        }
        Refreshed::JustReplaced => Err(Refusal::JustReplaced),
        Refreshed::Refused => Err(Refusal::WrongCredential),
    }
}

async fn logout(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
) -> Result<Response<Body>, Refusal> {
    check_origin(request, target)?;
    let (session, _) = by_access_token(connection, request.headers())?;
    gate::end(connection, &session.id).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    harden(response.headers_mut());
    Ok(response)
}

/// The sign-in of the access token in a request, and the name it was made for; nothing else will do.
fn by_access_token(connection: &Connection, headers: &HeaderMap) -> Result<(Arc<Session>, String), Refusal> {
    let shared = &connection.shared;
    let signer = shared.signer.load_full();
    let Some(Presented::Access(text)) = presented::read(headers, signer.as_deref()) else {
        return Err(Refusal::SignInNeeded);
    };
    let now = shared.clock.timestamp();
    let claims = signer.and_then(|signer| signer.read(text.expose(), jwt::Kind::Access, now));
    let claims = claims.ok_or(Refusal::WrongCredential)?;
    let session = shared.sessions.program(&claims.sid, connection.door.plan.level);
    Ok((session.ok_or(Refusal::WrongCredential)?, claims.sub))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    current_password: Secret,
    new_password: Secret,
}

/// Another password for whoever has an access token and knows the old one. Everything signed in ends; the answer is a new
/// sign-in.
async fn change_password(
    connection: &Connection,
    request: Request<Incoming>,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    let Connection { shared, door, client, .. } = connection;
    let level = door.plan.level;
    let (session, name) = by_access_token(connection, request.headers())?;
    let user = snapshot.by_id(session.user).filter(|user| user.name == name);
    let user = user.ok_or(Refusal::WrongCredential)?;
    let (headers, call) = read::<ChangePassword>(connection, request, target).await?;
    let credential = Credential { name: user.name.clone(), password: call.current_password };
    match shared.sign_in.attempt(&**snapshot, level, credential, |_| true).await {
        // The code and the owner were asked when this program signed in.
        Outcome::Welcome(_) | Outcome::Halfway(_) | Outcome::Unapproved(_) => {}
        Outcome::Wrong => {
            tracing::info!(client = %client.address(), "a password was wrong");
            return Err(Refusal::WrongCredential);
        }
        Outcome::Wait(left) => return Err(Refusal::Wait(left)),
        Outcome::Busy => return Err(Refusal::Busy),
    }
    let new = call.new_password;
    let wish = |answer: Answer<()>| Wish::ChangePassword { level, new, answer };
    shared.own_account.ask(&user, &session, wish).await.map_err(|declined| match declined {
        Declined::Password(_) => Refusal::BadPassword,
        Declined::Over | Declined::WrongCode | Declined::Passkey => Refusal::Withdrawn,
        Declined::Busy => Refusal::Busy,
        Declined::Failed => Refusal::Internal,
    })?;
    let user = shared.snapshot.load().by_id(user.id).ok_or(Refusal::Withdrawn)?;
    begin(connection, &headers, &user, None).await
}

/// A one-time token for a WebSocket of this tool, for whoever may use the tool.
pub(super) async fn socket_token<B>(
    connection: &Connection,
    request: &Request<B>,
    target: &Target,
    tool: &ToolId,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    #[derive(Serialize)]
    struct SocketToken<'a> {
        token: &'a str,
        expires_in: u64,
    }
    let Connection { door, shared, client, .. } = connection;
    let subject = authenticate::authenticate(request, tool, door, target, *client, snapshot, shared).await?;
    let subject = subject.ok_or(Refusal::SignInNeeded)?;
    // Whoever may not use the tool gets no token for it either.
    let purpose = crate::proxy::Purpose::Act;
    crate::proxy::authorize(subject.clone(), purpose, door, connection.scheme, snapshot, &shared.clock)?;
    let issued = shared.socket_tokens.issue(tool, door.plan.level, subject.who(), subject);
    let issued = issued.map_err(|_| Refusal::Internal)?;
    let token = issued.ok_or(Refusal::Busy)?;
    json(&SocketToken { token: token.expose(), expires_in: socket_token::LIFETIME.as_secs() })
}

/// A pair of tokens as RFC 6749 §5.1 has it.
fn pair(
    connection: &Connection,
    user: &User,
    session: &Arc<Session>,
    once: &str,
    device: Option<&Secret>,
) -> Result<Response<Body>, Refusal> {
    #[derive(Serialize)]
    struct Answer<'a> {
        access_token: &'a str,
        refresh_token: &'a str,
        token_type: &'a str,
        expires_in: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<&'a str>,
    }
    let signer = connection.shared.signer.load_full().ok_or(Refusal::Internal)?;
    let bearer = Bearer { name: &user.name, session: &session.id, expires: session.expires };
    let pair = signer.pair(&bearer, once, connection.shared.clock.timestamp()).map_err(|error| {
        tracing::error!(%error, "a program got no tokens");
        Refusal::Internal
    })?;
    json(&Answer {
        access_token: pair.access.expose(),
        refresh_token: pair.refresh.expose(),
        token_type: "Bearer",
        expires_in: pair.lifetime.as_secs(),
        device: device.map(Secret::expose),
    })
}

/// A call in JSON; a page of another site can make a browser send no such thing without asking first.
async fn read<T: DeserializeOwned>(
    connection: &Connection,
    request: Request<Incoming>,
    target: &Target,
) -> Result<(HeaderMap, T), Refusal> {
    check_origin(&request, target)?;
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(Refusal::BadCall);
    }
    let bytes = gate::read_whole(connection, body).await?;
    let call = serde_json::from_slice(&bytes).map_err(|_| Refusal::BadCall)?;
    Ok((parts.headers, call))
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

fn check_origin<B>(request: &Request<B>, target: &Target) -> Result<(), Refusal> {
    authenticate::check_origin(request, &target.origin.text, authenticate::Credential::Header)
}

pub(super) fn json(answer: &impl Serialize) -> Result<Response<Body>, Refusal> {
    let bytes = serde_json::to_vec(answer).map_err(|_| Refusal::Internal)?;
    let mut response = Response::new(Body::full(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    harden(headers);
    Ok(response)
}

fn unsaved(error: crate::identity::session::SessionError) -> Refusal {
    tracing::error!(%error, "a program's sign-in could not be saved");
    Refusal::Internal
}
