//! The tool the field uses for slow attacks, against our door: slow heads, slow bodies, slow reading. Long form only; the
//! short form of the same attacks is in `http1.rs`, without a part to install.

use super::field::{Attack, Field, alone};
use crate::support::kernel;
use std::{
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    time::Duration,
};

const ATTACKS: [(&str, Attack); 3] = [
    ("slowhttptest, slow heads", |field, source, goes_on| run(field, source, goes_on, "-H")),
    ("slowhttptest, slow bodies", |field, source, goes_on| run(field, source, goes_on, "-B")),
    ("slowhttptest, slow reading", |field, source, goes_on| run(field, source, goes_on, "-X")),
];

/// What a visitor may wait under it, one request in a hundred aside.
const P99: Duration = Duration::from_secs(2);

/// Goes through the three.
pub(super) fn withstands() {
    let _alone = alone();
    let field = Field::new();
    let before = field.quiet();
    for (what, attack) in ATTACKS {
        let p99 = field.under(attack, || field.visits(what));
        assert!(p99 < P99, "{what}: one request in a hundred took more than {p99:?}");
        field.is_as_before(before, what);
    }
}

/// A thousand connections, 200 more each second, with an account's cookie so that they reach the tool. They all come from
/// one address, so one of the attackers is enough.
fn run(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool, mode: &str) {
    if source.octets()[3] != 1 {
        return;
    }
    let mut most = 0;
    while goes_on() {
        // It ends by itself when all of its connections were ended.
        let mut attack = start(field, mode);
        while goes_on() && attack.try_wait().expect("a child").is_none() {
            most = most.max(kernel::connections_at(field.trial.pid(), field.door.address.ip()));
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = attack.kill();
        let _ = attack.wait();
    }
    eprintln!("slowhttptest {mode} held {most} connections");
    assert!(most > 50, "slowhttptest {mode} held {most} connections only");
}

fn start(field: &Field, mode: &str) -> Child {
    let url = format!("{}/page", field.door.origin());
    // It has no option for a field of one's own.
    let accept = format!("*/*\r\norigin: {}", field.door.origin());
    let cookie = field.cookie.trim_start_matches("cookie: ");
    Command::new("slowhttptest")
        .args([mode, "-c", "1000", "-r", "200", "-i", "1", "-l", "60", "-p", "2", "-s", "100000"])
        .args(["-k", "5", "-w", "1", "-y", "2", "-u", &url, "-j", cookie, "-m", &accept])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slowhttptest runs")
}
