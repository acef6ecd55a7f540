//! Floods at the other entrances: sign-ins, tunnels that are left behind, programs that call the control socket and stay.

use super::{
    connections,
    field::{Attack, Field, hold},
};
use crate::{promises::basic, support::raw};
use std::{
    io::{Read, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    time::Duration,
};

/// In the order they are tried.
pub(super) const ATTACKS: &[(&str, Attack)] = &[
    ("sign-ins with the form", forms),
    ("sign-ins with Basic", basics),
    ("tunnels left behind", tunnels),
    ("callers of the control socket", callers),
];

fn forms(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let origin = format!("origin: {}", field.gate.origin());
    let mut number = 0;
    while goes_on() {
        number += 1;
        let form = format!("username=nobody-{}-{number}&password=wrong-{number}", source.octets()[3]);
        let length = format!("content-length: {}", form.len());
        let request = field.gate.request("POST /sign-in", &[&origin, &length]) + &form;
        said(source, field.gate.address, &request);
    }
}

fn basics(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let mut number = 0;
    while goes_on() {
        number += 1;
        let name = if number % 2 == 0 { "anna".to_owned() } else { format!("nobody-{number}") };
        let credential = basic(&name, &format!("wrong-{number}"));
        said(source, field.door.address, &field.door.request("GET /", &[&credential]));
    }
}

fn tunnels(field: &Field, source: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let origin = format!("origin: {}", field.door.origin());
    let upgrade = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let fields = [upgrade[0], upgrade[1], upgrade[2], key, &field.cookie, &origin];
    let request = field.door.request("GET /socket", &fields);
    let open = || {
        let mut tls = raw::connect_from(source, field.door.address, &["http/1.1"]).ok()?;
        tls.write_all(request.as_bytes()).ok()?;
        matches!(tls.read(&mut [0; 4096]), Ok(1..)).then_some(tls)
    };
    // Its echoes are never read; when nothing more goes in, it is left behind.
    hold(connections() / 2, goes_on, open, |tls| tls.write_all(&[7; 16 * 1024]).is_ok());
}

fn callers(field: &Field, _: Ipv4Addr, goes_on: &dyn Fn() -> bool) {
    let socket = field.trial.home().join("run/control.sock");
    let open = || {
        let mut caller = UnixStream::connect(&socket).ok()?;
        caller.set_write_timeout(Some(Duration::from_millis(300))).ok()?;
        caller.write_all(b"POST /v1/request HTTP/1.1\r\nhost: drawbridge\r\ncontent-length: 100\r\n").ok()?;
        Some(caller)
    };
    // The owner's own programs, so not thousands of them.
    hold(connections().min(100), goes_on, open, |caller| caller.write_all(b"x: y\r\n").is_ok());
}

fn said(source: Ipv4Addr, address: std::net::SocketAddr, request: &str) {
    if let Ok(mut tls) = raw::connect_from(source, address, &["http/1.1"]) {
        let _ = tls.write_all(request.as_bytes());
        let _ = tls.read(&mut [0; 4096]);
    }
}
