//! The account page: who is signed in, password and second factor, passwords for single devices, passes for guests, and
//! what is signed in with this account.

pub(super) mod passes;
pub(super) mod passkeys;
pub(super) mod password;
pub(super) mod second_factor;
pub(super) mod sessions;
pub(super) mod tokens;

use super::caller::{Caller, Fault};
use crate::{
    identity::{basic::Credential, sign_in::Outcome, user::User},
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Secret;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use sessions::Row;
use std::sync::Arc;
use url::form_urlencoded;

/// The page, or the way to sign in.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let query = caller.request.uri().query().unwrap_or_default().as_bytes();
    let said = form_urlencoded::parse(query).find_map(|(name, _)| match &*name {
        "removed" => Some("factor-removed"),
        "app-removed" => Some("app-removed"),
        "passkey-removed" => Some("passkey-removed"),
        "added" => Some("factor-added"),
        "ended" => Some("session-ended"),
        "revoked" => Some("pass-revoked"),
        "changed" => Some("password-changed"),
        _ => None,
    });
    let (state, count) = factor(caller, &user);
    let rows = sessions::rows(caller, &session);
    let template = Account {
        frame: caller.frame(caller.text("account-title")),
        lead: caller.sentence(&Sentence::new("home-lead").with("name", &user.name)),
        notice: said.map(|said| caller.text(said)),
        factor_title: caller.text("factor-title"),
        factor_state: state,
        factor_count: count,
        factor_act: caller.text(if user.second.is_some() { "factor-change" } else { "factor-set-up" }),
        password_title: caller.text("sign-in-password"),
        password_act: caller.text("password-change"),
        tokens_title: caller.text("tokens-title"),
        tokens: tokens::rows(caller, &user),
        tokens_none: caller.text("tokens-none"),
        token_new: caller.text("token-new"),
        revoke: caller.text("token-revoke"),
        passes_title: caller.text("passes-title"),
        passes: passes::rows(caller, &user),
        passes_none: caller.text("passes-none"),
        pass_new: caller.text("token-new"),
        sessions_title: caller.text("sessions-title"),
        end: caller.text("session-end"),
        end_others: (rows.len() > 1).then(|| caller.text("session-end-others")),
        home: caller.text("to-home"),
        sign_out: caller.text("sign-out"),
        rows,
    };
    caller.page(StatusCode::OK, &template, "")
}

/// Whether whoever sits at this browser knows the password.
async fn check_password(caller: &Caller<'_>, user: &Arc<User>, password: Secret) -> Result<(), Fault> {
    let credential = Credential { name: user.name.clone(), password };
    let signed_in = |_: &User| true;
    let attempt = caller.shared().sign_in.attempt(caller.snapshot, caller.level(), credential, signed_in);
    Err(match attempt.await {
        Outcome::Welcome(_) | Outcome::Halfway(_) | Outcome::Unapproved(_) => return Ok(()),
        Outcome::Wrong => {
            tracing::info!(client = %caller.connection.client.address(), "a password was wrong");
            Fault::wrong(Sentence::new("password-wrong"))
        }
        Outcome::Wait(left) => Fault::wait(left),
        Outcome::Busy => Fault::busy(),
    })
}

/// What the second factor is, and how many recovery codes are left.
fn factor(caller: &Caller<'_>, user: &User) -> (String, Option<String>) {
    match &user.second {
        None => (caller.text("factor-off"), None),
        Some(second) => {
            let left = Sentence::new("recovery-left").with("count", u64::from(second.recovery.left()));
            let keys = !second.passkeys.is_empty();
            let state = match second.totp {
                Some(_) if keys => "factor-on-both",
                Some(_) => "factor-on",
                None => "factor-on-passkeys",
            };
            (caller.text(state), Some(caller.sentence(&left)))
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    lead: String,
    notice: Option<String>,
    factor_title: String,
    factor_state: String,
    factor_count: Option<String>,
    factor_act: String,
    password_title: String,
    password_act: String,
    tokens_title: String,
    tokens: Vec<tokens::Row>,
    tokens_none: String,
    token_new: String,
    revoke: String,
    passes_title: String,
    passes: Vec<passes::Row>,
    passes_none: String,
    pass_new: String,
    sessions_title: String,
    rows: Vec<Row>,
    end: String,
    end_others: Option<String>,
    home: String,
    sign_out: String,
}
