//! Passwords for single devices, made and revoked by the people themselves. One more needs the password again: it outlives
//! this session.

use super::super::{
    caller::{Caller, Fault},
    form::Form,
};
use super::{check_password, sessions::ago};
use crate::{
    clock::Timestamp,
    identity::{
        token::{self, Token, Wish},
        user::User,
    },
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
    tools::ToolId,
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use std::time::Duration;

/// One token in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) facts: String,
    /// What its button says to who cannot see where it stands.
    pub(super) revoke_label: String,
}

/// Every token of this account, oldest first.
pub(super) fn rows(caller: &Caller<'_>, user: &User) -> Vec<Row> {
    let tokens = caller.shared().tokens.list();
    tokens.iter().filter(|token| token.user == user.id).map(|token| row(caller, token)).collect()
}

fn row(caller: &Caller<'_>, token: &Token) -> Row {
    let now = caller.shared().clock.timestamp();
    let name = if token.name.is_empty() { caller.text("token-nameless") } else { token.name.clone() };
    let tool = token
        .tool
        .as_ref()
        .map(|id| caller.snapshot.tools.get(id).map_or_else(|| id.to_string(), |tool| tool.name.clone()));
    let used = match token.last_seen() {
        Some(seen) => Sentence::new("token-used").with("seen", ago(now, Timestamp(seen))),
        None => Sentence::new("own-token-unused"),
    };
    let tool = tool.unwrap_or_else(|| caller.text("token-all-tools"));
    let end = match token.expires {
        Some(end) => Sentence::new("token-ends-in").with("days", end.0.saturating_sub(now.0).div_ceil(DAY)),
        None => Sentence::new("token-ends-never"),
    };
    let facts = Sentence::new("token-facts").with("tool", tool).with("used", used).with("end", end);
    Row {
        id: token.id.clone(),
        facts: caller.sentence(&facts),
        revoke_label: caller.sentence(&Sentence::new("token-revoke-named").with("name", name.as_str())),
        name,
    }
}

/// The form for one more.
pub(in super::super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    page(caller, &user, None)
}

/// Makes one, and shows it once.
pub(in super::super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let tool = match form.tool.as_str() {
        "" => None,
        id => Some(ToolId::stored(id.to_owned())),
    };
    let name = form.name.trim();
    if !token::is_name(name) {
        return page(caller, &user, Some(&bad(Sentence::new("token-name-bad"))));
    }
    if tool.as_ref().is_some_and(|tool| !caller.open_tools(&user).iter().any(|open| open.id == *tool)) {
        return page(caller, &user, Some(&bad(Sentence::new("token-tool-bad"))));
    }
    if let Err(fault) = check_password(caller, &user, form.password).await {
        return page(caller, &user, Some(&fault));
    }
    let lifetime = LIFETIMES.into_iter().find(|(value, _)| *value == form.days).and_then(|(_, days)| days);
    let lifetime = lifetime.map(|days| Duration::from_secs(days * DAY));
    // The account or the sign-in may have ended while the password was verified.
    if user.withdrawn.is_cancelled() || session.ended.is_cancelled() {
        return Err(Refusal::Withdrawn);
    }
    let wish = Wish { user: user.id, name: name.to_owned(), tool, lifetime };
    let made = caller.shared().tokens.create(wish).await.map_err(|error| {
        tracing::error!(%error, "a token could not be saved");
        Refusal::Internal
    })?;
    let Some((token, secret)) = made else {
        return page(caller, &user, Some(&bad(Sentence::new("own-token-too-many"))));
    };
    // What was withdrawn in this moment takes it along.
    if user.withdrawn.is_cancelled() {
        caller.shared().tokens.revoke(|known| known.id == token.id).await.map_err(|_| Refusal::Internal)?;
        return Err(Refusal::Withdrawn);
    }
    caller.shared().changed.notify_one();
    let template = Made {
        frame: caller.frame(caller.text("token-made-title")),
        lead: caller.text("token-made-lead"),
        token: secret.expose().to_owned(),
        kept: caller.text("token-kept"),
    };
    caller.page(StatusCode::OK, &template, "")
}

/// Revokes one of the account's own.
pub(in super::super) async fn revoke(caller: &Caller<'_>, form: &Form) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let revoked =
        caller.shared().tokens.revoke(|token| token.user == user.id && token.id == form.token).await;
    caller.shared().changed.notify_one();
    revoked.map_err(|error| {
        tracing::error!(%error, "the end of a token could not be saved");
        Refusal::Internal
    })?;
    see_other("/account?ended")
}

fn bad(error: Sentence) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, error, seconds: None }
}

fn page(caller: &Caller<'_>, user: &User, fault: Option<&Fault>) -> Result<Response<Body>, Refusal> {
    let template = New {
        frame: caller.frame(caller.text("token-new-title")),
        lead: caller.text("token-new-lead"),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        username: user.name.clone(),
        name_label: caller.text("token-name-label"),
        tool_label: caller.text("token-tool-label"),
        all_tools: caller.text("token-all-tools"),
        tools: caller.open_tools(user).iter().map(|open| (open.id.to_string(), open.name.clone())).collect(),
        end_label: caller.text("token-end-label"),
        ends: [
            ("", caller.text("token-no-end")),
            ("30", caller.text("token-30-days")),
            ("365", caller.text("token-a-year")),
        ],
        password_label: caller.text("password-old"),
        button: caller.text("token-make"),
        back: caller.text("to-account"),
    };
    caller.answer(fault, &template, "")
}

/// Seconds of a day.
const DAY: u64 = 24 * 3600;
/// How long a token may live, as the form says it, in days.
const LIFETIMES: [(&str, Option<u64>); 3] = [("", None), ("30", Some(30)), ("365", Some(365))];

#[derive(Template)]
#[template(path = "token.html")]
struct New {
    frame: Frame,
    lead: String,
    error: Option<String>,
    username: String,
    name_label: String,
    tool_label: String,
    all_tools: String,
    tools: Vec<(String, String)>,
    end_label: String,
    ends: [(&'static str, String); 3],
    password_label: String,
    button: String,
    back: String,
}

#[derive(Template)]
#[template(path = "token_made.html")]
struct Made {
    frame: Frame,
    lead: String,
    token: String,
    kept: String,
}
