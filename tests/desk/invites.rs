//! Inviting somebody in the window: the link once, with its code; listed, taken back, accepted.

use super::place::{button, card, choice, dialog, field, secret, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver};

#[test]
fn the_owner_invites_takes_back_and_sees_who_came() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    let window = WebDriver::open(&desktop, "desk-invites");
    window.click(&tab("People"));
    window.click(&button("Invite"));
    window.fill(&dialog(&field("Name to sign in with")), "ben");
    window.click(&dialog(&button("Make the link")));
    window.until(&dialog("//*[@role='alert']//p[contains(., 'gate is closed')]"));
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    window.click(&dialog(&choice("Only these")));
    window.click(&dialog(&choice("Notebook")));
    window.picture("invite");
    window.click(&dialog(&button("Make the link")));
    let link = window.text(&dialog(&secret("Link")));
    assert!(link.starts_with(&format!("{}/invite?code=", desktop.trial.gate())), "{link}");
    window.until(&dialog("//*[@aria-label='QR code of the link']"));
    window.picture("invite-made");
    window.click(&dialog(&button("I have handed it over")));
    window.until_gone(&dialog(""));
    let row = |name: &str| format!("//section[.//h2='Open invites']//li[contains(., '{name}')]");
    window.until(&format!("{}[contains(., 'Notebook')]", row("ben")));
    assert!(!window.text("//body").contains("code="), "it is shown once");
    window.picture("people-with-an-invite");

    desktop.trial.ok(&["user", "invite", "cora"]);
    window.until(&row("cora"));
    window.click(&button("Revoke the invite for \u{2068}cora\u{2069}"));
    window.until_gone(&row("cora"));
    assert_eq!(desktop.trial.json(&["user", "invites"]).as_array().map(Vec::len), Some(1));

    let (gate, code) = link.split_once("/invite?").expect("a link");
    let (origin, url) = (format!("origin: {gate}"), format!("{gate}/invite"));
    let form = ["--header", &origin, "--data-urlencode", "new=staple after staple", "--data", code, &url];
    assert_eq!(desktop.trial.curl(&form).0, 303);
    window.until(&card("ben"));
    window.until_gone(&row("ben"));
    eventually("he is there", || desktop.trial.json(&["user", "list"])[1]["name"] == "ben");
}
