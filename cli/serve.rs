//! `drawbridge serve`: the engine in the foreground.

use crate::{Failure, arguments::Place, output};
use clap::Args;
use drawbridge_engine::{Clock, Configuration, Engine, Lan};
use drawbridge_texts::Language;
use std::{net::IpAddr, sync::Mutex};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Run the engine in the foreground.
#[derive(Args)]
pub(crate) struct Serve {
    /// An address of this computer that is the local network; every listener is bound to these alone
    #[arg(long, value_name = "ADDRESS")]
    lan: Vec<IpAddr>,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(place: &Place, serve: Serve) -> Result<(), Failure> {
    begin_log(place);
    // Before anyone can learn that it runs: from here on a signal ends it cleanly.
    let wish = StopWish::listen()?;
    let engine = Engine::start(configuration(place, serve.lan)?).await?;
    output::line(&format!("ready unix:{}", engine.socket().display()));
    wish.made().await?;
    engine.stop().await;
    Ok(())
}

/// What an engine of this place starts with.
pub(crate) fn configuration(place: &Place, lan: Vec<IpAddr>) -> Result<Configuration, Failure> {
    Ok(Configuration {
        home: place.home()?,
        keyring: place.keyring(),
        lan: if lan.is_empty() { Lan::Found } else { Lan::Given(lan) },
        clock: Clock::system(),
        language: Language::of_process(),
    })
}

/// Warnings of the engine as lines of talk, and with what it did in the home's log; `DRAWBRIDGE_LOG=debug` shows more.
pub(crate) fn begin_log(place: &Place) {
    let filter =
        |usual: &str| EnvFilter::try_from_env("DRAWBRIDGE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let talk = fmt::layer().with_ansi(false).with_writer(std::io::stderr).with_filter(filter("warn"));
    // A home that cannot be written says so when the engine starts; that needs no log.
    let file = place.home().and_then(|home| home.open_log()).ok();
    let kept = file
        .map(|file| fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(filter("info")));
    // A second call in one process keeps the first logger.
    let _ = tracing_subscriber::registry().with(talk).with(kept).try_init();
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
