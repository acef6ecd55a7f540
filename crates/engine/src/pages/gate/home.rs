//! The start page of whoever is signed in: the tools that are open for this account.

use super::signed_in;
use crate::{
    pages::{self, STYLE, see_other},
    proxy::{
        body::Body, door::Serves, pipeline::Connection, refusal::Refusal, route::Target, snapshot::Snapshot,
    },
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Request, Response, StatusCode, body::Incoming};

/// The page, or the way to sign in.
pub(super) fn home(
    connection: &Connection,
    request: &Request<Incoming>,
    target: &Target,
    snapshot: &Snapshot,
) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = signed_in(connection, request.headers(), snapshot) else {
        return see_other("/sign-in");
    };
    let pages = &connection.shared.pages;
    let language = pages::language(request.headers());
    let mut tools: Vec<Link> = snapshot
        .doors
        .iter()
        .filter(|door| door.plan.level == connection.door.plan.level)
        .filter_map(|door| match &door.plan.serves {
            Serves::Tool(id) if user.may_use(id) => {
                let name = snapshot.tools.get(id)?.name.clone();
                Some(Link { name, url: door.origin_from_gate(&target.origin.host) })
            }
            Serves::Tool(_) | Serves::Gate => None,
        })
        .collect();
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    let template = Home {
        language: pages.texts.language(&language),
        style: STYLE,
        title: pages.texts.text(&language, "home-title"),
        lead: pages.texts.sentence(&language, &Sentence::new("home-lead").with("name", &user.name)),
        none: pages.texts.text(&language, "home-none"),
        sign_out: pages.texts.text(&language, "sign-out"),
        tools,
    };
    pages.page(StatusCode::OK, &template, "")
}

struct Link {
    name: String,
    url: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    language: &'a str,
    style: &'static str,
    title: String,
    lead: String,
    none: String,
    sign_out: String,
    tools: Vec<Link>,
}
