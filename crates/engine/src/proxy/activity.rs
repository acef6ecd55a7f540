//! Whether anything happens on a connection: requests being answered, bodies being sent.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

/// The requests of one connection; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Activity(Rc<State>);

struct State {
    running: Cell<usize>,
    since: Cell<Instant>,
}

/// A request being answered, until its body has been sent.
pub(crate) struct Busy(Activity);

impl Activity {
    /// A request begins.
    pub(crate) fn begin(&self) -> Busy {
        self.0.running.set(self.0.running.get() + 1);
        Busy(self.clone())
    }

    /// Waits until nothing has happened for so long.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        loop {
            let quiet = self.0.since.get().elapsed();
            if self.0.running.get() == 0 && quiet >= limit {
                return;
            }
            tokio::time::sleep(limit.saturating_sub(quiet).max(Duration::from_secs(1))).await;
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self { running: Cell::new(0), since: Cell::new(Instant::now()) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let State { running, since } = &*self.0.0;
        running.set(running.get().saturating_sub(1));
        since.set(Instant::now());
    }
}
