//! A tool's connection that lets others have their turn. The HTTP library skips interim answers (1xx) for as long as
//! bytes are there, so a tool that sends nothing else would keep the core from everyone else's requests for seconds. And
//! it gives up writing as soon as that fails, although an answer may lie there to be read.

use super::limits;
use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::yield_now,
};

/// A stream that rests now and then while it is read.
pub(crate) struct Paced<S> {
    stream: S,
    /// Read since it rested or had nothing.
    read_bytes: usize,
    /// Nothing more can be read.
    has_ended: bool,
}

impl<S> Paced<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, read_bytes: 0, has_ended: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_bytes >= limits::TURN_BYTES {
            self.read_bytes = 0;
            // Woken only after the runtime has looked for what else came in; else it would look after 61 turns.
            return pin!(yield_now()).poll(context).map(Ok);
        }
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_pending() {
            self.read_bytes = 0;
        }
        let outcome = ready!(polled);
        let count = buffer.filled().len() - before;
        self.has_ended |= outcome.is_err() || (count == 0 && room > 0);
        self.read_bytes += count;
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after_last_words(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.after_last_words(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> Paced<S> {
    /// A tool that hangs up in the middle of an upload may have answered before. A failed write waits until all of that
    /// was read; the end or failure of reading then lets it fail.
    fn after_last_words<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(polled, Poll::Ready(Err(_))) && !self.has_ended { Poll::Pending } else { polled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use tokio::io::AsyncReadExt as _;

    #[test]
    fn a_stream_that_always_has_bytes_rests_and_asks_to_be_polled_again() {
        let mut paced = Paced::new(tokio::io::repeat(1));
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = vec![0; 64 * 1024];
        let mut turns = Vec::new();
        for _ in 0..3 {
            let mut read = 0;
            loop {
                let mut buffer = ReadBuf::new(&mut bytes);
                if Pin::new(&mut paced).poll_read(&mut context, &mut buffer).is_pending() {
                    break;
                }
                read += buffer.filled().len();
            }
            turns.push(read);
        }
        assert_eq!(turns, [limits::TURN_BYTES; 3]);
    }

    #[tokio::test]
    async fn everything_arrives() {
        let many = vec![7; 3 * limits::TURN_BYTES + 5];
        let mut all = Vec::new();
        Paced::new(many.as_slice()).read_to_end(&mut all).await.unwrap();
        assert!(all == many);
    }

    /// Says something, hangs up, and takes nothing.
    struct HungUp(&'static [u8]);

    impl AsyncRead for HungUp {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for HungUp {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn last_words_are_read_before_writing_fails() {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = Paced::new(HungUp(b"no"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut stream).poll_write(&mut context, b"upload").is_pending());
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "no");
        assert!(stream.write(b"upload").await.is_err(), "and then it does not wait for ever");
    }
}
