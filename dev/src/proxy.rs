//! A TCP proxy that writes down every byte in both directions, and reads the WebSocket messages out of them.
//!
//! It stands between an agent and a portal, so that a test can compare what really went over the wire with what was promised. Its
//! address stays the same while the portal behind it comes and goes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One read. Small reads keep the two directions in step without costing anything that matters in a test.
const CHUNK: usize = 16 * 1024;

/// The proxy. It stops listening, and cuts its connections, when this is dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    accept: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    to: Mutex<SocketAddr>,
    captures: Mutex<Vec<Capture>>,
    /// Raised to cut all open connections.
    cut: watch::Sender<u64>,
    /// Cut after so many more bytes from the client.
    fuse: Mutex<Option<usize>>,
}

/// One connection, in the order in which it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// Everything that the client put on the wire, also what came after a cut and was not passed on.
    pub up: Vec<u8>,
    /// Everything that the server said and the client was given.
    pub down: Vec<u8>,
    /// The client has closed it.
    pub ended: bool,
}

/// One direction of a WebSocket connection, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spoken {
    /// The HTTP head with the empty line at its end; all there is while it is incomplete.
    pub head: Vec<u8>,
    /// Payloads of complete messages, unmasked.
    pub messages: Vec<Vec<u8>>,
    /// Opcode and payload of control frames: 8 close, 9 ping, 10 pong.
    pub control: Vec<(u8, Vec<u8>)>,
    /// Payload so far of a message that was cut; `None` when the capture ends between two frames.
    pub rest: Option<Vec<u8>>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut();
    }
}

impl Recorder {
    /// Listens on a free port of the loopback interface and passes everything on to `to`.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn listen(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to: Mutex::new(to),
            captures: Mutex::default(),
            cut: watch::Sender::new(0),
            fuse: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let accept = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let _ = client.set_nodelay(true);
                let number = {
                    let mut captures = lock(&accepting.captures);
                    captures.push(Capture::default());
                    captures.len() - 1
                };
                tokio::spawn(pass(Arc::clone(&accepting), number, client));
            }
        });
        Ok(Self { address, shared, accept })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it passes things on to, from the next connection on.
    pub fn pass_to(&self, to: SocketAddr) {
        *lock(&self.shared.to) = to;
    }

    /// Cuts all open connections.
    pub fn cut(&self) {
        self.shared.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts once the client has sent so many more bytes, wherever in a message that is; nothing after them is passed on.
    pub fn cut_after(&self, bytes: usize) {
        *lock(&self.shared.fuse) = Some(bytes);
    }

    /// All connections so far, in the order in which they were made.
    #[must_use]
    pub fn captures(&self) -> Vec<Capture> {
        lock(&self.shared.captures).clone()
    }
}

impl Capture {
    /// What the client said.
    #[must_use]
    pub fn sent(&self) -> Spoken {
        Spoken::of(&self.up)
    }

    /// What the server said.
    #[must_use]
    pub fn received(&self) -> Spoken {
        Spoken::of(&self.down)
    }
}

impl Spoken {
    /// Takes one direction of a connection apart.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        const END: &[u8] = b"\r\n\r\n";
        let Some(at) = bytes.windows(END.len()).position(|window| window == END) else {
            return Self { head: bytes.to_vec(), ..Self::default() };
        };
        let (head, mut frames) = bytes.split_at(at + END.len());
        let mut spoken = Self { head: head.to_vec(), ..Self::default() };
        let mut message: Option<Vec<u8>> = None;
        while !frames.is_empty() {
            let Some(frame) = Frame::read(frames) else {
                // Not even the length of the next frame is here.
                spoken.rest = Some(message.unwrap_or_default());
                return spoken;
            };
            let (payload, whole) = frame.payload(frames);
            let data = frame.opcode < 8;
            if data {
                message.get_or_insert_default().extend_from_slice(&payload);
            }
            if !whole {
                spoken.rest = Some(message.unwrap_or_default());
                return spoken;
            }
            match (data, frame.last) {
                (true, true) => spoken.messages.extend(message.take()),
                (true, false) => {}
                (false, _) => spoken.control.push((frame.opcode, payload)),
            }
            frames = frames.get(frame.header + frame.length..).unwrap_or_default();
        }
        spoken.rest = message;
        spoken
    }
}

/// The header of a frame (RFC 6455, section 5.2).
struct Frame {
    last: bool,
    opcode: u8,
    header: usize,
    length: usize,
    mask: [u8; 4],
}

impl Frame {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (mut header, length) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            short => (2, u64::from(short)),
        };
        let mut mask = [0; 4];
        if second & 0x80 != 0 {
            mask = bytes.get(header..header + 4)?.try_into().ok()?;
            header += 4;
        }
        let length = usize::try_from(length).ok()?;
        Some(Self { last: first & 0x80 != 0, opcode: first & 0x0f, header, length, mask })
    }

    /// What is here of the payload, and whether that is all of it.
    fn payload(&self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let there = bytes.get(self.header..).unwrap_or_default();
        let taken = there.iter().take(self.length).zip(self.mask.iter().cycle());
        (taken.map(|(byte, mask)| byte ^ mask).collect(), there.len() >= self.length)
    }
}

async fn pass(shared: Arc<Shared>, number: usize, client: TcpStream) {
    let mut cuts = shared.cut.subscribe();
    cuts.mark_unchanged();
    let to = *lock(&shared.to);
    let (mut from_client, mut to_client) = client.into_split();
    if let Ok(server) = TcpStream::connect(to).await {
        let _ = server.set_nodelay(true);
        let (mut from_server, to_server) = server.into_split();
        tokio::select! {
            biased;
            () = up(&shared, number, &mut from_client, to_server) => {}
            () = down(&shared, number, &mut from_server, &mut to_client) => {}
            _ = cuts.changed() => {}
        }
    }
    // The client learns of the end at once; what it had put on the wire by then is still written down.
    let _ = to_client.shutdown().await;
    let mut chunk = [0; CHUNK];
    while let Ok(count @ 1..) = from_client.read(&mut chunk).await {
        shared.note(number, |capture| capture.up.extend_from_slice(&chunk[..count]));
    }
    shared.note(number, |capture| capture.ended = true);
}

async fn up(shared: &Shared, number: usize, from: &mut OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut chunk = [0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        shared.note(number, |capture| capture.up.extend_from_slice(&chunk[..count]));
        let pass = shared.burn(count);
        if to.write_all(&chunk[..pass]).await.is_err() || pass < count {
            return;
        }
    }
}

async fn down(shared: &Shared, number: usize, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) {
    let mut chunk = [0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        shared.note(number, |capture| capture.down.extend_from_slice(&chunk[..count]));
        if to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

impl Shared {
    fn note(&self, number: usize, change: impl FnOnce(&mut Capture)) {
        if let Some(capture) = lock(&self.captures).get_mut(number) {
            change(capture);
        }
    }

    /// How many of `count` bytes may still pass.
    fn burn(&self, count: usize) -> usize {
        let mut fuse = lock(&self.fuse);
        match fuse.take() {
            Some(left) if left < count => left,
            left => {
                *fuse = left.map(|left| left - count);
                count
            }
        }
    }
}

/// A poisoned lock only means that a test has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
            }
        }
        frame.extend_from_slice(&[1, 2, 3, 4]);
        frame.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    #[test]
    fn messages_are_read_whole_split_and_cut() {
        let long = vec![7; 300];
        let mut bytes = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let head = bytes.len();
        bytes.extend(masked(0x82, b"one"));
        bytes.extend(masked(0x02, b"tw"));
        bytes.extend(masked(0x89, b"ping"));
        bytes.extend(masked(0x80, b"o"));
        bytes.extend(masked(0x82, &long));
        let spoken = Spoken::of(&bytes);
        assert_eq!(spoken.head.len(), head);
        assert_eq!(spoken.messages, [b"one".to_vec(), b"two".to_vec(), long]);
        assert_eq!(spoken.control, [(9, b"ping".to_vec())]);
        assert_eq!(spoken.rest, None);
        // Cut at any byte: never a message that was not complete, never a word lost.
        for end in head..bytes.len() {
            let cut = Spoken::of(&bytes[..end]);
            assert!(spoken.messages.starts_with(&cut.messages), "{end}");
            let next = spoken.messages.get(cut.messages.len());
            assert!(cut.rest.is_none_or(|rest| next.unwrap().starts_with(&rest)), "{end}");
        }
    }

    #[tokio::test]
    async fn everything_is_written_down_and_a_cut_is_felt() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let recorder = Recorder::listen(server.local_addr().unwrap()).await.unwrap();
        let mut client = TcpStream::connect(recorder.address()).await.unwrap();
        let (mut behind, _) = server.accept().await.unwrap();
        let mut answer = [0; 5];
        client.write_all(b"hello").await.unwrap();
        behind.read_exact(&mut answer).await.unwrap();
        behind.write_all(b"world").await.unwrap();
        client.read_exact(&mut answer).await.unwrap();
        recorder.cut_after(2);
        client.write_all(b"again").await.unwrap();
        let mut left = Vec::new();
        behind.read_to_end(&mut left).await.unwrap();
        assert_eq!(left, b"ag");
        assert_eq!(client.read(&mut answer).await.unwrap(), 0);
        drop(client);
        while !recorder.captures()[0].ended {
            tokio::task::yield_now().await;
        }
        let expected = Capture { up: b"helloagain".to_vec(), down: b"world".to_vec(), ended: true };
        assert_eq!(recorder.captures(), [expected]);
    }
}
