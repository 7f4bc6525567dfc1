//! What of a line is a comment, and what a string.
//!
//! Owns the comment marks and string quotes of all languages together: the language of a text is
//! not known. Looks at one line at a time; must not decide what a comment covers.

use std::ops::Range;

/// How comments of several lines begin and end.
const BLOCKS: [(&[u8], &[u8]); 7] = [
    (b"/*", b"*/"),
    (b"<!--", b"-->"),
    (b"{#", b"#}"),
    (b"(*", b"*)"),
    (b"{-", b"-}"),
    (b"<%--", b"--%>"),
    (b"@*", b"*@"),
];

/// The line that `at` is in, without its end.
pub(super) fn line_at(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |found| found + 1);
    start..line_end(text, at)
}

pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found)
}

/// Whether a line is nothing but a comment.
pub(super) fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    const OPENINGS: &[&[u8]] = &[
        b"#",
        b"//",
        b"/*",
        b"*/",
        b"<!--",
        b"-->",
        b"{#",
        b"#}",
        b"{{!",
        b"<%#",
        b"<%--",
        b"--%>",
        b"@*",
        b"(*",
        b"*)",
        b"{-",
        b"-}",
        b";",
        b"%",
        b"::",
        b"' ",
        b"--",
        b"rem ",
        b"REM ",
        b"Rem ",
        b"dnl ",
        b"\"//",
        b"\"#",
        b"\"_comment",
        b"\"$comment",
        b"\"comment\"",
    ];
    // `---` starts a YAML document and `--flag` is an option, not a comment.
    let is_flag = line.starts_with(b"--") && !matches!(line.get(2), None | Some(b' ' | b'[' | b'\t'));
    let opening = OPENINGS.iter().find(|opening| line.starts_with(opening));
    let Some(opening) = opening.filter(|_| !is_flag) else { return false };
    // Code may follow a comment that is closed: `/* sample */ password = …`.
    let Some((_, closing)) = BLOCKS.iter().find(|(block, _)| block == opening) else { return true };
    let body = &line[opening.len()..];
    memchr::memmem::find(body, closing).is_none_or(|at| body[at + closing.len()..].trim_ascii().is_empty())
}

/// The closing mark of a comment that a line opens and does not close.
pub(super) fn opens_block(line: &[u8]) -> Option<&'static [u8]> {
    let line = line.trim_ascii();
    let block = BLOCKS.iter().find(|(opening, _)| line.starts_with(opening));
    let (opening, closing) = block?;
    memchr::memmem::find(&line[opening.len()..], closing).is_none().then_some(closing)
}

/// The strings that begin and end on a line, with their marks.
pub(super) fn strings(line: &[u8]) -> Vec<Range<usize>> {
    let mut strings = Vec::new();
    let mut lone: Vec<u8> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let mark = line[at];
        let is_after_word = at > 0 && line[at - 1].is_ascii_alphanumeric();
        if !matches!(mark, b'"' | b'`') && (mark != b'\'' || is_after_word) || lone.contains(&mark) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < line.len() && line[end] != mark {
            end += 1 + usize::from(line[end] == b'\\');
        }
        // A mark without a partner is an apostrophe or starts a multi-line string.
        if end >= line.len() {
            // Do not search for its partner again: each search reads the rest of the line.
            lone.push(mark);
            at += 1;
            continue;
        }
        strings.push(at..end + 1);
        at = end + 1;
    }
    strings
}

/// Where the comment of a line begins: at its start if it is nothing else, at the first opening
/// outside of its `strings`, or at its end if it has none.
pub(super) fn comment_start(line: &[u8], strings: &[Range<usize>]) -> usize {
    if is_comment(line) {
        return 0;
    }
    let mut strings = strings.iter().peekable();
    let mut at = 0;
    while at < line.len() {
        if let Some(string) = strings.next_if(|string| string.start == at) {
            at = string.end;
            continue;
        }
        let before = at.checked_sub(1).map(|at| line[at]);
        let is_free = before.is_none_or(|byte| byte.is_ascii_whitespace());
        let opens = match &line[at..] {
            [b'#', ..] | [b'-', b'-', b' ', ..] => is_free,
            [b'/', b'/', ..] => before != Some(b':'),
            rest => BLOCKS.iter().any(|(opening, _)| rest.starts_with(opening)),
        };
        if opens {
            return at;
        }
        at += 1;
    }
    line.len()
}

/// Whether a line starts with a comment of several lines.
pub(super) fn starts_block(line: &[u8]) -> bool {
    BLOCKS.iter().any(|(opening, _)| line.trim_ascii_start().starts_with(opening))
}

/// Whether an unquoted text ends with a comment: a blank and a comment opening, all on one line.
pub(super) fn ends_with_comment(text: &[u8]) -> bool {
    let opens = |at: usize| text[at].is_ascii_whitespace() && starts_comment(&text[at + 1..]);
    !text.contains(&b'\n') && (0..text.len()).any(opens)
}

/// Whether a text starts with a comment opening that formats of settings have.
pub(super) fn starts_comment(text: &[u8]) -> bool {
    [&b"#"[..], b"//", b"/*", b"--", b";", b"<!--"].iter().any(|opening| text.starts_with(opening))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_and_apostrophes_ignored() {
        let strings =
            |text: &str| strings(text.as_bytes()).into_iter().map(|one| text[one].to_owned()).collect::<Vec<_>>();
        assert_eq!(strings(r#"a = "b\"c" + 'd' + `e`"#), [r#""b\"c""#, "'d'", "`e`"]);
        assert_eq!(strings("don't say \"no\" # it's"), ["\"no\""]);
        assert_eq!(strings("a = \"b"), [""; 0]);
    }

    #[test]
    fn comment_only_lines_are_recognised() {
        for line in ["# a", "  // a", "/* a */", "<!-- a -->", "-- a", "; a", "\"//\": \"a\",", "REM a", "*/", "{# a"] {
            assert!(is_comment(line.as_bytes()), "{line}");
        }
        for line in ["a # b", "/* a */ b", "<!-- a --><b/>", "--password x", "---", "* a", "\"a\": 1", ""] {
            assert!(!is_comment(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_comment_starts_outside_of_strings() {
        for (line, comment) in [
            ("a = \"# b\"  # c", "# c"),
            ("a = 'x' // b", "// b"),
            ("a = 'http://x' /* b */", "/* b */"),
            ("a: http://x # b", "# b"),
            ("a = \"b\"", ""),
            ("run --flag \"b\"", ""),
            ("\"//\": \"b\"", "\"//\": \"b\""),
        ] {
            let strings = strings(line.as_bytes());
            assert_eq!(&line[comment_start(line.as_bytes(), &strings)..], comment, "{line}");
        }
    }
}
