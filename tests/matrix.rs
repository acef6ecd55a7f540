//! Every route of ours, as `docs/openapi.json` lists them (a unit test keeps that list whole), asked by everyone there is:
//! exactly those get past for whom it is.

use crate::{
    programs::{Pair, call, login},
    promises::{Door, basic, browser::Browser, h2, h2::H2},
    support::{Recorder, Trial, trial::PASSWORD},
};
use serde_json::{Value, json};

/// One who asks: by what name, with which field, at the gate and at the tool's door.
struct Role {
    name: &'static str,
    gate: Option<String>,
    door: Option<String>,
}

/// One thing to ask.
#[derive(Debug)]
struct Route {
    method: String,
    path: String,
    whose: String,
    at_door: bool,
}

impl Route {
    /// Whether it ends the sign-in it is asked with; such are asked last.
    fn ends(&self) -> bool {
        ["/sign-out", "/.drawbridge/leave", "/.drawbridge/api/auth/logout"].contains(&self.path.as_str())
    }

    fn is_for(&self, role: &str) -> bool {
        match self.whose.as_str() {
            "anyone" => true,
            "half" => role == "half",
            "session" => matches!(role, "session" | "admin"),
            "access" => role == "access",
            "tool" => matches!(role, "session" | "admin" | "token" | "access" | "password" | "guest"),
            "code" | "invite" | "pass" | "waiting" => false,
            other => panic!("nobody knows whom {other} means"),
        }
    }
}

fn routes() -> Vec<Route> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut routes: Vec<Route> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(|(method, operation)| Route {
                method: method.to_uppercase(),
                path: path.clone(),
                whose: operation["x-for"].as_str().unwrap().to_owned(),
                at_door: operation.get("servers").is_some(),
            })
        })
        .collect();
    routes.sort_by_key(Route::ends);
    routes
}

fn add(trial: &Trial, name: &str, more: &[&str]) {
    let arguments = [&["user", "add", name, "--password-stdin"], more].concat();
    assert!(trial.with_input(&arguments, PASSWORD).status.success());
}

/// Everyone, each with an account of their own, so that nobody ends another's sign-in.
fn roles(trial: &Trial, gate: Door, door: Door) -> Vec<Role> {
    let cookie = |pair: &str| Some(format!("cookie: {pair}"));
    let both =
        |name: &'static str, field: String| Role { name, gate: Some(field.clone()), door: Some(field) };
    let signed_in = |name: &str, role: &'static str| {
        let browser = Browser::signed_in_as(name, door, gate);
        Role { name: role, gate: cookie(&browser.gate), door: cookie(&browser.door) }
    };
    add(trial, "bea", &["--admin"]);
    let (session, admin) = (signed_in("anna", "session"), signed_in("bea", "admin"));
    add(trial, "carl", &[]);
    crate::second_factor::enrol(trial, "carl");
    let half = Browser::begun(door).post(gate, "carl", PASSWORD);
    let half = half.cookie("drawbridge-half-").expect("half a sign-in");
    add(trial, "dora", &[]);
    let token = trial.json(&["token", "create", "dora"])["secret"].as_str().unwrap().to_owned();
    let mut body = login(PASSWORD);
    body["username"] = json!("dora");
    let pair = Pair::of(&call(gate, "auth/login", &body));
    add(trial, "emil", &[]);
    let mut disabled = signed_in("emil", "disabled");
    trial.ok(&["user", "set", "emil", "--disabled", "true"]);
    disabled.name = "disabled";
    let guest = Browser::guest(door, gate, &crate::passes::create(trial, &["Tool"]).code);
    vec![
        Role { name: "nobody", gate: None, door: None },
        session,
        admin,
        Role { name: "half", gate: cookie(&half), door: cookie(&half) },
        both("token", format!("x-drawbridge-token: {token}")),
        both("refresh", format!("authorization: Bearer {}", pair.refresh)),
        both("password", basic("dora", PASSWORD)),
        disabled,
        Role { name: "guest", gate: cookie(&guest.gate), door: cookie(&guest.door) },
        both("access", pair.bearer()),
    ]
}

#[test]
fn every_route_lets_in_whom_it_is_for_and_nobody_else() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (gate, door) = (Door::gate(&trial), Door::of(&trial, "Tool"));
    let routes = routes();
    assert!(routes.len() > 20, "{routes:?}");
    for role in roles(&trial, gate, door) {
        for route in &routes {
            let at = if route.at_door { door } else { gate };
            let field = if route.at_door { &role.door } else { &role.gate };
            let body = if route.path.starts_with("/.drawbridge/api") { "{}" } else { "" };
            let is_in = route.is_for(role.name);
            let (first, passed) = ask(at, route, field.as_deref(), body);
            assert_eq!(passed, is_in, "{} {route:?}", role.name);
            // What ended a sign-in has done so.
            if !route.ends() {
                let second = ask_h2(at, route, field.as_deref(), body);
                // An account that was tried waits for a moment.
                let agree =
                    first == second || [first, second].iter().all(|status| matches!(status, 401 | 403 | 429));
                assert!(agree, "{} {route:?}: HTTP/1.1 says {first}, HTTP/2 {second}", role.name);
            }
        }
    }
    assert!(!tool.heard().iter().any(|heard| heard.contains("HTTP/1.1")), "{:?}", tool.heard());
}

/// What a cookie gets past at the gate, besides what is for anyone.
pub(crate) fn passes(gate: Door, cookie: &str) -> Vec<String> {
    let field = format!("cookie: {cookie}");
    let at_gate = routes().into_iter().filter(|route| !route.at_door && route.whose != "anyone");
    let passed = at_gate.filter(|route| ask(gate, route, Some(&field), "{}").1);
    passed.map(|route| format!("{} {}", route.method, route.path)).collect()
}

/// The status, and whether it is one for who may.
fn ask(at: Door, route: &Route, field: Option<&str>, body: &str) -> (u16, bool) {
    let fields = [
        format!("origin: {}", at.origin()),
        "content-type: application/json".to_owned(),
        format!("content-length: {}", body.len()),
    ];
    let fields: Vec<&str> = fields.iter().map(String::as_str).chain(field).collect();
    let fields = if route.method == "POST" { &fields[..] } else { &fields[3..] };
    let bytes = at.request(&format!("{} {}", route.method, route.path), fields)
        + if route.method == "POST" { body } else { "" };
    let reply = at.exchange(bytes.as_bytes()).expect("an answer");
    let to_sign_in = reply.field("location").is_some_and(|to| to.starts_with("/sign-in"));
    let status = reply.status;
    assert!((200..500).contains(&status) && status != 404, "{route:?} was answered {status}");
    let passed = match route.whose.as_str() {
        "anyone" => true,
        "half" | "session" | "waiting" => !to_sign_in,
        "access" => status != 401,
        _ => !matches!(status, 401 | 403),
    };
    (status, passed)
}

fn ask_h2(at: Door, route: &Route, field: Option<&str>, body: &str) -> u16 {
    let (authority, origin) = (at.authority(), at.origin());
    let mut more = vec![];
    if route.method == "POST" {
        more.extend([("origin", origin.as_str()), ("content-type", "application/json")]);
    }
    more.extend(field.and_then(|field| field.split_once(": ")));
    let fields = h2::fields(&route.method, &authority, &route.path, &more);
    H2::open(at).ask(&fields, (route.method == "POST").then_some(body), &[]).status()
}
