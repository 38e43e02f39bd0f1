//! A connection whose reader may not fall asleep, and to whom pieces of files go without passing through our memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use overread_archive::{FilePart, file_behind, is_unread};
use rustix::fs::sendfile;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::guest::Phase;

/// How every HTTP/2 connection begins (RFC 9113 3.4), and no request of HTTP/1.1.
const START_OF_TWO: &[u8; 3] = b"PRI";

/// A connection that tells what went out, and fails when nothing can be written for too long.
pub(super) struct Watched {
    stream: TcpStream,
    phase: Phase,
    patience: Duration,
    /// Read already, to see who speaks.
    begun: Vec<u8>,
    /// Runs while nothing can be written.
    stall: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, phase: Phase, patience: Duration) -> Self {
        Self {
            stream,
            phase,
            patience,
            begun: Vec::new(),
            stall: None,
        }
    }

    /// Waits for the first bytes and says whether they begin HTTP/2; they are read again afterwards.
    pub(super) async fn begins_two(&mut self) -> io::Result<bool> {
        while START_OF_TWO.starts_with(&self.begun) && self.begun.len() < START_OF_TWO.len() {
            let missing = START_OF_TWO.len() - self.begun.len();
            let mut next = (&mut self.stream).take(missing as u64);
            if next.read_buf(&mut self.begun).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.begun == START_OF_TWO)
    }

    /// Writes bytes, or sends what they stand for; [`file_behind`] tells.
    fn put(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some(first) = pieces.iter().position(|piece| is_unread(piece)) else {
            return self.now(cx, |stream| gathered(stream, pieces, SendFlags::empty()));
        };
        match (first, pieces.get(..first), pieces.first()) {
            (1.., Some(before), _) => {
                self.now(cx, |stream| gathered(stream, before, SendFlags::MORE))
            }
            (_, _, Some(unread)) => match file_behind(unread) {
                Some(part) => self.now(cx, |stream| of_file(stream, &part, unread.len())),
                None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            },
            _ => Poll::Ready(Ok(0)),
        }
    }

    /// Does what needs room to write, once there is some.
    fn now(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let written = self
                .stream
                .try_io(Interest::WRITABLE, || write(&self.stream));
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = &written {
            if self.stall.take().is_some() {
                self.phase.stalls(false);
            }
            self.phase
                .went_out(result.as_ref().copied().unwrap_or_default());
            return written;
        }
        let (patience, phase) = (self.patience, &self.phase);
        let stall = self.stall.get_or_insert_with(|| {
            phase.stalls(true);
            Box::pin(tokio::time::sleep(patience))
        });
        stall
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.begun.is_empty() {
            let count = self.begun.len().min(buffer.remaining());
            for byte in self.begun.drain(..count) {
                buffer.put_slice(&[byte]);
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.put(cx, &[IoSlice::new(bytes)]);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.put(cx, pieces);
        self.judge(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Writes pieces of memory; with [`SendFlags::MORE`] what follows goes into the same packets.
fn gathered(stream: &TcpStream, pieces: &[IoSlice<'_>], flags: SendFlags) -> io::Result<usize> {
    let mut nothing = SendAncillaryBuffer::default();
    let flags = flags | SendFlags::NOSIGNAL;
    Ok(sendmsg(stream, pieces, &mut nothing, flags)?)
}

/// Sends a piece of a file without reading it.
fn of_file(stream: &TcpStream, part: &FilePart, length: usize) -> io::Result<usize> {
    let mut offset = part.offset_bytes;
    match sendfile(stream, &part.file, Some(&mut offset), length)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}
