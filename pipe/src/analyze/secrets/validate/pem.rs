//! Private keys in PEM: does the body decode to a DER or OpenSSH structure, and is it encrypted?
//!
//! Owns reading the outermost structure (RFC 7468, RFC 5958, the OpenSSH key format). It parses no key material.

use penstock_common::Validity;

use crate::analyze::secrets::detect::base64;

pub(super) fn check(block: &[u8]) -> Option<Validity> {
    let has = |needle: &[u8]| memchr::memmem::find(block, needle).is_some();
    if has(b"ENCRYPTED") {
        return Some(Validity::Encrypted);
    }
    let start = memchr::memmem::find(&block[10..], b"-----")? + 15;
    let end = memchr::memmem::rfind(block, b"-----END").unwrap_or(block.len()).max(start);
    let body: Vec<u8> = unescaped(&block[start..end]);
    let decoded = base64(&body)?;
    if let Some(rest) = decoded.strip_prefix(b"openssh-key-v1\0") {
        // The name of the cipher: a length of four bytes, then the name.
        let encrypted = rest.get(4..8).is_some_and(|name| name != b"none");
        return Some(if encrypted { Validity::Encrypted } else { Validity::ValidForm });
    }
    // A DER sequence whose length reaches the end, or nearly so.
    let claimed = match *decoded.get(..4)? {
        [0x30, 0x82, high, low] => 4 + (usize::from(high) << 8 | usize::from(low)),
        [0x30, 0x81, length, _] => 3 + usize::from(length),
        [0x30, length, ..] if length < 0x80 => 2 + usize::from(length),
        _ => return None,
    };
    (claimed <= decoded.len() && decoded.len() - claimed <= 8).then_some(Validity::ValidForm)
}

/// Without white space, and without `\n` written as two characters.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            byte if byte.is_ascii_whitespace()
                || matches!(byte, b'"' | b'\'' | b',' | b'+') && !byte.is_ascii_alphanumeric() && byte != b'+' => {}
            byte => out.push(byte),
        }
    }
    out
}
