//! Adding a passkey and removing one. The browser makes it between two forms: the first proves who asks, and the challenge
//! it leads to is that proof for the second.

use super::{
    super::{
        agent,
        caller::{Caller, Fault},
        form::Form,
        passkey::{self, Holder, Offer, Wanted},
    },
    second_factor::{Stop, added, ask, prove},
    sessions::ago,
};
use crate::{
    clock::Timestamp,
    identity::{
        own_account::{Answer, Wish},
        second_factor::{
            challenge::Act,
            passkey::{HANDLE_BYTES, MOST, NewPasskey, Passkey, handle, is_name},
            webauthn::Attestation,
        },
        user::User,
    },
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_protocol::Secret;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode, header};

/// One passkey in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) facts: String,
    /// Said of one that signs nobody in alone.
    pub(super) beside: Option<String>,
    /// What its button says to who cannot see where it stands.
    pub(super) remove_label: String,
}

/// Every passkey of the account, oldest first.
pub(super) fn rows(caller: &Caller<'_>, user: &User) -> Vec<Row> {
    user.second.iter().flat_map(|second| &second.passkeys).map(|key| row(caller, key)).collect()
}

fn row(caller: &Caller<'_>, key: &Passkey) -> Row {
    let now = caller.shared().clock.timestamp();
    let used = match key.last_used() {
        Some(used) => Sentence::new("token-used").with("seen", ago(now, Timestamp(used))),
        None => Sentence::new("own-token-unused"),
    };
    let since = ago(now, key.created);
    let facts = Sentence::new("passkey-facts").with("host", &key.rp).with("since", since).with("used", used);
    let beside = (!key.credential.verified).then(|| caller.text("passkey-beside"));
    Row {
        id: key.id.clone(),
        name: key.name.clone(),
        facts: caller.sentence(&facts),
        beside,
        remove_label: caller.sentence(&Sentence::new("passkey-remove-named").with("name", &key.name)),
    }
}

/// Asks the browser for a new passkey, once it is proved who wants it.
pub(in super::super) async fn begin(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let keys = user.second.as_ref().map_or(&[][..], |second| &second.passkeys);
    let name = name(caller, &form);
    let fault = match passkey::rp(caller) {
        None => Some(Sentence::new("passkeys-no-name")),
        Some(_) if keys.len() >= MOST => Some(Sentence::new("passkeys-full")),
        Some(_) => (!is_name(&name)).then(|| Sentence::new("passkey-name-bad")),
    };
    if let Some(error) = fault {
        let fault = Fault { status: StatusCode::BAD_REQUEST, error, seconds: None };
        return Stop::Fault(fault).answer(caller, &user);
    }
    if let Err(stop) = prove(caller, &session, &user, &form).await {
        return stop.answer(caller, &user);
    }
    let known = match keys.first() {
        Some(key) => key.credential.handle.clone(),
        None => handle().map_err(|_| Refusal::Internal)?,
    };
    let known = URL_SAFE_NO_PAD.encode(known);
    let browser = caller.cookie(&caller.session_cookie()).unwrap_or_default();
    let wanted = Wanted { act: Act::Add, browser, label: "passkey-make" };
    let here = keys.iter().filter(|key| Some(key.rp.as_str()) == passkey::rp(caller));
    let mut key = passkey::offer(caller, &wanted, here)?.ok_or(Refusal::Internal)?;
    key.user = Some(Holder { handle: known.clone(), name: user.name.clone() });
    let template = New {
        frame: caller.frame(caller.text("passkey-add")),
        lead: caller.text("passkey-make-lead"),
        no_script: caller.text("passkey-no-script"),
        name,
        handle: known,
        back: caller.text("to-account"),
        key,
    };
    caller.answer_asking(None, &template, "", Some(&template.key))
}

/// Takes the new passkey. If it is the first factor, this browser has another session from here on, and all others none.
pub(in super::super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let Some(new) = new(caller, &user, &form) else {
        let fault = Fault::wrong(Sentence::new("passkey-not-added"));
        return Stop::Fault(fault).answer(caller, &user);
    };
    match ask(caller, &session, &user, |answer: Answer<Vec<Secret>>| Wish::AddPasskey(new, answer)).await {
        Ok(codes) => added(caller, &user, &codes).await,
        Err(stop) => stop.answer(caller, &user),
    }
}

/// Removes one, and ends whatever else is signed in.
pub(in super::super) async fn remove(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    if let Err(stop) = prove(caller, &session, &user, &form).await {
        return stop.answer(caller, &user);
    }
    match ask(caller, &session, &user, |answer| Wish::RemovePasskey(form.key, answer)).await {
        Ok(()) => see_other("/account?passkey-removed"),
        Err(stop) => stop.answer(caller, &user),
    }
}

/// What the browser made, if it is for this challenge of ours.
fn new(caller: &Caller<'_>, user: &User, form: &Form) -> Option<NewPasskey> {
    let site = passkey::site(caller)?;
    let attestation = Attestation::read(&form.passkey.client, &form.passkey.data)?;
    let browser = caller.cookie(&caller.session_cookie())?;
    let challenges = &caller.shared().second_factor.challenges;
    let good = challenges.find(attestation.challenge(site)?, &passkey::purpose(caller, Act::Add, browser))?;
    let made = attestation.key(site)?;
    let handle = URL_SAFE_NO_PAD.decode(&form.passkey.handle).ok()?;
    let fits = is_name(&form.name) && handle.len() == HANDLE_BYTES && challenges.spend(good, user.id);
    fits.then(|| NewPasskey { name: form.name.clone(), rp: site.rp.to_owned(), handle, made })
}

/// What it shall be called; without a name as its browser.
fn name(caller: &Caller<'_>, form: &Form) -> String {
    let agent = caller.request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    match form.name.trim() {
        "" => agent::device(caller, agent.unwrap_or_default())
            .chars()
            .filter(|letter| !letter.is_control())
            .take(64)
            .collect(),
        name => name.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "passkey_new.html")]
struct New {
    frame: Frame,
    lead: String,
    no_script: String,
    name: String,
    handle: String,
    back: String,
    key: Offer,
}
