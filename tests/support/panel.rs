//! A panel: a StatusNotifierWatcher on a private bus that reads a tray item and its menu and clicks in it, as the
//! panels of desktops do (freedesktop's StatusNotifierItem, and `com.canonical.dbusmenu` for the menu).

use super::eventually;
use std::{
    collections::HashMap,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};
use zbus::{
    blocking::{Connection, Proxy, connection},
    message::Header,
    names::{BusName, OwnedBusName, OwnedUniqueName},
    object_server::SignalEmitter,
    zvariant::{OwnedValue, Structure, Value},
};

/// A panel with a place for tray items.
pub(crate) struct Panel {
    connection: Connection,
    items: Receiver<OwnedUniqueName>,
}

/// A tray item, as the panel sees it.
pub(crate) struct Item {
    connection: Connection,
    owner: OwnedUniqueName,
}

/// One entry of a menu.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    id: i32,
    /// As it is shown, without marks for access keys.
    pub(crate) label: String,
    pub(crate) enabled: bool,
    /// `radio` or `checkmark`, and whether it is on.
    pub(crate) toggle: Option<(String, bool)>,
    pub(crate) entries: Vec<Entry>,
}

struct Watcher {
    registered: Sender<OwnedUniqueName>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, _service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().expect("buses name senders").to_owned();
        let _ = self.registered.send(sender.into());
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_host_registered(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

impl Panel {
    /// Takes the watcher's place on this bus.
    pub(crate) fn start(address: &str) -> Self {
        let (registered, items) = mpsc::channel();
        let connection = connection::Builder::address(address)
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher { registered }))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"))
            .and_then(connection::Builder::build)
            .expect("the bus takes a panel");
        Self { connection, items }
    }

    /// The next item that comes.
    pub(crate) fn item(&self) -> Item {
        let owner = self.items.recv_timeout(Duration::from_secs(20)).expect("an item comes to the tray");
        Item { connection: self.connection.clone(), owner }
    }
}

impl Item {
    /// Left click.
    pub(crate) fn activate(&self) {
        let _: () = self.proxy().call("Activate", &(0, 0)).expect("the item takes clicks");
    }

    /// The pixels of its smallest icon, and their size.
    pub(crate) fn icon(&self) -> (i32, i32, Vec<u8>) {
        let icons: Vec<(i32, i32, Vec<u8>)> = self.property("IconPixmap").try_into().expect("pixmaps");
        icons.into_iter().min_by_key(|(width, ..)| *width).expect("an icon")
    }

    /// What is read when the pointer rests on it, with the marks panels read.
    pub(crate) fn tooltip(&self) -> String {
        let tooltip: Structure<'_> = self.property("ToolTip").try_into().expect("a structure");
        let [_, _, title, text] = tooltip.fields() else { panic!("a tooltip has four parts") };
        let words = |value: &Value<'_>| value.downcast_ref::<String>().expect("words");
        format!("{}: {}", words(title), words(text))
    }

    /// The whole menu.
    pub(crate) fn menu(&self) -> Vec<Entry> {
        let menu = self.menu_proxy();
        let _: bool = menu.call("AboutToShow", &(0,)).expect("the menu opens");
        let names: &[&str] = &[];
        let layout: (u32, Node) = menu.call("GetLayout", &(0, -1, names)).expect("the menu is read");
        entries(layout.1.2)
    }

    /// Waits until the menu has an entry at this path of labels, and returns it.
    pub(crate) fn entry(&self, path: &[&str]) -> Entry {
        let mut found = None;
        eventually(&format!("the menu has {path:?}"), || {
            found = find(&self.menu(), path);
            found.is_some()
        });
        found.expect("just found")
    }

    /// Clicks the entry at this path of labels.
    pub(crate) fn click(&self, path: &[&str]) {
        let entry = self.entry(path);
        assert!(entry.enabled, "{path:?} cannot be clicked");
        let data = Value::I32(0);
        let _: () = self
            .menu_proxy()
            .call("Event", &(entry.id, "clicked", data, 0_u32))
            .expect("the menu takes clicks");
    }

    fn property(&self, name: &str) -> OwnedValue {
        // Read anew each time: signals and caches are the business of real panels.
        let properties = Proxy::new(
            &self.connection,
            self.bus_name(),
            "/StatusNotifierItem",
            "org.freedesktop.DBus.Properties",
        )
        .expect("a proxy");
        properties.call("Get", &("org.kde.StatusNotifierItem", name)).expect("the item has it")
    }

    fn proxy(&self) -> Proxy<'static> {
        Proxy::new(&self.connection, self.bus_name(), "/StatusNotifierItem", "org.kde.StatusNotifierItem")
            .expect("a proxy")
    }

    fn menu_proxy(&self) -> Proxy<'static> {
        Proxy::new(&self.connection, self.bus_name(), "/MenuBar", "com.canonical.dbusmenu").expect("a proxy")
    }

    fn bus_name(&self) -> OwnedBusName {
        BusName::from(self.owner.clone().into_inner()).into()
    }
}

/// The entry at a path of labels; each label is matched from its start, as names may follow.
fn find(entries: &[Entry], path: &[&str]) -> Option<Entry> {
    let (first, rest) = path.split_first()?;
    let entry = entries.iter().find(|entry| entry.label.starts_with(first))?;
    if rest.is_empty() { Some(entry.clone()) } else { find(&entry.entries, rest) }
}

/// `(ia{sv}av)` of dbusmenu.
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn entries(children: Vec<OwnedValue>) -> Vec<Entry> {
    children
        .into_iter()
        .map(|child| {
            let (id, properties, children): Node =
                Structure::try_from(child).and_then(TryInto::try_into).expect("a node of the menu");
            let text = |name: &str| {
                properties.get(name).and_then(|value| value.downcast_ref::<String>().ok()).unwrap_or_default()
            };
            let number = |name: &str| properties.get(name).and_then(|value| value.downcast_ref::<i32>().ok());
            let enabled = properties.get("enabled").and_then(|value| value.downcast_ref::<bool>().ok());
            let toggle = text("toggle-type");
            Entry {
                id,
                label: text("label").replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_"),
                enabled: enabled.unwrap_or(true),
                toggle: (!toggle.is_empty()).then(|| (toggle, number("toggle-state") == Some(1))),
                entries: entries(children),
            }
        })
        .collect()
}
