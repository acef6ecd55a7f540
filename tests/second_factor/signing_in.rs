//! Signing in with password and code, and what is answered on the way.

use super::{
    Answer, Ground, PROTOCOLS, SHORT, Visitor, enrol, half_cookie, patiently, session_cookie, url_pairs,
    user, wait,
};
use crate::promises::{Door, basic, browser::Browser};
use crate::support::{Trial, assert_one_sentence, trial::PASSWORD};

#[test]
fn password_and_code_lead_to_the_tool_on_both_protocols() {
    let ground = Ground::new();
    for (protocol, code) in PROTOCOLS.into_iter().zip([ground.app.code(0), ground.recovery[0].clone()]) {
        let visitor = ground.visitor(protocol);
        let url = ground.trial.url("Tool");
        let sent = visitor.get(&format!("{url}/here?a=b"));
        assert_eq!(sent.status, 303);
        let query = sent.location().split_once('?').expect("a way").1.to_owned();
        let half = {
            let path = format!("/sign-in?{query}");
            assert_eq!(visitor.page(&path).status, 200);
            let way: Vec<(String, String)> = url_pairs(&query);
            let mut fields = vec![("username", "anna"), ("password", PASSWORD)];
            fields.extend(way.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let half = visitor.post("/sign-in", &fields);
            assert_eq!(half.status, 303, "{half:?}");
            assert!(half.location().starts_with("/second-factor?"), "{half:?}");
            half
        };
        assert!(visitor.session().is_none() && visitor.cookie(&half_cookie(&visitor.gate)).is_some());
        let page = visitor.page(half.location());
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("autocomplete=\"one-time-code\"") && !page.body.contains("anna"),
            "{page:?}"
        );
        let way = url_pairs(&query);
        let mut fields = vec![("code", code.as_str())];
        fields.extend(way.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let whole = visitor.post("/second-factor", &fields);
        assert_eq!(whole.status, 303, "{whole:?}");
        assert!(whole.location().starts_with(&format!("{url}/.drawbridge/enter?code=")), "{whole:?}");
        assert!(visitor.cookie(&half_cookie(&visitor.gate)).is_none(), "the half sign-in is over");
        let entered = visitor.get(whole.location());
        assert_eq!((entered.status, entered.location()), (303, format!("{url}/here?a=b").as_str()));
        let answer = visitor.get(entered.location());
        assert_eq!((answer.status, answer.body.as_str()), (200, "GET /here?a=b"));
        assert_eq!(visitor.page("/").status, 200);
    }
}

#[test]
fn wrong_and_unknown_are_answered_alike_also_beside_a_second_factor() {
    let ground = Ground::new();
    ground.trial.add_user("bert", PASSWORD);
    let plain = |answer: Answer, name: &str| {
        let head: Vec<String> = answer
            .head
            .lines()
            .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
            .map(str::to_owned)
            .collect();
        (answer.status, head, answer.body.replace(&format!("value=\"{name}\""), "NAME"))
    };
    for protocol in PROTOCOLS {
        let ask = |name: &str| {
            let answer = patiently(|| ground.visitor(protocol).password(name, "not the password"));
            plain(answer, name)
        };
        let (anna, bert, nobody) = (ask("anna"), ask("bert"), ask("cora"));
        assert_eq!(anna.0, 403);
        assert_eq!((&anna, &bert), (&nobody, &nobody));
    }
    // Over Basic too.
    let wrong = |name: &str| {
        let reply = ground.door().ask("GET /", &[&basic(name, "another wrong one")]).expect("an answer");
        let head: Vec<String> =
            reply.head.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
        (reply.status, head, reply.body)
    };
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(wrong("anna"), wrong("dora"));
}

#[test]
fn the_right_password_over_basic_is_refused_and_says_why() {
    let ground = Ground::new();
    let door = ground.door();
    let reply = door.ask("GET /", &[&basic("anna", PASSWORD)]).expect("an answer");
    assert_eq!(reply.status, 401, "{}", reply.head);
    assert_eq!(reply.field("content-type"), Some("application/problem+json"));
    assert!(reply.field("www-authenticate").is_some_and(|value| value.starts_with("Basic ")));
    let document: serde_json::Value = serde_json::from_str(&reply.body).expect("JSON");
    assert_eq!(document["type"], "urn:drawbridge:problem:token-needed");
    assert_eq!(document["status"], 401);
    assert!(document["detail"].as_str().is_some_and(|text| text.contains("token")), "{document}");
    let (status, body) = ground.trial.curl_as_anna(&["--http2", &ground.trial.url("Tool")]);
    assert_eq!((status, body.contains("token-needed")), (401, true));
    let page = door.ask("GET /", &[&basic("anna", PASSWORD), "accept: text/html"]).expect("an answer");
    assert!(page.status == 401 && page.body.contains("A token is needed"), "{page:?}");
    let socket = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    let credential = basic("anna", PASSWORD);
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let fields = [&[credential.as_str(), key][..], &socket].concat();
    assert_eq!(door.status("GET /socket", &fields), 401);
    // A wrong one is as wrong as ever, and makes the account wait.
    let wrong = door.ask("GET /", &[&basic("anna", "wrong")]).expect("an answer");
    assert!(wrong.status == 401 && wrong.body.contains("wrong-credential"), "{wrong:?}");
    assert_eq!(door.status("GET /", &[&basic("anna", "wrong again")]), 429);
    assert!(ground.tool.asked().is_empty(), "nothing reached the tool");
}

#[test]
fn wrong_codes_make_the_account_wait_and_the_fifth_ends_it() {
    let ground = Ground::new();
    let visitor = ground.visitor("--http2");
    assert_eq!(visitor.password("anna", PASSWORD).status, 303);
    for round in 1..=5 {
        let wrong = patiently(|| visitor.code("000000"));
        assert_eq!(wrong.status, 403, "{wrong:?}");
        let over = wrong.body.contains("Too many wrong codes");
        assert_eq!(over, round == 5, "round {round}: {}", wrong.body);
        assert_eq!(wrong.body.contains("name=\"password\""), over, "the last one leads back to the password");
        if round == 1 {
            let soon = visitor.code(&ground.app.code(0));
            assert_eq!(soon.status, 429, "right, but too soon");
            assert!(soon.body.contains("role=\"alert\"") && soon.body.contains("name=\"code\""), "{soon:?}");
            let elsewhere = ground.visitor("--http1.1").password("anna", "a wrong password");
            wait(&elsewhere);
        }
    }
    let late = visitor.code(&ground.app.code(0));
    assert!(late.status == 303 && late.location().starts_with("/sign-in?"), "{late:?}");
    // From here on the pauses are longer, also for another browser, and a right code is not even looked at.
    let other = ground.visitor("--http1.1");
    let again = patiently(|| other.password("anna", PASSWORD));
    assert_eq!(again.status, 303, "the password alone does not wait longer: {again:?}");
    let refused = other.code(&ground.app.code(1));
    let seconds: u64 = refused.field("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!(refused.status == 429 && (20..=30).contains(&seconds), "{refused:?}");
    assert_eq!(super::sessions(&ground.trial), 0);
    // A new password ends that, too.
    super::set_password(&ground.trial, "anna", "another good password");
    let other = ground.visitor("--http1.1");
    assert_eq!(patiently(|| other.password("anna", "another good password")).status, 303);
    assert_eq!(patiently(|| other.code(&ground.app.code(1))).status, 303);
    assert_eq!(super::sessions(&ground.trial), 1);
}

#[test]
fn from_the_internet_a_short_password_is_enough_with_a_second_factor_and_not_without() {
    let tool = crate::promises::tool::Tool::echoing();
    let trial = Trial::running();
    trial.add_user("anna", SHORT);
    trial.ok(&["tool", "add", "Tool", &tool.url()]);
    assert_one_sentence(&trial.refused(1, &["level", "Tool", "internet"]));
    let (app, recovery) = enrol(&trial, "anna");
    assert_eq!(user(&trial, "anna")["strong"], true);
    trial.ok(&["level", "Tool", "internet"]);
    trial.add_user("bert", SHORT);
    let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
    let reply = door.ask("GET /", &[&basic("anna", SHORT)]).expect("an answer");
    assert!(reply.status == 401 && reply.body.contains("token-needed"), "{reply:?}");
    let begun = Browser::begun(door);
    assert_eq!(begun.post(gate, "bert", SHORT).status, 403, "a short password alone");
    let half = begun.post(gate, "anna", SHORT);
    assert_eq!(half.status, 303, "{}", half.head);
    let half = half.cookie("-half-").expect("a half sign-in");
    let code = |code: &str| {
        let form = format!("code={code}&{}", begun.way);
        let fields = [
            format!("origin: {}", gate.origin()),
            format!("cookie: {half}"),
            format!("content-length: {}", form.len()),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        gate.exchange((gate.request("POST /second-factor", &fields) + &form).as_bytes()).expect("an answer")
    };
    let whole = code(&app.code(0));
    assert_eq!(whole.status, 303, "{}", whole.head);
    let enter =
        whole.field("location").expect("a way").strip_prefix(&door.origin()).expect("this door").to_owned();
    let entered = Browser { enter, ..begun.clone() }.enter(door).expect("an answer");
    let cookie = format!("cookie: {}", entered.cookie("drawbridge-").expect("the door's cookie"));
    assert_eq!(door.status("GET /in", &[&cookie]), 200);
    // Without its second factor the account is too weak for this level: what it opened is over.
    let home =
        format!("cookie: {}", whole.cookie(&session_cookie(&gate.origin())).expect("the gate's cookie"));
    assert_eq!(gate.status("GET /", &[&home]), 200);
    trial.ok(&["user", "totp", "anna", "remove"]);
    assert_eq!(user(&trial, "anna")["strong"], false);
    assert!(matches!(door.status("GET /in", &[&cookie]), 401 | 403));
    assert_eq!(gate.status("GET /", &[&home]), 303);
    assert_eq!(begun.post(gate, "anna", SHORT).status, 403);
    assert_eq!(recovery.len(), 10);
}

#[test]
fn no_cookie_somebody_planted_becomes_a_session() {
    let ground = Ground::new();
    let gate = ground.gate();
    let planted = "A".repeat(43);
    let names = [session_cookie(&gate.origin()), half_cookie(&gate.origin())];
    let cookie = format!("cookie: {}={planted}; {}={planted}", names[0], names[1]);
    let post = |path: &str, cookie: &str, form: &str| {
        let fields = [format!("origin: {}", gate.origin()), format!("content-length: {}", form.len())];
        let fields = [fields[0].as_str(), fields[1].as_str(), cookie];
        gate.exchange((gate.request(&format!("POST {path}"), &fields) + form).as_bytes()).expect("an answer")
    };
    let form = format!("username=anna&password={}", PASSWORD.replace(' ', "+"));
    let half = post("/sign-in", &cookie, &form);
    let half = half.cookie("-half-").expect("a half sign-in");
    assert!(!half.ends_with(&planted));
    let both = format!("cookie: {}={planted}; {half}", names[0]);
    let whole = post("/second-factor", &both, &format!("code={}", ground.app.code(0)));
    let session = whole.cookie(&names[0]).expect("a session");
    let value = |pair: &str| pair.split_once('=').expect("a pair").1.to_owned();
    assert!(value(&session) != planted && value(&session) != value(&half), "a new value");
    for (name, value) in
        [(&names[0], planted.as_str()), (&names[0], &value(&half)), (&names[1], &value(&half))]
    {
        assert_eq!(gate.status("GET /", &[&format!("cookie: {name}={value}")]), 303, "{name}={value}");
    }
    assert_eq!(gate.status("GET /", &[&format!("cookie: {session}")]), 200);
}

#[test]
fn a_visitor_who_is_signed_in_needs_no_code_again() {
    let ground = Ground::new();
    let visitor: Visitor = ground.visitor("--http2");
    visitor.sign_in("anna", PASSWORD, &ground.app.code(0));
    let again = visitor.page("/sign-in");
    assert_eq!((again.status, again.location()), (303, "/"));
    let page = visitor.page("/second-factor");
    assert!(page.status == 303 && page.location().starts_with("/sign-in?"), "{page:?}");
}
