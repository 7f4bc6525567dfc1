//! Text that cannot act on whoever looks at it.
//!
//! Owns which characters are harmless in every format, and the cutting of text to a length. The model is escaped where it is made; this is the
//! second lock, because a run may come from elsewhere and a terminal or a page obeys what it is shown. What a format needs beyond that (markdown,
//! XML) stands with the format.

use crate::redact::escape_control;

/// Whether a terminal, or somebody's eye, may be led astray by it: controls, and what turns, hides or joins text.
pub fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends the harmless form of `c`: itself, or an escape. A tab becomes a space, as everywhere outside of code.
pub fn push(out: &mut String, c: char) {
    match c {
        '\t' => out.push(' '),
        c if c.is_control() => out.push_str(&escape_control(c.encode_utf8(&mut [0; 4]))),
        c if is_hazard(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// `text` as one harmless line.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// `text` as one harmless line of at most `max` characters; `…` stands for what was cut. Characters are counted as UTF-16 does, the longest
/// count that a server may mean, and never split.
pub fn cut(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    // Where the text ends if a `…` has to follow.
    let mut room = 0;
    let mut shown = String::new();
    for c in text.chars() {
        shown.clear();
        push(&mut shown, c);
        length += shown.chars().map(char::len_utf16).sum::<usize>();
        if length > max {
            out.truncate(room);
            if max > 0 {
                out.push('…');
            }
            return out;
        }
        out.push_str(&shown);
        if length < max {
            room = out.len();
        }
    }
    out
}

/// `1 file`, `2 files`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_acts() {
        assert_eq!(line("a\tb\u{1b}[2J\u{9b}\u{202e}\r\n"), "a b\\x1b[2J\\xc2\\x9b\\u{202e}\\x0d\\x0a");
        assert_eq!(line(&line("\u{1b}")), line("\u{1b}"));
    }

    #[test]
    fn what_is_too_long_ends_with_dots() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("\u{1f511}\u{1f511}", 3), "\u{1f511}…", "a character beyond the basic plane counts twice");
        assert_eq!(cut("a\n", 3), "a…", "an escape is not split");
        assert_eq!(cut("abc", 0), "");
    }

    proptest! {
        #[test]
        fn a_cut_is_never_longer_than_it_may_be(text in any::<String>(), max in 0_usize..40) {
            let cut = cut(&text, max);
            prop_assert!(cut.encode_utf16().count() <= max);
            prop_assert!(!cut.contains(is_hazard));
            prop_assert!(cut == line(&text) || max == 0 || cut.ends_with('…'));
        }
    }
}
