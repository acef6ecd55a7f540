//! `drawbridge serve`: the engine in the foreground.

use crate::{Failure, arguments::Place, output};
use clap::Args;
use drawbridge_engine::{Clock, Configuration, Engine, Lan};
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
    log_to_stderr();
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

/// Warnings of the engine as lines of talk; `DRAWBRIDGE_LOG=debug` shows more.
pub(crate) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DRAWBRIDGE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let logger =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr);
    // A second call in one process keeps the first logger.
    let _ = logger.try_init();
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
