//! What a restart, a power cut and a disk that saves nothing leave of passes.

use super::{Ground, asks_for_a_password, create, look, open, press};
use crate::{promises::browser::Browser, second_factor::PROTOCOLS};
use serde_json::Value;
use std::{thread, time::Duration};

#[test]
fn a_restart_and_a_power_cut_keep_who_has_a_pass_and_what_was_revoked() {
    let mut ground = Ground::new("lan");
    let [bound, waiting, revoked] =
        [(); 3].map(|()| create(&ground.trial, &["Tool", "--label", "kept", "--read-only"]));
    let (door, gate) = (ground.door(), ground.gate());
    let guest = Browser::guest(door, gate, &bound.code);
    let other = Browser::guest(door, gate, &revoked.code);
    ground.trial.ok(&["pass", "revoke", &revoked.id]);
    let list = |ground: &Ground| {
        let mut passes = ground.trial.json(&["pass", "list"]);
        for pass in passes.as_array_mut().expect("a list") {
            if let Some(device) = pass["device"].as_object_mut() {
                device.remove("last_seen");
            }
        }
        passes
    };
    let before = list(&ground);
    for cut in [false, true] {
        if cut {
            ground.trial.kill();
        } else {
            ground.trial.stop();
        }
        ground.trial.serve();
        assert_eq!(list(&ground), before, "{cut}");
        assert_eq!(door.status("GET /", &[&guest.cookie()]), 200, "{cut}");
        let origin = format!("origin: {}", door.origin());
        assert_eq!(door.status("POST /", &[&guest.cookie(), &origin, "content-length: 0"]), 403, "{cut}");
        assert_eq!(door.status("GET /", &[&other.cookie()]), 401, "{cut}");
        let stranger = ground.visitor("--http2");
        for gone in [&bound, &revoked] {
            assert_eq!(look(&stranger, &gone.code).status, 403, "{cut}");
        }
        assert_eq!(look(&stranger, &waiting.code).status, 200, "{cut}");
    }
    assert_eq!(open(&ground.visitor("--http1.1"), &waiting.code).status, 303);
}

#[test]
fn a_power_cut_while_somebody_presses_leaves_the_pass_theirs_or_nobodys() {
    let mut ground = Ground::new("lan");
    for round in 0..8_u64 {
        let protocol = PROTOCOLS[usize::from(round % 2 == 0)];
        let (link, guest) = (create(&ground.trial, &["Tool"]), ground.visitor(protocol));
        assert_eq!(look(&guest, &link.code).status, 200);
        let told = thread::scope(|scope| {
            let pressing = scope.spawn(|| press(&guest, &link.code).status);
            // curl takes some 20 ms to begin.
            thread::sleep(Duration::from_millis(10 + round * 6));
            ground.trial.kill();
            pressing.join().ok()
        });
        ground.trial.serve();
        let bound = !ground.pass()["device"].is_null();
        assert!(told != Some(303) || bound, "round {round}: who was told so has it");
        let stranger = ground.visitor(protocol);
        assert_eq!(look(&stranger, &link.code).status, if bound { 403 } else { 200 });
        // Told or not, the browser that pressed has its mark and goes on.
        assert_eq!(press(&guest, &link.code).status, 303, "round {round}");
        assert_eq!(ground.go(&guest, "Tool").body, "GET /");
        assert_eq!(press(&stranger, &link.code).status, 403);
        ground.trial.ok(&["pass", "revoke", &link.id]);
    }
}

#[test]
fn what_cannot_be_saved_binds_nothing_and_opens_nothing() {
    let mut ground = Ground::new("lan");
    let link = create(&ground.trial, &["Tool"]);
    let guest = ground.visitor("--http2");
    look(&guest, &link.code);
    let refuse = |column: &str| {
        format!("CREATE TRIGGER no BEFORE UPDATE OF {column} ON pass BEGIN SELECT RAISE(ABORT, 'no'); END")
    };
    ground.sql(&refuse("device"));
    assert_eq!(press(&guest, &link.code).status, 500);
    assert_eq!(ground.pass()["device"], Value::Null);
    assert!(asks_for_a_password(&ground.go(&guest, "Tool")));
    ground.trial.kill();
    ground.trial.serve();
    assert_eq!(ground.pass()["device"], Value::Null, "after a power cut");
    ground.sql("DROP TRIGGER no");
    assert_eq!(press(&guest, &link.code).status, 303);
    ground.sql(&refuse("door"));
    assert_eq!(ground.go(&guest, "Tool").status, 500);
    ground.sql("DROP TRIGGER no");
    assert!(ground.tool.asked().is_empty());
    assert_eq!(ground.go(&guest, "Tool").body, "GET /");

    // What is revoked is over, also where that cannot be saved; the owner is told.
    ground.sql("CREATE TRIGGER no BEFORE DELETE ON pass BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert!(ground.trial.refused(1, &["pass", "revoke", &link.id]).contains("in force"));
    assert!(asks_for_a_password(&ground.go(&guest, "Tool")));
    assert_eq!(look(&guest, &link.code).status, 403);
    ground.sql("CREATE TRIGGER none BEFORE INSERT ON pass BEGIN SELECT RAISE(ABORT, 'no'); END");
    ground.trial.refused(1, &["pass", "create", "Tool"]);
    assert_eq!(ground.trial.json(&["pass", "list"]), serde_json::json!([]));
}
