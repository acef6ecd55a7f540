//! A network of the test's own: the address goes, comes back, and who may knock.

use crate::support::{Enclosure, Recorder, eventually_within, trial::PASSWORD};
use std::{process::Command, time::Duration};

/// The engine's address in these networks.
const OURS: &str = "10.77.1.5";

fn sharing(enclosure: &mut Enclosure, tool: &Recorder) {
    enclosure.serve(OURS);
    enclosure.add_user("anna", PASSWORD);
    enclosure.ok(&["tool", "add", "Tool", &tool.url()]);
    enclosure.ok(&["level", "Tool", "lan"]);
}

#[test]
fn a_door_closes_when_its_address_goes_and_stays_closed_when_it_comes_back() {
    let tool = Recorder::start();
    let mut enclosure = Enclosure::new();
    enclosure.sh(&format!("ip addr add {OURS}/24 dev lo"));
    sharing(&mut enclosure, &tool);
    assert_eq!(enclosure.listeners(), 2, "gate and tool");
    enclosure.sh(&format!("ip addr del {OURS}/24 dev lo"));
    eventually_within(Duration::from_secs(6), "the door closes", || enclosure.listeners() == 0);
    let status = enclosure.json(&["status"]);
    assert_eq!(
        (&status["tools"][0]["level"], &status["tools"][0]["wanted"]),
        (&"local".into(), &"local".into())
    );
    let problem = status["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|problem| problem["what"].as_str().is_some_and(|what| what.contains("Tool was closed")));
    assert!(
        problem.expect("it is said")["why"].as_str().is_some_and(|why| why.contains("network")),
        "{status}"
    );
    let said = enclosure.refused(&["level", "Tool", "lan"]);
    assert!(said.contains("not an address of this computer"), "{said}");
    enclosure.sh(&format!("ip addr add {OURS}/24 dev lo"));
    // The engine has seen the address again once raising is possible; until then nothing opens by itself.
    enclosure.ok(&["tool", "add", "Other", &tool.url()]);
    eventually_within(Duration::from_secs(6), "another tool can be opened", || {
        enclosure.run(&["level", "Other", "lan"]).status.success()
    });
    assert_eq!(
        enclosure.json(&["tool", "list"])[0]["level"],
        "local",
        "closed until the owner says otherwise"
    );
    enclosure.kill();
    enclosure.serve(OURS);
    assert_eq!(enclosure.json(&["tool", "list"])[0]["level"], "local", "after a restart too");
}

#[test]
fn a_start_without_the_address_opens_nothing_and_says_why() {
    let tool = Recorder::start();
    let mut enclosure = Enclosure::new();
    enclosure.sh(&format!("ip addr add {OURS}/24 dev lo"));
    sharing(&mut enclosure, &tool);
    enclosure.kill();
    enclosure.sh(&format!("ip addr del {OURS}/24 dev lo"));
    enclosure.serve(OURS);
    assert_eq!(enclosure.listeners(), 0);
    let status = enclosure.json(&["status"]);
    assert_eq!(status["headline"], "trouble");
    assert!(status["problems"].to_string().contains(OURS), "{status}");
}

#[test]
fn the_same_address_in_another_network_opens_nothing() {
    let tool = Recorder::start();
    let mut enclosure = Enclosure::new();
    enclosure.sh(&format!("ip addr add {OURS}/24 dev lo"));
    sharing(&mut enclosure, &tool);
    enclosure.kill();
    enclosure.sh(&format!("ip addr del {OURS}/24 dev lo; ip addr add {OURS}/16 dev lo"));
    enclosure.serve(OURS);
    assert_eq!(enclosure.listeners(), 0, "it was switched on for another network");
}

#[test]
fn only_peers_of_the_network_itself_get_as_far_as_tls() {
    let tool = Recorder::start();
    let mut home = Enclosure::new();
    let mut guest = Enclosure::new();
    let there = guest.holder();
    home.sh("ip link add h0 type veth peer name g0");
    home.sh(&format!("ip link set g0 netns {there}"));
    home.sh(&format!("ip addr add {OURS}/24 dev h0 && ip link set h0 up"));
    guest.sh("ip addr add 10.77.1.9/24 dev g0 && ip addr add 10.77.1.1/24 dev g0 && ip link set g0 up");
    guest.sh("ip addr add 192.0.2.9/32 dev lo && ip addr add 10.77.2.9/32 dev lo");
    home.sh("ip route add default via 10.77.1.1");
    sharing(&mut home, &tool);
    let url = home.ok(&["url", "Tool"]).lines().next().expect("a URL").to_owned();
    let knock = |from: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--noproxy", "*", "--max-time", "5", "--interface", from]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code} %{time_appconnect}", &url]);
        let output = guest.inside(&curl).output().expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(knock("10.77.1.9").starts_with("401 "), "a guest is asked who they are");
    for stranger in ["10.77.1.1", "192.0.2.9", "10.77.2.9"] {
        assert_eq!(knock(stranger), "000 0.000000", "{stranger} gets no handshake");
    }
    assert!(knock("10.77.1.9").starts_with("401 "), "the others did no harm");
    assert_eq!(tool.all(), "");
}
