//! A connection whose reader may not fall asleep.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
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

    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = &written {
            self.stall = None;
            self.phase
                .went_out(result.as_ref().copied().unwrap_or_default());
            return written;
        }
        let patience = self.patience;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
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
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
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
