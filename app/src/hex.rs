//! Bytes as lower-case hexadecimal digits.
//!
//! Owns both directions for keys, hashes and signatures. It is not in constant time, so what must
//! not be guessed is compared as bytes.

/// Two digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of exactly `2 * N` digits, in either case; `None` for any other text.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_of_the_right_number_are_decoded() {
        let bytes = [0, 0x0a, 0xf0, 0xff];
        assert_eq!(encode(&bytes), "000af0ff");
        assert_eq!((decode("000af0ff"), decode("000AF0FF")), (Some(bytes), Some(bytes)));
        for bad in ["", "000af0f", "000af0ff0", "000af0fg", "+f+f+f+f", "é0af0ff", " 00af0ff"] {
            assert_eq!(decode::<4>(bad), None, "{bad}");
        }
    }
}
