//! One request on its way to a tool and back. Whatever waits in it (the sending, the upload, the download) also waits
//! for its end: the permit was withdrawn (P6), the tool owes an answer for too long, or the visitor is no longer there.
//!
//! Its connection looks after all of its exchanges a few times a second, and ends where one outlives its end: a body
//! nobody takes is not asked for more, so it cannot see that its end has come. An HTTP/2 stream is asked again by the
//! task that sends it, and ends alone. One look for all costs a request nothing; a timer and a wait for each token of a
//! lease cost a tenth of it (measured 2026-11-21). So a body only counts what it does, and the look reads the clock.

use super::{authorize::Lease, limits};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// A request on its way.
pub(crate) struct Exchange {
    lease: Lease,
    ended: Cell<Option<Ended>>,
    /// The visitor's body has been sent; from then on the tool owes an answer.
    sent: Cell<bool>,
    answered: Cell<bool>,
    /// When it was first seen that the tool owes one.
    owed_since: Cell<Option<Instant>>,
    /// Silence is part of what is spoken: gRPC's streams stay open for what may come.
    may_be_silent: Cell<bool>,
    upload: Flow,
    download: Flow,
    waiting: RefCell<[Option<Waker>; SIDES]>,
}

/// Why an exchange must end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// Its permit was withdrawn.
    Withdrawn,
    /// The tool did not answer in time.
    Slow,
    /// The visitor sends nothing more of an upload.
    Silent,
    /// The visitor takes nothing more of a download.
    Stalled,
}

/// Who waits in an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// The request, for the head of its answer.
    Sending,
    /// The visitor's body.
    Upload,
    /// The tool's body.
    Download,
}

/// What a body did when it was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pace {
    /// It gave something, or ended.
    Moves,
    /// It has nothing yet.
    Waits,
}

/// What a look can know of one direction, without a clock for every frame.
#[derive(Default)]
struct Flow {
    /// How often it moved or began to wait; it may wrap.
    steps: Cell<u32>,
    /// Whether it waits for its sender; else for its taker.
    waits: Cell<bool>,
    /// The steps at the last look, and when they were seen first.
    seen: Cell<(u32, Option<Instant>)>,
}

/// The exchanges of one connection.
#[derive(Default)]
pub(crate) struct Exchanges {
    all: RefCell<Vec<Weak<Exchange>>>,
    begun: Notify,
    /// Whether the look waits for an exchange to begin.
    rests: Cell<bool>,
    /// Whether one of them had to end.
    any_ended: Cell<bool>,
}

impl Exchange {
    /// An exchange nobody looks after.
    pub(crate) fn new(lease: Lease) -> Rc<Self> {
        Rc::new(Self {
            lease,
            ended: Cell::default(),
            sent: Cell::default(),
            answered: Cell::default(),
            owed_since: Cell::default(),
            may_be_silent: Cell::default(),
            upload: Flow::default(),
            download: Flow::default(),
            waiting: RefCell::default(),
        })
    }

    /// A visitor may leave it open without a word; pings tell whether he is there.
    pub(crate) fn allow_silence(&self) {
        self.may_be_silent.set(true);
    }

    /// The visitor's body has been sent.
    pub(crate) fn is_sent(&self) {
        self.sent.set(true);
    }

    /// Waits for what may take long, and for the end.
    pub(crate) async fn until_ended<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Ended> {
        let outcome = std::future::poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                // An answer is good however late; one that came because the exchange ended is none.
                let ended = self.ended.take().filter(|ended| *ended != Ended::Slow);
                self.ended.set(ended);
                return Poll::Ready(ended.map_or(Ok(done), Err));
            }
            self.wait(Side::Sending, context);
            self.ended.get().map_or(Poll::Pending, |ended| Poll::Ready(Err(ended)))
        });
        let outcome = outcome.await;
        self.answered.set(true);
        outcome
    }

    /// Whether a body may go on.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.ended.get() {
            None => Ok(()),
            Some(Ended::Withdrawn) => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "the permit was withdrawn"))
            }
            Some(Ended::Slow | Ended::Silent | Ended::Stalled) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Notes what a body did.
    pub(crate) fn note(&self, side: Side, pace: Pace) {
        match side {
            Side::Sending => {}
            Side::Upload => self.upload.note(pace),
            Side::Download => self.download.note(pace),
        }
    }

    /// Wakes this task at the end.
    pub(crate) fn wait(&self, side: Side, context: &Context<'_>) {
        if let Some(waiting) = self.waiting.borrow_mut().get_mut(side as usize)
            && !waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker()))
        {
            *waiting = Some(context.waker().clone());
        }
    }

    /// Sees whether the end has come; says whether it had come at an earlier look already.
    fn look(&self, now: Instant) -> bool {
        if matches!(self.ended.get(), Some(Ended::Withdrawn | Ended::Stalled)) {
            return true;
        }
        let (sent, answered) = (self.sent.get(), self.answered.get());
        let (upload, download) = (self.upload.still_for(now), self.download.still_for(now));
        if self.lease.is_withdrawn() {
            self.end(Ended::Withdrawn);
        } else if !sent
            && !self.may_be_silent.get()
            && self.upload.waits.get()
            && upload.min(download) >= limits::UPLOAD_SILENCE
        {
            self.end(Ended::Silent);
        } else if answered && !self.download.waits.get() && download >= limits::DOWNLOAD_STALL {
            self.end(Ended::Stalled);
        } else if !answered && !self.upload.waits.get() && upload >= limits::ANSWER {
            // The tool takes nothing of an upload, and says nothing either.
            self.end(Ended::Slow);
        } else if sent && !answered {
            let since = self.owed_since.get().unwrap_or(now);
            self.owed_since.set(Some(since));
            if now.duration_since(since) >= limits::ANSWER {
                self.end(Ended::Slow);
            }
        }
        false
    }

    fn end(&self, why: Ended) {
        self.ended.set(Some(why));
        for waker in self.waiting.borrow().iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// Whether it has ended and this task is the one that sends its download.
    fn is_over_for(&self, task: &Waker) -> bool {
        let sends = |waiting: &[Option<Waker>; SIDES]| {
            waiting
                .get(Side::Download as usize)
                .is_some_and(|waker| waker.as_ref().is_some_and(|waker| waker.will_wake(task)))
        };
        self.ended.get().is_some() && sends(&self.waiting.borrow())
    }
}

impl Flow {
    fn note(&self, pace: Pace) {
        let waits = pace == Pace::Waits;
        // Asked twice for what it has not got, it still waits.
        if !(self.waits.replace(waits) && waits) {
            self.steps.set(self.steps.get().wrapping_add(1));
        }
    }

    /// How long it has not moved, as far as the looks have seen.
    fn still_for(&self, now: Instant) -> Duration {
        let (steps, (seen, since)) = (self.steps.get(), self.seen.get());
        let since = since.filter(|_| seen == steps).unwrap_or(now);
        self.seen.set((steps, Some(since)));
        now.duration_since(since)
    }
}

impl Exchanges {
    /// An exchange begins; it is over when nobody holds it any more.
    pub(crate) fn begin(&self, lease: Lease) -> Rc<Exchange> {
        let exchange = Exchange::new(lease);
        let mut all = self.all.borrow_mut();
        if all.len() >= TIDY {
            all.retain(|exchange| exchange.strong_count() > 0);
        }
        all.push(Rc::downgrade(&exchange));
        drop(all);
        if self.rests.replace(false) {
            self.begun.notify_one();
        }
        exchange
    }

    /// Looks after them, and returns when one goes on although its permit was withdrawn at an earlier look: who still
    /// holds it cannot be woken.
    pub(crate) async fn overdue(&self) {
        loop {
            if self.is_idle() {
                self.rests.set(true);
                self.begun.notified().await;
            }
            sleep(limits::LEASE_LOOK).await;
            let all: Vec<Rc<Exchange>> = self.all.borrow().iter().filter_map(Weak::upgrade).collect();
            let (now, mut overdue) = (Instant::now(), false);
            for exchange in &all {
                overdue |= exchange.look(now);
            }
            if overdue {
                return;
            }
            self.any_ended.set(all.iter().any(|exchange| exchange.ended.get().is_some()));
        }
    }

    /// Whether this task sends a download that must end. Asked by the tasks of HTTP/2 streams, whenever they have done
    /// what they could.
    pub(crate) fn is_over_for(&self, task: &Waker) -> bool {
        self.any_ended.get()
            && self.all.borrow().iter().filter_map(Weak::upgrade).any(|exchange| exchange.is_over_for(task))
    }

    fn is_idle(&self) -> bool {
        let mut all = self.all.borrow_mut();
        all.retain(|exchange| exchange.strong_count() > 0);
        all.is_empty()
    }
}

/// Kinds of [`Side`].
const SIDES: usize = 3;
/// Exchanges listed before those that are over are taken off the list, and not only at the next look.
const TIDY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    /// An exchange whose look is told the time.
    struct Watched {
        exchange: Rc<Exchange>,
        begin: Instant,
    }

    impl Watched {
        fn new() -> Self {
            let watched = Self {
                exchange: Exchange::new(Lease::until(CancellationToken::new())),
                begin: Instant::now(),
            };
            watched.at(Duration::ZERO);
            watched
        }

        /// What has become of it by then.
        fn at(&self, elapsed: Duration) -> Option<Ended> {
            self.exchange.look(self.begin + elapsed);
            self.exchange.ended.get()
        }

        fn note(&self, side: Side, pace: Pace) {
            self.exchange.note(side, pace);
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_visitor_who_stops_sending_has_a_minute_from_the_last_byte_on() {
        let watched = Watched::new();
        watched.note(Side::Upload, Pace::Waits);
        assert_eq!(watched.at(SECOND), None);
        assert_eq!(watched.at(limits::UPLOAD_SILENCE), None);
        for pace in [Pace::Moves, Pace::Waits] {
            watched.note(Side::Upload, pace);
        }
        let again = limits::UPLOAD_SILENCE + SECOND;
        assert_eq!(watched.at(again), None);
        // Asked again, it is still the same silence.
        watched.note(Side::Upload, Pace::Waits);
        assert_eq!(watched.at(again + limits::UPLOAD_SILENCE - SECOND), None);
        assert_eq!(watched.at(again + limits::UPLOAD_SILENCE), Some(Ended::Silent));
        assert!(watched.exchange.check().is_err());
    }

    #[test]
    fn a_tool_that_takes_its_time_with_an_upload_is_no_silence_of_the_visitor() {
        let watched = Watched::new();
        watched.note(Side::Upload, Pace::Waits);
        watched.note(Side::Upload, Pace::Moves);
        assert_eq!(watched.at(SECOND), None);
        assert_eq!(watched.at(3 * limits::UPLOAD_SILENCE), None);
        // It asks for more: the visitor's time begins.
        watched.note(Side::Upload, Pace::Waits);
        assert_eq!(watched.at(3 * limits::UPLOAD_SILENCE + SECOND), None);
        assert_eq!(watched.at(4 * limits::UPLOAD_SILENCE), None);
        assert_eq!(watched.at(4 * limits::UPLOAD_SILENCE + SECOND), Some(Ended::Silent));
    }

    #[test]
    fn a_tool_that_takes_nothing_of_an_upload_is_slow_in_the_end() {
        let watched = Watched::new();
        watched.note(Side::Upload, Pace::Moves);
        assert_eq!(watched.at(SECOND), None);
        assert_eq!(watched.at(limits::ANSWER), None);
        assert_eq!(watched.at(limits::ANSWER + SECOND), Some(Ended::Slow));
    }

    #[test]
    fn a_stream_that_may_be_silent_stays_open() {
        let watched = Watched::new();
        watched.exchange.allow_silence();
        watched.note(Side::Upload, Pace::Waits);
        assert_eq!(watched.at(SECOND), None);
        assert_eq!(watched.at(10 * limits::UPLOAD_SILENCE), None);
    }

    #[test]
    fn an_answer_that_flows_keeps_a_silent_upload_open() {
        let watched = Watched::new();
        watched.exchange.answered.set(true);
        watched.note(Side::Upload, Pace::Waits);
        for round in 1..10 {
            watched.note(Side::Download, Pace::Moves);
            watched.note(Side::Download, Pace::Waits);
            assert_eq!(watched.at(round * limits::UPLOAD_SILENCE / 2), None);
        }
        assert_eq!(watched.at(6 * limits::UPLOAD_SILENCE), Some(Ended::Silent), "nothing moves either way");
    }

    #[test]
    fn a_download_nobody_takes_ends_after_ten_minutes_and_a_silent_tool_may_be_silent() {
        let watched = Watched::new();
        watched.exchange.is_sent();
        watched.exchange.answered.set(true);
        watched.note(Side::Download, Pace::Waits);
        assert_eq!(watched.at(3 * limits::DOWNLOAD_STALL), None, "an event stream without an event");
        watched.note(Side::Download, Pace::Moves);
        let last = 3 * limits::DOWNLOAD_STALL + SECOND;
        assert_eq!(watched.at(last), None);
        assert_eq!(watched.at(last + limits::DOWNLOAD_STALL - SECOND), None);
        assert_eq!(watched.at(last + limits::DOWNLOAD_STALL), Some(Ended::Stalled));
        assert!(
            watched.exchange.look(watched.begin + last + limits::DOWNLOAD_STALL),
            "the next look ends it"
        );
    }

    #[test]
    fn a_tool_that_owes_an_answer_has_its_own_time() {
        let watched = Watched::new();
        watched.note(Side::Upload, Pace::Waits);
        watched.note(Side::Upload, Pace::Moves);
        watched.exchange.is_sent();
        assert_eq!(watched.at(SECOND), None);
        assert_eq!(watched.at(limits::ANSWER), None);
        assert_eq!(watched.at(limits::ANSWER + SECOND), Some(Ended::Slow));
    }

    #[test]
    fn a_withdrawn_permit_comes_before_everything_else() {
        let door = CancellationToken::new();
        let exchange = Exchange::new(Lease::until(door.clone()));
        exchange.note(Side::Upload, Pace::Waits);
        let begin = Instant::now();
        assert!(!exchange.look(begin));
        door.cancel();
        assert!(!exchange.look(begin + limits::UPLOAD_SILENCE));
        assert_eq!(exchange.ended.get(), Some(Ended::Withdrawn));
        assert!(exchange.look(begin + limits::UPLOAD_SILENCE));
    }
}
