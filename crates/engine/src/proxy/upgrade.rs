//! Tunnels: after both sides agreed on a WebSocket, bytes flow until one side ends or the permit is withdrawn.
//!
//! Most tunnels are silent most of the time, so a tunnel owns no buffer: bytes are read into one of the core, and only
//! what the other side does not take at once is kept.

use super::{Lease, limits};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::task::AbortOnDropHandle;

/// Joins both sides in a task of its own. What is `held` is kept while the tunnel lasts: its place among the connections.
pub(crate) fn join<H: 'static>(visitor: OnUpgrade, tool: OnUpgrade, lease: Lease, held: H) {
    tokio::task::spawn_local(async move {
        // A task of its own, so that a byte does not ask after everything that may end the tunnel.
        let flowing = AbortOnDropHandle::new(tokio::task::spawn_local(async move {
            let (Ok(visitor), Ok(tool)) = (visitor.await, tool.await) else { return };
            // How a tunnel ends is between the two; an error only means that it did.
            let _ = Tunnel::new(visitor, tool).flow().await;
        }));
        tokio::select! {
            biased;
            () = lease.withdrawn() => {}
            _ = flowing => {}
        }
        drop(held);
    });
}

type Stream = TokioIo<Upgraded>;

/// Two streams and what flows between them.
struct Tunnel<S> {
    visitor: S,
    tool: S,
    inward: Flow,
    outward: Flow,
}

/// One direction.
#[derive(Default)]
struct Flow {
    /// Read, but not taken by the other side yet.
    kept: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// The reader has ended.
    ended: bool,
    /// And the writer was told.
    told: bool,
}

impl Tunnel<Stream> {
    fn new(visitor: Upgraded, tool: Upgraded) -> Self {
        Self::between(TokioIo::new(visitor), TokioIo::new(tool))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tunnel<S> {
    fn between(visitor: S, tool: S) -> Self {
        Self { visitor, tool, inward: Flow::default(), outward: Flow::default() }
    }

    /// Until both directions have ended.
    async fn flow(mut self) -> io::Result<()> {
        poll_fn(|context| {
            let Self { visitor, tool, inward, outward } = &mut self;
            let inward = inward.poll(visitor, tool, context)?;
            let outward = outward.poll(tool, visitor, context)?;
            if inward.is_ready() && outward.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}

impl Flow {
    /// Moves what can be moved; ready when this direction has ended.
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        from: &mut S,
        to: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_kept(to, context))?;
            if self.ended {
                if !self.told {
                    ready!(Pin::new(&mut *to).poll_shutdown(context))?;
                    self.told = true;
                }
                return Poll::Ready(Ok(()));
            }
            let pending = BUFFER.with_borrow_mut(|buffer| {
                buffer.resize(limits::TUNNEL_BUFFER, 0);
                let mut read = ReadBuf::new(buffer);
                if Pin::new(&mut *from).poll_read(context, &mut read)?.is_pending() {
                    return Ok(true);
                }
                let bytes = read.filled();
                self.ended = bytes.is_empty();
                let taken = match bytes {
                    [] => 0,
                    bytes => match Pin::new(&mut *to).poll_write(context, bytes)? {
                        Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Poll::Ready(count) => count,
                        Poll::Pending => 0,
                    },
                };
                self.unflushed |= taken > 0;
                self.kept.extend_from_slice(bytes.get(taken..).unwrap_or_default());
                Ok::<_, io::Error>(false)
            })?;
            if pending {
                if self.unflushed {
                    ready!(Pin::new(&mut *to).poll_flush(context))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
        }
    }

    /// Writes what the other side did not take at once.
    fn poll_kept<S: AsyncWrite + Unpin>(
        &mut self,
        to: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.kept.get(self.written..) {
            match ready!(Pin::new(&mut *to).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => {
                    self.written += count;
                    self.unflushed = true;
                }
            }
        }
        // Given back, because the next silence may be long.
        if self.written > 0 {
            (self.kept, self.written) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    /// What the tunnels of this core read into, one after another.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    /// A tunnel between two ends that hold few bytes.
    fn tunnel() -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<io::Result<()>>) {
        let (visitor, near) = duplex(64);
        let (far, tool) = duplex(64);
        (visitor, tool, tokio::spawn(Tunnel::between(near, far).flow()))
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_both_ways_however_slowly_they_are_taken() {
        let (visitor, tool, flowing) = tunnel();
        let sent: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let send = |stream: DuplexStream| {
            let sent = sent.clone();
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(stream);
                let writing = tokio::spawn(async move {
                    writer.write_all(&sent).await.unwrap();
                    writer.shutdown().await.unwrap();
                });
                let mut got = Vec::new();
                reader.read_to_end(&mut got).await.unwrap();
                writing.await.unwrap();
                got
            })
        };
        let (one, other) = (send(visitor), send(tool));
        assert!(one.await.unwrap() == sent && other.await.unwrap() == sent);
        flowing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_end_is_passed_on_and_the_other_direction_goes_on() {
        let (mut visitor, mut tool, flowing) = tunnel();
        visitor.write_all(b"last words").await.unwrap();
        visitor.shutdown().await.unwrap();
        let mut got = Vec::new();
        tool.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"last words");
        tool.write_all(b"answer").await.unwrap();
        drop(tool);
        let mut answer = Vec::new();
        visitor.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        flowing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_is_gone_ends_the_tunnel() {
        let (mut visitor, tool, flowing) = tunnel();
        drop(tool);
        let _ = visitor.write_all(&[0; 1000]).await;
        assert!(flowing.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_silent_tunnel_owns_no_buffer() {
        let (mut visitor, near) = duplex(64);
        let (mut far, mut tool) = duplex(64);
        let mut near = near;
        let mut flow = Flow::default();
        visitor.write_all(&[7; 60]).await.unwrap();
        let moved =
            poll_fn(|context| Poll::Ready(flow.poll(&mut near, &mut far, context).is_pending())).await;
        assert!(moved && flow.kept.capacity() == 0);
        let mut got = [0; 60];
        tool.read_exact(&mut got).await.unwrap();
        assert_eq!(got, [7; 60]);
    }
}
