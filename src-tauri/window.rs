//! The window: made when somebody wants to see it, destroyed when closed. It shows our own pages and nothing else.

use crate::tray::Tray;
use drawbridge_desk::{Desk, EngineState};
use drawbridge_engine::Bell;
use drawbridge_protocol::{Level, Problem};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder, WindowEvent, webview::NewWindowResponse};
use tokio::sync::watch;

/// What the window shall show.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Show {
    pub(crate) panel: &'static str,
    /// A tool's id.
    pub(crate) tool: Option<String>,
    /// Its QR code at once.
    pub(crate) qr: bool,
    /// What went wrong outside the window.
    pub(crate) problem: Option<Problem>,
}

impl Show {
    pub(crate) const fn overview() -> Self {
        Self { panel: "overview", tool: None, qr: false, problem: None }
    }
}

/// Events for the window from this side; kept until it listens.
pub(crate) struct Pending {
    asked: watch::Sender<Option<Value>>,
    turn: AtomicU64,
}

impl Pending {
    pub(crate) fn new() -> Self {
        Self { asked: watch::Sender::new(None), turn: AtomicU64::new(0) }
    }

    /// The place of a new listener, which ends the one before.
    pub(crate) fn listener(&self) -> (watch::Receiver<Option<Value>>, u64) {
        let turn = self.turn.fetch_add(1, Ordering::AcqRel) + 1;
        let mut receiver = self.asked.subscribe();
        receiver.mark_changed();
        // The listener before wakes up and sees that its turn is over.
        self.asked.send_modify(|_| {});
        (receiver, turn)
    }

    /// Ends the listener: its window is gone.
    fn end(&self) {
        self.take();
        self.turn.fetch_add(1, Ordering::AcqRel);
        self.asked.send_modify(|_| {});
    }

    /// What was asked for since the last time.
    pub(crate) fn take(&self) -> Option<Value> {
        let mut asked = None;
        self.asked.send_if_modified(|kept| {
            asked = kept.take();
            false
        });
        asked
    }

    pub(crate) fn is_turn(&self, turn: u64) -> bool {
        self.turn.load(Ordering::Acquire) == turn
    }
}

/// Shows the window, and in it what was asked for.
pub(crate) fn show(app: &AppHandle, show: Show) {
    let mut event = serde_json::to_value(show).unwrap_or_default();
    if let Value::Object(fields) = &mut event {
        fields.insert("event".to_owned(), "show".into());
    }
    app.state::<Pending>().asked.send_replace(Some(event));
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
        show(app, Show::overview());
    }
}

/// Shows the window whenever a second desktop is started for this home.
pub(crate) async fn follow_bell(app: AppHandle, mut bell: Bell) {
    loop {
        bell.rung().await;
        show(&app, Show::overview());
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
        WindowEvent::CloseRequested { api, .. } if !may_close(&app) => {
            api.prevent_close();
        }
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
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// Our own pages only: a tool's page, a visitor's name or anything else never gets this window.
fn is_ours(url: &tauri::Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // How Windows spells the same.
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

/// Without a tray a closed window could not come back, so its pages ask first while doors stay open.
fn may_close(app: &AppHandle) -> bool {
    let doors = doors_kept_here(app);
    if app.state::<Tray>().is_shown() || doors == 0 {
        return true;
    }
    app.state::<Pending>().asked.send_replace(Some(json!({ "event": "closing", "doors": doors })));
    false
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
