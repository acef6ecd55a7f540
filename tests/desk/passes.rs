//! Passes for guests in the window: the link once, with its code; listed, seen in use, ended.

use super::place::{button, choice, dialog, field, secret, tab};
use crate::{
    promises::{Door, browser::Browser},
    support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver},
};

#[test]
fn the_owner_lets_a_guest_in_sees_them_and_ends_it() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    let window = WebDriver::open(&desktop, "desk-passes");
    window.click(&tab("People"));
    window.click(&button("Guest pass"));
    window.click(&dialog(&button("Make the link")));
    window.until(&dialog("//*[@role='alert']//p[contains(., 'is not open anywhere')]"));
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    window.fill(&dialog(&field("Whom is it for?")), "plumber");
    window.click(&dialog(&choice("Read only")));
    window.picture("pass");
    window.click(&dialog(&button("Make the link")));
    let link = window.text(&dialog(&secret("Link")));
    let code = link.strip_prefix(&format!("{}/pass?code=", desktop.trial.gate())).expect("a link").to_owned();
    window.until(&dialog("//*[@aria-label='QR code of the link']"));
    window.picture("pass-made");
    window.click(&dialog(&button("I have handed it over")));
    window.until_gone(&dialog(""));
    let row = |name: &str| format!("//section[.//h2='Guest passes']//li[contains(., '{name}')]");
    window.until(&format!(
        "{}[contains(., 'Notebook') and contains(., 'not opened yet') and contains(., 'read only')]",
        row("plumber")
    ));
    assert!(!window.text("//body").contains("code="), "it is shown once");

    let (door, gate) = (Door::of(&desktop.trial, "Notebook"), Door::gate(&desktop.trial));
    let guest = Browser::guest(door, gate, &code);
    assert_eq!(door.status("GET /", &[&guest.cookie()]), 200);
    window.until(&format!("{}[contains(., 'last seen') and contains(., '127.')]", row("plumber")));
    window.picture("people-with-a-guest");
    window.click(&button("Revoke the pass of \u{2068}plumber\u{2069} for \u{2068}Notebook\u{2069}"));
    window.until_gone(&row("plumber"));
    eventually("the guest is out", || door.status("GET /", &[&guest.cookie()]) == 401);

    window.click(&tab("Tools"));
    window.click(&button("Guest pass for \u{2068}Notebook\u{2069}"));
    window.click(&dialog(&button("Make the link")));
    window.click(&dialog(&button("I have handed it over")));
    eventually("it is there", || desktop.trial.json(&["pass", "list"])[0]["tool"] == "Notebook");
}
