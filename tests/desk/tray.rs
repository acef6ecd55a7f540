//! The tray through a StatusNotifier host: what it says, and what a click does.

use crate::support::{
    Recorder,
    desktop::Desktop,
    eventually, eventually_within,
    panel::{Entry, Item, Panel},
    trial::PASSWORD,
};
use std::time::Duration;

/// A session with the tool `Notebook` behind the tray, and a user.
fn with_a_tool() -> (Desktop, Item, Recorder) {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    (desktop, item, recorder)
}

fn chosen(entry: &Entry) -> Vec<&str> {
    let on = |entry: &&Entry| entry.toggle == Some(("radio".to_owned(), true));
    entry.entries.iter().filter(on).map(|entry| entry.label.as_str()).collect()
}

#[test]
fn a_click_on_a_level_opens_and_closes_and_the_tray_says_so() {
    let (desktop, item, _recorder) = with_a_tool();
    assert_eq!(chosen(&item.entry(&["Notebook"])), ["This computer only"]);
    assert_eq!(item.tooltip(), "Drawbridge: Nothing is reachable from elsewhere");
    assert!(!item.entry(&["Close everything"]).enabled, "nothing is open");
    let closed = item.icon();
    item.click(&["Notebook", "Local network"]);
    item.entry(&["Notebook – local network"]);
    assert_eq!(chosen(&item.entry(&["Notebook"])), ["Local network, with password"]);
    assert_eq!(item.tooltip(), "Drawbridge: Open on the local network: Notebook");
    assert_ne!(item.icon(), closed, "the icon says it too");
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "lan");
    item.click(&["Notebook", "This computer only"]);
    item.entry(&["Notebook – this computer"]);
    assert_eq!(item.icon(), closed);
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "local");
}

#[test]
fn what_is_open_without_a_password_is_said_and_taken_back_and_never_offered() {
    let (desktop, item, _recorder) = with_a_tool();
    item.click(&["Notebook", "Local network"]);
    let submenu = item.entry(&["Notebook – local network"]);
    assert!(submenu.entries.iter().all(|entry| !entry.label.contains("without a password")));
    desktop.trial.ok(&["level", "Notebook", "lan", "--no-password", "--network", "home"]);
    item.entry(&["Notebook – local network", "Open to anybody on this network, without a password"]);
    let said = "Drawbridge: Open to anybody on this network, without a password: Notebook";
    eventually("the tooltip says it", || item.tooltip() == said);
    item.click(&["Notebook – local network", "Ask for a password again"]);
    eventually("it is over", || desktop.trial.json(&["tool", "list"])[0].get("anybody_until").is_none());
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "lan");
}

#[test]
fn the_share_address_comes_onto_the_clipboard() {
    let (desktop, item, _recorder) = with_a_tool();
    assert!(!item.entry(&["Notebook", "Copy share address"]).enabled, "there is none yet");
    item.click(&["Notebook", "Local network"]);
    item.entry(&["Notebook – local network"]);
    item.click(&["Notebook", "Copy share address"]);
    let url = desktop.trial.url("Notebook");
    let clipboard = || desktop.run("xclip", &["-selection", "clipboard", "-out"]);
    eventually("the address is on the clipboard", || clipboard().trim() == url);
}

#[test]
fn close_everything_closes_and_quit_says_what_it_closes() {
    let (mut desktop, item, _recorder) = with_a_tool();
    assert_eq!(item.entry(&["Quit"]).label, "Quit");
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let port = desktop.trial.socket(&desktop.trial.url("Notebook")).port();
    assert_eq!(item.entry(&["Quit and close"]).label, "Quit and close Notebook");
    assert!(desktop.trial.listening().contains(&port));
    item.click(&["Close everything"]);
    eventually_within(Duration::from_secs(1), "the door is closed", || {
        !desktop.trial.listening().contains(&port)
    });
    item.entry(&["Notebook – this computer"]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    item.click(&["Quit and close"]);
    desktop.ended();
    assert!(desktop.trial.listening().is_empty(), "nothing listens after the end");
    assert_eq!(desktop.trial.run(&["status"]).status.code(), Some(3));
}

#[test]
fn a_refusal_from_the_tray_opens_the_window() {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    assert!(desktop.windows().is_empty(), "no window unasked");
    // Nobody could sign in, so this is refused.
    item.click(&["Notebook", "Local network"]);
    eventually("the window opens", || desktop.windows() == ["Drawbridge"]);
    assert_eq!(chosen(&item.entry(&["Notebook"])), ["This computer only"]);
}

#[test]
fn a_left_click_opens_the_window_and_so_does_a_second_start() {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    assert!(desktop.windows().is_empty());
    item.activate();
    eventually("the window is there", || desktop.windows() == ["Drawbridge"]);
    desktop.close_window();
    eventually("the window is gone", || desktop.windows().is_empty());
    desktop.start_again();
    eventually("the first shows its window", || desktop.windows() == ["Drawbridge"]);
}

#[test]
fn the_tray_comes_back_to_a_panel_that_restarts() {
    let mut desktop = Desktop::with_panel();
    let item = desktop.start();
    item.entry(&["Quit"]);
    // Both hold the panel's connection to the bus.
    drop(item);
    desktop.panel = None;
    desktop.panel = Some(Panel::start(&desktop.bus.bus_address()));
    let again = desktop.panel.as_ref().expect("just started").item();
    again.entry(&["Quit"]);
    assert!(desktop.windows().is_empty(), "a panel that comes back is no reason for a window");
}

#[test]
fn without_a_panel_the_window_opens_and_a_late_panel_gets_the_tray() {
    let mut desktop = Desktop::without_panel();
    desktop.launch();
    eventually_within(Duration::from_secs(20), "the window opens", || desktop.windows() == ["Drawbridge"]);
    desktop.panel = Some(Panel::start(&desktop.bus.bus_address()));
    desktop.panel.as_ref().expect("just started").item().entry(&["Quit"]);
}

#[test]
fn names_are_text_in_the_tray_whatever_they_say() {
    let (desktop, item, _recorder) = with_a_tool();
    let hostile = "<b>bold</b> & _under_ \u{202e}txt.exe";
    desktop.trial.ok(&["tool", "set", "Notebook", "--name", hostile]);
    desktop.trial.ok(&["level", "notebook", "lan"]);
    let entry = item.entry(&["<b>bold</b> & _under_ "]);
    assert_eq!(
        entry.label, "<b>bold</b> & _under_ txt.exe – local network",
        "what turns text around is left out"
    );
    assert_eq!(
        item.tooltip(),
        "Drawbridge: Open on the local network: &lt;b&gt;bold&lt;/b&gt; &amp; _under_ txt.exe",
        "panels read marks in tooltips"
    );
}

#[test]
fn beside_a_headless_engine_the_desktop_is_its_client() {
    let mut desktop = Desktop::with_panel();
    desktop.trial.serve();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    let item = desktop.start();
    item.click(&["Notebook", "Local network"]);
    eventually("the engine has it", || desktop.trial.json(&["tool", "list"])[0]["level"] == "lan");
    assert_eq!(item.entry(&["Quit"]).label, "Quit (what is open stays open)");
    // Killed, the engine is gone, and the tray says so and helps.
    desktop.trial.kill();
    item.entry(&["Drawbridge is not running"]);
    item.click(&["Start it again"]);
    item.entry(&["Notebook – local network"]);
    assert_eq!(item.entry(&["Quit"]).label, "Quit and close Notebook", "the engine is here now");
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "lan");
}

#[test]
fn an_engine_somebody_else_starts_is_found_again() {
    let mut desktop = Desktop::with_panel();
    desktop.trial.serve();
    let item = desktop.start();
    item.entry(&["Nothing is reachable"]);
    desktop.trial.kill();
    item.entry(&["Drawbridge is not running"]);
    desktop.trial.serve();
    item.entry(&["Nothing is reachable"]);
}

#[test]
fn the_tray_opens_for_a_while_and_leaves_a_limit_alone() {
    let (desktop, item, _recorder) = with_a_tool();
    let tool = || desktop.trial.json(&["tool", "list"])[0].clone();
    desktop.trial.ok(&["level", "Notebook", "lan", "--for", "1h"]);
    item.entry(&["Notebook – local network"]);
    let until = tool()["until"].as_u64().expect("a limit");
    item.click(&["Notebook", "Local network"]);
    // Levels are set in the order of the clicks, so the first one is over when the second is seen.
    item.click(&["Notebook", "Internet"]);
    item.entry(&["Notebook – internet"]);
    let later = tool()["until"].as_u64().expect("a limit");
    assert!((until + 6 * 3600..until + 8 * 3600).contains(&later), "{until} {later}: eight hours from now");
    item.click(&["Notebook", "Internet"]);
    item.click(&["Notebook", "Local network"]);
    item.entry(&["Notebook – local network"]);
    assert_eq!(tool()["until"].as_u64(), Some(later), "going down, or no way at all, changes no limit");
}
