//! Signing in with name and password, and out again. A sign-in leads on to where the visitor wanted to go.

use super::{
    approval,
    caller::{Caller, Fault},
    end,
    form::{Form, fields},
    pass,
    passkey::{self, Offer},
    plain::{self, Warning},
    second_factor,
    way::Way,
};
use crate::{
    headers::cookie,
    identity::{basic::Credential, session::Session, sign_in::Outcome, user::User},
    pages::{Frame, door::set, see_other},
    proxy::{body::Body, door::Serves, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Level;
use drawbridge_texts::Sentence;
use hyper::{Response, header};
use std::{sync::Arc, time::Duration};
use url::form_urlencoded;

/// The form, or on where somebody is signed in already.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let query = caller.request.uri().query().unwrap_or_default().as_bytes();
    let way = fields(query).way;
    let left = form_urlencoded::parse(query).any(|(name, _)| name == "left");
    if !left {
        let own = caller.signed_in().map(|(session, user)| onward(caller, &way, session, &user));
        // A guest's pass opens its tool also to who is signed in and may not use it.
        if matches!(own, None | Some(Err(Refusal::NotForYou)))
            && !caller.is_plain()
            && let Some(response) = pass::onward(caller, &way)?
        {
            return Ok(response);
        }
        if let Some(own) = own {
            return own;
        }
    }
    page(caller, &way, &Said { notice: left.then_some("signed-out"), ..Said::default() })
}

/// Takes the form.
pub(super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Form { way, username, password, .. } = form;
    let credential = Credential { name: username.clone(), password };
    let lets_in = |user: &User| approval::lets_in(caller, user);
    let attempt = caller.shared().sign_in.attempt(caller.snapshot, caller.level(), credential, lets_in);
    let fault = match attempt.await {
        Outcome::Welcome(user) => {
            let mut response = welcome(caller, &way, &user).await?;
            if !caller.is_plain() {
                approval::renew(caller, &user, &mut response)?;
            }
            return Ok(response);
        }
        Outcome::Halfway(user) => return second_factor::begin(caller, &way, user),
        Outcome::Unapproved(user) => match approval::begin(caller, &way, &user).await? {
            Ok(response) => return Ok(response),
            Err(fault) => fault,
        },
        Outcome::Wrong => {
            tracing::info!(client = %caller.connection.client.address(), "a sign-in failed");
            Fault::wrong(Sentence::new("sign-in-wrong"))
        }
        Outcome::Wait(left) => Fault::wait(left),
        Outcome::Busy => Fault::busy(),
    };
    page(caller, &way, &Said { fault: Some(fault), username, notice: None })
}

/// The form again, because what followed the password failed.
pub(super) fn again(caller: &Caller<'_>, way: &Way, fault: Fault) -> Result<Response<Body>, Refusal> {
    page(caller, way, &Said { fault: Some(fault), ..Said::default() })
}

/// A session for whoever proved everything, in place of the one this browser may have had.
pub(super) async fn welcome(
    caller: &Caller<'_>,
    way: &Way,
    user: &Arc<User>,
) -> Result<Response<Body>, Refusal> {
    if caller.is_plain() {
        return plain::welcome(caller, way, user).await;
    }
    if let Some((old, _)) = caller.signed_in() {
        end(caller.connection, &old.id).await?;
    }
    let (session, cookie) = caller.begin_session(user).await?;
    let mut response = match onward(caller, way, session, user) {
        // Signed in all the same: the page that says so must not cost the cookie, or the session would belong to nobody.
        Err(Refusal::NotForYou) => see_other(&format!("/sign-in?{}", way.query()))?,
        done => done?,
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// From the gate to where the visitor wanted to go, with a one-time code, or to the home page.
fn onward(
    caller: &Caller<'_>,
    way: &Way,
    session: Arc<Session>,
    user: &User,
) -> Result<Response<Body>, Refusal> {
    let Some((door, origin)) = way.door(caller) else { return see_other("/") };
    let Serves::Tool(tool) = &door.plan.serves else { return see_other("/") };
    if way.state.is_empty() {
        return see_other(&format!("{origin}/"));
    }
    if !user.may_use(tool) {
        return Err(Refusal::NotForYou);
    }
    let code = caller.shared().sessions.code(session, tool.clone(), way.state.clone());
    let code = code.map_err(|_| Refusal::Internal)?.ok_or(Refusal::Busy)?;
    way.enter(&origin, &code)
}

/// Ends the sign-in of this browser, also half a one.
pub(super) async fn sign_out(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    caller.check_own_form()?;
    let name = caller.session_cookie();
    let sessions = &caller.shared().sessions;
    if let Some(session) = caller.cookie(&name).and_then(|value| sessions.at_gate(value, caller.level())) {
        end(caller.connection, &session.id).await?;
    }
    let mut response = see_other("/sign-in?left")?;
    set(&mut response, cookie::set(&name, "", Duration::ZERO))?;
    let half = caller.half_cookie();
    if let Some(value) = caller.cookie(&half) {
        caller.halves().end(value);
        set(&mut response, cookie::set(&half, "", Duration::ZERO))?;
    }
    approval::forget_question(caller, &mut response)?;
    Ok(response)
}

/// What the form says above its fields.
#[derive(Default)]
struct Said {
    fault: Option<Fault>,
    notice: Option<&'static str>,
    username: String,
}

fn page(caller: &Caller<'_>, way: &Way, said: &Said) -> Result<Response<Body>, Refusal> {
    let origin = way.door(caller).map(|(_, origin)| origin);
    let fault = said.fault.as_ref();
    let (key, browser) = passkey::at_sign_in(caller)?.unzip();
    let template = SignIn {
        frame: caller.frame(caller.text("sign-in-title")),
        lead: caller.text("sign-in-lead"),
        notice: said.notice.map(|notice| caller.text(notice)),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        name_label: caller.text("sign-in-name"),
        password_label: caller.text("sign-in-password"),
        button: caller.text("sign-in-button"),
        key,
        strong: (caller.level() == Level::Internet).then(|| caller.text("sign-in-strong")),
        plain: plain::warning(caller, way),
        username: said.username.chars().take(MAX_NAME).collect(),
        // A way that leads to no door of ours is dropped, not shown.
        way: if origin.is_some() { way.clone() } else { Way::default() },
    };
    // Browsers also hold the redirect after the form to the policy, so the door it leads to is named.
    let origin = origin.unwrap_or_default();
    let mut response = caller.answer_asking(fault, &template, &origin, template.key.as_ref())?;
    if let Some(browser) = browser {
        passkey::bind(caller, &mut response, &browser)?;
    }
    Ok(response)
}

/// Letters of a name shown again in the form.
const MAX_NAME: usize = 256;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    lead: String,
    notice: Option<String>,
    error: Option<String>,
    name_label: String,
    password_label: String,
    button: String,
    key: Option<Offer>,
    strong: Option<String>,
    plain: Option<Warning>,
    username: String,
    way: Way,
}
