//! The gate: invites, passes, sign-in, the home page with the visitor's tools, the account, sign-out. The only origin where
//! credentials are typed; no tool answers here.

mod account;
mod agent;
mod approval;
mod caller;
mod form;
mod home;
mod invite;
mod pass;
mod passkey;
mod plain;
mod second_factor;
mod sign_in;
mod way;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use form::fields;

pub(super) use form::read_whole;

use super::{
    api,
    routes::{self, Gate, Page},
};
use crate::{
    headers::authority::Scheme,
    proxy::{
        body::Body,
        pipeline::{Connection, Picture},
        refusal::Refusal,
        route::Target,
    },
};
use caller::Caller;
use hyper::{Request, Response, body::Incoming};

/// Answers a request on the gate.
pub(crate) async fn answer(
    connection: &Connection,
    request: Request<Incoming>,
    path: &str,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    let route = routes::at_gate(request.method(), path);
    if connection.scheme == Scheme::Http && !matches!(route, Some(Gate::Page(_))) {
        let request = Request::from_parts(request.into_parts().0, ());
        return plain::to_https(&Caller::new(connection, &request, target, snapshot));
    }
    match route.ok_or(Refusal::NoSuchPage)? {
        Gate::Page(page) => answer_page(connection, request, page, target, snapshot).await,
        Gate::Call(call) => api::answer(connection, request, call, target, snapshot).await,
    }
}

async fn answer_page(
    connection: &Connection,
    request: Request<Incoming>,
    page: Page,
    target: &Target,
    snapshot: &Picture,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, ());
    let caller = Caller::new(connection, &request, target, snapshot);
    let form = async {
        caller.check_own_form()?;
        form::read(connection, body).await
    };
    if caller.is_plain() {
        return plain::answer(&caller, page, form).await;
    }
    match page {
        Page::Home => home::show(&caller),
        Page::InviteForm => invite::show(&caller),
        Page::Invite => invite::take(&caller, form.await?).await,
        Page::PassForm => pass::show(&caller),
        Page::Pass => pass::take(&caller, &form.await?).await,
        Page::SignInForm => sign_in::show(&caller),
        Page::SignIn => sign_in::take(&caller, form.await?).await,
        Page::PasskeySignIn => passkey::take(&caller, form.await?).await,
        Page::SecondFactorForm => second_factor::show(&caller),
        Page::SecondFactor => second_factor::take(&caller, form.await?).await,
        Page::Approval => approval::show(&caller).await,
        Page::Account => account::show(&caller),
        Page::PasswordForm => account::password::show(&caller),
        Page::Password => account::password::take(&caller, form.await?).await,
        Page::FactorForm => account::second_factor::show(&caller),
        Page::FactorBegin => account::second_factor::begin(&caller, form.await?).await,
        Page::FactorConfirm => account::second_factor::confirm(&caller, form.await?).await,
        Page::FactorCodes => account::second_factor::codes(&caller, form.await?).await,
        Page::FactorRemove => account::second_factor::remove(&caller, form.await?).await,
        Page::PasskeyBegin => account::passkeys::begin(&caller, form.await?).await,
        Page::Passkey => account::passkeys::take(&caller, form.await?).await,
        Page::PasskeyRemove => account::passkeys::remove(&caller, form.await?).await,
        Page::TokenForm => account::tokens::show(&caller),
        Page::Token => account::tokens::take(&caller, form.await?).await,
        Page::TokenRevoke => account::tokens::revoke(&caller, &form.await?).await,
        Page::NewPassForm => account::passes::show(&caller),
        Page::NewPass => account::passes::take(&caller, &form.await?).await,
        Page::PassRevoke => account::passes::revoke(&caller, &form.await?).await,
        Page::EndSession => account::sessions::end_one(&caller, &form.await?).await,
        // These need nothing of a form, so a crowd that sends some keeps nobody in.
        Page::SignOut => sign_in::sign_out(&caller).await,
        Page::EndOtherSessions => account::sessions::end_others(&caller).await,
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
