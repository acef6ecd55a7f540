//! A password for one device, made, used, taken back and shown in the window; and an account that is disabled there.

use super::place::{button, card, choice, dialog, field, secret, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver};

#[test]
fn a_device_gets_a_password_of_its_own_and_loses_it_in_the_window() {
    let mut desktop = Desktop::with_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let url = desktop.trial.url("Notebook");
    let window = WebDriver::open(&desktop, "desk-devices");
    window.click(&tab("People"));
    window.click(&button("Add a password for one device of \u{2068}anna\u{2069}"));
    window.fill(&dialog(&field("What is it for?")), "phone \u{202e}enohp");
    window.click(&dialog(&button("Make it")));
    let token = window.text(&dialog(&secret("Password")));
    window.picture("token-made");
    let field = format!("X-Drawbridge-Token: {token}");
    assert_eq!(desktop.trial.curl(&["--header", &field, &url]).0, 200, "{token}");
    window.click(&dialog(&button("I have kept it")));
    window.until_gone(&dialog(""));
    let row = format!("{}//li[contains(., 'phone')]", card("anna"));
    window.until(&row);
    assert!(!window.text("//body").contains(&token), "it is shown once");
    window.picture("people-with-a-token");
    window.click(&format!("{row}{}", button("Revoke")));
    window.until_gone(&row);
    assert_eq!(desktop.trial.curl(&["--header", &field, &url]).0, 401);

    window.click(&button("Change what \u{2068}anna\u{2069} may use"));
    window.click(&dialog(&choice("Disabled")));
    window.click(&dialog(&button("Save")));
    window.until(&format!("{}//li[contains(., 'nobody gets in')]", card("anna")));
    window.picture("people-disabled");
    eventually("the account is closed", || desktop.trial.curl_as_anna(&[&url]).0 == 401);
}
