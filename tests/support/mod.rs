//! What the tests stand on.

pub(crate) mod browser;
#[cfg(feature = "gui")]
pub(crate) mod desktop;
pub(crate) mod enclosure;
pub(crate) mod jupyter;
pub(crate) mod kernel;
pub(crate) mod nginx;
#[cfg(feature = "gui")]
pub(crate) mod panel;
pub(crate) mod raw;
pub(crate) mod recorder;
pub(crate) mod sentence;
pub(crate) mod session_bus;
pub(crate) mod totp;
pub(crate) mod trial;
#[cfg(feature = "gui")]
pub(crate) mod webdriver;
pub(crate) mod wire;

pub(crate) use enclosure::Enclosure;
pub(crate) use recorder::Recorder;
pub(crate) use sentence::assert_one_sentence;
pub(crate) use trial::Trial;

use std::time::{Duration, Instant};

/// Waits until something is true; fails after a deadline, with what was waited for.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    eventually_within(Duration::from_secs(10), what, &mut is_true);
}

/// The same, for promises with a deadline of their own.
pub(crate) fn eventually_within(deadline: Duration, what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
