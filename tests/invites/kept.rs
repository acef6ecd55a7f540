//! What a restart and a power cut leave of invites: one outcome, whole.

use super::{CHOSEN, Ground, accept, look};
use crate::second_factor::PROTOCOLS;
use std::{process::Command, thread, time::Duration};

/// Runs SQL on the database of a running engine.
fn sql(ground: &Ground, statement: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
    let database = ground.trial.home().join("drawbridge.db");
    let done = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status();
    assert!(done.expect("python3 runs").success(), "{statement}");
}

#[test]
fn an_open_invite_outlives_a_restart_and_a_used_one_does_not_come_back() {
    let mut ground = Ground::new("lan");
    let (open, used) = (ground.invite(&["ben", "--tools", "Tool"]), ground.invite(&["cora"]));
    let revoked = ground.invite(&["dora"]);
    assert_eq!(accept(&ground.visitor("--http2"), &used.code, CHOSEN).status, 303);
    ground.trial.ok(&["user", "uninvite", &revoked.id]);
    let before = ground.open();
    ground.trial.stop();
    ground.trial.serve();
    assert_eq!(ground.open(), before);
    let visitor = ground.visitor("--http1.1");
    for gone in [&used, &revoked] {
        assert_eq!(look(&visitor, &gone.code).status, 403);
    }
    assert_eq!(accept(&visitor, &open.code, CHOSEN).status, 303);
}

#[test]
fn a_power_cut_while_somebody_accepts_leaves_the_account_or_the_invite() {
    let mut outcomes = [0, 0];
    let mut ground = Ground::new("lan");
    for round in 0..10_u64 {
        let name = format!("ben{round}");
        let link = ground.invite(&[&name]);
        let protocol = PROTOCOLS[usize::from(round % 2 == 0)];
        let (visitor, code) = (ground.visitor(protocol), link.code.clone());
        let accepting = thread::spawn(move || accept(&visitor, &code, CHOSEN).status);
        // Hashing takes some 200 ms; before, during and after it.
        thread::sleep(Duration::from_millis(round * 60));
        ground.trial.kill();
        let told = accepting.join().ok();
        ground.trial.serve();
        let is_there = ground.names().contains(&name);
        let is_open = ground.open().iter().any(|invite| invite["name"] == name.as_str());
        assert_ne!(is_there, is_open, "{name}: one of both");
        assert!(told != Some(303) || is_there, "who was told so has the account");
        let again = accept(&ground.visitor(protocol), &link.code, CHOSEN).status;
        assert_eq!(again, if is_there { 403 } else { 303 });
        assert_eq!(ground.visitor(protocol).password(&name, CHOSEN).status, 303);
        outcomes[usize::from(is_there)] += 1;
    }
    assert!(outcomes.iter().all(|count| *count > 0), "both were seen: {outcomes:?}");
}

#[test]
fn what_cannot_be_saved_makes_nobody_and_uses_nothing_up() {
    let mut ground = Ground::new("lan");
    let link = ground.invite(&["ben"]);
    let visitor = ground.visitor("--http2");
    for act in ["INSERT ON user", "DELETE ON invite"] {
        sql(&ground, &format!("CREATE TRIGGER no BEFORE {act} BEGIN SELECT RAISE(ABORT, 'no'); END"));
        assert_eq!(accept(&visitor, &link.code, CHOSEN).status, 500, "{act}");
        sql(&ground, "DROP TRIGGER no");
        assert_eq!((visitor.session(), ground.names().len(), ground.open().len()), (None, 1, 1), "{act}");
        ground.trial.kill();
        ground.trial.serve();
        assert_eq!((ground.names().len(), ground.open().len()), (1, 1), "{act}, after a power cut");
    }
    assert_eq!(accept(&visitor, &link.code, CHOSEN).status, 303);
}
