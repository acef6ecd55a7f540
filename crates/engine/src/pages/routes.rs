//! Every address of ours, on the gate and on tools' doors: the one table by which requests are told apart. What is not in it
//! does not exist. Who gets past each stands in `docs/openapi.json`, and a test walks through both.

use hyper::Method;

/// What the gate can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gate {
    /// By a person.
    Page(Page),
    /// By a program.
    Call(Call),
}

/// What people ask the gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Page {
    Home,
    InviteForm,
    Invite,
    PassForm,
    Pass,
    SignInForm,
    SignIn,
    PasskeySignIn,
    SignOut,
    SecondFactorForm,
    SecondFactor,
    Approval,
    Account,
    PasswordForm,
    Password,
    FactorForm,
    FactorBegin,
    FactorConfirm,
    FactorCodes,
    FactorRemove,
    PasskeyBegin,
    Passkey,
    PasskeyRemove,
    TokenForm,
    Token,
    TokenRevoke,
    NewPassForm,
    NewPass,
    PassRevoke,
    EndSession,
    EndOtherSessions,
}

/// What programs ask the gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Login,
    Refresh,
    Logout,
    ChangePassword,
}

/// What a tool's door answers itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Door {
    Enter,
    Leave,
    SocketToken,
}

/// What a request with this method and path asks of the gate.
pub(crate) fn at_gate(method: &Method, path: &str) -> Option<Gate> {
    find(GATE, method, path)
}

/// The same at a tool's door; the path is what follows `/.drawbridge/`.
pub(crate) fn at_door(method: &Method, path: &str) -> Option<Door> {
    find(DOOR, method, path)
}

/// `HEAD` asks for a page too.
fn find<T: Copy>(table: &[(&str, &str, T)], method: &Method, path: &str) -> Option<T> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    table.iter().find(|row| row.0 == method && row.1 == path).map(|row| row.2)
}

const GATE: &[(&str, &str, Gate)] = &[
    ("GET", "/", Gate::Page(Page::Home)),
    ("GET", "/invite", Gate::Page(Page::InviteForm)),
    ("POST", "/invite", Gate::Page(Page::Invite)),
    ("GET", "/pass", Gate::Page(Page::PassForm)),
    ("POST", "/pass", Gate::Page(Page::Pass)),
    ("GET", "/sign-in", Gate::Page(Page::SignInForm)),
    ("POST", "/sign-in", Gate::Page(Page::SignIn)),
    ("POST", "/sign-in/passkey", Gate::Page(Page::PasskeySignIn)),
    ("POST", "/sign-out", Gate::Page(Page::SignOut)),
    ("GET", "/second-factor", Gate::Page(Page::SecondFactorForm)),
    ("POST", "/second-factor", Gate::Page(Page::SecondFactor)),
    ("GET", "/approval", Gate::Page(Page::Approval)),
    ("GET", "/account", Gate::Page(Page::Account)),
    ("GET", "/account/password", Gate::Page(Page::PasswordForm)),
    ("POST", "/account/password", Gate::Page(Page::Password)),
    ("GET", "/account/second-factor", Gate::Page(Page::FactorForm)),
    ("POST", "/account/second-factor/begin", Gate::Page(Page::FactorBegin)),
    ("POST", "/account/second-factor/confirm", Gate::Page(Page::FactorConfirm)),
    ("POST", "/account/second-factor/codes", Gate::Page(Page::FactorCodes)),
    ("POST", "/account/second-factor/remove", Gate::Page(Page::FactorRemove)),
    ("POST", "/account/passkey/begin", Gate::Page(Page::PasskeyBegin)),
    ("POST", "/account/passkey", Gate::Page(Page::Passkey)),
    ("POST", "/account/passkey/remove", Gate::Page(Page::PasskeyRemove)),
    ("GET", "/account/token", Gate::Page(Page::TokenForm)),
    ("POST", "/account/token", Gate::Page(Page::Token)),
    ("POST", "/account/token/revoke", Gate::Page(Page::TokenRevoke)),
    ("GET", "/account/pass", Gate::Page(Page::NewPassForm)),
    ("POST", "/account/pass", Gate::Page(Page::NewPass)),
    ("POST", "/account/pass/revoke", Gate::Page(Page::PassRevoke)),
    ("POST", "/account/session/end", Gate::Page(Page::EndSession)),
    ("POST", "/account/session/end-others", Gate::Page(Page::EndOtherSessions)),
    ("POST", "/.drawbridge/api/auth/login", Gate::Call(Call::Login)),
    ("POST", "/.drawbridge/api/auth/refresh", Gate::Call(Call::Refresh)),
    ("POST", "/.drawbridge/api/auth/logout", Gate::Call(Call::Logout)),
    ("POST", "/.drawbridge/api/change-password", Gate::Call(Call::ChangePassword)),
];

const DOOR: &[(&str, &str, Door)] = &[
    ("GET", "enter", Door::Enter),
    ("POST", "leave", Door::Leave),
    ("GET", "api/ws-token", Door::SocketToken),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_documented_and_every_documented_one_is_there() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let documented: BTreeSet<(bool, String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().iter().map(move |(method, operation)| {
                    assert!(operation["x-for"].is_string(), "{method} {path} does not say for whom it is");
                    let at_door = operation.get("servers").is_some();
                    (at_door, method.to_uppercase(), path.clone())
                })
            })
            .collect();
        let gate = GATE.iter().map(|row| (false, row.0.to_owned(), row.1.to_owned()));
        let door = DOOR.iter().map(|row| (true, row.0.to_owned(), format!("/.drawbridge/{}", row.1)));
        assert_eq!(gate.chain(door).collect::<BTreeSet<_>>(), documented);
    }

    #[test]
    fn no_route_hides_another() {
        for (method, path, route) in GATE {
            assert_eq!(at_gate(&method.parse().unwrap(), path), Some(*route));
        }
        for (method, path, route) in DOOR {
            assert_eq!(at_door(&method.parse().unwrap(), path), Some(*route));
        }
        assert_eq!(at_gate(&Method::HEAD, "/account"), Some(Gate::Page(Page::Account)));
        for (method, path) in
            [("GET", "/account/"), ("get", "/account"), ("PUT", "/account/password"), ("HEAD", "/sign-out")]
        {
            assert_eq!(at_gate(&method.parse().unwrap(), path), None, "{method} {path}");
        }
        assert_eq!(at_door(&Method::HEAD, "leave"), None);
        assert_eq!(at_door(&Method::POST, "api/auth/login"), None);
    }
}
