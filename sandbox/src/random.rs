//! Identifiers and tokens that differ in every run, so that no test can hold a ready-made one.

use std::fmt::Write;

/// Fills an array with randomness of the operating system.
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// A random UUID (version 4) in braces, as Bitbucket writes it.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{{{}-{}-{}-{}-{}}}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A random token of 48 hexadecimal digits after `prefix`.
pub(crate) fn token(prefix: &str) -> String {
    format!("{prefix}{}", hex(&bytes::<24>()))
}

/// Hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A number below this one, which is not 0.
pub(crate) fn below(bound: usize) -> usize {
    usize::from_ne_bytes(bytes()) % bound.max(1)
}
