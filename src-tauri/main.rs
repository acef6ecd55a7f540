//! `drawbridge-desktop`: tray and window. It decides nothing: everything it shows comes from the engine, and every
//! click is a request to it.
//!
//! The engine runs in this process, unless one already runs for this home; then this is its client.

// No console window beside the program on Windows.
#![cfg_attr(windows, windows_subsystem = "windows")]

mod bridge;
#[path = "../cli/log.rs"]
mod log;
#[path = "../cli/place.rs"]
mod place;
mod tray;
mod window;

use clap::Parser;
use drawbridge_desk::{Desk, Pending, Show, announce, follow};
use drawbridge_engine::{Bell, BellError, Clock, Configuration, Lan};
use drawbridge_texts::{Language, Tell, Texts, Words};
use place::Place;
use std::{io::Write, net::IpAddr, process::ExitCode, sync::Arc};
use tauri::RunEvent;
use tray::Tray;

/// Tray and window of Drawbridge.
#[derive(Parser)]
#[command(name = "drawbridge-desktop", version)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// An address of this computer that is the local network; every listener is bound to these alone
    #[arg(long, value_name = "ADDRESS")]
    lan: Vec<IpAddr>,
    /// Open the window at once, also where there is a tray
    #[arg(long)]
    window: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { place, lan, window } = arguments;
    log::begin(&place);
    let language = Language::of_process();
    let words = Words::new(Arc::new(Texts::new()), language.clone());
    let home = place.home().map_err(|error| anyhow::anyhow!(words.whole(&error.sentence())))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let bell = match runtime.block_on(Bell::hang(&home)) {
        Ok(bell) => Some(bell),
        // The other one shows its window now.
        Err(BellError::Rung) => return Ok(()),
        // The window says what is wrong with the home, and may reach an engine that runs there all the same.
        Err(BellError::Home(_)) => None,
        Err(error @ BellError::Silent(_)) => anyhow::bail!(words.whole(&error.sentence())),
    };
    let lan = if lan.is_empty() { Lan::Found } else { Lan::Given(lan) };
    let configuration = Configuration {
        home,
        keyring: place.keyring(),
        lan,
        clock: Clock::system(),
        language,
        first_user: None,
    };
    let desk = Arc::new(Desk::new(configuration, words));
    let app = tauri::Builder::default()
        .manage(Arc::clone(&desk))
        .manage(Pending::new())
        .manage(Tray::default())
        .invoke_handler(tauri::generate_handler![bridge::ask])
        .build(tauri::generate_context!())?;
    let handle = app.handle().clone();
    runtime.spawn(follow(Arc::clone(&desk)));
    let answering = handle.clone();
    runtime.spawn(announce(Arc::clone(&desk), move || window::show(&answering, Show::window())));
    if let Some(bell) = bell {
        runtime.spawn(window::follow_bell(handle.clone(), bell));
    }
    runtime.spawn(end_on_signal(handle.clone()));
    tray::begin(&handle, &desk);
    if window || window::is_driven() {
        window::show(&handle, Show::window());
    }
    let ending = Arc::clone(&desk);
    app.run(move |_, event| match event {
        // The last window closed; the tray stays.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::Exit => runtime.block_on(ending.end()),
        _ => {}
    });
    Ok(())
}

#[cfg(unix)]
async fn end_on_signal(app: tauri::AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.exit(0);
}

#[cfg(not(unix))]
async fn end_on_signal(app: tauri::AppHandle) {
    if tokio::signal::ctrl_c().await.is_ok() {
        app.exit(0);
    }
}
