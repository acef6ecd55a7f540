//! The account page: who is signed in, the second factor, and the browsers signed in with this account.

pub(super) mod second_factor;
pub(super) mod sessions;

use super::caller::Caller;
use crate::{
    identity::user::User,
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use sessions::Row;
use url::form_urlencoded;

/// The page, or the way to sign in.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((session, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let query = caller.request.uri().query().unwrap_or_default().as_bytes();
    let said = form_urlencoded::parse(query).find_map(|(name, _)| match &*name {
        "removed" => Some("factor-removed"),
        "ended" => Some("session-ended"),
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
        sessions_title: caller.text("sessions-title"),
        end: caller.text("session-end"),
        end_others: (rows.len() > 1).then(|| caller.text("session-end-others")),
        home: caller.text("to-home"),
        sign_out: caller.text("sign-out"),
        rows,
    };
    caller.page(StatusCode::OK, &template, "")
}

/// What the second factor is, and how many recovery codes are left.
fn factor(caller: &Caller<'_>, user: &User) -> (String, Option<String>) {
    match &user.second {
        None => (caller.text("factor-off"), None),
        Some(second) => {
            let left = Sentence::new("recovery-left").with("count", u64::from(second.recovery.left()));
            (caller.text("factor-on"), Some(caller.sentence(&left)))
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
    sessions_title: String,
    rows: Vec<Row>,
    end: String,
    end_others: Option<String>,
    home: String,
    sign_out: String,
}
