//! A stream of which the beginning has been read already: what kind of request it is decides who goes on with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// No request of a client of ours has a longer head.
const MAX_HEAD: usize = 16 << 10;

/// A stream that gives out again what was read ahead.
pub(super) struct Ahead<S> {
    read: Vec<u8>,
    given: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> Ahead<S> {
    /// Reads until the end of the request's head; `None` when there is none.
    pub(super) async fn read(mut stream: S) -> Option<Self> {
        let mut read = Vec::new();
        let mut part = [0; 4096];
        while !read.windows(4).any(|end| end == b"\r\n\r\n") {
            let more = stream.read(&mut part).await.ok().filter(|more| *more > 0)?;
            read.extend_from_slice(&part[..more]);
            if read.len() > MAX_HEAD {
                return None;
            }
        }
        Some(Self { read, given: 0, stream })
    }

    /// The path that is asked for.
    pub(super) fn path(&self) -> &str {
        let line = self.read.split(|byte| *byte == b'\r').next().unwrap_or_default();
        std::str::from_utf8(line).ok().and_then(|line| line.split(' ').nth(1)).unwrap_or_default()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.read[self.given..];
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let now = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..now]);
        self.given += now;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
