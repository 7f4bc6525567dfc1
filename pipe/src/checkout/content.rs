//! What bytes are: text, text in UTF-16, or something else.
//!
//! Owns recognising and decoding. Latin-1 and other one-byte encodings need nothing: the analyzers work on bytes.

use std::borrow::Cow;

/// Content as analyzers take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Text in an encoding that extends ASCII.
    Text(Cow<'a, [u8]>),
    /// Anything else.
    Binary(&'a [u8]),
}

/// How much is looked at to decide; git looks as far.
const PROBE: usize = 8000;

/// Recognises what `bytes` are. A byte order mark decides; else NUL bytes do: one in every second place is UTF-16, any other is binary.
pub fn recognise(bytes: &[u8]) -> Content<'_> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return Content::Text(Cow::Owned(utf16(rest, u16::from_le_bytes))),
        [0xfe, 0xff, rest @ ..] => return Content::Text(Cow::Owned(utf16(rest, u16::from_be_bytes))),
        _ => {}
    }
    let probe = &bytes[..bytes.len().min(PROBE)];
    if memchr::memchr(0, probe).is_none() {
        return Content::Text(Cow::Borrowed(bytes));
    }
    let pairs = probe.len() / 2;
    let zeros = |offset: usize| probe.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    // Text of mostly ASCII in UTF-16 has a NUL in nearly every second place and nowhere else.
    let (high_first, low_first) = (zeros(0), zeros(1));
    if pairs >= 8 && low_first * 10 >= pairs * 9 && high_first == 0 {
        return Content::Text(Cow::Owned(utf16(bytes, u16::from_le_bytes)));
    }
    if pairs >= 8 && high_first * 10 >= pairs * 9 && low_first == 0 {
        return Content::Text(Cow::Owned(utf16(bytes, u16::from_be_bytes)));
    }
    Content::Binary(bytes)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let mut text = String::with_capacity(bytes.len());
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mut bytes: Vec<u8> = if mark { unit(0xfeff).to_vec() } else { Vec::new() };
        bytes.extend(text.encode_utf16().flat_map(unit));
        bytes
    }

    #[test]
    fn utf16_is_read_with_and_without_a_mark() {
        let text = "password = \"grün und blau\"\n";
        for bytes in [
            encoded(text, true, u16::to_le_bytes),
            encoded(text, true, u16::to_be_bytes),
            encoded(text, false, u16::to_le_bytes),
            encoded(text, false, u16::to_be_bytes),
        ] {
            assert_eq!(recognise(&bytes), Content::Text(Cow::Owned(text.as_bytes().to_vec())));
        }
    }

    #[test]
    fn programs_are_binary_and_latin_1_is_text() {
        assert!(matches!(recognise(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"), Content::Binary(_)));
        assert!(matches!(recognise(b"passw\xf6rd = x"), Content::Text(Cow::Borrowed(_))));
        assert!(matches!(recognise(b""), Content::Text(_)));
    }
}
