//! Who calls at the gate: one request with everything a page of ours needs to answer it.

use super::passkey::Offer;
use crate::{
    headers::{authority::Scheme, cookie},
    identity::{
        pass::PassId,
        password::BadPassword,
        second_factor::half::Halves,
        session::{self, Session, Visit},
        user::User,
    },
    pages::{self, Frame, Pages, Runs},
    proxy::{
        authenticate::cookie_name,
        body::Body,
        door::Serves,
        pipeline::{self, Connection},
        refusal::Refusal,
        route::Target,
        snapshot::{Shared, Snapshot},
    },
    tools::ToolId,
};
use askama::Template;
use drawbridge_protocol::Level;
use drawbridge_texts::{Language, Sentence};
use hyper::{
    Request, Response, StatusCode,
    header::{self, HeaderValue},
};
use std::{sync::Arc, time::Duration};

/// A request on the gate, without its body.
pub(super) struct Caller<'a> {
    pub(super) connection: &'a Connection,
    pub(super) request: &'a Request<()>,
    pub(super) target: &'a Target,
    pub(super) snapshot: &'a Snapshot,
    language: Language,
}

/// A tool somebody may go on to.
pub(super) struct OpenTool {
    pub(super) id: ToolId,
    pub(super) name: String,
    pub(super) url: String,
}

/// Why a form was not taken, as its page says it.
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) error: Sentence,
    /// When it may be sent again.
    pub(super) seconds: Option<u64>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        request: &'a Request<()>,
        target: &'a Target,
        snapshot: &'a Snapshot,
    ) -> Self {
        Self { connection, request, target, snapshot, language: pages::language(request.headers()) }
    }

    /// What all requests share.
    pub(super) fn shared(&self) -> &'a Shared {
        &self.connection.shared
    }

    /// Whose gate this is.
    pub(super) fn level(&self) -> Level {
        self.connection.door.plan.level
    }

    /// Whether this visitor came without TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.connection.scheme == Scheme::Http
    }

    /// A sentence without arguments.
    pub(super) fn text(&self, id: &str) -> String {
        self.pages().texts.text(&self.language, id)
    }

    /// A sentence.
    pub(super) fn sentence(&self, sentence: &Sentence) -> String {
        self.pages().texts.sentence(&self.language, sentence)
    }

    /// The beginning of a page with this title.
    pub(super) fn frame(&self, title: String) -> Frame {
        self.pages().frame(&self.language, title)
    }

    /// A page whose forms lead nowhere but here, or to `forms` besides.
    pub(super) fn page(
        &self,
        status: StatusCode,
        template: &impl Template,
        forms: &str,
    ) -> Result<Response<Body>, Refusal> {
        self.pages().page(status, template, forms, Runs::Nothing)
    }

    /// A page that says why a form was not taken, or shows it first.
    pub(super) fn answer(
        &self,
        fault: Option<&Fault>,
        template: &impl Template,
        forms: &str,
    ) -> Result<Response<Body>, Refusal> {
        self.answer_asking(fault, template, forms, None)
    }

    /// The same for a page that may ask for a passkey.
    pub(super) fn answer_asking(
        &self,
        fault: Option<&Fault>,
        template: &impl Template,
        forms: &str,
        offer: Option<&Offer>,
    ) -> Result<Response<Body>, Refusal> {
        let status = fault.map_or(StatusCode::OK, |fault| fault.status);
        let runs = if offer.is_some() { Runs::Passkeys } else { Runs::Nothing };
        let mut response = self.pages().page(status, template, forms, runs)?;
        if let Some(seconds) = fault.and_then(|fault| fault.seconds) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        Ok(response)
    }

    /// Refuses a form that another site made this browser send.
    pub(super) fn check_own_form(&self) -> Result<(), Refusal> {
        pipeline::check_own_form(self.request, self.target)
    }

    /// The sign-in of this browser, with the account as it is now.
    pub(super) fn signed_in(&self) -> Option<(Arc<Session>, Arc<User>)> {
        // Without TLS nobody is signed in at the gate, whatever came along.
        let value = self.cookie(&self.session_cookie()).filter(|_| !self.is_plain())?;
        let session = self.shared().sessions.at_gate(value, self.level())?;
        let user = self.snapshot.users.get(&session.user)?;
        session::may_begin(user, self.level()).then(|| (session, Arc::clone(user)))
    }

    /// Makes a session for this browser; returns it with its cookie.
    pub(super) async fn begin_session(&self, user: &User) -> Result<(Arc<Session>, HeaderValue), Refusal> {
        let token = self.shared().sessions.begin(user.id, self.visit()).await.map_err(|error| {
            tracing::error!(%error, "a session could not be saved");
            Refusal::Internal
        })?;
        self.shared().changed.notify_one();
        let session = self.shared().sessions.at_gate(&token, self.level()).ok_or(Refusal::Internal)?;
        // The account may have changed while password or code was verified.
        if user.withdrawn.is_cancelled() {
            super::end(self.connection, &session.id).await?;
            return Err(Refusal::Withdrawn);
        }
        let cookie = cookie::set(&self.session_cookie(), &token, session::LIFETIME);
        Ok((session, cookie.ok_or(Refusal::Internal)?))
    }

    /// The tools that are open here for an account, by name.
    pub(super) fn open_tools(&self, user: &User) -> Vec<OpenTool> {
        let open = self.snapshot.doors.iter().filter(|door| door.plan.level == self.level());
        let named = open.filter_map(|door| match &door.plan.serves {
            Serves::Tool(id) if user.may_use(id) => Some(OpenTool {
                id: id.clone(),
                name: self.snapshot.tools.get(id)?.name.clone(),
                url: door.origin_from_gate(&self.target.origin.host),
            }),
            Serves::Tool(_) | Serves::Gate => None,
        });
        let mut tools: Vec<OpenTool> = named.collect();
        tools.sort_by(|one, other| one.name.cmp(&other.name));
        tools
    }

    /// A cookie of ours.
    pub(super) fn cookie(&self, name: &str) -> Option<&'a str> {
        cookie::value(self.request.headers(), name)
    }

    /// The name of the session's cookie.
    pub(super) fn session_cookie(&self) -> String {
        cookie_name(self.connection.scheme, self.connection.door.plan.port)
    }

    /// The name of the cookie of a half sign-in.
    pub(super) fn half_cookie(&self) -> String {
        format!("{}half-{}", cookie::prefix(self.connection.scheme), self.connection.door.plan.port)
    }

    /// Half sign-ins; those without TLS are others than those under it.
    pub(super) fn halves(&self) -> &'a Halves {
        match self.connection.scheme {
            Scheme::Https => &self.connection.shared.halves,
            Scheme::Http => &self.connection.shared.plain_halves,
        }
    }

    /// The name of the cookie of a question to the owner.
    pub(super) fn question_cookie(&self) -> String {
        format!("{}question-{}", cookie::PREFIX, self.connection.door.plan.port)
    }

    /// The name of the cookie of a device the owner need not be asked about.
    pub(super) fn device_cookie(&self) -> String {
        format!("{}device-{}", cookie::PREFIX, self.connection.door.plan.port)
    }

    /// What the browser calls itself.
    pub(super) fn agent(&self) -> &'a str {
        let agent = self.request.headers().get(header::USER_AGENT);
        agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default()
    }

    /// The name of the cookie that binds a sign-in with a passkey alone to this browser.
    pub(super) fn passkey_cookie(&self) -> String {
        format!("{}passkey-{}", cookie::PREFIX, self.connection.door.plan.port)
    }

    /// The mark of this browser for a pass.
    pub(super) fn guest_mark(&self, pass: PassId) -> Option<&'a str> {
        self.cookie(&self.guest_cookie(pass))
    }

    /// The name of the cookie of a pass.
    pub(super) fn guest_cookie(&self, pass: PassId) -> String {
        format!("{}guest-{}-{pass}", cookie::PREFIX, self.connection.door.plan.port)
    }

    /// Where this browser is, and what it calls itself.
    pub(super) fn visit(&self) -> Visit {
        let (level, address) = (self.level(), self.connection.client.address());
        Visit { level, address, agent: self.agent().to_owned() }
    }

    fn pages(&self) -> &'a Pages {
        &self.connection.shared.pages
    }
}

impl Fault {
    /// Something typed was wrong.
    pub(super) fn wrong(error: Sentence) -> Self {
        Self { status: StatusCode::FORBIDDEN, error, seconds: None }
    }

    /// A new password may not be used.
    pub(super) fn bad_password(bad: BadPassword) -> Self {
        let error = match bad {
            BadPassword::TooShort => Sentence::new("new-password-short"),
            BadPassword::TooLong => Sentence::new("new-password-long"),
            BadPassword::Common => Sentence::new("new-password-common"),
            BadPassword::Weak => Sentence::new("new-password-weak"),
        };
        Self { status: StatusCode::BAD_REQUEST, error, seconds: None }
    }

    /// The account waits after a wrong password.
    pub(super) fn wait(left: Duration) -> Self {
        let seconds = Refusal::Wait(left).retry_after();
        let error = Sentence::new("sign-in-wait").with("seconds", seconds.unwrap_or_default());
        Self { status: StatusCode::TOO_MANY_REQUESTS, error, seconds }
    }

    /// The account waits after a wrong code, which may be for long.
    pub(super) fn code_wait(left: Duration) -> Self {
        let seconds = Refusal::Wait(left).retry_after().unwrap_or_default();
        let error = if seconds < 120 {
            Sentence::new("code-wait").with("seconds", seconds)
        } else {
            Sentence::new("code-wait-long").with("minutes", seconds.div_ceil(60))
        };
        Self { status: StatusCode::TOO_MANY_REQUESTS, error, seconds: Some(seconds) }
    }

    /// The owner is not asked about this account now.
    pub(super) fn approval_later(left: Duration) -> Self {
        let seconds = Refusal::ApprovalLater(left).retry_after().unwrap_or_default();
        let error = Sentence::new("approval-later").with("minutes", seconds.div_ceil(60));
        Self { status: StatusCode::FORBIDDEN, error, seconds: Some(seconds) }
    }

    /// Too much at once.
    pub(super) fn busy() -> Self {
        let (status, seconds) = (StatusCode::SERVICE_UNAVAILABLE, Refusal::Busy.retry_after());
        Self { status, error: Sentence::new("sign-in-busy"), seconds }
    }
}
