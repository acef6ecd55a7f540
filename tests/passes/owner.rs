//! What the owner makes, sees, revokes, and is refused.

use super::{Ground, create};
use crate::support::{Trial, assert_one_sentence};
use serde_json::json;

#[test]
fn the_link_stands_alone_on_the_first_line_at_the_farthest_gate_of_its_tool() {
    let ground = Ground::new("internet");
    ground.trial.ok(&["level", "Other", "lan"]);
    let output = ground.trial.run(&["pass", "create", "Tool", "--qr", "--label", "aunt"]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let first = printed.lines().next().expect("a line");
    assert!(first.starts_with(&format!("{}/pass?code=", ground.trial.gate())), "{first}");
    assert!(printed.lines().count() > 20, "a QR code: {printed}");
    assert!(said.contains("Tool") && said.contains("first device") && !said.contains("code="), "{said}");
    let listed = ground.trial.ok(&["pass", "list"]);
    let shown = ["aunt", "Tool", "not opened yet", "you"].iter().all(|word| listed.contains(word));
    assert!(shown && !listed.contains("code="), "{listed}");
    let near = ground.trial.json(&["pass", "create", "Other"]);
    let gates = ground.trial.json(&["url"]);
    let url = near["url"].as_str().expect("a link");
    assert!(url.starts_with(gates["others"][0].as_str().expect("the gate of the local network")), "{url}");
}

#[test]
fn what_is_closed_unknown_or_out_of_range_is_refused() {
    let ground = Ground::new("lan");
    let trial = &ground.trial;
    trial.ok(&["tool", "add", "Closed", &ground.tool.url()]);
    let long = "x".repeat(65);
    let refused = [
        (&["None"][..], "no tool"),
        (&["Closed"], "drawbridge level"),
        (&["Tool", "--for", "59s"], "7 days"),
        (&["Tool", "--for", "169h"], "7 days"),
        (&["Tool", "--label", &long], "64 letters"),
        (&["Tool", "--label", "a\nb"], "control characters"),
    ];
    for (arguments, why) in refused {
        let said = trial.refused(1, &[&["pass", "create"], arguments].concat());
        assert_one_sentence(&said);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    trial.refused(2, &["pass", "create", "Tool", "--for", "0s"]);
    assert!(trial.refused(1, &["pass", "revoke", "none"]).contains("drawbridge pass list"));
    assert_eq!(trial.json(&["pass", "list"]), json!([]));
    for time in ["60s", "168h"] {
        create(trial, &["Tool", "--for", time]);
    }
    assert_eq!(trial.json(&["pass", "list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn without_an_open_door_there_is_no_pass() {
    let trial = Trial::running();
    trial.ok(&["tool", "add", "Tool", "http://127.0.0.1:9"]);
    assert_one_sentence(&trial.refused(1, &["pass", "create", "Tool"]));
    assert_eq!(trial.json(&["pass", "list"]), json!([]));
}
