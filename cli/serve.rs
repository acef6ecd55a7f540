//! `drawbridge serve`: the engine in the foreground.

use crate::{Failure, log, output, place::Place};
use clap::Args;
use drawbridge_engine::{Clock, Configuration, Engine, FirstUser, Lan};
use drawbridge_protocol::Secret;
use drawbridge_texts::{Language, Sentence};
use std::net::IpAddr;

/// Run the engine in the foreground.
#[derive(Args)]
pub(crate) struct Serve {
    /// An address of this computer that is the local network; every listener is bound to these alone
    #[arg(long, value_name = "ADDRESS")]
    lan: Vec<IpAddr>,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(place: &Place, serve: Serve) -> Result<(), Failure> {
    log::begin(place);
    // Before anyone can learn that it runs: from here on a signal ends it cleanly.
    let wish = StopWish::listen()?;
    let configuration = Configuration { first_user: first_user(), ..configuration(place, serve.lan)? };
    let engine = Engine::start(configuration).await?;
    output::line(&format!("ready unix:{}", engine.socket().display()));
    let result = tokio::select! {
        made = wish.made() => made,
        () = engine.ended() => Err(Failure::Refused(Sentence::new("engine-failed"))),
    };
    engine.stop().await;
    result
}

/// What an engine of this place starts with.
pub(crate) fn configuration(place: &Place, lan: Vec<IpAddr>) -> Result<Configuration, Failure> {
    Ok(Configuration {
        home: place.home()?,
        keyring: place.keyring(),
        lan: if lan.is_empty() { Lan::Found } else { Lan::Given(lan) },
        clock: Clock::system(),
        language: Language::of_process(),
        first_user: None,
    })
}

/// Who shall be made where there is no user yet: for machines nobody sits at. One variable without the other is passed on
/// too, so that the engine says what is missing; an empty one counts as none. They stay in this process's environment: taking them out is unsafe while
/// threads run, and it starts no other program.
fn first_user() -> Option<FirstUser> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some(value.into_string().unwrap_or_default())
    };
    let (name, password) = (variable("DRAWBRIDGE_BOOTSTRAP_USER"), variable("DRAWBRIDGE_BOOTSTRAP_PASSWORD"));
    let is_meant = name.is_some() || password.is_some();
    is_meant.then(|| FirstUser {
        name: name.unwrap_or_default(),
        password: Secret::new(password.unwrap_or_default()),
    })
}

/// The wish to stop, listened for from its making on.
#[cfg(unix)]
pub(crate) struct StopWish(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl StopWish {
    /// Listens for SIGTERM and SIGINT; neither ends the process by itself any more.
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    }

    /// Waits for it.
    pub(crate) async fn made(mut self) -> Result<(), Failure> {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
        Ok(())
    }
}

/// The wish to stop.
#[cfg(not(unix))]
pub(crate) struct StopWish(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl StopWish {
    /// Listens for Ctrl-C; it does not end the process by itself any more.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    /// Waits for it.
    pub(crate) async fn made(mut self) -> Result<(), Failure> {
        let _ = self.0.recv().await;
        Ok(())
    }
}
