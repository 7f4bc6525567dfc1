//! The expression that starts with a literal.
//!
//! Owns how far the literals extend that may be parts of the same value: `"a" "b"`, `"a" <> "b"`,
//! `"%s" % "b"`, `"a".concat("b")`, `["a", "b"]`. Knows no operators: only what ends the expression
//! matters, not what is between two literals. Must not decide whether a value is a secret.

use super::{Notation, quoted};

/// Maximum number of bytes between two literals of one expression.
const BETWEEN_MAX: usize = 80;

/// Where the last literal of an expression ends. Its first literal ends before `after` and has
/// `open` open brackets before it.
pub(super) fn last_literal(text: &[u8], after: usize, limit: usize, notation: Notation, open: usize) -> Option<usize> {
    let mut depth = open;
    let mut last = None;
    let (mut at, mut between) = (after, after);
    while at < limit && at - between <= BETWEEN_MAX {
        let byte = text[at];
        let next = text.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'"' | b'\'' | b'`' => {
                let Some(found) = quoted::read(text, at + 1, limit, &[byte], notation, false) else { break };
                last = Some(found.longest);
                at = found.after;
                between = at;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            // In data formats only the list belongs to the value.
            b')' | b']' | b'}' if depth <= usize::from(!has_expressions(notation)) => break,
            b')' | b']' | b'}' => depth -= 1,
            _ if depth > 0 => {}
            _ if !has_expressions(notation) => break,
            b',' | b';' => break,
            // `Type::name` is one word; any other colon or `=` assigns to a name.
            b':' if next == b':' => at += 1,
            b'=' | b':' => break,
            b'&' | b'|' if next == byte && notation != Notation::Sql => break,
            b'/' if matches!(next, b'/' | b'*') => break,
            b'#' if text[at - 1].is_ascii_whitespace() => break,
            b'-' if next == b'-' => break,
            b'\n' if !awaits_operand(&text[after - 1..at]) => break,
            _ => {}
        }
        at += 1;
    }
    last
}

fn has_expressions(notation: Notation) -> bool {
    matches!(notation, Notation::Code | Notation::Basic | Notation::Sql | Notation::Text | Notation::Unknown)
}

/// Whether a line ends with an operator, so that the expression continues on the next line.
fn awaits_operand(line: &[u8]) -> bool {
    let last = line.trim_ascii_end().last().copied().unwrap_or(0);
    last.is_ascii_punctuation() && !matches!(last, b'"' | b'\'' | b'`' | b')' | b']' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_one_expression_belong_together() {
        for (notation, open, rest, end) in [
            (Notation::Code, 0, r#" "bc";"#, Some(" \"bc")),
            (Notation::Code, 0, r#" <> "bc", user: "x""#, Some(" <> \"bc")),
            (Notation::Code, 0, " ++\n  \"bc\"\nx = \"y\"", Some(" ++\n  \"bc")),
            (Notation::Code, 0, r#".replace("x", "bc")"#, Some(".replace(\"x\", \"bc")),
            (Notation::Code, 1, ",\n  'bc',\n]; x = 'y'", Some(",\n  'bc")),
            (Notation::Json, 1, r#", "bc"], "user": "x""#, Some(", \"bc")),
            (Notation::Json, 0, r#", "user": "x""#, None),
            (Notation::Yaml, 0, "\nuser: \"x\"", None),
            (Notation::Code, 0, r#", user="x""#, None),
            (Notation::Code, 0, r#" user="x""#, None),
            (Notation::Code, 0, r#" :user "x""#, None),
            (Notation::Code, 0, "\nuser \"x\"", None),
            (Notation::Code, 0, r#" // not "x""#, None),
            (Notation::Code, 0, r#" && user.is("x")"#, None),
        ] {
            let found = last_literal(&[b"\"", rest.as_bytes()].concat(), 1, rest.len() + 1, notation, open);
            assert_eq!(found.map(|end| &rest[..end - 1]), end, "{rest}");
        }
    }
}
