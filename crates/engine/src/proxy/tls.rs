//! The first byte and the handshake, both under a deadline: TLS goes on, plain HTTP gets a redirect, anything else is
//! dropped. The certificate is chosen by SNI, by the local address without one; an unknown name gets none.

use super::{door::Door, limits};
use crate::{certificates::Identities, headers::authority::Host};
use drawbridge_protocol::Level;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What a connection turned out to be.
pub(crate) enum Opening {
    /// TLS, with a door behind it.
    Tls(Box<Secured>),
    /// Plain HTTP on a TLS port.
    Plain(TcpStream),
}

/// A connection after the handshake.
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) door: Arc<Door>,
    /// The name asked for, if one was.
    pub(crate) server_name: Option<Host>,
}

/// Reads the first byte and, for TLS, completes the handshake.
pub(crate) async fn open(
    stream: TcpStream,
    local: SocketAddr,
    level: Level,
    doors: &RwLock<Vec<Arc<Door>>>,
    identities: &Identities,
) -> io::Result<Opening> {
    let mut first = [0];
    let count = timeout(limits::FIRST_BYTE, stream.peek(&mut first)).await??;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first != [HANDSHAKE_RECORD] {
        return Ok(Opening::Plain(stream));
    }
    let config = identities.config_for(level, local).ok_or(io::ErrorKind::ConnectionRefused)?;
    let stream = timeout(limits::HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await??;
    let server_name: Option<Host> = match stream.get_ref().1.server_name() {
        Some(name) => Some(name.parse().map_err(io::Error::other)?),
        None => None,
    };
    let door = door_of(doors, server_name.as_ref()).ok_or(io::ErrorKind::ConnectionRefused)?;
    Ok(Opening::Tls(Box::new(Secured { stream, door, server_name })))
}

/// The one door behind a listener that a host names; without a name, the one that is known by an address.
pub(crate) fn door_of(doors: &RwLock<Vec<Arc<Door>>>, named: Option<&Host>) -> Option<Arc<Door>> {
    let doors = doors.read().unwrap_or_else(PoisonError::into_inner);
    let is_meant = |door: &&Arc<Door>| match named {
        Some(host) => door.plan.hosts.contains(host),
        None => door.plan.hosts.iter().any(|host| matches!(host, Host::Address(_))),
    };
    let mut meant = doors.iter().filter(is_meant);
    let door = meant.next()?;
    // Two doors under one name would share cookies: the plan never makes them, this refuses them.
    meant.next().is_none().then(|| Arc::clone(door))
}

/// First byte of a TLS record that holds a handshake message (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;
