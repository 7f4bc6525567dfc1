//! Markdown that shows foreign text as the text it is.
//!
//! Owns the escaping: no markup, no link, no mention of a person, no reference to an issue, whatever dialect reads it.

use std::fmt::Write as _;

use crate::plain;

/// Text that every dialect shows as it is. Entities, because a backslash does not stop what looks for links and mentions; and behind what starts
/// one of these a joiner without width, because some look for them after entities were read. Control characters appear as escapes, so what
/// comes out is one line.
pub fn escape(text: &str) -> String {
    let clean = plain::line(text);
    let mut out = String::with_capacity(clean.len() * 2);
    let mut before = [' '; 3];
    let mut rest = clean.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        let breaks = match c {
            '@' => true,
            '#' => next.is_ascii_alphanumeric(),
            ':' => next == '/',
            '.' => before.iter().all(|c| c.eq_ignore_ascii_case(&'w')),
            _ => false,
        };
        // What follows an opening bracket is a link only behind a closing one, and a colon with a blank behind it starts nothing.
        let marks_up = "&<>\\`*_[]{}#!|~@$^\"'".contains(c) || c == ':' && !next.is_whitespace();
        if breaks || marks_up {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
        if breaks {
            out.push_str("&#8288;");
        }
        before = [before[1], before[2], c];
    }
    out
}

/// [`escape`] of the start of `text`: at most `max` characters are shown, and not more than six bytes for each are needed.
pub fn escape_cut(text: &str, max: usize) -> String {
    let mut kept = max;
    loop {
        let escaped = escape(&plain::cut(text, kept));
        if escaped.len() <= max * 6 {
            return escaped;
        }
        kept /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_looks_like_a_link_or_a_mention_is_cut() {
        assert_eq!(escape("@all"), "&#64;&#8288;all");
        assert_eq!(escape("a@b.io"), "a&#64;&#8288;b.io");
        assert_eq!(escape("https://x.y"), "https&#58;&#8288;//x.y");
        assert_eq!(escape("www.x.y"), "www&#46;&#8288;x.y");
        assert_eq!(escape("new.high"), "new.high");
        assert_eq!(escape("#12"), "&#35;&#8288;12");
        assert_eq!(escape("src/main.rs"), "src/main.rs");
    }

    #[test]
    fn nothing_is_left_that_marks_up() {
        let shown = escape("`a` **b** _c_ [d](e) <f> | ![g] ~~h~~ \n# i &amp; \\j");
        assert!(!shown.contains(['`', '*', '_', '[', ']', '<', '>', '|', '!', '~', '\n']));
        assert_eq!(escape("a: b (c) :d: e"), "a: b (c) &#58;d: e");
    }
}
