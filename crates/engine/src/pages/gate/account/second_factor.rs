//! Setting up a second factor, other recovery codes, and taking it away. Each needs the password again, so that an
//! unlocked browser is not enough to lock its owner out; what weakens the account needs a code besides.

use super::{
    super::{
        caller::{Caller, Fault},
        form::Form,
    },
    check_password, factor,
};
use crate::{
    identity::{
        own_account::{Answer, Declined, Wish},
        second_factor::{Enrolment, verify},
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

/// The form that begins: the password, and for a factor that is there a code.
pub(in super::super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    page(caller, &user, None)
}

/// Shows a seed to whoever gave the password again.
pub(in super::super) async fn begin(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(fault) = check_password(caller, &user, form.password).await {
        return page(caller, &user, Some(&fault));
    }
    match ask(caller, &session, &user, Wish::BeginTotp).await {
        Ok(enrolment) => app_page(caller, Some(&enrolment), None),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// Takes the first code of the app. From here on this browser has another session, and all others none.
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
    let mut response = codes_page(caller, &codes)?;
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
    if let Err(stop) = check_both(caller, &session, &user, form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, Wish::NewRecoveryCodes).await {
        Ok(codes) => codes_page(caller, &codes),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// No second factor any more.
pub(in super::super) async fn remove(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(stop) = check_both(caller, &session, &user, form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, Wish::RemoveTotp).await {
        Ok(()) => see_other("/account?removed"),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// Why a form leads no further.
enum Stop {
    /// The form is shown again with this.
    Fault(Fault),
    /// The account changed meanwhile: its page shows what is true now.
    Over,
    /// This computer failed.
    Failed,
}

impl Stop {
    fn answer(self, caller: &Caller<'_>, user: &User) -> Result<Response<Body>, Refusal> {
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
            Declined::Over => Self::Over,
            Declined::Busy => Self::Fault(Fault::busy()),
            Declined::Failed | Declined::Password(_) => Self::Failed,
        }
    }
}

async fn ask<T>(
    caller: &Caller<'_>,
    session: &Arc<Session>,
    user: &Arc<User>,
    wish: impl FnOnce(Answer<T>) -> Wish,
) -> Result<T, Stop> {
    Ok(caller.shared().own_account.ask(user, session, wish).await?)
}

/// Whether whoever sits at this browser knows the password and has the app or a recovery code.
async fn check_both(
    caller: &Caller<'_>,
    session: &Session,
    user: &Arc<User>,
    form: Form,
) -> Result<(), Stop> {
    check_password(caller, user, form.password).await.map_err(Stop::Fault)?;
    let shared = caller.shared();
    let still = || !session.ended.is_cancelled();
    let fault = match shared.second_factor.verify(&shared.sign_in, user, &form.code, still).await {
        verify::Outcome::Right => {
            shared.changed.notify_one();
            return Ok(());
        }
        verify::Outcome::Wrong => {
            tracing::info!(client = %caller.connection.client.address(), "a code was wrong");
            Fault::wrong(Sentence::new("code-wrong"))
        }
        verify::Outcome::Wait(left) => Fault::code_wait(left),
        verify::Outcome::Busy => Fault::busy(),
        verify::Outcome::Over => return Err(Stop::Over),
    };
    Err(Stop::Fault(fault))
}

fn page(caller: &Caller<'_>, user: &User, fault: Option<&Fault>) -> Result<Response<Body>, Refusal> {
    let is_on = user.second.is_some();
    let (state, count) = factor(caller, user);
    let template = Factor {
        frame: caller.frame(caller.text("factor-title")),
        state,
        count,
        lead: caller.text(if is_on { "factor-on-lead" } else { "factor-off-lead" }),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        username: user.name.clone(),
        password_label: caller.text("sign-in-password"),
        code_label: caller.text("code-or-recovery-label"),
        begin: caller.text("factor-set-up"),
        codes: caller.text("recovery-new"),
        remove: caller.text("factor-remove"),
        back: caller.text("to-account"),
        is_on,
    };
    caller.answer(fault, &template, "")
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
    begin: String,
    codes: String,
    remove: String,
    back: String,
    is_on: bool,
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
