//! Plain HTTP for one tool in the window: only with the warning read, said while it lasts, taken back the same way.

use super::place::{button, card, choice, dialog, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver};

#[test]
fn the_owner_reads_the_warning_allows_it_and_takes_it_back() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let state = || desktop.trial.json(&["tool", "list"])[0].get("plain_http").cloned();
    let window = WebDriver::open(&desktop, "desk-plain");
    window.click(&tab("Tools"));
    let change = button("Change \u{2068}Notebook\u{2069}");
    window.click(&change);
    window.click(&dialog("//summary"));
    let plain = dialog(&choice("Also without encryption"));
    window.click(&plain);
    window.until(&dialog("//label[contains(., 'Anyone on this network can read and change')]"));
    window.picture("plain-warning");
    window.click(&dialog(&button("Save")));
    assert!(window.shows(&dialog("")), "not without the second mark");
    assert_eq!(state(), None);
    window.click(&dialog(&choice("Let it be read by others")));
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    eventually("it is allowed", || state().is_some_and(|state| state == "on"));
    let trouble = format!("{}//*[contains(., 'is open without encryption too')]", card("Notebook"));
    window.until(&trouble);
    window.picture("plain-allowed");

    window.click(&change);
    window.click(&dialog("//summary"));
    assert!(!window.shows(&dialog(&choice("Let it be read by others"))), "it was read");
    window.click(&plain);
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    eventually("it is over", || state().is_none());
    window.until_gone(&trouble);
}
