//! Taking connections: strangers to the door's networks and surplus ones are dropped before a byte is read, the rest
//! are handed to the cores in turn.

use super::{
    admit::{Admitted, From},
    door::Door,
    identify, limits,
    listen::Ground,
};
use drawbridge_protocol::Level;
use socket2::{SockRef, TcpKeepalive};
use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A listener at work.
pub(crate) struct Accepting {
    pub(crate) doors: Arc<RwLock<Vec<Arc<Door>>>>,
    pub(crate) from: From,
    pub(crate) level: Level,
    pub(crate) stop: CancellationToken,
    pub(crate) ground: Ground,
}

/// A connection on its way to a core.
pub(crate) struct Accepted {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) level: Level,
    pub(crate) admitted: Admitted,
    pub(crate) doors: Arc<RwLock<Vec<Arc<Door>>>>,
    pub(crate) stop: CancellationToken,
    pub(crate) ground: Ground,
}

impl Accepting {
    /// Accepts until stopped. The socket closes with this task.
    pub(crate) async fn run(self, socket: TcpListener) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.take(stream, peer),
                Err(error) => {
                    // Out of descriptors, most likely: waiting lets others end; the loop must not spin.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let client = identify::identify(peer);
        if !self.from.takes(client) {
            return;
        }
        let connections = &self.ground.connections;
        let admitted = match &self.from {
            From::Hops(_) => connections.admit_hop(client),
            From::Networks { .. } | From::Anyone => connections.admit(client),
        };
        let Some(admitted) = admitted else { return };
        // Whoever vanished without a word (a battery, a tunnel under a hill) leaves by this; nothing else asks a silent
        // WebSocket. A system that cannot do it does without.
        let alive =
            TcpKeepalive::new().with_time(limits::SILENT_SOCKET).with_interval(limits::SILENT_SOCKET / 4);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&alive);
        let (Ok(local), Ok(stream)) = (stream.local_addr(), stream.into_std()) else { return };
        self.ground.cores.hand(Accepted {
            stream,
            peer,
            local,
            level: self.level,
            admitted,
            doors: Arc::clone(&self.doors),
            stop: self.stop.clone(),
            ground: self.ground.clone(),
        });
    }
}

/// Pause after a failed accept.
const RETRY: Duration = Duration::from_millis(50);
