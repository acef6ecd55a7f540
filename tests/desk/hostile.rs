//! What strangers can write is text in the window, whatever it says.

use super::place::{button, card, dialog, field, tab};
use crate::support::{Recorder, Trial, desktop::Desktop, eventually, trial::PASSWORD, webdriver::WebDriver};
use serde_json::{Value, json};

#[test]
fn names_are_text_in_every_panel_and_dialog() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-hostile-names");
    let recorder = Recorder::start();
    let long = "W".repeat(60);
    window.click(&button("Skip this"));
    mark(&window);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        desktop.trial.ok(&["tool", "add", name, &recorder.url()]);
    }
    for name in USERS {
        desktop.trial.add_user(name, PASSWORD);
    }
    let ids: Vec<Value> = desktop.trial.json(&["tool", "list"]).as_array().expect("a list").clone();
    for tool in &ids {
        desktop.trial.ok(&["level", tool["id"].as_str().expect("an id"), "lan"]);
    }
    for panel in ["Tools", "People", "Overview"] {
        window.click(&tab(panel));
        let names = if panel == "People" { &USERS[..] } else { &NAMES[..] };
        for name in names {
            let shown: String = name.chars().map(visible).collect();
            eventually(&format!("{panel} shows {shown}"), || window.page().contains(&shown));
        }
        assert_harmless(&window, panel);
        window.picture(&panel.to_lowercase());
    }
    window.click(&tab("Tools"));
    for at in ["//button[starts-with(@aria-label, 'Change')]", "//button[starts-with(@aria-label, 'Remove')]"]
    {
        for place in 1..=NAMES.len() {
            window.click(&format!("({at})[{place}]"));
            assert_harmless(&window, "a dialog about a tool");
            window.click(&dialog(&button("Cancel")));
            window.until_gone(&dialog(""));
        }
    }
    window.click(&tab("People"));
    window.click("(//button[starts-with(@aria-label, 'Change')])[1]");
    window.click(&dialog("//label[starts-with(normalize-space(), 'Only these')]//input"));
    assert_harmless(&window, "a dialog about a person");
    window.picture("rights");
    window.click(&dialog(&button("Cancel")));
    // The same by the window's own hand, which quotes the name in its refusal.
    window.click(&tab("Tools"));
    window.click(&button("Add tool"));
    window.fill(&dialog(&field("Name")), NAMES[0]);
    window.fill(&dialog(&field("Address or port on this computer")), "<script>window.marked=9</script>");
    window.click(&dialog(&button("Add tool")));
    window.until(&dialog("//*[@role='alert']//p"));
    assert_harmless(&window, "a refusal");
    window.click(&dialog(&button("Cancel")));
    window.click(&button("Close everything"));
    eventually("the window still does its work", || {
        desktop
            .trial
            .json(&["tool", "list"])
            .as_array()
            .is_some_and(|all| all.iter().all(|it| it["level"] == "local"))
    });
}

#[test]
fn browser_of_sixty_thousand_letters_is_a_short_text() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-hostile-agent");
    let recorder = Recorder::start();
    window.click(&button("Skip this"));
    mark(&window);
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let attack =
        "<img src=x onerror=window.marked=1><script>window.marked=2</script>javascript:window.marked=3 ";
    let agent = attack.repeat(60_000 / attack.len());
    sign_in(&desktop.trial, &agent);
    window.click(&tab("People"));
    let session = format!("{}//li[contains(., 'End session')]", card("anna"));
    window.until(&session);
    let text = window.page();
    let text = text.split_once("Signed in with").expect("a list").1.trim();
    assert!(text.starts_with("<img src=x onerror=") && text.len() < 400, "{} letters: {text}", text.len());
    assert_harmless(&window, "a session");
    window.picture("session");
    window.click(&format!("{session}//button"));
    window.until_gone(&session);
    assert_eq!(desktop.trial.json(&["session", "list"]), json!([]));
}

/// Signs in at the gate as a browser would that calls itself by this.
pub(super) fn sign_in(trial: &Trial, agent: &str) {
    let gate = trial.gate();
    let (origin, to) = (format!("origin: {gate}"), format!("{gate}/sign-in"));
    let password = format!("password={PASSWORD}");
    let form = ["--data-urlencode", "username=anna", "--data-urlencode", &password];
    let (status, page) =
        trial.curl(&[&["--user-agent", agent, "--header", &origin, &to], &form[..]].concat());
    assert_eq!(status, 303, "{page}");
}

/// Anything executed would leave its mark.
fn mark(window: &WebDriver) {
    window.script("window.marked = 0; window.addEventListener('error', () => undefined)", &[]);
}

/// Nothing ran, nothing became an element, and nothing turns the text around it.
fn assert_harmless(window: &WebDriver, place: &str) {
    assert_eq!(window.script("return window.marked", &[]), 0, "something ran in {place}");
    let built = window.script(
        "return document.querySelectorAll('body script:not([type=module]), img, iframe, object, a[href], marquee').length",
        &[],
    );
    assert_eq!(built, 0, "a name became an element in {place}");
    let turning = ['\u{202e}', '\u{2066}', '\u{200f}', '\u{7}'];
    assert!(!window.page().contains(turning), "{place}: {:?}", window.page());
}

/// What the window shows for a letter that hides or turns.
fn visible(letter: char) -> char {
    if matches!(letter, '\u{202e}' | '\u{2066}' | '\u{200f}') { '\u{fffd}' } else { letter }
}

const NAMES: [&str; 5] = [
    "<img src=x onerror=window.marked=1>",
    "</bdi><script>window.marked=2</script>",
    "javascript:window.marked=3",
    "\"' onclick=window.marked=4 x=\"",
    "safe\u{202e}gnp.exe\u{2066}\u{200f}",
];
const USERS: [&str; 4] =
    ["<img src=x onerror=window.marked=5>", "<marquee>", "'\"{{7*7}}${7*7}", "an\u{202e}na\u{2066}\u{200f}"];
