//! Every limit of the wire, in one place; both sides enforce them before they allocate (R23).

/// JSON nesting in any message.
pub const JSON_DEPTH: usize = 64;

/// A frame after decompression, in either direction. A batch is at most [`BATCH_PLAIN`] plus one record, so this leaves room.
pub const FRAME_INFLATED: usize = 4 << 20;

/// A frame as it arrives, compressed or not.
pub const FRAME_WIRE: usize = 4 << 20;

/// Plain size at which a batch is closed: about what zstd level 9 compresses with 10 MiB of memory.
pub const BATCH_PLAIN: usize = 1 << 20;

/// One canonical record that is no document. The longest honest one is an entity with every list of options granted as text.
pub const RECORD_BYTES: usize = 64 << 10;

/// One record of contents: a document, its quotes escaped, alone in a frame.
pub const CONTENT_RECORD_BYTES: usize = FRAME_INFLATED - (64 << 10);

/// One canonical record of this kind.
#[must_use]
pub const fn record_bytes(kind: crate::record::RecordKind) -> usize {
    if matches!(kind, crate::record::RecordKind::Content) { CONTENT_RECORD_BYTES } else { RECORD_BYTES }
}

/// Everything staged for one home at the portal.
pub const STAGED_BYTES: usize = 32 << 20;

/// Records of one home, names included; five times the largest home we measure.
pub const RECORDS: usize = 500_000;

/// Largest zstd window that a receiver allocates, as a power of two (8 MiB).
pub const ZSTD_WINDOW_LOG: u32 = 23;

/// Window that a sender uses, as a power of two (1 MiB), so that a receiver needs little memory.
pub const ZSTD_SEND_WINDOW_LOG: u32 = 20;

/// One text in a `names` record, in characters.
pub const TEXT_CHARS: usize = 255;

/// Texts in one list of a `names` record.
pub const TEXTS: usize = 512;

/// How long a challenge's nonce may be answered, in seconds (R5).
pub const NONCE_SECONDS: u64 = 30;

/// How long an invite may be used, in seconds (R3).
pub const INVITE_SECONDS: u64 = 24 * 3600;

/// How long a portal keeps staged batches of an unfinished transfer, in seconds (R19).
pub const STAGED_SECONDS: u64 = 24 * 3600;

/// How long a portal remembers the ids of outbox items, in seconds (R24).
pub const OUTBOX_ID_SECONDS: u64 = 90 * 24 * 3600;

/// The portal's WebSocket ping interval, in seconds; proxies commonly cut after 60 s of silence.
pub const PING_SECONDS: u64 = 30;

/// A side that has heard nothing at all for this long gives the link up, in seconds.
pub const SILENCE_SECONDS: u64 = 75;

/// A dashboard's or routine's contents as JSON text, rewritten or not. Home Assistant takes messages below 4 MiB, and what travels here
/// is escaped and spelled in base64 on its way.
pub const CONTENT_BYTES: usize = 2 << 20;

/// Items of one deployment.
pub const ITEMS: usize = 64;

/// A custom card's module (R39).
pub const CARD_BYTES: usize = 256 << 10;

/// All modules that Vestibule has placed in one home (R39): the list goes to every browser at each start.
pub const CARDS_BYTES: usize = 1 << 20;

/// Signatures of one envelope.
pub const SIGNATURES: usize = 32;

/// Keys of each sort in a charter.
pub const CHARTER_KEYS: usize = 64;

/// A person's name, in characters.
pub const PERSON_CHARS: usize = 100;

/// A title that people read, in characters.
pub const TITLE_CHARS: usize = 120;

/// A summary, a request or a question, in characters.
pub const SUMMARY_CHARS: usize = 2_000;

/// Deployments that may wait in one home (R32).
pub const PENDING: usize = 16;

/// Candidates of one question, and rooms of one request.
pub const CANDIDATES: usize = 64;

/// Questions that may wait in one home.
pub const QUESTIONS: usize = 16;

/// Outbox items that a hello names as sent and not acknowledged; an honest home has one, rarely two.
pub const SENT: usize = 16;

/// Largest support report, in bytes; an honest one has one or two thousand.
pub const SUPPORT_BYTES: usize = 16 << 10;
/// Support reports that a portal keeps of one home; the oldest gives way.
pub const SUPPORT_REPORTS: u32 = 10;
/// How long a portal keeps a support report, in seconds.
pub const SUPPORT_SECONDS: u64 = 90 * 24 * 3600;
