//! One word of a shell.
//!
//! Owns quoting within a word, `'it'"'"'s'`, and what ends one. Must not interpret the word.

use std::ops::Range;

/// The word at `start`: its range with quotes, and its parts without. `None` if there is no word,
/// or a quote does not close.
pub(super) fn read(text: &[u8], start: usize, limit: usize) -> Option<(Range<usize>, Vec<Range<usize>>)> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut at = start;
    let mut plain = start;
    while at < limit {
        match text[at] {
            mark @ (b'\'' | b'"') => {
                if plain < at {
                    parts.push(plain..at);
                }
                let end = closing(text, at + 1, limit, mark)?;
                parts.push(at + 1..end);
                at = end + 1;
                plain = at;
            }
            b'\\' if text[at..limit].starts_with(b"\\\r\n") => at += 3,
            b'\\' => at += 2,
            b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' | b'`' => break,
            _ => at += 1,
        }
    }
    let at = at.min(limit);
    if plain < at {
        parts.push(plain..at);
    }
    (at > start).then_some((start..at, parts))
}

/// Whether the word certainly ends at `end`: operators right after it must be followed by white
/// space or the end of the text. In a heredoc or a file of variables `a;b` is one value.
pub(super) fn ends_surely(text: &[u8], end: usize, limit: usize) -> bool {
    let rest = &text[end..limit];
    let operator = rest.iter().take_while(|b| matches!(b, b';' | b'&' | b'|' | b')')).count();
    operator <= 2 && rest.get(operator).is_none_or(u8::is_ascii_whitespace)
}

fn closing(text: &[u8], start: usize, limit: usize, mark: u8) -> Option<usize> {
    let mut at = start;
    while at < limit {
        match text[at] {
            b'\n' => return None,
            b'\\' if mark == b'"' => at += 1,
            byte if byte == mark => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_parts_make_one_word() {
        for (line, word, plain) in [
            ("abc def", "abc", "abc"),
            (r#"'it'"'"'s' x"#, r#"'it'"'"'s'"#, "it's"),
            (r#"a"b c"d;e"#, r#"a"b c"d"#, "ab cd"),
            (r"a\ b c", r"a\ b", r"a\ b"),
        ] {
            let (whole, parts) = read(line.as_bytes(), 0, line.len()).unwrap();
            let joined: String = parts.into_iter().map(|part| &line[part]).collect();
            assert_eq!((&line[whole], joined.as_str()), (word, plain), "{line}");
        }
        assert_eq!(read(b"'open", 0, 5), None);
        assert!(ends_surely(b"ab; c", 2, 5) && !ends_surely(b"ab;c", 2, 4) && ends_surely(b"ab", 2, 2));
    }
}
