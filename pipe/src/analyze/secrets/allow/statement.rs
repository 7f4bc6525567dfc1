//! Where a statement ends.
//!
//! Owns a line-by-line reading that works for any language: continued lines, brackets, multi-line
//! strings, YAML blocks, heredocs and armour. It errs on the short side: a construct that is not
//! closed within the limits counts as one line.

use std::ops::Range;

use super::line::line_end;

/// Maximum length of a statement after its first line.
const LINES_MAX: usize = 200;
const BYTES_MAX: usize = 64 << 10;

/// The statement whose first line begins at `start`. `budget` is the number of bytes that may still
/// be read for the whole text; once it is used up, a statement is one line.
pub(super) fn of(text: &[u8], start: usize, budget: &mut usize) -> Range<usize> {
    let mut reader = Reader::default();
    let mut line = start..line_end(text, start);
    let first = line.end;
    if line.len() > *budget {
        return line;
    }
    for _ in 0..LINES_MAX {
        *budget = budget.saturating_sub(line.len() + 1);
        reader.line(&text[line.clone()]);
        let next = line.end + 1;
        if next > text.len() || *budget == 0 || line.end - start > BYTES_MAX.max(first - start) {
            break;
        }
        let next = next..line_end(text, next);
        if !reader.goes_on(&text[next.clone()]) {
            return start..line.end;
        }
        line = next;
    }
    // Not closed within the limits: what looked like an opening was something else.
    if reader.is_open() { start..first } else { start..line.end }
}

/// What is open at the end of the lines read so far.
#[derive(Debug, Default)]
struct Reader {
    /// Expected closing brackets; `!` for a block of code, which has statements of its own.
    brackets: Vec<u8>,
    /// The closing mark of a string.
    string: Option<&'static [u8]>,
    /// The line that ends a heredoc.
    heredoc: Option<Vec<u8>>,
    is_in_armour: bool,
    /// The column of the key of a YAML block.
    block: Option<usize>,
    /// How the last line ends.
    dangles: Dangling,
    /// There was an assignment or a `return`, so a brace opens a value.
    is_assignment: bool,
    has_lines: bool,
    /// The element's content follows its tag.
    element: Element,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Dangling {
    #[default]
    No,
    /// A backslash, or an operator between two operands.
    Yes,
    /// `=`: the next line belongs to it only if it starts with a string.
    ForString,
    /// A semicolon: the statement is complete.
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Element {
    #[default]
    None,
    /// Within its opening tag.
    Tag,
    /// Behind it.
    Content,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let trimmed = line.trim_ascii();
        let is_first = !std::mem::replace(&mut self.has_lines, true);
        if let Some(end) = &self.heredoc {
            if trimmed == end.as_slice() {
                self.heredoc = None;
            }
            return;
        }
        if self.block.is_some() {
            return;
        }
        let contains = |mark: &[u8]| memchr::memmem::find(line, mark).is_some();
        if contains(b"-----BEGIN ") || self.is_in_armour {
            self.is_in_armour = !contains(b"-----END ");
        }
        if is_first && matches!(trimmed, [b'<', letter, ..] if letter.is_ascii_alphabetic()) {
            self.element = Element::Tag;
        }
        let code = self.code(line);
        if self.element == Element::Content && contains(b"</") {
            self.element = Element::None;
        }
        let code = code.trim_ascii_end();
        self.dangles = dangling(code, self.string.is_some());
        if self.string.is_none() && self.brackets.is_empty() {
            self.block = yaml_block(code);
        }
    }

    /// Whether a string, bracket or other construct is still open.
    fn is_open(&self) -> bool {
        let is_in_text = self.heredoc.is_some() || self.is_in_armour || self.string.is_some();
        is_in_text || !self.brackets.is_empty() || self.element == Element::Tag
    }

    /// Whether the statement goes on with `next`.
    fn goes_on(&mut self, next: &[u8]) -> bool {
        let trimmed = next.trim_ascii();
        if let Some(column) = self.block {
            let indent = next.iter().take_while(|byte| **byte == b' ').count();
            return trimmed.is_empty() || indent > column;
        }
        if self.brackets.contains(&b'!') {
            return false;
        }
        if self.is_open() {
            return true;
        }
        if self.element == Element::Content {
            return !trimmed.starts_with(b"<") || trimmed.starts_with(b"</");
        }
        let is_string = |text: &[u8]| matches!(text.first(), Some(b'"' | b'\'' | b'`'));
        match self.dangles {
            Dangling::Yes => !trimmed.is_empty(),
            Dangling::ForString => is_string(trimmed),
            Dangling::Closed => false,
            Dangling::No => match trimmed {
                [b'+' | b'.' | b'&', b' ', rest @ ..] => is_string(rest.trim_ascii_start()),
                [b'.', letter, ..] => letter.is_ascii_alphabetic() && trimmed.contains(&b'('),
                [b'|', b'|', ..] | [b'&', b'&', ..] | [b'?', b'?', ..] => true,
                _ => false,
            },
        }
    }

    /// Reads a line and returns it without its trailing comment.
    fn code<'l>(&mut self, line: &'l [u8]) -> &'l [u8] {
        let mut at = 0;
        while at < line.len() {
            let rest = &line[at..];
            if let Some(close) = self.string {
                match rest {
                    [b'\\', _, ..] if close.len() == 1 => at += 1,
                    _ if rest.starts_with(close) => {
                        self.string = None;
                        at += close.len() - 1;
                    }
                    _ => {}
                }
                at += 1;
                continue;
            }
            let before = line[..at].iter().rev().find(|byte| !byte.is_ascii_whitespace()).copied();
            let is_after_word = at > 0 && (line[at - 1].is_ascii_alphanumeric() || line[at - 1] == b'_');
            let is_free = at == 0 || line[at - 1].is_ascii_whitespace();
            match rest {
                [b'#', ..] if is_free => return &line[..at],
                [b'/', b'/', ..] if before != Some(b':') => return &line[..at],
                [b'"', b'"', b'"', ..] => {
                    self.string = Some(b"\"\"\"");
                    at += 2;
                }
                [b'\'', b'\'', b'\'', ..] => {
                    self.string = Some(b"'''");
                    at += 2;
                }
                [b'"', ..] => self.string = Some(b"\""),
                // `don't` opens nothing, nor does a lifetime.
                [b'\'', ..] if !is_after_word && !matches!(before, Some(b'&' | b'<')) => self.string = Some(b"'"),
                [b'`', ..] => self.string = Some(b"`"),
                [b'<', b'<', tail @ ..] if self.heredoc.is_none() => self.heredoc = heredoc(tail),
                [b'(', ..] => self.brackets.push(b')'),
                [b'[', ..] => self.brackets.push(b']'),
                [b'{', ..] => {
                    let is_value = self.opens_value(&line[..at], before);
                    self.brackets.push(if is_value { b'}' } else { b'!' });
                }
                [b')' | b']' | b'}', ..] => drop(self.brackets.pop()),
                [b'>', ..] if self.element == Element::Tag && before != Some(b'=') => {
                    let is_closed = before == Some(b'/') || memchr::memmem::find(rest, b"</").is_some();
                    self.element = if is_closed { Element::None } else { Element::Content };
                }
                [b'=', ..] | [b'r', b'e', b't', b'u', b'r', b'n', b' ', ..] => self.is_assignment = true,
                _ => {}
            }
            at += 1;
        }
        line
    }

    /// Whether a brace opens a value, and not a block of code.
    fn opens_value(&self, line: &[u8], before: Option<u8>) -> bool {
        match before {
            Some(b'=' | b':' | b',' | b'(' | b'[' | b'{' | b'?' | b'$' | b'|' | b'&') => true,
            // A brace at the start of a line inside brackets with values.
            None => self.brackets.last().is_some_and(|bracket| *bracket != b'!'),
            // `=> {`, `) {`
            Some(b'>' | b')' | b'"' | b'\'') => false,
            Some(_) => {
                const BLOCKS: [&[u8]; 16] = [
                    b"func",
                    b"function",
                    b"fn",
                    b"class",
                    b"struct",
                    b"impl",
                    b"enum",
                    b"trait",
                    b"interface",
                    b"if",
                    b"for",
                    b"while",
                    b"switch",
                    b"match",
                    b"else",
                    b"try",
                ];
                let mut words = line.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                self.is_assignment && !words.any(|word| BLOCKS.contains(&word))
            }
        }
    }
}

/// How a line of code ends.
fn dangling(code: &[u8], is_in_string: bool) -> Dangling {
    let is_apart = |operator: usize| {
        let before = code.len().checked_sub(operator + 1).map(|at| code[at]);
        before.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b')'))
    };
    match code {
        [.., b'\\', b'\\'] => Dangling::No,
        [.., b'\\'] => Dangling::Yes,
        _ if is_in_string => Dangling::No,
        [.., b';'] => Dangling::Closed,
        [.., b'&', b'&'] | [.., b'|', b'|'] if is_apart(2) => Dangling::Yes,
        [.., b'+'] if is_apart(1) => Dangling::Yes,
        [.., b':', b'='] if is_apart(2) => Dangling::ForString,
        [.., b'='] if is_apart(1) => Dangling::ForString,
        _ => Dangling::No,
    }
}

/// The column of the key, if a line opens a block scalar: `key: |`, `- key: >-`.
fn yaml_block(code: &[u8]) -> Option<usize> {
    let digits = code.iter().rev().take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9')).count();
    let code =
        code[..code.len() - digits].strip_suffix(b"|").or_else(|| code[..code.len() - digits].strip_suffix(b">"));
    let code = code.filter(|_| digits <= 2)?;
    let head = code.trim_ascii_end();
    // An anchor or a tag may come between the key and the sign.
    let last = head.rsplit(|byte| *byte == b' ').next().unwrap_or(head);
    let head =
        if matches!(last.first(), Some(b'&' | b'!')) { head[..head.len() - last.len()].trim_ascii_end() } else { head };
    (head.len() < code.len() && matches!(head.last(), Some(b':' | b'-'))).then_some(())?;
    let mut column = code.iter().take_while(|byte| **byte == b' ').count();
    while code[column..].starts_with(b"- ") && head.len() > column + 1 {
        column += 2 + code[column + 2..].iter().take_while(|byte| **byte == b' ').count();
    }
    Some(column)
}

/// The line that ends a heredoc which `tail` (behind `<<`) opens.
fn heredoc(tail: &[u8]) -> Option<Vec<u8>> {
    let tail = tail.strip_prefix(b"-").or_else(|| tail.strip_prefix(b"~")).unwrap_or(tail);
    let tail = tail.strip_prefix(b"'").or_else(|| tail.strip_prefix(b"\"")).unwrap_or(tail);
    let word: Vec<u8> = tail.iter().copied().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').collect();
    word.first().is_some_and(u8::is_ascii_uppercase).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_statement_ends_where_its_last_line_does() {
        // The statement, and what follows it.
        for (statement, after) in [
            ("password = \"x\"", "other = \"y\""),
            ("PASSWORD=x \\\n  y \\\n  z", "OTHER=y"),
            ("connect(\n  user,\n  \"x\",\n)", "other()"),
            ("keys = [\n  \"x\",  # one\n  \"y\",\n]", "other"),
            ("const config = {\n  a: \"x\",\n  b: {\n    c: \"}\",\n  },\n};", "let other"),
            ("\"credentials\": {\n  \"key\": \"x\"\n},", "\"other\": 1"),
            ("c := aws.Config{\n  Key: \"x\",\n}", "d := 1"),
            ("text = \"\"\"\nx\ny\n\"\"\"", "other"),
            ("const t = `\nx\n`;", "other"),
            ("KEY=\"first\nsecond\nthird\"", "OTHER=\"y\""),
            ("key: |\n  first\n\n  second", "other: x"),
            ("  key: >-2\n    first", "  other: x"),
            ("- key: |\n    first\n    second", "  other: x"),
            ("key: &anchor |\n  first", "other: x"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc=\n-----END RSA PRIVATE KEY-----", "abc"),
            ("cat > x <<EOF\nsecret\nEOF", "other"),
            ("key = <<-EOT\n  secret\n  EOT", "other"),
            ("const a =\n  \"x\" +\n  \"y\";", "const b"),
            ("String a = \"x\"\n  + \"y\";", "String b"),
            ("client\n  .withKey(\"x\")\n  .build()", "other"),
            ("<add key=\"x\"\n     value=\"y\" />", "<add key=\"z\" />"),
            ("<password>\n  x\n</password>", "<other>"),
            ("x = \"don't\"", "y"),
            ("note: don't stop", "y: 'x'"),
            ("PASSWORD=abc=", "OTHER=y"),
            ("PASSWORD =", "OTHER = y"),
            ("class A {", "  password = \"x\""),
            ("provider \"aws\" {", "  access_key = \"x\""),
            ("function f() {", "  let x"),
            ("it(\"works\", () => {", "  let x"),
            ("if (x) {", "  y"),
            ("{", "  \"a\": 1"),
            ("x = (", "y"),
            ("x = 'unclosed", "y"),
            ("let x: &'a str = \"y\";", "let z: &'a str = \"z\";"),
        ] {
            let text = format!("{statement}\n{after}\n");
            let mut budget = usize::MAX;
            let range = of(text.as_bytes(), 0, &mut budget);
            assert_eq!(text[range].trim_end(), statement, "before {after}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_statements_of_whole_lines(text in r#"([a-z=:|>"'`(){}\[\]\\<#;+ -]|\n){0,300}"#) {
            let mut budget = 10_000;
            let range = of(text.as_bytes(), 0, &mut budget);
            prop_assert!(range.start == 0 && range.end <= text.len());
            prop_assert!(range.end == text.len() || text.as_bytes()[range.end] == b'\n');
        }
    }
}
