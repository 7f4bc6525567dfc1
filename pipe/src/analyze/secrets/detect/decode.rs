//! One level of decoding: base64 and hexadecimal runs, and lines with percent, HTML, JSON or hexadecimal escapes.
//!
//! Owns decoding and mapping places back to the text as it stands. Decoded text goes through the same detectors once, never deeper.

use std::ops::Range;

use penstock_common::Confidence;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::candidate::{self, Candidate};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::simd::{self, MASK};

/// Shorter runs hold no secret worth naming.
const RUN_MIN: usize = 24;
/// Longer runs are pictures and programs.
const RUN_MAX: usize = 64 * 1024;
/// How much of a line around an escape is decoded.
const LINE_REACH: usize = 2048;

static BASE64: [u8; 256] = {
    let mut table = [255_u8; 256];
    let mut at = 0;
    while at < 64 {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        table[letters[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

/// Decodes either alphabet of base64, with or without padding. `None` if a byte belongs to neither.
pub(in super::super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = &text[..text.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1)];
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for &byte in group {
            let value = BASE64[usize::from(byte)];
            if value == 255 {
                return None;
            }
            bits = (bits << 6) | u32::from(value);
        }
        bits <<= 6 * (4 - group.len());
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len().max(1)]);
    }
    Some(out)
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    text.chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?)).collect()
}

/// Whether decoded bytes are something a person wrote rather than noise.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let printable = bytes.iter().filter(|b| matches!(**b, 0x20..=0x7e | b'\n' | b'\r' | b'\t')).count();
    !bytes.is_empty() && printable * 100 >= bytes.len() * 97
}

/// Whether the head of a run of base64 decodes to text.
fn looks_like_text(head: &[u8]) -> bool {
    head.as_chunks::<4>().0.iter().all(|group| {
        let bits = group.iter().fold(0, |bits, &byte| bits << 6 | u32::from(BASE64[usize::from(byte)]));
        is_text(&bits.to_be_bytes()[1..])
    })
}

/// Every run of digits of base64 that is long enough, in order.
fn runs(text: &[u8], mut take: impl FnMut(Range<usize>)) {
    let mut masks = [0; 64];
    // Where the run began that reaches up to the place that is looked at.
    let mut open = 0;
    for (first, part) in text.chunks(masks.len() * MASK).enumerate() {
        simd::base64_digits(part, &mut masks);
        for (number, &mask) in masks[..part.len().div_ceil(MASK)].iter().enumerate() {
            if mask == !0 {
                continue;
            }
            let start = (first * masks.len() + number) * MASK;
            let head = mask.trailing_ones() as usize;
            if start + head >= open + RUN_MIN {
                take(open..start + head);
            }
            // What goes on into the next mask is left to it.
            let tail = mask.leading_ones() as usize;
            let mut starts = starts_of_runs(mask & !0 << head & !0 >> tail);
            while starts != 0 {
                let at = starts.trailing_zeros() as usize;
                let length = (mask >> at).trailing_ones() as usize;
                take(start + at..start + at + length);
                starts &= !0 << (at + length);
            }
            open = start + MASK - tail;
        }
    }
    if text.len() >= open + RUN_MIN {
        take(open..text.len());
    }
}

/// The bits from which on [`RUN_MIN`] bits are set.
fn starts_of_runs(mask: u64) -> u64 {
    let two = mask & mask >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    let sixteen = eight & eight >> 8;
    sixteen & eight >> 16
}

impl Pass<'_, '_, '_> {
    /// Looks into every run of base64 or hexadecimal digits.
    pub(in super::super) fn decode_runs(&mut self) {
        let text = self.text;
        runs(text, |run| {
            if run.len() <= RUN_MAX && !self.effort.is_used_up(text.len()) {
                self.run(run);
            }
        });
    }

    fn run(&mut self, run: Range<usize>) {
        let text = &self.text[run.clone()];
        if text.len().is_multiple_of(2) && text.iter().all(u8::is_ascii_hexdigit) {
            if hex(&text[..RUN_MIN]).is_some_and(|head| is_text(&head))
                && let Some(decoded) = hex(text).filter(|decoded| is_text(decoded))
            {
                self.nested(&decoded, "hex", |range| run.start + range.start * 2..run.start + range.end * 2);
            }
            return;
        }
        // Identifiers and paths are runs too; their first bytes rarely decode to text.
        if looks_like_text(&text[..RUN_MIN])
            && let Some(decoded) = base64(text).filter(|decoded| is_text(decoded))
        {
            let length = text.len();
            self.nested(&decoded, "base64", |range| {
                run.start + range.start / 3 * 4..run.start + (range.end.div_ceil(3) * 4).min(length)
            });
        }
    }

    /// Looks at the line around an escape as it reads without escapes.
    pub(in super::super) fn escape(&mut self, hit: Hit) {
        if self.nested || hit.end <= self.unescaped {
            return;
        }
        // An escape may begin within what is decoded: a long line is cut at just any byte.
        let floor = hit.start().saturating_sub(LINE_REACH).max(self.unescaped).min(hit.start());
        let start = memchr::memrchr(b'\n', &self.text[floor..hit.start()]).map_or(floor, |at| floor + at + 1);
        let ceiling = self.text.len().min(hit.end + LINE_REACH);
        let end = memchr::memchr(b'\n', &self.text[hit.end..ceiling]).map_or(ceiling, |at| hit.end + at);
        self.unescaped = end;
        self.effort.spend(end - start);
        let (decoded, places) = unescape(&self.text[start..end]);
        self.nested(&decoded, "escaped", |range| {
            let last = range.end.saturating_sub(1);
            start + places[range.start] as usize..start + places[last + 1] as usize
        });
    }

    /// Sends decoded text through the detectors and takes up what they report.
    fn nested(&mut self, decoded: &[u8], encoding: &'static str, place: impl Fn(Range<usize>) -> Range<usize>) {
        let mut inner = self.scanner.pass(self.path, decoded, self.kind, true);
        self.effort.spend(std::mem::take(&mut self.scanner.decoded) as usize);
        candidate::settle(&mut inner);
        for found in inner {
            if found.reported && found.origin.0 == rank::GENERIC && found.confidence < Confidence::Medium {
                continue;
            }
            let secret = place(found.secret.clone());
            let hidden = place(found.hidden.clone());
            // What stands there plainly was found plainly.
            let plain = self.found.iter().any(|known| {
                known.encoding.is_none()
                    && known.identity == found.identity
                    && known.secret.start >= secret.start.saturating_sub(64)
                    && known.secret.start <= secret.end
            });
            if !plain && !secret.is_empty() {
                self.found.push(Candidate { secret, hidden, encoding: Some(encoding), match_start: None, ..found });
            }
        }
    }
}

/// The text without `%41`, `&#65;`, `&quot;`, `\u0041`, `\x41`, and for each byte of it (and its end) the place it came from.
fn unescape(text: &[u8]) -> (Vec<u8>, Vec<u32>) {
    let mut out = Vec::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    while at < text.len() {
        let (byte, length) = one_escape(&text[at..]).unwrap_or((text[at], 1));
        out.push(byte);
        places.push(at as u32);
        at += length;
    }
    places.push(text.len() as u32);
    (out, places)
}

/// The ASCII character that an escape at the start of `text` stands for, and the escape's length.
fn one_escape(text: &[u8]) -> Option<(u8, usize)> {
    let code = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, radix)
            .ok()
            .and_then(|code| u8::try_from(code).ok())
            .filter(|code| (0x20..0x7f).contains(code))
    };
    match text {
        [b'%', a, b, ..] => Some((code(&[*a, *b], 16)?, 3)),
        [b'\\', b'u', b'0', b'0', a, b, ..] => Some((code(&[*a, *b], 16)?, 6)),
        [b'\\', b'x', a, b, ..] => Some((code(&[*a, *b], 16)?, 4)),
        [b'&', b'#', rest @ ..] => {
            let end = rest.iter().take(6).position(|b| *b == b';')?;
            let (digits, radix) = match rest.first() {
                Some(b'x' | b'X') => (&rest[1..end], 16),
                _ => (&rest[..end], 10),
            };
            Some((code(digits, radix)?, end + 3))
        }
        [b'&', ..] => [(&b"&quot;"[..], b'"'), (b"&apos;", b'\''), (b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>')]
            .into_iter()
            .find(|(name, _)| text.starts_with(name))
            .map(|(name, byte)| (byte, name.len())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::secrets::Engine;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_found_wherever_they_begin_and_end(lengths in prop::collection::vec((0..140_usize, 1..4_usize), 0..120)) {
            let mut text = Vec::new();
            let mut expected = Vec::new();
            for (length, gap) in lengths {
                let start = text.len();
                text.extend(b"aZ09+/-_".iter().cycle().take(length));
                if length >= RUN_MIN {
                    expected.push(start..text.len());
                }
                text.extend(b" .=".iter().take(gap));
            }
            for end in [text.len(), text.iter().rposition(|b| BASE64[usize::from(*b)] != 255).map_or(0, |at| at + 1)] {
                let mut found = Vec::new();
                runs(&text[..end], |run| found.push(run));
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn both_alphabets_decode() {
        assert_eq!(base64(b"aGVsbG8gd29ybGQ=").as_deref(), Some(&b"hello world"[..]));
        assert_eq!(base64(b"-_-_").as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
        assert_eq!(base64(b"a b"), None);
    }

    #[test]
    fn what_begins_with_an_escape_across_the_cut_of_a_long_line_is_found() {
        let value = "x7Gh2Lq9ZkWp";
        for gap in LINE_REACH - 10..LINE_REACH + 10 {
            let line = ["\\u0022", &"a".repeat(gap), r"\u0022password\u0022:\u0022", value, r"\u0022"].concat();
            let engine = Engine::new([7; 16], 0, &[]);
            let mut scanner = engine.scanner();
            let found = scanner.scan(None, line.as_bytes());
            assert!(found.iter().any(|found| line[found.secret.clone()].contains(value)), "{gap}");
        }
    }

    #[test]
    fn escapes_keep_their_places() {
        let (text, places) = unescape(br#"a%3Db\u0022c&quot;d&#61;"#);
        assert_eq!(text, br#"a=b"c"d="#);
        assert_eq!(places, [0, 1, 4, 5, 11, 12, 18, 19, 24]);
    }
}
