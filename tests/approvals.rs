//! Approval at the desk: from the internet a right password on a new device opens nothing until the owner says yes.

mod programs;

use crate::{
    promises::{Door, tool::Tool},
    second_factor::{Answer, PROTOCOLS, Visitor, enrol, patiently, port, url_pairs},
    support::{Trial, eventually, trial::PASSWORD},
};
use serde_json::{Value, json};
use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running engine with anna and a tool open to the internet.
struct Ground {
    trial: Trial,
    _tool: Tool,
}

impl Ground {
    /// The owner is asked always.
    fn asking() -> Self {
        let ground = Self::new("internet");
        ground.trial.ok(&["settings", "set", "internet.approval", "always"]);
        ground
    }

    fn new(level: &str) -> Self {
        let tool = Tool::echoing();
        let trial = Trial::sharing(&tool.url(), level);
        Self { trial, _tool: tool }
    }

    fn visitor(&self, protocol: &'static str) -> Visitor {
        Visitor::new(&self.trial, protocol)
    }

    /// Who waits, as the owner sees it.
    fn waiting(&self) -> Vec<Value> {
        self.trial.json(&["approval", "list"]).as_array().expect("a list").clone()
    }

    fn devices(&self) -> Vec<Value> {
        self.trial.json(&["approval", "devices"]).as_array().expect("a list").clone()
    }

    /// The id of the one who waits.
    fn id(&self) -> String {
        let waiting = self.waiting();
        let [one] = waiting.as_slice() else { panic!("{waiting:?}") };
        one["id"].as_str().expect("an id").to_owned()
    }

    /// A visitor who gave the right password and waits.
    fn begun(&self, protocol: &'static str) -> Visitor {
        let visitor = self.visitor(protocol);
        let sent = signs_in(&visitor);
        assert!(waits(&sent), "{sent:?}");
        visitor
    }
}

fn signs_in(visitor: &Visitor) -> Answer {
    patiently(|| visitor.password("anna", PASSWORD))
}

/// Whether an answer is the way to the page that waits.
fn waits(answer: &Answer) -> bool {
    answer.status == 303 && answer.location().starts_with("/approval?")
}

/// Whether it is a sign-in that led to the start page.
fn is_in(answer: &Answer) -> bool {
    (answer.status, answer.location()) == (303, "/")
}

/// The token of a visitor's device, or of its question.
fn token(visitor: &Visitor, what: &str) -> Option<String> {
    visitor.cookie(&format!("__Host-Http-drawbridge-{what}-{}", port(&visitor.gate)))
}

/// Somebody who listens to the engine as tray and window do.
fn desk(trial: &Trial) -> Listening {
    let socket = trial.home().join("run/control.sock");
    let listens = Command::new("curl")
        .args(["--silent", "--no-buffer", "--unix-socket"])
        .arg(socket)
        .arg("http://engine/v1/events?desk")
        .stdout(Stdio::null())
        .spawn();
    Listening(listens.expect("curl runs"))
}

struct Listening(Child);

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_new_device_waits_shows_its_number_and_is_let_in_once() {
    let ground = Ground::asking();
    for protocol in PROTOCOLS {
        let visitor = ground.begun(protocol);
        assert!(visitor.session().is_none());
        let waiting = ground.waiting();
        let [one] = waiting.as_slice() else { panic!("{waiting:?}") };
        assert_eq!((&one["user"], one["agent"].as_str().unwrap().contains("curl")), (&json!("anna"), true));
        let number = one["number"].as_u64().expect("a number");
        let page = visitor.page("/approval");
        assert_eq!(page.status, 200);
        assert!(page.body.contains(&format!("<strong>{number}</strong>")), "{}", page.body);
        assert!(page.body.contains("http-equiv=\"refresh\"") && !page.body.contains("anna"), "{}", page.body);
        assert_eq!(signs_in(&visitor).status, 303, "typing again goes on waiting");
        assert_eq!(ground.waiting(), waiting);

        ground.trial.ok(&["approval", "allow", &ground.id()]);
        assert!(ground.waiting().is_empty());
        let done = visitor.page("/approval");
        assert!(is_in(&done) && visitor.session().is_some(), "{done:?}");
        assert_eq!(visitor.page("/account").status, 200);
        assert!(token(&visitor, "device").is_none() && ground.devices().is_empty());
        assert!(token(&visitor, "question").is_none(), "it is over");
        // Where somebody is signed in nobody is asked again; elsewhere the owner is.
        assert!(is_in(&signs_in(&visitor)));
        assert_eq!(visitor.post("/sign-out", &[]).status, 303);
        let again = signs_in(&visitor);
        assert!(waits(&again), "{again:?}");
        ground.trial.ok(&["approval", "refuse", &ground.id()]);
        let set = ground.trial.with_input(&["user", "passwd", "anna", "--password-stdin"], PASSWORD);
        assert!(set.status.success(), "a new password begins anew");
    }
}

#[test]
fn a_yes_is_good_for_one_session_and_for_none_after_signing_out() {
    let ground = Ground::asking();
    let visitor = ground.begun("--http2");
    ground.trial.ok(&["approval", "allow", &ground.id(), "--always"]);
    let done = signs_in(&visitor);
    assert!(is_in(&done), "typed again instead of waiting for the page: {done:?}");
    assert!(done.head.contains(&format!("question-{}=; ", port(&visitor.gate))), "{done:?}");
    assert!(token(&visitor, "device").is_some());
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    let over = visitor.page("/approval");
    assert!(over.location().starts_with("/sign-in"), "{over:?}");
    assert_eq!(visitor.page("/account").status, 303);

    let visitor = ground.begun("--http1.1");
    let question = token(&visitor, "question").expect("a token");
    ground.trial.ok(&["approval", "allow", &ground.id()]);
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    let name = format!("__Host-Http-drawbridge-question-{}", port(&visitor.gate));
    let kept = format!("cookie: {name}={question}");
    let later = visitor.send(&["--header", &kept, &format!("{}/approval", visitor.gate)]);
    assert!(later.location().starts_with("/sign-in"), "{later:?}");

    let visitor = ground.begun("--http1.1");
    let id = ground.id();
    ground.trial.ok(&["approval", "allow", &id, "--always"]);
    ground.trial.ok(&["approval", "refuse", &id]);
    assert!(visitor.page("/approval").body.contains("said no"), "taken back before it was used");
    assert_eq!(ground.devices().len(), 1);
}

#[test]
fn the_way_to_the_tool_outlasts_the_waiting() {
    let ground = Ground::asking();
    let visitor = ground.visitor("--http2");
    let url = ground.trial.url("Tool");
    let sent = visitor.get(&format!("{url}/here?a=b"));
    let (_, query) = sent.location().split_once('?').expect("a way");
    let pairs: Vec<(String, String)> = url_pairs(query);
    let mut fields = vec![("username", "anna"), ("password", PASSWORD)];
    fields.extend(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let waiting = visitor.post("/sign-in", &fields);
    assert!(waits(&waiting), "{waiting:?}");
    let page = waiting.location().to_owned();
    assert_eq!(visitor.page(&page).status, 200);
    ground.trial.ok(&["approval", "allow", &ground.id()]);
    let entered = visitor.page(&page);
    assert!(entered.location().starts_with(&format!("{url}/.drawbridge/enter?code=")), "{entered:?}");
    let back = visitor.get(entered.location());
    assert_eq!(visitor.get(back.location()).body, "GET /here?a=b");
}

#[test]
fn a_device_let_in_for_good_is_known_to_its_account_alone_and_until_it_is_forgotten() {
    let mut ground = Ground::asking();
    let visitor = ground.begun("--http2");
    ground.trial.ok(&["approval", "allow", &ground.id(), "--always"]);
    assert!(is_in(&visitor.page("/approval")));
    let held = token(&visitor, "device").expect("a token");
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    assert!(is_in(&signs_in(&visitor)));
    let devices = ground.devices();
    let [one] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!(one["user"], "anna");
    let id = one["id"].as_str().expect("an id").to_owned();

    ground.trial.add_user("ben", PASSWORD);
    let other = patiently(|| visitor.password("ben", PASSWORD));
    assert!(waits(&other), "{other:?}");
    ground.trial.ok(&["approval", "refuse", &ground.id()]);
    assert!(visitor.page("/approval").body.contains("said no"));
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    assert_eq!(token(&visitor, "device"), Some(held.clone()));
    assert!(is_in(&signs_in(&visitor)), "what another account asked changes nothing");

    ground.trial.kill();
    ground.trial.serve();
    let returned = ground.visitor("--http1.1");
    let cookie = format!("cookie: __Host-Http-drawbridge-device-{}={held}", port(&returned.gate));
    let sign_in = || {
        let origin = format!("origin: {}", returned.gate);
        let url = format!("{}/sign-in", returned.gate);
        let form = format!("username=anna&password={}", PASSWORD.replace(' ', "+"));
        returned.send(&["--header", &origin, "--header", &cookie, "--data", &form, &url])
    };
    assert!(is_in(&patiently(sign_in)), "after a power cut");
    ground.trial.ok(&["approval", "forget", &id]);
    assert!(ground.devices().is_empty());
    assert_eq!(returned.post("/sign-out", &[]).status, 303);
    assert!(waits(&patiently(sign_in)));
    ground.trial.refused(1, &["approval", "forget", &id]);
}

#[test]
fn a_no_ends_it_and_gives_the_owner_peace() {
    let ground = Ground::asking();
    let (stranger, friend) = (ground.begun("--http1.1"), ground.visitor("--http2"));
    let another = signs_in(&friend);
    assert_eq!(another.status, 403, "one of an account waits");
    assert!(
        another.body.contains("is not asked about this account now")
            && another.field("retry-after").is_some(),
        "{another:?}"
    );
    let id = ground.id();
    ground.trial.ok(&["approval", "refuse", &id]);
    let no = stranger.page("/approval");
    assert_eq!((no.status, no.body.contains("said no")), (403, true), "{no:?}");
    for visitor in [&stranger, &friend] {
        let refused = signs_in(visitor);
        assert_eq!((refused.status, refused.body.contains("is not asked")), (403, true), "{refused:?}");
        assert!(visitor.session().is_none());
    }
    assert!(ground.waiting().is_empty());
    for answer in [&["allow", id.as_str()][..], &["allow", "nobody", "--always"], &["refuse", id.as_str()]] {
        ground.trial.refused(1, &[&["approval"], answer].concat());
    }
}

#[test]
fn whoever_waits_reaches_nothing_but_the_page_that_waits() {
    let ground = Ground::asking();
    let visitor = ground.begun("--http2");
    let token = token(&visitor, "question").expect("a token");
    let cookie = format!("__Host-Http-drawbridge-question-{}={token}", port(&visitor.gate));
    let gate = Door::gate(&ground.trial);
    assert_eq!(crate::matrix::passes(gate, &cookie), ["GET /approval"]);
    let door = Door::of(&ground.trial, "Tool");
    for name in ["", "device-", "question-", "half-"] {
        let field = format!("cookie: __Host-Http-drawbridge-{name}{}={token}", port(&door.origin()));
        assert_eq!(door.status("GET /", &[&field]), 401);
    }
    let taken = format!("cookie: __Host-Http-drawbridge-{}={token}", port(&visitor.gate));
    assert_eq!(gate.status("GET /account", &[&taken]), 303, "no session by another name");
}

#[test]
fn it_asks_at_the_internet_without_a_second_factor_and_where_somebody_sits() {
    let ground = Ground::new("lan");
    ground.trial.ok(&["settings", "set", "internet.approval", "always"]);
    assert!(is_in(&signs_in(&ground.visitor("--http2"))), "on the local network");
    ground.trial.ok(&["level", "Tool", "internet"]);
    ground.trial.ok(&["settings", "set", "internet.approval", "never"]);
    assert!(is_in(&signs_in(&ground.visitor("--http2"))));
    ground.trial.ok(&["settings", "set", "internet.approval", ""]);
    assert_eq!(ground.trial.json(&["settings", "get", "internet.approval"])["internet.approval"], "desk");
    assert!(is_in(&signs_in(&ground.visitor("--http2"))), "nobody sits at a headless machine");
    let sits = desk(&ground.trial);
    eventually("the desk is known", || waits(&signs_in(&ground.visitor("--http2"))));
    ground.trial.ok(&["approval", "refuse", &ground.id()]);
    drop(sits);
    std::thread::sleep(Duration::from_secs(1));
    let later = signs_in(&ground.visitor("--http2"));
    assert_eq!(later.status, 403, "a tray that crashed lets nobody in: {later:?}");
    ground.trial.ok(&["settings", "set", "internet.approval", "always"]);
    ground.trial.add_user("ben", PASSWORD);
    enrol(&ground.trial, "ben");
    let half = patiently(|| ground.visitor("--http2").password("ben", PASSWORD));
    assert!(half.location().starts_with("/second-factor?"), "{half:?}");
    assert!(ground.waiting().is_empty(), "wrong and unknown are answered before anybody is asked");
    assert_eq!(patiently(|| ground.visitor("--http2").password("anna", "not the password")).status, 403);
    assert!(ground.waiting().is_empty());
    ground.trial.refused(1, &["settings", "set", "internet.approval", "sometimes"]);
}

#[test]
fn what_changes_meanwhile_ends_the_waiting() {
    let mut ground = Ground::asking();
    for change in [&["set", "anna", "--disabled", "true"][..], &["passwd", "anna", "--password-stdin"]] {
        let visitor = ground.begun("--http2");
        ground.trial.ok(&["approval", "allow", &ground.id()]);
        let change = [&["user"], change].concat();
        assert!(ground.trial.with_input(&change, PASSWORD).status.success(), "{change:?}");
        let over = visitor.page("/approval");
        assert!(
            over.location().starts_with("/sign-in?") && visitor.session().is_none(),
            "{change:?} {over:?}"
        );
        assert!(ground.waiting().is_empty());
        ground.trial.ok(&["user", "set", "anna", "--disabled", "false"]);
    }
    let visitor = ground.begun("--http2");
    ground.trial.kill();
    ground.trial.serve();
    let over = visitor.page("/approval");
    assert!(over.location().starts_with("/sign-in?"), "{over:?}");
    assert!(ground.waiting().is_empty(), "a restart means to begin again");
}

#[test]
fn whoever_came_by_an_invite_is_known_on_that_device() {
    let ground = Ground::asking();
    let made = ground.trial.json(&["user", "invite", "cora"]);
    let url = made["url"].as_str().expect("a link");
    let (_, code) = url.split_once("code=").expect("a code");
    let visitor = ground.visitor("--http2");
    let accepted = visitor.post("/invite", &[("code", code), ("new", PASSWORD)]);
    assert!(is_in(&accepted), "{accepted:?}");
    assert_eq!(visitor.post("/sign-out", &[]).status, 303);
    assert!(is_in(&patiently(|| visitor.password("cora", PASSWORD))));
    let elsewhere = patiently(|| ground.visitor("--http1.1").password("cora", PASSWORD));
    assert!(waits(&elsewhere), "{elsewhere:?}");
}
