//! Where the engine's log goes; shared by the command line and the desktop.

use crate::place::Place;
use std::sync::Mutex;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Warnings of the engine as lines of talk, and with what it did in the home's log; `DRAWBRIDGE_LOG=debug` shows more.
/// The HTTP/2 library warns of every stranger who breaks the rules, who could so fill the disk or push out what matters.
pub(crate) fn begin(place: &Place) {
    let filter =
        |usual: &str| EnvFilter::try_from_env("DRAWBRIDGE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let talk =
        fmt::layer().with_ansi(false).with_writer(std::io::stderr).with_filter(filter("warn,h2=error"));
    // A home that cannot be written says so when the engine starts; that needs no log.
    let file = place.home().and_then(|home| home.open_log()).ok();
    let kept = file.map(|file| {
        fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(filter("info,h2=error"))
    });
    // A second call in one process keeps the first logger.
    let _ = tracing_subscriber::registry().with(talk).with(kept).try_init();
}
