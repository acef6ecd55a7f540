//! The gate: sign-in, the home page with the visitor's tools, the account, sign-out. The only origin where credentials
//! are typed; no tool answers here.

mod account;
mod agent;
mod caller;
mod form;
mod home;
mod second_factor;
mod sign_in;
mod way;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use form::fields;

pub(super) use form::read_whole;

use super::api;
use crate::proxy::{
    body::Body,
    pipeline::{Connection, Picture},
    refusal::Refusal,
    route::Target,
};
use caller::Caller;
use hyper::{Method, Request, Response, body::Incoming};

/// Answers a request on the gate.
pub(crate) async fn answer(
    connection: &Connection,
    request: Request<Incoming>,
    path: &str,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    if let Some(call) = path.strip_prefix(API) {
        return api::answer(connection, request, call, target, snapshot).await;
    }
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, ());
    let caller = Caller::new(connection, &request, target, snapshot);
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return match path {
            "/" => home::show(&caller),
            "/sign-in" => sign_in::show(&caller),
            "/second-factor" => second_factor::show(&caller),
            "/account" => account::show(&caller),
            "/account/password" => account::password::show(&caller),
            "/account/second-factor" => account::second_factor::show(&caller),
            "/account/token" => account::tokens::show(&caller),
            _ => Err(Refusal::NoSuchPage),
        };
    }
    if request.method() != Method::POST {
        return Err(Refusal::NoSuchPage);
    }
    let form = async {
        caller.check_own_form()?;
        form::read(connection, body).await
    };
    match path {
        "/sign-in" => sign_in::take(&caller, form.await?).await,
        "/second-factor" => second_factor::take(&caller, form.await?).await,
        "/account/password" => account::password::take(&caller, form.await?).await,
        "/account/token" => account::tokens::take(&caller, form.await?).await,
        "/account/token/revoke" => account::tokens::revoke(&caller, &form.await?).await,
        "/account/session/end" => account::sessions::end_one(&caller, &form.await?).await,
        "/account/second-factor/begin" => account::second_factor::begin(&caller, form.await?).await,
        "/account/second-factor/confirm" => account::second_factor::confirm(&caller, form.await?).await,
        "/account/second-factor/codes" => account::second_factor::codes(&caller, form.await?).await,
        "/account/second-factor/remove" => account::second_factor::remove(&caller, form.await?).await,
        // These need nothing of a form, so a crowd that sends some keeps nobody in.
        "/sign-out" => sign_in::sign_out(&caller).await,
        "/account/session/end-others" => account::sessions::end_others(&caller).await,
        _ => Err(Refusal::NoSuchPage),
    }
}

/// Ends a sign-in for good. Where that cannot be saved it has ended here all the same.
pub(super) async fn end(connection: &Connection, id: &str) -> Result<(), Refusal> {
    let ended = connection.shared.sessions.end(|session| session.id == id).await;
    connection.shared.changed.notify_one();
    ended.map(drop).map_err(|error| {
        tracing::error!(%error, "the end of a session could not be saved");
        Refusal::Internal
    })
}

/// What programs ask begins so.
const API: &str = "/.drawbridge/api/";
