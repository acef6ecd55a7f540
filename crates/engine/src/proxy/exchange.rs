//! One request on its way to a tool and back. Whatever waits in it (the sending, the upload, the download) also waits
//! for its end: the permit was withdrawn (P6), or the tool owes an answer for too long.
//!
//! Its connection looks after all of its exchanges a few times a second, and ends where one outlives its permit: a
//! body nobody takes is not asked for more, so it cannot see that its end has come. One look for all costs a request
//! nothing; a timer and a wait for each token of a lease cost a tenth of it (measured 2026-11-21).

use super::{authorize::Lease, limits};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::Instant,
};
use tokio::{sync::Notify, time::sleep};

/// A request on its way.
pub(crate) struct Exchange {
    lease: Lease,
    ended: Cell<Option<Ended>>,
    /// The visitor's body has been sent; from then on the tool owes an answer.
    sent: Cell<bool>,
    answered: Cell<bool>,
    /// When it was first seen that the tool owes one.
    owed_since: Cell<Option<Instant>>,
    waiting: RefCell<[Option<Waker>; SIDES]>,
}

/// Why an exchange must end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// Its permit was withdrawn.
    Withdrawn,
    /// The tool did not answer in time.
    Slow,
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

/// The exchanges of one connection.
#[derive(Default)]
pub(crate) struct Exchanges {
    all: RefCell<Vec<Weak<Exchange>>>,
    begun: Notify,
    /// Whether the look waits for an exchange to begin.
    rests: Cell<bool>,
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
            waiting: RefCell::default(),
        })
    }

    /// The visitor's body has been sent.
    pub(crate) fn is_sent(&self) {
        self.sent.set(true);
    }

    /// Waits for what may take long, and for the end.
    pub(crate) async fn until_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut work = pin!(work);
        let outcome = std::future::poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                // An answer is good however late; one that came because the permit ended is none.
                let withdrawn = self.ended.take().filter(|ended| *ended == Ended::Withdrawn);
                self.ended.set(withdrawn);
                return Poll::Ready(withdrawn.map_or(Ok(done), Err));
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
            Some(Ended::Slow) => Err(io::ErrorKind::TimedOut.into()),
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
    fn look(&self) -> bool {
        if self.ended.get() == Some(Ended::Withdrawn) {
            return true;
        }
        if self.lease.is_withdrawn() {
            self.end(Ended::Withdrawn);
        } else if self.sent.get() && !self.answered.get() {
            let since = self.owed_since.get().unwrap_or_else(Instant::now);
            self.owed_since.set(Some(since));
            if since.elapsed() >= limits::ANSWER {
                self.end(Ended::Slow);
            }
        }
        false
    }

    fn end(&self, why: Ended) {
        self.ended.set(Some(why));
        for waiting in self.waiting.borrow_mut().iter_mut() {
            if let Some(waker) = waiting.take() {
                waker.wake();
            }
        }
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
            let mut overdue = false;
            for exchange in &all {
                overdue |= exchange.look();
            }
            if overdue {
                return;
            }
        }
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
