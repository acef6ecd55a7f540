//! A new password, for whoever knows the old one. Everything signed in with the account ends, and its tokens; this browser
//! goes on with another session.

use super::super::{
    caller::{Caller, Fault},
    form::Form,
};
use super::check_password;
use crate::{
    identity::{
        own_account::{Answer, Declined, Wish},
        user::User,
    },
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Level;
use hyper::{Response, header};

/// The form.
pub(in super::super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    page(caller, &user, None)
}

/// Takes the old password and the new one.
pub(in super::super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(fault) = check_password(caller, &user, form.password).await {
        return page(caller, &user, Some(&fault));
    }
    let (level, new) = (caller.level(), form.new_password);
    let wish = |answer: Answer<()>| Wish::ChangePassword { level, new, answer };
    match caller.shared().own_account.ask(&user, &session, wish).await {
        Ok(()) => {}
        Err(Declined::Password(bad)) => return page(caller, &user, Some(&Fault::bad_password(bad))),
        Err(Declined::Over | Declined::WrongCode | Declined::Passkey) => return see_other("/account"),
        Err(Declined::Busy) => return page(caller, &user, Some(&Fault::busy())),
        Err(Declined::Failed) => return Err(Refusal::Internal),
    }
    let mut response = see_other("/account?changed")?;
    // The account as it is now; where no session can be had, the new password signs in.
    let user = caller.shared().snapshot.load().users.get(&user.id).cloned();
    if let Some(user) = user
        && let Ok((_, cookie)) = caller.begin_session(&user).await
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn page(caller: &Caller<'_>, user: &User, fault: Option<&Fault>) -> Result<Response<Body>, Refusal> {
    let needs_strong = caller.level() == Level::Internet && user.second.is_none();
    let template = Password {
        frame: caller.frame(caller.text("password-change")),
        lead: caller.text("password-change-lead"),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        username: user.name.clone(),
        old_label: caller.text("password-old"),
        new_label: caller.text("password-new"),
        hint: caller.text(if needs_strong { "password-new-hint-strong" } else { "password-new-hint" }),
        least: if needs_strong { 15 } else { 8 },
        button: caller.text("password-change"),
        back: caller.text("to-account"),
    };
    caller.answer(fault, &template, "")
}

#[derive(Template)]
#[template(path = "password.html")]
struct Password {
    frame: Frame,
    lead: String,
    error: Option<String>,
    username: String,
    old_label: String,
    new_label: String,
    hint: String,
    least: usize,
    button: String,
    back: String,
}
