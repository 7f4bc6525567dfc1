//! Values that take a whole line.
//!
//! Owns what makes a line one assignment, trailing comments, continued lines and YAML blocks.

use std::ops::Range;

use super::Notation;
use super::space::{skip_blanks, trim};

/// Maximum number of lines that continue a value.
const LINES_MAX: usize = 40;

/// The end of the line of `at`, without the line break, at most `limit`.
pub(super) fn end_of_line(text: &[u8], at: usize, limit: usize) -> usize {
    let end = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |found| at + found);
    end - usize::from(end > at && text[end - 1] == b'\r')
}

/// Whether a line may begin like this before the name of its only assignment.
pub(super) fn is_head(head: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"export",
        b"set",
        b"declare",
        b"local",
        b"readonly",
        b"setenv",
        b"env",
        b"-x",
        b"-",
        b"#",
        b"//",
        b";",
        b"ENV",
        b"ARG",
        b"rem",
        b"REM",
        b"--",
    ];
    head.split(|b| matches!(b, b' ' | b'\t')).all(|word| {
        let word = word.strip_suffix(b"\"").or(word.strip_suffix(b"'")).unwrap_or(word);
        word.is_empty() || WORDS.contains(&word)
    })
}

/// The rest of the line from `start`, without a trailing comment of the notation and trimmed.
pub(super) fn rest(text: &[u8], start: usize, limit: usize, notation: Notation) -> Range<usize> {
    let end = end_of_line(text, start, limit);
    let line = &text[start..end];
    let is_comment = |at: usize| {
        let mark = line[at];
        let after_blank = at > 0 && matches!(line[at - 1], b' ' | b'\t');
        match notation {
            Notation::Properties => false,
            Notation::Ini => after_blank && matches!(mark, b'#' | b';'),
            _ => after_blank && mark == b'#',
        }
    };
    let end = (0..line.len()).find(|&at| matches!(line[at], b'#' | b';') && is_comment(at)).unwrap_or(line.len());
    trim(text, start..start + end)
}

/// The line after the one that ends at `end`, if it starts before `limit`.
fn next_line(text: &[u8], end: usize, limit: usize) -> Option<Range<usize>> {
    let next = end + usize::from(text.get(end) == Some(&b'\r')) + 1;
    (next < limit && text[next - 1] == b'\n').then(|| next..end_of_line(text, next, limit))
}

/// Number of backslashes at the end.
fn backslashes(text: &[u8]) -> usize {
    text.iter().rev().take_while(|b| **b == b'\\').count()
}

/// Where the continuation lines after the line of `end` end. The assignment starts at `name`.
pub(super) fn continued(text: &[u8], name: usize, end: usize, limit: usize, notation: Notation) -> usize {
    let own = indent_of(text, name);
    let mut end = end_of_line(text, end, limit);
    for _ in 0..LINES_MAX {
        let Some(line) = next_line(text, end, limit) else { break };
        let is_escaped = backslashes(&text[..end]) % 2 == 1;
        let first = skip_blanks(text, line.start, line.end);
        let is_deeper = first - line.start > own && first < line.end;
        let goes_on = match notation {
            Notation::Properties | Notation::Shell | Notation::Dotenv => is_escaped,
            // `git config` continues lines by a backslash.
            Notation::Ini => is_deeper || is_escaped,
            Notation::Yaml | Notation::Unknown => is_deeper,
            _ => false,
        };
        if !goes_on {
            break;
        }
        end = line.end;
    }
    end
}

/// Where the lines end that a backslash directly after a value joins to it. After a blank, a
/// backslash continues the command, not the word.
pub(super) fn behind_backslash(text: &[u8], start: usize, end: usize, limit: usize) -> usize {
    let mut end = end;
    for _ in 0..LINES_MAX {
        let value = &text[start..end];
        let slashes = backslashes(value);
        let is_glued = value[..value.len() - slashes].last().is_some_and(|b| !matches!(b, b' ' | b'\t'));
        let Some(line) = next_line(text, end, limit).filter(|_| slashes % 2 == 1 && is_glued) else { break };
        end = line.end;
    }
    end
}

/// The text of a block scalar whose header, `|-` or `>2`, begins at `start`: the lines that are
/// indented more than the name's.
pub(super) fn block(text: &[u8], name: usize, start: usize, limit: usize) -> Option<Range<usize>> {
    let header_end = end_of_line(text, start, limit);
    let header = text[start..header_end].trim_ascii_end();
    let (first, signs) = header.split_first()?;
    let signs = signs.split(|b| *b == b'#').next().unwrap_or_default().trim_ascii_end();
    if !matches!(first, b'|' | b'>') || signs.len() > 2 || !signs.iter().all(|b| matches!(b, b'+' | b'-' | b'1'..=b'9'))
    {
        return None;
    }
    let own = indent_of(text, name);
    let mut at = memchr::memchr(b'\n', &text[header_end..limit]).map(|found| header_end + found + 1)?;
    let mut found: Option<Range<usize>> = None;
    for _ in 0..LINES_MAX {
        if at >= limit {
            break;
        }
        let end = end_of_line(text, at, limit);
        let indent = text[at..end].iter().take_while(|b| **b == b' ').count();
        if at + indent < end {
            if indent <= own {
                break;
            }
            let first = found.as_ref().map_or(at + indent, |value| value.start);
            found = Some(first..end);
        }
        at = memchr::memchr(b'\n', &text[end..limit]).map_or(limit, |line_end| end + line_end + 1);
    }
    found
}

/// Number of blanks at the start of the line of `at`.
fn indent_of(text: &[u8], at: usize) -> usize {
    let line = super::line_start(text, at);
    skip_blanks(text, line, at) - line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_one_assignment_are_recognised() {
        for head in ["", "  ", "export ", "- ", "  - \"", "# ", "ENV ", "declare -x "] {
            assert!(is_head(head.as_bytes()), "{head}");
        }
        for head in ["a=", "x: {", "Server=h;", "login ", "mysql --", "f("] {
            assert!(!is_head(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn comments_end_a_value_where_the_notation_has_them() {
        for (notation, line, value) in [
            (Notation::Dotenv, "a;b,c)#d # e", "a;b,c)#d"),
            (Notation::Ini, "a;b ; c", "a;b"),
            (Notation::Properties, "a #b ;c  ", "a #b ;c"),
            (Notation::Yaml, "a: b;#c\t# d", "a: b;#c"),
        ] {
            assert_eq!(&line[rest(line.as_bytes(), 0, line.len(), notation)], value, "{line}");
        }
    }

    #[test]
    fn lines_that_go_on_belong_to_the_value() {
        for (notation, text, end) in [
            (Notation::Properties, "p=a\\\n  b\nq=c", "p=a\\\n  b"),
            (Notation::Properties, "p=a\\\\\n  b\nq=c", "p=a\\\\"),
            (Notation::Yaml, "p: a\n  b\nq: c", "p: a\n  b"),
            (Notation::Yaml, "p: a\nq: c", "p: a"),
            (Notation::Ini, "p = a\r\n\tb\r\n[q]", "p = a\r\n\tb"),
        ] {
            assert_eq!(&text[..continued(text.as_bytes(), 0, 3, text.len(), notation)], end, "{text:?}");
        }
    }

    #[test]
    fn blocks_of_yaml_are_read_whole() {
        let text = "  p: |2-\n    a\n\n    b\n  q: c";
        assert_eq!(block(text.as_bytes(), 2, 5, text.len()).map(|found| &text[found]), Some("a\n\n    b"));
        assert_eq!(block(b"p: |x\n a", 0, 3, 8), None);
    }
}
