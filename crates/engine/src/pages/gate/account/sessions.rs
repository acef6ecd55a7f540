//! The browsers signed in with an account, and ending them.

use super::super::{agent, caller::Caller, form::Form};
use crate::{
    clock::Timestamp,
    identity::session::Session,
    pages::see_other,
    proxy::{body::Body, refusal::Refusal},
};
use drawbridge_texts::Sentence;
use hyper::Response;
use std::sync::atomic::Ordering;

/// One browser in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) facts: String,
    /// What marks the browser that looks.
    pub(super) own: Option<String>,
    /// What its button says to who cannot see where it stands.
    pub(super) end_label: String,
}

/// Every browser of this account, the one that looks first.
pub(super) fn rows(caller: &Caller<'_>, own: &Session) -> Vec<Row> {
    let now = caller.shared().clock.timestamp();
    let mut sessions = caller.shared().sessions.list();
    sessions.retain(|(session, _)| session.user == own.user);
    sessions.sort_by_key(|(session, _)| (session.id != own.id, std::cmp::Reverse(session.created)));
    let row = |session: &Session| {
        let device = agent::device(caller, &session.agent);
        let seen = Timestamp(session.last_seen.load(Ordering::Relaxed));
        Row {
            id: session.id.clone(),
            facts: caller.sentence(
                &Sentence::new("session-facts")
                    .with("since", ago(now, session.created))
                    .with("seen", ago(now, seen))
                    .with("address", &session.address),
            ),
            own: (session.id == own.id).then(|| caller.text("session-own")),
            end_label: caller.sentence(&Sentence::new("session-end-named").with("device", device.as_str())),
            device,
        }
    };
    sessions.iter().map(|(session, _)| row(session)).collect()
}

/// Ends one of the account's own.
pub(in super::super) async fn end_one(caller: &Caller<'_>, form: &Form) -> Result<Response<Body>, Refusal> {
    let Some((own, _)) = caller.signed_in() else { return see_other("/sign-in") };
    end(caller, |session| session.user == own.user && session.id == form.session).await
}

/// Ends all of them but this browser's.
pub(in super::super) async fn end_others(caller: &Caller<'_>) -> Result<Response<Body>, Refusal> {
    caller.check_own_form()?;
    let Some((own, _)) = caller.signed_in() else { return see_other("/sign-in") };
    end(caller, |session| session.user == own.user && session.id != own.id).await
}

async fn end(caller: &Caller<'_>, which: impl Fn(&Session) -> bool) -> Result<Response<Body>, Refusal> {
    let ended = caller.shared().sessions.end(which).await;
    caller.shared().changed.notify_one();
    ended.map_err(|error| {
        tracing::error!(%error, "the end of sessions could not be saved");
        Refusal::Internal
    })?;
    see_other("/account?ended")
}

/// How long ago, so that nobody has to know this computer's time zone.
pub(super) fn ago(now: Timestamp, then: Timestamp) -> Sentence {
    match now.0.saturating_sub(then.0) {
        0..60 => Sentence::new("ago-now"),
        seconds @ 60..3600 => Sentence::new("ago-minutes").with("count", seconds / 60),
        seconds @ 3600..172_800 => Sentence::new("ago-hours").with("count", seconds / 3600),
        seconds => Sentence::new("ago-days").with("count", seconds / 86_400),
    }
}
