//! Waiting for the owner: the page of a device he does not know, after the right password. It asks again by itself.

use super::{
    caller::{Caller, Fault},
    form::fields,
    sign_in,
    way::Way,
};
use crate::{
    headers::cookie,
    identity::{
        approval::{Answer, Asked, LIFETIME, Shown, Standing, Tokens, WAITING},
        user::User,
    },
    pages::{Frame, door::set, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Level;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use std::{sync::Arc, time::Duration};

/// Whether the password is enough for this account in this browser.
pub(super) fn lets_in(caller: &Caller<'_>, user: &User) -> bool {
    let known = caller.signed_in().is_some_and(|(_, known)| known.id == user.id);
    let shown = if known { Shown::SignedIn } else { shown(caller) };
    caller.shared().approvals.lets_in(user, caller.level(), &shown)
}

/// Asks the owner, or says why not.
pub(super) async fn begin(
    caller: &Caller<'_>,
    way: &Way,
    user: &Arc<User>,
) -> Result<Result<Response<Body>, Fault>, Refusal> {
    let from = (caller.connection.client.address(), caller.agent());
    let asked = caller.shared().approvals.ask(user, from, &shown(caller));
    caller.shared().changed.notify_one();
    Ok(Err(match asked.map_err(|_| Refusal::Internal)? {
        Asked::Allowed(answer) => return finish(caller, way, user, answer).await.map(Ok),
        Asked::Claimed => return see_other("/").map(Ok),
        Asked::Waits { token, .. } => {
            let mut response = see_other(&format!("/approval?{}", way.query()))?;
            // A yes at the last moment is good for as long again.
            set(&mut response, cookie::set(&caller.question_cookie(), token.expose(), WAITING * 2))?;
            return Ok(Ok(response));
        }
        Asked::Later(left) => Fault::approval_later(left),
        Asked::ProgramWaits | Asked::Busy => Fault::busy(),
    }))
}

/// The page that waits, or what the owner said.
pub(super) async fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let way = fields(caller.request.uri().query().unwrap_or_default().as_bytes()).way;
    let approvals = &caller.shared().approvals;
    let Some(token) = caller.cookie(&caller.question_cookie()) else { return to_sign_in(&way) };
    match approvals.standing(token) {
        None => to_sign_in(&way),
        Some(Standing::Waits(number)) => page(caller, &way, number),
        // Another click was first; by now it may have led to a session.
        Some(Standing::Claimed) => see_other("/"),
        Some(Standing::Refused) => {
            let mut response = sign_in::again(caller, &way, Fault::wrong(Sentence::new("approval-no")))?;
            set(&mut response, cookie::set(&caller.question_cookie(), "", Duration::ZERO))?;
            Ok(response)
        }
        Some(Standing::Allowed) => match approvals.claim(token) {
            Some((user, answer)) => finish(caller, &way, &user, answer).await,
            None => to_sign_in(&way),
        },
    }
}

/// A session for whoever was let in, on a device that may be known from here on. Where it fails the yes stays good.
async fn finish(
    caller: &Caller<'_>,
    way: &Way,
    user: &Arc<User>,
    answer: Answer,
) -> Result<Response<Body>, Refusal> {
    let begun = sign_in::welcome(caller, way, user).await;
    caller.shared().approvals.settle(&shown(caller), begun.is_ok());
    let mut response = begun?;
    set(&mut response, cookie::set(&caller.question_cookie(), "", Duration::ZERO))?;
    if answer == Answer::Always {
        remember(caller, user, &mut response).await?;
    }
    Ok(response)
}

/// After a sign-in that needed no question: one that still stands in this browser is over, and a known device stays known.
pub(super) fn renew(caller: &Caller<'_>, user: &User, response: &mut Response<Body>) -> Result<(), Refusal> {
    forget_question(caller, response)?;
    let approvals = &caller.shared().approvals;
    match caller.cookie(&caller.device_cookie()) {
        Some(token) if approvals.devices.knows(user.id, token) => {
            set(response, cookie::set(&caller.device_cookie(), token, LIFETIME))
        }
        _ => Ok(()),
    }
}

/// Ends a question of this browser, whatever was answered.
pub(super) fn forget_question(caller: &Caller<'_>, response: &mut Response<Body>) -> Result<(), Refusal> {
    let name = caller.question_cookie();
    let Some(token) = caller.cookie(&name) else { return Ok(()) };
    caller.shared().approvals.end(token);
    caller.shared().changed.notify_one();
    set(response, cookie::set(&name, "", Duration::ZERO))
}

/// Makes a device known that the owner let in by a link of his own.
pub(super) async fn introduce(
    caller: &Caller<'_>,
    user: &User,
    response: &mut Response<Body>,
) -> Result<(), Refusal> {
    if caller.level() < Level::Internet {
        return Ok(());
    }
    remember(caller, user, response).await
}

/// Where that cannot be saved the owner is asked again the next time; who is in is in.
async fn remember(caller: &Caller<'_>, user: &User, response: &mut Response<Body>) -> Result<(), Refusal> {
    let name = caller.device_cookie();
    let known = caller.shared().approvals.devices.add(user.id, caller.cookie(&name), caller.agent()).await;
    match known {
        Ok(token) => {
            caller.shared().changed.notify_one();
            set(response, cookie::set(&name, token.expose(), LIFETIME))
        }
        Err(error) => {
            tracing::warn!(%error, "a device was not made known, so the owner is asked about it again");
            Ok(())
        }
    }
}

fn shown<'a>(caller: &Caller<'a>) -> Shown<'a> {
    let device = caller.cookie(&caller.device_cookie());
    Shown::Page(Tokens { device, question: caller.cookie(&caller.question_cookie()) })
}

fn to_sign_in(way: &Way) -> Result<Response<Body>, Refusal> {
    see_other(&format!("/sign-in?{}", way.query()))
}

fn page(caller: &Caller<'_>, way: &Way, number: u8) -> Result<Response<Body>, Refusal> {
    let origin = way.door(caller).map(|(_, origin)| origin);
    let template = Approval {
        frame: caller.frame(caller.text("approval-title")),
        lead: caller.text("approval-lead"),
        number_label: caller.text("approval-number"),
        number,
        hint: caller.text("approval-hint"),
        start_over: caller.text("second-factor-start-over"),
        start_over_url: format!("/sign-in?{}", way.query()),
        retry: RETRY.as_secs(),
    };
    caller.page(StatusCode::OK, &template, origin.as_deref().unwrap_or_default())
}

#[derive(Template)]
#[template(path = "approval.html")]
struct Approval {
    frame: Frame,
    lead: String,
    number_label: String,
    number: u8,
    hint: String,
    start_over: String,
    start_over_url: String,
    retry: u64,
}

/// How often the page asks.
const RETRY: Duration = Duration::from_secs(3);
