//! A browser that signs in step by step, so that every step can be tampered with.

use super::{Door, Reply};
use crate::support::trial::PASSWORD;

/// What a browser holds after each step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    /// `NAME=VALUE` of the mark the door set.
    pub(crate) mark: String,
    /// `door=…&state=…&to=…`, as the door sent it to the gate.
    pub(crate) way: String,
    /// `NAME=VALUE` of the gate's cookie.
    pub(crate) gate: String,
    /// `/.drawbridge/enter?code=…`.
    pub(crate) enter: String,
    /// `NAME=VALUE` of the door's cookie.
    pub(crate) door: String,
}

impl Browser {
    /// A browser that was sent from the door to the gate.
    pub(crate) fn begun(door: Door) -> Self {
        let reply = door.ask("GET /", &["accept: text/html"]).expect("an answer");
        let way =
            reply.field("location").and_then(|location| location.split_once('?')).expect("a way to the gate");
        Self { mark: reply.cookie("-begin-").expect("a mark"), way: way.1.to_owned(), ..Self::default() }
    }

    /// A browser that holds a one-time code it has not used.
    pub(crate) fn with_code(door: Door, gate: Door) -> Self {
        Self::with_code_of("anna", door, gate)
    }

    fn with_code_of(name: &str, door: Door, gate: Door) -> Self {
        let mut browser = Self::begun(door);
        let reply = browser.post(gate, name, PASSWORD);
        assert_eq!(reply.status, 303, "{}", reply.head);
        browser.gate = reply.cookie("drawbridge-").expect("the gate's cookie");
        let location = reply.field("location").expect("a way back");
        browser.enter = location.strip_prefix(&door.origin()).expect("this door").to_owned();
        browser
    }

    /// A browser with a session at the door.
    pub(crate) fn signed_in(door: Door, gate: Door) -> Self {
        Self::signed_in_as("anna", door, gate)
    }

    /// The same with another account that has the usual password.
    pub(crate) fn signed_in_as(name: &str, door: Door, gate: Door) -> Self {
        let mut browser = Self::with_code_of(name, door, gate);
        let reply = browser.enter(door).expect("an answer");
        assert_eq!(reply.status, 303, "{}", reply.head);
        browser.door = reply.cookie("drawbridge-").expect("the door's cookie");
        browser
    }

    /// A browser of a guest, with a session at the door by a pass that nobody opened yet.
    pub(crate) fn guest(door: Door, gate: Door, code: &str) -> Self {
        let page = gate.ask(&format!("GET /pass?code={code}"), &["accept: text/html"]).expect("an answer");
        let mut browser = Self { gate: page.cookie("-guest-").expect("a mark"), ..Self::begun(door) };
        let (cookie, form) = (format!("cookie: {}", browser.gate), format!("code={code}"));
        let bound = gate.form("/pass", &[&cookie], &form);
        assert_eq!((bound.status, bound.field("location")), (303, Some(&*format!("{}/", door.origin()))));
        let on = gate.ask(&format!("GET /sign-in?{}", browser.way), &[&cookie]).expect("an answer");
        let location = on.field("location").unwrap_or_else(|| panic!("{}", on.head));
        browser.enter = location.strip_prefix(&door.origin()).expect("this door").to_owned();
        let reply = browser.enter(door).expect("an answer");
        assert_eq!(reply.status, 303, "{}", reply.head);
        browser.door = reply.cookie("drawbridge-").expect("the door's cookie");
        browser
    }

    /// Types a name and a password at the gate.
    pub(crate) fn post(&self, gate: Door, name: &str, password: &str) -> Reply {
        let form = format!("username={name}&password={}&{}", password.replace(' ', "+"), self.way);
        gate.form("/sign-in", &[], &form)
    }

    /// Follows the way back with the code.
    pub(crate) fn enter(&self, door: Door) -> Option<Reply> {
        door.ask(&format!("GET {}", self.enter), &[&format!("cookie: {}", self.mark)])
    }

    /// The cookie field for the door.
    pub(crate) fn cookie(&self) -> String {
        format!("cookie: {}", self.door)
    }
}
