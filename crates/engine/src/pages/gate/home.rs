//! The start page of whoever is signed in: the tools that are open for this account.

use super::caller::Caller;
use crate::{
    pages::{Frame, see_other},
    proxy::{
        body::Body,
        door::{Door, Serves},
        refusal::Refusal,
    },
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use std::sync::Arc;

/// The page, or the way to sign in.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let open = caller.snapshot.doors.iter().filter(|door| door.plan.level == caller.level());
    let link = |door: &Arc<Door>| match &door.plan.serves {
        Serves::Tool(id) if user.may_use(id) => {
            let name = caller.snapshot.tools.get(id)?.name.clone();
            Some(Link { name, url: door.origin_from_gate(&caller.target.origin.host) })
        }
        Serves::Tool(_) | Serves::Gate => None,
    };
    let mut tools: Vec<Link> = open.filter_map(link).collect();
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    let template = Home {
        frame: caller.frame(caller.text("home-title")),
        lead: caller.sentence(&Sentence::new("home-lead").with("name", &user.name)),
        none: caller.text("home-none"),
        account: caller.text("account-link"),
        sign_out: caller.text("sign-out"),
        tools,
    };
    caller.page(StatusCode::OK, &template, "")
}

struct Link {
    name: String,
    url: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    lead: String,
    none: String,
    account: String,
    sign_out: String,
    tools: Vec<Link>,
}
