//! Passwords and people in the window: how good a password would be while it is typed, and users from elsewhere.

use super::place::{button, card, choice, dialog, field, tab};
use crate::support::{
    desktop::Desktop,
    eventually,
    trial::PASSWORD,
    webdriver::{WebDriver, key},
};

/// The bar with this many of four steps.
fn meter(steps: usize) -> String {
    format!("//*[@role='meter'][@aria-valuenow='{steps}' and @aria-valuemax='4' and @aria-label]")
}

fn says(words: &str) -> String {
    format!("//*[@role='status'][contains(., '{words}')]")
}

#[test]
fn a_password_is_judged_in_words_while_it_is_typed() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let window = WebDriver::open(&desktop, "desk-judged");
    window.click(&button("Skip this"));
    window.click(&tab("People"));
    window.click(&button("Add person"));
    window.fill(&dialog(&field("Name to sign in with")), "annabella");
    assert!(!window.shows(&dialog("//*[@role='meter']")), "what is made needs no judging");
    window.click(&dialog(&choice("Choose it myself")));
    for (password, words) in [
        ("annabella", "among those guessed first"),
        ("short", "8 characters or more"),
        ("vK3#q9zT", "Good for the local network only"),
        (PASSWORD, "Good for the internet too"),
    ] {
        window.fill(&dialog(&field("New password")), password);
        window.until(&dialog(&says(words)));
        window.until(&dialog("//*[@role='meter']"));
    }
    window.until(&dialog(&meter(4)));
    // Under another name the same word is judged anew.
    window.fill(&dialog(&field("New password")), "zorbulaxian");
    window.until(&dialog(&says("Good for the local network only")));
    window.fill(&dialog(&field("Name to sign in with")), "zorbulaxian");
    window.until(&dialog(&says("among those guessed first")));
    window.until(&dialog(&meter(0)));
    assert_eq!(desktop.trial.json(&["user", "list"]), serde_json::json!([]), "judging makes nobody");
}

#[test]
fn users_of_another_server_come_by_their_lines_or_not_at_all() {
    let mut desktop = Desktop::without_panel();
    desktop.trial.serve();
    let window = WebDriver::open(&desktop, "desk-import");
    window.click(&button("Skip this"));
    window.click(&tab("People"));
    window.click(&button("Import users"));
    let (hash, lines) = ("$apr1$Zx81kq.A$ASH1/EqGQiomQha/lLCLp1", dialog(&field("Or its lines")));
    window.fill(&lines, &format!("ben:{hash}{0}cora:hunter2{0}", key::ENTER));
    window.click(&dialog(&button("Import users")));
    window.until(&dialog("//*[@role='alert']//p[contains(., 'line 2')]"));
    window.picture("refused");
    assert_eq!(desktop.trial.json(&["user", "list"]), serde_json::json!([]), "half a list is none");
    window.fill(&lines, &format!("ben:{hash}{}cora:{hash}", key::ENTER));
    window.click(&dialog(&button("Import users")));
    window.until_gone(&dialog(""));
    window.until(&format!("{}//li[starts-with(normalize-space(), 'Imported')]", card("ben")));
    window.until(&card("cora"));
    eventually("they are there", || {
        desktop.trial.json(&["user", "list"]).as_array().is_some_and(|users| users.len() == 2)
    });
}
