//! What of an answer is printed, and how.
//!
//! Owns that nothing in an answer can act on a terminal: JSON escapes what is not visible, other text is escaped on terminals only, because
//! programs want it as it is.

use penstock_common::redact::escape_control;
use serde_json::Value;

use super::Mistake;

/// How answers are printed.
pub(super) struct Output<'a> {
    select: Option<&'a str>,
    terminal: bool,
}

impl<'a> Output<'a> {
    /// `select` is a JSON pointer (RFC 6901).
    pub(super) fn new(select: Option<&'a str>, terminal: bool) -> Result<Self, Mistake> {
        match select {
            Some(pointer) if !pointer.is_empty() && !pointer.starts_with('/') => Err(Mistake::Pointer),
            _ => Ok(Self { select, terminal }),
        }
    }

    /// A value, or what is selected of it.
    pub(super) fn value(&self, value: &Value) -> Result<String, Mistake> {
        let Some(pointer) = self.select else { return Ok(self.json(value) + "\n") };
        let chosen = value.pointer(pointer).ok_or_else(|| Mistake::NothingThere(pointer.to_owned()))?;
        Ok(self.chosen(chosen) + "\n")
    }

    /// All entries of a list as one array, or what is selected of each, one a line.
    pub(super) fn entries(&self, entries: Vec<Value>) -> String {
        match self.select {
            None => self.json(&Value::from(entries)) + "\n",
            Some(pointer) => {
                let line = |entry: &Value| self.chosen(entry.pointer(pointer).unwrap_or(&Value::Null)) + "\n";
                entries.iter().map(line).collect()
            }
        }
    }

    /// What is not JSON.
    pub(super) fn other(&self, body: Vec<u8>) -> Result<Vec<u8>, Mistake> {
        if self.select.is_some() {
            return Err(Mistake::NothingToSelect);
        }
        if !self.terminal {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body);
        Ok(text.lines().map(|line| escape_control(line) + "\n").collect::<String>().into_bytes())
    }

    fn chosen(&self, value: &Value) -> String {
        match value {
            Value::String(text) if self.terminal => escape_control(text),
            Value::String(text) => text.clone(),
            other => self.json(other),
        }
    }

    fn json(&self, value: &Value) -> String {
        let text = if self.terminal { format!("{value:#}") } else { value.to_string() };
        // Serialisation leaves everything from U+007F on as it is; within strings an escape means the same.
        let hidden = |c: char| {
            !matches!(c, ' '..='~' | '\n')
                && (c.is_control() || escape_control(c.encode_utf8(&mut [0; 4])).starts_with('\\'))
        };
        if !text.contains(hidden) {
            return text;
        }
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if hidden(c) {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                escaped.push(c);
            }
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output(select: Option<&str>, terminal: bool) -> Output<'_> {
        Output::new(select, terminal).expect("a pointer")
    }

    #[test]
    fn nothing_in_json_acts_on_a_terminal() {
        let value = json!({"a": "\u{1b}[31m\u{202e}x\u{9b}\u{7f}ä\\", "b": "\n"});
        for terminal in [true, false] {
            let text = output(None, terminal).value(&value).expect("printed");
            assert!(!text.contains(|c: char| c != '\n' && c.is_control()) && !text.contains('\u{202e}'), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).expect("still JSON"), value);
        }
        assert_eq!(output(Some("/a"), true).value(&value).expect("printed"), "\\x1b[31m\\u{202e}x\\xc2\\x9b\\x7fä\\\n");
    }

    #[test]
    fn what_is_selected_is_printed() {
        let value = json!({"name": "main", "links": {"html": {"href": "x"}}, "n": [1, 2]});
        let select = |pointer| output(Some(pointer), false).value(&value);
        assert_eq!(select("/links/html/href").expect("there"), "x\n");
        assert_eq!(select("/n").expect("there"), "[1,2]\n");
        assert!(matches!(select("/no"), Err(Mistake::NothingThere(_))));
        let entries = output(Some("/name"), false).entries(vec![value, json!({})]);
        assert_eq!(entries, "main\nnull\n");
        assert!(matches!(Output::new(Some("name"), false), Err(Mistake::Pointer)));
    }

    #[test]
    fn what_is_not_json_stays_as_it_is_but_on_a_terminal() {
        let body = b"a\x1b[31m\xff\n".to_vec();
        assert_eq!(output(None, false).other(body.clone()).expect("printed"), body);
        assert_eq!(output(None, true).other(body).expect("printed"), "a\\x1b[31m\u{fffd}\n".as_bytes());
    }
}
