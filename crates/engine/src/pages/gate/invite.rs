//! Accepting an invite: whoever holds its link chooses the password of the account it promises, once. Looking at the page
//! uses nothing up, because programs that show previews of links look too.

use super::{
    approval,
    caller::{Caller, Fault},
    form::{Form, fields},
    sign_in,
    way::Way,
};
use crate::{
    identity::{invite::Invite, own_account::Declined, sign_in::Users as _},
    pages::Frame,
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::{Level, Secret};
use drawbridge_texts::Sentence;
use hyper::Response;
use std::sync::Arc;

/// The form.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let form = fields(caller.request.uri().query().unwrap_or_default().as_bytes());
    let invite = find(caller, &form.code)?;
    page(caller, &invite, &form.code, None)
}

/// Takes the password: then there is the account, and this browser is signed in with it.
pub(super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Form { code, new_password, .. } = form;
    let invite = find(caller, &code)?;
    match caller.shared().own_account.accept(code.clone(), new_password, caller.level()).await {
        Ok(user) => {
            let mut response = sign_in::welcome(caller, &Way::default(), &user).await?;
            approval::introduce(caller, &user, &mut response).await?;
            Ok(response)
        }
        Err(Declined::Password(bad)) => page(caller, &invite, &code, Some(&Fault::bad_password(bad))),
        Err(Declined::Over | Declined::WrongCode | Declined::Passkey) => Err(Refusal::StaleInvite),
        Err(Declined::Busy) => page(caller, &invite, &code, Some(&Fault::busy())),
        Err(Declined::Failed) => Err(Refusal::Internal),
    }
}

/// The open invite with this code, for a name that is free.
fn find(caller: &Caller<'_>, code: &Secret) -> Result<Arc<Invite>, Refusal> {
    let invite = caller.shared().invites.find(code);
    invite.filter(|invite| !caller.snapshot.is_name(&invite.name)).ok_or(Refusal::StaleInvite)
}

fn page(
    caller: &Caller<'_>,
    invite: &Invite,
    code: &Secret,
    fault: Option<&Fault>,
) -> Result<Response<Body>, Refusal> {
    let needs_strong = caller.level() == Level::Internet;
    let other = caller.signed_in().map(|(_, user)| Sentence::new("invite-other").with("name", &user.name));
    let template = Accept {
        frame: caller.frame(caller.text("invite-title")),
        lead: caller.text("invite-lead"),
        notice: other.map(|other| caller.sentence(&other)),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        code: code.expose().to_owned(),
        name_label: caller.text("invite-name"),
        username: invite.name.clone(),
        new_label: caller.text("password-new"),
        hint: caller.text(if needs_strong { "password-new-hint-strong" } else { "password-new-hint" }),
        least: if needs_strong { 15 } else { 8 },
        button: caller.text("invite-button"),
    };
    caller.answer(fault, &template, "")
}

#[derive(Template)]
#[template(path = "invite.html")]
struct Accept {
    frame: Frame,
    lead: String,
    notice: Option<String>,
    error: Option<String>,
    code: String,
    name_label: String,
    username: String,
    new_label: String,
    hint: String,
    least: usize,
    button: String,
}
