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

use crate::window;
use drawbridge_desk::{Act, Desk, Face, Kind, Show};
use drawbridge_protocol::{Level, Problem, Request, Url};
use drawbridge_texts::Sentence;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tauri::AppHandle;
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
    let (acts, queue) = mpsc::channel(CLICKS);
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

/// Levels one after another, in the order of the clicks; everything else at once.
async fn carry_out(app: AppHandle, desk: Arc<Desk>, mut acts: mpsc::Receiver<Act>) {
    let (levels, mut queue) = mpsc::channel(CLICKS);
    let in_order = (app.clone(), Arc::clone(&desk));
    tauri::async_runtime::spawn(async move {
        while let Some(act) = queue.recv().await {
            perform(&in_order.0, &in_order.1, act).await;
        }
    });
    while let Some(act) = acts.recv().await {
        if let Act::Level(..) = act {
            // Full means that nothing answers; one more click is no help then.
            let _ = levels.try_send(act);
            continue;
        }
        let (app, desk) = (app.clone(), Arc::clone(&desk));
        // Closing everything must not wait for a level on its way up.
        tauri::async_runtime::spawn(async move { perform(&app, &desk, act).await });
    }
}

/// Does it; what is refused is said in the window.
async fn perform(app: &AppHandle, desk: &Desk, act: Act) {
    if let Err(problem) = act_on(app, desk, act).await {
        window::show(app, Show { problem: Some(problem), ..Show::window() });
    }
}

async fn act_on(app: &AppHandle, desk: &Desk, act: Act) -> Result<(), Problem> {
    match act {
        Act::Window => window::show(app, Show::window()),
        Act::Settings => window::show(app, Show { panel: Some("settings"), ..Show::window() }),
        Act::Qr(tool) => window::show(app, Show { tool: Some(tool), qr: true, ..Show::window() }),
        Act::Level(tool, level) => set_level(desk, tool, level).await?,
        Act::WithPassword(tool) => drop(desk.ask(Request::WithPassword { tool }).await?),
        Act::Close => drop(desk.ask(Request::Close).await?),
        Act::Start => desk.start(),
        Act::Quit => app.exit(0),
        Act::Copy(tool) => {
            let reply = desk.ask(Request::Url { tool: Some(tool) }).await?;
            let url: Url = serde_json::from_value(reply).map_err(|error| {
                desk.problem(&Sentence::new("tray-not-understood").quoting("cause", &error))
            })?;
            desk.copy(url.url, Kind::Open).await?;
        }
        Act::Open(target) => desk.browse(target).await?,
    }
    Ok(())
}

/// A click on the level that is set changes nothing, its time limit least of all; going up is for a while.
async fn set_level(desk: &Desk, tool: String, level: Level) -> Result<(), Problem> {
    let now = desk.watch().borrow().whole.as_ref().and_then(|whole| {
        let known = whole.status.tools.iter().find(|known| known.id == tool)?;
        (known.level == known.wanted).then_some(known.level)
    });
    if now == Some(level) {
        return Ok(());
    }
    let for_seconds =
        now.is_none_or(|now| level > now).then_some(OPEN_SECONDS).filter(|_| level > Level::Local);
    desk.ask(Request::Level { tool, level, for_seconds }).await.map(drop)
}

/// Clicks that wait (chosen: more than a hand can do before it notices).
const CLICKS: usize = 32;
/// How long what was opened here stays open (as `drawbridge share`: 8 hours).
const OPEN_SECONDS: u64 = 8 * 3600;
