//! Passes people make for their own guests, at the gate.

use super::{Ground, asks_for_a_password, make_at_gate, open};
use crate::{promises::browser::Browser, second_factor::PROTOCOLS, support::trial::PASSWORD};
use serde_json::json;

#[test]
fn people_make_list_and_revoke_passes_for_the_tools_they_may_use() {
    for protocol in PROTOCOLS {
        let ground = Ground::new("lan");
        ground.trial.add_user("ben", PASSWORD);
        ground.trial.ok(&["user", "set", "ben", "--tools", "Tool"]);
        let ben = ground.visitor(protocol);
        assert_eq!(ben.password("ben", PASSWORD).status, 303);
        assert!(ben.page("/account").body.contains("Passes for guests"));
        let form = ben.page("/account/pass").body;
        assert!(form.contains(">Tool</option>") && !form.contains(">Other</option>"), "{form}");
        let wish = [("tool", "tool"), ("hours", "12"), ("name", "<b>aunt</b>"), ("read_only", "1")];
        let made = ben.post("/account/pass", &wish);
        assert_eq!((made.status, made.body.contains("<svg class=\"qr\"")), (200, true), "{made:?}");
        let code = &made.body.split_once("/pass?code=").expect("a link").1[..43];
        let pass = ground.pass();
        assert_eq!((&pass["maker"], &pass["read_only"]), (&json!("ben"), &json!(true)));
        assert_eq!(pass["expires"].as_u64().unwrap() - pass["created"].as_u64().unwrap(), 12 * 3600);
        let list = ben.page("/account").body;
        assert!(list.contains("&lt;b&gt;aunt") || list.contains("&#60;b&#62;aunt"), "{list}");
        assert!(list.contains("not opened yet") && !list.contains(code), "{list}");

        let guest = ground.visitor(protocol);
        assert_eq!(open(&guest, code).status, 303);
        assert_eq!(ground.go(&guest, "Tool").body, "GET /");
        let list = ben.page("/account").body;
        assert!(list.contains("curl") && list.contains("last used"), "{list}");

        let id = pass["id"].as_str().unwrap();
        let anna = ground.visitor(protocol);
        assert_eq!(anna.password("anna", PASSWORD).status, 303);
        assert!(!anna.page("/account").body.contains("aunt"), "nobody else's");
        assert_eq!(anna.post("/account/pass/revoke", &[("pass", id)]).status, 303);
        assert_eq!(ground.go(&guest, "Tool").body, "GET /", "only the maker revokes it here");
        let revoked = ben.post("/account/pass/revoke", &[("pass", id)]);
        assert_eq!((revoked.status, revoked.location()), (303, "/account?revoked"));
        assert!(ben.page("/account?revoked").body.contains("The pass is over."));
        assert!(asks_for_a_password(&ground.go(&guest, "Tool")));
    }
}

#[test]
fn nobody_hands_out_what_they_do_not_have_nor_without_end() {
    let ground = Ground::new("lan");
    ground.trial.add_user("ben", PASSWORD);
    ground.trial.ok(&["user", "set", "ben", "--tools", "Tool"]);
    let ben = ground.visitor("--http2");
    assert_eq!(ben.password("ben", PASSWORD).status, 303);
    let (long, hours) = ("x".repeat(65), "4");
    for (tool, hours, name) in [
        ("other", hours, ""),
        ("none", hours, ""),
        ("", hours, ""),
        ("tool", "5000", ""),
        ("tool", "", ""),
        ("tool", hours, &long),
    ] {
        let answer = ben.post("/account/pass", &[("tool", tool), ("hours", hours), ("name", name)]);
        assert_eq!((answer.status, answer.body.contains("role=\"alert\"")), (400, true), "{tool} {hours}");
    }
    let stranger = ground.visitor("--http2");
    assert_eq!(stranger.post("/account/pass", &[("tool", "tool"), ("hours", "4")]).location(), "/sign-in");
    ground.trial.ok(&["level", "Tool", "local"]);
    assert_eq!(ben.post("/account/pass", &[("tool", "tool"), ("hours", "4")]).status, 400, "it is closed");
    ground.trial.ok(&["level", "Tool", "lan"]);
    assert_eq!(ground.trial.json(&["pass", "list"]), json!([]));

    let (door, gate) = (ground.door(), ground.gate());
    let cookie = Browser::signed_in_as("ben", door, gate).gate;
    for _ in 0..20 {
        make_at_gate(gate, &cookie, "tool");
    }
    let full = ben.post("/account/pass", &[("tool", "tool"), ("hours", "4")]);
    assert_eq!((full.status, full.body.contains("too many")), (400, true), "{full:?}");
    assert_eq!(ground.trial.json(&["pass", "list"]).as_array().map(Vec::len), Some(20));
}
