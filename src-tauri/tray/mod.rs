//! The tray: kept true as the view changes, and what a click sets off.
//!
//! What it says is worked out in `drawbridge_desk`; how that gets onto the screen is the business of
//! `status_notifier` (Linux) and `native` (Windows, macOS).

#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(all(not(target_os = "linux"), not(feature = "native-tray")))]
compile_error!("on this system the desktop is built with --features native-tray");
#[cfg(target_os = "linux")]
mod status_notifier;

#[cfg(not(target_os = "linux"))]
use native as backend;
#[cfg(target_os = "linux")]
use status_notifier as backend;

use crate::window::{self, Show};
use drawbridge_desk::{Act, Clipboard, Desk, Face, browse};
use drawbridge_protocol::{Problem, Request, Url};
use drawbridge_texts::Sentence;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tauri::{AppHandle, Manager};
use tokio::sync::{mpsc, watch};

/// Whether the tray is on a screen, known to the window.
#[derive(Clone, Default)]
pub(crate) struct Tray(Arc<AtomicBool>);

impl Tray {
    /// Whether a panel shows it now.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set_shown(&self, shown: bool) {
        self.0.store(shown, Ordering::Release);
    }
}

/// Shows the tray where there is a place for it, and keeps it true. Where there is none, the window opens.
pub(crate) fn begin(app: &AppHandle, desk: &Arc<Desk>) {
    let (acts, queue) = mpsc::unbounded_channel();
    let mut view = desk.watch();
    let (faces, face) = watch::channel(Face::of(desk.words(), &view.borrow_and_update()));
    backend::begin(app, face, acts);
    tauri::async_runtime::spawn(carry_out(app.clone(), Arc::clone(desk), queue));
    let desk = Arc::clone(desk);
    tauri::async_runtime::spawn(async move {
        while view.changed().await.is_ok() {
            let now = Face::of(desk.words(), &view.borrow_and_update());
            faces.send_replace(now);
        }
    });
}

async fn carry_out(app: AppHandle, desk: Arc<Desk>, mut acts: mpsc::UnboundedReceiver<Act>) {
    while let Some(act) = acts.recv().await {
        let (app, desk) = (app.clone(), Arc::clone(&desk));
        // Closing everything must not wait for a level on its way up.
        tauri::async_runtime::spawn(async move {
            if let Err(problem) = act_on(&app, &desk, act).await {
                window::show(&app, Show { problem: Some(problem), ..Show::overview() });
            }
        });
    }
}

async fn act_on(app: &AppHandle, desk: &Desk, act: Act) -> Result<(), Problem> {
    match act {
        Act::Window => window::show(app, Show::overview()),
        Act::Settings => window::show(app, Show { panel: "settings", ..Show::overview() }),
        Act::Qr(tool) => window::show(app, Show { tool: Some(tool), qr: true, ..Show::overview() }),
        Act::Level(tool, level) => drop(desk.ask(Request::Level { tool, level, for_seconds: None }).await?),
        Act::Close => drop(desk.ask(Request::Close).await?),
        Act::Start => desk.start(),
        Act::Quit => app.exit(0),
        Act::Copy(tool) => {
            let reply = desk.ask(Request::Url { tool: Some(tool) }).await?;
            let url: Url = serde_json::from_value(reply).map_err(|error| {
                desk.problem(&Sentence::new("tray-not-understood").quoting("cause", &error))
            })?;
            app.state::<Clipboard>()
                .copy(url.url)
                .map_err(|error| desk.problem(&Sentence::new("tray-copy-failed").quoting("cause", &error)))?;
        }
        Act::Open(target) => {
            browse(&target).map_err(|error| {
                desk.problem(&Sentence::new("tray-browse-failed").quoting("cause", &error))
            })?;
        }
    }
    Ok(())
}
