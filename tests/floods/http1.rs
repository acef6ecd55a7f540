//! Floods over HTTP/1.1: heads and bodies that never end, too many fields, too many cookies, uploads broken off.

use super::{
    connections,
    field::{Attack, Field, hold},
};
use crate::support::raw::{self, Tls};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr},
};

/// In the order they are tried.
pub(super) const ATTACKS: &[(&str, Attack)] = &[
    ("slow heads", slow_heads),
    ("slow forms", slow_forms),
    ("slow uploads", slow_uploads),
    ("too many fields", too_many_fields),
    ("cookies", cookies),
    ("uploads broken off", uploads_broken_off),
];

fn slow_heads(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let begin = format!("GET / HTTP/1.1\r\nhost: {}\r\n", field.door.authority());
    hold(
        connections(),
        goes_on,
        || begun(source, field.door.address, &begin),
        |tls| say(tls, b"x-slow: 1\r\n"),
    );
}

fn slow_forms(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let (origin, length) = (format!("origin: {}", field.gate.origin()), "content-length: 8000");
    let begin = field.gate.request("POST /sign-in", &[&origin, length]);
    hold(connections(), goes_on, || begun(source, field.gate.address, &begin), |tls| say(tls, b"a"));
}

/// By someone with an account: nobody else gets as far as the tool.
fn slow_uploads(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let origin = format!("origin: {}", field.door.origin());
    let begin = field.door.request("POST /slow", &[&field.cookie, &origin, "content-length: 1000000"]);
    hold(connections() / 2, goes_on, || begun(source, field.door.address, &begin), |tls| say(tls, b"a"));
}

fn too_many_fields(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let many: Vec<String> = (0..2000).map(|number| format!("x-{number}: {}", "v".repeat(40))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    again_and_again(source, field.door.address, goes_on, field.door.request("GET /", &many).as_bytes());
}

fn cookies(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let line = format!("cookie: {}", "__Host-Http-drawbridge-1=x; a=b; ".repeat(1500));
    again_and_again(source, field.door.address, goes_on, field.door.request("GET /", &[&line]).as_bytes());
}

fn uploads_broken_off(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let origin = format!("origin: {}", field.door.origin());
    let mut begin = field.door.request("POST /big", &[&field.cookie, &origin, "content-length: 100000000"]);
    begin.push_str(&"x".repeat(256 * 1024));
    while goes_on() {
        drop(begun(source, field.door.address, &begin));
    }
}

/// Says the same on one connection as long as it is answered, then on another.
fn again_and_again(source: Ipv4Addr, address: SocketAddr, goes_on: &dyn Fn() -> bool, bytes: &[u8]) {
    while goes_on() {
        let Ok(mut tls) = raw::connect_from(source, address, &["http/1.1"]) else { continue };
        while goes_on() && say(&mut tls, bytes) && matches!(tls.read(&mut [0; 4096]), Ok(1..)) {}
    }
}

fn begun(source: Ipv4Addr, address: SocketAddr, begin: &str) -> Option<Tls> {
    let mut tls = raw::connect_from(source, address, &["http/1.1"]).ok()?;
    say(&mut tls, begin.as_bytes()).then_some(tls)
}

fn say(tls: &mut Tls, bytes: &[u8]) -> bool {
    tls.write_all(bytes).and_then(|()| tls.flush()).is_ok()
}
