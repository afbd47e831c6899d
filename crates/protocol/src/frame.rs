//! Frames: one codec byte and a JSON message. Limits hold before anything is allocated (R23).

use std::borrow::Cow;
use std::io::Read;

use zstd::zstd_safe::CParameter;

use crate::limits;

/// How the rest of a frame is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// JSON as it is.
    Plain = 0,
    /// A zstd frame (RFC 8878).
    Zstd = 1,
    /// A zstd frame that continues [`DICTIONARY_1`]; for messages too small to carry their own statistics.
    Zstd1 = 2,
}

/// Typical message text, newest at the end, where back-references are cheapest. Never changed: a better one gets a new codec byte.
pub const DICTIONARY_1: &[u8] = include_bytes!("frame/dictionary-1.txt");

/// Below this size compression saves a few bytes at most, and most frames are this small: acknowledgements.
const TINY: usize = 48;
/// Below this size a message is compressed with the dictionary; above it, it has enough repetition of its own.
const SMALL: usize = 16 << 10;
/// As many bytes smaller as level 19, to one or two, for a fraction of its work.
const SMALL_LEVEL: i32 = 12;
/// R21: level 19 would cost a second and 49 MiB for 10 000 entities.
const LARGE_LEVEL: i32 = 9;
/// Tables of 2^17 entries. The level's own take 10 MiB for a batch, four times as long, and find nothing more in it.
const LARGE_TABLES_LOG: u32 = 17;

/// Why a frame is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Not even a codec byte.
    #[error("the frame is empty")]
    Empty,
    /// A codec of a newer version.
    #[error("the frame uses an unknown codec")]
    UnknownCodec,
    /// Larger than allowed, before or after decompression.
    #[error("the frame is larger than allowed")]
    TooLarge,
    /// The compressed data is damaged.
    #[error("the frame cannot be decompressed")]
    Damaged,
    /// Nested more deeply than [`limits::JSON_DEPTH`].
    #[error("the message is nested too deeply")]
    TooDeep,
}

/// Makes a frame of a JSON text; picks the smallest codec.
///
/// # Errors
/// [`BadFrame::TooLarge`] when the receiver would have to refuse it.
pub fn encode(json: &[u8]) -> Result<Vec<u8>, BadFrame> {
    if json.len() > limits::FRAME_INFLATED {
        return Err(BadFrame::TooLarge);
    }
    let (codec, body) = if json.len() < TINY {
        (Codec::Plain, Ok(json.to_vec()))
    } else if json.len() < SMALL {
        (Codec::Zstd1, compress(json, SMALL_LEVEL, DICTIONARY_1))
    } else {
        (Codec::Zstd, compress(json, LARGE_LEVEL, &[]))
    };
    let (codec, body): (_, Cow<'_, [u8]>) = match body {
        Ok(body) if body.len() < json.len() => (codec, body.into()),
        Ok(_) | Err(_) => (Codec::Plain, json.into()),
    };
    let mut frame = Vec::with_capacity(body.len() + 1);
    frame.push(codec as u8);
    frame.extend_from_slice(&body);
    Ok(frame)
}

fn compress(json: &[u8], level: i32, dictionary: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::with_dictionary(level, dictionary)?;
    compressor.window_log(limits::ZSTD_SEND_WINDOW_LOG)?;
    if dictionary.is_empty() {
        compressor.set_parameter(CParameter::HashLog(LARGE_TABLES_LOG))?;
        compressor.set_parameter(CParameter::ChainLog(LARGE_TABLES_LOG))?;
    }
    compressor.include_checksum(false)?;
    compressor.include_contentsize(false)?;
    compressor.compress(json)
}

/// Reads a frame: the JSON text, checked for size and nesting but not yet parsed.
///
/// # Errors
/// See [`BadFrame`].
pub fn decode(frame: &[u8]) -> Result<Cow<'_, [u8]>, BadFrame> {
    if frame.len() > limits::FRAME_WIRE {
        return Err(BadFrame::TooLarge);
    }
    let (codec, body) = frame.split_first().ok_or(BadFrame::Empty)?;
    let json = match *codec {
        0 => Cow::Borrowed(body),
        1 => Cow::Owned(inflate(body, &[])?),
        2 => Cow::Owned(inflate(body, DICTIONARY_1)?),
        _ => return Err(BadFrame::UnknownCodec),
    };
    check_depth(&json)?;
    Ok(json)
}

/// Decompresses as a stream, so that the limit counts what comes out, whatever size the frame declares.
fn inflate(body: &[u8], dictionary: &[u8]) -> Result<Vec<u8>, BadFrame> {
    let mut decoder =
        zstd::stream::read::Decoder::with_dictionary(body, dictionary).map_err(|_| BadFrame::Damaged)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG).map_err(|_| BadFrame::Damaged)?;
    let mut json = Vec::new();
    let limit = limits::FRAME_INFLATED as u64 + 1;
    decoder.take(limit).read_to_end(&mut json).map_err(|_| BadFrame::Damaged)?;
    if json.len() > limits::FRAME_INFLATED { Err(BadFrame::TooLarge) } else { Ok(json) }
}

/// Whether a text is nested no more deeply than [`limits::JSON_DEPTH`].
///
/// # Errors
/// [`BadFrame::TooDeep`].
pub fn check_depth(json: &[u8]) -> Result<(), BadFrame> {
    if deeper_than(json, limits::JSON_DEPTH) { Err(BadFrame::TooDeep) } else { Ok(()) }
}

/// Counts brackets outside strings; cheaper than parsing, and right for every text that parses.
fn deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r23_a_decompression_bomb_is_cut_at_the_limit() {
        let bomb = zstd::bulk::compress(&vec![b' '; 64 << 20], 3).unwrap();
        assert!(bomb.len() < 10_000);
        let frame = [&[Codec::Zstd as u8], bomb.as_slice()].concat();
        assert_eq!(decode(&frame), Err(BadFrame::TooLarge));
    }

    #[test]
    fn r23_deep_nesting_is_refused_before_parsing() {
        let deep = |depth: usize| [vec![0], vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(decode(&deep(limits::JSON_DEPTH)).is_ok());
        assert_eq!(decode(&deep(limits::JSON_DEPTH + 1)), Err(BadFrame::TooDeep));
        let text = format!("\0{{\"a\":\"{}\"}}", "[\\\"".repeat(100));
        assert!(decode(text.as_bytes()).is_ok(), "brackets inside strings do not count");
    }

    #[test]
    fn r23_a_window_beyond_the_limit_is_refused() {
        let mut compressor = zstd::bulk::Compressor::new(19).unwrap();
        compressor.window_log(27).unwrap();
        compressor.include_contentsize(false).unwrap();
        // Incompressible and longer than the allowed window, so that the encoder keeps the large one.
        let noise: Vec<u8> = (0..(9_u32 << 18))
            .flat_map(|i| blake3::hash(&i.to_le_bytes()).as_bytes()[..4].to_vec())
            .collect();
        let frame = [&[Codec::Zstd as u8], compressor.compress(&noise).unwrap().as_slice()].concat();
        assert!(matches!(decode(&frame), Err(BadFrame::Damaged | BadFrame::TooLarge)));
    }

    #[test]
    fn the_dictionary_never_changes() {
        insta::assert_snapshot!(blake3::hash(DICTIONARY_1).to_string());
    }

    #[test]
    fn garbage_gets_an_answer() {
        assert_eq!(decode(&[]), Err(BadFrame::Empty));
        assert_eq!(decode(&[9, 1]), Err(BadFrame::UnknownCodec));
        assert_eq!(decode(&[1, 1, 2, 3]), Err(BadFrame::Damaged));
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in "[ -~]{0,400}", repeat in 1..80_usize) {
            let json = serde_json::to_vec(&vec![text; repeat]).unwrap();
            let frame = encode(&json).unwrap();
            let back = decode(&frame).unwrap();
            prop_assert_eq!(back.as_ref(), json.as_slice());
        }

        #[test]
        fn any_bytes_get_an_answer(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
