//! The gate: sign-in, the home page with the visitor's tools, sign-out. The only origin where credentials are typed;
//! no tool answers here.

use super::{STYLE, api, door::set, see_other};
use crate::{
    headers::{authority::Authority, cookie, path},
    identity::{
        basic::Credential,
        session::{self, Session, Visit as NewVisit},
        sign_in::Outcome,
        user::User,
    },
    proxy::{
        authenticate::cookie_name,
        body::Body,
        door::{Door, Serves},
        limits,
        pipeline::{self, Connection, Picture},
        refusal::Refusal,
        route::Target,
        snapshot::Snapshot,
    },
};
use askama::Template;
use drawbridge_protocol::{Level, Secret};
use drawbridge_texts::Sentence;
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, body::Incoming, header};
use std::{sync::Arc, time::Duration};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Where a sign-in leads: a door of ours, the browser's mark, and the path there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Way {
    pub(crate) door: String,
    pub(crate) state: String,
    pub(crate) to: String,
}

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
        (&Method::GET | &Method::HEAD, "/") => home(connection, &request, target, snapshot),
        (&Method::GET | &Method::HEAD, "/sign-in") => show(connection, &request, target, snapshot),
        (&Method::POST, "/sign-in") => sign_in(connection, request, target, snapshot).await,
        (&Method::POST, "/sign-out") => sign_out(connection, &request, target).await,
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

fn home(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = signed_in(connection, request.headers(), snapshot) else {
        return see_other("/sign-in");
    };
    let pages = &connection.shared.pages;
    let language = super::language(request.headers());
    let mut tools: Vec<Link> = snapshot
        .doors
        .iter()
        .filter(|door| door.plan.level == connection.door.plan.level)
        .filter_map(|door| match &door.plan.serves {
            Serves::Tool(id) if user.may_use(id) => {
                let name = snapshot.tools.get(id)?.name.clone();
                Some(Link { name, url: door.origin_from_gate(&target.origin.host) })
            }
            Serves::Tool(_) | Serves::Gate => None,
        })
        .collect();
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    let template = Home {
        language: pages.texts.language(&language),
        style: STYLE,
        title: pages.texts.text(&language, "home-title"),
        lead: pages.texts.sentence(&language, &Sentence::new("home-lead").with("name", &user.name)),
        none: pages.texts.text(&language, "home-none"),
        sign_out: pages.texts.text(&language, "sign-out"),
        tools,
    };
    pages.page(StatusCode::OK, &template, "")
}

fn show(
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

async fn sign_in(
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

async fn sign_out(
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
    let language = super::language(headers);
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

async fn read_form(connection: &Connection, body: Incoming) -> Result<(Way, String, Secret), Refusal> {
    Ok(fields(&read_whole(connection, body).await?))
}

/// A form or call, whole.
pub(super) async fn read_whole(
    connection: &Connection,
    body: Incoming,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    // Few forms are held at once, so that bodies sent for nothing cost nothing.
    let place = connection.shared.forms.try_acquire().map_err(|_| Refusal::Busy)?;
    let bytes = tokio::time::timeout(limits::FORM, read_body(body)).await.map_err(|_| Refusal::TooMuch)??;
    drop(place);
    Ok(bytes)
}

/// A form's way, name and password; what it does not have is empty.
pub(crate) fn fields(form: &[u8]) -> (Way, String, Secret) {
    let (mut way, mut username, mut password) = (Way::default(), String::new(), Secret::new(String::new()));
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "username" => username = value.trim().to_owned(),
            "password" => password = Secret::new(value.into_owned()),
            _ => way.read(&name, &value),
        }
    }
    (way, username, password)
}

/// The body in one buffer that is wiped; the pieces it came in would each keep a larger one.
async fn read_body(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limits::FORM_BYTES));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BadRequest)?.into_data() else { continue };
        if bytes.len() + data.len() > limits::FORM_BYTES {
            return Err(Refusal::TooMuch);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

impl Way {
    fn read(&mut self, name: &str, value: &str) {
        match name {
            "door" if value.len() <= ORIGIN_LETTERS => value.clone_into(&mut self.door),
            "state" if value.len() == STATE_LETTERS => value.clone_into(&mut self.state),
            "to" if path::is_local_reference(value) => value.clone_into(&mut self.to),
            _ => {}
        }
    }

    /// The same way in a URL.
    pub(crate) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("door", &self.door)
            .append_pair("state", &self.state)
            .append_pair("to", &self.to)
            .finish()
    }

    /// The open door it names at this gate's level, with its origin; the gate never leads anywhere else.
    fn door<'a>(
        &self,
        connection: &Connection,
        target: &Target,
        snapshot: &'a Snapshot,
    ) -> Option<(&'a Arc<Door>, String)> {
        let authority: Authority = self.door.strip_prefix("https://")?.parse().ok()?;
        let door = snapshot.doors.iter().find(|door| {
            door.plan.level == connection.door.plan.level
                && door.plan.serves != Serves::Gate
                && door.is_named_by(&authority)
        })?;
        // Back to the very host that began, where it is one of the door's; its cookie lies there.
        let origin = crate::headers::authority::https_origin(&authority.host, door.plan.port);
        let origin = if door.plan.hosts.contains(&authority.host) {
            origin
        } else {
            door.origin_from_gate(&target.origin.host)
        };
        Some((door, origin))
    }
}

/// What programs ask begins so.
const API: &str = "/.drawbridge/api/";
/// Letters of a browser's mark (256 bits in base 64).
const STATE_LETTERS: usize = 43;
/// Letters of a door's origin (the longest DNS name, scheme and port).
const ORIGIN_LETTERS: usize = 272;
/// Letters of a name shown again in the form.
const MAX_NAME: usize = 256;

struct Link {
    name: String,
    url: String,
}

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

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    language: &'a str,
    style: &'static str,
    title: String,
    lead: String,
    none: String,
    sign_out: String,
    tools: Vec<Link>,
}
