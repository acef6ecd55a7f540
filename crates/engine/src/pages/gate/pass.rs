//! Opening a pass. The page behind its link has a button and nothing else: programs that show previews of links open them
//! too, so looking binds nothing. The button binds the pass to this browser, for good.

use super::{
    caller::{Caller, Fault},
    form::{Form, fields},
    way::Way,
};
use crate::{
    headers::cookie,
    identity::pass::{self, Pass, Rights},
    pages::{Frame, door::set, see_other},
    proxy::{body::Body, door::Serves, refusal::Refusal},
};
use askama::Template;
use drawbridge_protocol::Secret;
use drawbridge_texts::Sentence;
use hyper::{Response, StatusCode};
use std::{sync::Arc, time::Duration};

/// The page with the button, or on where this browser has the pass already.
pub(super) fn show(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    let code = fields(caller.request.uri().query().unwrap_or_default().as_bytes()).code;
    let pass = find(caller, &code)?;
    match (origin(caller, &pass), pass.device()) {
        (Some(origin), Some(_)) => see_other(&format!("{origin}/")),
        (origin, _) => page(caller, &pass, &code, origin.as_deref(), None),
    }
}

/// Takes the button: the pass is this browser's from here on.
pub(super) async fn take(caller: &Caller<'_>, form: &Form) -> Result<Response<Body>, Refusal> {
    let pass = find(caller, &form.code)?;
    let Some(origin) = origin(caller, &pass) else {
        return page(caller, &pass, &form.code, None, None);
    };
    let Some(mark) = mark_of(caller, &pass, &form.code) else {
        let fault =
            Fault { status: StatusCode::BAD_REQUEST, error: Sentence::new("pass-cookie"), seconds: None };
        return page(caller, &pass, &form.code, Some(&origin), Some(&fault));
    };
    let bound = caller.shared().passes.bind(&pass, mark, caller.visit()).await.map_err(|error| {
        tracing::error!(%error, "a pass could not be bound");
        Refusal::Internal
    })?;
    if !bound {
        return Err(Refusal::StalePass);
    }
    caller.shared().changed.notify_one();
    see_other(&format!("{origin}/"))
}

/// On to a door with the pass this browser has for its tool; nothing where it has none.
pub(super) fn onward(caller: &Caller<'_>, way: &Way) -> Result<Option<Response<Body>>, Refusal> {
    let Some((door, origin)) = way.door(caller) else { return Ok(None) };
    let Serves::Tool(tool) = &door.plan.serves else { return Ok(None) };
    let held = caller.shared().passes.held(tool, caller.level(), |id| caller.guest_mark(id));
    let Some(pass) = held.filter(|pass| is_backed(caller, pass) && !way.state.is_empty()) else {
        return Ok(None);
    };
    let code = caller.shared().passes.code(pass, way.state.clone());
    let code = code.map_err(|_| Refusal::Internal)?.ok_or(Refusal::Busy)?;
    way.enter(&origin, &code).map(Some)
}

/// The pass with this code, if it may be opened here: by nobody yet, or by this browser.
fn find(caller: &Caller<'_>, code: &Secret) -> Result<Arc<Pass>, Refusal> {
    let pass = caller.shared().passes.find(code).ok_or(Refusal::StalePass)?;
    let is_own = || {
        let mark = caller.guest_mark(pass.id);
        pass.is_at(caller.level()) && mark.is_some_and(|mark| pass.is_held_by(mark))
    };
    let is_there = caller.snapshot.tools.contains_key(&pass.tool);
    let good = is_there && is_backed(caller, &pass) && (pass.device().is_none() || is_own());
    good.then_some(pass).ok_or(Refusal::StalePass)
}

/// Whether whoever made a pass may still use its tool here.
fn is_backed(caller: &Caller<'_>, pass: &Pass) -> bool {
    pass.backer(caller.level(), caller.snapshot).is_some()
}

/// The mark this browser was given for a pass, by this page and nobody else.
fn mark_of<'a>(caller: &Caller<'a>, pass: &Pass, code: &Secret) -> Option<&'a str> {
    caller.guest_mark(pass.id).filter(|mark| pass::is_mark(mark, code))
}

/// Where the tool is open at this gate's level.
fn origin(caller: &Caller<'_>, pass: &Pass) -> Option<String> {
    let mut doors = caller.snapshot.doors.iter();
    let door = doors.find(|door| {
        door.plan.level == caller.level() && door.plan.serves == Serves::Tool(pass.tool.clone())
    })?;
    Some(door.origin_from_gate(&caller.target.origin.host))
}

/// The page, with a mark for this browser. Without an origin the tool is closed, and there is no button.
fn page(
    caller: &Caller<'_>,
    pass: &Pass,
    code: &Secret,
    origin: Option<&str>,
    fault: Option<&Fault>,
) -> Result<Response<Body>, Refusal> {
    let left = pass.left(caller.shared().clock.timestamp());
    let tool = caller.snapshot.tools.get(&pass.tool).map_or("", |tool| &tool.name);
    let lead = Sentence::new("pass-lead").with("tool", tool).with("left", time_left(left));
    let template = Open {
        frame: caller.frame(caller.text("pass-title")),
        lead: caller.sentence(&lead),
        error: fault.map(|fault| caller.sentence(&fault.error)),
        read_only: (pass.rights == Rights::ReadOnly).then(|| caller.text("pass-looks")),
        hint: caller.text(if origin.is_some() { "pass-hint" } else { "pass-closed" }),
        code: origin.map(|_| code.expose().to_owned()),
        button: caller.text("pass-button"),
    };
    let mut response = caller.answer(fault, &template, origin.unwrap_or_default())?;
    if mark_of(caller, pass, code).is_none() {
        let mark = pass::mark(code).map_err(|_| Refusal::Internal)?;
        set(&mut response, cookie::set(&caller.guest_cookie(pass.id), &mark, left))?;
    }
    Ok(response)
}

/// How long, in whole minutes, hours or days; rounded up, for it is never long over.
pub(super) fn time_left(left: Duration) -> Sentence {
    let minutes = left.as_secs().div_ceil(60);
    match minutes {
        0..=119 => Sentence::new("left-minutes").with("count", minutes),
        120..=2879 => Sentence::new("left-hours").with("count", minutes.div_ceil(60)),
        _ => Sentence::new("left-days").with("count", minutes.div_ceil(24 * 60)),
    }
}

#[derive(Template)]
#[template(path = "pass.html")]
struct Open {
    frame: Frame,
    lead: String,
    error: Option<String>,
    read_only: Option<String>,
    hint: String,
    code: Option<String>,
    button: String,
}
