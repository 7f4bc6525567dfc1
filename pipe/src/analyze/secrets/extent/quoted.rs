//! Values between quotation marks: where they close, and the literals that are joined to them.
//!
//! Owns escapes, doubled quotes and what joins literals. Knows nothing of names.

use std::ops::Range;

use super::Notation;
use super::space::trim_end;

/// How a quoted text escapes its own quote.
#[derive(Clone, Copy, Debug)]
struct Escapes {
    /// `\"`
    backslash: bool,
    /// `""`
    doubled: bool,
    /// All parsers of the notation agree.
    agreed: bool,
}

impl Escapes {
    fn of(notation: Notation, mark: u8, is_raw: bool) -> Self {
        let single = mark == b'\'';
        let (backslash, doubled, agreed) = match notation {
            Notation::Yaml => (!single, single, true),
            Notation::Json => (true, false, true),
            Notation::Toml => (!single, false, true),
            Notation::Sql | Notation::Basic => (false, true, false),
            Notation::Shell => (!single, false, false),
            Notation::Markup => (false, false, false),
            Notation::Code | Notation::Text | Notation::Unknown if is_raw => (false, true, false),
            _ => (true, false, false),
        };
        Self { backslash, doubled, agreed }
    }
}

/// A quoted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::analyze::secrets) struct Quoted {
    /// The text between the quotes.
    pub(in crate::analyze::secrets) value: Range<usize>,
    /// The position after the closing quote.
    pub(in crate::analyze::secrets) after: usize,
    /// Where the longest reading of the value ends.
    pub(in crate::analyze::secrets) longest: usize,
}

/// The text from `start`, which follows an opening quote, up to its `close`; on one line unless the
/// notation allows more. `is_raw`: a prefix makes a backslash an ordinary character. `None` if the
/// text does not close before `limit`.
pub(in crate::analyze::secrets) fn read(
    text: &[u8],
    start: usize,
    limit: usize,
    close: &[u8],
    notation: Notation,
    is_raw: bool,
) -> Option<Quoted> {
    let &[mark] = close else { return long(text, start, limit, close) };
    let escapes = Escapes::of(notation, mark, is_raw);
    let multiline = notation == Notation::Yaml;
    // The first quote that closes the text in this notation, and the first that closes it in every
    // notation.
    let mut first = None;
    let mut closing = None;
    let mut last = None;
    // How many backslashes precede `at`.
    let mut slashes = 0;
    let mut at = start;
    while at < limit {
        let byte = text[at];
        if byte == b'\\' {
            slashes += 1;
            at += 1;
            continue;
        }
        if byte != mark && byte != b'\n' {
            slashes = 0;
            at += 1;
            continue;
        }
        // PowerShell escapes with a grave accent.
        let is_ticked = notation == Notation::Basic && byte == b'"' && at > start && text[at - 1] == b'`';
        let is_escaped = slashes % 2 == 1 || is_ticked;
        slashes = 0;
        // A backslash continues the line, whether it ends with LF or CRLF.
        if byte == b'\n' && !multiline && !is_escaped && !text[start..at].ends_with(b"\\\r") {
            break;
        }
        if byte == mark {
            let is_doubled = text.get(at + 1) == Some(&mark) && at + 1 < limit;
            first = first.or(Some(at));
            let is_text = is_ticked || escapes.backslash && is_escaped || escapes.doubled && is_doubled;
            if closing.is_none() && !is_text {
                closing = Some(at);
            }
            if closing.is_some() && (escapes.agreed || !is_escaped && !is_doubled) {
                last = Some(at);
                break;
            }
            at += usize::from(is_doubled && !(escapes.backslash && is_escaped));
        }
        at += 1;
    }
    let end = closing.or(if escapes.agreed { None } else { first })?;
    // The closing quote may be an escaped one, and no other follows: no parser reads beyond the
    // line.
    let longest = last.unwrap_or_else(|| trim_end(text, end, at.min(limit)));
    Some(Quoted { value: start..end, after: end + 1, longest })
}

/// Quotes of several characters: `"""`, `&quot;`, `%22`, and quotes inside a string, `\"`, which
/// are escaped by more backslashes.
fn long(text: &[u8], start: usize, limit: usize, close: &[u8]) -> Option<Quoted> {
    let slashes = close.iter().take_while(|b| **b == b'\\').count();
    let is_triple = close.len() == 3 && close[0] == close[2];
    let mut at = start;
    while at < limit {
        let byte = text[at];
        if slashes > 0 && byte == b'\\' && close.len() == slashes + 1 {
            let row = text[at..limit].iter().take_while(|b| **b == b'\\').count();
            if text.get(at + row) == close.last() && at + row < limit && row >= slashes {
                // Each level of escaping doubles the backslashes and adds one: the rest are those
                // of the inner text.
                if ((row - slashes) / (slashes + 1)).is_multiple_of(2) {
                    let end = at + row - slashes;
                    return Some(Quoted { value: start..end, after: at + row + 1, longest: end });
                }
                at += 1;
            }
            at += row;
            continue;
        }
        if byte == close[0] && text[at..limit].starts_with(close) {
            // `""""` closes with its last three.
            let extra =
                if is_triple { text[at + 3..limit].iter().take_while(|b| **b == close[0]).count().min(2) } else { 0 };
            return Some(Quoted { value: start..at + extra, after: at + extra + close.len(), longest: at + extra });
        }
        match byte {
            b'\n' if !is_triple => return None,
            b'\\' if is_triple => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// Maximum number of operands and literals.
const JOINED_MAX: usize = 64;
/// Maximum length of an operand between two literals, and of the white space around an operator.
const OPERAND_MAX: usize = 80;

/// The literals joined to the one that ends before `after`: `"a" + "b"`, `'a' . 'b'`, `"a" \⏎ "b"`,
/// `"a""b"`, and where the last one ends, even if there is an operand that is not a literal in
/// between.
pub(in crate::analyze::secrets) fn joined(
    text: &[u8],
    after: usize,
    limit: usize,
    notation: Notation,
) -> (Vec<Range<usize>>, Option<usize>) {
    let mut parts = Vec::new();
    let mut longest = None;
    let mut literals_only = true;
    let mut at = after;
    for _ in 0..JOINED_MAX {
        let Some(next) = operand(text, at, limit, notation) else { break };
        let (start, is_raw) = prefix(text, next, limit);
        let Some(&mark) = text.get(start).filter(|b| matches!(b, b'"' | b'\'' | b'`') && start < limit) else {
            // `"a" + name() + "b"`
            let length = text[next..limit.min(next + OPERAND_MAX)]
                .iter()
                .take_while(|b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'(' | b')' | b'[' | b']' | b'$' | b':')
                })
                .count();
            if length == 0 {
                break;
            }
            literals_only = false;
            at = next + length;
            continue;
        };
        let Some(found) = read(text, start + 1, limit, &[mark], notation, is_raw) else { break };
        longest = Some(found.longest);
        if literals_only {
            parts.push(found.value);
        }
        at = found.after;
    }
    (parts, longest)
}

/// Where the next operand starts, if an operator that joins strings comes next.
fn operand(text: &[u8], at: usize, limit: usize, notation: Notation) -> Option<usize> {
    let blanks = |from: usize| {
        let window = &text[from..limit.min(from + OPERAND_MAX)];
        from + window.iter().take_while(|b| b.is_ascii_whitespace()).count()
    };
    let is_program =
        matches!(notation, Notation::Code | Notation::Basic | Notation::Sql | Notation::Text | Notation::Unknown);
    // `'a'"b"` is one word of a shell, `"a""b"` one text of C.
    if matches!(text.get(at), Some(b'"' | b'\'')) && at < limit && (is_program || notation == Notation::Shell) {
        return Some(at);
    }
    if !is_program {
        return None;
    }
    let next = blanks(at);
    let rest = &text[next.min(limit)..limit];
    let operator = match rest {
        [b'+', b'=', ..] | [b'&', b'&', ..] => return None,
        [b'+', b'+', ..] | [b'<', b'<' | b'>', ..] => 2,
        [b'|', b'|', ..] if notation == Notation::Sql => 2,
        [b'.', b'.', ..] => 2,
        [b'+' | b'&', ..] => 1,
        [b'.', b' ' | b'"' | b'\'', ..] => 1,
        // A continued line; in C and Python literals next to each other are one.
        [b'\\', b'\r' | b'\n', ..] => 1,
        [b'"' | b'\'', ..] if matches!(notation, Notation::Code | Notation::Sql) => 0,
        [b'@' | b'L' | b'u' | b'r' | b'f' | b'b', b'"', ..] if notation == Notation::Code => 0,
        _ => return None,
    };
    let mut next = blanks(next + operator);
    // VB: `"a" & _⏎ "b"`
    let rest = &text[next.min(limit)..limit];
    if operator == 1 && (rest.starts_with(b"_\n") || rest.starts_with(b"_\r\n")) {
        next = blanks(next + 1);
    }
    (next < limit).then_some(next)
}

/// Where a raw literal with brackets inside its quotes ends: `R"x(…)x"` of C++, `r"(…)"` of R,
/// `q'[…]'` of Oracle. `start` follows the opening quote.
pub(in crate::analyze::secrets) fn bracketed(
    text: &[u8],
    start: usize,
    limit: usize,
    notation: Notation,
) -> Option<usize> {
    let head = text.get(..start)?;
    let (mark, before) = head.split_last()?;
    let prefix = before.last()?;
    let rest = &text[start..limit];
    let (delimiter, open) = match (notation, prefix, mark) {
        (Notation::Sql | Notation::Text | Notation::Unknown, b'q' | b'Q', b'\'') => (&rest[..0], *rest.first()?),
        (Notation::Code | Notation::Text | Notation::Unknown, b'R' | b'r', b'"' | b'\'') => {
            let length = rest.iter().take(17).position(|b| matches!(b, b'(' | b'[' | b'{'))?;
            (&rest[..length], rest[length])
        }
        _ => return None,
    };
    let close = match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        b'<' => b'>',
        other => other,
    };
    let closing = [&[close], delimiter, &[*mark]].concat();
    let body = delimiter.len() + 1;
    let length = memchr::memmem::find(rest.get(body..)?, &closing)?;
    Some(start + body + length)
}

/// The position after the prefix of a literal, and whether the prefix makes it raw.
fn prefix(text: &[u8], at: usize, limit: usize) -> (usize, bool) {
    match &text[at..limit] {
        [b'r' | b'R' | b'@', b'"' | b'\'', ..] => (at + 1, true),
        [b'b' | b'u' | b'f' | b'L' | b'B' | b'U' | b'$', b'"' | b'\'', ..] => (at + 1, false),
        _ => (at, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value and what the longest reading covers.
    fn read_in(notation: Notation, line: &str, raw: bool) -> Option<(String, String)> {
        let close = &line.as_bytes()[..1];
        let found = read(line.as_bytes(), 1, line.len(), close, notation, raw)?;
        Some((line[found.value.clone()].to_owned(), line[found.value.start..found.longest].to_owned()))
    }

    #[test]
    fn each_notation_closes_by_its_own_rules() {
        let same = |value: &str| Some((value.to_owned(), value.to_owned()));
        let longer = |value: &str, longest: &str| Some((value.to_owned(), longest.to_owned()));
        for (notation, line, raw, expected) in [
            (Notation::Yaml, "'a''b\\' x", false, same("a''b\\")),
            (Notation::Yaml, r#""a\"b" x"#, false, same(r#"a\"b"#)),
            (Notation::Json, r#""a\\", "b""#, false, same(r"a\\")),
            (Notation::Toml, r"'a\' x", false, same(r"a\")),
            (Notation::Sql, "'a''b');", false, same("a''b")),
            // Standard SQL ends here, MySQL does not.
            (Notation::Sql, r"'a\'b', 'c');", false, longer(r"a\", r"a\'b")),
            (Notation::Code, r#""a\"b";"#, false, same(r#"a\"b"#)),
            (Notation::Code, r#""a\";"#, true, longer(r"a\", r#"a\";"#)),
            (Notation::Basic, r#""a""b" & c"#, false, same(r#"a""b"#)),
            (Notation::Dotenv, r"'a\'b'", false, same(r"a\'b")),
            (Notation::Code, "\"a\nb\"", false, None),
        ] {
            assert_eq!(read_in(notation, line, raw), expected, "{line}");
        }
    }

    #[test]
    fn marks_within_a_string_close_by_their_row_of_backslashes() {
        for (line, value) in [(r#"a\\\"b\","#, r#"a\\\"b"#), (r#"a\\\\\","#, r"a\\\\"), (r#"ab\","#, "ab")] {
            let found = read(line.as_bytes(), 0, line.len(), b"\\\"", Notation::Json, false).unwrap();
            assert_eq!(&line[found.value], value, "{line}");
        }
    }

    #[test]
    fn joined_literals_are_one() {
        for (notation, rest, parts, last) in [
            (Notation::Code, r#" + "bc" + 'de';"#, vec!["bc", "de"], Some("de")),
            (Notation::Code, "\n  \"bc\")", vec!["bc"], Some("bc")),
            (Notation::Code, r#" + f(x) + "bc";"#, vec![], Some("bc")),
            (Notation::Code, " . 'bc';", vec!["bc"], Some("bc")),
            (Notation::Basic, " & _\n \"bc\"", vec!["bc"], Some("bc")),
            (Notation::Sql, " || 'bc'", vec!["bc"], Some("bc")),
            (Notation::Shell, "\"'\"'bc'", vec!["'", "bc"], Some("bc")),
            (Notation::Code, r#", "bc""#, vec![], None),
            (Notation::Json, "\n \"bc\"", vec![], None),
        ] {
            let (found, longest) = joined(rest.as_bytes(), 0, rest.len(), notation);
            let found: Vec<&str> = found.into_iter().map(|part| &rest[part]).collect();
            assert_eq!(found, parts, "{rest}");
            assert_eq!(longest.map(|end| rest[..end].ends_with(last.unwrap_or("\0"))), last.map(|_| true), "{rest}");
        }
    }
}
