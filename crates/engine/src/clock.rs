//! The wall clock, injected so that tests can move it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This much later, without overflow.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }
}

/// Where the engine reads the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The computer's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    /// A clock of the caller's, for tests.
    #[must_use]
    pub fn from_fn(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time as the certificate code wants it.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }

    /// The time in seconds; a clock before 1970 reads as 1970, so that everything timed looks expired.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(seconds(self.now()))
    }
}

/// Seconds since 1970; earlier moments are 0.
#[must_use]
pub(crate) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}
