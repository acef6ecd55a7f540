//! Signing in with name and password, and out again. A sign-in leads on to where the visitor wanted to go.

use super::{end, form::read_form, signed_in, way::Way};
use crate::{
    headers::cookie,
    identity::{
        basic::Credential,
        session::{self, Session, Visit as NewVisit},
        sign_in::Outcome,
        user::User,
    },
    pages::{self, STYLE, door::set, see_other},
    proxy::{
        authenticate::cookie_name,
        body::Body,
        door::Serves,
        pipeline::{self, Connection},
        refusal::Refusal,
        route::Target,
        snapshot::Snapshot,
    },
};
use askama::Template;
use drawbridge_protocol::Level;
use drawbridge_texts::Sentence;
use hyper::{HeaderMap, Request, Response, StatusCode, body::Incoming, header};
use std::{sync::Arc, time::Duration};
use url::form_urlencoded;

/// The form, or on where somebody is signed in already.
pub(super) fn show(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let (mut way, mut left) = (Way::default(), false);
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        way.read(&name, &value);
        left |= name == "left";
    }
    if !left && let Some((session, user)) = signed_in(connection, request.headers(), snapshot) {
        return onward(connection, &way, session, &user, target, snapshot);
    }
    let notice = left.then_some("signed-out");
    form(
        connection,
        request.headers(),
        &way,
        StatusCode::OK,
        &Said { notice, ..Said::default() },
        target,
        snapshot,
    )
}

/// Takes the form.
pub(super) async fn sign_in(
    connection: &Connection,
    request: Request<Incoming>,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    pipeline::check_own_form(&request, target)?;
    let (parts, body) = request.into_parts();
    let (way, name, password) = read_form(connection, body).await?;
    let level = connection.door.plan.level;
    let credential = Credential { name: name.clone(), password };
    let outcome = connection.shared.sign_in.attempt(snapshot, level, credential).await;
    let (status, error, seconds) = match outcome {
        Outcome::Welcome(user) => {
            return welcome(connection, &parts.headers, &way, &user, target, snapshot).await;
        }
        Outcome::Wrong => {
            tracing::info!(client = %connection.client.address(), "a sign-in failed");
            (StatusCode::FORBIDDEN, Sentence::new("sign-in-wrong"), None)
        }
        Outcome::Wait(left) => {
            let seconds = Refusal::Wait(left).retry_after();
            let error = Sentence::new("sign-in-wait").with("seconds", seconds.unwrap_or_default());
            (StatusCode::TOO_MANY_REQUESTS, error, seconds)
        }
        Outcome::Busy => {
            (StatusCode::SERVICE_UNAVAILABLE, Sentence::new("sign-in-busy"), Refusal::Busy.retry_after())
        }
    };
    let said = Said { error: Some(error), seconds, username: name, notice: None };
    form(connection, &parts.headers, &way, status, &said, target, snapshot)
}

async fn welcome(
    connection: &Connection,
    headers: &HeaderMap,
    way: &Way,
    user: &Arc<User>,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let name = cookie_name(connection.door.plan.port);
    if let Some((old, _)) = signed_in(connection, headers, snapshot) {
        end(connection, &old.id).await?;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let level = connection.door.plan.level;
    let visit = NewVisit { level, address: connection.client.address(), agent: agent.to_owned() };
    let token = connection.shared.sessions.begin(user.id, visit).await.map_err(|error| {
        tracing::error!(%error, "a session could not be saved");
        Refusal::Internal
    })?;
    connection.shared.changed.notify_one();
    let session = connection.shared.sessions.at_gate(&token, level).ok_or(Refusal::Internal)?;
    // The account may have changed while the password was verified.
    if user.withdrawn.is_cancelled() {
        end(connection, &session.id).await?;
        return Err(Refusal::Withdrawn);
    }
    let mut response = match onward(connection, way, session, user, target, snapshot) {
        // Signed in all the same: the page that says so must not cost the cookie, or the session would belong to nobody.
        Err(Refusal::NotForYou) => see_other(&format!("/sign-in?{}", way.query()))?,
        done => done?,
    };
    set(&mut response, cookie::set(&name, &token, session::LIFETIME))?;
    Ok(response)
}

/// From the gate to where the visitor wanted to go, with a one-time code, or to the home page.
fn onward(
    connection: &Connection,
    way: &Way,
    session: Arc<Session>,
    user: &User,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let Some((door, origin)) = way.door(connection, target, snapshot) else { return see_other("/") };
    let Serves::Tool(tool) = &door.plan.serves else { return see_other("/") };
    if way.state.is_empty() {
        return see_other(&format!("{origin}/"));
    }
    if !user.may_use(tool) {
        return Err(Refusal::NotForYou);
    }
    let code = connection.shared.sessions.code(session, tool.clone(), way.state.clone());
    let code = code.map_err(|_| Refusal::Internal)?.ok_or(Refusal::Busy)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("to", &way.to)
        .finish();
    see_other(&format!("{origin}/.drawbridge/enter?{query}"))
}

/// Ends the sign-in of this browser.
pub(super) async fn sign_out(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
) -> Result<Response<Body>, Refusal> {
    pipeline::check_own_form(request, target)?;
    let name = cookie_name(connection.door.plan.port);
    let session = cookie::value(request.headers(), &name)
        .and_then(|value| connection.shared.sessions.at_gate(value, connection.door.plan.level));
    if let Some(session) = session {
        end(connection, &session.id).await?;
    }
    let mut response = see_other("/sign-in?left")?;
    set(&mut response, cookie::set(&name, "", Duration::ZERO))?;
    Ok(response)
}

/// What the form says above its fields.
#[derive(Default)]
struct Said {
    error: Option<Sentence>,
    seconds: Option<u64>,
    notice: Option<&'static str>,
    username: String,
}

fn form(
    connection: &Connection,
    headers: &HeaderMap,
    way: &Way,
    status: StatusCode,
    said: &Said,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let pages = &connection.shared.pages;
    let language = pages::language(headers);
    let text = |id: &str| pages.texts.text(&language, id);
    let origin = way.door(connection, target, snapshot).map(|(_, origin)| origin);
    // A way that leads to no door of ours is dropped, not shown.
    let way = if origin.is_some() { way.clone() } else { Way::default() };
    let template = SignIn {
        language: pages.texts.language(&language),
        style: STYLE,
        title: text("sign-in-title"),
        lead: text("sign-in-lead"),
        notice: said.notice.map(text),
        error: said.error.as_ref().map(|error| pages.texts.sentence(&language, error)),
        name_label: text("sign-in-name"),
        password_label: text("sign-in-password"),
        button: text("sign-in-button"),
        strong: (connection.door.plan.level == Level::Internet).then(|| text("sign-in-strong")),
        username: said.username.chars().take(MAX_NAME).collect(),
        way,
    };
    // Browsers also hold the redirect after the form to the policy, so the door it leads to is named.
    let mut response = pages.page(status, &template, origin.as_deref().unwrap_or_default())?;
    if let Some(seconds) = said.seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Letters of a name shown again in the form.
const MAX_NAME: usize = 256;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    language: &'a str,
    style: &'static str,
    title: String,
    lead: String,
    notice: Option<String>,
    error: Option<String>,
    name_label: String,
    password_label: String,
    button: String,
    strong: Option<String>,
    username: String,
    way: Way,
}
