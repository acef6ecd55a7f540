//! Downloads that stand still: a body nobody takes is not asked for more, so it cannot see that its permit was
//! withdrawn. Each connection looks after its own and ends where one outlives its lease (P6).

use super::{authorize::Lease, limits};
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};
use tokio::{sync::Notify, time::sleep};

/// The bodies under way on one connection.
#[derive(Default)]
pub(crate) struct Running {
    bodies: RefCell<Vec<(Lease, Weak<()>)>>,
    added: Notify,
}

impl Running {
    /// Counts a body in; it is over when the mark is dropped.
    pub(crate) fn add(&self, lease: Lease) -> Rc<()> {
        let mark = Rc::new(());
        self.bodies.borrow_mut().push((lease, Rc::downgrade(&mark)));
        self.added.notify_one();
        mark
    }

    /// Waits until a body outlived its lease by more than a body that flows needs to end by itself.
    pub(crate) async fn overdue(&self) {
        loop {
            if self.is_idle() {
                self.added.notified().await;
                continue;
            }
            sleep(limits::LEASE_LOOK).await;
            if self.has_withdrawn() {
                sleep(limits::LEASE_GRACE).await;
                if self.has_withdrawn() {
                    return;
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        let mut bodies = self.bodies.borrow_mut();
        bodies.retain(|(_, mark)| mark.strong_count() > 0);
        bodies.is_empty()
    }

    fn has_withdrawn(&self) -> bool {
        let bodies = self.bodies.borrow();
        bodies.iter().any(|(lease, mark)| mark.strong_count() > 0 && lease.is_withdrawn())
    }
}
