//! The window by mouse: the first run, and that window and command line show one truth.

use super::place::{address, button, card, choice, dialog, field, level, secret, tab};
use crate::support::{
    Recorder,
    desktop::Desktop,
    eventually, eventually_within,
    nginx::{Nginx, free_port},
    trial::PASSWORD,
    webdriver::WebDriver,
};
use std::time::{Duration, Instant};

#[test]
fn first_run_leads_to_a_copied_address_that_works() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-first-run");
    let recorder = Recorder::start();
    window.until("//h1[.='What shall be shared?']");
    window.picture("1-what");
    window.fill(&field("Name"), "Notebook");
    window.fill(&field("Address or port on this computer"), &recorder.port().to_string());
    window.click(&button("Next"));
    window.until("//h1[.='Who may use it?']");
    window.picture("2-who");
    window.fill(&field("Name to sign in with"), "anna");
    window.click(&button("Next"));
    window.until("//h1[.='How far?']");
    window.picture("3-how-far");
    window.click(&button("Open to the local network"));
    window.until("//h1[.='Done']");
    window.picture("4-done");

    let (url, passphrase) = (window.text(&address()), window.text(&secret("Passphrase")));
    assert_eq!(url, desktop.trial.url("Notebook"));
    assert_eq!(window.text(&secret("Name")), "anna");
    assert!(passphrase.len() >= 15, "{passphrase}");
    window.click(&button("Copy address"));
    let clipboard = || desktop.run("xclip", &["-selection", "clipboard", "-out"]);
    eventually("the address is on the clipboard", || clipboard() == url);
    window.click(&button("Copy invitation"));
    let invitation = format!("Notebook: {url}\nName: anna\nPassphrase: {passphrase}");
    eventually("the invitation is on the clipboard", || clipboard() == invitation);

    assert_eq!(desktop.trial.curl(&[&url]).0, 401);
    assert!(recorder.all().is_empty(), "nobody signed in");
    let credential = format!("anna:{passphrase}");
    assert_eq!(desktop.trial.curl(&["--user", &credential, &url]), (200, "ok".to_owned()));
    window.click(&button("To the overview"));
    window.until("//h1[.='Reachable on the local network']");
    assert!(!window.page().contains(&passphrase), "it was shown once");
}

#[test]
fn first_run_can_be_skipped_and_begun_again() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-skipped");
    window.click(&button("Skip this"));
    window.until("//h1[.='Nothing is reachable from elsewhere']");
    assert_eq!(desktop.trial.json(&["tool", "list"]), serde_json::json!([]));
    window.picture("overview-empty");
    window.click(&button("Begin"));
    window.until("//h1[.='What shall be shared?']");
}

#[test]
fn whatever_the_command_line_changes_is_in_the_window_within_a_second() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-command-line");
    window.click(&button("Skip this"));
    let trial = &desktop.trial;
    let follows = |at: &str, change: &dyn Fn()| {
        assert!(!window.shows(at), "{at} is there before");
        change();
        let changed = Instant::now();
        eventually_within(Duration::from_secs(1), &format!("the window shows {at}"), || window.shows(at));
        eprintln!("{at}: {:?} after the command had ended", changed.elapsed());
    };
    window.click(&tab("Tools"));
    follows(&card("Notebook"), &|| drop(trial.ok(&["tool", "add", "Notebook", "9"])));
    follows(&card("Renamed"), &|| drop(trial.ok(&["tool", "set", "Notebook", "--name", "Renamed"])));
    window.click(&tab("People"));
    follows(&card("anna"), &|| trial.add_user("anna", PASSWORD));
    window.click(&tab("Overview"));
    let open = "//h1[.='Reachable on the local network']";
    follows(open, &|| drop(trial.ok(&["level", "Renamed", "lan"])));
    assert_eq!(window.text(&address()), trial.url("Renamed"));
    follows("//h1[.='Nothing is reachable from elsewhere']", &|| drop(trial.ok(&["close"])));
    follows(open, &|| drop(trial.ok(&["level", "Renamed", "lan"])));
    window.click(&tab("Tools"));
    follows("//p[starts-with(., 'No tool yet')]", &|| drop(trial.ok(&["tool", "remove", "Renamed"])));
    window.click(&tab("People"));
    follows("//p[starts-with(., 'Nobody yet')]", &|| drop(trial.ok(&["user", "remove", "anna"])));
}

#[test]
fn whatever_the_window_changes_the_command_line_says() {
    let mut desktop = Desktop::without_panel();
    // An engine without a window, which this one then serves.
    desktop.trial.serve();
    let window = WebDriver::open(&desktop, "desk-window-changes");
    window.click(&button("Skip this"));
    let trial = &desktop.trial;
    let tools = || trial.json(&["tool", "list"]);
    window.click(&tab("Tools"));
    window.click(&button("Add tool"));
    window.picture("add-tool");
    window.fill(&dialog(&field("Name")), "Notebook");
    window.fill(&dialog(&field("Address or port on this computer")), "9");
    window.click(&dialog(&button("Add tool")));
    window.until_gone(&dialog(""));
    assert_eq!(tools()[0]["target"], "http://127.0.0.1:9");

    window.click(&tab("People"));
    window.click(&button("Add person"));
    window.fill(&dialog(&field("Name to sign in with")), "anna");
    window.click(&dialog(&choice("Choose it myself")));
    window.fill(&dialog(&field("New password")), "password");
    window.click(&dialog(&button("Add person")));
    window.until(&dialog("//*[@role='alert']//p"));
    window.picture("refused-password");
    assert_eq!(trial.json(&["user", "list"]), serde_json::json!([]), "a refused password makes nobody");
    window.fill(&dialog(&field("New password")), PASSWORD);
    window.click(&dialog(&button("Add person")));
    window.until_gone(&dialog(""));
    assert_eq!(trial.json(&["user", "list"])[0]["name"], "anna");

    window.click(&tab("Tools"));
    window.click(&level("Notebook", "Local network"));
    assert_eq!(tools()[0]["level"], "local", "looking at a level does not open it");
    window.picture("level-draft");
    window.click(&button("Open to the local network"));
    eventually("it is open", || tools()[0]["level"] == "lan");
    assert!(tools()[0]["until"].is_u64(), "it closes by itself");
    window.click(&button("Close everything"));
    eventually("it is closed", || tools()[0]["level"] == "local");
    window.until_gone(&button("Close everything"));

    window.click(&button("Remove \u{2068}Notebook\u{2069}"));
    window.picture("remove-tool");
    window.click(&button("Cancel"));
    window.until_gone(&dialog(""));
    assert_eq!(tools().as_array().map(Vec::len), Some(1), "cancelled");
    window.click(&button("Remove \u{2068}Notebook\u{2069}"));
    window.click(&dialog(&button("Remove")));
    eventually("it is gone", || tools() == serde_json::json!([]));
}

#[test]
fn a_tool_gets_its_secrets_and_wishes_in_the_window() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-secrets");
    window.click(&button("Skip this"));
    let trial = &desktop.trial;
    trial.ok(&["tool", "add", "Downloads", "9"]);
    let tool = || trial.json(&["tool", "list"])[0].clone();
    window.click(&tab("Tools"));
    window.click(&button("Secrets of \u{2068}Downloads\u{2069}"));
    window.picture("secrets");
    // A field that can carry none is refused in place, with the engine's own sentence.
    window.fill(&dialog(&field("Name of the field")), "Host");
    window.fill(&dialog(&field("Secret")), "never-shown-0123");
    window.click(&dialog(&button("Give it")));
    window.until(&dialog("//*[@role='alert']//p"));
    window.picture("secret-refused");
    assert_eq!(tool()["secrets"], serde_json::json!([]));
    window.fill(&dialog(&field("Name of the field")), "X-Api-Key");
    window.click(&dialog(&button("Give it")));
    eventually("it is given", || tool()["secrets"] == serde_json::json!(["header:x-api-key"]));
    window.click(&dialog("//select/option[starts-with(., 'aria2')]"));
    window.fill(&dialog(&field("Secret")), "never-shown-4567");
    window.click(&dialog(&button("Give it")));
    eventually("a second one", || tool()["secrets"] == serde_json::json!(["aria2", "header:x-api-key"]));
    window.until(&dialog("//li[contains(., 'aria2')]"));
    window.picture("secrets-given");
    assert!(!window.page().contains("never-shown"), "a secret that was given is shown");
    window.click(&dialog(&button("Take away \u{2068}header:x-api-key\u{2069}")));
    eventually("it is taken away", || tool()["secrets"] == serde_json::json!(["aria2"]));
    window.click(&dialog(&button("Done")));
    window.until_gone(&dialog(""));

    window.click(&button("Change \u{2068}Downloads\u{2069}"));
    window.click(&dialog("//summary"));
    window.fill(&dialog(&field("Header field that tells the tool who signed in")), "Remote-User");
    window.fill(&dialog(&field("Other websites whose pages may use it")), "nonsense");
    window.picture("tool-more");
    window.click(&dialog(&button("Save")));
    window.until(&dialog("//*[@role='alert']//p[contains(., 'nonsense')]"));
    window.fill(&dialog(&field("Other websites whose pages may use it")), "https://app.example");
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    let saved = tool();
    assert_eq!(
        (saved["identity_header"].as_str(), &saved["allowed_origins"][0]),
        (Some("Remote-User"), &"https://app.example".into())
    );
}

/// What the trouble advises, done in the window: a renewed certificate is taken by the owner's act, and only by that.
#[test]
fn a_renewed_certificate_of_a_tool_is_taken_in_the_window() {
    let (mut nginx, port) = (Nginx::new(), free_port());
    let server = format!("server {{ listen 127.0.0.1:{port} ssl; }}");
    nginx.start(&server);
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-certificate");
    window.click(&button("Skip this"));
    let trial = &desktop.trial;
    let first = trial.json(&["tool", "add", "Notebook", &format!("https://127.0.0.1:{port}")]);
    let renewed = nginx.renew();
    nginx.start(&server);
    let taken = || trial.json(&["tool", "list"])[0]["certificate"].clone();
    window.click(&tab("Tools"));
    let change = button("Change \u{2068}Notebook\u{2069}");
    window.click(&change);
    window.picture("change");
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    assert_eq!(taken(), first["certificate"], "saving takes no other one by itself");
    window.click(&change);
    window.click(&dialog(&choice("Take the certificate it shows now")));
    window.click(&dialog(&button("Save")));
    window.until_gone(&dialog(""));
    assert_eq!(taken(), renewed.as_str());
}
