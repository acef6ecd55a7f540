//! One single-threaded runtime per core, each with its own connections to the tools. Connections are handed out in
//! turn; a core whose queue is full gets no more.

use super::{accept::Accepted, http, limits, upstream::Pool};
use std::{
    io,
    num::NonZero,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc as channel,
    },
    thread,
};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::mpsc,
};

/// The cores; clones share them. They end when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Cores {
    queues: Arc<[mpsc::Sender<Accepted>]>,
    next: Arc<AtomicUsize>,
}

impl Cores {
    /// Starts one thread per core.
    ///
    /// # Errors
    /// When the system has no thread or event queue left.
    pub(crate) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let queues = (0..count).map(start_core).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { queues: queues.into(), next: Arc::new(AtomicUsize::new(0)) })
    }

    /// Gives a connection to the next core, or drops it.
    pub(crate) fn hand(&self, accepted: Accepted) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(queue) = self.queues.get(turn % self.queues.len().max(1)) {
            // A full queue drops the connection: the visitor's browser tries again.
            let _ = queue.try_send(accepted);
        }
    }
}

fn start_core(index: usize) -> io::Result<mpsc::Sender<Accepted>> {
    let (queue, accepted) = mpsc::channel(limits::CORE_QUEUE);
    // A runtime of local tasks cannot be handed to its thread, so the thread makes it and says whether it could.
    let (told, outcome) = channel::channel();
    thread::Builder::new().name(format!("core-{index}")).spawn(
        move || match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => {
                let _ = told.send(Ok(()));
                run(&runtime, accepted);
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        },
    )?;
    outcome.recv().map_err(io::Error::other)??;
    Ok(queue)
}

fn run(runtime: &LocalRuntime, mut accepted: mpsc::Receiver<Accepted>) {
    let pool = Rc::new(Pool::default());
    runtime.block_on(async move {
        while let Some(connection) = accepted.recv().await {
            tokio::task::spawn_local(http::serve(connection, Rc::clone(&pool)));
        }
    });
}
