//! The window: made when somebody wants to see it, destroyed when closed. It shows our own pages and nothing else.

use crate::tray::Tray;
use drawbridge_desk::{Desk, EngineState, Pending, Show};
use drawbridge_engine::Bell;
use drawbridge_protocol::Level;
use serde_json::json;
use std::sync::Arc;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, WindowEvent, webview::NewWindowResponse};

/// Shows the window, and in it what was asked for.
pub(crate) fn show(app: &AppHandle, show: Show) {
    app.state::<Pending>().ask(show.event());
    let handle = app.clone();
    let done = app.run_on_main_thread(move || {
        let shown = match handle.get_webview_window(LABEL) {
            Some(window) => {
                window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus())
            }
            None => open(&handle),
        };
        if let Err(error) = shown {
            tracing::error!(%error, "the window could not be shown");
        }
    });
    if let Err(error) = done {
        tracing::error!(%error, "the window could not be asked for");
    }
}

/// Opens the window where there is none; in one that is open its owner may be in the middle of something.
pub(crate) fn show_unless_open(app: &AppHandle) {
    if app.get_webview_window(LABEL).is_none() {
        show(app, Show::window());
    }
}

/// Shows the window whenever a second desktop is started for this home.
pub(crate) async fn follow_bell(app: AppHandle, mut bell: Bell) {
    loop {
        bell.rung().await;
        show(&app, Show::window());
    }
}

fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Drawbridge")
        .inner_size(1000.0, 720.0)
        .min_inner_size(480.0, 420.0)
        // Nothing of the window outlives it: no cache, no storage beside the home.
        .incognito(!is_driven())
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .build()?;
    let app = app.clone();
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } if !may_close(&app) => api.prevent_close(),
        WindowEvent::Destroyed => {
            app.state::<Pending>().end();
            // Nothing to come back to: no tray, and nothing here that keeps a door open.
            if !app.state::<Tray>().is_shown() && doors_kept_here(&app) == 0 {
                app.exit(0);
            }
        }
        _ => {}
    });
    Ok(())
}

/// Whether a driver holds the window: it waits for one, and can hold none that keeps to itself.
pub(crate) fn is_driven() -> bool {
    cfg!(debug_assertions)
        && std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// Our own pages only: a tool's page, a visitor's name or anything else never gets this window.
fn is_ours(url: &tauri::Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // How Windows spells the same; with a port it would be somebody else's.
        "http" | "https" => {
            cfg!(windows) && url.host_str() == Some("tauri.localhost") && url.port().is_none()
        }
        _ => false,
    }
}

/// Without a tray a closed window could not come back, so its pages ask first while doors stay open.
fn may_close(app: &AppHandle) -> bool {
    let doors = doors_kept_here(app);
    if app.state::<Tray>().is_shown() || doors == 0 {
        return true;
    }
    !app.state::<Pending>().ask_to_close(json!({ "event": "closing", "doors": doors }))
}

/// Tools that are open through an engine of this process.
fn doors_kept_here(app: &AppHandle) -> usize {
    let desk = app.state::<Arc<Desk>>();
    let view = desk.watch();
    let view = view.borrow();
    match (&view.engine, &view.whole) {
        (EngineState::Running { here: true }, Some(whole)) => {
            whole.status.tools.iter().filter(|tool| tool.level > Level::Local).count()
        }
        _ => 0,
    }
}

const LABEL: &str = "window";
