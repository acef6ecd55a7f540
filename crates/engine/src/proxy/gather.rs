//! What leaves on an HTTP/2 connection, gathered. The HTTP library hands every piece of a body over by itself and has it
//! flushed, so that each answer would cost a TLS record and a write of its own; that of sixteen streams that end together,
//! sixteen. Here it lies until the library has had its turn, and leaves at once then: nothing waits for what may come.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One end of a stream whose small writes wait for [`Gathering::after`].
pub(crate) struct Gathering<S>(Rc<RefCell<Line<S>>>);

struct Line<S> {
    stream: S,
    held: Vec<u8>,
    /// So much of it has left already.
    left: usize,
    /// The other side may take nothing at the moment: who flushes must wait for it.
    is_full: bool,
    /// What went wrong when nobody was there to be told.
    failed: Option<io::Error>,
}

impl<S> Gathering<S> {
    pub(crate) fn new(stream: S) -> Self {
        let line = Line { stream, held: Vec::new(), left: 0, is_full: false, failed: None };
        Self(Rc::new(RefCell::new(line)))
    }

    /// Another end of the same stream.
    pub(crate) fn end(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Gathering<S> {
    /// Does what speaks over another end, and sends what gathered after each of its turns.
    pub(crate) async fn after<F: Future>(self, speaking: F) -> F::Output {
        let mut speaking = pin!(speaking);
        let turn = |context: &mut Context<'_>| {
            let polled = speaking.as_mut().poll(context);
            let line = &mut *self.0.borrow_mut();
            if polled.is_pending()
                && let Poll::Ready(Err(error)) = line.send(context)
            {
                line.failed = Some(error);
                context.waker().wake_by_ref();
            }
            polled
        };
        poll_fn(turn).await
    }
}

impl<S: AsyncWrite + Unpin> Line<S> {
    fn write(&mut self, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.check()?;
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if self.held.len() + length > MOST_BYTES {
            ready!(self.send(context))?;
            if length > MOST_BYTES {
                // Whether so much has left is asked at once: no more is taken of a tool than its visitor takes.
                self.is_full = true;
                return Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
            }
        }
        for piece in pieces {
            self.held.extend_from_slice(piece);
        }
        Poll::Ready(Ok(length))
    }

    fn flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        if self.is_full { self.send(context) } else { Poll::Ready(Ok(())) }
    }

    fn check(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_send(context);
        self.is_full = sent.is_pending();
        sent
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.held.get(self.left..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.left += count,
            }
        }
        self.held.clear();
        self.left = 0;
        Pin::new(&mut self.stream).poll_flush(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathering<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.borrow_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathering<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().write(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = &mut *self.0.borrow_mut();
        line.check()?;
        ready!(line.send(context))?;
        Pin::new(&mut line.stream).poll_shutdown(context)
    }
}

/// Bytes that wait for the end of a turn at most; more leave at once (RFC 8446 §5.1: the most of one TLS record).
const MOST_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Takes so many bytes, and remembers in which pieces.
    #[derive(Default)]
    struct Taker {
        taken: Vec<Vec<u8>>,
        room: usize,
        is_broken: bool,
        /// Whether what was taken goes no further.
        holds_back: bool,
    }

    impl AsyncRead for Taker {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Taker {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.is_broken {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Poll::Pending;
            }
            self.room -= count;
            self.taken.push(bytes[..count].to_vec());
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.holds_back && !self.taken.is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    struct Trial {
        writing: Gathering<Taker>,
        gathering: Gathering<Taker>,
    }

    impl Trial {
        fn new(room: usize) -> Self {
            let gathering = Gathering::new(Taker { room, ..Taker::default() });
            Self { writing: gathering.end(), gathering }
        }

        /// Writes and flushes.
        fn write(&mut self, bytes: &[u8]) -> Poll<io::Result<()>> {
            let mut context = Context::from_waker(Waker::noop());
            let writing = Pin::new(&mut self.writing);
            assert_eq!(ready!(writing.poll_write(&mut context, bytes))?, bytes.len());
            Pin::new(&mut self.writing).poll_flush(&mut context)
        }

        /// One turn of whoever speaks.
        fn turn(&mut self, mut speaking: impl FnMut(&mut Self)) {
            speaking(self);
            let turn = pin!(self.gathering.end().after(std::future::pending::<()>()));
            assert!(turn.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }

        fn taken(&self) -> Vec<usize> {
            self.gathering.0.borrow().stream.taken.iter().map(Vec::len).collect()
        }
    }

    #[test]
    fn what_is_written_in_one_turn_leaves_together_at_its_end() {
        let mut trial = Trial::new(usize::MAX);
        trial.turn(|trial| {
            for piece in [b"one ".as_slice(), b"two ", b"three"] {
                assert!(trial.write(piece).is_ready());
            }
            assert!(trial.taken().is_empty());
        });
        trial.turn(|_| {});
        assert_eq!(trial.gathering.0.borrow().stream.taken, [b"one two three"]);
    }

    #[test]
    fn what_is_large_does_not_wait_and_keeps_its_place() {
        let mut trial = Trial::new(usize::MAX);
        trial.turn(|trial| {
            for length in [1, MOST_BYTES - 1, 1, MOST_BYTES + 1, 1] {
                assert!(trial.write(&vec![0; length]).is_ready());
            }
            assert_eq!(trial.taken(), [MOST_BYTES, 1, MOST_BYTES + 1]);
        });
        assert_eq!(trial.taken(), [MOST_BYTES, 1, MOST_BYTES + 1, 1]);
    }

    #[test]
    fn who_writes_waits_for_a_slow_reader() {
        let mut trial = Trial::new(1);
        trial.turn(|trial| assert!(trial.write(b"abc").is_ready()));
        trial.turn(|trial| assert!(trial.write(b"d").is_pending(), "written, not flushed"));
        assert!(trial.write(&[0; MOST_BYTES]).is_pending());
        trial.gathering.0.borrow_mut().stream.room = 3;
        trial.turn(|trial| assert!(trial.write(b"").is_ready()));
        assert_eq!(trial.gathering.0.borrow().stream.taken.concat(), b"abcd");
    }

    #[test]
    fn who_writes_much_waits_until_it_has_left() {
        let mut trial = Trial::new(usize::MAX);
        trial.gathering.0.borrow_mut().stream.holds_back = true;
        assert!(trial.write(&vec![0; MOST_BYTES + 1]).is_pending());
        trial.gathering.0.borrow_mut().stream.holds_back = false;
        assert!(trial.write(b"b").is_ready());
    }

    #[test]
    fn a_failure_is_told_to_who_writes_next() {
        let mut trial = Trial::new(1);
        trial.gathering.0.borrow_mut().stream.is_broken = true;
        trial.turn(|trial| assert!(trial.write(b"a").is_ready()));
        assert!(matches!(trial.write(b"b"), Poll::Ready(Err(_))));
    }
}
