//! Invites: an account that somebody makes for themselves with a link, once; and everything a link must not do.

mod kept;
mod owner;
mod refused;

use crate::{
    promises::tool::Tool,
    second_factor::{Answer, PROTOCOLS, Visitor},
    support::{Trial, trial::PASSWORD},
};
use serde_json::{Value, json};

/// What invited people choose.
const CHOSEN: &str = "staple after staple";

/// A running engine with anna and two tools, the first of them open.
struct Ground {
    trial: Trial,
    _tool: Tool,
}

/// An invite as it was shown to the owner.
#[derive(Clone)]
struct Link {
    id: String,
    code: String,
}

impl Ground {
    fn new(level: &str) -> Self {
        let tool = Tool::echoing();
        let trial = Trial::sharing(&tool.url(), level);
        trial.ok(&["tool", "add", "Other", &tool.url()]);
        trial.ok(&["level", "Other", level]);
        Self { trial, _tool: tool }
    }

    /// Makes an invite.
    fn invite(&self, arguments: &[&str]) -> Link {
        let made = self.trial.json(&[&["user", "invite"], arguments].concat());
        let url = made["url"].as_str().expect("a link");
        let code = url.strip_prefix(&format!("{}/invite?code=", self.trial.gate())).expect("at the gate");
        assert_eq!(code.len(), 43, "256 bits");
        Link { id: made["id"].as_str().expect("an id").to_owned(), code: code.to_owned() }
    }

    fn visitor(&self, protocol: &'static str) -> Visitor {
        Visitor::new(&self.trial, protocol)
    }

    /// The open invites as the owner sees them.
    fn open(&self) -> Vec<Value> {
        self.trial.json(&["user", "invites"]).as_array().expect("a list").clone()
    }

    /// Names of everyone with an account.
    fn names(&self) -> Vec<String> {
        let users = self.trial.json(&["user", "list"]);
        let name = |user: &Value| user["name"].as_str().expect("a name").to_owned();
        users.as_array().expect("a list").iter().map(name).collect()
    }
}

/// Opens a link, as a person does.
fn look(visitor: &Visitor, code: &str) -> Answer {
    visitor.page(&format!("/invite?code={code}"))
}

/// Sends the form.
fn accept(visitor: &Visitor, code: &str, password: &str) -> Answer {
    visitor.post("/invite", &[("code", code), ("new", password)])
}

#[test]
fn whoever_has_the_link_chooses_a_password_and_is_in() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = ground.invite(&["Ben Müller", "--admin", "--tools", "Tool"]);
        assert_eq!(ground.names(), ["anna"], "no account yet");
        let open = ground.open();
        assert_eq!(
            (open.len(), &open[0]["name"], &open[0]["id"]),
            (1, &json!("Ben Müller"), &json!(link.id))
        );
        assert_eq!((&open[0]["admin"], &open[0]["tools"]), (&json!(true), &json!(["Tool"])));
        let lifetime = open[0]["expires"].as_u64().unwrap() - open[0]["created"].as_u64().unwrap();
        assert_eq!(lifetime, 24 * 3600);

        let visitor = ground.visitor(protocol);
        for _ in 0..3 {
            // As programs that show previews do.
            let page = look(&visitor, &link.code);
            assert_eq!((page.status, page.body.contains("value=\"Ben Müller\"")), (200, true), "{page:?}");
            assert!(!page.body.contains("<script") && page.field("set-cookie").is_none());
            assert!(
                page.field("content-security-policy").unwrap().starts_with("default-src 'none'; style-src")
            );
            assert_eq!(page.field("cache-control"), Some("no-store"));
        }
        let done = accept(&visitor, &link.code, CHOSEN);
        assert_eq!((done.status, done.location()), (303, "/"), "{done:?}");
        let start = visitor.page("/");
        assert!(start.body.contains("Ben Müller") && start.body.contains("Tool"), "{start:?}");
        assert!(!start.body.contains("Other"), "only what was promised");
        let users = ground.trial.json(&["user", "list"]);
        let ben = users.as_array().unwrap().iter().find(|user| user["name"] == "Ben Müller").unwrap();
        assert_eq!((&ben["admin"], &ben["tools"]), (&json!(true), &json!(["Tool"])));
        assert_eq!((&ben["strong"], &ben["factors"]), (&json!(true), &json!(["password"])));
        assert!(ground.open().is_empty());
        let another = ground.visitor(protocol);
        assert_eq!(another.password("ben müller", CHOSEN).location(), "/", "the password signs in");

        assert_eq!(look(&another, &link.code).status, 403, "once");
        assert_eq!(accept(&another, &link.code, "some other password").status, 403, "once");
        assert_eq!(ground.names().len(), 2);
        assert_eq!(
            ground.visitor(protocol).password("Ben Müller", CHOSEN).status,
            303,
            "still the first one"
        );
    }
}

#[test]
fn of_those_who_accept_at_once_one_wins() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = ground.invite(&["ben"]);
        let passwords: Vec<String> = (0..6).map(|number| format!("staple number {number}")).collect();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let start = |password: &String| {
                let (visitor, code) = (ground.visitor(protocol), link.code.as_str());
                let password = password.clone();
                scope.spawn(move || accept(&visitor, code, &password).status)
            };
            let running: Vec<_> = passwords.iter().map(start).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let won: Vec<usize> =
            (0..statuses.len()).filter(|place| statuses.get(*place) == Some(&303)).collect();
        assert_eq!(won.len(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [303, 403].contains(status)), "{statuses:?}");
        assert_eq!(ground.names(), ["anna", "ben"]);
        assert_eq!(ground.visitor(protocol).password("ben", &passwords[won[0]]).status, 303);
    }
}

#[test]
fn a_sign_in_of_somebody_else_is_replaced_only_when_the_invite_is_accepted() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        let link = ground.invite(&["ben"]);
        let visitor = ground.visitor(protocol);
        assert_eq!(visitor.password("anna", PASSWORD).status, 303);
        let before = visitor.session().expect("a session");
        assert!(look(&visitor, &link.code).body.contains("This browser is signed in as anna."));
        assert_eq!(accept(&visitor, &link.code, "short").status, 400);
        assert_eq!(accept(&visitor, &"x".repeat(43), CHOSEN).status, 403);
        assert_eq!(visitor.session().as_ref(), Some(&before));
        assert!(visitor.page("/").body.contains("anna"));

        assert_eq!(accept(&visitor, &link.code, CHOSEN).status, 303);
        assert_ne!(visitor.session().expect("a session"), before);
        assert!(visitor.page("/").body.contains("ben"));
        let sessions = ground.trial.json(&["session", "list"]);
        let users: Vec<&Value> =
            sessions.as_array().unwrap().iter().map(|session| &session["user"]).collect();
        assert_eq!(users, ["ben"], "anna's has ended");
    }
}
