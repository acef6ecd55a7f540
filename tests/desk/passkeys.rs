//! A person's passkeys in the window: listed beside the app, and removed.

use super::place::{button, card, dialog, tab};
use crate::{
    passkeys,
    support::{Recorder, desktop::Desktop, trial::PASSWORD, webdriver::WebDriver},
};
use serde_json::{Value, json};

#[test]
fn the_owner_sees_passkeys_and_removes_them() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let window = WebDriver::open(&desktop, "desk-passkeys");
    window.click(&tab("People"));
    window.until(&card("anna"));
    let script = passkeys::start(&desktop.trial, "desk-passkeys-browser", Value::Null);
    assert_eq!(script.finish().len(), 2);

    window.until(&format!("{}//li[contains(., 'recovery codes left')]", card("anna")));
    window.click(&button("Second factor of \u{2068}anna\u{2069}"));
    let row = dialog("//li[contains(., 'laptop <b>of</b> mine') and contains(., 'box.home.arpa')]");
    window.until(&row);
    window.until(&dialog("//p[starts-with(., 'Signing in needs a passkey')]"));
    window.until(&dialog(&button("Set up an app")));
    window.picture("passkeys");
    window.click(&format!("{row}//button"));
    window.until(&dialog("//p[.='The password alone signs in.']"));
    window.until_gone(&row);
    assert_eq!(desktop.trial.json(&["user", "passkeys", "anna"]), json!([]));
}
