//! Asking for a passkey, and signing in with one alone. A passkey belongs to the host name of a gate; where the gate is
//! reached by its address there is none.

use super::{
    caller::{Caller, Fault},
    form::{Form, Said},
    sign_in,
};
use crate::{
    headers::{authority::Host, cookie},
    identity::{
        second_factor::{
            challenge::{Act, Purpose},
            passkey::Passkey,
            verify::{Answer, Evidence, Outcome},
            webauthn::{Assertion, Site},
        },
        session,
        user::User,
    },
    pages::{SCRIPT, door::set},
    proxy::{body::Body, refusal::Refusal},
    random,
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::Response;
use std::{sync::Arc, time::Duration};

/// A button that asks for a passkey, for a page to show. Without the script it stays hidden.
#[derive(Template)]
#[template(path = "passkey.html")]
pub(super) struct Offer {
    challenge: String,
    rp: String,
    /// The passkeys that are meant, or for a new one those that are there; none means any.
    known: String,
    /// Whether it shall make sure who holds it.
    holder: &'static str,
    /// For a new one: whose it is.
    pub(super) user: Option<Holder>,
    label: String,
    /// What the button says once it was asked, where the form has other buttons to send it.
    done: Option<String>,
    failed: String,
    script: &'static str,
}

/// What a new passkey is told about its account.
pub(super) struct Holder {
    pub(super) handle: String,
    pub(super) name: String,
}

/// What a page asks for.
pub(super) struct Wanted<'a> {
    pub(super) act: Act,
    /// The cookie it is bound to.
    pub(super) browser: &'a str,
    /// The label of its button.
    pub(super) label: &'static str,
}

/// The host name of this gate, if it has one that keys can be bound to.
pub(super) fn rp<'a>(caller: &Caller<'a>) -> Option<&'a str> {
    match &caller.target.origin.host {
        Host::Name(name) if !caller.is_plain() => Some(name),
        Host::Name(_) | Host::Address(_) => None,
    }
}

/// Offers the passkeys of an account that work here, or to make one; nothing where there is none, or no name.
pub(super) fn offer<'k>(
    caller: &Caller<'_>,
    wanted: &Wanted<'_>,
    known: impl Iterator<Item = &'k Arc<Passkey>>,
) -> Result<Option<Offer>, Refusal> {
    let Some(rp) = rp(caller) else { return Ok(None) };
    let known: Vec<String> = known.map(|key| key.credential_text()).collect();
    let is_open = matches!(wanted.act, Act::SignIn | Act::Add);
    if known.is_empty() && !is_open {
        return Ok(None);
    }
    let challenges = &caller.shared().second_factor.challenges;
    let challenge = challenges.begin(&purpose(caller, wanted.act, wanted.browser));
    Ok(Some(Offer {
        challenge: challenge.map_err(|_| Refusal::Internal)?,
        rp: rp.to_owned(),
        known: known.join(" "),
        holder: match wanted.act {
            Act::SignIn => "required",
            Act::Add => "preferred",
            Act::After | Act::Change => "discouraged",
        },
        user: None,
        label: caller.text(wanted.label),
        done: (wanted.act == Act::Change).then(|| caller.text("passkey-done")),
        failed: caller.text("passkey-failed"),
        script: SCRIPT,
    }))
}

/// What a challenge given out here is good for.
pub(super) fn purpose<'a>(caller: &Caller<'a>, act: Act, browser: &'a str) -> Purpose<'a> {
    Purpose { act, level: caller.level(), origin: &caller.target.origin.text, browser }
}

/// Where a passkey's answer has to come from; nothing where the gate has no name.
pub(super) fn site<'a>(caller: &Caller<'a>) -> Option<Site<'a>> {
    Some(Site { origin: &caller.target.origin.text, rp: rp(caller)? })
}

/// What a form says a passkey answered.
pub(super) fn assertion(said: &Said) -> Option<Assertion> {
    let shown = !said.signature.is_empty();
    shown.then(|| Assertion::read(&said.credential, &said.client, &said.data, &said.signature)).flatten()
}

/// What is said of a factor that was wrong.
pub(super) fn refused(assertion: Option<&Assertion>) -> Fault {
    Fault::wrong(match assertion {
        Some(_) => Sentence::new("passkey-wrong"),
        None => Sentence::new("code-wrong"),
    })
}

/// The offer on the sign-in page, and the cookie it is bound to. Only where some account has a passkey for this gate.
pub(super) fn at_sign_in(caller: &Caller<'_>) -> Result<Option<(Offer, String)>, Refusal> {
    let Some(rp) = rp(caller) else { return Ok(None) };
    let seconds = caller.snapshot.users.values().filter_map(|user| user.second.as_deref());
    let mut alone = seconds.flat_map(|second| second.passkeys_at(rp)).filter(|key| key.credential.verified);
    if alone.next().is_none() {
        return Ok(None);
    }
    let old = caller.cookie(&caller.passkey_cookie()).filter(|value| value.len() == TOKEN_LETTERS);
    let browser = match old {
        Some(old) => old.to_owned(),
        None => random::token().map_err(|_| Refusal::Internal)?,
    };
    let wanted = Wanted { act: Act::SignIn, browser: &browser, label: "passkey-sign-in" };
    Ok(offer(caller, &wanted, std::iter::empty())?.map(|offer| (offer, browser)))
}

/// Gives a page the cookie its offer is bound to.
pub(super) fn bind(caller: &Caller<'_>, page: &mut Response<Body>, browser: &str) -> Result<(), Refusal> {
    set(page, cookie::set(&caller.passkey_cookie(), browser, LIFETIME))
}

/// Signs in with a passkey alone. Whatever does not fit gets the same answer.
pub(super) async fn take(caller: &Caller<'_>, form: Form) -> Result<Response<Body>, Refusal> {
    let shared = caller.shared();
    let fault = match whose(caller, &form.passkey) {
        Some((user, assertion, site, browser)) => {
            let purpose = purpose(caller, Act::SignIn, browser);
            let answer = Evidence::Key(Answer { assertion: &assertion, site, purpose });
            match shared.second_factor.verify(&shared.sign_in, &user, answer, || true).await {
                Outcome::Right => {
                    shared.changed.notify_one();
                    return sign_in::welcome(caller, &form.way, &user).await;
                }
                Outcome::Wrong | Outcome::Over => wrong(caller),
                Outcome::Wait(left) => Fault::code_wait(left),
                Outcome::Busy => Fault::busy(),
            }
        }
        None => wrong(caller),
    };
    sign_in::again(caller, &form.way, fault)
}

/// The account whose passkey this is, if it may sign in here.
fn whose<'a>(caller: &Caller<'a>, said: &Said) -> Option<(Arc<User>, Assertion, Site<'a>, &'a str)> {
    let (site, assertion) = (site(caller)?, assertion(said)?);
    let browser = caller.cookie(&caller.passkey_cookie())?;
    let mut users = caller.snapshot.users.values();
    let user = users.find(|user| {
        let second = user.second.as_deref();
        second.is_some_and(|second| second.passkey(&assertion.credential, site.rp).is_some())
    })?;
    session::may_begin(user, caller.level()).then(|| (Arc::clone(user), assertion, site, browser))
}

fn wrong(caller: &Caller<'_>) -> Fault {
    tracing::info!(client = %caller.connection.client.address(), "a sign-in failed");
    Fault::wrong(Sentence::new("passkey-wrong"))
}

/// How long a browser keeps what binds it (chosen: longer than any challenge, shorter than a visit to somebody else's
/// computer matters).
const LIFETIME: Duration = Duration::from_secs(3600);
/// Letters of a token.
const TOKEN_LETTERS: usize = 43;
