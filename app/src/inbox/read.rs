//! Lenient reading of webhooks.
//!
//! Owns the shapes in which webhooks come: plain with the event's name in a header, or in Connect's
//! envelope `{"event": …, "data": …}`. Only ids count, so no text in it can make it unreadable:
//! titles and messages are any bytes that people wrote. The sender was verified before.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Numbers that identify something, which some senders write as text.
const NUMBERS: [&str; 2] = ["/pullrequest/id", "/comment/id"];

/// The event's name and data, from a body that came with this `X-Event-Key`, if it had one; `None`
/// if it is no webhook.
pub(super) fn read(body: &[u8], header: Option<&str>) -> Option<(String, Value)> {
    let Value::Object(mut whole) = serde_json::from_slice(&readable(body)).ok()? else { return None };
    let (event, mut data) = match envelope(&mut whole) {
        Some((event, data)) => (event, data),
        None => (header?.to_owned(), Value::Object(whole)),
    };
    for pointer in NUMBERS {
        if let Some(id) = data.pointer_mut(pointer)
            && let Some(number) = number(id)
        {
            *id = number.into();
        }
    }
    Some((event, data))
}

/// What Connect wraps an event in.
fn envelope(whole: &mut Map<String, Value>) -> Option<(String, Value)> {
    let is_one = whole.get("event").is_some_and(Value::is_string) && whole.get("data").is_some_and(Value::is_object);
    match (is_one.then(|| whole.remove("event"))??, whole.remove("data")?) {
        (Value::String(event), data) => Some((event, data)),
        _ => None,
    }
}

fn number(id: &Value) -> Option<u64> {
    match id {
        Value::String(text) => text.trim().parse().ok(),
        // Such as `7.0`.
        Value::Number(number) if !number.is_u64() => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number));
            whole.map(|number| number as u64)
        }
        _ => None,
    }
}

/// The same JSON made valid: bytes that are not UTF-8, raw control characters and lone surrogates
/// (`\ud800`) become replacement characters.
fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(body);
    let mut out: Option<String> = None;
    // From where on `text` was not copied to `out` yet.
    let (mut copied, mut at, mut is_in_text) = (0, 0, false);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let (length, is_good) = match byte {
            b'"' => {
                is_in_text = !is_in_text;
                (1, true)
            }
            b'\\' if is_in_text => escape(&bytes[at..]),
            0..0x20 if is_in_text => (1, false),
            _ => (1, true),
        };
        if !is_good {
            let out = out.get_or_insert_default();
            out.push_str(&text[copied..at]);
            out.push(char::REPLACEMENT_CHARACTER);
            copied = at + length;
        }
        at += length;
    }
    match (out, text) {
        (Some(mut out), text) => {
            out.push_str(&text[copied..]);
            Cow::Owned(out.into_bytes())
        }
        (None, Cow::Borrowed(_)) => Cow::Borrowed(body),
        (None, Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
    }
}

/// The length of the escape that `bytes` begin with, and whether it is a valid character.
fn escape(bytes: &[u8]) -> (usize, bool) {
    let unit = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match unit(bytes) {
        Some(0xd800..=0xdbff) => match bytes.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (12, true),
            _ => (6, false),
        },
        Some(0xdc00..=0xdfff) => (6, false),
        Some(_) => (6, true),
        // An escape that JSON does not know stays as it is: it is no text then.
        None => (bytes.len().min(2), true),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const UUID: &str = "{02020202-0202-0202-0202-020202020202}";

    /// A webhook about pull request 7, with `title` verbatim in its JSON.
    fn webhook(title: &[u8], in_envelope: bool) -> Vec<u8> {
        let data = [
            format!(r#"{{"repository":{{"uuid":"{UUID}"}},"pullrequest":{{"title":""#).as_bytes(),
            title,
            br#"","id":7}}"#,
        ]
        .concat();
        if in_envelope { [br#"{"data":"#, &*data, br#","event":"pullrequest:created"}"#].concat() } else { data }
    }

    fn ids(read: Option<(String, Value)>) -> Option<(String, Value, Value)> {
        let (event, data) = read?;
        Some((event, data.pointer("/repository/uuid")?.clone(), data.pointer("/pullrequest/id")?.clone()))
    }

    fn expected() -> Option<(String, Value, Value)> {
        Some(("pullrequest:created".to_owned(), json!(UUID), json!(7)))
    }

    #[test]
    fn no_text_loses_a_webhook() {
        let long = "ä".repeat(600_000);
        for title in [
            b"plain".as_slice(),
            b"",
            b"a\\u0000b",
            b"a\0b",
            b"line\nbreak\ttab",
            b"\\ud800",
            b"\\uD83D\\ude00 \\ude00\\ud83d",
            b"\\udfff\\\"",
            b"\\ud800\\n",
            b"\xff\xfe\x80",
            b"\xed\xa0\x80",
            b"\xf0\x9f\x98",
            b"\\\\ud800",
            b"\\\\\\\\",
            long.as_bytes(),
        ] {
            for in_envelope in [false, true] {
                let body = webhook(title, in_envelope);
                let header = (!in_envelope).then_some("pullrequest:created");
                let shown = String::from_utf8_lossy(&title[..title.len().min(20)]).into_owned();
                assert_eq!(ids(read(&body, header)), expected(), "{shown}");
            }
        }
    }

    #[test]
    fn both_shapes_are_known_and_nothing_else() {
        let plain = webhook(b"t", false);
        assert_eq!(read(&plain, None), None, "nothing says which event it is");
        // The body wins over the header: no signature covers either.
        assert_eq!(ids(read(&webhook(b"t", true), Some("repo:push"))), expected());
        let (event, data) = read(br#"{"event": 1, "data": {}}"#, Some("repo:push")).unwrap();
        assert_eq!((event.as_str(), data), ("repo:push", json!({"event": 1, "data": {}})));
        for body in ["", "[]", "7", "{", r#"{"event": "x"#, r#"{"event": "repo:push", "data": []}"#] {
            assert_eq!(read(body.as_bytes(), None), None, "{body}");
        }
    }

    #[test]
    fn numbers_may_come_as_text() {
        for (id, number) in
            [("7", json!(7)), ("\"7\"", json!(7)), ("7.0", json!(7)), ("-7", json!(-7)), ("\"x\"", json!("x"))]
        {
            let body = format!(r#"{{"pullrequest":{{"id":{id}}},"comment":{{"id":{id}}}}}"#);
            let (_, data) = read(body.as_bytes(), Some("pullrequest:updated")).unwrap();
            assert_eq!((&data["pullrequest"]["id"], &data["comment"]["id"]), (&number, &number), "{id}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_text_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            // A quote or a backslash would end the text, or what follows it.
            let title: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\".contains(byte)).collect();
            prop_assert_eq!(ids(read(&webhook(&title, true), None)), expected());
        }

        #[test]
        fn what_is_good_json_stays_as_it_is(text in "\\PC{0,40}") {
            let body = json!({"a": [text.clone(), {"b": text}]}).to_string();
            prop_assert_eq!(&*readable(body.as_bytes()), body.as_bytes());
        }
    }
}
