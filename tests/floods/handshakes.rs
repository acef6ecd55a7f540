//! Floods below HTTP: connections that say nothing, handshakes that stop half-way, handshakes without end.

use super::{
    connections,
    field::{Attack, Field, hold},
};
use crate::support::raw;
use std::{
    io::Write,
    net::{Ipv4Addr, TcpStream},
};

/// In the order they are tried.
pub(super) const ATTACKS: &[(&str, Attack)] = &[
    ("silent connections", silent),
    ("half handshakes", half_handshakes),
    ("idle connections after their handshake", idle),
    ("handshakes without end", handshakes),
];

fn silent(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    hold(connections(), goes_on, || raw::reach_from(source, field.door.address).ok(), |_| true);
}

fn half_handshakes(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let mut hello = Vec::new();
    let mut client = raw::greeting(&field.door.address.ip().to_string(), &["h2"]).expect("a client");
    client.write_tls(&mut hello).expect("memory");
    let half = &hello[..hello.len() / 2];
    let open = || {
        let mut stream = raw::reach_from(source, field.door.address).ok()?;
        stream.write_all(half).ok().map(|()| stream)
    };
    // A byte more now and then, as if the rest were on its way.
    hold(connections(), goes_on, open, |stream: &mut TcpStream| stream.write_all(&[0]).is_ok());
}

fn idle(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let open = |protocol| raw::connect_from(source, field.door.address, &[protocol]).ok();
    hold(connections(), goes_on, || Some((open("h2")?, open("http/1.1")?)), |_| true);
}

fn handshakes(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    while goes_on() {
        drop(raw::connect_from(source, field.door.address, &["h2"]));
    }
}
