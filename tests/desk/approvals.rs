//! Who waits to be let in: in a notification of the desktop, in the tray, and in the window, where it is answered.

use super::place::{button, card, tab};
use crate::{
    second_factor::{Visitor, patiently},
    support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver},
};
use serde_json::Value;

/// Anna, a tool on the internet, and nobody has said anything about approvals.
fn open_a_tool(desktop: &Desktop) -> Recorder {
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "internet"]);
    recorder
}

/// A button that lets somebody in; it does so only after a moment.
fn armed(text: &str) -> String {
    format!("{}[not(@disabled)]", button(text))
}

/// Somebody with the right password who waits.
fn begun(desktop: &Desktop) -> Visitor {
    let visitor = Visitor::new(&desktop.trial, "--http2");
    let sent = patiently(|| visitor.password("anna", PASSWORD));
    assert!(sent.location().starts_with("/approval?"), "{sent:?}");
    visitor
}

#[test]
fn a_notification_says_who_waits_leads_to_the_window_and_goes_with_the_answer() {
    let mut desktop = Desktop::with_panel();
    desktop.show_notifications();
    let item = desktop.start();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    let _tool = open_a_tool(&desktop);
    let shown = || desktop.run("dunstctl", &["count", "displayed"]).trim().to_owned();
    assert_eq!(shown(), "0");
    let visitor = begun(&desktop);
    eventually("it is told", || shown() == "1");
    item.entry(&["Somebody waits to be let in…"]);
    desktop.picture("notification", "0,0,1280,400");
    assert!(desktop.windows().iter().all(|title| title != "Drawbridge"), "nothing opens by itself");
    desktop.run("dunstctl", &["action"]);
    eventually("the window is there", || desktop.windows().iter().any(|title| title == "Drawbridge"));

    let waiting = desktop.trial.json(&["approval", "list"]);
    let number = waiting[0]["number"].as_u64().expect("a number").to_string();
    desktop.trial.ok(&["approval", "refuse", waiting[0]["id"].as_str().expect("an id")]);
    eventually("it is taken back", || shown() == "0");
    let told: Value = serde_json::from_str(&desktop.run("dunstctl", &["history"])).expect("JSON");
    let told = &told["data"][0][0];
    assert_eq!(told["summary"]["data"], "anna wants in");
    let body = told["body"]["data"].as_str().expect("text");
    assert!(body.contains(&number) && body.contains("127."), "{body}");
    assert!(visitor.page("/approval").body.contains("said no"));
}

#[test]
fn the_window_shows_the_number_and_each_answer_does_what_it_says() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let _tool = open_a_tool(&desktop);
    let window = WebDriver::open(&desktop, "desk-approvals");
    let wants = "//section[.//h2[contains(., 'wants in')]]";
    let visitor = begun(&desktop);
    window.until(wants);
    let number =
        desktop.trial.json(&["approval", "list"])[0]["number"].as_u64().expect("a number").to_string();
    window.until(&format!("{wants}//strong[. = '{number}']"));
    assert!(visitor.page("/approval").body.contains(&number));
    window.picture("somebody-waits");
    window.click(&button("Refuse"));
    window.until_gone(wants);
    assert!(visitor.page("/approval").body.contains("said no"));

    // A new password begins anew.
    let set = desktop.trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD);
    assert!(set.status.success());
    let visitor = begun(&desktop);
    window.click(&armed("Let in once"));
    window.until_gone(wants);
    assert_eq!(visitor.page("/approval").location(), "/");
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);

    assert!(patiently(|| visitor.password("anna", PASSWORD)).location().starts_with("/approval?"));
    window.click(&armed("Let in always on this device"));
    window.until_gone(wants);
    assert_eq!(visitor.page("/approval").location(), "/");
    window.click(&tab("People"));
    let forget = format!("{}//button[contains(., 'Forget')]", card("anna"));
    window.until(&forget);
    window.picture("a-known-device");
    window.click(&forget);
    window.until_gone(&forget);
    assert_eq!(desktop.trial.json(&["approval", "devices"]).as_array().map(Vec::len), Some(0));
}
