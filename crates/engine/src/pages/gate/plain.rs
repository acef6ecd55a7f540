//! Signing in without TLS, for one tool whose owner allows that: the form and the code, each with a warning and the way to
//! HTTPS. Nothing else of the gate is answered so, and what comes of it is good for that one door, without TLS alone.

use super::{
    caller::Caller,
    form::{Form, fields},
    second_factor, sign_in,
    way::Way,
};
use crate::{
    headers::authority,
    identity::{session::Visit, user::User},
    pages::{routes::Page, see_other},
    proxy::{body::Body, door::Serves, refusal::Refusal},
};
use hyper::{Response, StatusCode};
use std::future::Future;

/// What such a page says besides.
pub(super) struct Warning {
    pub(super) text: String,
    pub(super) link: String,
    /// The same tool over HTTPS.
    pub(super) url: String,
}

/// Answers what was asked without TLS: the pages of a sign-in that leads to such a door, or the way to HTTPS.
pub(super) async fn answer(
    caller: &Caller<'_>,
    page: Page,
    form: impl Future<Output = Result<Form, Refusal>>,
) -> Result<Response<Body>, Refusal> {
    match page {
        Page::SignInForm | Page::SecondFactorForm => {
            let way = fields(caller.request.uri().query().unwrap_or_default().as_bytes()).way;
            match (way.door(caller), page) {
                (None, _) => to_https(caller),
                (Some(_), Page::SignInForm) => sign_in::show(caller),
                (Some(_), _) => second_factor::show(caller),
            }
        }
        Page::SignIn | Page::SecondFactor => {
            let form = form.await?;
            match (form.way.door(caller), page) {
                // What was typed is looked at no further.
                (None, _) => see_other(&format!("{}/sign-in", https(caller))),
                (Some(_), Page::SignIn) => sign_in::take(caller, form).await,
                (Some(_), _) => second_factor::take(caller, form).await,
            }
        }
        _ => to_https(caller),
    }
}

/// The same page over HTTPS.
pub(super) fn to_https(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let path = caller.request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut response = see_other(&format!("{}{path}", https(caller)))?;
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    Ok(response)
}

/// A session for the one door the visitor came from, and the code that leads there.
pub(super) async fn welcome(caller: &Caller<'_>, way: &Way, user: &User) -> Result<Response<Body>, Refusal> {
    let Some((door, origin)) = way.door(caller) else { return to_https(caller) };
    let Serves::Tool(tool) = &door.plan.serves else { return to_https(caller) };
    if way.state.is_empty() {
        return see_other(&format!("{origin}/"));
    }
    if !user.may_use(tool) {
        return Err(Refusal::NotForYou);
    }
    let (level, address) = (caller.level(), caller.connection.client.address());
    let visit = Visit { level, address, agent: caller.agent().to_owned() };
    let sessions = &caller.shared().sessions;
    let session = sessions.begin_plain(user.id, visit).await.map_err(|error| {
        tracing::error!(%error, "a session could not be saved");
        Refusal::Internal
    })?;
    caller.shared().changed.notify_one();
    // The account may have changed while password or code was verified.
    if user.withdrawn.is_cancelled() {
        super::end(caller.connection, &session.id).await?;
        return Err(Refusal::Withdrawn);
    }
    let code = sessions.code(session, tool.clone(), way.state.clone());
    let code = code.map_err(|_| Refusal::Internal)?.ok_or(Refusal::Busy)?;
    way.enter(&origin, &code)
}

/// What a page of such a sign-in warns of.
pub(super) fn warning(caller: &Caller<'_>, way: &Way) -> Option<Warning> {
    let (door, _) = way.door(caller).filter(|_| caller.is_plain())?;
    Some(Warning {
        text: caller.text("plain-warning"),
        link: caller.text("plain-link"),
        url: format!("{}{}", door.origin_from_gate(&caller.target.origin.host), way.to),
    })
}

fn https(caller: &Caller<'_>) -> String {
    authority::https_origin(&caller.target.origin.host, caller.connection.door.plan.port)
}
