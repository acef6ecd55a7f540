//! The start page of whoever is signed in: the tools that are open for this account.

use super::{
    caller::{Caller, OpenTool},
    passkey,
};
use crate::{
    pages::{Frame, see_other},
    proxy::{body::Body, refusal::Refusal},
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};

/// The page, or the way to sign in.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let template = Home {
        frame: caller.frame(caller.text("home-title")),
        lead: caller.sentence(&Sentence::new("home-lead").with("name", &user.name)),
        none: caller.text("home-none"),
        account: caller.text("account-link"),
        passkey: (user.second.is_none() && passkey::rp(caller).is_some())
            .then(|| caller.text("passkey-link")),
        sign_out: caller.text("sign-out"),
        tools: caller.open_tools(&user),
    };
    caller.page(StatusCode::OK, &template, "")
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    lead: String,
    none: String,
    account: String,
    /// The way to a first passkey, where there can be one.
    passkey: Option<String>,
    sign_out: String,
    tools: Vec<OpenTool>,
}
