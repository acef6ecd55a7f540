//! Binding sockets and closing them: a listener per address, the doors behind it swapped as they change.

use super::{
    accept,
    admit::{Connections, From},
    cores::Cores,
    door::Door,
    snapshot::Shared,
};
use crate::certificates::Identities;
use drawbridge_protocol::Level;
use drawbridge_texts::{Sentence, Tell};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, RwLock},
};
use tokio_util::sync::CancellationToken;

/// Why an address could not be bound; a sentence for the owner each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Another program has it.
    #[error("{0} is in use")]
    Taken(SocketAddr),
    /// Ports below 1024 need rights.
    #[error("{0} needs rights")]
    Forbidden(SocketAddr),
    /// The address went away.
    #[error("{0} is not ours now")]
    Gone(SocketAddr),
    /// Anything else the system says.
    #[error("{address} was not bound ({source})")]
    System {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Tell for BindError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Taken(address) => {
                Sentence::new("port-taken").with("port", address.port()).with("address", address.ip())
            }
            Self::Forbidden(address) => Sentence::new("port-forbidden").with("port", address.port()),
            Self::Gone(address) => Sentence::new("port-gone").with("address", address.ip()),
            Self::System { address, source } => {
                Sentence::new("port-failed").with("address", *address).quoting("cause", source)
            }
        }
    }
}

/// A bound socket that does not listen yet: nobody reaches it.
pub(crate) struct Bound {
    address: SocketAddr,
    socket: Socket,
}

/// A socket that accepts.
pub(crate) struct Listener {
    /// The doors behind it; one connection belongs to one of them.
    pub(crate) doors: Arc<RwLock<Vec<Arc<Door>>>>,
    pub(crate) from: From,
    stop: CancellationToken,
    /// The same socket as the task's, to end it at once.
    socket: TcpListener,
}

/// What every listener shares.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cores: Cores,
    pub(crate) connections: Connections,
    pub(crate) identities: Arc<Identities>,
}

/// Binds an address without listening, so that a change can be proven before it is saved, and nothing is open that is not
/// saved yet.
pub(crate) fn bind(address: SocketAddr) -> Result<Bound, BindError> {
    let result = (|| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option would let another program take the port over.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    })();
    match result {
        Ok(socket) => Ok(Bound { address, socket }),
        Err(source) => Err(BindError::at(address, source)),
    }
}

impl BindError {
    fn at(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address),
            io::ErrorKind::AddrNotAvailable => Self::Gone(address),
            _ => Self::System { address, source },
        }
    }
}

impl Bound {
    /// Begins to listen and to accept for these doors. Another program may have begun to listen there since.
    pub(crate) fn start(
        self,
        doors: Vec<Arc<Door>>,
        from: From,
        level: Level,
        ground: &Ground,
    ) -> Result<Listener, BindError> {
        let Self { address, socket } = self;
        let (kept, socket) = listen(socket).map_err(|source| BindError::at(address, source))?;
        let listener = Listener {
            doors: Arc::new(RwLock::new(doors)),
            from: from.clone(),
            stop: CancellationToken::new(),
            socket: kept,
        };
        let accepting = accept::Accepting {
            doors: Arc::clone(&listener.doors),
            from,
            level,
            stop: listener.stop.clone(),
            ground: ground.clone(),
        };
        tokio::spawn(accepting.run(socket));
        Ok(listener)
    }
}

fn listen(socket: Socket) -> io::Result<(TcpListener, tokio::net::TcpListener)> {
    socket.listen(BACKLOG)?;
    let socket = TcpListener::from(socket);
    Ok((socket.try_clone()?, tokio::net::TcpListener::from_std(socket)?))
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
        // The task lets go of the socket in its own time. Until then the kernel would go on answering, and the owner's
        // next change would find the port taken. Where a listening socket cannot be shut down, it is as it was.
        let _ = socket2::SockRef::from(&self.socket).shutdown(std::net::Shutdown::Both);
    }
}

/// Connections the kernel may hold for us (Linux's own upper bound is 4,096).
const BACKLOG: i32 = 1024;
