//! Where a token may begin.
//!
//! Owns what must stand before a vendor's mark: no letter and no digit, unless it belongs to an escape.

/// Whether nothing before `start` makes what stands there the tail of a longer word.
#[inline]
pub(super) fn starts_free(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|at| text[at]) else { return true };
    if !before.is_ascii_alphanumeric() {
        return true;
    }
    let preceded = |back: usize, mark: &[u8]| start >= back && text[start - back..].starts_with(mark);
    // The letter may belong to an escape: `\n`, `%3D`, `\x3d`, `\u003d`.
    (matches!(before, b'n' | b'r' | b't') && preceded(2, b"\\"))
        || preceded(3, b"%")
        || preceded(4, b"\\x")
        || preceded(6, b"\\u00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_begins_after_anything_but_a_word() {
        for before in ["", " ", "\"", "=", "_", "-", "\\n", "\\t", "%3D", "\\x3d", "\\u003d", "é"] {
            assert!(starts_free(format!("{before}mark").as_bytes(), before.len()), "{before}");
        }
        for before in ["a", "Z", "0", "/n", "n", "%3", "x3d", "u003d", "\\q"] {
            assert!(!starts_free(format!("{before}mark").as_bytes(), before.len()), "{before}");
        }
    }
}
