//! JSON text, walked once and written again with other strings in it; whatever a visitor leaves alone stays byte for byte (R14).

use std::borrow::Cow;
use std::collections::HashSet;

use vestibule_protocol::limits;

use super::ContentError;
use super::place::Place;

/// A string as it stands in the text.
#[derive(Debug, Clone)]
pub(super) struct Literal<'t> {
    /// With its quotes.
    pub(super) raw: &'t str,
    /// What it says.
    pub(super) text: Cow<'t, str>,
}

/// What is written in the place of a string or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it was.
    Same,
    /// Another string.
    Text(String),
    /// This piece of JSON.
    Raw(Box<str>),
}

/// Decides what is written.
pub(super) trait Visit {
    /// A key of an object in `place`; also says what the key means, which is where its value stands.
    fn key<'t>(
        &mut self,
        place: &Place<'_>,
        key: &Literal<'t>,
    ) -> Result<(Spelling, Cow<'t, str>), ContentError>;
    /// A string that is no key.
    fn string(&mut self, place: &Place<'_>, literal: &Literal<'_>) -> Result<Spelling, ContentError>;
    /// A number.
    fn number(&mut self, place: &Place<'_>, number: &str) -> Result<Spelling, ContentError>;
}

impl Literal<'_> {
    /// Whether Home Assistant itself would have spelled it so; a string with other escapes cannot be told from its text alone.
    pub(super) fn is_plain(&self) -> bool {
        if !self.raw.contains('\\') {
            return true;
        }
        let mut again = String::with_capacity(self.raw.len());
        append_string(&mut again, &self.text);
        again == self.raw
    }
}

/// Walks a whole text and gives the new one.
///
/// # Errors
/// `TooLarge`, `TooDeep`, `NotJson`, `LoneSurrogate`, `DuplicateKey`, and whatever the visitor says.
pub(super) fn walk(text: &str, visit: &mut impl Visit) -> Result<String, ContentError> {
    if text.len() > limits::CONTENT_BYTES {
        return Err(ContentError::TooLarge);
    }
    let mut walker =
        Walker { text, at: 0, copied: 0, out: String::with_capacity(text.len() + text.len() / 8), visit };
    walker.space();
    walker.value(&Place::root(), 0)?;
    walker.space();
    if walker.at != text.len() {
        return Err(ContentError::NotJson);
    }
    walker.copy();
    if walker.out.len() > limits::CONTENT_BYTES {
        return Err(ContentError::TooLarge);
    }
    Ok(walker.out)
}

struct Walker<'t, 'v, V> {
    text: &'t str,
    at: usize,
    /// Everything before this is written.
    copied: usize,
    out: String,
    visit: &'v mut V,
}

impl<'t, V: Visit> Walker<'t, '_, V> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes this byte and the white space after it, or fails.
    fn expect(&mut self, byte: u8) -> Result<(), ContentError> {
        if self.peek() != Some(byte) {
            return Err(ContentError::NotJson);
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn copy(&mut self) {
        self.out.push_str(&self.text[self.copied..self.at]);
        self.copied = self.at;
    }

    /// Writes what stands between `start` and here.
    fn write(&mut self, start: usize, spelling: Spelling) {
        match spelling {
            Spelling::Same => return,
            Spelling::Text(text) => {
                self.out.push_str(&self.text[self.copied..start]);
                append_string(&mut self.out, &text);
            }
            Spelling::Raw(raw) => {
                self.out.push_str(&self.text[self.copied..start]);
                self.out.push_str(&raw);
            }
        }
        self.copied = self.at;
    }

    fn value(&mut self, place: &Place<'_>, depth: usize) -> Result<(), ContentError> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.object(place, depth + 1),
            Some(b'[') => self.array(place, depth + 1),
            Some(b'"') => {
                let literal = self.literal()?;
                let spelling = self.visit.string(place, &literal)?;
                self.write(start, spelling);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                let spelling = self.visit.number(place, number)?;
                self.write(start, spelling);
                Ok(())
            }
            _ => {
                let rest = &self.text[self.at..];
                let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word));
                self.at += word.ok_or(ContentError::NotJson)?.len();
                Ok(())
            }
        }
    }

    fn array(&mut self, place: &Place<'_>, depth: usize) -> Result<(), ContentError> {
        if depth > limits::JSON_DEPTH {
            return Err(ContentError::TooDeep);
        }
        self.expect(b'[')?;
        if self.peek() != Some(b']') {
            loop {
                self.value(place, depth)?;
                self.space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.end(b']')
    }

    fn object(&mut self, place: &Place<'_>, depth: usize) -> Result<(), ContentError> {
        if depth > limits::JSON_DEPTH {
            return Err(ContentError::TooDeep);
        }
        self.expect(b'{')?;
        if self.peek() != Some(b'}') {
            let mut keys = HashSet::new();
            loop {
                let start = self.at;
                let literal = self.literal()?;
                let (spelling, meaning) = self.visit.key(place, &literal)?;
                self.write(start, spelling);
                self.space();
                self.expect(b':')?;
                self.value(&place.under(&meaning), depth)?;
                if !keys.insert(meaning) {
                    return Err(ContentError::DuplicateKey);
                }
                self.space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.end(b'}')
    }

    /// The end of an object or an array; what follows is not its business.
    fn end(&mut self, byte: u8) -> Result<(), ContentError> {
        if self.peek() != Some(byte) {
            return Err(ContentError::NotJson);
        }
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<&'t str, ContentError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if whole > 1 && self.text.as_bytes()[self.at - whole] == b'0' {
            return Err(ContentError::NotJson);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<usize, ContentError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(ContentError::NotJson) } else { Ok(self.at - start) }
    }

    fn literal(&mut self) -> Result<Literal<'t>, ContentError> {
        if self.peek() != Some(b'"') {
            return Err(ContentError::NotJson);
        }
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                None | Some(0..=0x1f) => return Err(ContentError::NotJson),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let raw = &self.text[start..self.at];
        let inner = &raw[1..raw.len() - 1];
        let text = if escaped { Cow::Owned(decoded(inner)?) } else { Cow::Borrowed(inner) };
        Ok(Literal { raw, text })
    }
}

/// What a string with escapes says.
fn decoded(inner: &str) -> Result<String, ContentError> {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = after.chars();
        let escape = chars.next().ok_or(ContentError::NotJson)?;
        rest = chars.as_str();
        text.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = four_digits(&mut rest)?;
                match unit {
                    0xd800..=0xdbff => {
                        rest = rest.strip_prefix("\\u").ok_or(ContentError::LoneSurrogate)?;
                        let low = four_digits(&mut rest)?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return Err(ContentError::LoneSurrogate);
                        }
                        let value = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(value).ok_or(ContentError::LoneSurrogate)?
                    }
                    _ => char::from_u32(unit).ok_or(ContentError::LoneSurrogate)?,
                }
            }
            _ => return Err(ContentError::NotJson),
        });
    }
    text.push_str(rest);
    Ok(text)
}

fn four_digits(rest: &mut &str) -> Result<u32, ContentError> {
    let digits = rest.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let value =
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(ContentError::NotJson)?;
    *rest = &rest[4..];
    Ok(value)
}

/// Writes a string as Home Assistant does.
pub(super) fn append_string(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'\n' => 'n',
            b'\r' => 'r',
            b'\t' => 't',
            0x8 => 'b',
            0xc => 'f',
            0..=0x1f => 'u',
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push('\\');
        out.push(short);
        if short == 'u' {
            out.push_str("00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}
