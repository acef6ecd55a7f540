//! The short function that calls the stages in order, and the one place where a refusal becomes a response.

use super::{
    Permit, Purpose, Subject,
    access_log::{Caller, Line},
    activity::Activity,
    admit::Admitted,
    anybody,
    authenticate::{self, Credential},
    body::Body,
    cors,
    door::{Door, Serves},
    exchange::Exchanges,
    identify::Client,
    jar::Jar,
    limits,
    refusal::Refusal,
    respond, rewrite,
    route::{self, Ask, Target},
    snapshot::{Shared, Snapshot},
    upstream::{self, Pool},
};
use crate::{
    headers::authority::{Host, Scheme},
    identity::{Who, presented},
    pages,
    tools::target::Speaks,
};
use hyper::{
    Request, Response, Version,
    body::Incoming,
    header::{self, HeaderValue},
};
use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// What every request of one connection shares.
pub(crate) struct Connection {
    pub(crate) door: Arc<Door>,
    /// How its visitor speaks to us.
    pub(crate) scheme: Scheme,
    pub(crate) client: Client,
    /// The client as the access log and the tools are told; made once, because requests are many.
    pub(crate) caller: Caller,
    pub(crate) forwarded_for: HeaderValue,
    pub(crate) server_name: Option<Host>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Rc<Pool>,
    /// The place this connection takes; its tunnels keep it.
    pub(crate) admitted: Arc<Admitted>,
    pub(crate) activity: Activity,
    pub(crate) exchanges: Rc<Exchanges>,
    /// Whose visit was noted last, and when.
    pub(crate) noted: Cell<Option<(Who, Instant)>>,
}

impl Connection {
    /// Notes a visit for the owner's eyes; not for every request of a page.
    fn note_visit(&self, permit: &Permit) {
        let who = permit.subject().who();
        let lately = |(noted, since): (Who, Instant)| noted == who && since.elapsed() < limits::VISIT_STEP;
        if !self.noted.get().is_some_and(lately) {
            self.noted.set(Some((who, Instant::now())));
            if self.shared.visitors.seen(permit, self.client, self.shared.clock.timestamp()) {
                self.shared.changed.notify_one();
            }
        }
    }
}

/// Answers one request, whatever it is.
pub(crate) async fn answer(connection: &Connection, request: Request<Incoming>) -> Response<Body> {
    let began = Instant::now();
    let busy = connection.activity.begin();
    let mut line = Line::begin(&connection.caller, &request);
    let visit = pages::Visit::of(&request, connection.scheme);
    let version = request.version();
    let mut reader = None;
    let mut response = match stages(connection, request, &mut line, &mut reader).await {
        Ok(response) => response.map(|body| body.keeping(busy)),
        Err(refusal) => {
            line.refused(refusal);
            let mut response = pages::refusal(&connection.shared.pages, refusal, &visit);
            // What follows a request nobody understood, or half a one, may be a part of it (RFC 9112 §6.3, RFC 9110 §15.5.9).
            if matches!(refusal, Refusal::BadRequest | Refusal::Silent) && version < Version::HTTP_2 {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    if let Some(origin) = reader {
        cors::allow(response.headers_mut(), origin);
    }
    connection.shared.access_log.write(&line.end(response.status(), began.elapsed()));
    response
}

/// Refuses a request before any stage, and logs it.
pub(crate) fn refuse(
    connection: &Connection,
    request: &Request<Incoming>,
    refusal: Refusal,
) -> Response<Body> {
    let mut line = Line::begin(&connection.caller, request);
    line.refused(refusal);
    let visit = pages::Visit::of(request, connection.scheme);
    let response = pages::refusal(&connection.shared.pages, refusal, &visit);
    connection.shared.access_log.write(&line.end(response.status(), Duration::ZERO));
    response
}

/// A refusal without a word, for who named no door.
pub(crate) fn bare(refusal: Refusal) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = refusal.row().status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn stages(
    connection: &Connection,
    request: Request<Incoming>,
    line: &mut Line,
    reader: &mut Option<HeaderValue>,
) -> Result<Response<Body>, Refusal> {
    let Connection { door, client, shared, .. } = connection;
    if door.closing.is_cancelled() {
        return Err(Refusal::Withdrawn);
    }
    let target = route::route(&request, door, connection.scheme, connection.server_name.as_ref())?;
    let snapshot = shared.snapshot.load_full();
    let tool = match (&target.ask, &door.plan.serves) {
        (Ask::Gate(path), _) => {
            return Box::pin(pages::gate::answer(connection, request, path, &target, &snapshot)).await;
        }
        (Ask::Door(path), Serves::Tool(tool)) => {
            return Box::pin(pages::door::answer(connection, request, path, &target, tool, &snapshot)).await;
        }
        (Ask::Tool, Serves::Tool(tool)) => tool,
        (Ask::Door(_) | Ask::Tool, Serves::Gate) => return Err(Refusal::NoSuchPage),
    };
    // Refusals too: a page that may ask may also know why it gets nothing.
    *reader = snapshot.tools.get(tool).and_then(|tool| cors::listed(request.headers(), tool)).cloned();
    if reader.is_some()
        && let Some(answer) = cors::preflight(&request)
    {
        return Ok(answer);
    }
    let known = authenticate::authenticate(&request, tool, door, &target, *client, &snapshot, shared).await?;
    let subject = match known {
        Some(subject) => Some(subject),
        // What is meant for us and cannot be read is no credential, and no reason to be let in without one.
        None if presented::is_meant(request.headers(), &*snapshot) => return Err(Refusal::WrongCredential),
        None => anybody::admit(&request, door, &target, *client, shared.clock.timestamp())?,
    };
    let Some(subject) = subject else { return to_gate(connection, &request, &target) };
    let purpose = Purpose::of(&request);
    let permit = super::authorize(subject, purpose, door, connection.scheme, &snapshot, &shared.clock)?;
    line.signed_in(&permit);
    // Nobody signed in: such connections take no places of those who did.
    if !matches!(permit.subject(), Subject::Anybody(_)) {
        connection.admitted.sign_in();
    }
    connection.note_visit(&permit);
    forward(connection, request, &target, &permit, &snapshot).await
}

async fn forward(
    connection: &Connection,
    mut request: Request<Incoming>,
    target: &Target,
    permit: &Permit,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let exchange = connection.exchanges.begin(permit.lease().clone());
    // Where the visitor speaks HTTP/1.1 no ping asks whether he is there.
    if permit.tool().target.speaks() == Speaks::H2c && request.version() == Version::HTTP_2 {
        exchange.allow_silence();
    }
    let call = match &permit.tool().injected {
        Some(injected) => {
            Box::pin(injected.read_call(&mut request, permit.subject(), &connection.shared)).await?
        }
        None => None,
    };
    let names = &connection.shared.cookie_names;
    let jar = Jar::of(&connection.door, connection.scheme, &permit.tool().id, names);
    let asked = (request, call);
    let signer = connection.shared.signer.load();
    let ours = (snapshot, signer.as_deref());
    let forwarded_for = &connection.forwarded_for;
    let outbound = rewrite::rewrite(permit, asked, target, forwarded_for, ours, jar.as_ref(), &exchange)?;
    let answer = upstream::send(outbound, permit, connection, &exchange).await?;
    respond::respond(answer, permit, target, connection, jar.as_ref(), exchange)
}

/// A person without a session goes to the gate; a program is told what is missing.
fn to_gate(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
) -> Result<Response<Body>, Refusal> {
    if !authenticate::is_page_visit(request) {
        return Err(Refusal::SignInNeeded);
    }
    pages::door::begin(&connection.door, request, target)
}

/// Whether a cookie-authenticated write of ours comes from our own page.
pub(crate) fn check_own_form<B>(request: &Request<B>, target: &Target) -> Result<(), Refusal> {
    authenticate::check_origin(request, &target.origin.text, Credential::Cookie)
}

/// The snapshot type, named for the pages.
pub(crate) type Picture = Arc<Snapshot>;
