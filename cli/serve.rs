//! `drawbridge serve`: the engine in the foreground.

use crate::{Failure, arguments::Place, output};
use clap::Args;
use drawbridge_engine::{Clock, Configuration, Engine, Lan};
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
    let engine = Engine::start(configuration(place, serve.lan)?).await?;
    output::line(&format!("ready unix:{}", engine.socket().display()));
    stopped().await?;
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

/// Waits for the wish to stop.
#[cfg(unix)]
pub(crate) async fn stopped() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Waits for the wish to stop.
#[cfg(not(unix))]
pub(crate) async fn stopped() -> Result<(), Failure> {
    Ok(tokio::signal::ctrl_c().await?)
}
