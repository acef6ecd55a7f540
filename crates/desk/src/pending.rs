//! What the shell asks of its window: kept until the window listens, and for the latest listener only.

use drawbridge_protocol::Problem;
use serde::Serialize;
use serde_json::Value;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What the window shall show.
#[derive(Clone, Debug, Serialize)]
pub struct Show {
    /// A panel, or the one in sight.
    pub panel: Option<&'static str>,
    /// A tool's id.
    pub tool: Option<String>,
    /// Its QR code at once, wherever the owner is.
    pub qr: bool,
    /// What went wrong outside the window.
    pub problem: Option<Problem>,
}

impl Show {
    /// The window as it is.
    #[must_use]
    pub const fn window() -> Self {
        Self { panel: None, tool: None, qr: false, problem: None }
    }

    /// As the window takes it.
    #[must_use]
    pub fn event(self) -> Value {
        let mut event = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut event {
            fields.insert("event".to_owned(), "show".into());
        }
        event
    }
}

/// Events for the window from this side; kept until it listens.
pub struct Pending {
    asked: watch::Sender<Option<Value>>,
    turn: AtomicU64,
    /// When the page was last asked whether the window may close, until it answered that it is asking.
    unanswered: Mutex<Option<Instant>>,
}

impl Pending {
    /// Nothing asked, nobody listening.
    #[must_use]
    pub fn new() -> Self {
        Self { asked: watch::Sender::new(None), turn: AtomicU64::new(0), unanswered: Mutex::new(None) }
    }

    /// Asks the window for something; the latest wish counts.
    pub fn ask(&self, event: Value) {
        self.asked.send_replace(Some(event));
    }

    /// The place of a new listener, which ends the one before.
    #[must_use]
    pub fn listener(&self) -> (watch::Receiver<Option<Value>>, u64) {
        let turn = self.turn.fetch_add(1, Ordering::AcqRel) + 1;
        let mut receiver = self.asked.subscribe();
        receiver.mark_changed();
        // The listener before wakes up and sees that its turn is over.
        self.asked.send_modify(|_| {});
        (receiver, turn)
    }

    /// Ends the listener: its window is gone.
    pub fn end(&self) {
        let _ = self.take();
        self.turn.fetch_add(1, Ordering::AcqRel);
        self.asked.send_modify(|_| {});
    }

    /// What was asked for since the last time.
    #[must_use]
    pub fn take(&self) -> Option<Value> {
        let mut asked = None;
        self.asked.send_if_modified(|kept| {
            asked = kept.take();
            false
        });
        asked
    }

    /// Asks the page whether the window may close. Says no where it was asked before and has not answered since: a page that
    /// hangs must not keep the window.
    pub fn ask_to_close(&self, event: Value) -> bool {
        let since = *self.unanswered().get_or_insert_with(Instant::now);
        let hangs = since.elapsed() >= HANGS;
        if !hangs {
            self.ask(event);
        }
        !hangs
    }

    /// The page is asking.
    pub fn answered(&self) {
        *self.unanswered() = None;
    }

    fn unanswered(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no later listener came.
    #[must_use]
    pub fn is_turn(&self, turn: u64) -> bool {
        self.turn.load(Ordering::Acquire) == turn
    }
}

impl Default for Pending {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a page may take to ask (chosen: it takes some milliseconds).
const HANGS: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_does_not_answer_cannot_keep_the_window() {
        let pending = Pending::new();
        assert!(
            pending.ask_to_close(Value::Null) && pending.ask_to_close(Value::Null),
            "two quick clicks are one"
        );
        *pending.unanswered() = Instant::now().checked_sub(HANGS);
        assert!(!pending.ask_to_close(Value::Null), "it hangs");
        pending.answered();
        assert!(pending.ask_to_close(Value::Null), "it asks again");
    }

    #[test]
    fn a_later_listener_ends_the_one_before_and_a_wish_is_taken_once() {
        let pending = Pending::new();
        pending.ask(Value::Bool(true));
        let (first, turn) = pending.listener();
        assert!(pending.is_turn(turn) && first.has_changed().unwrap());
        let (_second, later) = pending.listener();
        assert!(!pending.is_turn(turn) && pending.is_turn(later));
        assert_eq!((pending.take(), pending.take()), (Some(Value::Bool(true)), None));
        pending.end();
        assert!(!pending.is_turn(later));
    }
}
