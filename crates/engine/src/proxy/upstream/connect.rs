//! A new connection to a tool: to its port or socket, only where the owner's own program or the system's listens, under
//! TLS only to the certificate the tool was added with.

use super::{Failure, Pool, Sender, Tool};
use crate::{
    certificates::{Fingerprint, pinned},
    headers::authority::Host,
    platform::{self, ControlStream, ListenerOwner},
    proxy::{http::LocalExecutor, limits, pace::Paced},
    tools::target::{Speaks, Target, Way},
};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use std::{io, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::task::AbortOnDropHandle;

/// What a tool is spoken to over.
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Socket(ControlStream),
}

/// Connects to a tool.
pub(super) async fn connect(tool: &Tool, pool: &Pool, places: &Arc<Semaphore>) -> Result<Sender, Failure> {
    if places.available_permits() == 0 {
        // What is kept for later must not be in the way of what is wanted now.
        pool.clear();
    }
    let connecting = async {
        let place = Arc::clone(places).acquire_owned().await.map_err(|_| Failure::Full)?;
        Ok::<_, Failure>((dial(tool).await?, place))
    };
    let (stream, place) = match timeout(limits::CONNECT, connecting).await {
        Err(_) if places.available_permits() == 0 => return Err(Failure::Full),
        Err(_) => return Err(Failure::Connect(io::ErrorKind::TimedOut.into())),
        Ok(connected) => connected?,
    };
    let speaks = tool.target.speaks();
    match stream {
        Stream::Plain(stream) => speak(stream, speaks, place).await,
        Stream::Tls(stream) => speak(stream, speaks, place).await,
        Stream::Socket(stream) => speak(stream, speaks, place).await,
    }
}

/// Whether anything listens there; asked without a byte.
pub(crate) async fn answers(target: &Target) -> bool {
    match target.way() {
        Way::Addresses(addresses) => {
            for address in addresses {
                if TcpStream::connect(address).await.is_ok() {
                    return true;
                }
            }
            false
        }
        // A name of another machine is not asked for: the owner's own network would hear it every few seconds.
        Way::Name(..) => true,
        Way::Socket(path) => platform::connect_socket(&path).await.is_ok(),
    }
}

/// The certificate a tool shows, whatever it is.
///
/// # Errors
/// When there is none.
pub(crate) async fn certificate(target: &Target) -> io::Result<Fingerprint> {
    let name = server_name(target).ok_or(io::ErrorKind::InvalidInput)?;
    let stream = dial_any(&addresses(target.way()).await?).await.map_err(io::Error::other)?;
    pinned::look(name, stream).await
}

/// HTTP over a stream, in a task of its own.
async fn speak<S>(stream: S, speaks: Speaks, place: OwnedSemaphorePermit) -> Result<Sender, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = TokioIo::new(Paced::new(stream));
    match speaks {
        Speaks::Http | Speaks::Https => {
            let (sender, connection) = http1::Builder::new()
                .max_buf_size(limits::RESPONSE_HEAD_BYTES)
                .handshake(stream)
                .await
                .map_err(Failure::Broken)?;
            let task = tokio::task::spawn_local(async move {
                // Its end is seen by whoever holds the sender.
                let _ = connection.with_upgrades().await;
                drop(place);
            });
            Ok(Sender::One(sender, AbortOnDropHandle::new(task)))
        }
        Speaks::H2c => {
            let (sender, connection) = http2::Builder::new(LocalExecutor::default())
                .timer(TokioTimer::new())
                .initial_stream_window_size(limits::STREAM_WINDOW)
                .initial_connection_window_size(limits::TOOL_WINDOW)
                .max_send_buf_size(limits::SEND_BUFFER)
                .max_header_list_size(u32::try_from(limits::RESPONSE_HEAD_BYTES).unwrap_or(u32::MAX))
                .keep_alive_interval(limits::PING)
                .keep_alive_timeout(limits::PING_ANSWER)
                .handshake(stream)
                .await
                .map_err(Failure::Broken)?;
            tokio::task::spawn_local(async move {
                let _ = connection.await;
                drop(place);
            });
            Ok(Sender::Many(sender, Rc::new(())))
        }
    }
}

async fn dial(tool: &Tool) -> Result<Stream, Failure> {
    let way = tool.target.way();
    if let Way::Socket(path) = way {
        let (stream, owner) = platform::connect_socket(&path).await.map_err(Failure::Connect)?;
        return trusted(owner).map(|()| Stream::Socket(stream));
    }
    let stream = dial_any(&addresses(way).await.map_err(Failure::Connect)?).await?;
    // Without this, small requests wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    if tool.target.speaks() == Speaks::Https { secure(tool, stream).await } else { Ok(Stream::Plain(stream)) }
}

async fn addresses(way: Way) -> io::Result<Vec<SocketAddr>> {
    match way {
        Way::Addresses(addresses) => Ok(addresses),
        Way::Name(name, port) => Ok(tokio::net::lookup_host((name, port)).await?.collect()),
        Way::Socket(_) => Ok(Vec::new()),
    }
}

fn server_name(target: &Target) -> Option<ServerName<'static>> {
    match target.host()? {
        Host::Address(address) => Some(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.clone()).ok(),
    }
}

async fn dial_any(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut last = Failure::Connect(io::ErrorKind::NotFound.into());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => match check_owner(*address) {
                Ok(()) => return Ok(stream),
                Err(failure) => last = failure,
            },
            Err(error) => last = Failure::Connect(error),
        }
    }
    Err(last)
}

/// TLS to the one certificate that was seen when the tool was added.
async fn secure(tool: &Tool, stream: TcpStream) -> Result<Stream, Failure> {
    // Without a certificate to compare with there is nobody to trust.
    let (Some(config), Some(name)) = (&tool.tls, server_name(&tool.target)) else {
        return Err(Failure::Changed);
    };
    let connected = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    connected.map(|stream| Stream::Tls(Box::new(stream))).map_err(|error| {
        if pinned::is_another_certificate(&error) { Failure::Changed } else { Failure::Tls(error) }
    })
}

/// On loopback, the listening socket must be the owner's or root's before a byte leaves: a stopped tool's port could
/// be taken by another user of this computer.
fn check_owner(address: SocketAddr) -> Result<(), Failure> {
    if address.ip().is_loopback() { trusted(platform::listener_owner(address)) } else { Ok(()) }
}

fn trusted(owner: ListenerOwner) -> Result<(), Failure> {
    match owner {
        ListenerOwner::Us | ListenerOwner::Root | ListenerOwner::Unknown => Ok(()),
        ListenerOwner::Nobody => Err(Failure::Connect(io::ErrorKind::ConnectionRefused.into())),
        ListenerOwner::Other(uid) => Err(Failure::Foreign(uid)),
    }
}
