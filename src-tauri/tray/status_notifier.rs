//! The tray on Linux: a StatusNotifierItem, which panels of KDE, Xfce, LXQt, and GNOME with its extension show.
//!
//! It waits for a panel that is not there yet and comes back to one that restarts; the window learns whether one is.

use super::Tray;
use crate::window;
use drawbridge_desk::{Act, Entry, Face, Shade};
use drawbridge_protocol::Headline;
use ksni::{
    OfflineReason, ToolTip,
    blocking::TrayMethods,
    menu::{RadioGroup, RadioItem, StandardItem, SubMenu},
};
use std::{thread, time::Duration};
use tauri::{AppHandle, Manager, image::Image};
use tokio::sync::{mpsc, watch};

struct Item {
    app: AppHandle,
    face: Face,
    shade: Shade,
    acts: mpsc::Sender<Act>,
}

/// Shows the tray from a thread of its own: the desktop's bus may take its time.
pub(super) fn begin(app: &AppHandle, face: watch::Receiver<Face>, acts: mpsc::Sender<Act>) {
    let (app, for_trouble) = (app.clone(), app.clone());
    // Believed to be there until the bus says otherwise, so that no window flashes up at the start.
    app.state::<Tray>().set_shown(true);
    let thread = thread::Builder::new().name("tray".to_owned()).spawn(move || live(&app, face, acts));
    if let Err(error) = thread {
        tracing::error!(%error, "the tray could not be started");
        without_panel(&for_trouble);
    }
}

fn live(app: &AppHandle, mut face: watch::Receiver<Face>, acts: mpsc::Sender<Act>) {
    let item = Item { app: app.clone(), face: face.borrow_and_update().clone(), shade: Shade::usual(), acts };
    let spawned = item.assume_sni_available(true).spawn();
    let handle = match spawned {
        Ok(handle) => handle,
        Err(error) => {
            tracing::info!(%error, "there is no tray here");
            return without_panel(app);
        }
    };
    let for_shades = handle.clone();
    Shade::follow(move |shade| for_shades.update(|item: &mut Item| item.shade = shade).is_some());
    while tauri::async_runtime::block_on(face.changed()).is_ok() {
        let now = face.borrow_and_update().clone();
        if handle.update(|item| item.face = now).is_none() {
            return without_panel(app);
        }
    }
}

fn without_panel(app: &AppHandle) {
    app.state::<Tray>().set_shown(false);
    window::show_unless_open(app);
}

impl Item {
    fn act(act: Act) -> Box<dyn Fn(&mut Self) + Send + Sync> {
        Box::new(move |item| item.send(act.clone()))
    }

    fn send(&self, act: Act) {
        // Without a receiver the program is ending; full, nothing answers.
        let _ = self.acts.try_send(act);
    }

    fn entry(entry: &Entry) -> ksni::MenuItem<Self> {
        let label = |text: &str| text.replace('_', "__");
        match entry {
            Entry::Line => ksni::MenuItem::Separator,
            Entry::Words(text) => {
                StandardItem { label: label(text), enabled: false, ..StandardItem::default() }.into()
            }
            Entry::Item(text, act) => StandardItem {
                label: label(text),
                enabled: act.is_some(),
                activate: act.clone().map_or_else(|| Box::new(|_: &mut Self| {}) as _, Self::act),
                ..StandardItem::default()
            }
            .into(),
            Entry::Submenu(text, entries) => SubMenu {
                label: label(text),
                submenu: entries.iter().map(Self::entry).collect(),
                ..SubMenu::default()
            }
            .into(),
            Entry::Choice(choices, chosen) => {
                let options = choices
                    .iter()
                    .map(|(text, _)| RadioItem { label: label(text), ..RadioItem::default() })
                    .collect();
                let acts: Vec<Act> = choices.iter().map(|(_, act)| act.clone()).collect();
                let select = Box::new(move |item: &mut Self, at: usize| {
                    if let Some(act) = acts.get(at) {
                        item.send(act.clone());
                    }
                });
                RadioGroup { selected: *chosen, select, options }.into()
            }
        }
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "drawbridge".to_owned()
    }

    fn title(&self) -> String {
        "Drawbridge".to_owned()
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        icons(self.face.headline, self.shade).iter().map(pixmap).collect()
    }

    fn tool_tip(&self) -> ToolTip {
        // Panels read marks here: a tool's name must stay a name.
        let description = self.face.tooltip.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        ToolTip { title: self.title(), description, ..ToolTip::default() }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.send(Act::Window);
    }

    fn menu(&self) -> Vec<ksni::MenuItem<Self>> {
        self.face.menu.iter().map(Self::entry).collect()
    }

    fn watcher_online(&self) {
        self.app.state::<Tray>().set_shown(true);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::info!(?reason, "no panel shows the tray now");
        let app = self.app.clone();
        app.state::<Tray>().set_shown(false);
        // A panel that restarts is back at once, and at login the panel may come after us.
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(GRACE).await;
            if !app.state::<Tray>().is_shown() {
                window::show_unless_open(&app);
            }
        });
        true
    }
}

fn pixmap(image: &Image<'_>) -> ksni::Icon {
    let mut data = image.rgba().to_vec();
    // RGBA to ARGB.
    for pixel in data.chunks_exact_mut(4) {
        pixel.rotate_right(1);
    }
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or_default();
    ksni::Icon { width: side(image.width()), height: side(image.height()), data }
}

fn icons(headline: Headline, shade: Shade) -> [Image<'static>; 2] {
    macro_rules! pair {
        ($small:tt, $large:tt) => {
            [tauri::include_image!($small), tauri::include_image!($large)]
        };
    }
    match (headline, shade) {
        (Headline::Closed, Shade::Light) => {
            pair!("icons/tray/closed-light-24.png", "icons/tray/closed-light-48.png")
        }
        (Headline::Closed, Shade::Dark) => {
            pair!("icons/tray/closed-dark-24.png", "icons/tray/closed-dark-48.png")
        }
        (Headline::Lan, Shade::Light) => pair!("icons/tray/lan-light-24.png", "icons/tray/lan-light-48.png"),
        (Headline::Lan, Shade::Dark) => pair!("icons/tray/lan-dark-24.png", "icons/tray/lan-dark-48.png"),
        (Headline::Internet, Shade::Light) => {
            pair!("icons/tray/internet-light-24.png", "icons/tray/internet-light-48.png")
        }
        (Headline::Internet, Shade::Dark) => {
            pair!("icons/tray/internet-dark-24.png", "icons/tray/internet-dark-48.png")
        }
        (Headline::Trouble, Shade::Light) => {
            pair!("icons/tray/trouble-light-24.png", "icons/tray/trouble-light-48.png")
        }
        (Headline::Trouble, Shade::Dark) => {
            pair!("icons/tray/trouble-dark-24.png", "icons/tray/trouble-dark-48.png")
        }
    }
}

/// How long a panel may be away before the window opens instead (chosen: panels restart within two seconds).
const GRACE: Duration = Duration::from_secs(4);
