//! Floods: what strangers, broken programs and a careless account can do to the open doors of one engine.
//!
//! While each lasts, someone who is signed in gets answers, and the owner can close everything within a second (P10).
//! After it, descriptors, threads and connections are back where they were within ten seconds, and memory stayed bounded
//! (P7). A short form always runs; with `DRAWBRIDGE_LONG` each lasts longer and comes with more connections.

mod bulk;
mod callers;
mod field;
mod handshakes;
mod http1;
mod http2;
mod sign_ins;
mod slowhttptest;
mod soak;

use field::Attack;
use std::time::Duration;

#[test]
fn floods_leave_room_for_visitors_and_nothing_behind() {
    let groups: [&[(&str, Attack)]; 4] =
        [http1::ATTACKS, http2::ATTACKS, handshakes::ATTACKS, callers::ATTACKS];
    field::withstands(&groups.concat());
    if is_long() {
        slowhttptest::withstands();
    }
}

/// Whether the long forms were asked for.
fn is_long() -> bool {
    std::env::var_os("DRAWBRIDGE_LONG").is_some()
}

/// How long a flood lasts.
fn length() -> Duration {
    if is_long() { Duration::from_secs(8) } else { Duration::from_millis(300) }
}

/// Connections from each of the three addresses a flood comes from.
fn connections() -> usize {
    if is_long() { 1000 } else { 40 }
}
