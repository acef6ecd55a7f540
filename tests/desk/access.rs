//! Panels and dialogs for everybody: axe finds nothing in either theme, and the keyboard alone is enough.

use super::{
    hostile::sign_in,
    place::{address, button, card, choice, dialog, field, level, tab},
};
use crate::support::{
    Recorder,
    desktop::Desktop,
    eventually,
    totp::App,
    trial::PASSWORD,
    webdriver::{WebDriver, key},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

#[test]
fn axe_finds_nothing_in_the_light_theme() {
    every_panel_and_dialog("light", &[]);
}

#[test]
fn axe_finds_nothing_in_the_dark_theme() {
    every_panel_and_dialog("dark", &[("GTK_THEME", "Adwaita:dark")]);
}

fn every_panel_and_dialog(theme: &str, environment: &[(&str, &str)]) {
    let mut desktop = Desktop::with_panel();
    desktop.trial.serve();
    let window = WebDriver::open_with(&desktop, &format!("desk-panels-{theme}"), environment);
    let is_dark = window.script("return matchMedia('(prefers-color-scheme: dark)').matches", &[]);
    assert_eq!(is_dark, theme == "dark", "the page knows the theme");
    let recorder = Recorder::start();
    first_run(&window, &recorder);
    furnish(&desktop, &recorder);
    tools(&window);
    people(&window);
    // Now, because changes of accounts empty the list of visitors.
    assert_eq!(desktop.trial.curl_as_anna(&[&desktop.trial.url("Notebook")]).0, 200);
    overview(&window);
    window.resize(480, 720);
    for panel in ["Tools", "People", "Overview"] {
        window.click(&tab(panel));
        assert_accessible(&window, &format!("narrow-{}", panel.to_lowercase()));
        let sideways = window.script("return [...document.querySelectorAll('main, body')].some((it) => it.scrollWidth > it.clientWidth)", &[]);
        assert_eq!(sideways, false, "{panel} scrolls sideways");
    }
    window.resize(1000, 720);
    without_engine_and_key(&window, &mut desktop);
}

fn first_run(window: &WebDriver, recorder: &Recorder) {
    window.until(&button("Skip this"));
    assert_accessible(window, "first-1");
    window.fill(&field("Name"), "Notebook");
    window.fill(&field("Address or port on this computer"), &recorder.url());
    window.click(&button("Next"));
    window.until("//h1[.='Who may use it?']");
    assert_accessible(window, "first-2");
    window.fill(&field("Name to sign in with"), "anna");
    window.click(&button("Next"));
    window.until("//h1[.='How far?']");
    assert_accessible(window, "first-3");
    window.click(&choice("Internet"));
    window.until("//li[contains(., 'Your router')]");
    assert_accessible(window, "first-3-internet");
    window.click(&choice("Local network"));
    window.click(&button("Open to the local network"));
    window.until("//h1[.='Done']");
    assert_accessible(window, "first-4");
    window.click(&button("To the overview"));
}

/// A tool at every level and one that does not run, people of every kind, one of them signed in.
fn furnish(desktop: &Desktop, recorder: &Recorder) {
    let trial = &desktop.trial;
    assert!(trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD).status.success());
    // Before there is a door to the internet, whose certificate nobody knows.
    sign_in(trial, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0");
    trial.add_user("ben", "kW8dmz2p");
    trial.ok(&["tool", "add", "Dev server", &recorder.url()]);
    trial.ok(&["tool", "add", "Downloads", "9"]);
    trial.ok(&["tool", "add", "A tool with quite a long name, as long as one may just be…", &recorder.url()]);
    trial.ok(&["user", "add", "carla", "--admin", "--tools", "Dev server"]);
    trial.with_input(&["secret", "set", "Notebook", "--bearer"], "a-token-of-the-notebook");
    trial.ok(&["level", "Dev server", "internet"]);
    trial.ok(&["level", "Downloads", "lan"]);
}

fn tools(window: &WebDriver) {
    window.click(&tab("Tools"));
    window.until(&card("A tool with"));
    assert_accessible(window, "tools");
    window.click(&level("A tool with", "Internet"));
    window.until("//li[contains(., 'self-signed')]");
    eventually("the button that opens is in sight", || window.script(IN_SIGHT, &[]) == true);
    assert_accessible(window, "tools-draft-internet");
    window.click(&level("Notebook", "This computer only"));
    assert_accessible(window, "tools-draft-local");
    for (opener, picture) in [
        (button("Add tool"), "add-tool"),
        (button("Change \u{2068}Notebook\u{2069}"), "change-tool"),
        (button("Remove \u{2068}Notebook\u{2069}"), "remove-tool"),
    ] {
        look_into(window, &opener, picture, "Cancel");
    }
    look_into(window, &button("Secrets of \u{2068}Notebook\u{2069}"), "secrets", "Done");
    look_into(window, &format!("{}{}", card("Notebook"), button("Show QR code")), "qr", "Close this dialog");
}

fn people(window: &WebDriver) {
    window.click(&tab("People"));
    window.until(&card("carla"));
    assert_accessible(window, "people");
    for (opener, picture) in [
        (button("Add person"), "add-person"),
        (button("Import users"), "import-users"),
        (button("Change what \u{2068}carla\u{2069} may use"), "rights"),
        (button("New password for \u{2068}carla\u{2069}"), "new-password"),
        (button("Remove \u{2068}carla\u{2069}"), "remove-person"),
        (button("Add a password for one device of \u{2068}carla\u{2069}"), "add-token"),
        (button("Second factor of \u{2068}carla\u{2069}"), "second-factor"),
    ] {
        look_into(window, &opener, picture, "Cancel");
    }
    second_factor(window);
    window.click(&button("Add person"));
    window.click(&dialog(&choice("Choose it myself")));
    for (password, picture) in
        [("carla", "judged-bad"), ("kW8dmz2p", "judged-fair"), (PASSWORD, "judged-good")]
    {
        window.fill(&dialog(&field("New password")), password);
        window.until(&dialog(&judged(picture)));
        assert_accessible(window, picture);
    }
    window.click(&dialog(&button("Cancel")));
    window.until_gone(&dialog(""));
    window.click(&button("New password for \u{2068}carla\u{2069}"));
    look_into(window, &dialog(&button("Set password")), "passphrase", "I have kept it");
}

/// What is said of the password of that picture.
fn judged(picture: &str) -> String {
    let said = match picture {
        "judged-bad" => "A password has 8 characters or more",
        "judged-fair" => "Good for the local network only",
        _ => "Good for the internet too",
    };
    format!("//*[@role='status'][starts-with(., '{said}')]")
}

/// Set up for carla, whose app is here; then what there is to do about it.
fn second_factor(window: &WebDriver) {
    let opener = button("Second factor of \u{2068}carla\u{2069}");
    window.click(&opener);
    window.click(&dialog(&button("Set up")));
    window.until(&dialog("//output"));
    assert_accessible(window, "second-factor-app");
    let seed = window.script("return document.querySelector('[role=dialog] output').textContent", &[]);
    let app = App::typed(seed.as_str().expect("a seed"));
    window.fill(&field("Code the app shows"), "000000");
    window.click(&dialog(&button("Turn on")));
    window.until(&dialog("//*[@role='alert']/p"));
    assert_accessible(window, "second-factor-wrong");
    window.fill(&field("Code the app shows"), &app.code(0));
    window.click(&dialog(&button("Turn on")));
    window.until(&dialog("//ol"));
    assert_accessible(window, "second-factor-codes");
    let shown = window.script("return document.querySelectorAll('[role=dialog] ol li').length", &[]);
    assert_eq!(shown, 10);
    window.click(&dialog(&button("I have kept them")));
    window.until_gone(&dialog(""));
    window.until("//li[contains(., 'recovery codes left')]");
    look_into(window, &opener, "second-factor-on", "Close this dialog");
    window.click(&opener);
    window.click(&dialog(&button("Remove second factor")));
    window.until("//*[@role='alertdialog']");
    assert_accessible(window, "second-factor-remove");
    window.click(&format!("//*[@role='alertdialog']{}", button("Remove second factor")));
    window.until_gone("//li[contains(., 'recovery codes left')]");
}

fn overview(window: &WebDriver) {
    window.click(&tab("Overview"));
    window.until("//section[h2='Who is in']//li");
    assert_accessible(window, "overview");
    look_into(window, &button("Import certificate"), "certificate", "Cancel");
    look_into(window, &button("Create recovery code"), "recovery-code", "I have kept it");
}

/// The engine killed, then started without the key to what is sealed.
fn without_engine_and_key(window: &WebDriver, desktop: &mut Desktop) {
    desktop.trial.kill();
    window.until("//h1[.='Drawbridge is not running']");
    assert_accessible(window, "engine-gone");
    let key = desktop.trial.folder().join("passphrase");
    fs::rename(&key, desktop.trial.folder().join("elsewhere")).expect("a file");
    window.click(&button("Start it again"));
    window.until(&button("Unlock"));
    assert_accessible(window, "locked-overview");
    look_into(window, &button("Use the recovery code instead"), "use-recovery-code", "Cancel");
    window.click(&tab("People"));
    window.until(&button("Unlock"));
    assert_accessible(window, "locked-people");
}

fn look_into(window: &WebDriver, opener: &str, picture: &str, leave: &str) {
    window.click(opener);
    window.until(&dialog(""));
    assert_accessible(window, picture);
    window.click(&dialog(&button(leave)));
    window.until_gone(&dialog(""));
}

fn assert_accessible(window: &WebDriver, picture: &str) {
    let still = "return document.getAnimations().every((it) => it.playState !== 'running' || it.effect.getTiming().iterations === Infinity)";
    eventually("nothing moves any more", || window.script(still, &[]) == true);
    window.picture(picture);
    if window.script("return typeof window.axe", &[]) == "undefined" {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
        window.script(&fs::read_to_string(&axe).expect("axe-core; `npm --prefix ui ci` brings it"), &[]);
    }
    let found = window.script_async(AXE, &[]);
    assert!(found["checked"].as_u64() > Some(10), "axe looked at {found}");
    assert_eq!(found["violations"], json!([]), "{picture}: {found:#}");
}

/// Whether the button of what was chosen can be seen without scrolling.
const IN_SIGHT: &str = "
const button = [...document.querySelectorAll('main .draft button')].find((it) => it.innerText.includes('Open to'));
return button !== undefined && button.getBoundingClientRect().bottom <= innerHeight;
";

const AXE: &str = "
const done = arguments[0];
const node = (it) => `${it.target}: ${it.failureSummary}`;
axe.run(document).then(
  ({ passes, violations }) =>
    done({ checked: passes.length, violations: violations.map((it) => [it.id, ...it.nodes.map(node)]) }),
  (why) => done({ checked: 0, violations: [String(why)] }),
);
";

#[test]
fn keyboard_alone_leads_from_the_first_field_to_an_open_tool() {
    let desktop = Desktop::with_panel();
    let window = WebDriver::open(&desktop, "desk-keyboard");
    let recorder = Recorder::start();
    window.until(&button("Skip this"));
    walk_to(&window, "Name");
    window.press("Notebook");
    walk_to(&window, "Address or port on this computer");
    window.press(&format!("{}{}", recorder.port(), key::ENTER));
    window.until("//h1[.='Who may use it?']");
    walk_to(&window, "Name to sign in with");
    window.press("anna");
    walk_to(&window, "Next");
    window.press(key::SPACE);
    window.until("//h1[.='How far?']");
    walk_to(&window, "Local network");
    window.press(&format!("{}{}", key::DOWN, key::DOWN));
    assert_eq!(focus(&window)["name"], "This computer only");
    walk_to(&window, "Keep it on this computer");
    window.press(key::ENTER);
    window.until("//h1[.='Done']");
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "local");
    walk_to(&window, "To the overview");
    window.press(key::ENTER);
    window.until("//h1[.='Nothing is reachable from elsewhere']");

    walk_to(&window, "Overview");
    window.press(key::DOWN);
    window.until("//h1[.='Tools']");
    add_a_tool(&window, &recorder);
    walk_to(&window, "This computer only");
    window.press(key::RIGHT);
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "local", "arrows only look");
    walk_to(&window, "Open to the local network");
    window.press(key::ENTER);
    window.until(&address());
    assert_eq!(desktop.trial.json(&["tool", "list"])[0]["level"], "lan");
    eventually("the keyboard's place is kept", || focus(&window)["name"] == "Local network");
    window.picture("opened");
    walk_to(&window, "Copy address");
    window.press(key::SPACE);
    let url = desktop.trial.url("Notebook");
    let clipboard = || desktop.run("xclip", &["-selection", "clipboard", "-out"]);
    eventually("the address is on the clipboard", || clipboard() == url);
    walk_to(&window, "Close everything");
    window.press(key::ENTER);
    eventually("it is closed", || desktop.trial.json(&["tool", "list"])[0]["level"] == "local");
}

/// Through the dialog: it takes the focus, keeps it, gives it back.
fn add_a_tool(window: &WebDriver, recorder: &Recorder) {
    walk_to(window, "Add tool");
    window.press(key::ENTER);
    window.until(&dialog(""));
    eventually("the dialog has the focus", || focus(window)["name"] == "Name");
    for _ in 0..10 {
        window.press(key::TAB);
        assert_eq!(focus(window)["inside"], true, "the focus left the dialog");
    }
    window.press(key::ESCAPE);
    window.until_gone(&dialog(""));
    eventually("the focus is back", || focus(window)["name"] == "Add tool");
    window.press(key::SPACE);
    eventually("the dialog has the focus", || focus(window)["name"] == "Name");
    window.press(&format!("Second{}{}{}", key::TAB, recorder.port(), key::ENTER));
    window.until_gone(&dialog(""));
    window.until(&card("Second"));
}

/// Presses Tab until the focus is at a place of this name; each place on the way must show that it has it.
fn walk_to(window: &WebDriver, name: &str) {
    let mut way = Vec::new();
    while way.len() < 40 {
        let place = focus(window);
        if place["name"] == name {
            assert_eq!(place["seen"], true, "the focus cannot be seen at {name}: {place}");
            return;
        }
        way.push(place["name"].clone());
        window.press(key::TAB);
    }
    panic!("Tab does not lead to {name}, but along {way:?}");
}

fn focus(window: &WebDriver) -> Value {
    window.script(FOCUS, &[])
}

const FOCUS: &str = "
const place = document.activeElement;
const labelled = document.getElementById(place.getAttribute('aria-labelledby'))?.innerText;
const name = labelled ?? place.ariaLabel ?? place.labels?.[0]?.innerText ?? place.innerText;
const { outlineStyle, outlineWidth } = getComputedStyle(place);
const ring = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
return { name: name.trim(), seen: ring, inside: place.closest('[role=dialog]') !== null };
";
