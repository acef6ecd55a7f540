//! Passes: a link with which a guest without an account uses one tool, on the first device that opens it; and everything it
//! must not open.

mod account;
mod ends;
mod kept;
mod owner;
mod refused;

use crate::{
    promises::{Door, browser::Browser, tool::Tool},
    second_factor::{Answer, PROTOCOLS, Visitor},
    support::{Trial, eventually, trial::PASSWORD},
};
use serde_json::{Value, json};

/// A running engine with anna and two tools, both open.
struct Ground {
    trial: Trial,
    tool: Tool,
}

/// A pass as it was shown to the owner.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) code: String,
}

/// Makes a pass as the owner.
pub(crate) fn create(trial: &Trial, arguments: &[&str]) -> Link {
    let made = trial.json(&[&["pass", "create"], arguments].concat());
    let text = |key: &str| made[key].as_str().expect("text").to_owned();
    let code = text("url").split_once("/pass?code=").expect("a link").1.to_owned();
    assert_eq!(code.len(), 43, "256 bits");
    Link { id: text("id"), code }
}

/// Makes a pass at the gate, in the browser with this cookie; returns its code.
pub(crate) fn make_at_gate(gate: Door, cookie: &str, tool: &str) -> String {
    let form = format!("tool={tool}&hours=4&name=");
    let made = gate.form("/account/pass", &[&format!("cookie: {cookie}")], &form);
    assert_eq!(made.status, 200, "{}", made.body);
    made.body.split_once("/pass?code=").expect("a link").1[..43].to_owned()
}

impl Ground {
    fn new(level: &str) -> Self {
        let tool = Tool::with_sockets();
        let trial = Trial::sharing(&tool.url(), level);
        trial.ok(&["tool", "add", "Other", &tool.url()]);
        trial.ok(&["level", "Other", level]);
        Self { trial, tool }
    }

    fn gate(&self) -> Door {
        Door::gate(&self.trial)
    }

    fn door(&self) -> Door {
        Door::of(&self.trial, "Tool")
    }

    fn visitor(&self, protocol: &'static str) -> Visitor {
        Visitor::new(&self.trial, protocol)
    }

    /// The one open pass as the owner sees it.
    fn pass(&self) -> Value {
        let passes = self.trial.json(&["pass", "list"]);
        let [pass] = &passes.as_array().expect("a list")[..] else { panic!("not one: {passes}") };
        pass.clone()
    }

    /// Goes to a tool as a person does, wherever it leads.
    fn go(&self, visitor: &Visitor, tool: &str) -> Answer {
        let mut url = self.trial.url(tool);
        for _ in 0..6 {
            let answer = visitor.send(&["--header", "accept: text/html", &url]);
            match answer.location() {
                "" => return answer,
                to if to.starts_with('/') => url = format!("{}{to}", self.trial.gate()),
                to => url = to.to_owned(),
            }
        }
        panic!("it leads nowhere");
    }

    /// Runs SQL on the database.
    fn sql(&self, statement: &str) {
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
        let database = self.trial.home().join("drawbridge.db");
        let mut python = std::process::Command::new("python3");
        let done = python.args(["-c", script]).arg(database).arg(statement).status();
        assert!(done.expect("python3 runs").success(), "{statement}");
    }

    /// What the access log says once it has these words.
    fn log_with(&self, words: &str) -> String {
        let read = || std::fs::read_to_string(self.trial.home().join("logs/access.log")).unwrap_or_default();
        eventually(words, || read().contains(words));
        read()
    }
}

/// Opens a link, as a person does.
fn look(visitor: &Visitor, code: &str) -> Answer {
    visitor.page(&format!("/pass?code={code}"))
}

/// Presses the button.
fn press(visitor: &Visitor, code: &str) -> Answer {
    visitor.post("/pass", &[("code", code)])
}

/// Opens a link and presses the button.
fn open(visitor: &Visitor, code: &str) -> Answer {
    look(visitor, code);
    press(visitor, code)
}

fn asks_for_a_password(answer: &Answer) -> bool {
    answer.body.contains("type=\"password\"")
}

#[test]
fn a_guest_uses_one_tool_on_the_first_device_until_it_is_revoked() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = create(&ground.trial, &["Tool", "--for", "2h", "--label", "plumber"]);
        let preview = ground.visitor(protocol);
        for _ in 0..3 {
            // As programs that show previews do.
            let page = look(&preview, &link.code);
            assert_eq!((page.status, page.body.contains("use Tool for 2 hours")), (200, true), "{page:?}");
            assert!(!page.body.contains("<script") && page.field("cache-control") == Some("no-store"));
            let policy = page.field("content-security-policy").expect("a policy");
            assert!(policy.contains(&format!("form-action 'self' {}", ground.trial.url("Tool"))), "{policy}");
        }
        assert_eq!((&ground.pass()["device"], &ground.pass()["label"]), (&Value::Null, &json!("plumber")));
        assert!(ground.tool.take().is_empty());

        let guest = ground.visitor(protocol);
        let bound = open(&guest, &link.code);
        let url = ground.trial.url("Tool");
        assert_eq!((bound.status, bound.location().trim_end_matches('/')), (303, &*url), "{bound:?}");
        assert_eq!(ground.go(&guest, "Tool").body, "GET /");
        assert_eq!(ground.tool.take().len(), 1);
        let pass = ground.pass();
        assert!(pass["device"]["agent"].as_str().is_some_and(|agent| agent.starts_with("curl/")), "{pass}");
        assert_eq!((&pass["device"]["level"], &pass["maker"]), (&json!("lan"), &Value::Null));
        let visitors = ground.trial.json(&["status"])["visitors"].clone();
        assert_eq!((&visitors[0]["user"], &visitors[0]["tool"]), (&json!("guest: plumber"), &json!("Tool")));
        let log = ground.log_with(&format!(" pass={} ", link.id));
        assert!(!log.contains("user=") && !log.contains(&link.code), "{log}");

        assert_eq!(look(&guest, &link.code).location().trim_end_matches('/'), url, "opened again");
        assert_eq!(press(&guest, &link.code).status, 303, "pressed again");
        for stranger in [&preview, &ground.visitor(protocol)] {
            assert_eq!((look(stranger, &link.code).status, press(stranger, &link.code).status), (403, 403));
            assert!(asks_for_a_password(&ground.go(stranger, "Tool")));
        }
        for page in ["/", "/account", "/account/pass"] {
            assert_eq!(guest.page(page).location(), "/sign-in", "{page}");
        }
        assert!(asks_for_a_password(&ground.go(&guest, "Other")), "another tool");
        assert!(ground.tool.take().is_empty());

        ground.trial.ok(&["pass", "revoke", &link.id]);
        assert!(asks_for_a_password(&ground.go(&guest, "Tool")));
        assert_eq!((look(&guest, &link.code).status, press(&guest, &link.code).status), (403, 403));
        assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));
        assert!(ground.tool.take().is_empty());
    }
}

#[test]
fn of_those_who_press_at_once_one_wins() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = create(&ground.trial, &["Tool"]);
        let guests: Vec<Visitor> = (0..8).map(|_| ground.visitor(protocol)).collect();
        for guest in &guests {
            assert_eq!(look(guest, &link.code).status, 200);
        }
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let code = link.code.as_str();
            let start = |guest| scope.spawn(move || press(guest, code).status);
            let running: Vec<_> = guests.iter().map(start).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [303, 403].contains(status)), "{statuses:?}");
        for (guest, status) in guests.iter().zip(&statuses) {
            let answer = ground.go(guest, "Tool");
            assert_eq!(
                (answer.body == "GET /", asks_for_a_password(&answer)),
                (*status == 303, *status == 403)
            );
        }
    }
}

#[test]
fn one_device_holds_passes_for_several_tools_and_a_form_sent_twice_costs_none() {
    let ground = Ground::new("lan");
    let (gate, links) = (ground.gate(), ["Tool", "Other"].map(|tool| create(&ground.trial, &[tool])));
    let guest = ground.visitor("--http2");
    for link in &links {
        assert_eq!(open(&guest, &link.code).status, 303);
    }
    for tool in ["Tool", "Other", "Tool"] {
        assert_eq!(ground.go(&guest, tool).body, "GET /", "{tool}");
    }
    // The browser has its mark before it sends the form, so both are of the same device.
    let link = create(&ground.trial, &["Tool"]);
    let page = gate.ask(&format!("GET /pass?code={}", link.code), &["accept: text/html"]).expect("an answer");
    let cookie = format!("cookie: {}", page.cookie("-guest-").expect("a mark"));
    let again = gate.ask(&format!("GET /pass?code={}", link.code), &[&cookie]).expect("an answer");
    assert_eq!(again.cookie("-guest-"), None, "it keeps the one it has");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let bound = gate.form("/pass", &[&cookie], &format!("code={}", link.code));
                assert_eq!(bound.status, 303, "{}", bound.body);
            });
        }
    });
}

#[test]
fn who_is_signed_in_goes_on_as_themselves_and_with_a_pass_only_where_they_may_not() {
    let ground = Ground::new("lan");
    ground.trial.add_user("ben", PASSWORD);
    ground.trial.ok(&["user", "set", "ben", "--tools", "Other"]);
    for (name, says) in [("anna", " user="), ("ben", " pass=")] {
        let link = create(&ground.trial, &["Tool"]);
        let visitor = ground.visitor("--http2");
        assert_eq!(visitor.password(name, PASSWORD).status, 303);
        assert_eq!(open(&visitor, &link.code).status, 303);
        assert_eq!(ground.go(&visitor, "Tool").body, "GET /", "{name}");
        let log = ground.log_with(&format!("/tool method=GET path=/{says}"));
        assert!(visitor.page("/").body.contains(name), "still signed in: {log}");
    }
}

#[test]
fn the_tool_is_told_guest_and_gets_what_it_gets_from_any_browser() {
    let ground = Ground::new("lan");
    ground.trial.ok(&["tool", "set", "Tool", "--identity-header", "X-Who"]);
    let give = ["secret", "set", "Tool", "--header", "X-Key"];
    assert!(ground.trial.with_input(&give, "the-key").status.success());
    let link = create(&ground.trial, &["Tool", "--label", "plumber"]);
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &link.code);
    ground.tool.take();
    let fields = [&*guest.cookie(), &format!("cookie: {}", guest.gate), "x-who: anna"];
    assert_eq!(door.status("GET /", &fields), 200);
    let asked = &ground.tool.take()[0];
    assert_eq!((asked.values("x-who"), asked.values("x-key")), (vec!["guest"], vec!["the-key"]));
    assert!(!asked.head.contains("drawbridge"), "{}", asked.head);
}
