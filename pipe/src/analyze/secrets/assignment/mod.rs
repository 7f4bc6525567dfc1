//! Finding the value that a name is given, in whatever language.
//!
//! Owns one tolerant reading of "name, operator, value" that covers code, configuration, markup,
//! shell and headers. Where the value ends is decided by [`super::extent`], and whether it is a
//! secret by [`super::judge`]. Everything is bounded: a few hundred bytes around the name, and the
//! longest value after it.

mod after_blank;
mod attribute;
mod cursor;
mod line;
mod opening;
mod operator;
mod value;

use std::ops::Range;

use cursor::Cursor;

use super::extent::{Extent, Notation};

/// A name and what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The whole identifier, as `spring.datasource.password`.
    pub(super) name: Range<usize>,
    /// The value without its quotes, and how far it may go.
    pub(super) extent: Extent,
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
    /// Nothing, and in this notation the value is the whole line.
    Line,
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

/// Bytes of identifiers, including separators within them.
pub(super) fn is_name_byte(byte: u8) -> bool {
    NAME_BYTES[usize::from(byte)]
}

static NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] =
            (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-' | b'.' | b'$') || byte >= 0x80;
        byte += 1;
    }
    table
};

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

impl Assignment {
    /// The value as a parser of the notation reads it.
    pub(super) fn value(&self) -> Range<usize> {
        self.extent.value.clone()
    }
}

/// Reads what follows `name` (an identifier as [`name_around`] gives it). `None` if nothing is
/// assigned there. Adds to `in_vain` the bytes searched for the end of a value that does not end.
pub(super) fn read(text: &[u8], name: Range<usize>, notation: Notation, in_vain: &mut usize) -> Option<Assignment> {
    let mut cursor = Cursor { text, at: name.end, limit: text.len().min(name.end + REACH), notation, in_vain: 0 };
    let before = name.start.checked_sub(1).map_or(0, |at| text[at]);
    if let Some((value, quote)) = attribute::value_of(text, &name) {
        let extent = Extent::exact(value);
        return Some(Assignment { name, extent, quote, operator: Operator::Attribute, wrapped: false });
    }
    let quoted_name = match cursor.peek() {
        b'"' | b'\'' | b'`' | b'\\' | b'&' | b'%' => cursor.eat_quote().is_some(),
        // `"Access key": "…"`: a name of several words, if it began with a quotation mark.
        b' ' if matches!(before, b'"' | b'\'') => finish_quoted_name(&mut cursor, before),
        _ => false,
    };
    if let Some(whole) = line::read(&cursor, &name) {
        return whole;
    }
    let named = Cursor { ..cursor };
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
    let behind_blank = Cursor { ..cursor };
    // In settings files any text after a blank may be a value, even what is an operator elsewhere.
    let operator = match notation {
        Notation::Ini if blank && cursor.peek() != b'=' => after_blank::read(&mut cursor, &name, before, quoted_name),
        _ => operator::read(&mut cursor, &name, before, quoted_name, called, blank),
    };
    let operator = operator.or_else(|| {
        (notation == Notation::Unknown && blank).then(|| {
            cursor = behind_blank;
            after_blank::read(&mut cursor, &name, before, quoted_name)
        })?
    });
    if notation == Notation::Unknown {
        // The unknown path may be one where values are whole lines.
        let found = operator.and_then(|operator| value::read(&mut cursor, name.clone(), operator));
        *in_vain += cursor.in_vain;
        return line::or_rest(&named, &name, found);
    }
    let found = value::read(&mut cursor, name, operator?);
    *in_vain += cursor.in_vain;
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(line: &str, keyword: &str) -> Option<String> {
        let start = line.to_ascii_lowercase().find(keyword)?;
        let name = name_around(line.as_bytes(), start..start + keyword.len());
        let found = read(line.as_bytes(), name, Notation::Code, &mut 0)?;
        Some(line[found.extent.value].to_owned())
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
            r#"<property value="V4l!ue-x" name="hibernate.password"/>"#,
            r#"<meta-data android:name="com.acme.password" android:value="V4l!ue-x"/>"#,
            r#"<string name="password" translatable="false">V4l!ue-x</string>"#,
            "<param-name>password</param-name>\n<param-value>V4l!ue-x</param-value>",
            r#"Dim password As String = "V4l!ue-x""#,
            r#"password { "V4l!ue-x" }"#,
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
            "AUTH <password> (since 6)",
            "${password:?must be set}",
            r#"show-password :placeholder="x""#,
        ] {
            assert_eq!(value_of(line, "password"), None, "{line}");
        }
    }
}
