//! What the owner makes, sees, revokes, and is refused.

use super::{CHOSEN, Ground, accept, look};
use crate::support::{Trial, assert_one_sentence};
use serde_json::json;

#[test]
fn the_link_stands_alone_on_the_first_line_at_the_farthest_gate() {
    let ground = Ground::new("internet");
    let output = ground.trial.run(&["user", "invite", "ben", "--qr"]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let first = printed.lines().next().expect("a line");
    assert!(first.starts_with(&format!("{}/invite?code=", ground.trial.gate())), "{first}");
    assert!(printed.lines().count() > 20, "a QR code: {printed}");
    assert!(said.contains("ben") && !said.contains("code="), "{said}");
    let listed = ground.trial.ok(&["user", "invites"]);
    assert!(listed.contains("ben") && !listed.contains("code="), "{listed}");
}

#[test]
fn names_that_are_taken_and_times_out_of_range_are_refused() {
    let ground = Ground::new("lan");
    let trial = &ground.trial;
    trial.ok(&["user", "invite", "ben", "--for", "30d"]);
    let refused = [
        (&["anna"][..], "already a user"),
        (&["ANNA"], "already a user"),
        (&["Ben"], "drawbridge user uninvite"),
        (&["cora", "--for", "721h"], "30 days"),
        (&["a/b"], "slash"),
        (&["cora", "--tools", "None"], "no tool"),
    ];
    for (arguments, why) in refused {
        let said = trial.refused(1, &[&["user", "invite"], arguments].concat());
        assert_one_sentence(&said);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    trial.refused(2, &["user", "invite", "cora", "--for", "0s"]);
    assert_one_sentence(&trial.refused(1, &["user", "uninvite", "none"]));
    assert_eq!(ground.open().len(), 1);
}

#[test]
fn without_an_open_gate_there_is_no_invite() {
    let trial = Trial::running();
    let said = trial.refused(1, &["user", "invite", "ben"]);
    assert_one_sentence(&said);
    assert!(said.contains("the gate is closed"), "{said}");
    assert_eq!(trial.json(&["user", "invites"]), json!([]));
}

#[test]
fn a_name_that_got_an_account_meanwhile_voids_the_invite_for_good() {
    let ground = Ground::new("lan");
    let (first, second) = (ground.invite(&["ben"]), ground.invite(&["cora"]));
    ground.trial.add_user("BEN", "another horse battery");
    let import =
        ground.trial.with_input(&["user", "import", "-"], "Cora:$apr1$Zx81kq.A$ASH1/EqGQiomQha/lLCLp1");
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    let visitor = ground.visitor("--http2");
    for link in [&first, &second] {
        assert_eq!(look(&visitor, &link.code).status, 403);
        assert_eq!(accept(&visitor, &link.code, CHOSEN).status, 403);
    }
    ground.trial.ok(&["user", "remove", "BEN"]);
    assert_eq!(accept(&visitor, &first.code, CHOSEN).status, 403, "an old link makes nobody anew");
    assert!(ground.open().is_empty());
    assert_eq!(ground.names(), ["anna", "Cora"]);
}

#[test]
fn a_tool_that_went_is_not_promised_to_whoever_comes_after() {
    let ground = Ground::new("lan");
    let link = ground.invite(&["ben", "--tools", "Tool,Other"]);
    let target = ground.trial.json(&["tool", "list"])[1]["target"].as_str().unwrap().to_owned();
    ground.trial.ok(&["tool", "remove", "Other"]);
    ground.trial.ok(&["tool", "add", "Other", &target]);
    assert_eq!(ground.open()[0]["tools"], json!(["Tool"]), "another tool of the same name");
    assert_eq!(accept(&ground.visitor("--http2"), &link.code, CHOSEN).status, 303);
    assert_eq!(ground.trial.json(&["user", "list"])[1]["tools"], json!(["Tool"]));
}
