//! Finding the value that a name is given, in whatever language.
//!
//! Owns one tolerant reading of "name, operator, value" that covers code, configuration, markup, shell and headers. It says what stands
//! where; whether the value is a secret is for others to judge. Everything is bounded: a few hundred bytes around the name at most.

use std::ops::Range;

/// A name and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The whole identifier, as `spring.datasource.password`.
    pub(super) name: Range<usize>,
    /// The value without its quotes.
    pub(super) value: Range<usize>,
    /// What the value stands in.
    pub(super) quote: Quote,
    /// How name and value are connected.
    pub(super) operator: Operator,
    /// The value is what a function of this sort is given: `SecretStr("…")`.
    pub(super) wrapped: bool,
}

/// What a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// Nothing: the value ends where the syntax around it says.
    Bare,
    /// Quotation marks of some kind.
    Quoted,
    /// Between XML tags.
    Element,
}

/// How name and value are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:=`, `=>`, `:` and their kin.
    Assign,
    /// `==`, `!=`.
    Compare,
    /// `, ` after a quoted name, or a call: `set("name", "value")`, `setName("value")`.
    Argument,
    /// A blank, where the syntax allows it: `--name value`, `ENV NAME value`.
    Blank,
    /// `<name>value</name>`.
    Element,
    /// `key="name" value="value"`, `name: NAME` and on the next line `value: …`.
    Attribute,
    /// A default: `|| "value"`, `?? "value"`, `:-value`.
    Default,
}

/// Longest name, and longest way from a name to its value.
const NAME_MAX: usize = 96;
const REACH: usize = 96;
/// Longest value that is looked at; longer ones are not secrets of this kind.
const VALUE_MAX: usize = 2048;

/// Bytes of identifiers, including separators within them.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$') || byte >= 0x80
}

/// The identifier around `hit`.
pub(super) fn name_around(text: &[u8], hit: Range<usize>) -> Range<usize> {
    let floor = hit.start.saturating_sub(NAME_MAX);
    let mut start = hit.start;
    while start > floor && is_name_byte(text[start - 1]) {
        start -= 1;
    }
    // `\npassword`: the letter of an escape is not part of the name.
    if start < hit.start && start > 0 && text[start - 1] == b'\\' && matches!(text[start], b'n' | b't' | b'r') {
        start += 1;
    }
    let ceiling = text.len().min(hit.end + NAME_MAX);
    let mut end = hit.end;
    while end < ceiling && is_name_byte(text[end]) {
        // `->` is an operator, `--` after a name a comment.
        if text[end] == b'-' && matches!(text.get(end + 1), Some(b'>' | b'-')) {
            break;
        }
        end += 1;
    }
    while end > hit.end && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    start..end
}

/// A reading position that never leaves the text or its reach.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    limit: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> u8 {
        if self.at < self.limit { self.text[self.at] } else { 0 }
    }

    fn starts_with(&self, word: &[u8]) -> bool {
        self.text[self.at.min(self.limit)..self.limit].starts_with(word)
    }

    fn eat(&mut self, word: &[u8]) -> bool {
        let eaten = self.starts_with(word);
        if eaten {
            self.at += word.len();
        }
        eaten
    }

    fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        self.at > start
    }

    /// Blanks, and one line end with the blanks after it.
    fn skip_line_end(&mut self) {
        self.skip_blanks();
        let start = self.at;
        if !self.eat(b"\r\n") && !self.eat(b"\n") && !self.eat(b"\\n") {
            return;
        }
        self.skip_blanks();
        if self.peek() == 0 {
            self.at = start;
        }
    }

    /// A quotation mark, however it is written; its length and closing form.
    fn eat_quote(&mut self) -> Option<&'static [u8]> {
        #[rustfmt::skip]
        const QUOTES: &[&[u8]] = &[
            b"\\\\\\\"", b"\\\\\"", b"\\\"", b"\\'", b"\\u0022", b"\\u0027", b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"%22",
            b"%27", b"\"\"\"", b"'''", b"\"", b"'", b"`",
        ];
        if !matches!(self.peek(), b'"' | b'\'' | b'`' | b'\\' | b'&' | b'%') {
            return None;
        }
        QUOTES.iter().copied().find(|quote| self.eat(quote))
    }
}

/// Reads what follows `name` (an identifier as [`name_around`] gives it). `None` if nothing is assigned there.
pub(super) fn read(text: &[u8], name: Range<usize>) -> Option<Assignment> {
    let mut cursor = Cursor { text, at: name.end, limit: text.len().min(name.end + REACH) };
    let before = name.start.checked_sub(1).map_or(0, |at| text[at]);
    let quoted_name = match cursor.peek() {
        b'"' | b'\'' | b'`' | b'\\' | b'&' | b'%' => cursor.eat_quote().is_some(),
        // `"Access key": "…"`: a name of several words, if it began with a quotation mark.
        b' ' if matches!(before, b'"' | b'\'') => finish_quoted_name(&mut cursor, before),
        _ => false,
    };
    let closed = if quoted_name || before == b':' { cursor.eat(b"]") } else { false };
    if !quoted_name {
        // `password[32] = …`, `getenv(PASSWORD) or …`, `password?: …`
        if cursor.peek() == b'[' {
            let start = cursor.at;
            cursor.at += 1;
            while cursor.peek().is_ascii_alphanumeric() || cursor.peek() == b'_' {
                cursor.at += 1;
            }
            if !cursor.eat(b"]") {
                cursor.at = start;
            }
        }
        let _ = cursor.eat(b"?:") && {
            cursor.at -= 1;
            true
        };
    }
    let called = !closed && cursor.eat(b")");
    let blank = cursor.skip_blanks();
    let operator = read_operator(&mut cursor, &name, before, quoted_name, called, blank)?;
    read_value(&mut cursor, name, operator)
}

fn finish_quoted_name(cursor: &mut Cursor<'_>, quote: u8) -> bool {
    let start = cursor.at;
    while cursor.at < cursor.limit && cursor.at < start + 32 {
        let byte = cursor.peek();
        if byte == quote {
            cursor.at += 1;
            return true;
        }
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-' | b'.')) {
            break;
        }
        cursor.at += 1;
    }
    cursor.at = start;
    false
}

fn read_operator(
    cursor: &mut Cursor<'_>,
    name: &Range<usize>,
    before: u8,
    quoted_name: bool,
    called: bool,
    blank: bool,
) -> Option<Operator> {
    if called {
        // Only a default may follow a closed call: `getenv("TOKEN") or "…"`, `['password'] = …` was handled before.
        return read_default(cursor);
    }
    match cursor.peek() {
        b'=' => {
            let compare = cursor.eat(b"===") || cursor.eat(b"==");
            if compare {
                return Some(Operator::Compare);
            }
            let _ = cursor.eat(b"=>") || cursor.eat(b"=~") || cursor.eat(b"=");
            Some(Operator::Assign)
        }
        b':' => {
            if cursor.eat(b":-") {
                return Some(Operator::Default);
            }
            if cursor.starts_with(b"://") {
                return None;
            }
            let _ = cursor.eat(b"::=") || cursor.eat(b":=") || cursor.eat(b"::") || cursor.eat(b":");
            skip_type(cursor);
            Some(Operator::Assign)
        }
        b'+' if cursor.eat(b"+=") => Some(Operator::Assign),
        b'!' if cursor.eat(b"!==") || cursor.eat(b"!=") => Some(Operator::Compare),
        b'-' if cursor.eat(b"->") => Some(Operator::Assign),
        b'|' | b'?' => {
            if cursor.eat(b"||=") || cursor.eat(b"??=") || cursor.eat(b"?=") {
                return Some(Operator::Assign);
            }
            read_default(cursor)
        }
        b',' => {
            cursor.at += 1;
            cursor.skip_line_end();
            // `name: TOKEN, value: …`
            if eat_value_word(cursor) {
                return Some(Operator::Attribute);
            }
            // `set("token", "…")`, `{"token", "…"}`: the first of a pair, not one of many in a list.
            let open = opening(cursor.text, name.start, quoted_name);
            (open && matches!(cursor.peek(), b'"' | b'\'' | b'@' | b'b')).then_some(Operator::Argument)
        }
        b'(' if !blank => {
            cursor.at += 1;
            cursor.skip_blanks();
            matches!(cursor.peek(), b'"' | b'\'' | b'`' | b'@').then_some(Operator::Argument)
        }
        // `<name>value`, `<property name="name">value`, `<name><value>value`
        b'>' if before == b'<' || before == b':' || quoted_name => {
            cursor.at += 1;
            let _ = eat_tag(cursor, b"<");
            let _ = cursor.eat(b"<![CDATA[");
            Some(Operator::Element)
        }
        // A property list: `<key>name</key>`, then `<string>value`.
        b'<' if before == b'>' && eat_tag(cursor, b"</") => {
            cursor.skip_line_end();
            eat_tag(cursor, b"<").then_some(Operator::Element)
        }
        b'<' if cursor.eat(b"<-") => Some(Operator::Assign),
        // C++: `name{"value"}`.
        b'{' if matches!(cursor.text.get(cursor.at + 1), Some(b'"')) => {
            cursor.at += 1;
            Some(Operator::Assign)
        }
        b'%' if cursor.eat(b"%3D") || cursor.eat(b"%3d") || cursor.eat(b"%3A") || cursor.eat(b"%3a") => {
            Some(Operator::Assign)
        }
        b'\\' if cursor.eat(b"\\u003d") || cursor.eat(b"\\u003D") || cursor.eat(b"\\u003a") => Some(Operator::Assign),
        b'&' if cursor.eat(b"&#61;") || cursor.eat(b"&#x3d;") || cursor.eat(b"&equals;") => Some(Operator::Assign),
        b'\r' | b'\n' => {
            // YAML: `- name: TOKEN` and on the next line `value: …`.
            cursor.skip_line_end();
            eat_value_word(cursor).then_some(Operator::Attribute)
        }
        _ if blank => read_after_blank(cursor, name, before, quoted_name),
        _ => None,
    }
}

/// Whether the name (with its quotation mark) directly follows an opening bracket.
fn opening(text: &[u8], start: usize, quoted: bool) -> bool {
    let mut at = start.saturating_sub(usize::from(quoted));
    while at > 0 && matches!(text[at - 1], b' ' | b'\t' | b'\n' | b'\r' | b'@' | b'b') {
        at -= 1;
    }
    at > 0 && matches!(text[at - 1], b'(' | b'{')
}

/// A tag such as `<string>` or `</key>`, without attributes.
fn eat_tag(cursor: &mut Cursor<'_>, open: &[u8]) -> bool {
    let start = cursor.at;
    if cursor.eat(open) {
        while cursor.peek().is_ascii_alphanumeric() {
            cursor.at += 1;
        }
        if cursor.at > start + open.len() && cursor.eat(b">") {
            return true;
        }
    }
    cursor.at = start;
    false
}

/// `|| "v"`, `?? "v"`, `?: "v"`, `or "v"`, `, "v"` within the call that was just closed is handled as an argument.
fn read_default(cursor: &mut Cursor<'_>) -> Option<Operator> {
    cursor.skip_blanks();
    let _ = cursor.eat(b"]");
    cursor.skip_blanks();
    let found = cursor.eat(b"||")
        || cursor.eat(b"??")
        || cursor.eat(b"?:")
        || cursor.eat(b"or ")
        || cursor.eat(b".unwrap_or(")
        || cursor.eat(b".unwrap_or_else(|_| ")
        || cursor.eat(b"= ")
        || cursor.eat(b"=> ");
    found.then_some(Operator::Default)
}

/// `value=`, `"value":`, `Value=` …: the second half of a pair of attributes.
fn eat_value_word(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    let _ = cursor.eat_quote();
    for word in [&b"value"[..], b"Value", b"VALUE", b"content", b"default"] {
        if cursor.eat(word) {
            let _ = cursor.eat_quote();
            cursor.skip_blanks();
            if cursor.eat(b"=>") || cursor.eat(b"=") || cursor.eat(b":") {
                return true;
            }
        }
    }
    cursor.at = start;
    false
}

/// A blank connects only where some syntax says so.
fn read_after_blank(cursor: &mut Cursor<'_>, name: &Range<usize>, before: u8, quoted_name: bool) -> Option<Operator> {
    let text = cursor.text;
    if quoted_name && eat_value_word(cursor) {
        return Some(Operator::Attribute);
    }
    if cursor.starts_with(b"or ") || cursor.starts_with(b"||") || cursor.starts_with(b"??") {
        return read_default(cursor);
    }
    let line = line_start(text, name.start);
    let head = &text[line..name.start];
    let trimmed = head.trim_ascii_start();
    let quote_follows = matches!(cursor.peek(), b'"' | b'\'' | b'`');
    // C#: `Password { get; set; } = "…"`.
    if cursor.starts_with(b"{ get;") {
        let rest = &text[cursor.at..cursor.limit];
        cursor.at += memchr::memchr(b'}', rest)? + 1;
        cursor.skip_blanks();
        return cursor.eat(b"=").then_some(Operator::Assign);
    }
    // Terraform: `variable "name" {` and within the block `default = "…"`.
    if quoted_name && cursor.peek() == b'{' && trimmed.starts_with(b"variable") {
        cursor.limit = text.len().min(cursor.at + 400);
        let block = &text[cursor.at..cursor.limit];
        let block = &block[..memchr::memchr(b'}', block).unwrap_or(block.len())];
        cursor.at += memchr::memmem::find(block, b"default")? + b"default".len();
        cursor.skip_blanks();
        return cursor.eat(b"=").then_some(Operator::Default);
    }
    // `var password string = "…"`, `String password`, C: `char password [] =` come with an operator later on.
    if let Some(operator) = skip_declared_type(cursor) {
        return Some(operator);
    }
    let flag = text[name.start..].starts_with(b"-") || head.ends_with(b"-");
    let directive = trimmed.starts_with(b"ENV ")
        || trimmed.starts_with(b"ARG ")
        || trimmed.starts_with(b"#define ")
        || trimmed.starts_with(b"setenv ");
    let netrc = head.windows(6).any(|w| w == b"login ");
    let lisp = before == b':'
        || head.ends_with(b"setq ")
        || head.ends_with(b"def ")
        || head.ends_with(b"defvar ")
        || head.ends_with(b"setenv ")
        || before == b'(';
    let ascii_upper = text[name.clone()].iter().all(|b| !b.is_ascii_lowercase());
    if flag || directive || netrc || (quote_follows && (lisp || ascii_upper || (trimmed.is_empty() && !quoted_name))) {
        return Some(Operator::Blank);
    }
    // An unquoted line of its own, as in `requirepass …` or `password …` of configuration files.
    (trimmed.is_empty() && !quoted_name && !quote_follows && config_line(cursor)).then_some(Operator::Blank)
}

/// Name and one word make the whole line.
fn config_line(cursor: &Cursor<'_>) -> bool {
    let rest = &cursor.text[cursor.at..cursor.limit];
    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let line = line.trim_ascii_end();
    line.len() >= 6 && !line.iter().any(|b| matches!(b, b' ' | b'\t' | b'(' | b')' | b'{' | b'}' | b';' | b'=' | b','))
}

/// `: string = "…"`, `: &'static str = "…"`: the type between the colon and the operator is passed over.
fn skip_type(cursor: &mut Cursor<'_>) {
    let start = cursor.at;
    cursor.skip_blanks();
    let first = cursor.peek();
    if !(first.is_ascii_alphabetic() || matches!(first, b'&' | b'?' | b'[' | b'*')) {
        cursor.at = start;
        return;
    }
    let bound = cursor.limit.min(cursor.at + 40);
    while cursor.at < bound {
        match cursor.peek() {
            b'=' if !cursor.starts_with(b"==") => {
                cursor.at += 1;
                return;
            }
            b'\'' if cursor.starts_with(b"'static") => cursor.at += 7,
            b if b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'_' | b'&' | b'<' | b'>' | b'[' | b']' | b'?' | b'.' | b'|' | b' ' | b'*' | b':' | b','
                ) =>
            {
                cursor.at += 1
            }
            _ => break,
        }
    }
    cursor.at = start;
}

/// Go's `password string = "…"` and Swift-like forms without a colon.
fn skip_declared_type(cursor: &mut Cursor<'_>) -> Option<Operator> {
    let start = cursor.at;
    for word in [&b"string"[..], b"String", b"[]byte", b"str", b"text", b"varchar", b"*string", b"interface{}"] {
        if cursor.eat(word) {
            cursor.skip_blanks();
            if cursor.eat(b":=") || (cursor.peek() == b'=' && !cursor.starts_with(b"==") && cursor.eat(b"=")) {
                return Some(Operator::Assign);
            }
            cursor.at = start;
        }
    }
    None
}

pub(super) fn line_start(text: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(400);
    memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |found| floor + found + 1)
}

/// Functions whose argument is the value itself: conversions, wrappers, decoders.
#[rustfmt::skip]
const WRAPPERS: &[&[u8]] = &[
    b"string", b"str", b"bytes", b"byte", b"buffer", b"from", b"decode", b"secret", b"some", b"quote", b"text",
    b"encode", b"base64", b"of", b"new", b"just", b"value", b"literal", b"unhexlify", b"fromhex", b"b64decode",
    b"atob", b"btoa", b"trim", b"into", b"getbytes", b"sensitive", b"default", b"const", b"password", b"token",
    b"key", b"parse", b"raw", b"u", b"b", b"_", b"l", b"unsecure", b"stringvalue", b"cstring", b"to_string",
    b"tochararray", b"chars", b"encrypt", b"md5", b"sha1", b"sha256", b"hash",
];

fn read_value(cursor: &mut Cursor<'_>, name: Range<usize>, operator: Operator) -> Option<Assignment> {
    let text = cursor.text;
    let limit = text.len();
    let mut wrapped = false;
    if operator != Operator::Element {
        cursor.limit = limit.min(cursor.at + REACH);
        let start = cursor.at;
        cursor.skip_blanks();
        if matches!(cursor.peek(), b'\r' | b'\n') || cursor.starts_with(b"\\\n") {
            // A value on the next line only if it is quoted: YAML's next line is another key.
            let _ = cursor.eat(b"\\");
            cursor.skip_line_end();
            if !matches!(cursor.peek(), b'"' | b'\'' | b'`') {
                cursor.at = start;
                return None;
            }
        }
        // Prefixes of literals and opening brackets of lists.
        for _ in 0..3 {
            match cursor.peek() {
                b'@' | b'$' if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'')) => cursor.at += 1,
                b'b' | b'r' | b'u' | b'f' | b'L' | b'R' | b'B' | b'U' | b'q' | b'N'
                    if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'')) =>
                {
                    cursor.at += 1
                }
                b'[' | b'(' | b'{' if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'' | b'b' | b' ')) => {
                    cursor.at += 1;
                    cursor.skip_blanks();
                }
                _ => break,
            }
        }
        wrapped = skip_wrapper(cursor);
    }
    cursor.limit = limit.min(cursor.at + VALUE_MAX);
    let (value, quote) = if operator == Operator::Element {
        (until(cursor, |b| matches!(b, b'<' | b'\n' | b']')), Quote::Element)
    } else if let Some(close) = cursor.eat_quote() {
        (quoted(cursor, close)?, Quote::Quoted)
    } else {
        (bare(cursor), Quote::Bare)
    };
    let value = trim(text, value);
    (!value.is_empty()).then_some(Assignment { name, value, quote, operator, wrapped })
}

/// `SecretStr("`, `new String("`, `Buffer.from('`: the argument is the value.
fn skip_wrapper(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    let _ = cursor.eat(b"new ") || cursor.eat(b"&") || cursor.eat(b"*");
    let mut word = cursor.at;
    let bound = cursor.limit.min(cursor.at + 48);
    while cursor.at < bound {
        match cursor.peek() {
            b if b.is_ascii_alphanumeric() || b == b'_' => cursor.at += 1,
            b'.' | b':' | b'<' | b'>' | b'[' | b']' => {
                cursor.at += 1;
                word = cursor.at;
            }
            _ => break,
        }
    }
    let name = &cursor.text[word..cursor.at];
    if cursor.peek() == b'(' && !name.is_empty() {
        cursor.at += 1;
        cursor.skip_blanks();
        let known = name.eq_ignore_ascii_case(b"byte") || WRAPPERS.iter().any(|known| ends_without_case(name, known));
        if cursor.peek() == b'b' && matches!(cursor.text.get(cursor.at + 1), Some(b'"' | b'\'')) {
            cursor.at += 1;
        }
        if known && matches!(cursor.peek(), b'"' | b'\'' | b'`') {
            return true;
        }
    }
    cursor.at = start;
    false
}

fn ends_without_case(text: &[u8], ending: &[u8]) -> bool {
    text.len() >= ending.len() && text[text.len() - ending.len()..].eq_ignore_ascii_case(ending)
}

fn until(cursor: &mut Cursor<'_>, stop: impl Fn(u8) -> bool) -> Range<usize> {
    let start = cursor.at;
    while cursor.at < cursor.limit && !stop(cursor.text[cursor.at]) {
        cursor.at += 1;
    }
    start..cursor.at
}

/// Up to the closing mark on the same line. A value that does not close is none.
fn quoted(cursor: &mut Cursor<'_>, close: &[u8]) -> Option<Range<usize>> {
    let start = cursor.at;
    let escaped_quote = close[0] == b'\\';
    while cursor.at < cursor.limit {
        if cursor.starts_with(close) {
            let value = start..cursor.at;
            cursor.at += close.len();
            return Some(value);
        }
        match cursor.peek() {
            b'\n' if close.len() != 3 => return None,
            b'\\' if !escaped_quote => cursor.at += 2,
            _ => cursor.at += 1,
        }
    }
    None
}

/// A value without quotes ends at white space or at what closes the construct around it.
fn bare(cursor: &mut Cursor<'_>) -> Range<usize> {
    let start = cursor.at;
    while cursor.at < cursor.limit {
        let byte = cursor.text[cursor.at];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'<' | b'>' | 0 => break,
            b';' | b',' => {
                // `Password=a;b`: a separator ends the value; kept only in the midst of no construct at all.
                break;
            }
            b'&' if next_is_pair(&cursor.text[cursor.at + 1..cursor.limit])
                || cursor.starts_with(b"&quot;")
                || cursor.starts_with(b"&amp;") =>
            {
                break;
            }
            b'|' if cursor.starts_with(b"||") => break,
            b'\\'
                if matches!(
                    cursor.text.get(cursor.at + 1),
                    Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'\n')
                ) =>
            {
                break;
            }
            b')' | b']' | b'}' if !opened(&cursor.text[start..cursor.at], byte) => break,
            _ => cursor.at += 1,
        }
    }
    start..cursor.at
}

/// Whether text such as `name=` follows, as after the `&` of a query.
fn next_is_pair(text: &[u8]) -> bool {
    let name =
        text.iter().take(40).take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// Whether the bracket that `close` closes was opened within the value.
fn opened(value: &[u8], close: u8) -> bool {
    let open = match close {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    };
    value.iter().filter(|&&b| b == open).count() > value.iter().filter(|&&b| b == close).count()
}

fn trim(text: &[u8], value: Range<usize>) -> Range<usize> {
    let slice = &text[value.clone()];
    let start = value.start + slice.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let end = value.end - slice.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(line: &str, keyword: &str) -> Option<String> {
        let start = line.to_ascii_lowercase().find(keyword)?;
        let name = name_around(line.as_bytes(), start..start + keyword.len());
        let found = read(line.as_bytes(), name)?;
        Some(line[found.value].to_owned())
    }

    #[test]
    fn values_are_found_in_every_syntax() {
        for line in [
            r#"password = "V4l!ue-x""#,
            r#"password="V4l!ue-x""#,
            "PASSWORD=V4l!ue-x",
            "password: V4l!ue-x",
            r#""password": "V4l!ue-x","#,
            r#"'password' => 'V4l!ue-x',"#,
            r#":password => "V4l!ue-x""#,
            r#"password := "V4l!ue-x""#,
            r#"var password string = "V4l!ue-x""#,
            r#"const password: string = 'V4l!ue-x';"#,
            r#"let password: &'static str = "V4l!ue-x";"#,
            r#"private static final String PASSWORD = "V4l!ue-x";"#,
            r#"char password[32] = "V4l!ue-x";"#,
            r#"#define PASSWORD "V4l!ue-x""#,
            "<password>V4l!ue-x</password>",
            "<ns:password>V4l!ue-x</ns:password>",
            r#"<add key="Password" value="V4l!ue-x" />"#,
            "- name: DB_PASSWORD\n  value: \"V4l!ue-x\"",
            r#"{"name": "DB_PASSWORD", "value": "V4l!ue-x"}"#,
            r#"setPassword("V4l!ue-x")"#,
            r#"put("password", "V4l!ue-x")"#,
            r#"define('DB_PASSWORD', 'V4l!ue-x');"#,
            "--password V4l!ue-x",
            "--password=V4l!ue-x --other",
            "ENV DB_PASSWORD V4l!ue-x",
            "Server=x;User Id=sa;Password=V4l!ue-x;Encrypt=true",
            r#"{\"password\": \"V4l!ue-x\"}"#,
            r#"password = SecretStr("V4l!ue-x")"#,
            r#"password = b'V4l!ue-x'"#,
            r#"NSString *password = @"V4l!ue-x";"#,
            r#"os.environ["PASSWORD"] = "V4l!ue-x""#,
            r#"os.environ.get("PASSWORD", "V4l!ue-x")"#,
            r#"process.env.PASSWORD || "V4l!ue-x""#,
            r#"ENV["PASSWORD"] || "V4l!ue-x""#,
            "${PASSWORD:-V4l!ue-x}",
            "machine h login u password V4l!ue-x",
            "https://h/x?password=V4l!ue-x&other=1",
            r#"if password == "V4l!ue-x":"#,
            "&quot;password&quot;:&quot;V4l!ue-x&quot;",
            "ALTER USER x PASSWORD 'V4l!ue-x';",
            "requirepass V4l!ue-x",
            "password =\n    \"V4l!ue-x\"",
        ] {
            let keyword = if line.contains("requirepass") { "pass" } else { "password" };
            assert_eq!(value_of(line, keyword).as_deref(), Some("V4l!ue-x"), "{line}");
        }
    }

    #[test]
    fn no_value_where_nothing_is_assigned() {
        for line in [
            "the password is long",
            "password",
            "password)",
            "check(password);",
            "password://x",
            "</password>",
            "password\n",
        ] {
            assert_eq!(value_of(line, "password"), None, "{line}");
        }
    }
}
