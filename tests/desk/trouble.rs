//! What goes wrong is said in the window, with a button that helps: the window is never dead.

use super::place::{address, button, card, dialog, field, level, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver};
use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

#[test]
fn engine_that_was_killed_is_brought_back_from_the_window() {
    let mut desktop = Desktop::with_panel();
    let recorder = Recorder::start();
    desktop.trial.serve();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let url = desktop.trial.url("Notebook");
    let window = WebDriver::open(&desktop, "desk-killed");
    window.until("//h1[.='Reachable on the local network']");
    desktop.trial.kill();
    window.until("//h1[.='Drawbridge is not running']");
    assert!(!window.page().contains(&url), "nothing is shown that is not true any more");
    window.picture("not-running");
    window.click(&button("Start it again"));
    window.until("//h1[.='Reachable on the local network']");
    assert_eq!(window.text(&address()), url);
    assert_eq!(desktop.trial.curl_as_anna(&[&url]), (200, "ok".to_owned()));
}

#[test]
fn tool_that_does_not_run_is_named_and_the_button_leads_to_it() {
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-tool-away");
    let recorder = Recorder::start();
    window.click(&button("Skip this"));
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let trouble = "//section[contains(h2, 'For your attention')]//article[contains(., 'Notebook')]";
    window.until(trouble);
    window.picture("overview");
    window.click(&format!("{trouble}//button"));
    window.until("//h1[.='Tools']");
    window.until(&format!("{}//strong[contains(., 'Notebook')]", card("Notebook")));
    window.picture("tools");
    // It was the wrong port.
    window.click(&level("Notebook", "This computer only"));
    window.click(&button("Close it now"));
    eventually("it is closed", || desktop.trial.json(&["tool", "list"])[0]["level"] == "local");
    window.click(&button("Change \u{2068}Notebook\u{2069}"));
    window.fill(&dialog(&field("Address or port on this computer")), &recorder.port().to_string());
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    window.click(&level("Notebook", "Local network"));
    window.click(&button("Open to the local network"));
    window.until(&address());
    window.click(&tab("Overview"));
    window.until("//h1[.='Reachable on the local network']");
    window.until_gone(trouble);
    assert_eq!(desktop.trial.curl_as_anna(&[&desktop.trial.url("Notebook")]), (200, "ok".to_owned()));
}

#[test]
fn port_that_is_taken_is_refused_beside_the_field_and_changes_nothing() {
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-port-taken");
    let recorder = Recorder::start();
    window.click(&button("Skip this"));
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let url = desktop.trial.url("Notebook");
    let taken = TcpListener::bind((desktop.trial.address, 0)).expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    window.click(&tab("Tools"));
    window.click(&button("Change \u{2068}Notebook\u{2069}"));
    window.fill(&dialog(&field("Port on the local network")), &port.to_string());
    window.click(&dialog(&button("Save")));
    let refusal = dialog("//*[@role='alert']/p");
    window.until(&refusal);
    window.picture("refused");
    let words = window.text(&refusal);
    assert!(words.contains(&port.to_string()), "{words}");
    assert_eq!(desktop.trial.url("Notebook"), url);
    drop(taken);
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    eventually("the address has the new port", || window.text(&address()).ends_with(&format!(":{port}")));
}

#[test]
fn door_that_could_not_open_says_so_and_opens_when_the_port_is_free() {
    let mut desktop = Desktop::with_panel();
    let recorder = Recorder::start();
    desktop.trial.serve();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let url = desktop.trial.url("Notebook");
    let place = desktop.trial.socket(&url);
    desktop.trial.stop();
    let taken = TcpListener::bind(place).expect("nobody has it now");
    let window = WebDriver::open(&desktop, "desk-door-failed");
    window.until("//h1[.='Something is not as you asked']");
    window.picture("overview");
    let said = window.page();
    assert!(said.contains(&place.port().to_string()) && said.contains("Notebook"), "{said}");
    assert!(!window.shows(&address()), "no address is shown that does not work");
    drop(taken);
    window.until("//h1[.='Reachable on the local network']");
    assert_eq!(window.text(&address()), url);
}

#[test]
fn closed_keyring_opens_by_the_button_once_it_is_back() {
    let mut desktop = Desktop::with_panel();
    let recorder = Recorder::start();
    desktop.trial.serve();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    desktop.trial.stop();
    let (key, away) = (desktop.trial.folder().join("passphrase"), desktop.trial.folder().join("away"));
    fs::rename(&key, &away).expect("a file");
    let window = WebDriver::open(&desktop, "desk-closed-keyring");
    window.until(&button("Unlock"));
    window.picture("overview");
    assert!(desktop.trial.listening().is_empty(), "nothing opens without the key");
    window.click(&button("Unlock"));
    window.until("//*[@role='alert']/p");
    window.picture("still-closed");
    window.click(&tab("Tools"));
    window.click(&level("Notebook", "Local network"));
    window.until("//li[contains(., 'Your keyring must be unlocked first')]");
    window.click(&tab("People"));
    assert!(!window.shows(&button("Add person")));
    fs::rename(&away, &key).expect("a file");
    window.click(&button("Unlock"));
    window.until(&card("anna"));
    assert!(!window.shows(&button("Unlock")));
    window.picture("people-again");
}

#[test]
fn without_a_tray_closing_asks_what_to_do_with_open_doors() {
    let mut desktop = Desktop::without_panel();
    let recorder = Recorder::start();
    // Prepared by an engine that is gone before the window comes, so that the doors are the window's own.
    desktop.trial.serve();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    desktop.trial.stop();
    let window = WebDriver::open(&desktop, "desk-closing");
    window.until("//h1[.='Reachable on the local network']");
    let asks = dialog("[contains(., 'One tool stays open')]");
    eventually("closing asks", || {
        desktop.close_window();
        window.shows(&asks)
    });
    window.picture("asked");
    window.click(&button("Keep the window"));
    window.until_gone(&dialog(""));
    desktop.close_window();
    window.click(&button("Close the tools too"));
    eventually("the program ends with its window", || desktop.windows().is_empty());
    eventually("nothing listens", || desktop.trial.listening().is_empty());
}

#[test]
fn panel_that_goes_away_leaves_the_window_as_it_is() {
    let mut desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-panel-gone");
    drop(desktop.panel.as_ref().expect("a panel").item());
    window.click(&button("Skip this"));
    window.click(&tab("People"));
    window.click(&button("Add person"));
    window.fill(&dialog(&field("Name to sign in with")), "anna");
    desktop.panel = None;
    // Four seconds later a window would open where there is none.
    let gone = Instant::now();
    while gone.elapsed() < Duration::from_secs(6) {
        assert!(window.shows(&dialog("")), "the form is gone {:?} after the panel", gone.elapsed());
    }
    window.click(&dialog(&button("Add person")));
    window.until(&dialog("[contains(., 'anna')]"));
}

#[test]
fn click_on_the_tray_brings_a_usable_window() {
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-from-the-tray");
    let item = desktop.panel.as_ref().expect("a panel").item();
    window.click(&button("Skip this"));
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    item.activate();
    window.until("//h1[.='Nothing is reachable from elsewhere']");
    desktop.close_window();
    eventually("the window is gone", || desktop.windows().is_empty());
    let clicked = Instant::now();
    item.activate();
    eventually("there is a window to hold", || window.windows() == 1);
    window.hold_the_window();
    window.until("//h1[.='Nothing is reachable from elsewhere']");
    window.click(&tab("Tools"));
    window.until(&card("Notebook"));
    eprintln!("from the click on the tray to a tool in the second panel: {:?}", clicked.elapsed());
}

#[test]
fn what_the_tray_could_not_do_is_said_in_the_window() {
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-refused");
    let item = desktop.panel.as_ref().expect("a panel").item();
    window.click(&button("Skip this"));
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    window.click(&tab("People"));
    item.click(&["Notebook", "Local network"]);
    let refusal = "//*[@role='alert'][contains(., 'Nobody could sign in yet: add a person first.')]";
    window.until(refusal);
    window.until("//h1[.='People']");
    window.picture("refused");
    window.click(&button("I have read this"));
    window.until_gone(refusal);
}
