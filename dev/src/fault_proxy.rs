//! A proxy that breaks WebSocket connections on purpose, at exactly the place that a test names.
//!
//! It reads the HTTP upgrade and then frame by frame, so that a connection can be cut before a message or in the middle of one, be
//! slowed down, go silent, or carry something else than was sent. It works on any pair of streams ([`FaultProxy::carry`]): pipes with a
//! paused clock, or sockets.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::sleep;

/// Longest head of a request or an answer.
const HEAD: u64 = 64 << 10;
/// Longest frame that is taken into memory; both ends refuse less.
const FRAME: u64 = 128 << 20;
/// A slow connection passes pieces of this size.
const PIECE: usize = 512;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens when a message comes by. Messages are counted from 1 for each connection and way; pings and the like are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The connection ends before it.
    CutBefore,
    /// The connection ends after half of it.
    CutWithin,
    /// It and everything after it, both ways, is swallowed; the connection stays open.
    HalfOpen,
    /// Each byte of it is replaced by another.
    Garbage,
    /// Something that is no WebSocket frame comes in its place.
    Noise,
    /// It announces so many bytes and begins.
    Oversized(u64),
    /// It carries these bytes instead.
    Instead(Vec<u8>),
    /// It comes twice.
    Twice,
    /// It and all after it come so much later.
    Late(Duration),
    /// From it on, so many bytes pass in a second.
    Slow(u32),
}

/// A fault of every connection that is made while it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which way the message goes.
    pub way: Way,
    /// Which message, from 1.
    pub message: u64,
    /// What happens to it.
    pub what: What,
}

/// The proxy. Clones are the same.
#[derive(Clone, Default)]
pub struct FaultProxy {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    fault: Mutex<Option<Fault>>,
    hit: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    cut: watch::Sender<u64>,
}

impl FaultProxy {
    /// From the next connection on this goes wrong; `None`: nothing.
    pub fn set(&self, fault: Option<Fault>) {
        *lock(&self.inner.fault) = fault;
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.inner.cut.send_modify(|cuts| *cuts += 1);
    }

    /// How often a fault has struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.inner.hit.load(Ordering::SeqCst)
    }

    /// Bytes of frames that have passed one way.
    #[must_use]
    pub fn bytes(&self, way: Way) -> u64 {
        self.inner.count(way).load(Ordering::SeqCst)
    }

    /// Carries one connection until either side, or a fault, ends it.
    pub async fn carry(
        &self,
        client: impl AsyncRead + AsyncWrite + Unpin,
        server: impl AsyncRead + AsyncWrite + Unpin,
    ) {
        let fault = lock(&self.inner.fault).clone();
        let mut cut = self.inner.cut.subscribe();
        let swallows = AtomicBool::new(false);
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(server);
        let pump = |way| Pump { inner: &self.inner, way, fault: fault.as_ref(), swallows: &swallows };
        let (up, down) = (pump(Way::Up), pump(Way::Down));
        // However it ends, both streams are dropped, and with them the connection.
        tokio::select! {
            biased;
            _ = up.run(BufReader::new(from_client), to_server) => {}
            _ = down.run(BufReader::new(from_server), to_client) => {}
            _ = cut.changed() => {}
        }
    }
}

impl Inner {
    const fn count(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

/// One way of one connection.
struct Pump<'a> {
    inner: &'a Inner,
    way: Way,
    fault: Option<&'a Fault>,
    swallows: &'a AtomicBool,
}

impl Pump<'_> {
    async fn run(
        &self,
        mut from: BufReader<impl AsyncRead + Unpin>,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let upgraded = pass_head(&mut from, &mut to, self.way).await?;
        if !upgraded {
            return tokio::io::copy(&mut from, &mut to).await.map(drop);
        }
        let mut messages = 0;
        while let Some(frame) = Frame::read(&mut from).await? {
            messages += u64::from(!frame.is_control());
            let due = self
                .fault
                .filter(|fault| fault.way == self.way && fault.message <= messages && !frame.is_control());
            let now = due.filter(|fault| fault.message == messages);
            if now.is_some() {
                self.inner.hit.fetch_add(1, Ordering::SeqCst);
            }
            if let Some(What::Late(wait)) = due.map(|fault| &fault.what) {
                sleep(*wait).await;
            }
            let bytes = match now.map(|fault| &fault.what) {
                Some(What::CutBefore) => return Ok(()),
                Some(What::CutWithin) => {
                    let whole = frame.bytes();
                    to.write_all(&whole[..whole.len() / 2]).await?;
                    return to.flush().await;
                }
                Some(What::HalfOpen) => {
                    self.swallows.store(true, Ordering::SeqCst);
                    continue;
                }
                Some(What::Noise) => b"This is not a frame. This is not a frame at all.".to_vec(),
                Some(What::Oversized(size)) => frame.announce(*size),
                Some(What::Garbage) => {
                    let garbled = frame.payload.iter().map(|byte| byte ^ 0x5a).collect();
                    frame.with(garbled).bytes()
                }
                Some(What::Instead(payload)) => frame.with(payload.clone()).bytes(),
                Some(What::Twice) => [frame.bytes(), frame.bytes()].concat(),
                Some(What::Slow(rate)) => {
                    // From here on byte by byte, so that the sender feels it.
                    let mut rest = std::io::Cursor::new(frame.bytes()).chain(from);
                    return self.drip(&mut rest, &mut to, *rate).await;
                }
                Some(What::Late(_)) | None => frame.bytes(),
            };
            if self.swallows.load(Ordering::SeqCst) {
                continue;
            }
            self.write(&mut to, &bytes).await?;
        }
        Ok(())
    }

    async fn write(&self, to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
        to.write_all(bytes).await?;
        to.flush().await?;
        self.inner.count(self.way).fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok(())
    }

    async fn drip(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        rate: u32,
    ) -> io::Result<()> {
        let mut piece = [0; PIECE];
        loop {
            let length = from.read(&mut piece).await?;
            if length == 0 {
                return Ok(());
            }
            self.write(to, &piece[..length]).await?;
            let seconds = f64::from(u32::try_from(length).unwrap_or(u32::MAX)) / f64::from(rate.max(1));
            sleep(Duration::from_secs_f64(seconds)).await;
        }
    }
}

/// Passes the head of a request or an answer; says whether frames follow.
async fn pass_head(
    from: &mut BufReader<impl AsyncRead + Unpin>,
    to: &mut (impl AsyncWrite + Unpin),
    way: Way,
) -> io::Result<bool> {
    let mut head = Vec::new();
    let mut limited = from.take(HEAD);
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head).await? == 0 {
            break;
        }
    }
    to.write_all(&head).await?;
    to.flush().await?;
    Ok(way == Way::Up || head.starts_with(b"HTTP/1.1 101 "))
}

/// One WebSocket frame (RFC 6455 section 5.2).
struct Frame {
    /// FIN, reserved bits and opcode.
    first: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
}

impl Frame {
    /// The next frame; `None` at the end.
    async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut start = [0; 2];
        if from.read(&mut start[..1]).await? == 0 {
            return Ok(None);
        }
        from.read_exact(&mut start[1..]).await?;
        let length = match start[1] & 0x7f {
            126 => u64::from(from.read_u16().await?),
            127 => from.read_u64().await?,
            short => u64::from(short),
        };
        if length > FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut mask = None;
        if start[1] & 0x80 != 0 {
            mask = Some(from.read_u32().await?.to_be_bytes());
        }
        let mut payload = Vec::new();
        from.take(length).read_to_end(&mut payload).await?;
        if payload.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(Self { first: start[0], mask, payload }))
    }

    const fn is_control(&self) -> bool {
        self.first & 0x08 != 0
    }

    /// The same frame with another payload, in plain text if it goes down and masked with zeros if it goes up.
    fn with(&self, payload: Vec<u8>) -> Self {
        Self { first: self.first, mask: self.mask.map(|_| [0; 4]), payload }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(self.payload.len() as u64);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// A frame that says it were so long, and its beginning.
    fn announce(&self, size: u64) -> Vec<u8> {
        let mut bytes = self.head(size);
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    fn head(&self, size: u64) -> Vec<u8> {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let mut head = vec![self.first];
        match (u8::try_from(size), u16::try_from(size)) {
            (Ok(short @ 0..=125), _) => head.push(masked | short),
            (_, Ok(long)) => {
                head.push(masked | 126);
                head.extend_from_slice(&long.to_be_bytes());
            }
            _ => {
                head.push(masked | 127);
                head.extend_from_slice(&size.to_be_bytes());
            }
        }
        head.extend(self.mask.iter().flatten());
        head
    }
}

/// A poisoned lock only means that a test has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    /// What of two frames comes out at the server's end.
    async fn through(what: Option<What>) -> Vec<u8> {
        let proxy = FaultProxy::default();
        proxy.set(what.map(|what| Fault { way: Way::Up, message: 2, what }));
        let (mut client, near) = duplex(1 << 16);
        let (far, mut server) = duplex(1 << 16);
        let mut sent = REQUEST.to_vec();
        // "ab" masked with zeros, a ping, "cd" masked.
        sent.extend([
            0x82, 0x82, 0, 0, 0, 0, b'a', b'b', 0x89, 0x80, 0, 0, 0, 0, 0x82, 0x82, 1, 1, 1, 1, 98, 101,
        ]);
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
        proxy.carry(near, far).await;
        let mut arrived = Vec::new();
        server.read_to_end(&mut arrived).await.unwrap();
        assert!(arrived.starts_with(REQUEST));
        arrived.split_off(REQUEST.len())
    }

    #[tokio::test(start_paused = true)]
    async fn the_fault_strikes_the_message_that_was_named() {
        let whole = through(None).await;
        assert_eq!(whole.len(), 22);
        assert_eq!(through(Some(What::CutBefore)).await, whole[..14]);
        assert_eq!(through(Some(What::CutWithin)).await, whole[..18]);
        assert_eq!(through(Some(What::HalfOpen)).await, whole[..14]);
        assert_eq!(through(Some(What::Twice)).await, [&whole[..], &whole[14..]].concat());
        assert_eq!(through(Some(What::Late(Duration::from_secs(5)))).await, whole);
        assert_eq!(through(Some(What::Slow(1))).await, whole);
        assert_eq!(through(Some(What::Garbage)).await[14..], [0x82, 0x82, 0, 0, 0, 0, 98 ^ 0x5a, 101 ^ 0x5a]);
        assert_eq!(through(Some(What::Instead(vec![7]))).await[14..], [0x82, 0x81, 0, 0, 0, 0, 7]);
        assert_eq!(through(Some(What::Oversized(70_000))).await[14..][..4], [0x82, 0xff, 0, 0]);
        assert!(through(Some(What::Noise)).await[14..].starts_with(b"This is not"));
    }
}
