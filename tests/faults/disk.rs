//! A full disk and a home that cannot be written: raising is refused and changes nothing, lowering closes at once all
//! the same, and the sentence says what is true.

use crate::support::{Enclosure, Recorder, trial::PASSWORD};
use serde_json::json;

const LAN: &str = "127.0.0.1";

/// An engine whose home is a small disk of its own; `A` is at lan, `B` at local.
fn on_a_small_disk(tool: &Recorder) -> Enclosure {
    let mut enclosure = Enclosure::new();
    let home = enclosure.trial.home().display().to_string();
    enclosure.sh(&format!("mkdir -p {home}; mount -t tmpfs -o size=8m,mode=700 tmpfs {home}"));
    enclosure.serve(LAN);
    enclosure.add_user("anna", PASSWORD);
    for name in ["A", "B"] {
        enclosure.ok(&["tool", "add", name, &tool.url()]);
    }
    enclosure.ok(&["level", "A", "lan"]);
    enclosure
}

impl Enclosure {
    fn fill(&mut self) {
        let home = self.trial.home().display().to_string();
        self.sh(&format!("dd if=/dev/zero of={home}/fill bs=1024 || test -s {home}/fill"));
    }

    fn free(&mut self) {
        let home = self.trial.home().display().to_string();
        self.sh(&format!("rm {home}/fill"));
    }

    fn remount(&mut self, how: &str) {
        let home = self.trial.home().display().to_string();
        self.sh(&format!("mount -o remount,{how} {home}"));
    }

    /// Name and level of every tool.
    fn levels(&self) -> serde_json::Value {
        let tools = self.json(&["tool", "list"]);
        tools.as_array().into_iter().flatten().map(|tool| json!([tool["name"], tool["level"]])).collect()
    }
}

#[test]
fn on_a_full_disk_raising_is_refused_and_changes_nothing() {
    let tool = Recorder::start();
    let mut enclosure = on_a_small_disk(&tool);
    let before = (enclosure.json(&["tool", "list"]), enclosure.json(&["user", "list"]));
    let open = enclosure.listeners();
    enclosure.fill();
    for refused in [
        &["level", "B", "lan"][..],
        &["level", "A", "internet"],
        &["level", "B", "internet"],
        &["tool", "add", "C", "1"],
        &["settings", "set", "lan.names", "box.lan"],
    ] {
        let said = enclosure.refused(refused);
        assert!(said.contains("saved") && said.contains("disk"), "{refused:?}: {said}");
        assert_eq!(
            (enclosure.json(&["tool", "list"]), enclosure.json(&["user", "list"])),
            before,
            "{refused:?}"
        );
        assert_eq!(enclosure.listeners(), open, "{refused:?}");
    }
    enclosure.kill();
    enclosure.free();
    enclosure.serve(LAN);
    assert_eq!(
        (enclosure.json(&["tool", "list"]), enclosure.json(&["user", "list"])),
        before,
        "after a restart"
    );
    enclosure.ok(&["level", "B", "lan"]);
}

#[test]
fn on_a_full_disk_closing_closes_at_once_and_for_good() {
    for close in [&["close"][..], &["level", "A", "local"]] {
        let tool = Recorder::start();
        let mut enclosure = on_a_small_disk(&tool);
        enclosure.fill();
        let said = enclosure.refused(close);
        assert!(said.contains("closed"), "it says what is true: {said}");
        assert_eq!(enclosure.listeners(), 0, "closed when the answer came");
        assert_eq!(enclosure.levels(), json!([["A", "local"], ["B", "local"]]));
        enclosure.kill();
        if let Err(said) = enclosure.try_serve(LAN) {
            crate::support::assert_one_sentence(&said);
        } else {
            assert_eq!(enclosure.listeners(), 0, "still closed after a start on a full disk");
        }
        enclosure.kill();
        enclosure.free();
        enclosure.serve(LAN);
        assert_eq!(enclosure.levels(), json!([["A", "local"], ["B", "local"]]), "closed for good");
        assert_eq!(enclosure.listeners(), 0);
    }
}

#[test]
fn on_a_full_disk_a_step_down_from_the_internet_keeps_the_lan_only() {
    let tool = Recorder::start();
    let mut enclosure = on_a_small_disk(&tool);
    enclosure.ok(&["level", "A", "internet"]);
    let open = enclosure.listeners();
    enclosure.fill();
    let said = enclosure.refused(&["level", "A", "lan"]);
    assert!(said.contains("closed"), "it says what is true: {said}");
    assert_eq!(enclosure.listeners() * 2, open, "gate and tool at lan are left");
    enclosure.kill();
    enclosure.free();
    enclosure.serve(LAN);
    assert_eq!(enclosure.levels(), json!([["A", "lan"], ["B", "local"]]));
    assert_eq!(enclosure.listeners() * 2, open);
}

#[test]
fn on_a_full_disk_a_timer_closes_too_and_a_removed_user_is_out() {
    let tool = Recorder::start();
    let mut enclosure = on_a_small_disk(&tool);
    enclosure.ok(&["level", "B", "lan", "--for", "2s"]);
    enclosure.fill();
    crate::support::eventually("B closes by itself", || {
        enclosure.levels() == json!([["A", "lan"], ["B", "local"]])
    });
    let output = enclosure.run(&["user", "remove", "anna"]);
    assert_eq!(enclosure.json(&["user", "list"]), json!([]), "out at once, saved or not");
    let saved = output.status.success();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(saved || said.contains("a restart would undo it"), "what was answered is true: {said}");
    enclosure.kill();
    enclosure.free();
    enclosure.serve(LAN);
    assert_eq!(enclosure.json(&["user", "list"]) == json!([]), saved, "and stays true");
    assert_eq!(enclosure.levels(), json!([["A", "lan"], ["B", "local"]]));
}

#[test]
fn with_a_home_that_turned_read_only_raising_is_refused_and_closing_closes() {
    let tool = Recorder::start();
    let mut enclosure = on_a_small_disk(&tool);
    // A disk that went bad is read-only for open files too; here they are written by nobody meanwhile.
    let home = enclosure.trial.home().display().to_string();
    enclosure.sh(&format!("mount --bind {home} {home}"));
    enclosure.sh(&format!("mount -o remount,ro,bind {home}"));
    let before = enclosure.levels();
    enclosure.refused(&["level", "B", "lan"]);
    assert_eq!(enclosure.levels(), before);
    let said = enclosure.refused(&["close"]);
    assert!(said.contains("closed"), "it says what is true: {said}");
    assert_eq!(enclosure.listeners(), 0, "closed when the answer came");
}

#[test]
fn an_engine_does_not_start_on_a_read_only_home_and_says_why() {
    let tool = Recorder::start();
    let mut enclosure = on_a_small_disk(&tool);
    enclosure.kill();
    enclosure.remount("ro");
    let said = enclosure.try_serve(LAN).expect_err("it cannot start");
    crate::support::assert_one_sentence(&said);
    assert!(said.contains("home folder"), "{said}");
    enclosure.remount("rw");
    enclosure.serve(LAN);
    assert_eq!(enclosure.levels(), json!([["A", "lan"], ["B", "local"]]), "nothing was lost");
}
