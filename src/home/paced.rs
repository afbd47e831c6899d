//! A stream that never hands out bytes of two WebSocket frames in one go.
//!
//! The WebSocket library keeps the buffer of the largest frame it has seen for as long as its object lives: 30 MB after one
//! list of 50 000 entities. Because no byte of a following frame is ever inside the library, its object can be dropped and made
//! anew between two frames (see `socket.rs`), and the memory with it. This file reads nothing but the frames' lengths.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};

use crate::net::BoxedStream;

/// How much is read from the network at a time, bytes.
const BUFFER: usize = 16 * 1024;
/// What ends an HTTP answer's head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// Where in the conversation the next byte belongs.
#[derive(Debug)]
enum Place {
    /// In the HTTP answer; so many bytes of [`HEAD_END`] have been seen.
    Http(usize),
    /// In a frame's header, of which these bytes have been seen.
    Header { bytes: [u8; 14], have: usize },
    /// In a frame's payload; so many bytes are left.
    Payload(u64),
}

impl Place {
    const FRAME_START: Self = Self::Header { bytes: [0; 14], have: 0 };

    /// How many of these bytes may be handed out together: up to the end of the answer's head, or of the frame.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(&byte) = bytes.get(taken) {
            match self {
                Self::Http(seen) => {
                    taken += 1;
                    *seen =
                        if byte == HEAD_END[*seen] { *seen + 1 } else { usize::from(byte == HEAD_END[0]) };
                    if *seen == HEAD_END.len() {
                        *self = Self::FRAME_START;
                        return taken;
                    }
                }
                Self::Header { bytes: header, have } => {
                    taken += 1;
                    header[*have] = byte;
                    *have += 1;
                    if let Some(length) = payload_length(&header[..*have]) {
                        *self = if length == 0 { Self::FRAME_START } else { Self::Payload(length) };
                        if length == 0 {
                            return taken;
                        }
                    }
                }
                Self::Payload(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - taken);
                    taken += here;
                    *left -= here as u64;
                    if *left == 0 {
                        *self = Self::FRAME_START;
                        return taken;
                    }
                }
            }
        }
        taken
    }
}

/// Length of the payload, once the header (RFC 6455, section 5.2) is there in full.
fn payload_length(header: &[u8]) -> Option<u64> {
    let second = *header.get(1)?;
    let (length, size) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(header.get(2..4)?.try_into().ok()?)), 4),
        127 => (u64::from_be_bytes(header.get(2..10)?.try_into().ok()?), 10),
        short => (u64::from(short), 2),
    };
    let masked = if second & 0x80 == 0 { 0 } else { 4 };
    (header.len() == size + masked).then_some(length)
}

/// The stream below the WebSocket library.
pub(super) struct Paced {
    inner: BufReader<BoxedStream>,
    place: Place,
    received: u64,
}

impl Paced {
    /// Starts before the HTTP answer to our handshake.
    pub(super) fn new(stream: BoxedStream) -> Self {
        Self { inner: BufReader::with_capacity(BUFFER, stream), place: Place::Http(0), received: 0 }
    }

    /// Bytes received so far. A large frame that is still arriving counts as a sign of life.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let available = ready!(Pin::new(&mut this.inner).poll_fill_buf(cx))?;
        let fits = available.len().min(out.remaining());
        let taken = this.place.advance(&available[..fits]);
        out.put_slice(&available[..taken]);
        Pin::new(&mut this.inner).consume(taken);
        this.received += taken as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts a conversation wherever [`Place`] says, reading at most `step` bytes at a time.
    fn pieces(mut place: Place, bytes: &[u8], step: usize) -> Vec<usize> {
        let mut at = 0;
        let mut ends = Vec::new();
        while at < bytes.len() {
            at += place.advance(&bytes[at..bytes.len().min(at + step)]);
            if matches!(place, Place::Header { have: 0, .. }) {
                ends.push(at);
            }
        }
        ends
    }

    #[test]
    fn bytes_of_two_frames_are_never_handed_out_together() {
        let mut talk = b"HTTP/1.1 101 Hello\r\n\r\r\nA: b\r\n\r\n".to_vec();
        let head = talk.len();
        talk.extend([0x81, 3, b'a', b'b', b'c']);
        talk.extend([0x89, 0]);
        talk.extend([0x81, 126, 1, 0]);
        talk.extend([b'x'; 256]);
        talk.extend([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        talk.extend([b'y'; 65_536]);
        talk.extend([0x81, 0x80 | 2, 1, 2, 3, 4, b'm', b'm']);
        let ends = [head, head + 5, head + 7, head + 7 + 260, head + 267 + 65_546, head + 267 + 65_546 + 8];
        for step in [1, 2, 3, 7, 16, 300, 4096, usize::MAX / 2] {
            assert_eq!(pieces(Place::Http(0), &talk, step), ends, "{step}");
        }
    }
}
