//! The end of a visitor's HTTP/1 connection. What a visitor still sends when we close makes the system reset the
//! connection, and the reset overtakes our last answer: a refused upload would look like a broken line. So we say that
//! nothing more comes, and take what does for a moment (RFC 9112 §9.6).

use super::limits;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream whose shutdown waits for the other side's, within limits.
pub(crate) struct Lingering<S> {
    stream: S,
    /// Set once our side is shut down.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, until: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let until = match &mut this.until {
            Some(until) => until,
            none => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
                none.insert(Box::pin(sleep(limits::LINGER)))
            }
        };
        let mut bytes = [0; 4096];
        while until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::{Instant, timeout},
    };

    #[tokio::test(start_paused = true)]
    async fn what_a_visitor_still_sends_is_taken_until_he_ends_too() {
        let (near, mut far) = duplex(64);
        let visitor = tokio::spawn(async move {
            far.write_all(&[7; 10_000]).await.unwrap();
            let mut answer = Vec::new();
            far.read_to_end(&mut answer).await.unwrap();
            answer
        });
        let mut stream = Lingering::new(near);
        stream.write_all(b"too much").await.unwrap();
        timeout(Duration::from_millis(100), stream.shutdown()).await.unwrap().unwrap();
        assert_eq!(visitor.await.unwrap(), b"too much");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_ends_is_left_after_a_while() {
        for endless in [false, true] {
            let (near, mut far) = duplex(64);
            let visitor = tokio::spawn(async move {
                while endless && far.write_all(&[7; 64]).await.is_ok() {
                    sleep(Duration::from_millis(10)).await;
                }
                std::future::pending::<()>().await;
                drop(far);
            });
            let begin = Instant::now();
            Lingering::new(near).shutdown().await.unwrap();
            let took = begin.elapsed();
            assert!(took >= limits::LINGER && took < limits::LINGER * 2, "{took:?}");
            visitor.abort();
        }
    }
}
