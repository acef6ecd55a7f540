//! Setting up an authenticator app, other recovery codes, and taking the app away; passkeys are in `passkeys.rs`. Each
//! needs the password again, so that an unlocked browser is not enough to lock its owner out; where there is a factor it
//! is needed too.

use super::{
    super::{
        caller::{Caller, Fault},
        form::Form,
        passkey::{self, Offer, Wanted},
    },
    check_password, factor, passkeys,
};
use crate::{
    identity::{
        own_account::{Answer, Declined, Wish},
        second_factor::{
            Enrolment,
            challenge::Act,
            verify::{self, Evidence},
        },
        session::Session,
        user::User,
    },
    pages::{Frame, qr, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Secret;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode, header};
use std::sync::Arc;

/// The form that begins: the password, and the factor that is there.
pub(in super::super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    page(caller, &user, None)
}

/// Shows a seed to whoever gave the password again.
pub(in super::super) async fn begin(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if user.second.as_ref().is_some_and(|second| second.totp.is_some()) {
        return Stop::Over.answer(caller, &user);
    }
    if let Err(stop) = prove(caller, &session, &user, &form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, Wish::BeginTotp).await {
        Ok(enrolment) => app_page(caller, Some(&enrolment), None),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// Takes the first code of the app.
pub(in super::super) async fn confirm(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let code = form.code;
    let answer = caller
        .shared()
        .own_account
        .ask(&user, &session, |answer: Answer<Vec<Secret>>| Wish::ConfirmTotp(code, answer))
        .await;
    let codes = match answer {
        Ok(codes) => codes,
        Err(Declined::WrongCode) => {
            return app_page(caller, None, Some(&Fault::wrong(Sentence::new("code-not-of-app"))));
        }
        Err(declined) => return Stop::from(declined).answer(caller, &user),
    };
    added(caller, &user, &codes).await
}

/// After one more factor. The first one has recovery codes; with it this browser has another session, and all others none.
pub(super) async fn added(
    caller: &Caller<'_>,
    user: &User,
    codes: &[Secret],
) -> Result<Response<Body>, Refusal> {
    if codes.is_empty() {
        return see_other("/account?added");
    }
    let mut response = codes_page(caller, codes)?;
    // The account as it is now; where no session can be had, the codes are shown all the same, this once.
    let user = caller.shared().snapshot.load().users.get(&user.id).cloned();
    if let Some(user) = user
        && let Ok((_, cookie)) = caller.begin_session(&user).await
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Other recovery codes.
pub(in super::super) async fn codes(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(stop) = prove(caller, &session, &user, &form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, Wish::NewRecoveryCodes).await {
        Ok(codes) => codes_page(caller, &codes),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// No app any more.
pub(in super::super) async fn remove(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(stop) = prove(caller, &session, &user, &form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, Wish::RemoveTotp).await {
        // Passkeys stay.
        Ok(()) if user.factors().any(|factor| factor == "passkey") => see_other("/account?app-removed"),
        Ok(()) => see_other("/account?removed"),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// Why a form leads no further.
pub(super) enum Stop {
    /// The form is shown again with this.
    Fault(Fault),
    /// The account changed meanwhile: its page shows what is true now.
    Over,
    /// This computer failed.
    Failed,
}

impl Stop {
    pub(super) fn answer(self, caller: &Caller<'_>, user: &User) -> Result<Response<Body>, Refusal> {
        match self {
            Self::Fault(fault) => page(caller, user, Some(&fault)),
            Self::Over => see_other("/account/second-factor"),
            Self::Failed => Err(Refusal::Internal),
        }
    }
}

impl From<Declined> for Stop {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::WrongCode => Self::Fault(Fault::wrong(Sentence::new("code-wrong"))),
            Declined::Passkey => Self::Fault(Fault::wrong(Sentence::new("passkey-not-added"))),
            Declined::Over => Self::Over,
            Declined::Busy => Self::Fault(Fault::busy()),
            Declined::Failed | Declined::Password(_) => Self::Failed,
        }
    }
}

pub(super) async fn ask<T>(
    caller: &Caller<'_>,
    session: &Arc<Session>,
    user: &Arc<User>,
    wish: impl FnOnce(Answer<T>) -> Wish,
) -> Result<T, Stop> {
    Ok(caller.shared().own_account.ask(user, session, wish).await?)
}

/// Whether whoever sits at this browser knows the password and, where the account has a factor, has that too.
pub(super) async fn prove(
    caller: &Caller<'_>,
    session: &Session,
    user: &Arc<User>,
    form: &Form,
) -> Result<(), Stop> {
    check_password(caller, user, form.password.clone()).await.map_err(Stop::Fault)?;
    if user.second.is_none() {
        return Ok(());
    }
    let shared = caller.shared();
    let still = || !session.ended.is_cancelled();
    let assertion = passkey::assertion(&form.passkey);
    let browser = caller.cookie(&caller.session_cookie()).unwrap_or_default();
    let evidence = match (&assertion, passkey::site(caller)) {
        (Some(assertion), Some(site)) => {
            let purpose = passkey::purpose(caller, Act::Change, browser);
            Evidence::Key(verify::Answer { assertion, site, purpose })
        }
        _ => Evidence::Code(&form.code),
    };
    let fault = match shared.second_factor.verify(&shared.sign_in, user, evidence, still).await {
        verify::Outcome::Right => {
            shared.changed.notify_one();
            return Ok(());
        }
        verify::Outcome::Wrong => {
            tracing::info!(client = %caller.connection.client.address(), "a code was wrong");
            passkey::refused(assertion.as_ref())
        }
        verify::Outcome::Wait(left) => Fault::code_wait(left),
        verify::Outcome::Busy => Fault::busy(),
        verify::Outcome::Over => return Err(Stop::Over),
    };
    Err(Stop::Fault(fault))
}

fn page(caller: &Caller<'_>, user: &User, fault: Option<&Fault>) -> Result<Response<Body>, Refusal> {
    let second = user.second.as_deref();
    let is_on = second.is_some();
    let has_app = second.is_some_and(|second| second.totp.is_some());
    let (state, count) = factor(caller, user);
    let here = passkey::rp(caller);
    let known = second.into_iter().flat_map(|second| second.passkeys_at(here.unwrap_or_default()));
    let browser = caller.cookie(&caller.session_cookie()).unwrap_or_default();
    let wanted = Wanted { act: Act::Change, browser, label: "passkey-use" };
    let template = Factor {
        frame: caller.frame(caller.text("factor-title")),
        state,
        count,
        lead: caller.text(if is_on { "factor-on-lead" } else { "factor-off-lead" }),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        username: user.name.clone(),
        password_label: caller.text("sign-in-password"),
        code_label: caller.text(if has_app { "code-or-recovery-label" } else { "recovery-label" }),
        key: passkey::offer(caller, &wanted, known)?,
        begin: caller.text(if is_on { "factor-add-app" } else { "factor-set-up" }),
        codes: caller.text("recovery-new"),
        remove: caller.text("factor-remove"),
        passkeys_title: caller.text("passkeys-title"),
        passkeys: passkeys::rows(caller, user),
        passkeys_lead: caller.text(if here.is_some() { "passkeys-lead" } else { "passkeys-no-name" }),
        passkey_remove: caller.text("passkey-remove"),
        passkey_name: caller.text("passkey-name"),
        passkey_add: here.map(|_| caller.text("passkey-add")),
        back: caller.text("to-account"),
        is_on,
        has_app,
    };
    caller.answer_asking(fault, &template, "", template.key.as_ref())
}

/// The QR code and the field for the first code. A wrong code shows the field alone: the seed is shown once.
fn app_page(
    caller: &Caller<'_>,
    enrolment: Option<&Enrolment>,
    fault: Option<&Fault>,
) -> Result<Response<Body>, Refusal> {
    let seed = |enrolment: &Enrolment| {
        let letters: Vec<char> = enrolment.seed.expose().chars().collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    };
    let template = App {
        frame: caller.frame(caller.text("app-title")),
        lead: caller.text(if enrolment.is_some() { "app-lead" } else { "app-lead-again" }),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        qr: enrolment.and_then(|enrolment| qr::draw(enrolment.uri.expose())),
        qr_label: caller.text("app-qr"),
        uri: enrolment.map(|enrolment| enrolment.uri.expose().to_owned()),
        uri_label: caller.text("app-open"),
        seed: enrolment.map(seed),
        seed_label: caller.text("app-seed"),
        code_label: caller.text("code-label"),
        button: caller.text("app-confirm"),
        again: caller.text("app-again"),
    };
    caller.answer(fault, &template, "")
}

fn codes_page(caller: &Caller<'_>, codes: &[Secret]) -> Result<Response<Body>, Refusal> {
    let template = Codes {
        frame: caller.frame(caller.text("recovery-title")),
        lead: caller.text("recovery-kept-lead"),
        codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
        kept: caller.text("recovery-kept"),
    };
    caller.page(StatusCode::OK, &template, "")
}

#[derive(Template)]
#[template(path = "factor.html")]
struct Factor {
    frame: Frame,
    state: String,
    count: Option<String>,
    lead: String,
    error: Option<String>,
    username: String,
    password_label: String,
    code_label: String,
    key: Option<Offer>,
    begin: String,
    codes: String,
    remove: String,
    passkeys_title: String,
    passkeys: Vec<passkeys::Row>,
    passkeys_lead: String,
    passkey_remove: String,
    passkey_name: String,
    /// Nothing where this gate has no name.
    passkey_add: Option<String>,
    back: String,
    is_on: bool,
    has_app: bool,
}

#[derive(Template)]
#[template(path = "app.html")]
struct App {
    frame: Frame,
    lead: String,
    error: Option<String>,
    qr: Option<qr::Drawing>,
    qr_label: String,
    uri: Option<String>,
    uri_label: String,
    seed: Option<String>,
    seed_label: String,
    code_label: String,
    button: String,
    again: String,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct Codes {
    frame: Frame,
    lead: String,
    codes: Vec<String>,
    kept: String,
}
