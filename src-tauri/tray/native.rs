//! The tray on Windows and macOS, through the toolkit. It has no choices, so levels are marks of which one is set.

use super::Tray;
use drawbridge_desk::{Act, Entry, Face};
use drawbridge_protocol::Headline;
use std::{collections::HashMap, sync::Arc, sync::Mutex, sync::PoisonError};
use tauri::{
    AppHandle, Manager,
    image::Image,
    menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};
use tokio::sync::{mpsc, watch};

/// What each entry of the menu on the screen asks for, by its id.
type Acts = Arc<Mutex<HashMap<String, Act>>>;

pub(super) fn begin(app: &AppHandle, mut face: watch::Receiver<Face>, acts: mpsc::Sender<Act>) {
    let known = Acts::default();
    let first = face.borrow_and_update().clone();
    let tray = match build(app, &first, &known, acts) {
        Ok(tray) => tray,
        Err(error) => {
            tracing::error!(%error, "the tray could not be shown");
            crate::window::show(app, crate::window::Show::overview());
            return;
        }
    };
    app.state::<Tray>().set_shown(true);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        while face.changed().await.is_ok() {
            let now = face.borrow_and_update().clone();
            if let Err(error) = renew(&app, &tray, &now, &known) {
                tracing::error!(%error, "the tray could not be renewed");
            }
        }
    });
}

fn build(app: &AppHandle, face: &Face, known: &Acts, acts: mpsc::Sender<Act>) -> tauri::Result<TrayIcon> {
    let (by_id, on_click) = (Arc::clone(known), acts.clone());
    TrayIconBuilder::new()
        .icon(icon(face.headline))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip(&face.tooltip)
        .menu(&menu(app, face, known)?)
        .show_menu_on_left_click(false)
        .on_menu_event(move |_, event| {
            let act = by_id.lock().unwrap_or_else(PoisonError::into_inner).get(event.id().as_ref()).cloned();
            let _ = act.map(|act| acts.try_send(act));
        })
        .on_tray_icon_event(move |_, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                let _ = on_click.try_send(Act::Window);
            }
        })
        .build(app)
}

fn renew(app: &AppHandle, tray: &TrayIcon, face: &Face, known: &Acts) -> tauri::Result<()> {
    tray.set_menu(Some(menu(app, face, known)?))?;
    tray.set_icon(Some(icon(face.headline)))?;
    tray.set_tooltip(Some(&face.tooltip))
}

fn menu(app: &AppHandle, face: &Face, known: &Acts) -> tauri::Result<Menu<tauri::Wry>> {
    let mut acts = HashMap::new();
    let items = items(app, &face.menu, &mut acts)?;
    let items: Vec<&dyn IsMenuItem<tauri::Wry>> = items.iter().map(AsRef::as_ref).collect();
    let menu = Menu::with_items(app, &items)?;
    *known.lock().unwrap_or_else(PoisonError::into_inner) = acts;
    Ok(menu)
}

type Items = Vec<Box<dyn IsMenuItem<tauri::Wry>>>;

fn items(app: &AppHandle, entries: &[Entry], acts: &mut HashMap<String, Act>) -> tauri::Result<Items> {
    let label = |text: &str| text.replace('&', "&&");
    let mut items: Items = Vec::new();
    for entry in entries {
        match entry {
            Entry::Line => items.push(Box::new(PredefinedMenuItem::separator(app)?)),
            Entry::Words(text) => items.push(Box::new(MenuItem::new(app, label(text), false, None::<&str>)?)),
            Entry::Item(text, act) => {
                let item = MenuItem::new(app, label(text), act.is_some(), None::<&str>)?;
                acts.extend(act.clone().map(|act| (item.id().as_ref().to_owned(), act)));
                items.push(Box::new(item));
            }
            Entry::Choice(choices, chosen) => {
                for (at, (text, act)) in choices.iter().enumerate() {
                    let item = CheckMenuItem::new(app, label(text), true, at == *chosen, None::<&str>)?;
                    acts.insert(item.id().as_ref().to_owned(), act.clone());
                    items.push(Box::new(item));
                }
            }
            Entry::Submenu(text, entries) => {
                let inner = self::items(app, entries, acts)?;
                let inner: Vec<&dyn IsMenuItem<tauri::Wry>> = inner.iter().map(AsRef::as_ref).collect();
                items.push(Box::new(Submenu::with_items(app, label(text), true, &inner)?));
            }
        }
    }
    Ok(items)
}

const fn icon(headline: Headline) -> Image<'static> {
    match headline {
        Headline::Closed => tauri::include_image!("icons/tray/closed-dark-48.png"),
        Headline::Lan => tauri::include_image!("icons/tray/lan-dark-48.png"),
        Headline::Internet => tauri::include_image!("icons/tray/internet-dark-48.png"),
        Headline::Trouble => tauri::include_image!("icons/tray/trouble-dark-48.png"),
    }
}
