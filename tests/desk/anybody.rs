//! *No password on this network* in the window: asked, warned, shown while it lasts, taken back with one click.

use super::place::{button, card, dialog, level, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, webdriver::WebDriver};

#[test]
fn the_owner_is_asked_who_else_is_in_the_network_and_takes_it_back() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let recorder = Recorder::start();
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    let tool = || desktop.trial.json(&["tool", "list"])[0].clone();
    let window = WebDriver::open(&desktop, "desk-anybody");
    window.click(&tab("Tools"));
    window.click(&level("Notebook", "Local network"));
    let offer = button("Without a password on this network…");
    window.click(&offer);
    window.until(&dialog("//p[.='Is this network your home, or shared with strangers?']"));
    window.picture("anybody-question");
    window.click(&dialog(&button("Shared with strangers")));
    window.until(&dialog("//*[@role='alert']//p[contains(., 'could use the tool and change')]"));
    window.picture("anybody-refused");
    assert_eq!(tool()["level"], "local");
    window.click(&dialog(&button("My home")));
    window.until(&dialog("//p[contains(., 'guests and their devices too')]"));
    window.click(&dialog("//select/option[.='1 hour']"));
    window.picture("anybody-warning");
    assert_eq!(tool()["level"], "local", "not before it is confirmed");
    window.click(&dialog(&button("Open without a password")));
    window.until_gone(&dialog(""));
    eventually("it is open", || tool()["anybody_until"].is_u64());
    assert_eq!(desktop.trial.curl(&[&desktop.trial.url("Notebook")]).0, 200);
    let until =
        format!("{}//p[contains(., 'Anybody on this network, without a password, until')]", card("Notebook"));
    window.until(&until);
    assert!(!window.shows(&offer));
    window.picture("anybody-open");

    window.click(&tab("Overview"));
    window.until("//header//p[contains(., 'without a password, until')]");
    assert!(!window.text("//header").contains("people with a password"), "nobody needs one");
    window.until("//li[contains(., 'anybody')][contains(., 'Came in without a password.')]");
    window.picture("overview-anybody");
    let problem = "//article[.//h3[contains(., 'is open to anybody on this network')]]";
    window.click(&format!("{problem}{}", button("Ask for a password again")));
    window.until_gone(problem);
    eventually("a password is asked for", || desktop.trial.curl(&[&desktop.trial.url("Notebook")]).0 == 401);
    assert_eq!((tool()["level"].as_str(), tool().get("anybody_until")), (Some("lan"), None));
    window.until_gone("//header//p[contains(., 'without a password, until')]");
}
