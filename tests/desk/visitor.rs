//! A visitor of a real JupyterLab that was shared in the window alone: let in by what the window showed, and put out
//! again from there.

use super::place::{address, button, dialog, field, level, secret, tab};
use crate::support::{browser::Script, desktop::Desktop, eventually, jupyter::Jupyter, webdriver::WebDriver};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn visitor_is_let_in_by_what_the_window_showed_and_put_out_from_there() {
    let jupyter = Jupyter::start().unwrap_or_else(|error| panic!("Jupyter does not run: {error:#}"));
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-visitor");
    let passphrase = share(&window, &jupyter);
    window.click(&tab("Overview"));
    window.until("//h1[.='Reachable on the local network']");
    window.until("//p[.='Nobody was seen from elsewhere in the last two minutes.']");

    let mut script = Script::start(
        "jupyter.mjs",
        "desk-visitor-browser",
        json!({"url": window.text(&address()), "username": "anna", "password": passphrase,
               "caPem": desktop.trial.authority(), "untilEnded": true}),
    );
    script.until("ready-to-end");
    let visitor = "//section[h2='Who is in']//li[contains(., 'anna')]";
    window.until(visitor);
    let row = window.text(visitor);
    assert!(row.contains("JupyterLab") && row.contains("127."), "{row}");
    window.picture("overview-with-a-visitor");
    window.click(&tab("People"));
    window.until("//article[contains(@aria-label, 'anna')]//p[contains(., 'Chrome')]");
    window.picture("people-with-a-session");
    window.click(&tab("Overview"));

    let end = format!("{visitor}//button[normalize-space()='End session']");
    window.click(&end);
    let ended = Instant::now();
    script.until("kernel-connection-closed");
    let took = ended.elapsed();
    eprintln!("the kernel connection was closed {took:?} after the click");
    assert!(took < Duration::from_secs(2), "a second is promised, {took:?} it took");
    let seen = jupyter.received().expect("a record").len();
    script.finish();
    assert_eq!(jupyter.received().expect("a record").len(), seen, "nothing came through after the end");
    eventually("the session is gone", || desktop.trial.json(&["session", "list"]) == json!([]));
    window.until_gone(visitor);
    window.picture("overview-after-the-end");
}

/// Adds the tool and the user `anna`, and opens it to the local network; returns the passphrase that was shown.
fn share(window: &WebDriver, jupyter: &Jupyter) -> String {
    window.click(&button("Skip this"));
    window.click(&tab("Tools"));
    window.click(&button("Add tool"));
    window.fill(&dialog(&field("Name")), "JupyterLab");
    window.fill(&dialog(&field("Address or port on this computer")), &jupyter.url());
    window.click(&dialog(&button("Add tool")));
    window.until_gone(&dialog(""));
    window.click(&tab("People"));
    window.click(&button("Add person"));
    window.fill(&dialog(&field("Name to sign in with")), "anna");
    window.picture("add-person");
    window.click(&dialog(&button("Add person")));
    let passphrase = window.text(&dialog(&secret("Passphrase")));
    window.picture("passphrase");
    window.click(&dialog(&button("I have kept it")));
    window.until_gone(&dialog(""));
    window.click(&tab("Tools"));
    window.click(&level("JupyterLab", "Local network"));
    window.click(&button("Open to the local network"));
    window.until(&address());
    window.picture("tools-open");
    passphrase
}
