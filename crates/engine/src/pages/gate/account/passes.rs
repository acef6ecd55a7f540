//! Passes for guests, made and revoked by people for tools they may use themselves. A pass ends with its maker's right, so it
//! asks for no password again.

use super::super::{
    agent,
    caller::{Caller, Fault},
    form::Form,
    pass::time_left,
};
use super::sessions::ago;
use crate::{
    clock::Timestamp,
    identity::{
        pass::{Maker, Pass, Rights, Wish},
        token,
        user::User,
    },
    pages::{Frame, qr, see_other},
    proxy::{body::Body, refusal::Refusal},
    tools::ToolId,
};
use askama::Template;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use std::time::Duration;

/// One pass in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) facts: String,
    /// What its button says to who cannot see where it stands.
    pub(super) revoke_label: String,
}

/// Every open pass this account made, oldest first.
pub(super) fn rows(caller: &Caller<'_>, user: &User) -> Vec<Row> {
    let passes = caller.shared().passes.list();
    passes.iter().filter(|pass| pass.maker == Maker::User(user.id)).map(|pass| row(caller, pass)).collect()
}

fn row(caller: &Caller<'_>, pass: &Pass) -> Row {
    let now = caller.shared().clock.timestamp();
    let name = if pass.label.is_empty() { caller.text("token-nameless") } else { pass.label.clone() };
    let tool = caller.snapshot.tools.get(&pass.tool).map_or(pass.tool.as_str(), |tool| &tool.name);
    let state = match pass.device() {
        None => Sentence::new("pass-waits"),
        Some(device) => Sentence::new("pass-open")
            .with("device", agent::device(caller, &device.agent))
            .with("address", &device.address)
            .with("seen", ago(now, Timestamp(pass.last_seen()))),
    };
    let left = time_left(pass.left(now));
    let facts = match pass.rights {
        Rights::All => Sentence::new("pass-facts").with("tool", tool).with("state", state).with("left", left),
        Rights::ReadOnly => {
            Sentence::new("pass-facts-looks").with("tool", tool).with("state", state).with("left", left)
        }
    };
    Row {
        id: pass.id.to_string(),
        facts: caller.sentence(&facts),
        revoke_label: caller.sentence(&Sentence::new("token-revoke-named").with("name", name.as_str())),
        name,
    }
}

/// The form for one more.
pub(in super::super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    page(caller, &user, None)
}

/// Makes one, and shows its link once.
pub(in super::super) async fn take(caller: &Caller<'_>, form: &Form) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let tool = ToolId::stored(form.tool.clone());
    let label = form.name.trim();
    if !token::is_name(label) {
        return page(caller, &user, Some(&bad(Sentence::new("token-name-bad"))));
    }
    if !caller.open_tools(&user).iter().any(|open| open.id == tool) {
        return page(caller, &user, Some(&bad(Sentence::new("token-tool-bad"))));
    }
    let hours = LIFETIMES.into_iter().find(|(value, _)| *value == form.hours);
    let Some((_, hours)) = hours else {
        return page(caller, &user, Some(&bad(Sentence::new("pass-time-bad"))));
    };
    let wish = Wish {
        tool,
        maker: Maker::User(user.id),
        label: label.to_owned(),
        rights: if form.read_only { Rights::ReadOnly } else { Rights::All },
        lifetime: Duration::from_secs(hours * 3600),
    };
    let made = caller.shared().passes.create(wish).await.map_err(|error| {
        tracing::error!(%error, "a pass could not be saved");
        Refusal::Internal
    })?;
    let Some((pass, code)) = made else {
        return page(caller, &user, Some(&bad(Sentence::new("own-pass-too-many"))));
    };
    // What was withdrawn in this moment takes it along.
    if user.withdrawn.is_cancelled() {
        caller.shared().passes.end(|known| known.id == pass.id).await.map_err(|_| Refusal::Internal)?;
        return Err(Refusal::Withdrawn);
    }
    caller.shared().changed.notify_one();
    let url = format!("{}/pass?code={}", caller.target.origin.text, code.expose());
    let template = Made {
        frame: caller.frame(caller.text("pass-made-title")),
        lead: caller.text("pass-made-lead"),
        qr: qr::draw(&url),
        qr_label: caller.text("pass-qr"),
        url,
        kept: caller.text("pass-kept"),
    };
    caller.page(StatusCode::OK, &template, "")
}

/// Revokes one of the account's own.
pub(in super::super) async fn revoke(caller: &Caller<'_>, form: &Form) -> Result<Response<Body>, Refusal> {
    let Some((_, user)) = caller.signed_in() else { return see_other("/sign-in") };
    let own = |pass: &Pass| pass.maker == Maker::User(user.id) && pass.id.to_string() == form.pass;
    let revoked = caller.shared().passes.end(own).await;
    caller.shared().visitors.forget();
    caller.shared().changed.notify_one();
    revoked.map_err(|error| {
        tracing::error!(%error, "the end of a pass could not be saved");
        Refusal::Internal
    })?;
    see_other("/account?revoked")
}

fn bad(error: Sentence) -> Fault {
    Fault { status: StatusCode::BAD_REQUEST, error, seconds: None }
}

fn page(caller: &Caller<'_>, user: &User, fault: Option<&Fault>) -> Result<Response<Body>, Refusal> {
    let template = New {
        frame: caller.frame(caller.text("pass-new-title")),
        lead: caller.text("pass-new-lead"),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        tool_label: caller.text("token-tool-label"),
        tools: caller.open_tools(user).iter().map(|open| (open.id.to_string(), open.name.clone())).collect(),
        name_label: caller.text("pass-name-label"),
        end_label: caller.text("pass-time-label"),
        ends: LIFETIMES
            .map(|(value, hours)| (value, caller.sentence(&time_left(Duration::from_secs(hours * 3600)))))
            .map(|(value, says)| (value, says, value == USUAL)),
        looks_label: caller.text("pass-looks-label"),
        button: caller.text("pass-make"),
        back: caller.text("to-account"),
    };
    caller.answer(fault, &template, "")
}

/// How long a pass may live, as the form says it, in hours.
const LIFETIMES: [(&str, u64); 5] = [("1", 1), ("4", 4), ("12", 12), ("24", 24), ("168", 168)];
/// What the form offers first.
const USUAL: &str = "4";

#[derive(Template)]
#[template(path = "pass_new.html")]
struct New {
    frame: Frame,
    lead: String,
    error: Option<String>,
    tool_label: String,
    tools: Vec<(String, String)>,
    name_label: String,
    end_label: String,
    ends: [(&'static str, String, bool); 5],
    looks_label: String,
    button: String,
    back: String,
}

#[derive(Template)]
#[template(path = "pass_made.html")]
struct Made {
    frame: Frame,
    lead: String,
    qr: Option<qr::Drawing>,
    qr_label: String,
    url: String,
    kept: String,
}
