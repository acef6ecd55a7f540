//! The code or passkey after the password. Whoever is half signed in gets this page and no other.

use super::{
    caller::{Caller, Fault},
    form::{Form, fields},
    passkey::{self, Offer, Wanted},
    plain::{self, Warning},
    sign_in,
    way::Way,
};
use crate::{
    headers::cookie,
    identity::{
        second_factor::{
            challenge::Act,
            half::{After, LIFETIME},
            verify::{Answer, Evidence, Outcome},
        },
        user::User,
    },
    pages::{Frame, door::set, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::Response;
use std::{sync::Arc, time::Duration};

/// The password was right: a half sign-in for this browser, and the way to its page.
pub(super) fn begin(caller: &Caller<'_>, way: &Way, user: Arc<User>) -> Result<Response<Body>, Refusal> {
    let name = caller.half_cookie();
    if let Some(old) = caller.cookie(&name) {
        caller.halves().end(old);
    }
    let token = caller.halves().begin(user, caller.level()).map_err(|_| Refusal::Internal)?;
    let mut response = see_other(&format!("/second-factor?{}", way.query()))?;
    set(&mut response, cookie::set(&name, &token, LIFETIME))?;
    Ok(response)
}

/// The form; without a half sign-in the way back to the password.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let form = fields(caller.request.uri().query().unwrap_or_default().as_bytes());
    let name = caller.half_cookie();
    let Some(half) = caller.cookie(&name) else { return to_sign_in(&form.way) };
    match caller.halves().find(half, caller.level()) {
        Some(user) => page(caller, &form, &user, half, None),
        None => to_sign_in(&form.way),
    }
}

/// Takes a code, of the app or a recovery code, or what a passkey said.
pub(super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let (shared, level, name) = (caller.shared(), caller.level(), caller.half_cookie());
    let halves = caller.halves();
    let Some(half) = caller.cookie(&name) else { return to_sign_in(&form.way) };
    let Some(user) = halves.find(half, level) else { return to_sign_in(&form.way) };
    let still = || halves.find(half, level).is_some();
    let assertion = passkey::assertion(&form.passkey);
    let evidence = match (&assertion, passkey::site(caller)) {
        (Some(assertion), Some(site)) => {
            let purpose = passkey::purpose(caller, Act::After, half);
            Evidence::Key(Answer { assertion, site, purpose })
        }
        _ => Evidence::Code(&form.code),
    };
    let fault = match shared.second_factor.verify(&shared.sign_in, &user, evidence, still).await {
        Outcome::Right => {
            shared.changed.notify_one();
            let Some(user) = halves.take(half, level) else { return to_sign_in(&form.way) };
            return without_half(caller, sign_in::welcome(caller, &form.way, &user).await?);
        }
        Outcome::Wrong => {
            tracing::info!(client = %caller.connection.client.address(), "a code was wrong");
            if halves.wrong(half) == After::Over {
                let fault = Fault::wrong(Sentence::new("second-factor-over"));
                return without_half(caller, sign_in::again(caller, &form.way, fault)?);
            }
            passkey::refused(assertion.as_ref())
        }
        Outcome::Wait(left) => Fault::code_wait(left),
        Outcome::Busy => Fault::busy(),
        Outcome::Over => return to_sign_in(&form.way),
    };
    page(caller, &form, &user, half, Some(&fault))
}

fn to_sign_in(way: &Way) -> Result<Response<Body>, Refusal> {
    see_other(&format!("/sign-in?{}", way.query()))
}

fn without_half(caller: &Caller<'_>, mut response: Response<Body>) -> Result<Response<Body>, Refusal> {
    set(&mut response, cookie::set(&caller.half_cookie(), "", Duration::ZERO))?;
    Ok(response)
}

fn page(
    caller: &Caller<'_>,
    form: &Form,
    user: &User,
    half: &str,
    fault: Option<&Fault>,
) -> Result<Response<Body>, Refusal> {
    let origin = form.way.door(caller).map(|(_, origin)| origin);
    let way = if origin.is_some() { form.way.clone() } else { Way::default() };
    let second = user.second.as_deref();
    let has_app = second.is_some_and(|second| second.totp.is_some());
    let here = passkey::rp(caller).unwrap_or_default();
    let known = second.into_iter().flat_map(|second| second.passkeys_at(here));
    let wanted = Wanted { act: Act::After, browser: half, label: "passkey-use" };
    let recovery = form.recovery || !has_app;
    let key = passkey::offer(caller, &wanted, known)?;
    let (lead, label, other) = if key.is_some() && !has_app {
        ("passkey-lead", "recovery-label", "recovery-other")
    } else if recovery {
        ("recovery-lead", "recovery-label", "recovery-other")
    } else {
        ("code-lead", "code-label", "code-other")
    };
    let template = SecondFactor {
        frame: caller.frame(caller.text("second-factor-title")),
        lead: caller.text(lead),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        label: caller.text(label),
        button: caller.text("sign-in-button"),
        key,
        other: has_app.then(|| caller.text(other)),
        other_url: format!("/second-factor?{}{}", if form.recovery { "" } else { "recovery&" }, way.query()),
        start_over: caller.text("second-factor-start-over"),
        start_over_url: format!("/sign-in?{}", way.query()),
        recovery,
        plain: plain::warning(caller, &way),
        way,
    };
    caller.answer_asking(fault, &template, origin.as_deref().unwrap_or_default(), template.key.as_ref())
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor {
    frame: Frame,
    lead: String,
    error: Option<String>,
    label: String,
    button: String,
    key: Option<Offer>,
    /// Nothing where there is no app to use instead.
    other: Option<String>,
    other_url: String,
    start_over: String,
    start_over_url: String,
    recovery: bool,
    plain: Option<Warning>,
    way: Way,
}
